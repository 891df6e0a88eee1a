"""Standardise the columns of real data, and put a fit back into their units."""

from typing import Any, Sequence, Tuple

import numpy as np


def standardise(X: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give each column mean 0 and standard deviation 1.

    Parameters
    ----------
    X : array of shape (n, d)
        Finite numbers.

    Returns
    -------
    scaled : array of shape (n, d), float64
    mean, scale : array of shape (d,), float64
        ``X = mean + scale * scaled``. A constant column has scale 0, and is 0 in `scaled`.

    Raises
    ------
    ValueError
        If a column's values lie too far apart for float64.
    """
    X = np.asarray(X, dtype=np.float64)
    # Means of fractions of the largest size, so that neither sum nor square overflows.
    size = np.abs(X).max(axis=0)
    size[size == 0] = 1
    mean = np.mean(X / size, axis=0) * size
    with np.errstate(over="ignore"):
        centred = X - mean
    constant = X.max(axis=0) == X.min(axis=0)
    mean[constant], centred[:, constant] = X[0, constant], 0
    spread = np.abs(centred).max(axis=0)
    if not np.isfinite(spread).all():
        raise ValueError(
            f"X: the values of columns {np.flatnonzero(~np.isfinite(spread))} overflow"
        )
    spread[constant] = 1
    centred /= spread
    deviation = np.sqrt(np.mean(centred**2, axis=0))
    deviation[constant] = 1
    scale = spread * deviation
    scale[constant] = 0
    return centred / deviation, mean, scale


def fold(
    params: Sequence[Any],
    X_mean: np.ndarray,
    X_scale: np.ndarray,
    y_mean: np.ndarray,
    y_scale: np.ndarray,
) -> Tuple[np.ndarray, np.ndarray]:
    """Put parameters fitted to standardised data back into the units of the data.

    Parameters
    ----------
    params : [w, b]
        NDArrays of shape (d, k) and (k,).
    X_mean, X_scale : array of shape (d,)
    y_mean, y_scale : array of shape (k,)
        As `standardise` gives them.

    Returns
    -------
    w : array of shape (d, k), float64
        0 in the row of a constant column.
    b : array of shape (k,), float64

    Raises
    ------
    ValueError
        If they are not finite in these units.
    """
    w, b = (param.asnumpy().astype(np.float64) for param in params)
    varies = X_scale > 0
    with np.errstate(over="ignore", invalid="ignore"):
        w[varies] *= y_scale / X_scale[varies, None]
        w[~varies] = 0
        b = y_mean + b * y_scale - X_mean @ w
    if not (np.isfinite(w).all() and np.isfinite(b).all()):
        raise ValueError("X: the coefficients overflow in its units; scale its smallest columns up")
    return w, b
