"""Training and the exact solution on the rows of all workers. Each worker makes the same call."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Callable, List, Optional, Sequence, Union

import numpy as np

from .. import compiled, exact, training
from .._checks import (
    check_choice,
    check_count,
    check_flag,
    check_number,
    check_params,
    check_path,
)
from .._mxnet import mx, nd
from ..chapter.scratch import SGD
from ..chapter.training import DivergenceError
from ..exact.result import LeastSquares
from ..training import Engine
from ..training.schedule import Schedule
from .collectives import all_reduce, broadcast, check_kv
from .devices import backward
from .share import Share


def engine(kv: mx.kv.KVStore, sync: str = "batch") -> Engine:
    """Make an engine for `mxlinreg.train` on a `Share` of the rows.

    All workers must call `train` with the same settings. They start from rank 0's parameters and
    its state of NumPy's global generator, and all have the same parameters, losses and state after
    each epoch.

    Parameters
    ----------
    kv : KVStore
        The KVStore from `connect`.
    sync : {"batch", "epoch"}
        With "batch", the batches are those of one process that has all rows. Each worker computes
        the gradient of the rows in its share, the gradients are added up, and each worker takes
        the same step by `SGD`. The results equal those of one process up to rounding. With
        "epoch", each worker runs an epoch over its share with the compiled engine, in an order of
        its own. The parameters are then averaged, weighted by the workers' numbers of rows
        (Zinkevich, Weimer, Smola, Li, "Parallelized stochastic gradient descent", 2010).

    Returns
    -------
    callable
        The engine, which has the keyword `train_bias` of `mxlinreg.train_epoch`. With "batch" it
        returns the mean loss of all batches. With "epoch" it returns the mean of the workers' mean
        losses, weighted by their numbers of rows.

    Raises
    ------
    ValueError
        If `sync` is neither "batch" nor "epoch".
    """
    check_choice("sync", sync, ("batch", "epoch"))
    check_kv(kv)
    run_epoch = _run_batches if sync == "batch" else _run_and_average
    begun = False

    def epoch_of_workers(params, share, learning_rate, train_bias=True):
        nonlocal begun
        check_params(params)
        learning_rate = check_number("learning_rate", learning_rate)
        train_bias = check_flag("train_bias", train_bias)
        if not isinstance(share, Share) or share.kv is not kv:
            raise TypeError(
                "train_data: must be a distributed.Share of the engine's KVStore, not "
                f"{type(share).__name__}"
            )
        share.check(params[0])
        if sync == "batch" and not share.in_memory:
            raise ValueError('sync: "batch" needs rows in memory; use "epoch" with a Stream')
        # A copy, because another thread may draw from the global generator meanwhile.
        random = share.random or _generator_of_first(kv)
        if not begun:
            _unpack(_of_first(kv, _packed(params)), params)
            begun = True
        mean_loss = run_epoch(kv, params, share, learning_rate, train_bias, random)
        if share.random is None:
            np.random.set_state(random.get_state())
        return mean_loss

    epoch_of_workers.name = f"{sync} sync of {kv.num_workers} workers"  # type: ignore[attr-defined]
    return epoch_of_workers


def _of_first(kv, numbers):
    """The numbers of rank 0, on all workers."""
    return all_reduce(kv, numbers if kv.rank == 0 else np.zeros_like(numbers))


def _generator_of_first(kv):
    """A generator in the state of rank 0's global one, on all workers."""
    name, key, *rest = np.random.get_state(legacy=True)
    if name != "MT19937":
        raise ValueError(f"np.random: draws from {name}; workers share NumPy's default, MT19937")
    state = _of_first(kv, np.concatenate([key, rest]))
    key, (pos, has_gauss, cached_gaussian) = np.split(state, [len(key)])
    random = np.random.RandomState()
    random.set_state((name, key.astype(np.uint32), int(pos), int(has_gauss), cached_gaussian))
    return random


def _run_batches(kv, params, share, learning_rate, train_bias, random):
    order = np.arange(share.num_rows)
    if share.shuffle:
        random.shuffle(order)
    grads = [param.grad for param in params]
    trained = params if train_bias else params[:1]
    cumulative_loss = 0.0
    for start in range(0, share.num_rows, share.batch_size):
        batch = order[start : start + share.batch_size]
        own = batch[(batch >= share.rows.start) & (batch < share.rows.stop)] - share.rows.start
        numbers = np.zeros(sum(grad.size for grad in grads) + 1)
        if len(own):
            size = share.batch_size if share.last_batch == "fill" else len(batch)
            loss = backward(params, *share.own.take(own), len(own) / size)
            numbers[:] = _packed([*grads, loss])
        *total, batch_loss = np.split(all_reduce(kv, numbers), [-1])
        _unpack(total[0], grads)
        SGD(trained, learning_rate)
        cumulative_loss += float(batch_loss[0])
    return cumulative_loss / len(share)


def _run_and_average(kv, params, share, learning_rate, train_bias, random):
    draw = random.randint(2**32, dtype=np.uint64)
    loss = 0.0
    if share.own is not None:
        share.own.random = np.random.RandomState([int(draw), kv.rank])
        try:
            loss = compiled.compiled_epoch(params, share.own, learning_rate, train_bias)
        except DivergenceError:
            loss = np.nan  # so that the epoch diverges on all workers
        finally:
            share.own.random = None
    weight = len(share.rows) / share.num_rows
    *total, mean_loss = np.split(all_reduce(kv, weight * np.append(_packed(params), loss)), [-1])
    _unpack(total[0], params)
    return float(mean_loss[0])


def _packed(arrays):
    return np.concatenate([array.asnumpy().ravel().astype(np.float64) for array in arrays])


def _unpack(numbers, arrays):
    ends = np.cumsum([array.size for array in arrays])
    for array, values in zip(arrays, np.split(numbers, ends[:-1])):
        array[:] = nd.array(values.reshape(array.shape), ctx=array.context, dtype=array.dtype)


def train(
    kv: mx.kv.KVStore,
    params: Sequence[nd.NDArray],
    share: Share,
    epochs: int = 10,
    learning_rate: float = 1e-4,
    sync: str = "batch",
    on_epoch: Optional[Callable[[int, float, Sequence[nd.NDArray]], None]] = None,
    checkpoint: Optional[Union[str, Path]] = None,
    every: int = 1,
    resume: bool = False,
    schedule: Optional[Schedule] = None,
) -> List[float]:
    """Train on the rows of all workers. Each worker must make this call.

    This is `mxlinreg.train` with the `engine` of `kv` and `sync`. The other parameters and the
    errors are described there. Only rank 0 reads and writes the checkpoint. It belongs to the
    whole job, so it can be resumed only with the same rows on the same number of workers.
    """
    run_epoch = engine(kv, sync)
    if checkpoint is not None:
        check_path("checkpoint", checkpoint)
    every, epochs = check_count("every", every), check_count("epochs", epochs, minimum=0)
    with TemporaryDirectory() as folder:
        if checkpoint is not None:
            path = Path(checkpoint)
            if kv.rank == 0:
                broadcast(kv, path.read_bytes() if resume and path.is_file() else b"")
            else:  # a copy from which this worker resumes
                checkpoint, every, resume = Path(folder, path.name), epochs or 1, True
                content = broadcast(kv, b"")
                if content:
                    checkpoint.write_bytes(content)
        return training.train(
            params,
            share,
            epochs,
            learning_rate,
            engine=run_epoch,
            on_epoch=on_epoch,
            checkpoint=checkpoint,
            every=every,
            resume=resume,
            schedule=schedule,
        )


def least_squares(kv: mx.kv.KVStore, X: Any, y: Any = None, **settings: Any) -> LeastSquares:
    """Solve linear least squares for the rows of all workers. Each worker must make this call.

    X and y are this worker's rows, as for `Share`, and there may be none. Each worker reduces its
    rows to a triangular factor, and only these factors go through the KVStore. The result is the
    same on all workers. `settings` are the other parameters of `mxlinreg.least_squares`.
    """
    return exact.least_squares(Share(kv, X, y), **settings)
