"""Decorrelate columns."""

from typing import Tuple

import numpy as np

from .merge import Moments

EPSILON = np.finfo(np.float64).eps
# A column or direction that varies by at most this many rounding errors counts as constant.
ROUNDINGS = 32


def whitening(moments: Moments, num_columns: int) -> Tuple[np.ndarray, np.ndarray]:
    """The map that decorrelates the first columns of a table and gives them mean square 1.

    Gradient descent then converges at the same rate in every direction of the data (LeCun, Bottou,
    Orr & Müller, "Efficient BackProp", 1998, section 4.3).

    Parameters
    ----------
    moments : Moments, from `triangular_moments`
    num_columns : int
        d, the number of columns to decorrelate.

    Returns
    -------
    whiten : array of shape (d, r)
        The map. The columns of ``(X - mean) @ whiten`` have mean square 1 and mean products 0.
        For directions in which the data do not vary, they are 0.
    unwhiten : array of shape (r, d)
        The pseudo-inverse of `whiten` for columns scaled to equal length.
    """
    factor, mean = moments.products[:, :num_columns], moments.mean[:num_columns]
    largest = np.abs(factor).max(axis=0)
    largest[largest == 0] = 1
    # In units of the largest number, squares neither overflow nor underflow.
    size = largest * np.linalg.norm(factor / largest, axis=0)
    constant = size <= ROUNDINGS * EPSILON * np.sqrt(moments.weight) * np.abs(mean)
    size[constant] = 1
    scaled = np.where(constant, 0, factor / size)
    _, spread, directions = np.linalg.svd(scaled, full_matrices=False)
    # A direction varies only if its spread exceeds the rounding of the means and of the factor.
    rounding = np.abs(mean) * np.sqrt(moments.weight) / size
    noise = ROUNDINGS * np.linalg.norm(directions * rounding, axis=1)
    varies = spread > np.maximum(noise, spread[0] * max(moments.rows, len(size))) * EPSILON
    spread = spread / np.sqrt(moments.weight)
    with np.errstate(divide="ignore"):
        whiten = directions.T * np.where(varies, 1 / spread, 0) / size[:, None]
    whiten[constant] = 0
    unwhiten = np.where(varies, spread, 0)[:, None] * directions * size
    return whiten, unwhiten
