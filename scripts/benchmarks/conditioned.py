"""Linear regressions of a known condition number, solved in rational arithmetic."""

import math
from fractions import Fraction

import numpy as np

ROWS, INPUTS = 1000, 10
# The data are multiples of this, so that they are integers in this unit.
UNIT = 2.0**-40


def problem(condition_number):
    """X and y. The centred columns of X have this condition number."""
    random = np.random.RandomState(0)
    centred = random.standard_normal((ROWS, INPUTS))
    columns = np.linalg.qr(centred - centred.mean(axis=0))[0] * math.sqrt(ROWS)
    rotation = np.linalg.qr(random.standard_normal((INPUTS, INPUTS)))[0]
    sizes = np.geomspace(1, 1 / condition_number, INPUTS)
    X = 1 + columns * sizes @ rotation
    y = X @ random.standard_normal(INPUTS) + 4.2 + 0.1 * random.standard_normal(ROWS)
    return np.round(X / UNIT) * UNIT, np.round(y / UNIT) * UNIT


def exact_slopes(X, y):
    """The slopes with an intercept, as Fractions, by the normal equations of centred columns."""
    columns = np.column_stack([X, y]) / UNIT
    integers = columns.astype(np.int64).astype(object)
    assert (integers == columns).all(), "the data are no multiples of UNIT"
    sums = integers.sum(axis=0)
    products = len(X) * (integers.T @ integers) - np.outer(sums, sums)
    rows = [[Fraction(value) for value in row] for row in products[:-1].tolist()]
    return _solve(rows)


def _solve(rows):
    """Gauss-Jordan elimination on a positive definite matrix with a right-hand side."""
    for pivot, row in enumerate(rows):
        rows[pivot] = row = [value / row[pivot] for value in row]
        for i, other in enumerate(rows):
            if i != pivot:
                rows[i] = [a - other[pivot] * b for a, b in zip(other, row)]
    return [row[-1] for row in rows]


def correct_digits(values, exact):
    """The digits of the worst value: its log relative error, from 0 to 15."""
    errors = [abs(Fraction(float(value)) - e) / abs(e) for value, e in zip(values, exact)]
    return min(15.0, max(0.0, -math.log10(max(*errors, 1e-16))))
