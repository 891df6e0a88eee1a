"""Whole fits: the exact solution beside other libraries, and LinearRegressor trained by SGD."""

from importlib.util import find_spec
from statistics import median

from .children import answer_of
from .output import print_table

EXACT = [(100000, 100), (1000000, 10)]  # rows, inputs
LABELS = {
    "mxlinreg": "mxlinreg, least_squares",
    "numpy": "NumPy lstsq",
    "sklearn": "scikit-learn LinearRegression",
}


def measure_exact(runs, divisor):
    return [
        {
            "rows": rows // divisor,
            "inputs": num_inputs,
            "seconds": answer_of("exact", rows // divisor, num_inputs, runs),
        }
        for rows, num_inputs in EXACT
    ]


def measure_descent():
    # LinearRegressor builds on scikit-learn, whose data sets are fitted too.
    return answer_of("descent") if find_spec("sklearn") else {}


def print_exact(cases):
    for case in cases:
        print(f"\n### The exact solution: {case['rows']} rows, {case['inputs']} inputs, float64\n")
        rows = [
            [LABELS[name], *(1e3 * value(seconds) for value in (median, min, max))]
            for name, seconds in case["seconds"].items()
        ]
        print_table(["one solution", "ms", "from", "to"], rows)


def print_descent(cases):
    print("\n### LinearRegressor trained by SGD\n")
    rows = [[name, f"{100 * case['excess']:.3f}", case["seconds"]] for name, case in cases.items()]
    print_table(["data set", "above the least MSE, %", "s"], rows)
