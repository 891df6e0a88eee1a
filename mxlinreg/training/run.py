"""The public function `train`."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable, Iterable, List, Optional, Sequence, Union

from .._checks import (
    check_count,
    check_flag,
    check_function,
    check_number,
    check_params,
    is_iterable,
)
from .._files import check_writable
from .._mxnet import autograd, nd
from ..chapter.training import DivergenceError, run_epochs
from ..models.checkpoint import load_checkpoint, save_checkpoint
from ..rows.sources import are_arrays, as_rows
from .engines import Engine, find_engine, name_of
from .progress import with_bars
from .resuming import settings_of
from .schedule import Schedule


def train(
    params: Sequence[nd.NDArray],
    train_data: Iterable[Any],
    epochs: int = 10,
    learning_rate: float = 1e-4,
    engine: Union[str, Engine] = "autograd",
    on_epoch: Optional[Callable[[int, float, Sequence[nd.NDArray]], None]] = None,
    progress: bool = False,
    checkpoint: Optional[Union[str, Path]] = None,
    every: int = 1,
    resume: bool = False,
    schedule: Optional[Schedule] = None,
) -> List[float]:
    """Train a linear model by the chapter's loop.

    Parameters
    ----------
    params : [w, b]
        NDArrays of shape (d, k) and (k,) with gradients attached, as `init_params` returns them.
        They are trained on their context and changed in place.
    train_data : DataLoader, ArrayLoader, Stream, or iterable of (data, label)
        Each epoch iterates over it once.
    epochs : int
        The number of epochs. With 0 nothing is trained.
    learning_rate : float
    engine : {"autograd", "compiled"} or callable
        How to run an epoch. "autograd" is the chapter's `train_epoch`. "compiled" is the same
        loop in compiled code (`mxlinreg.compiled.train_epoch`). It runs on the CPU and takes a
        DataLoader over an `ArrayDataset`, an ArrayLoader or a Stream. A function of your own has
        the form ``engine(params, train_data, learning_rate) -> mean loss``.
    on_epoch : callable, optional
        Called as ``on_epoch(epoch, mean_loss, params)`` after each epoch; the first is epoch 0.
    progress : bool
        Whether to show a tqdm bar on stderr. It counts the rows of a Stream, else the epochs if
        the engine is compiled, else the batches of each epoch. An engine of your own receives
        the bar in place of `train_data`, as an iterable of batches.
    checkpoint : str or Path, optional
        The file in which the state of the training is saved after every `every`-th epoch and
        after the last, once `on_epoch` has returned. A training that is killed at any moment and
        then resumed ends with the same bits as one that ran through.
    every : int
        The number of epochs from one checkpoint to the next.
    resume : bool
        Whether to continue from the checkpoint if it exists. `params`, the losses and the state
        of NumPy's global generator are then read from the file, and the training continues until
        `epochs` epochs are done in all.
    schedule : Schedule, optional
        For this package's own fits: an object that sets the rate of each epoch, in place of
        `learning_rate`, and may end the training early.

    Returns
    -------
    list of float
        The mean loss of each epoch, including the epochs before a checkpoint.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid; where possible, before the first step. Also if the checkpoint
        exists without `resume`, is damaged, has other data or settings (the error lists them) or
        more than `epochs` epochs, or if `train_data` has no method `fingerprint`, by which a
        checkpoint identifies the data.
    DivergenceError
        If a loss or a parameter is not finite after an epoch, whose number the error states. The
        parameters are reset to their values before that epoch.
    ImportError
        If the engine is "compiled" and Numba is missing (the extra `fast`).
    """
    check_params(params)
    epochs = check_count("epochs", epochs, minimum=0)
    learning_rate = check_number("learning_rate", learning_rate)
    progress, resume = check_flag("progress", progress), check_flag("resume", resume)
    check_function("on_epoch", on_epoch)
    run_epoch = find_engine(engine)
    if schedule is not None:
        if not isinstance(schedule, Schedule):
            raise TypeError(f"schedule: must be a Schedule, not {type(schedule).__name__}")
        run_epoch = schedule.around(run_epoch)
    if are_arrays(train_data) or not is_iterable(train_data):
        raise TypeError(
            f"train_data: a {type(train_data).__name__} has no batches; give "
            "gluon.data.DataLoader(gluon.data.ArrayDataset(X, y), batch_size=4, shuffle=True)"
        )
    rows = as_rows(train_data)
    if rows.kv is not None and not callable(engine):
        raise ValueError(
            f"engine: {engine!r} trains on this worker's rows only; give distributed.engine(kv)"
        )
    rows.check(params[0])
    every = check_count("every", every)
    losses: List[float] = [] if schedule is None else schedule.losses
    if checkpoint is not None:
        checkpoint = check_writable("checkpoint", checkpoint)
        exists = checkpoint.exists()
        if exists and not resume:
            raise ValueError(
                f"checkpoint: {checkpoint} exists; continue from it with resume=True, "
                "or give another name"
            )
        settings = settings_of(params, rows, learning_rate, name_of(run_epoch), schedule)
        if exists:
            losses += load_checkpoint(checkpoint, params, settings, epochs, schedule)
    elif resume:
        raise ValueError("resume: continues from a checkpoint; give its file as checkpoint=")

    def ended():
        return len(losses) >= epochs or (schedule is not None and schedule.ended)

    with ExitStack() as stack:
        # An exception within `autograd.record()`, such as Ctrl-C, may leave recording on.
        stack.callback(autograd.set_recording, autograd.is_recording())
        stack.callback(autograd.set_training, autograd.is_training())
        if progress:
            run_epoch = stack.enter_context(with_bars(run_epoch, rows, len(losses), epochs))

        def run_numbered(params, train_data, learning_rate):
            try:
                return run_epoch(params, train_data, learning_rate)
            except DivergenceError as error:
                raise DivergenceError(f"epoch {len(losses)}: {error}") from None

        def after_epoch(_, mean_loss, params):
            losses.append(mean_loss)
            done = len(losses)
            if on_epoch is not None:
                on_epoch(done - 1, mean_loss, params)
            if checkpoint is not None and (done % every == 0 or ended()):
                state = None if schedule is None else schedule.state()
                save_checkpoint(checkpoint, params, losses, settings, state)

        data = train_data if callable(engine) else rows
        at_once = epochs - len(losses) if schedule is None else 1
        while not ended():
            run_epochs(params, data, at_once, learning_rate, run_numbered, after_epoch)
    return losses
