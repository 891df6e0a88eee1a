"""What a saved model, a printed table and predictions should hold."""

from io import StringIO

import numpy as np
import pandas as pd

import mxlinreg as mlr

from .encoding import matrix


def coefficients(model, encoding, kept):
    """The model's coefficients for the columns of the encoding, or the first that differs.

    The model may lack columns that are not `kept`.
    """
    given, w = list(zip(model.columns, model.w[:, 0])), []
    for name, is_kept in zip(encoding.names, kept):
        own = given[0][0] if given else None
        if own is not None and (own.lower() == name.lower() or is_gap(name, own, encoding.names)):
            w.append(given.pop(0)[1])
        elif is_kept:
            return f"the columns differ: {own!r} where {name!r} was expected"
        else:
            w.append(0.0)
    if given:
        return f"the columns differ: {given[0][0]!r} was not expected"
    return np.array(w, dtype=float)


def is_gap(name, own, names):
    return name.endswith("=") and own.startswith(name) and own not in names


def check_fit(outcome, path, encoding, solution, best=None):
    """The figures of a fit, and what is wrong with it. An exact fit should be the `best`."""
    model = mlr.load_model(path)
    figures = {"seconds": outcome.seconds, "warned": "converge" in outcome.stderr}
    w, b = coefficients(model, encoding, solution.kept), float(model.b[0])
    if isinstance(w, str):
        return figures, [w]
    wrong = list(check_metrics(model.metrics, w, b, encoding))
    above, off = distance(w, b, encoding, solution)
    expected = solution.kept & (np.abs(solution.w) > 1e-9 * scale_of(encoding))
    other = np.flatnonzero(np.where(w == 0, expected, ~solution.kept))
    if len(other):
        wrong.append(
            f"{encoding.names[other[0]]!r} and {len(other) - 1} more are 0 or not, unlike here"
        )
        off = None
    figures.update(above=above, off=off)
    if best is None:
        if not figures["warned"] and (above > 0.1 or (off or 0) > 0.1):
            wrong.append(
                f"not converged, and no warning: MSE {above:.2g} % above the least, "
                f"a coefficient {off or np.nan:.2g} standard errors off"
            )
    elif not len(other):
        error = error_of_coefficients(w, b, encoding, best)
        figures.update(error=error, error_is_rounding=error <= 1e-9 + best.accuracy)
        if not figures["error_is_rounding"]:
            wrong.append(f"a coefficient is off by {error:.2g} of its size")
    misprint = check_printed(outcome.stdout, model, encoding, solution)
    figures["printed"] = misprint is None
    return figures, wrong + [misprint] * (misprint is not None)


def scale_of(encoding):
    """The sizes that coefficients may have by the spread of the columns and of y."""
    spread = encoding.X.std(axis=0)
    return encoding.y.std() / np.where(spread > 0, spread, 1)


def check_metrics(metrics, w, b, encoding):
    """Yield what is wrong with a model's metrics."""
    for name, (X, y) in (("training", (encoding.X, encoding.y)), ("validation", encoding.held_out)):
        mse = ((y - X @ w - b) ** 2).mean() if len(y) else None
        found = metrics.get(name, {"rows": 0})
        if found["rows"] != len(y):
            yield f"{found['rows']} {name} rows, not {len(y)}"
        elif len(y) and found["mse"] is None:
            yield f"the {name} MSE is {mse:.9g}, not undefined"
        elif len(y) and not np.isclose(found["mse"], mse, 1e-6, 1e-15 * (y**2).mean()):
            yield f"the {name} MSE is {mse:.9g}, not {found['mse']:.9g}"
        if name == "training" and mse > y.var() * (1 + 1e-9) + 1e-15 * (y**2).mean():
            yield f"worse than the mean: MSE {mse:.6g}, variance {y.var():.6g}"


def distance(w, b, encoding, solution):
    """How far a fit is off: its MSE in per cent, and its coefficients in standard errors."""
    X, y, kept = encoding.X, encoding.y, solution.kept
    mse = ((y - X @ w - b) ** 2).mean()
    least = max(solution.mse, 1e-15 * y.var(), 1e-300)  # without noise only rounding is left
    errors = solution.errors[kept] * np.sqrt(least / max(solution.mse, 1e-300))
    off = np.abs(w - solution.w)[kept] / errors
    return 100 * (mse - solution.mse) / least, None if np.isnan(off).any() else off.max(initial=0)


def error_of_coefficients(w, b, encoding, best):
    """The largest error of the coefficients, relative to their size and the columns' scales."""
    X, y, kept = encoding.X, encoding.y, best.kept
    errors = np.abs(w - best.w) / (np.abs(best.w) + scale_of(encoding) + 1e-300)
    terms = abs(best.b) + np.abs(X.mean(axis=0)) @ np.abs(best.w) + y.std() + 1e-300
    return max(errors[kept].max(initial=0), abs(b - best.b) / terms)


def check_printed(text, model, encoding, solution):
    """What is wrong with the coefficients that a command printed, or None."""
    shown = printed(text, [*model.columns, "(intercept)"])
    if isinstance(shown, str):
        return f"no coefficient of {shown!r} is printed"
    if len(model.columns) != len(encoding.names):
        return None
    off = np.abs(encoding.X @ (shown[:-1] - model.w[:, 0]) + shown[-1] - model.b[0]).max()
    deviation = np.nan_to_num(solution.deviation)
    if off > deviation / 100 + 1e-9 * np.abs(encoding.y).max():
        return f"by the printed coefficients predictions are {off / (deviation or 1):.2g} sd off"
    return None


def printed(text, names):
    """The coefficients in a printed table, or the name of one that it lacks."""
    lines, found = text[text.find("\ncolumn") + 1 :].splitlines(), []
    for name in names:
        rests = [line[len(name) :] for line in lines if line.startswith(name + " ")]
        rests += [after for line, after in zip(lines, lines[1:]) if line.strip() == name.strip()]
        numbers = [[as_number(word) for word in rest.split()] for rest in rests]
        numbers = [row[0] for row in numbers if row and None not in row]
        if not numbers:
            return name
        found.append(numbers[0])
    return np.array(found)


def as_number(word):
    try:
        return 0.0 if word in ("–", "-") else float(word.lstrip("<"))
    except ValueError:
        return None


def check_predictions(outcome, rows, encoding, path):
    """What is wrong with the predictions for rows of text."""
    model, (X, known) = mlr.load_model(path), matrix(rows, encoding.features)
    w = coefficients(model, encoding, np.zeros(len(encoding.names)))
    if isinstance(w, str):
        return [w]
    expected = np.where(known, X @ w + model.b[0], np.nan)
    given = pd.read_csv(StringIO(outcome.stdout), skip_blank_lines=False).iloc[:, 0].to_numpy(float)
    if len(given) != len(expected):
        return [f"{len(given)} predictions for {len(expected)} rows"]
    size = np.abs(np.nan_to_num(X)) @ np.abs(w) + abs(model.b[0])
    bad = ~((np.abs(given - expected) <= 1e-9 * size) | (np.isnan(given) & np.isnan(expected)))
    if bad.any():
        i = bad.argmax()
        return [f"{bad.sum()} predictions differ, in row {i + 1}: {given[i]} not {expected[i]}"]
    return []
