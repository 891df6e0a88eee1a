"""Least squares, written once more: in extended precision, and in rational arithmetic."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

EXTENDED, RATIONAL = 1e8, 3e5  # the largest rows times columns squared to work out so
DEPENDENT = 1e-12  # of a column's length: a shorter rest is rounding


class Solution(NamedTuple):
    """Least squares. Columns that depend on earlier ones have coefficient 0."""

    w: np.ndarray
    b: float
    kept: np.ndarray
    errors: np.ndarray
    """Standard errors; NaN without degrees of freedom, and of columns that are not kept."""
    mse: float
    deviation: float
    """The residual standard deviation; NaN without degrees of freedom."""
    condition: float
    accuracy: float
    """The relative error that rounding may cause in w."""


def least_squares(X, y):
    """Orthogonalise column after column, in extended precision where that is quick."""
    dtype = np.longdouble if X.size * X.shape[1] <= EXTENDED else np.float64
    (n, d), A = X.shape, X.astype(dtype)
    y_mean, mean, sizes = y.astype(dtype).mean(), A.mean(axis=0), np.sqrt((A**2).sum(axis=0))
    A -= mean
    lengths = np.sqrt((A**2).sum(axis=0))
    scales = np.where(lengths > 0, lengths, 1)
    Q, R, kept = np.empty((min(n - 1, d), n), dtype), np.zeros((d, d), dtype), []
    for j in range(d):
        rest, r = A[:, j] / scales[j], len(kept)
        if r == n - 1:
            break
        for _ in range(2):
            parts = Q[:r] @ rest
            rest = rest - parts @ Q[:r]
            R[:r, r] += parts
        R[r, r] = np.sqrt(rest @ rest)
        if R[r, r] * scales[j] > DEPENDENT * sizes[j]:
            Q[r] = rest / R[r, r]
            kept.append(j)
        else:
            R[: r + 1, r] = 0
    r = len(kept)
    Q, R, scales = Q[:r], R[:r, :r], scales[kept]
    w, right = np.zeros(r, dtype), Q @ (y - y_mean)
    for i in reversed(range(r)):
        w[i] = (right[i] - R[i, i + 1 :] @ w[i + 1 :]) / R[i, i]
    w /= scales
    residuals = y - y_mean - A[:, kept] @ w
    rest = float(residuals @ residuals)
    deviation = np.sqrt(rest / (n - 1 - r)) if n - 1 > r else np.nan
    all_w, errors = np.zeros(d), np.full(d, np.nan)
    all_w[kept] = w
    errors[kept] = deviation * np.linalg.norm(np.linalg.inv(R.astype(float)), axis=1) / scales
    condition = np.linalg.cond(R.astype(float)) if r else 1.0
    return Solution(
        w=all_w,
        b=float(y_mean - mean[kept] @ w),
        kept=np.isin(np.arange(d), kept),
        errors=errors,
        mse=rest / n,
        deviation=float(deviation),
        condition=condition,
        accuracy=100 * float(np.finfo(dtype).eps) * condition,
    )


def is_small(num_rows, num_columns):
    """Whether rational arithmetic is quick."""
    return num_columns <= 12 and num_rows * num_columns**2 <= RATIONAL


def rational(X, y, solution):
    """The solution with the same columns, from the normal equations in rational arithmetic."""
    kept = np.flatnonzero(solution.kept)
    *inputs, output = [whole(column) for column in (*X.T[kept], np.ones(len(X)), y)]
    rows = [[Fraction(dot(a, b)) for _, b in (*inputs, output)] for _, a in inputs]
    for i in range(len(rows)):
        pivot = rows[i] = [value / rows[i][i] for value in rows[i]]
        for k, row in enumerate(rows):
            if k != i:
                rows[k] = [value - row[i] * p for value, p in zip(row, pivot)]
    *values, b = [float(row[-1] * scale / output[0]) for row, (scale, _) in zip(rows, inputs)]
    w = np.zeros(X.shape[1])
    w[kept] = values
    return solution._replace(w=w, b=b, accuracy=0.0)


def whole(column):
    """A power of two, and the column times it as integers."""
    ratios = [value.as_integer_ratio() for value in column.tolist()]
    scale = max(below for _, below in ratios)
    return scale, [above * (scale // below) for above, below in ratios]


def dot(a, b):
    return sum(p * q for p, q in zip(a, b))
