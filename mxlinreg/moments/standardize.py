"""Standardize the columns of real data, and convert a fit back to their units."""

from typing import Any, Sequence, Tuple

import numpy as np

from .._checks import is_ndarray


def standardize(X: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give each column mean 0 and standard deviation 1.

    Parameters
    ----------
    X : array of shape (n, d)
        Finite numbers, in at least one row.

    Returns
    -------
    scaled : array of shape (n, d), float64
    mean, scale : array of shape (d,), float64
        The columns' means and scales: ``X = mean + scale * scaled``. A constant column has scale
        0 and is 0 in `scaled`.

    Raises
    ------
    ValueError
        If the difference between two values of a column overflows float64.
    """
    X = np.asarray(X, dtype=np.float64)
    least, largest = X.min(axis=0), X.max(axis=0)
    constant = least == largest
    # Dividing by the largest value keeps sums from overflowing and squares from underflowing.
    size = np.maximum(np.abs(least), np.abs(largest))
    size[size == 0] = 1
    mean = np.where(constant, least, np.mean(X / size, axis=0) * size)
    with np.errstate(over="ignore"):
        centred = X - mean
    spread = np.abs(centred).max(axis=0)
    if not np.isfinite(spread).all():
        raise ValueError(
            f"X: differences within columns {np.flatnonzero(~np.isfinite(spread)).tolist()} "
            "overflow float64; rescale them"
        )
    spread[constant] = 1
    centred /= spread
    deviation = np.sqrt(np.mean(centred**2, axis=0))
    deviation[constant] = 1
    return centred / deviation, mean, np.where(constant, 0, spread * deviation)


def unstandardize(
    params: Sequence[Any],
    X_mean: np.ndarray,
    X_scale: np.ndarray,
    y_mean: np.ndarray,
    y_scale: np.ndarray,
) -> Tuple[np.ndarray, np.ndarray]:
    """Convert parameters fitted to standardized data to the units of the data.

    Parameters
    ----------
    params : [w, b]
        NDArrays or NumPy arrays of shape (d, k) and (k,).
    X_mean, X_scale : array of shape (d,)
    y_mean, y_scale : array of shape (k,)
        The means and scales from `standardize`.

    Returns
    -------
    w : array of shape (d, k), float64
        The weights; the row of a constant column is 0.
    b : array of shape (k,), float64

    Raises
    ------
    ValueError
        If w or b is not finite in these units.
    """
    arrays = (param.asnumpy() if is_ndarray(param) else param for param in params)
    w, b = (np.array(array, dtype=np.float64) for array in arrays)
    varies = X_scale > 0
    with np.errstate(over="ignore", invalid="ignore"):
        w[varies] *= y_scale / X_scale[varies, None]
        w[~varies] = 0
        b = y_mean + b * y_scale - X_mean @ w
    if not (np.isfinite(w).all() and np.isfinite(b).all()):
        raise ValueError("X: the coefficients overflow in its units; scale its smallest columns up")
    return w, b
