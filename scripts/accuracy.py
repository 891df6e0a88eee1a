#!/usr/bin/env python
"""Count the correct digits of several libraries on certified regression cases, as Markdown."""

import csv
import json
import math
import warnings
from importlib.metadata import version
from pathlib import Path

from mxlinreg import __version__
from mxlinreg.commands.parsing import Parser, run

CASES = Path(__file__).parent.parent / "tests" / "data" / "nist"
NAMES = {
    "norris": "Norris: a line, 36 rows",
    "noint1": "NoInt1: a line through the origin, 11 rows",
    "longley": "Longley: 6 correlated columns, 16 rows",
    "wampler1": "Wampler1: a polynomial of degree 5, 21 rows",
    "filip": "Filip: a polynomial of degree 10, 82 rows",
}
PACKAGES = "numpy", "scikit-learn", "statsmodels", "mxnet"
PAGE = """\
# Accuracy

How many digits does a library get right? The cases are from the Statistical Reference Datasets of
NIST, which certifies their solutions to 15 digits. The tables count the correct digits (the
negative decimal logarithm of the relative error) of the worst coefficient and the worst standard
error, from 0 to 15. A dash means that the library gives none, or that the certified values are 0.

The powers of the polynomials are rounded to float64 before any library sees them. This alone costs
Filip's coefficients their last seven digits, so no solver can have more than eight there.

![Bars of the correct digits for each case and library](accuracy.png)

This command writes the page, with its numbers in `docs/accuracy.json` and the picture. It needs the
extra `bench`.

```sh
python scripts/accuracy.py --output docs/accuracy.md
```

The versions were {versions}.

{tables}
"""


def make_parser():
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="file to write, with the numbers in a JSON file and a picture beside it (default: "
        "standard output)",
    )
    return parser


def accuracy(args):
    from mxlinreg._files import replacing
    from mxlinreg.plotting import save_figure

    results = measure()
    if args.output is None:
        print(page(results), end="")
        return
    for path, text in (
        (args.output, page(results)),
        (args.output.with_suffix(".json"), json.dumps(results, indent=1) + "\n"),
    ):
        with replacing(path) as temporary:
            Path(temporary).write_text(text, encoding="utf-8")
    save_figure(picture(results), args.output.with_suffix(".png"))


def measure():
    """The versions, and for each case and library the correct digits, None where there are none."""
    methods = {
        "mxlinreg": mxlinreg,
        "NumPy": numpy,
        "scikit-learn": scikit_learn,
        "statsmodels": statsmodels,
    }
    certified = json.loads((CASES / "certified.json").read_text())
    versions = {package: version(package) for package in PACKAGES}
    results = {"versions": {"mxlinreg": __version__, **versions}}
    for part in ("coefficients", "standard_errors"):
        results[part] = {name: {} for name in NAMES}
    for name in NAMES:
        for library, method in methods.items():
            estimates = method(*load(name, certified[name]))
            for part, values in zip(("coefficients", "standard_errors"), estimates):
                results[part][name][library] = digits(values, certified[name][part])
    return results


def page(results):
    """The text of docs/accuracy.md."""
    tables = "\n\n".join(
        table(title, results[part])
        for part, title in (
            ("coefficients", "coefficients"),
            ("standard_errors", "standard errors"),
        )
    )
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    return PAGE.format(versions=versions, tables=tables)


def picture(results):
    """The correct digits of the coefficients: a group of bars for each case."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    cases = results["coefficients"]
    libraries = list(cases["norris"])
    for k, library in enumerate(libraries):
        places = [place + 0.2 * (k - (len(libraries) - 1) / 2) for place in range(len(cases))]
        bars = axes.bar(places, [found[library] for found in cases.values()], 0.19, label=library)
        axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=9)
    axes.set_xticks(range(len(cases)), [NAMES[name].split(":")[0] for name in cases])
    axes.set(ylabel="correct digits of the worst coefficient", ylim=(0, 18))
    axes.legend(ncols=4, loc="upper right")
    return figure


def table(title, cases):
    libraries = list(cases["norris"])
    lines = [f"| {title} | {' | '.join(libraries)} |", "|---|" + "---:|" * len(libraries)]
    for name, found in cases.items():
        cells = (
            "–" if found[library] is None else f"{found[library]:.1f}" for library in libraries
        )
        lines.append(f"| {NAMES[name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def load(name, case):
    import numpy as np

    with open(CASES / f"{name}.csv", newline="") as file:
        columns = np.array(list(csv.reader(file))[1:], dtype=np.float64)
    y, X = columns[:, 0], columns[:, 1:]
    if case["polynomial_degree"] > 1:
        X = np.cumprod(np.repeat(X, case["polynomial_degree"], axis=1), axis=1)
    return X, y, case["intercept"]


def mxlinreg(X, y, intercept):
    import mxlinreg as mlr

    result = mlr.least_squares(X, y, intercept)
    if not intercept:
        return result.coefficients, result.standard_errors
    coefficients = [result.intercept, *result.coefficients]
    return coefficients, [result.intercept_standard_error, *result.standard_errors]


def numpy(X, y, intercept):
    import numpy as np

    A = np.column_stack([np.ones(len(X)), X]) if intercept else X
    return np.linalg.lstsq(A, y, rcond=None)[0], None


def scikit_learn(X, y, intercept):
    from sklearn.linear_model import LinearRegression

    model = LinearRegression(fit_intercept=intercept).fit(X, y)
    return [*([model.intercept_] if intercept else []), *model.coef_], None


def statsmodels(X, y, intercept):
    from statsmodels.api import OLS, add_constant

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = OLS(y, add_constant(X) if intercept else X).fit()
        return result.params, result.bse


def digits(values, certified):
    """The log relative error of the worst value whose certified one is not 0."""
    if values is None or not any(certified):
        return None
    errors = [abs(value - c) / abs(c) for value, c in zip(values, certified) if c]
    return min(15.0, max(0.0, -math.log10(max(*errors, 1e-16))))


if __name__ == "__main__":
    run(make_parser(), accuracy)
