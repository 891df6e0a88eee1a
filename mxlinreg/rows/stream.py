"""`Stream`: rows that are read from their files again in each pass."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional, Sequence, Tuple

import numpy as np

from .. import _mxnet
from .._checks import check_batch
from ..moments import column_moments, gathered, no_rows
from .interface import Block, Order, Rows
from .prefetch import prefetch
from .transform import Transform, fill_up

if TYPE_CHECKING:
    from .._mxnet import mx, nd

WINDOW = 1 << 20  # numbers in a block, by default


def permutation(random: np.random.RandomState, num_rows: int) -> np.ndarray:
    """The row numbers, as int32, in a random order drawn as by ``np.random.shuffle``."""
    return random.permutation(num_rows).astype(np.int32)


class Stream(Rows):
    """Rows of files that may be larger than memory. The function `stream` makes it.

    Iterating over a stream yields the batches of a pass: pairs of NDArrays of shape (m, d) and
    (m,). `blocks` yields the rows as NumPy arrays, which a thread reads ahead. All blocks but the
    last hold a whole number of batches.

    Each pass shuffles the units of the files (row groups of Parquet, 4 MiB of CSV), and then the
    rows within each block of `shuffle_buffer` rows. A row never leaves its block, so this is
    weaker than a shuffle of all rows: rows that are sorted within the files stay together. Both
    orders are drawn from NumPy's global generator. If `shuffle_buffer` is 0, nothing is shuffled.

    Parameters
    ----------
    read : callable
        ``read(i)`` returns the rows of unit i, as an iterator of tables. A table is a sequence of
        d + 1 columns, NumPy arrays of shape (m,), with the target last. A further column holds the
        rows' weights, all above 0.
    num_units : int
    columns : list of str
    target : str
    batch_size : int, or None
        None leaves the choice to a fit.
    shuffle_buffer : int
    dtype : {"float32", "float64"}
    source : dict
        The description of the files for `fingerprint`, in types that JSON can hold.
    num_rows : int, optional
        The number of rows, if it is known before the first pass.

    Attributes
    ----------
    X_mean, X_scale, y_mean, y_scale : array of shape (d,) and (1,), or None
        If set, the blocks are standardized with them; `moments.unstandardize` is the inverse.
    transform : Transform, or None
        If set, it is applied to each block, after the scaling. `transformed` sets it in a copy.
    num_rows : int or None
        The number of rows. CSV files leave it None until the first pass has ended.
    """

    X_mean = X_scale = y_mean = y_scale = None
    transform: Optional[Transform] = None
    random: Optional[np.random.RandomState] = None
    """The generator of both orders; None stands for NumPy's global generator."""
    num_outputs = 1
    counts_rows = True
    on_rows: Optional[Callable[[int], Any]] = None
    """Called with the number of rows of each block, after the block has been used."""

    def __init__(
        self,
        read: Callable[[int], Iterator],
        num_units: int,
        columns: Sequence[str],
        target: str,
        batch_size: Optional[int],
        shuffle_buffer: int,
        dtype: str,
        source: dict,
        num_rows: Optional[int] = None,
    ):
        self.read, self.num_units, self.source = read, num_units, source
        self.columns, self.target, self.num_rows = list(columns), target, num_rows
        self.batch_size, self.shuffle_buffer = batch_size, shuffle_buffer
        self.shuffle, self.dtype = shuffle_buffer > 0, np.dtype(dtype)

    def __len__(self) -> int:
        """The number of batches in a pass."""
        if self.num_rows is None:
            raise TypeError("the number of rows is unknown before the first pass")
        return -(-self.num_rows // self.batch_size)

    def __iter__(self) -> Iterator[Tuple[nd.NDArray, nd.NDArray]]:
        """The batches of a pass in training order: pairs (data, label) of NDArrays on the CPU."""
        array = _mxnet.nd.array
        for X, y, _, order in self.blocks(permutation):
            for start in range(0, len(X), self.batch_size):
                rows = order[start : start + self.batch_size]
                yield array(X[rows], dtype=self.dtype), array(y[rows], dtype=self.dtype)

    def blocks(self, order: Optional[Order] = None) -> Iterator[Block]:
        """The blocks of a pass, as `Rows.blocks`."""
        if order is None:
            return self._pass(range(self.num_units), np.dtype("float64"), _in_order, fill=False)
        if not self.shuffle:
            return self._pass(range(self.num_units), self.dtype, _in_order)
        draw = self.random or np.random
        units = draw.permutation(self.num_units).tolist()
        random = np.random.RandomState(draw.randint(2**31 - 1))
        return self._pass(units, self.dtype, partial(order, random))

    def _pass(self, units, dtype, order_of, fill=True):
        rows, fill = 0, fill and self.last_batch == "fill"
        with closing(prefetch(self._transformed(units, dtype, order_of, fill))) as blocks:
            for X, y, weight, order, count in blocks:
                yield X, y, weight, order
                rows += count
                if self.on_rows is not None:
                    self.on_rows(count)
        if self.num_rows not in (None, rows):
            raise ValueError(
                f"{self.source['name']}: had {self.num_rows} rows before and {rows} now; the "
                "files must not change"
            )
        self.num_rows = rows

    def transformed(
        self, transform: Transform, batch_size: int, dtype: str, ctx: mx.Context
    ) -> Stream:
        """A copy whose blocks are transformed when they are read, on the CPU.

        As `Rows.transformed`.
        """
        stream = copy(self)
        stream.transform, stream.last_batch = transform, "fill"
        stream.batch_size, stream.dtype = batch_size, np.dtype(dtype)
        return stream

    def check(self, w: Any) -> None:
        """Raise unless the rows fit `w`, of shape (d, 1), and come in batches."""
        if self.batch_size is None:
            raise ValueError("batch_size: None leaves it to a fit; training needs a number")
        X, y = np.empty((0, len(self.columns)), self.dtype), np.empty(0, self.dtype)
        check_batch(X, y, w)

    def fingerprint(self) -> str:
        """The SHA-256 of the files' names, sizes and modification times, and of the settings."""
        used = [self.columns, self.target, self.shuffle_buffer, str(self.dtype)]
        scaling = [
            None if array is None else array.tolist()
            for array in (self.X_mean, self.X_scale, self.y_mean, self.y_scale)
        ]
        if self.transform is not None:
            scaling.append(self.transform.fingerprint())
        text = json.dumps([self.source, used, scaling], default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def standardize(
        self, gather: Callable[[np.ndarray], np.ndarray] = lambda array: array[None]
    ) -> None:
        """Set the means and scales from one pass over the rows.

        Parameters
        ----------
        gather : callable
            Takes this worker's array and returns those of all workers, as `Rows.gather`. The
            default is for a process that reads all rows itself.

        Raises
        ------
        ValueError
            If there is no row, or if a column's variance overflows or underflows float64.
        """
        self.X_mean = self.X_scale = self.y_mean = self.y_scale = None
        own = column_moments(self.blocks()) or no_rows(len(self.columns) + 1, triangular=False)
        moments = gathered(own, gather)
        if moments.rows == 0:
            raise ValueError(f"{self.source['name']}: has no row; at least one is needed")
        squares = moments.products
        if not np.isfinite(squares).all():
            raise ValueError(
                f"{self.source['name']}: a column's variance overflows float64; rescale the column"
            )
        if (squares[~moments.constant] == 0).any():
            raise ValueError(
                f"{self.source['name']}: a column's variance underflows float64; rescale the column"
            )
        scale = np.sqrt(squares / moments.weight)
        self.X_mean, self.y_mean = np.split(moments.mean, [-1])
        self.X_scale, self.y_scale = np.split(scale, [-1])

    def _transformed(self, units, dtype, order_of, fill):
        """Yield the blocks as (X, y, weight, order, number of rows that were read)."""
        with closing(self._filled(units, np.float64 if self.transform else dtype)) as blocks:
            for X, y, weight in blocks:
                num_rows = len(X)
                if self.transform is not None:
                    transformed = self.transform(X, y, weight)
                    X, y = (array.astype(dtype, copy=False) for array in transformed)
                    weight = None
                if fill:
                    X, y = (fill_up(array, self.batch_size) for array in (X, y))
                yield X, y, weight, order_of(len(X)), num_rows

    def _filled(self, units, dtype):
        """Fill blocks of equal size from the tables of the units; yield (X, y, weight or None)."""
        num_inputs = len(self.columns)
        size = self.shuffle_buffer or WINDOW // (num_inputs + 1)
        if self.batch_size is not None:
            size = max(1, size // self.batch_size) * self.batch_size
        scaling = None
        if self.X_mean is not None:
            factors = np.append(self.X_scale, self.y_scale)
            with np.errstate(divide="ignore"):
                factors = np.where(factors > 0, 1 / factors, 0)
            scaling = list(zip(np.append(self.X_mean, self.y_mean), factors))
        # A buffer may be larger than the data, so it grows with them.
        first = min(size, max(1, WINDOW // (num_inputs + 1)))
        X, y, weight, filled = None, None, None, 0

        # One thread parses the files, one fills the blocks, and the caller's thread uses them.
        with closing(prefetch(table for unit in units for table in self.read(unit))) as tables:
            for table in tables:
                start, rows = 0, len(table[0])
                while start < rows:
                    if X is None:
                        X = np.empty((first, num_inputs), dtype)
                        y, filled = np.empty(first, dtype), 0
                        weight = np.empty(first) if len(table) > num_inputs + 1 else None
                    elif filled == len(X):
                        X, y, weight = (_grown(array, size) for array in (X, y, weight))
                    count = min(rows - start, len(X) - filled)
                    for j, column in enumerate(table):
                        place = X[:, j] if j < num_inputs else y if j == num_inputs else weight
                        place = place[filled : filled + count]
                        values = column[start : start + count]
                        if scaling is None or j > num_inputs:
                            place[:] = values
                        else:
                            mean, factor = scaling[j]
                            np.multiply(values - mean, factor, out=place)
                    start, filled = start + count, filled + count
                    if filled == size:
                        yield X, y, weight
                        X = None
        if X is not None:
            yield X[:filled], y[:filled], None if weight is None else weight[:filled]


def _grown(array, size):
    """The rows of an array in one with room for twice as many, but no more than `size`."""
    if array is None:
        return None
    grown = np.empty((min(2 * len(array), size), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown


def _in_order(num_rows):
    return np.arange(num_rows, dtype=np.int32)
