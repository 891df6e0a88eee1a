"""The distance of a training from the least-squares fit."""

import math
from typing import NamedTuple

import numpy as np

# The fit ends when each coefficient is this close to the exact one, in its standard errors.
STANDARD_ERRORS = 0.1
# A mean squared error below this share of the variance of y counts as 0.
NO_ERROR = 1e-18


class Distance(NamedTuple):
    """The distance of parameters from the exact ones."""

    excess: float
    """The MSE minus the least possible, as a share of the variance of y, summed over outputs."""
    mse_above: float
    """The MSE minus the least possible, as a share of the MSE; the largest over the outputs."""
    standard_errors_off: float
    """The largest distance of a coefficient from the exact one, in its standard errors."""

    def is_within(self, tol):
        return self.mse_above <= tol and self.standard_errors_off <= STANDARD_ERRORS


def distance_from_exact(data, label, white, whiten, x_mean, train_bias):
    """A function that returns the `Distance` of w and b.

    In decorrelated columns the gradient is the difference from the exact coefficients, and its
    square is the excess of the MSE over the least possible.
    """
    num_rows = len(data)
    variance = np.mean(label**2, axis=0)
    variance[variance == 0] = 1
    varies = (whiten != 0).any(axis=0)
    degrees = num_rows - varies.sum() - 1
    # The first row maps the gradient and b to the error of the intercept, the others to those of
    # the coefficients. Each is divided by its standard error for sigma = 1. The coefficient of a
    # constant column is 0.
    rows = np.vstack([np.append(-x_mean @ whiten, -1), np.pad(whiten, ((0, 0), (0, 1)))])
    if not train_bias:  # the means give the intercept
        rows = rows[1:]
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows /= np.where(largest > 0, largest, 1)  # keeps squares from over- and underflowing
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
