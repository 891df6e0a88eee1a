"""How far a training is from the least-squares fit."""

import math
from typing import NamedTuple

import numpy as np

# The fit ends when each coefficient is within this many of its standard errors of the exact one.
STANDARD_ERRORS = 0.1
# A mean squared error below this part of the variance of y counts as none.
NO_ERROR = 1e-18


class Distance(NamedTuple):
    """How far parameters are from the exact ones."""

    excess: float
    """The MSE above the least, in parts of the variance of y, over all outputs."""
    mse_above: float
    """Of the output where it is the largest part of the MSE, that part."""
    standard_errors_off: float
    """Of the coefficient that is farthest off, by its standard error."""

    def is_within(self, tol):
        return self.mse_above <= tol and self.standard_errors_off <= STANDARD_ERRORS


def distance_from_exact(data, label, white, whiten, x_mean, train_bias):
    """A function that tells the `Distance` of w and b.

    In decorrelated columns the gradient is the distance from the exact coefficients, and its
    square the MSE above the least.
    """
    num_rows = len(data)
    variance = np.mean(label**2, axis=0)
    variance[variance == 0] = 1
    varies = (whiten != 0).any(axis=0)
    degrees = num_rows - varies.sum() - 1
    # The first row gives the intercept from the gradient and b, the others the coefficients. Each
    # is divided by its standard error at sigma = 1. The coefficient of a constant column is 0.
    rows = np.vstack([np.append(-x_mean @ whiten, -1), np.pad(whiten, ((0, 0), (0, 1)))])
    if not train_bias:  # the means give the intercept
        rows = rows[1:]
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows /= np.where(largest > 0, largest, 1)  # so that no square overflows or vanishes
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    in_standard_errors = rows * (math.sqrt(num_rows) / np.where(lengths > 0, lengths, 1))

    def distance_of(w, b):
        errors = label - data @ w - b
        gradient = white.T @ errors / num_rows
        excess = np.sum(gradient**2, axis=0) + b**2
        mse = np.mean(errors**2, axis=0)
        mse = np.maximum(mse, NO_ERROR * variance)
        off = np.abs(in_standard_errors @ np.vstack([gradient, b])).max(axis=0)
        sigma = np.sqrt(mse * num_rows / max(degrees, 1))
        return Distance(
            float(np.sum(excess / variance)),
            float(np.max(excess / mse)),
            float(np.max(off / sigma)) if degrees > 0 else 0.0,
        )

    return distance_of
