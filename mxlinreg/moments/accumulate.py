"""Weighted means and products of columns, accumulated block by block."""

from typing import Iterable, Iterator, Optional, Sequence

import numpy as np

from .merge import Moments
from .triangular import Triangle, squared

# Numbers in a piece of a block: 1 MiB, of which the cache of a processor core holds two.
PIECE_NUMBERS = 1 << 17
# Columns whose largest number is outside this range are measured in a unit of their own, so that
# their squares neither overflow nor underflow.
COMMON_NUMBERS = 1e-30, 1e30
# Sums of squares overflow beyond this.
LARGEST_VALUE = 1e140


def column_moments(blocks: Iterable[Sequence]) -> Optional[Moments]:
    """The moments of the columns of X and y side by side, with each column's own squares.

    Parameters
    ----------
    blocks : iterable of (X, y, weight), such as `Rows.blocks` yields
        NumPy arrays of finite numbers: X of shape (m, d), y of shape (m,) or (m, k) or None,
        and weight of shape (m,), all above 0, or None for weights of 1.

    Returns
    -------
    Moments, or None if there is no row
        The moments; their ``products`` have shape (d + k,) and may be infinite.

    Raises
    ------
    ValueError
        If a column's numbers exceed those of its first block by a factor of 1e140.
    """
    return _accumulated(blocks, _Squares, centred=True)


def triangular_moments(
    blocks: Iterable[Sequence], centred: bool = True, square: bool = True
) -> Optional[Moments]:
    """The moments of the columns of X and y side by side, with the triangular factor.

    Memory holds one block at a time, and a copy of 2 MiB of it (or of 8 rows per column).

    Parameters
    ----------
    blocks
        As in `column_moments`.
    centred : bool
        Whether to subtract the means. Without that, the means in the result are 0.
    square : bool
        Whether the factor of fewer rows than columns has rows of zeros, too. Without them, wide
        tables need no memory for (d + k)² numbers.

    Returns
    -------
    Moments, or None if there is no row
        The moments; their ``products`` have shape (d + k, d + k) or, with ``square=False``, at
        most a row for each row and each block of the data.

    Raises
    ------
    ValueError
        As in `column_moments`.
    """
    moments = _accumulated(blocks, Triangle, centred)
    if moments is None or not square:
        return moments
    return moments._replace(products=squared(moments.products))


class _Squares:
    """The sum of squares of each column."""

    @staticmethod
    def piece_rows(num_columns: int) -> int:
        return max(1, PIECE_NUMBERS // num_columns)

    def __init__(self, num_inputs: int, num_targets: int):
        self._sums = np.zeros(num_inputs + num_targets)

    def add(self, rows: np.ndarray) -> None:
        self._sums += np.einsum("ij,ij->j", rows, rows)

    def in_units(self, unit: np.ndarray) -> np.ndarray:
        return self._sums * unit * unit


def _accumulated(blocks, kind, centred):
    """The moments of all blocks; `kind` is `_Squares` or `Triangle`.

    The means of the first rows are subtracted from all rows, so that means far from 0 cost no
    digits. Each block is then centred on its own mean. The difference between that mean and the
    mean of all earlier rows is added as one more row of the block. Its weight is such that the
    products are those about the common mean (Chan, Golub & LeVeque, "Algorithms for computing the
    sample variance", 1983).
    """
    num_rows, weight = 0, 0.0
    for arrays, weights in _pieces(blocks, kind.piece_rows):
        low, high = (
            np.concatenate([_reduced(ufunc, array) for array in arrays])
            for ufunc in (np.minimum, np.maximum)
        )
        if num_rows == 0:
            origin, unit = _frame(arrays, low, high, centred)
            least, largest, offset = low, high, np.zeros(len(unit))
            products = kind(arrays[0].shape[1], len(unit) - arrays[0].shape[1])
        with np.errstate(over="ignore"):
            reach = np.maximum(high - origin, origin - low) / unit
        root = None if weights is None else np.sqrt(weights)
        if not (reach * (1 if root is None else root.max()) < LARGEST_VALUE).all():
            raise ValueError(
                "X, y: a column holds numbers that, times the roots of their weights, are above "
                "1e140, or above 1e140 times those in its first block; rescale the column or the "
                "weights"
            )
        table = _measured(arrays, origin, unit)
        rows, between = table[:-1], table[-1]
        added = float(len(rows) if weights is None else weights.sum())
        share = added / (weight + added)
        if centred:
            mean = (_reduced(np.add, rows) if weights is None else weights @ rows) / added
            np.copyto(mean, rows[0], where=low == high)  # exact: constant columns become 0
            rows -= mean
            step = mean - offset
            offset = offset + step * share
            between[:] = step * np.sqrt(weight * share)
        if root is not None:
            rows *= root[:, None]
        products.add(table)
        num_rows, weight = num_rows + len(rows), weight + added
        least, largest = np.minimum(least, low), np.maximum(largest, high)
    if num_rows == 0:
        return None
    with np.errstate(over="ignore"):
        offset = offset * unit
        mean = origin + offset
        mean_low = offset - (mean - origin)
        products = products.in_units(unit)
    return Moments(num_rows, weight, mean, mean_low, least, largest, products)


def _pieces(blocks, piece_rows):
    """The blocks as ([X, y], weights), y as a matrix; large blocks are cut into pieces."""
    for X, y, weights, *_ in blocks:
        given = [X] if y is None else [X, y]
        arrays = [array if array.ndim == 2 else array[:, None] for array in given]
        for rows in even_slices(len(X), piece_rows(sum(array.shape[1] for array in arrays))):
            yield [array[rows] for array in arrays], None if weights is None else weights[rows]


def even_slices(num_rows: int, size: int) -> Iterator[slice]:
    """Slices of nearly equal length, from `size` rows up to twice as many."""
    count = max(num_rows // size, min(num_rows, 1))
    for i in range(count):
        yield slice(num_rows * i // count, num_rows * (i + 1) // count)


def _frame(arrays, low, high, centred):
    """The means of the first rows, and units. These are powers of 2, which cause no rounding."""
    size = np.maximum(np.abs(low), np.abs(high))
    unit = np.ones(len(size))
    uncommon = (size > 0) & ((size < COMMON_NUMBERS[0]) | (size > COMMON_NUMBERS[1]))
    unit[uncommon] = np.exp2(np.floor(np.log2(size[uncommon])))
    if not centred:
        return np.zeros(len(unit)), unit
    sums = _reduced(np.add, _measured(arrays, np.zeros(len(unit)), unit))
    return sums / len(arrays[0]) * unit, unit


def _measured(arrays, origin, unit):
    """``(arrays - origin) / unit`` side by side, and a last row of zeros."""
    table = np.empty((len(arrays[0]) + 1, len(unit)))
    start = 0
    for array in arrays:
        columns = slice(start, start + array.shape[1])
        np.subtract(array, origin[columns], out=table[:-1, columns])
        start = columns.stop
    if (unit != 1).any():
        table[:-1] /= unit
    table[-1] = 0
    return table


def _reduced(ufunc, block):
    """``ufunc.reduce(block, axis=0)``: the columns' sums or extremes."""
    # NumPy takes ten times as long with narrow rows, so several rows are laid side by side.
    side_by_side = max(1, 512 // block.shape[1])
    whole = len(block) // side_by_side * side_by_side
    if whole and block.flags.c_contiguous:
        wide = ufunc.reduce(block[:whole].reshape(whole // side_by_side, -1), axis=0)
        block = np.concatenate([wide.reshape(side_by_side, -1), block[whole:]])
    return ufunc.reduce(block, axis=0)
