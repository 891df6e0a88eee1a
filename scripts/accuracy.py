#!/usr/bin/env python
"""Count the correct digits of several libraries on certified regression cases, as Markdown."""

import csv
import json
import math
import warnings
from importlib.metadata import version
from pathlib import Path

from mxlinreg.commands.parsing import Parser, run

CASES = Path(__file__).parent.parent / "tests" / "data" / "nist"
NAMES = {
    "norris": "Norris: a line, 36 rows",
    "noint1": "NoInt1: a line through the origin, 11 rows",
    "longley": "Longley: 6 correlated columns, 16 rows",
    "wampler1": "Wampler1: a polynomial of degree 5, 21 rows",
    "filip": "Filip: a polynomial of degree 10, 82 rows",
}


def make_parser():
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="file to write (default: standard output)"
    )
    return parser


def accuracy(args):
    from mxlinreg._files import replacing

    text = report()
    if args.output is None:
        print(text, end="")
    else:
        with replacing(args.output) as path:
            Path(path).write_text(text)


def report():
    methods = mxlinreg, numpy, scikit_learn, statsmodels
    certified = json.loads((CASES / "certified.json").read_text())
    packages = "mxlinreg", "numpy", "scikit-learn", "statsmodels", "mxnet"
    lines = [
        "# Accuracy",
        "",
        "How many digits are correct on cases of the NIST Statistical Reference Datasets, whose",
        "solutions are certified to 15: the log relative error of the worst coefficient and of the",
        "worst standard error (of those not 0), at most 15. A dash: the library tells none.",
        "",
        "The powers of the polynomials are rounded to float64 before any library sees them. This",
        "alone costs Filip's coefficients their last seven digits: no solver has more than eight.",
        "",
        "Made by `python scripts/accuracy.py --output docs/accuracy.md`, with "
        + ", ".join(f"{package} {version(package)}" for package in packages)
        + ".",
        "",
        "| coefficients | mxlinreg | NumPy | scikit-learn | statsmodels |",
        "|---|---:|---:|---:|---:|",
    ]
    rows = {
        name: [method(*load(name, case)) for method in methods] for name, case in certified.items()
    }
    for title, part, key in (
        (None, 0, "coefficients"),
        ("standard errors", 1, "standard_errors"),
    ):
        if title:
            lines += ["", f"| {title} | mxlinreg | NumPy | scikit-learn | statsmodels |"]
            lines += ["|---|---:|---:|---:|---:|"]
        for name in NAMES:
            texts = [digits(result[part], certified[name][key]) for result in rows[name]]
            lines.append(f"| {NAMES[name]} | {' | '.join(texts)} |")
    return "\n".join(lines) + "\n"


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
        return "–"
    errors = [abs(value - c) / abs(c) for value, c in zip(values, certified) if c]
    return f"{min(15.0, max(0.0, -math.log10(max(*errors, 1e-16)))):.1f}"


if __name__ == "__main__":
    run(make_parser(), accuracy)
