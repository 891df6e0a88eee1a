"""Means and products of columns, gathered block by block."""

from typing import NamedTuple, Optional

import numpy as np

_BLOCK = 2048  # rows; QR of blocks in the cache takes a quarter of the time of one of all rows


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


def column_moments(block):
    """Of each column: rows, mean, sum of the squares around it, least, largest."""
    mean = block.mean(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = ((block - mean) ** 2).sum(axis=0)
    rows = np.full(len(mean), float(len(block)))
    return np.stack([rows, mean, squares, block.min(axis=0), block.max(axis=0)])


def merged(a, b):
    """The moments of two sets of rows together."""
    if a[0, 0] == 0 or b[0, 0] == 0:
        return a if b[0, 0] == 0 else b
    rows = a[0] + b[0]
    with np.errstate(over="ignore", invalid="ignore"):
        between = b[1] - a[1]
        squares = a[2] + b[2] + between**2 * (a[0] * b[0] / rows)
    low, high = np.minimum(a[3], b[3]), np.maximum(a[4], b[4])
    return np.stack([rows, a[1] + between * (b[0] / rows), squares, low, high])
