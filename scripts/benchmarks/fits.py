"""Whole fits: the exact solution beside other libraries, and LinearRegressor trained by SGD."""

from importlib.util import find_spec

from .children import answer_of
from .output import ratios, spread, table

SHAPES = [(100000, 100), (1000000, 10), (20000, 1000), (100, 3)]  # rows, inputs
CONDITION_NUMBERS = [1e1, 1e4, 1e7]
LABELS = {
    "mxlinreg": "mxlinreg `least_squares`",
    "normal_equations": "NumPy, normal equations",
    "sklearn_ridge": 'scikit-learn `Ridge(alpha=0, solver="cholesky")`',
    "numpy": "NumPy `lstsq`",
    "scipy": "SciPy `lstsq`, gelsy",
    "sklearn": "scikit-learn `LinearRegression(tol=1e-15)`",
    "torch": "PyTorch `linalg.lstsq`",
    "statsmodels": "statsmodels `OLS`",
}
# The module that a solver needs beside NumPy.
MODULES = {
    "sklearn_ridge": "sklearn",
    "scipy": "scipy",
    "sklearn": "sklearn",
    "torch": "torch",
    "statsmodels": "statsmodels",
}


def find_solvers():
    """The solvers that can run, and the modules that are missing."""
    missing = {module for module in MODULES.values() if find_spec(module) is None}
    return [name for name in LABELS if MODULES.get(name) not in missing], sorted(missing)


def measure_exact(settings):
    names, missing = find_solvers()
    for module in missing:
        print(f"left out of the exact solution: {module} is not installed")
    return {
        "shapes": [
            {
                "rows": rows // settings.divisor,
                "inputs": num_inputs,
                "seconds": answer_of(
                    "exact", rows // settings.divisor, num_inputs, names, settings.runs
                ),
            }
            for rows, num_inputs in SHAPES
            if rows // settings.divisor > num_inputs
        ],
        "digits": [
            {"condition_number": number, "digits": answer_of("digits", number, names)}
            for number in CONDITION_NUMBERS
        ],
    }


def exact_tables(results):
    shapes, digits = results["shapes"], results["digits"]
    names = digits[0]["digits"]
    titles = [f"{shape['rows']} × {shape['inputs']}" for shape in shapes]
    numbers = [f"digits at {case['condition_number']:.0e}".replace("e+0", "e") for case in digits]
    rows = [
        [
            LABELS[name],
            *(cell(shape["seconds"][name], 1e3) for shape in shapes),
            *(f"{case['digits'][name]:.1f}" for case in digits),
        ]
        for name in names
    ]
    times = table(["ms (quartiles)", *titles, *numbers], rows)
    rows = [
        [
            LABELS[name],
            *(cell(ratios(s["seconds"][name], s["seconds"]["mxlinreg"])) for s in shapes),
        ]
        for name in names
        if name != "mxlinreg"
    ]
    return f"{times}\n\n{table(['times `least_squares` (quartiles)', *titles], rows)}"


def cell(values, factor=1.0):
    middle, quarters = spread(values, factor)
    return f"{middle} ({quarters})"


def measure_descent(settings):
    if not find_spec("sklearn"):
        print("left out: LinearRegressor, because scikit-learn is not installed")
        return {}
    return answer_of("descent", settings.runs)


def descent_tables(cases):
    rows = [
        [name, f"{100 * case['excess']:.4f}", *spread(case["seconds"], 1e3)]
        for name, case in cases.items()
    ]
    return table(["data set", "above the least MSE, %", "ms", "quartiles"], rows)
