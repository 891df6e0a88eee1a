"""What every source of rows gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Optional, Tuple

import numpy as np

if TYPE_CHECKING:
    from .._mxnet import nd

Order = Callable[[np.random.RandomState, int], np.ndarray]
"""``order(random, n)`` shuffles n rows, as NumPy does."""

Block = Tuple[np.ndarray, np.ndarray, Optional[np.ndarray], Optional[np.ndarray]]
"""X of shape (m, d), y of shape (m,) or (m, k), weights of shape (m,) or None, and the order.

None in place of the order stands for the rows as they lie."""


class Rows:
    """Rows of data, for training, for the exact solution and for metrics.

    To iterate over them gives the batches of an epoch.

    Attributes
    ----------
    columns : list of str, or None
    dtype : numpy.dtype, or None
    batch_size : int, or None
    shuffle : bool, or None
    num_rows : int, or None
        None until it is known.
    num_outputs : int, or None
    last_batch : {"keep", "discard"}
        Whether an epoch uses the rows that do not fill a batch.
    repeatable : bool
        Whether the rows can be read more than once.
    in_memory : bool
        Whether single rows can be taken, by a method ``take(rows)``.
    counts_rows : bool
        Whether the attribute ``on_rows``, a function, is called with the rows used so far.
    kv : KVStore or None
        Of the job, if these are a worker's share of the rows.
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
        """The batches of an epoch, (data, label), in the order of the training."""
        return iter(self)

    def blocks(self, order: Optional[Order] = None) -> Iterator[Block]:
        """The rows as NumPy arrays, some at a time.

        Parameters
        ----------
        order : callable, optional
            What draws the order of an epoch. The blocks then come in the training's dtype, each
            with the order of its rows. Without it the rows come as they lie, in float64, and
            nothing is drawn from NumPy's generators.
        """
        raise NotImplementedError

    def check(self, w: Any) -> None:
        """Raise unless the rows fit the parameters, as far as that is known before they come."""

    def fingerprint(self) -> str:
        """A text by which a checkpoint knows the data again.

        Raises
        ------
        TypeError
            If these rows have none.
        """
        raise NotImplementedError

    def gather(self, array: np.ndarray) -> np.ndarray:
        """The arrays of all workers, stacked: that of this process alone, unless it is a worker."""
        return array[None]
