"""The public `train`."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable, Iterable, List, Optional, Sequence, Union

from .._checks import check_count, check_number, check_params
from .._files import check_writable, remove_stale
from .._mxnet import nd
from ..chapter.training import DivergenceError, run_epochs
from ..models.checkpoint import load_checkpoint, save_checkpoint
from ..rows.sources import are_arrays, as_rows
from .engines import Engine, find_engine, name_of
from .progress import with_bars
from .resuming import settings_of


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
) -> List[float]:
    """Train for some epochs: the chapter's loop.

    Parameters
    ----------
    params : [w, b]
        With gradients attached, as from `init_params`; changed in place. The training runs on
        their context.
    train_data : DataLoader, ArrayLoader, Stream, or an iterable of (data, label)
        Iterated over for each epoch anew.
    epochs : int
        0 does nothing.
    learning_rate : float
    engine : {"autograd", "compiled"} or callable
        What runs an epoch: the chapter's `train_epoch`, the same in compiled code
        (`mxlinreg.compiled.train_epoch`, on the CPU: from a DataLoader over an
        `ArrayDataset`, an ArrayLoader or a Stream), or a
        function ``engine(params, train_data, learning_rate) -> mean loss``.
    on_epoch : callable, optional
        Called as ``on_epoch(epoch, mean_loss, params)`` after each epoch, from epoch 0.
    progress : bool
        Show a tqdm bar on stderr: of the batches within each epoch, or of the epochs where
        these are compiled; of a Stream's rows in either case. An engine of one's own is given
        the bar in place of `train_data`, as an iterable of its batches.
    checkpoint : str or Path, optional
        The file that keeps the state of the training, as `mxlinreg.models` writes
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
    run_epoch = find_engine(engine)
    if are_arrays(train_data) or not hasattr(train_data, "__iter__"):
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
    losses: List[float] = []
    if checkpoint is not None:
        checkpoint = check_writable("checkpoint", checkpoint)
        exists = checkpoint.exists()
        if exists and not resume:
            raise ValueError(
                f"checkpoint: {checkpoint} exists; resume=True goes on from it, "
                "or give another name"
            )
        settings = settings_of(params, rows, learning_rate, name_of(run_epoch))
        if exists:
            losses = load_checkpoint(checkpoint, params, settings, epochs)
        remove_stale(checkpoint)
    elif resume:
        raise ValueError("resume: goes on from a checkpoint; give its file as checkpoint=")

    with ExitStack() as stack:
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
            if checkpoint is not None and (done % every == 0 or done == epochs):
                save_checkpoint(checkpoint, params, losses, settings)

        left = epochs - len(losses)
        data = train_data if callable(engine) else rows
        run_epochs(params, data, left, learning_rate, run_numbered, after_epoch)
    return losses
