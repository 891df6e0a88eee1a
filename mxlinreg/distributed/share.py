"""Each worker's share of the rows."""

import hashlib
from copy import copy
from typing import Any, Iterator, List, Optional

import numpy as np

from .._checks import check_count, check_flag, real_array
from .._mxnet import mx
from ..rows.array_loader import ArrayLoader
from ..rows.interface import Rows
from ..rows.sources import as_rows
from ..rows.transform import Transform, even_batch_size
from .collectives import all_gather, check_kv


def shard_rows(num_rows: int, k: int, n: int) -> slice:
    """The rows of the k-th of n workers, as a slice.

    The workers' shares of `num_rows` follow each other. Their sizes differ by at most 1, and the
    larger ones come first.
    """
    n = check_count("n", n)
    k = check_count("k", k, minimum=0, maximum=n - 1)
    size, larger = divmod(check_count("num_rows", num_rows, minimum=0), n)
    start = k * size + min(k, larger)
    return slice(start, start + size + (k < larger))


def shard(kv: mx.kv.KVStore, X: Any, y: Any) -> List[Any]:
    """Select this worker's rows of X and y, which every worker holds completely, for `Share`."""
    check_kv(kv)
    X, y = real_array("X", X), real_array("y", y)
    if X.shape[:1] != y.shape[:1] or not X.shape:
        raise ValueError(f"y: shape {y.shape} does not fit X of shape {X.shape}")
    rows = shard_rows(len(X), kv.rank, kv.num_workers)
    if rows.start == rows.stop:  # MXNet has no arrays without rows
        return [np.empty((0, *array.shape[1:])) for array in (X, y)]
    return [array[rows] for array in (X, y)]


class Share(Rows):
    """A worker's rows of the data, for training and solving on all workers' rows.

    `blocks` yields this worker's rows, and `gather` exchanges numbers with the other workers.
    Together they let `mxlinreg.least_squares`, for example, solve for the rows of all workers.

    Parameters
    ----------
    kv : KVStore
        The KVStore from `connect`, or a local one of this process.
    X, y
        This worker's rows, as for `ArrayLoader`; there may be none. Without y, X is a DataLoader
        of this worker's rows or, to solve or train with ``sync="epoch"``, a `Stream` of its part
        of the files.
    batch_size : int
        The number of rows in a batch: from all workers together with ``sync="batch"``, from each
        worker with ``sync="epoch"``.
    shuffle : bool
        Whether each epoch takes the rows in a new random order.

    Attributes
    ----------
    own : ArrayLoader, StockLoader, Stream, or None for a share without rows
        The rows of this worker.
    rows : range
        The numbers of this worker's rows among the rows of all workers, in the order of ranks.
        When one of these is read for the first time, all workers must do so.
    num_rows, num_outputs : int
        The number of rows of all workers, and of columns of y.
    random : RandomState or None
        The generator of the row order, in the same state on all workers; None stands for rank 0's
        global generator.

    Raises
    ------
    TypeError, ValueError
        As `ArrayLoader`. When `rows` or `num_rows` is read: if no worker has a row, the workers'
        columns differ, or a stream has not been read once.
    """

    random: Optional[np.random.RandomState] = None

    def __init__(
        self, kv: mx.kv.KVStore, X: Any, y: Any = None, batch_size: int = 4, shuffle: bool = True
    ):
        check_kv(kv)
        self.kv = kv
        self.batch_size = check_count("batch_size", batch_size)
        self.shuffle = check_flag("shuffle", shuffle)
        if y is None:
            self.own = as_rows(X)
            self.batch_size, self.shuffle = self.own.batch_size, self.own.shuffle
        else:
            X = real_array("X", X)
            self.own = ArrayLoader(X, y, batch_size, shuffle) if 0 not in X.shape[:1] else None
        self.repeatable = self.own is None or self.own.repeatable
        self.in_memory = self.own is None or self.own.in_memory
        self._rows: Optional[range] = None

    @property
    def columns(self) -> Optional[List[str]]:
        return None if self.own is None else self.own.columns

    @property
    def dtype(self) -> Optional[np.dtype]:
        return None if self.own is None else self.own.dtype

    @property
    def rows(self) -> range:
        self._meet()
        return self._rows

    @property
    def num_rows(self) -> int:
        self._meet()
        return self._num_rows

    @property
    def num_outputs(self) -> int:
        self._meet()
        return self._num_outputs

    def _meet(self):
        """Exchange the numbers of rows with the other workers, once."""
        if self._rows is not None:
            return
        own = [0, 0, 0]
        if self.own is not None:
            if self.own.num_rows is None:
                raise ValueError("X: the number of rows is unknown; read the stream once first")
            own = [self.own.num_rows, len(self.own.columns), self.own.num_outputs]
        sizes = all_gather(self.kv, np.array(own)).astype(int)
        if not sizes.any():
            raise ValueError("X: no worker has a row; at least one is needed")
        columns = {tuple(size[1:]) for size in sizes.tolist() if size[0]}
        if len(columns) > 1:
            raise ValueError(f"X: the workers' columns differ: (inputs, outputs) are {columns}")
        before = int(sizes[: self.kv.rank, 0].sum())
        self._rows = range(before, before + own[0])
        self._num_rows = int(sizes[:, 0].sum())
        ((_, self._num_outputs),) = columns

    def __len__(self) -> int:
        """The number of batches in an epoch over all workers' rows."""
        return -(-self.num_rows // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        """The batches of this worker's own rows."""
        return iter(() if self.own is None else self.own)

    def blocks(self, order: Any = None) -> Iterator[Any]:
        """The blocks of this worker's own rows."""
        if self.own is not None:
            yield from self.own.blocks(order)

    def transformed(
        self, transform: Transform, batch_size: int, dtype: str, ctx: mx.Context
    ) -> "Share":
        """A share of the transformed rows. All workers must call this method.

        As `Rows.transformed`. The batches of a worker's own rows are about equal too.
        """
        num_own = len(self.rows)  # now, without the rows of zeros
        share = copy(self)
        share.batch_size, share.last_batch = batch_size, "fill"
        share.shuffle = self.in_memory or self.shuffle
        share.own = None
        if num_own > 0:
            batch_size = even_batch_size(num_own, batch_size)
            share.own = self.own.transformed(transform, batch_size, dtype, ctx)
        return share

    def check(self, w: Any) -> None:
        """Raise unless this worker's rows fit `w`."""
        if self.own is not None:
            self.own.check(w)

    def fingerprint(self) -> str:
        """The SHA-256 of all workers' fingerprints. All workers must call this method."""
        own = self.own.fingerprint() if self.own is not None else "00" * 32
        digests = self.gather(np.frombuffer(bytes.fromhex(own), dtype=np.uint8))
        return hashlib.sha256(digests.astype(np.uint8).tobytes()).hexdigest()

    def gather(self, array: np.ndarray) -> np.ndarray:
        """The arrays of all workers, stacked by rank. All workers must call this method."""
        return all_gather(self.kv, array)
