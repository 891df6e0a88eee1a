"""The chapter's training loop."""

import math
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Callable, Iterable, Iterator, List, Optional, Sequence, Union

import numpy as np

from .._checks import check_batch, check_count, check_number, check_params, check_stream
from .._files import check_writable, remove_stale
from .._mxnet import autograd, nd
from ..models.checkpoint import load_checkpoint, save_checkpoint
from .data import ArrayLoader, Stream
from .scratch import SGD, net, square_loss

Engine = Callable[[Sequence["nd.NDArray"], Iterable, float], float]


class DivergenceError(ValueError):
    """The loss or a parameter has left the finite numbers.

    The parameters are as they were before the epoch in which it happened.
    """


def train_epoch(params: Sequence["nd.NDArray"], batches: Iterable, learning_rate: float) -> float:
    """Train for one epoch: the chapter's inner loop.

    Parameters
    ----------
    params : [w, b]
        With gradients attached, as from `init_params`; changed in place.
    batches : ArrayLoader, Stream, or an iterable of (data, label)
        NDArrays of shape (rows, d) and (rows,) or (rows, k), on any context: each batch moves
        to that of the parameters.
    learning_rate : float

    Returns
    -------
    float
        The mean of the batches' losses, each taken before its step.

    Raises
    ------
    TypeError, ValueError
        If the parameters, a batch or the learning rate does not fit, or there is no batch.
    DivergenceError
        If a loss or the resulting parameters are not finite. The parameters are then as they
        were before the epoch.
    """
    check_params(params)
    learning_rate = check_number("learning_rate", learning_rate)
    w, b = params
    model_ctx, num_outputs = w.context, w.shape[1]
    each_to_check = not isinstance(batches, (ArrayLoader, Stream))
    if not each_to_check:
        _check_data(batches, w)
    num_batches = 0
    # A Python float: summed up as NumPy scalars, the losses differ between NumPy 1 and 2.
    cumulative_loss = 0.0
    with _last_finite(params), batches_of(batches) as pairs:
        for data, label in pairs:
            if each_to_check:
                check_batch(data, label, w)
            data = data.as_in_context(model_ctx)
            label = label.as_in_context(model_ctx).reshape((-1, num_outputs))
            with autograd.record():
                output = net(data, w, b)
                loss = square_loss(output, label)
            loss.backward()
            SGD(params, learning_rate)
            batch_loss = float(loss.asscalar())
            if not math.isfinite(batch_loss):
                raise diverged(f"the loss of batch {num_batches}")
            cumulative_loss += batch_loss
            num_batches += 1
    if num_batches == 0:
        raise ValueError("batches: none was given; an epoch needs at least one batch")
    return cumulative_loss / num_batches


@contextmanager
def batches_of(train_data: Iterable) -> Iterator[Iterable]:
    """The pairs (data, label) of an epoch, of a `Stream` or of what gives pairs by itself.

    A stream's thread ends with the epoch, not when the last traceback of an error is gone.
    """
    if not isinstance(train_data, Stream):
        yield train_data
        return
    with closing(train_data.batches()) as batches:
        yield batches


ENGINES = {"autograd": train_epoch}


def train(
    params: Sequence["nd.NDArray"],
    train_data: Iterable,
    epochs: int = 10,
    learning_rate: float = 1e-4,
    engine: Union[str, Engine] = "autograd",
    on_epoch: Optional[Callable[[int, float, Sequence["nd.NDArray"]], None]] = None,
    progress: bool = False,
    checkpoint: Optional[Union[str, Path]] = None,
    every: int = 1,
    resume: bool = False,
) -> List[float]:
    """Train for some epochs: the chapter's loop.

    Parameters
    ----------
    params : [w, b]
        With gradients attached, as from `init_params`; changed in place. The training runs on
        their context.
    train_data : ArrayLoader, Stream, or an iterable of (data, label) for each epoch anew
    epochs : int
        0 does nothing.
    learning_rate : float
    engine : {"autograd", "compiled"} or callable
        What runs an epoch: the chapter's `train_epoch`, the same in compiled code
        (`mxlinreg.compiled.train_epoch`: from an ArrayLoader or a Stream, on the CPU), or a
        function ``engine(params, train_data, learning_rate) -> mean loss``.
    on_epoch : callable, optional
        Called as ``on_epoch(epoch, mean_loss, params)`` after each epoch, from epoch 0.
    progress : bool
        Show a tqdm bar on stderr: of the batches within each epoch, or of the epochs where
        these are compiled; of a Stream's rows in either case. An engine of one's own is given
        the bar in place of `train_data`, as an iterable of its batches.
    checkpoint : str or Path, optional
        The file that keeps the state of the training, as `checkpoint.save_checkpoint` writes
        it: after each `every`-th epoch and the last, once `on_epoch` is done. A training that
        was killed at any moment, and is resumed, ends with the same bits as one that was not.
    every : int
    resume : bool
        Go on from the checkpoint: take `params`, the state of NumPy's global generator and the
        losses from it, and train from there to `epochs` in all. Where there is no such file
        yet, begin at the beginning.

    Returns
    -------
    list of float
        The mean loss of each epoch, of those before a checkpoint too.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit; before the first step where that can be seen. With a
        checkpoint also if the file exists and is not to be resumed; if it is not whole, or of
        a training with other data or settings, which are named, or of more epochs; or if
        `train_data` has no method `fingerprint`, as an ArrayLoader has, to know them again by.
    DivergenceError
        If a loss or the parameters are not finite after an epoch, which it names. The
        parameters are then the last finite ones, from before that epoch.
    ImportError
        If the engine is "compiled" and Numba is missing (the extra `fast`).
    """
    check_params(params)
    epochs = check_count("epochs", epochs, minimum=0)
    learning_rate = check_number("learning_rate", learning_rate)
    run_epoch = _engine(engine)
    if isinstance(train_data, (ArrayLoader, Stream)):
        _check_data(train_data, params[0])
    every = check_count("every", every)
    losses = []
    if checkpoint is not None:
        checkpoint = check_writable("checkpoint", checkpoint)
        exists = checkpoint.exists()
        if exists and not resume:
            raise ValueError(
                f"checkpoint: {checkpoint} exists; resume=True goes on from it, "
                "or give another name"
            )
        settings = _settings(params, train_data, learning_rate, engine)
        if exists:
            losses = load_checkpoint(checkpoint, params, settings, epochs)
        remove_stale(checkpoint)
    elif resume:
        raise ValueError("resume: goes on from a checkpoint; give its file as checkpoint=")
    rows_shown = progress and isinstance(train_data, Stream)
    compiled = engine in ("compiled", ENGINES.get("compiled"))
    epochs_shown = progress and not rows_shown and compiled
    to_do = range(len(losses), epochs)
    for epoch in _bar(to_do, unit=" epochs") if epochs_shown else to_do:
        batches = train_data
        if progress and not (rows_shown or epochs_shown):
            batches = _bar(train_data, desc=f"Epoch {epoch}", unit=" batches")
        try:
            with _row_bar(train_data, epoch) if rows_shown else nullcontext():
                mean_loss = run_epoch(params, batches, learning_rate)
        except DivergenceError as error:
            raise DivergenceError(f"epoch {epoch}: {error}") from None
        losses.append(mean_loss)
        if on_epoch is not None:
            on_epoch(epoch, mean_loss, params)
        if checkpoint is not None and ((epoch + 1) % every == 0 or epoch + 1 == epochs):
            save_checkpoint(checkpoint, params, losses, settings)
    return losses


def _settings(params, train_data, learning_rate, engine):
    """What a resumed training must have in common with the one that it goes on with."""
    if not hasattr(train_data, "fingerprint"):
        raise TypeError(
            f"train_data: a {type(train_data).__name__} has no method fingerprint(), by which a "
            "checkpoint knows the data again; give an ArrayLoader or a Stream"
        )
    generator = np.random.get_state(legacy=False)["bit_generator"]
    if generator != "MT19937":
        raise ValueError(
            f"np.random: draws from {generator}; a checkpoint keeps NumPy's default, MT19937, only"
        )
    w = params[0]
    if not isinstance(engine, str):
        engine = getattr(engine, "__qualname__", type(engine).__qualname__)
    return {
        "learning_rate": learning_rate,
        "engine": engine,
        "dtype": np.dtype(w.dtype).name,
        "inputs": w.shape[0],
        "outputs": w.shape[1],
        "batch_size": getattr(train_data, "batch_size", None),
        "shuffle": getattr(train_data, "shuffle", None),
        "data": train_data.fingerprint(),
    }


def _engine(engine):
    """The function that runs an epoch, watched for divergence where it is not one of ours."""
    if isinstance(engine, str) and engine in ENGINES:
        return ENGINES[engine]
    if not callable(engine):
        raise ValueError(f"engine: {engine!r} is neither a function nor one of {sorted(ENGINES)}")

    def watched(params, batches, learning_rate):
        with _last_finite(params):
            mean_loss = float(engine(params, batches, learning_rate))
            if not math.isfinite(mean_loss):
                raise diverged("the mean loss")
        return mean_loss

    return watched


def _check_data(train_data, w):
    """Raise unless the data, as a whole, fit the parameters."""
    if isinstance(train_data, Stream):
        check_stream(train_data, w)
    else:
        check_batch(train_data.X, train_data.y, w)


@contextmanager
def _row_bar(stream, epoch):
    options = {"desc": f"Epoch {epoch}", "unit": " rows", "total": stream.num_rows}
    with _bar(None, **options, unit_scale=True) as bar:
        stream.on_rows = bar.update
        try:
            yield
        finally:
            stream.on_rows = None


def _bar(iterable, **options):
    from tqdm import tqdm

    return tqdm(iterable, leave=False, **options)


@contextmanager
def _last_finite(params):
    """Put `params` back as they were if the loss diverges within, or they end up not finite."""
    before = [param.copy() for param in params]
    try:
        yield
        for name, param in zip("wb", params):
            if not np.isfinite(param.asnumpy()).all():
                raise diverged(name)
    except DivergenceError:
        for param, finite in zip(params, before):
            param[:] = finite
        raise


def diverged(what: str) -> DivergenceError:
    """The error to raise when `what` has become infinite or NaN."""
    return DivergenceError(
        f"{what} is no longer finite; try a smaller learning_rate, or scale the inputs"
    )
