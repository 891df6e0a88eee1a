"""The interface of every source of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Optional, Tuple

import numpy as np

if TYPE_CHECKING:
    from .._mxnet import mx, nd
    from .transform import Transform

Order = Callable[[np.random.RandomState, int], np.ndarray]
"""``order(random, n)`` returns the numbers 0 to n - 1, shuffled by NumPy's generator `random`."""

Block = Tuple[np.ndarray, np.ndarray, Optional[np.ndarray], Optional[np.ndarray]]
"""X of shape (m, d), y of shape (m,) or (m, k), weights of shape (m,) or None, and the order.

The order is an array of row numbers, or None for the order in which the rows are stored."""


class Rows:
    """Rows of data, for training, for the exact solution and for metrics.

    Iterating over an object of this class yields the batches of an epoch. An attribute that is not
    known is None.

    Attributes
    ----------
    columns : list of str, or None
        The names of X's columns.
    dtype : numpy.dtype, or None
    batch_size : int, or None
    shuffle : bool, or None
    num_rows : int, or None
        The number of rows; for some sources it is known only after the first pass.
    num_outputs : int, or None
        The number of columns of y.
    last_batch : {"keep", "discard", "fill"}
        Whether an epoch uses a last batch that is not full. With "fill", rows of zeros fill it.
    repeatable : bool
        Whether the rows can be read more than once.
    in_memory : bool
        Whether a method ``take(rows)`` returns single rows.
    counts_rows : bool
        Whether the function in the attribute ``on_rows`` is called after each block, with its
        number of rows.
    kv : KVStore or None
        The KVStore of the job, if the object is a worker's share of the rows.
    """

    columns: Optional[List[str]] = None
    dtype: Optional[np.dtype] = None
    batch_size: Optional[int] = None
    shuffle: Optional[bool] = None
    num_rows: Optional[int] = None
    num_outputs: Optional[int] = None
    last_batch = "keep"
    repeatable = True
    in_memory = False
    counts_rows = False
    kv: Any = None

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError

    def batches(self) -> Iterator[Tuple[nd.NDArray, nd.NDArray]]:
        """The batches of an epoch, pairs (data, label), in training order."""
        return iter(self)

    def blocks(self, order: Optional[Order] = None) -> Iterator[Block]:
        """The rows as NumPy arrays, block by block.

        Parameters
        ----------
        order : callable, optional
            A function that draws the order of an epoch. The blocks then have the training's dtype
            and come with the order of their rows. Without `order` the rows come as they are
            stored, in float64, and nothing is drawn from NumPy's generators.
        """
        raise NotImplementedError

    def transformed(
        self, transform: Transform, batch_size: int, dtype: str, ctx: mx.Context
    ) -> Rows:
        """The transformed rows, for training in equal batches, the last filled with zeros.

        Parameters
        ----------
        transform : Transform
        batch_size : int
            The rows in a batch.
        dtype : {"float32", "float64"}
        ctx : mx.Context
            The device for rows in memory.

        Raises
        ------
        TypeError
            If this source cannot be transformed.
        """
        raise TypeError(f"rows: a {type(self).__name__} cannot be transformed; give its arrays")

    def check(self, w: Any) -> None:
        """Raise unless the rows fit `w`, as far as that is known before they are read."""

    def fingerprint(self) -> str:
        """A text by which a checkpoint identifies the data.

        Raises
        ------
        TypeError
            If this source has no fingerprint.
        """
        raise NotImplementedError

    def gather(self, array: np.ndarray) -> np.ndarray:
        """The arrays of all workers, stacked along a new first axis.

        Without a job, this process is the only worker.
        """
        return array[None]
