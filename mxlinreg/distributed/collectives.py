"""Exchange arrays between all workers. The KVStore can only add, so everything is a sum."""

from weakref import WeakKeyDictionary

import numpy as np

from .._checks import check_text, real_values, shown
from .._mxnet import mx, nd

_registered = WeakKeyDictionary()  # the keys that each KVStore has been initialised with


def all_reduce(kv: mx.kv.KVStore, array: np.ndarray, name: str = "sum") -> np.ndarray:
    """The sum of all workers' arrays, in float64.

    All workers must call this function, with arrays of equal shape. Sums of arrays that differ in
    size or in `name` go through different keys of the KVStore.
    """
    check_kv(kv)
    array = _sendable(array)
    check_text("name", name)
    key = f"{ascii(name)} {array.size}"  # MXNet takes no half letters
    total = nd.zeros((array.size,), dtype="float64")
    if _is_new(kv, key):
        kv.init(key, total)
    # Pass a copy, because the KVStore also overwrites its input with the sum.
    kv.pushpull(key, nd.array(array.ravel(), dtype="float64"), out=total)
    return total.asnumpy().reshape(array.shape)


def all_gather(kv: mx.kv.KVStore, array: np.ndarray) -> np.ndarray:
    """All workers' arrays in float64, stacked by rank along a new first axis.

    All workers must call this function, with arrays of equal shape. Each sends only its own array.
    """
    check_kv(kv)
    array = _sendable(array)
    shape = kv.num_workers, array.size
    key = f"rows {array.size}"
    ranks = np.arange(kv.num_workers)
    if _is_new(kv, key):
        kv.init(key, nd.sparse.row_sparse_array((np.zeros(shape), ranks), shape, dtype="float64"))
    own = nd.sparse.row_sparse_array((array.reshape(1, -1), [kv.rank]), shape, dtype="float64")
    kv.push(key, own)
    rows = nd.sparse.zeros("row_sparse", shape, dtype="float64")
    kv.row_sparse_pull(key, out=rows, row_ids=nd.array(ranks, dtype="int64"))
    return rows.asnumpy().reshape((kv.num_workers, *array.shape))


def broadcast(kv: mx.kv.KVStore, content: bytes) -> bytes:
    """The `content` that the worker of rank 0 passes. All workers must call this function."""
    check_kv(kv)
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError(f"content: must be bytes, not {shown(content)}")
    is_first = kv.rank == 0
    size = int(all_reduce(kv, np.array([len(content) if is_first else 0]))[0])
    sent = np.frombuffer(content, dtype=np.uint8) if is_first else np.zeros(size)
    return all_reduce(kv, sent).astype(np.uint8).tobytes() if size else b""


def _sendable(array):
    array = np.asarray(real_values("array", array), dtype=np.float64)
    if array.size == 0:
        raise ValueError(f"array: is empty (shape {array.shape}); MXNet sends no empty arrays")
    return array


def check_kv(kv):
    if not all(hasattr(kv, name) for name in ("rank", "num_workers", "pushpull")):
        raise TypeError(f"kv: expected a KVStore, as from connect, not {shown(kv)}")


def _is_new(kv, key):
    keys = _registered.setdefault(kv, set())
    is_new = key not in keys
    keys.add(key)
    return is_new
