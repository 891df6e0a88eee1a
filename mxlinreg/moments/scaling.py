"""Standardise the columns of real data, and put a fit back into their units; decorrelate them
where they come in blocks."""

from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .._mxnet import nd

_BLOCK = 2048  # rows; QR of blocks in the cache takes a quarter of the time of one of all rows
_EPS = np.finfo(np.float64).eps
_NOISE = 32  # roundings: a column, or direction, that varies by no more counts as constant


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
    params: Sequence["nd.NDArray"],
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


class Moments(NamedTuple):
    """What `add_rows` has gathered from the rows of some table with d columns."""

    rows: int
    weight: float  # the sum of the rows' weights
    mean: np.ndarray  # (d,)
    factor: np.ndarray  # (at most d, d): factor.T @ factor is the centred table's A.T W A


def add_rows(
    moments: Optional[Moments], table: np.ndarray, weight: np.ndarray, centre: bool = True
) -> Moments:
    """Take more rows into the weighted means and products of a table's columns.

    The products are kept as a triangular factor, by QR, which keeps the digits that squares
    lose; means are brought together as in Chan, Golub & LeVeque (1983).

    Parameters
    ----------
    moments : Moments, or None for the first rows
    table : array of shape (n, d), float64
    weight : array of shape (n,), float64
        Above 0.
    centre : bool
        False takes products about 0, and leaves the mean 0.
    """
    num_columns = table.shape[1]
    if moments is None:
        moments = Moments(0, 0.0, np.zeros(num_columns), np.zeros((0, num_columns)))
    step = max(_BLOCK, 2 * num_columns)
    for start in range(0, len(table), step):
        block, weights = table[start : start + step], weight[start : start + step]
        rows, old_weight, mean, factor = moments
        added = float(weights.sum())
        total = old_weight + added
        parts = [factor]
        if centre:
            block_mean = weights @ block / added
            block, shift = block - block_mean, block_mean - mean
            mean = mean + shift * (added / total)
            parts.append(np.sqrt(old_weight * (added / total)) * shift[None])
        parts.append(np.sqrt(weights)[:, None] * block)
        factor = np.linalg.qr(np.concatenate(parts), mode="r")
        moments = Moments(rows + len(block), total, mean, factor)
    return moments


def whitening(moments: Moments, num_columns: int) -> Tuple[np.ndarray, np.ndarray]:
    """The map that decorrelates the first columns of a table and gives them mean square 1.

    So every direction of the data converges at the same pace (LeCun, Bottou, Orr & Müller,
    Efficient BackProp, 1998, section 4.3).

    Returns
    -------
    whiten : array of shape (d, r)
        ``(X - mean) @ whiten`` has the identity as its mean square, but for columns of 0 in
        place of the directions in which the data do not vary.
    unwhiten : array of shape (r, d)
        Its pseudo-inverse in the scale of the columns.
    """
    factor, mean = moments.factor[:, :num_columns], moments.mean[:num_columns]
    largest = np.abs(factor).max(axis=0)
    largest[largest == 0] = 1
    size = largest * np.linalg.norm(factor / largest, axis=0)  # no square overflows, or is lost
    constant = size <= _NOISE * _EPS * np.sqrt(moments.weight) * np.abs(mean)
    size[constant] = 1
    scaled = np.where(constant, 0, factor / size)
    _, spread, directions = np.linalg.svd(scaled, full_matrices=False)
    # A direction varies if by more than the rounding of values as large as the means, and of QR.
    rounding = np.abs(mean) * np.sqrt(moments.weight) / size
    noise = _NOISE * np.linalg.norm(directions * rounding, axis=1)
    varies = spread > np.maximum(noise, spread[0] * max(moments.rows, len(size))) * _EPS
    spread = spread / np.sqrt(moments.weight)
    with np.errstate(divide="ignore"):
        whiten = directions.T * np.where(varies, 1 / spread, 0) / size[:, None]
    whiten[constant] = 0
    unwhiten = np.where(varies, spread, 0)[:, None] * directions * size
    return whiten, unwhiten
