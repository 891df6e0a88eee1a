"""Run the chapter's training to the least-squares fit, on decorrelated columns at a safe rate.

`descend` is the one way from rows to a trained model, for arrays, streams and workers alike.
"""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any, Callable, List, NamedTuple, Optional, Tuple, Type, Union

import numpy as np

from .. import _mxnet
from .._checks import check_dtype
from ..moments import Moments, whitening
from ..rows.interface import Rows
from ..rows.transform import Transform, even_batch_size
from .distance import Distance, distance_from_exact

# An epoch has this many batches by default, of at least 4 rows and at most 1 MiB.
BATCHES = 8
LEAST_BATCH, BATCH_NUMBERS = 4, 1 << 17
# The number of epochs in a row without progress after which a rate that is not given is lowered.
PATIENCE = 2


class Settings(NamedTuple):
    """The settings of `descend`."""

    engine: Any = "auto"
    """How to run an epoch, as in `train`. "auto" is "compiled" on a CPU if Numba is installed, else
    "autograd". Workers have engines of their own, which `sync` chooses."""
    ctx: Any = "cpu"
    """The device to train on; anything that `context` takes."""
    dtype: str = "float64"
    epochs: int = 1000
    """The largest number of epochs."""
    learning_rate: Optional[float] = None
    """The rate of the first epoch. None stands for the largest rate that is safe for batches of
    the data. A rate that is given stays constant unless the training diverges or `patience` is
    given too."""
    standardize: bool = True
    """Whether to train on decorrelated columns of mean square 1."""
    tol: Optional[float] = 1e-3
    """The training ends when each output's MSE exceeds the least possible by at most this share of
    itself, and each coefficient is within a tenth of its standard error of the exact one. None
    runs all epochs."""
    patience: Optional[int] = None
    """The number of epochs in a row without progress after which the rate is lowered."""
    seed: int = 0
    """The seed of the row order."""
    on_epoch: Optional[Callable[[int, float], Any]] = None
    """Called as ``on_epoch(epoch, mean_loss)`` after each epoch, with the mean loss in squared
    units of y."""
    progress: bool = False
    """Whether to show a bar, as `train` does. Workers show none."""
    checkpoint: Optional[Union[str, Path]] = None
    """As in `train`, like `every` and `resume`."""
    every: int = 1
    resume: bool = False
    stops: Tuple[Type[BaseException], ...] = ()
    """Exceptions, such as KeyboardInterrupt, that end the training early. The result is then the
    best fit so far."""
    sync: str = "batch"
    """How workers train together, as in `distributed.train`."""


class Descent(NamedTuple):
    """The result of a training."""

    coefficients: np.ndarray
    """Shape (d, k), float64, in units of the data."""
    intercept: np.ndarray
    """Shape (k,), float64."""
    losses: List[float]
    """The mean loss of each epoch, in squared units of y."""
    mse_above: float
    """The excess of the training MSE over the least possible, as a share of the training MSE; the
    largest over the outputs."""
    standard_errors_off: float
    """The largest distance of a coefficient from the exact one, in its standard errors."""
    r2: float
    """The share of the variance of y that the training explains, the least over the outputs. It is
    negative if coefficients of 0 would be nearer, and NaN if y is constant."""
    converged: bool
    """Whether the training has reached `tol`."""
    stopped: Optional[BaseException]
    """The exception that ended the training early, or None."""


def descend(
    rows: Rows,
    moments: Moments,
    settings: Settings,
    start: Optional[np.ndarray] = None,
    train_bias: bool = True,
    rows_seen: int = 0,
) -> Descent:
    """Train until the fit is as close to the exact one as `settings` demand.

    The rows are centred and their columns decorrelated, so that one rate suits all columns. The
    rate is lowered when the fit no longer approaches the exact one. How far off it is follows from
    the moments, without a look at the rows, and is the same for all workers.

    Parameters
    ----------
    rows : Rows
        Arrays, a Stream, or a worker's Share of either, in the units of the data. Their
        `batch_size` is the largest number of rows in a batch; None stands for a default. A stream
        must have been read once, and is read once more before the first epoch.
    moments : Moments
        The `triangular_moments` of these rows (of all workers) and of the rows of earlier blocks.
    settings : Settings
    start : array of shape (d, k), optional
        The coefficients to start from, by default 0.
    train_bias : bool
        Whether to train the bias, as the chapter does. On centred rows without weights it ends
        near 0. In all other cases it would change the coefficients, so it must stay exactly 0.
    rows_seen : int
        The number of rows in earlier blocks. The safe rate falls as it grows.

    Returns
    -------
    Descent
        The best fit after any epoch. If it has not `converged`, or its `r2` is negative, the
        caller must say so.

    Raises
    ------
    TypeError, ValueError, DivergenceError
        As `train`. TypeError also if the engine cannot leave the bias unchanged.
    """
    from ..chapter.contexts import context
    from ..training.schedule import Schedule

    check_dtype(settings.dtype)
    settings = settings._replace(ctx=context(settings.ctx), dtype=np.dtype(settings.dtype).name)
    settings = settings._replace(engine=_engine(settings, train_bias))
    num_outputs = rows.num_outputs
    num_inputs = len(moments.mean) - num_outputs
    # All workers use the matrix of the first. On another processor it may have other signs.
    whiten, unwhiten = rows.gather(np.array(whitening(moments, num_inputs)))[0]
    y_scale = _deviation(moments.products[:, num_inputs:], moments.weight)
    white = _white(rows, moments, whiten, y_scale, settings)

    rate, patience = settings.learning_rate, settings.patience
    if rate is None:
        rate = _safe_rate(white, num_inputs, _alone(rows, settings), train_bias)
        rate *= num_outputs / (1 + rate * rows_seen / white.batch_size)
        patience = PATIENCE if patience is None else patience
    measure = distance_from_exact(
        moments, whiten, settings.standardize, y_scale, train_bias, settings.dtype
    )

    def distance_of(w, b):  # that of the first worker, so that all end after the same epoch
        return Distance(*rows.gather(np.array(measure(w, b)))[0].tolist())

    def draw_order(epoch):
        white.random = np.random.RandomState([settings.seed, epoch])

    w = np.zeros((num_inputs, num_outputs)) if start is None else start / y_scale
    if settings.standardize:
        w = unwhiten @ w
    first = w.astype(settings.dtype), np.zeros(num_outputs, settings.dtype)
    schedule = Schedule(
        rate,
        first,
        distance_of,
        # An epoch that ends farther off than both the start and coefficients of 0 has diverged.
        limit=max(distance_of(*first).excess, num_outputs),
        tol=settings.tol,
        patience=patience,
        train_bias=train_bias,
        before_epoch=draw_order,
        settings={
            "schedule": "descent",
            "tol": settings.tol,
            "patience": patience,
            "seed": settings.seed,
            "train_bias": train_bias,
        },
    )
    # The rows of zeros that fill the last batch count in a mean loss.
    filled = math.ceil(rows.num_rows / white.batch_size) * white.batch_size
    unit = y_scale * y_scale * filled / rows.num_rows
    try:
        stopped = None
        _train(first, white, schedule, unit, settings)
    except settings.stops as error:
        stopped = error

    w, b = (value.astype(np.float64) for value in schedule.best)
    x_mean, y_mean = np.split(moments.mean, [num_inputs])
    with np.errstate(over="ignore", invalid="ignore"):  # the caller checks that they are finite
        coefficients = y_scale * (whiten @ w if settings.standardize else w)
        intercept = y_mean + y_scale * b - x_mean @ coefficients
    losses = [loss * unit for loss in schedule.losses]
    _, *distance = schedule.distance
    return Descent(coefficients, intercept, losses, *distance, schedule.ended, stopped)


def _white(rows, moments, whiten, y_scale, settings):
    """The rows to train on, in equal batches."""
    num_rows = rows.num_rows / rows.kv.num_workers if _alone(rows, settings) else rows.num_rows
    batch_size = rows.batch_size or _default_batch_size(num_rows, len(whiten))
    transform = Transform(
        moments.mean,
        whiten if settings.standardize else None,
        y_scale,
        moments.weight / moments.rows,
    )
    batch_size = even_batch_size(rows.num_rows, batch_size)
    return rows.transformed(transform, batch_size, settings.dtype, settings.ctx)


def _alone(rows, settings):
    """Whether each worker runs its epochs on its own rows, in batches of its own."""
    return rows.kv is not None and settings.sync == "epoch"


def _train(first, white, schedule, unit, settings):
    """Run `train`, or that of all workers."""
    params = [_mxnet.nd.array(value, ctx=settings.ctx, dtype=value.dtype) for value in first]
    for param in params:
        param.attach_grad()

    def on_epoch(epoch, mean_loss, _):
        if settings.on_epoch is not None:
            settings.on_epoch(epoch, mean_loss * unit)

    arguments = {
        "epochs": settings.epochs,
        "learning_rate": schedule.rate,
        "on_epoch": on_epoch,
        "checkpoint": settings.checkpoint,
        "every": settings.every,
        "resume": settings.resume,
        "schedule": schedule,
    }
    if white.kv is None:
        from ..training import train

        arguments.update(engine=settings.engine, progress=settings.progress)
        train(params, white, **arguments)
    else:
        from ..distributed import train

        train(white.kv, params, white, sync=settings.sync, **arguments)


def _engine(settings, train_bias):
    """The engine's name or function. Raise if it is a function that cannot obey `train_bias`."""
    from ..training.engines import name_of

    engine, ctx = settings.engine, settings.ctx
    if callable(engine) and not train_bias:
        known = inspect.signature(engine).parameters.values()
        if not any(p.name == "train_bias" or p.kind is p.VAR_KEYWORD for p in known):
            raise TypeError(
                f"engine: {name_of(engine)} has no keyword train_bias; a fit with weights, without "
                "an intercept or in blocks passes train_bias=False, which must leave b unchanged"
            )
    return _fastest(ctx) if isinstance(engine, str) and engine == "auto" else engine


def _fastest(ctx):
    """The engine that "auto" stands for."""
    if ctx.device_type == "cpu":
        try:
            from ..compiled import kernel  # noqa: F401

            return "compiled"
        except (ImportError, OSError):  # OSError: what Numba imports needs a working directory
            pass
    return "autograd"


def _deviation(factor, weight):
    """The largest standard deviation of the columns of a triangular factor, or 1 if all are 0."""
    largest = np.abs(factor).max()
    if largest == 0:
        return 1.0
    # In units of the largest number, squares neither overflow nor underflow.
    return float(largest * np.linalg.norm(factor / largest, axis=0).max() / math.sqrt(weight))


def _default_batch_size(num_rows, num_inputs):
    """Batches so large that large steps are safe, of which an epoch has several."""
    largest = max(LEAST_BATCH, BATCH_NUMBERS // (num_inputs + 1))
    return min(max(math.ceil(num_rows / BATCHES), LEAST_BATCH), largest)


def _safe_rate(white: Rows, num_inputs: int, alone: bool, train_bias: bool) -> float:
    """The rate that shrinks the error of w (and b) most, on average over the batches.

    A batch's ``S = data.T @ data / batch_size`` satisfies ``E[S S] <= bound * E[S]``. Along an
    eigenvector of E[S] with eigenvalue v, a step therefore multiplies the expected squared error
    by at most ``1 - 4 rate v (1 - rate bound)``. The bias counts as a column of ones.

    The batches are those of the rows of all workers or, if each trains `alone` on its own rows,
    of those. The rate is then the least of the workers' rates.
    """
    products, longest, num_rows = np.zeros((num_inputs, num_inputs)), 0.0, 0
    for data, *_ in white.blocks():
        products += data.T @ data
        longest = max(longest, np.einsum("ij,ij->i", data, data).max())
        num_rows += len(data)
    batch_size = white.batch_size
    if not alone:
        products = white.gather(products).sum(axis=0)
        longest = white.gather(np.array(longest)).max()
        num_rows = white.gather(np.array(num_rows)).sum()
    elif white.own is not None:
        batch_size = white.own.batch_size
    largest = np.linalg.eigvalsh(products / max(num_rows, 1))[-1]
    if train_bias:
        largest, longest = max(largest, 1.0), longest + 1
    bound = ((batch_size - 1) * largest + longest) / batch_size
    bound = white.gather(np.array(bound)).max()
    return float(0.5 / bound) if bound > 0 else 0.0
