"""Rows in memory: arrays, and the arrays of a gluon DataLoader."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Iterator, List, Optional, Sequence

import numpy as np

from .. import _mxnet
from .._checks import check_batch, is_ndarray, real_array
from ..moments.accumulate import even_slices
from ..moments.triangular import Triangle
from .interface import Block, Order, Rows
from .stream import permutation
from .transform import Transform, fill_up

if TYPE_CHECKING:
    from .._mxnet import mx

_ROWS_PER_BLOCK = 1 << 16  # checking data block by block avoids a copy of all of them


class ArrayRows(Rows):
    """The rows of two arrays.

    Parameters
    ----------
    X : array or NDArray of shape (n, d)
    y : array or NDArray of shape (n,) or (n, k)
    weight : array of shape (n,), optional
    columns : sequence of str, optional
        The names of X's columns, by default x0, x1, …

    Attributes
    ----------
    batch_size : int or None
        The rows in a batch, as in a DataLoader. The default is None.
    shuffle : bool
        Whether each epoch has a new random order. The default is False.
    random : RandomState or None
        The generator of that order; None stands for NumPy's global generator.
    """

    shuffle = False
    in_memory = True
    random: Optional[np.random.RandomState] = None
    _views = None

    def __init__(self, X: Any, y: Any, weight: Any = None, columns: Optional[Sequence[str]] = None):
        self.X, self.y, self.weight = X, y, weight
        self._columns = None if columns is None else list(columns)

    @property
    def columns(self) -> Optional[List[str]]:
        """The names of X's columns, by default x0, x1, …"""
        if self._columns is None and self.X is not None:
            self._columns = [f"x{i}" for i in range(self.X.shape[1])]
        return self._columns

    @property
    def num_rows(self) -> Optional[int]:
        return None if self.X is None else self.X.shape[0]

    @property
    def num_outputs(self) -> int:
        return 1 if len(self.y.shape) == 1 else self.y.shape[1]

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.X.dtype)

    def blocks(self, order: Optional[Order] = None) -> Iterator[Block]:
        """As `Rows.blocks`. With `order` the arrays come as one block, without a copy.

        Raises
        ------
        ValueError
            With `order`, if the arrays are on a GPU.
        """
        if order is not None:
            yield (*self._in_memory(), self.weight, self._epoch(order))
            return
        num_columns = self.X.shape[1] + self.num_outputs
        for rows in even_slices(self.num_rows, Triangle.piece_rows(num_columns)):
            X, y = (
                np.asarray(_as_numpy(array[rows]), dtype=np.float64) for array in (self.X, self.y)
            )
            weight = None if self.weight is None else _as_numpy(self.weight[rows])
            yield X, y, weight, None

    def _epoch(self, order):
        if self.shuffle:
            rows = order(self.random or np.random.mtrand._rand, self.num_rows)
        else:
            rows = np.arange(self.num_rows, dtype=order_dtype(self.num_rows))
        if self.last_batch == "discard":
            rows = rows[: self.num_rows - self.num_rows % self.batch_size]
        return rows

    def _in_memory(self):
        """NumPy views of X and y, once MXNet's pending operations have written them."""
        _mxnet.nd.waitall()
        if self._views is None:
            self._views = [_view(array) for array in (self.X, self.y)]
        return self._views

    def __iter__(self) -> Iterator[List[Any]]:
        """The batches of an epoch: pairs (data, label) of NDArrays."""
        order = self._epoch(permutation)
        for start in range(0, len(order), self.batch_size):
            yield self.take(order[start : start + self.batch_size])

    def take(self, rows: np.ndarray) -> List[Any]:
        """The given rows of X and y as NDArrays; rows of NumPy arrays go to the CPU."""
        nd = _mxnet.nd
        return [
            nd.take(array, nd.array(rows, ctx=array.context, dtype="int64"))
            if is_ndarray(array)
            else nd.array(array[rows], dtype=array.dtype)
            for array in (self.X, self.y)
        ]

    def transformed(
        self, transform: Transform, batch_size: int, dtype: str, ctx: mx.Context
    ) -> Rows:
        """The transformed rows as NDArrays, shuffled in each epoch. As `Rows.transformed`."""
        X, y = (np.asarray(_as_numpy(array), np.float64) for array in (self.X, self.y))
        weight = None if self.weight is None else _as_numpy(self.weight)
        rows = ArrayRows(
            *(
                _mxnet.nd.array(fill_up(array, batch_size), ctx=ctx, dtype=dtype)
                for array in transform(X, y, weight)
            )
        )
        rows.batch_size, rows.shuffle, rows.last_batch = batch_size, True, "fill"
        return rows

    def check(self, w: Any) -> None:
        """Raise unless the rows fit `w`, of shape (d, k)."""
        w = real_array("w", w)
        if len(w.shape) != 2:
            raise ValueError(f"w: must have shape (inputs, outputs), not {w.shape}")
        check_batch(self.X, self.y, w)

    def fingerprint(self) -> str:
        """The SHA-256 of the dtypes, shapes and values of X and y. It depends on no device."""
        digest = hashlib.sha256()
        for array in (self.X, self.y):
            digest.update(f"{np.dtype(array.dtype)} {array.shape} ".encode())
            for block in numpy_blocks(array):
                digest.update(np.ascontiguousarray(block))
        return digest.hexdigest()


def column_names(X: Any) -> Optional[List[str]]:
    """The names of a data frame's columns, or None for an array."""
    columns = getattr(X, "columns", None)
    return None if columns is None else [str(name) for name in columns]


def numpy_blocks(array: Any) -> Iterator[np.ndarray]:
    """The rows of an array or NDArray, block by block, as NumPy arrays."""
    for start in range(0, array.shape[0], _ROWS_PER_BLOCK):
        yield _as_numpy(array[start : start + _ROWS_PER_BLOCK])


def order_dtype(num_rows: int) -> np.dtype:
    """The dtype of row numbers: int32 below 2**31 rows, else int64."""
    return np.dtype(np.int32 if num_rows < 2**31 else np.int64)


def _as_numpy(array):
    return array.asnumpy() if is_ndarray(array) else np.asarray(array)


class _Exporter:
    """An NDArray with the two methods that `numpy.from_dlpack` needs and MXNet lacks."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.to_dlpack_for_read()

    def __dlpack_device__(self):
        return 1, 0  # the CPU


def view(array: Any) -> np.ndarray:
    """A NumPy array that shares the memory of an NDArray on the CPU."""
    try:
        return np.from_dlpack(_Exporter(array))
    except SystemError as error:  # raised in place of a Ctrl-C that falls into MXNet's callback
        raise KeyboardInterrupt from error


def _view(array):
    if not is_ndarray(array):
        return np.ascontiguousarray(array)
    if array.context.device_type == "gpu":
        raise ValueError(
            f"train_data: on {array.context}, but the compiled engine runs on the CPU; move it "
            'there with as_in_context(mx.cpu()), or use the engine "autograd"'
        )
    return view(array)
