"""The distance of a training from the least-squares fit, from the moments of the rows alone."""

from __future__ import annotations

import math
from typing import Callable, NamedTuple

import numpy as np

from ..moments import Moments

# The fit ends when each coefficient is this close to the exact one, in its standard errors.
STANDARD_ERRORS = 0.1
# A mean squared error below this share of the variance of y counts as 0.
NO_ERROR = {"float64": 1e-18, "float32": 1e-10}
# Neither can coefficients be nearer to the exact ones than this many rounding errors.
ROUNDINGS = 2


class Distance(NamedTuple):
    """The distance of parameters from the exact ones."""

    excess: float
    """The MSE minus the least possible, as a share of the variance of y, summed over outputs."""
    mse_above: float
    """The MSE minus the least possible, as a share of the MSE; the largest over the outputs."""
    standard_errors_off: float
    """The largest distance of a coefficient from the exact one, in its standard errors."""
    r2: float
    """The share of the variance of y that the fit explains; the least over the outputs. NaN if
    all outputs are constant."""

    def is_within(self, tol: float) -> bool:
        return self.mse_above <= tol and self.standard_errors_off <= STANDARD_ERRORS


def distance_from_exact(
    moments: Moments,
    whiten: np.ndarray,
    standardize: bool,
    y_scale: float,
    train_bias: bool,
    dtype: str,
) -> Callable[[np.ndarray, np.ndarray], Distance]:
    """A function that returns the `Distance` of w and b.

    In decorrelated columns the gradient is the difference from the exact coefficients, and its
    square is the excess of the MSE over the least possible. The triangular factor of all rows has
    the same products as the rows, and so gives the same gradient and the same MSE. Unlike the
    products, it keeps all digits, so that an MSE of 0 is recognised.

    Parameters
    ----------
    moments : Moments
        The `triangular_moments` of X and y.
    whiten : array of shape (d, d)
        The map that decorrelates X's columns, from `whitening`.
    standardize : bool
        Whether w belongs to the decorrelated columns, or to the columns of X.
    y_scale : float
        The unit of y in which w and b are trained.
    train_bias : bool
        Whether the model has an intercept of its own; else the means give it.
    dtype : {"float32", "float64"}
        The dtype of w and b, which limits how near they can come.
    """
    d = len(whiten)
    data, label = np.split(moments.products / math.sqrt(moments.weight), [d], axis=1)
    white, label = data @ whiten, label / y_scale
    if standardize:
        data = white
    variance = np.sum(label**2, axis=0)
    varies = variance > 0
    variance[~varies] = 1
    # An MSE below this counts as 0. With float32 it grows with the rows, as standard errors shrink.
    rounding = ROUNDINGS * np.finfo(dtype).eps / STANDARD_ERRORS
    no_error = max(NO_ERROR[dtype], moments.rows * rounding**2) * variance
    degrees = moments.rows - (whiten != 0).any(axis=0).sum() - 1
    # The first row maps the gradient and b to the error of the intercept, the others to those of
    # the coefficients. Each is divided by its standard error for sigma = 1. The coefficient of a
    # constant column is 0.
    rows = np.vstack([np.append(-moments.mean[:d] @ whiten, -1), np.pad(whiten, ((0, 0), (0, 1)))])
    if not train_bias:  # the means give the intercept
        rows = rows[1:]
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows /= np.where(largest > 0, largest, 1)  # keeps squares from over- and underflowing
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    in_standard_errors = rows * (math.sqrt(moments.rows) / np.where(lengths > 0, lengths, 1))

    def distance_of(w, b):
        errors = label - data @ w
        gradient = white.T @ errors
        excess = np.sum(gradient**2, axis=0) + b**2
        mse = np.sum(errors**2, axis=0) + b**2
        r2 = np.min(1 - mse / variance)  # 1 for a constant output
        mse = np.maximum(mse, no_error)
        off = np.abs(in_standard_errors @ np.vstack([gradient, b])).max(axis=0)
        sigma = np.sqrt(mse * moments.rows / max(degrees, 1))
        return Distance(
            float(np.sum(excess / variance)),
            float(np.max(excess / mse)),
            float(np.max(off / sigma)) if degrees > 0 else 0.0,
            float(r2) if varies.any() else math.nan,
        )

    return distance_of
