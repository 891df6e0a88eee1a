"""The same training on several devices, and on several machines over MXNet's KVStore.

Both are engines, for `train` to run epochs with: of `device_engine` each batch is split over
devices; of `engine` each worker of a job (see ``scripts/launch.py``) computes with its own share
of the rows. The KVStore only adds numbers up: no worker sends code, or makes a server run any.
"""

import hashlib
import os
import socket
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Any, Callable, Iterator, List, Optional, Sequence, Union
from weakref import WeakKeyDictionary

import numpy as np

from .. import compiled
from .._checks import check_batch, check_count, check_number, check_stream
from .._mxnet import autograd, mx, nd
from ..chapter import training
from ..chapter.contexts import context
from ..chapter.data import ArrayLoader, Stream
from ..chapter.scratch import SGD, net, square_loss
from ..exact import solve as exact

_PAUSE = 0.2  # seconds between two attempts to reach the scheduler
_JOB = "PS_ROOT_URI", "PS_ROOT_PORT", "NUM_WORKER", "NUM_SERVER", "ROLE"
_told = WeakKeyDictionary()  # the keys that each KVStore has been told of


def part(num_rows: int, k: int, n: int) -> slice:
    """The rows of the k-th of n workers: shares of `num_rows`, in order, of sizes that differ by 1
    at most, the larger first."""
    size, larger = divmod(num_rows, n)
    start = k * size + min(k, larger)
    return slice(start, start + size + (k < larger))


def device_engine(
    model_ctx: Sequence[Union[str, "mx.Context"]], kvstore: str = "local"
) -> training.Engine:
    """The chapter's loop with each batch split over several devices.

    Each device has a copy of the parameters and takes an equal part of the batch's rows, or none
    where they are fewer than the devices. The gradients are added up by the KVStore, and each
    copy takes the same step. The results agree with one device's to rounding.

    Parameters
    ----------
    model_ctx : sequence of str or mx.Context
        Anything that `context` takes.
    kvstore : {"local", "device"}
        Whether the gradients are added up on the CPU or on the devices (MXNet's KVStore).

    Returns
    -------
    callable
        An engine for `train`, whose parameters may be on any device.

    Raises
    ------
    TypeError, ValueError
        If a device cannot be used, there is none, or `kvstore` is another.
    """
    contexts = [context(ctx) for ctx in model_ctx]
    if not contexts:
        raise ValueError("model_ctx: names no device; at least one is needed")
    if kvstore not in ("local", "device"):
        raise ValueError(f'kvstore: must be "local" or "device", not {kvstore!r}')

    def train_epoch(params, batches, learning_rate):
        copies = [[_parameter(param.copyto(ctx)) for param in params] for ctx in contexts]
        kv = mx.kv.create(kvstore)
        kv.init(["w", "b"], [nd.zeros_like(param) for param in params])
        num_batches, cumulative_loss = 0, 0.0
        with training.batches_of(batches) as pairs:
            for data, label in pairs:
                check_batch(data, label, params[0])
                losses = []
                for k, copy in enumerate(copies):
                    rows = part(len(data), k, len(copies))
                    if rows.start < rows.stop:
                        share = (rows.stop - rows.start) / len(data)
                        losses.append(_backward(copy, data[rows], label[rows], share))
                    else:
                        for param in copy:
                            param.grad[:] = 0
                for name, of_devices in zip("wb", zip(*copies)):
                    grads = [param.grad for param in of_devices]
                    kv.push(name, grads)
                    kv.pull(name, out=grads)
                for copy in copies:
                    SGD(copy, learning_rate)
                cumulative_loss += sum(float(loss.asscalar()) for loss in losses)
                num_batches += 1
        if num_batches == 0:
            raise ValueError("batches: none was given; an epoch needs at least one batch")
        for param, trained in zip(params, copies[0]):
            param[:] = trained.as_in_context(param.context)
        return cumulative_loss / num_batches

    train_epoch.__qualname__ = f"autograd on {', '.join(map(str, contexts))}"
    return train_epoch


def _parameter(array):
    array.attach_grad()
    return array


def _backward(params, data, label, share):
    """Leave `share` of the loss's gradient in the parameters, and give that share of the loss."""
    w, b = params
    data = data.as_in_context(w.context)
    label = label.as_in_context(w.context).reshape((-1, w.shape[1]))
    with autograd.record():
        loss = share * square_loss(net(data, w, b), label)
    loss.backward()
    return loss


@contextmanager
def connect(timeout: float = 60.0) -> Iterator["mx.kv.KVStore"]:
    """Join the job that this process is a worker of, and leave it at the end.

    Where the body raises, the KVStore does not wait for the other workers, so that the process
    can end and the launcher learns of it.

    Parameters
    ----------
    timeout : float
        Seconds until all processes of the job must have found each other.

    Yields
    ------
    KVStore
        Of the type "dist_sync"; with `rank` and `num_workers`.

    Raises
    ------
    ValueError
        If this process is no worker of a job, the scheduler cannot be reached in time, or the
        servers round float64. When the scheduler is there, but not all others are in time, the
        process ends with status 1 and a message: MXNet's waiting cannot be interrupted.
    """
    timeout = check_number("timeout", timeout)
    try:
        host, port, num_workers, num_servers, _ = (os.environ[f"DMLC_{name}"] for name in _JOB)
    except KeyError as error:
        raise ValueError(
            f"kvstore: no worker of a job, as the environment lacks {error}; start the command "
            "by scripts/launch.py"
        ) from None
    end = time.monotonic() + timeout
    _reach(host, int(port), end, timeout)
    message = (
        f"kvstore: of {num_workers} workers and {num_servers} servers not all have met at the "
        f"scheduler, {host}:{port}, within {timeout:g} s"
    )
    give_up = Timer(max(0.1, end - time.monotonic()), _give_up, [message])
    give_up.daemon = True
    give_up.start()
    try:
        kv = mx.kv.create("dist_sync")
    finally:
        give_up.cancel()
    try:
        _check_servers(kv, int(num_servers))
        yield kv
    except BaseException:
        mx.base.check_call(mx.base._LIB.MXKVStoreSetBarrierBeforeExit(kv.handle, 0))
        raise
    finally:
        # Now, as its threads must have ended before Python does.
        mx.base.check_call(mx.base._LIB.MXKVStoreFree(kv.handle))
        kv.handle = None


def _reach(host, port, end, timeout):
    """Wait until something listens at the scheduler's address."""
    while True:
        try:
            wait = max(0.1, end - time.monotonic())
            socket.create_connection((host, port), timeout=wait).close()
            return
        except OSError as error:
            if time.monotonic() + _PAUSE > end:
                raise ValueError(
                    f"kvstore: the scheduler at {host}:{port} could not be reached "
                    f"within {timeout:g} s: {error.strerror or error}"
                ) from None
        time.sleep(_PAUSE)


def _give_up(message):
    print(f"error: {message}", file=sys.stderr, flush=True)
    os._exit(1)


def _check_servers(kv, num_servers):
    """Raise if one of the servers does not add up in float64.

    MXNet 1.9.1 does not initialise the variable of a server that says so. The keys told first
    are on one server after another.
    """
    for i in range(num_servers):
        third = 1 / 3 if kv.rank == 0 else 0.0
        if add_up(kv, np.array([third]), f"check {i}")[0] != 1 / 3:
            raise ValueError(
                "kvstore: a server rounds float64 to float32, as memory that MXNet 1.9.1 does not "
                "initialise has it; start the servers by scripts/launch.py, or with GLIBC_TUNABLES="
                "glibc.malloc.perturb=255:glibc.malloc.tcache_count=0 in their environment"
            )


def add_up(kv: "mx.kv.KVStore", array: np.ndarray, name: str = "sum") -> np.ndarray:
    """The sum of all workers' arrays, in float64. All must call it, with arrays of one shape."""
    array = np.asarray(array, dtype=np.float64)
    key = f"{name} {array.size}"
    total = nd.zeros((array.size,), dtype="float64")
    if _is_new(kv, key):
        kv.init(key, total)
    # A copy, as the KVStore writes the sum into what it was given, too.
    kv.pushpull(key, nd.array(array.ravel(), dtype="float64"), out=total)
    return total.asnumpy().reshape(array.shape)


def gather(kv: "mx.kv.KVStore", array: np.ndarray) -> np.ndarray:
    """All workers' arrays, stacked by rank, in float64. Each sends its own only.

    All must call it, with arrays of one shape.
    """
    array = np.asarray(array, dtype=np.float64)
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


def broadcast(kv: "mx.kv.KVStore", content: bytes) -> bytes:
    """What rank 0 gives; all must call it."""
    is_first = kv.rank == 0
    size = int(add_up(kv, np.array([len(content) if is_first else 0]))[0])
    sent = np.frombuffer(content, dtype=np.uint8) if is_first else np.zeros(size)
    return add_up(kv, sent).astype(np.uint8).tobytes() if size else b""


def _is_new(kv, key):
    keys = _told.setdefault(kv, set())
    is_new = key not in keys
    keys.add(key)
    return is_new


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
        self, kv: "mx.kv.KVStore", X: Any, y: Any = None, batch_size: int = 4, shuffle: bool = True
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


def own_rows(kv: "mx.kv.KVStore", X: Any, y: Any) -> List[Any]:
    """This worker's part of the rows of arrays that every worker has, for `Share`."""
    rows = part(len(X), kv.rank, kv.num_workers)
    if rows.start == rows.stop:  # of which MXNet has no arrays
        return [np.empty((0, *array.shape[1:])) for array in (X, y)]
    return [array[rows] for array in (X, y)]


def engine(kv: "mx.kv.KVStore", sync: str = "batch") -> training.Engine:
    """An engine for `train` on a `Share` of the rows, the same call being made on all workers.

    All begin with rank 0's parameters and state of NumPy's global generator, and have the same
    parameters, losses and state after each epoch.

    Parameters
    ----------
    kv : KVStore
    sync : {"batch", "epoch"}
        With "batch", the batches are those of one process with all rows. Each worker computes
        on those rows of a batch that are in its share; the gradients are added up, and each
        worker takes the same step by `SGD`. The results agree with one process's to rounding.
        With "epoch", each worker runs its share with the compiled engine, in an order of its
        own, and the parameters are averaged after the epoch, by the numbers of rows (Zinkevich,
        Weimer, Smola, Li, "Parallelized stochastic gradient descent", 2010).

    Returns
    -------
    callable
        Its mean loss is that of all batches for "batch", and of the workers' mean losses, by
        their rows, for "epoch".

    Raises
    ------
    ValueError
        If `sync` is another.
    """
    if sync not in ("batch", "epoch"):
        raise ValueError(f'sync: must be "batch" or "epoch", not {sync!r}')
    run_epoch = _run_batches if sync == "batch" else _run_and_average
    begun = False

    def train_epoch(params, share, learning_rate):
        nonlocal begun
        if not isinstance(share, Share):
            raise TypeError(f"train_data: must be a distributed.Share, not {type(share).__name__}")
        if isinstance(share.loader, Stream):
            check_stream(share.loader, params[0])
            if sync == "batch":
                raise ValueError('sync: "batch" needs rows in memory; a Stream takes "epoch"')
        elif share.loader is not None:
            check_batch(share.loader.X, share.loader.y, params[0])
        if not begun:
            _begin_alike(kv, params)
            begun = True
        return run_epoch(kv, params, share, learning_rate)

    train_epoch.__qualname__ = f"{sync} sync of {kv.num_workers} workers"
    return train_epoch


def _begin_alike(kv, params):
    """Give all workers rank 0's parameters and state of the generator."""
    name, key, *rest = np.random.get_state(legacy=True)
    if name != "MT19937":
        raise ValueError(f"np.random: draws from {name}; workers share NumPy's default, MT19937")
    state = np.concatenate([_packed(params), key, rest])
    state = add_up(kv, state if kv.rank == 0 else np.zeros_like(state))
    values, key, rest = np.split(state, [-len(key) - len(rest), -len(rest)])
    pos, has_gauss, cached_gaussian = rest
    np.random.set_state((name, key.astype(np.uint32), int(pos), int(has_gauss), cached_gaussian))
    _unpack(values, params)


def _run_batches(kv, params, share, learning_rate):
    order = np.arange(share.num_rows)
    if share.shuffle:
        np.random.shuffle(order)
    grads = [param.grad for param in params]
    cumulative_loss = 0.0
    for start in range(0, share.num_rows, share.batch_size):
        batch = order[start : start + share.batch_size]
        own = batch[(batch >= share.rows.start) & (batch < share.rows.stop)] - share.rows.start
        numbers = np.zeros(sum(grad.size for grad in grads) + 1)
        if len(own):
            rows = nd.array(own, ctx=share.loader.X.context, dtype="int64")
            data, label = (nd.take(array, rows) for array in (share.loader.X, share.loader.y))
            loss = _backward(params, data, label, len(own) / len(batch))
            numbers[:] = _packed([*grads, loss])
        *total, batch_loss = np.split(add_up(kv, numbers), [-1])
        _unpack(total[0], grads)
        SGD(params, learning_rate)
        cumulative_loss += float(batch_loss[0])
    return cumulative_loss / len(share)


def _run_and_average(kv, params, share, learning_rate):
    draw = np.random.randint(2**32, dtype=np.uint64)
    common = np.random.get_state()
    loss = 0.0
    if share.loader is not None:
        np.random.seed([int(draw), kv.rank])
        try:
            loss = compiled.train_epoch(params, share.loader, learning_rate)
        except training.DivergenceError:
            loss = np.nan  # which the others learn of
        finally:
            np.random.set_state(common)
    weight = len(share.rows) / share.num_rows
    *total, mean_loss = np.split(add_up(kv, weight * np.append(_packed(params), loss)), [-1])
    _unpack(total[0], params)
    return float(mean_loss[0])


def _packed(arrays):
    return np.concatenate([array.asnumpy().ravel().astype(np.float64) for array in arrays])


def _unpack(numbers, arrays):
    ends = np.cumsum([array.size for array in arrays])
    for array, values in zip(arrays, np.split(numbers, ends[:-1])):
        array[:] = nd.array(values.reshape(array.shape), ctx=array.context, dtype=array.dtype)


def train(
    kv: "mx.kv.KVStore",
    params: Sequence["nd.NDArray"],
    share: Share,
    epochs: int = 10,
    learning_rate: float = 1e-4,
    sync: str = "batch",
    on_epoch: Optional[Callable[[int, float, Sequence["nd.NDArray"]], None]] = None,
    checkpoint: Optional[Union[str, Path]] = None,
    every: int = 1,
    resume: bool = False,
) -> List[float]:
    """Train on all workers: `mxlinreg.train` with this module's `engine`, called on each of them.

    The parameters are as `train` says; so are the errors. Rank 0 alone reads and writes the
    checkpoint, which describes the whole job: its data are those of all shares, and it is
    resumed on as many workers.
    """
    run_epoch = engine(kv, sync)
    settings = params, share, epochs, learning_rate, run_epoch, on_epoch, False
    if checkpoint is None:
        return training.train(*settings, resume=resume)
    if kv.rank == 0:
        path = Path(checkpoint)
        broadcast(kv, path.read_bytes() if resume and path.is_file() else b"")
        return training.train(*settings, checkpoint, every, resume)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / Path(checkpoint).name
        content = broadcast(kv, b"")
        if content:
            copy.write_bytes(content)
        return training.train(*settings, copy, epochs or 1, resume=True)


def least_squares(
    kv: "mx.kv.KVStore",
    X: Any,
    y: Any = None,
    intercept: bool = True,
    sample_weight: Any = None,
    rank_deficient: str = "error",
    columns: Optional[Sequence[str]] = None,
) -> exact.LeastSquares:
    """`mxlinreg.least_squares` of all workers' rows, called on each of them.

    Each worker gives its own share, of no row if need be, and folds it into a triangular factor;
    the factors of all, and nothing else that grows, go through the KVStore. All workers get the
    same result. Arguments and errors are those of `mxlinreg.least_squares`.
    """
    settings = X, y, intercept, sample_weight, rank_deficient, columns
    return exact.solve(*settings, gather=partial(gather, kv))
