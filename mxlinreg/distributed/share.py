"""Each worker's share of the rows."""

import hashlib
from typing import Any, List

import numpy as np

from .._checks import check_count
from .._mxnet import mx
from ..rows.array_loader import ArrayLoader
from ..rows.stream import Stream
from .collectives import gather


def part(num_rows: int, k: int, n: int) -> slice:
    """The rows of the k-th of n workers: shares of `num_rows`, in order, of sizes that differ by 1
    at most, the larger first."""
    size, larger = divmod(num_rows, n)
    start = k * size + min(k, larger)
    return slice(start, start + size + (k < larger))


class Share:
    """A worker's rows of the data, for the training on all workers' rows.

    All workers make theirs at once.

    Parameters
    ----------
    kv : KVStore
        As `connect` gives it.
    X, y
        This worker's rows, as `ArrayLoader` takes them; they may be none. Or X is a `Stream` of
        its `part`, with its own batches, for the engine "epoch".
    batch_size : int
        The rows in a batch: of all workers' together for the engine "batch", of each one's own
        for "epoch".
    shuffle : bool

    Attributes
    ----------
    loader : ArrayLoader, Stream, or None for a share of no row
    rows : range
        The place of the rows among all workers', which stand in the order of the ranks.
    num_rows : int
        Of all workers.

    Raises
    ------
    TypeError, ValueError
        As of `ArrayLoader`; also if no worker has a row, or their columns differ.
    """

    def __init__(
        self, kv: mx.kv.KVStore, X: Any, y: Any = None, batch_size: int = 4, shuffle: bool = True
    ):
        self.kv = kv
        self.batch_size, self.shuffle = check_count("batch_size", batch_size), bool(shuffle)
        own = [0, 0, 0]
        if isinstance(X, Stream):
            if X.num_rows is None:
                raise ValueError("X: the stream has not counted its rows yet; pass over it once")
            self.batch_size, self.shuffle = X.batch_size, X.shuffle
            self.loader = X if X.num_rows else None
            own = [X.num_rows, len(X.columns), 1]
        else:
            self.loader = ArrayLoader(X, y, batch_size, shuffle) if len(X) else None
        if isinstance(self.loader, ArrayLoader):
            (rows, inputs), (_, *outputs) = self.loader.X.shape, self.loader.y.shape
            own = [rows, inputs, outputs[0] if outputs else 1]
        sizes = gather(kv, np.array(own)).astype(int)
        if not sizes.any():
            raise ValueError("X: no worker has a row; at least one is needed")
        columns = {tuple(size[1:]) for size in sizes.tolist() if size[0]}
        if len(columns) > 1:
            raise ValueError(f"X: the workers have other columns: (inputs, outputs) of {columns}")
        before = int(sizes[: kv.rank, 0].sum())
        self.rows = range(before, before + own[0])
        self.num_rows = int(sizes[:, 0].sum())

    def __len__(self) -> int:
        """The batches of an epoch, of all rows."""
        return -(-self.num_rows // self.batch_size)

    def fingerprint(self) -> str:
        """A SHA-256 of all workers' fingerprints; all must call it."""
        own = self.loader.fingerprint() if self.loader is not None else "00" * 32
        digests = gather(self.kv, np.frombuffer(bytes.fromhex(own), dtype=np.uint8))
        return hashlib.sha256(digests.astype(np.uint8).tobytes()).hexdigest()


def own_rows(kv: mx.kv.KVStore, X: Any, y: Any) -> List[Any]:
    """This worker's part of the rows of arrays that every worker has, for `Share`."""
    rows = part(len(X), kv.rank, kv.num_workers)
    if rows.start == rows.stop:  # of which MXNet has no arrays
        return [np.empty((0, *array.shape[1:])) for array in (X, y)]
    return [array[rows] for array in (X, y)]
