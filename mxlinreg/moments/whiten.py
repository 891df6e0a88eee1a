"""Decorrelate columns."""

from typing import Tuple

import numpy as np

from .accumulate import Moments

_EPS = np.finfo(np.float64).eps
_NOISE = 32  # roundings: a column, or direction, that varies by no more counts as constant


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
