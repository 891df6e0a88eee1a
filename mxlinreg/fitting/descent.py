"""Run the chapter's training to the least-squares fit, on decorrelated columns at a safe rate."""

from __future__ import annotations

import inspect
import math
from typing import Any, Callable, List, NamedTuple, Optional

import numpy as np

from .. import _mxnet
from ..moments import Moments, whitening
from .distance import distance_from_exact

# If the fit no longer approaches the exact one, the learning rate is divided by this.
RATE_DIVISOR = 5


class Settings(NamedTuple):
    """The settings of `descend`. The parameters of `LinearRegressor` describe each in full."""

    engine: Any
    ctx: Any
    epochs: int
    batch_size: int
    learning_rate: Optional[float]
    """None stands for the largest rate that is safe for batches of the data."""
    standardize: bool
    tol: Optional[float]
    patience: int
    """The number of epochs in a row without progress after which the rate is lowered."""
    random: np.random.RandomState
    """The generator of the row order."""
    on_epoch: Callable[[int, float], Any]


class Descent(NamedTuple):
    """The result of a training."""

    coefficients: np.ndarray
    """Shape (d, k), float64."""
    centre: np.ndarray
    """Shape (k,): the prediction at the columns' means, minus the mean of y."""
    losses: List[float]
    """The mean loss of each epoch, in squared units of y."""
    mse_above: float
    """The excess of the training MSE over the least possible, as a share of the training MSE."""
    standard_errors_off: float
    """The largest distance of a coefficient from the exact one, in its standard errors."""
    converged: bool


def descend(
    X: np.ndarray,
    y: np.ndarray,
    weight: Optional[np.ndarray],
    moments: Moments,
    start: np.ndarray,
    settings: Settings,
    train_bias: bool,
    rows_seen: int = 0,
) -> Descent:
    """Train until the fit is as close to the exact one as `settings` demand.

    The rows are centred and their columns decorrelated, so that one rate suits all columns.

    Parameters
    ----------
    X : array of shape (n, d)
    y : array of shape (n,) or (n, k)
    weight : array of shape (n,), or None
        The weights of the rows, all above 0.
    moments : Moments
        The `triangular_moments` of these rows and of the rows of all earlier blocks.
    start : array of shape (d, k)
        The coefficients to start from.
    settings : Settings
    train_bias : bool
        Whether to train the bias, as the chapter does. On centred rows without weights it ends
        near 0. In all other cases it would change the coefficients, so it must stay exactly 0.
    rows_seen : int
        The number of rows in earlier blocks. The safe rate falls as it grows.

    Returns
    -------
    Descent

    Raises
    ------
    TypeError, ValueError, DivergenceError
        As `train`. TypeError also if the engine cannot leave the bias unchanged.
    """
    y = y.reshape(len(y), -1)
    num_inputs, num_outputs = X.shape[1], y.shape[1]
    weight = np.ones(len(X)) if weight is None else weight
    root = np.sqrt(weight * (moments.rows / moments.weight))[:, None]
    x_mean, y_mean = np.split(moments.mean, [num_inputs])
    data, label = root * (X - x_mean), root * (y - y_mean)
    whiten, unwhiten = whitening(moments, num_inputs)
    scale = float(np.abs(label).max()) or 1.0  # keeps squares of y from over- and underflowing
    label, w = label / scale, start / scale
    white = data @ whiten
    if settings.standardize:
        data, w = white, unwhiten @ w
    rows = _rows(data, label, settings)
    rate = settings.learning_rate
    if rate is None:
        rate = _safe_rate(data, rows.batch_size, train_bias)
        rate *= num_outputs / (1 + rate * rows_seen / rows.batch_size)
    distance_of = distance_from_exact(data, label, white, whiten, x_mean, train_bias)
    run_epoch = _engine(settings, train_bias)
    unit = rows.num_rows / len(data) * scale * scale
    (w, b), losses, end = _run(w, rows, rate, distance_of, run_epoch, unit, settings)
    with np.errstate(over="ignore", invalid="ignore"):  # the caller checks that they are finite
        coefficients = scale * (whiten @ w if settings.standardize else w)
    return Descent(coefficients, scale * b, losses, *end)


def _run(w, rows, rate, distance_of, run_epoch, unit, settings):
    """The best parameters after any epoch, the losses times `unit`, and the end of a `Descent`."""
    from ..chapter.training import DivergenceError, diverged

    nd, tol = _mxnet.nd, settings.tol
    params = [
        nd.array(array, ctx=settings.ctx, dtype="float64") for array in (w, np.zeros(w.shape[1]))
    ]
    for param in params:
        param.attach_grad()
    best = w, np.zeros(w.shape[1])
    start = distance_of(*best)
    # An epoch that ends farther off than both the start and coefficients of 0 has diverged.
    limit = max(start.excess, w.shape[1])
    losses: List[float] = []
    nearest, waited = math.inf if tol is None else start.excess, 0
    with np.errstate(over="ignore", invalid="ignore"):
        while len(losses) < settings.epochs:
            try:
                loss = run_epoch(params, rows, rate)
                values = tuple(param.asnumpy() for param in params)
                distance = distance_of(*values)
                if not distance.excess <= limit:
                    raise diverged("the distance from the least-squares fit")
            except DivergenceError:
                if rate == 0:
                    raise
                waited = settings.patience
            else:
                losses.append(loss * unit)
                settings.on_epoch(len(losses) - 1, losses[-1])
                waited += 1
                if distance.excess < nearest:
                    nearest, best, waited = distance.excess, values, 0
                if tol is not None and distance.is_within(tol):
                    return values, losses, (*distance[1:], True)
            if waited == settings.patience:
                rate, waited = rate / RATE_DIVISOR, 0
                for param, value in zip(params, best):
                    param[:] = nd.array(value, ctx=settings.ctx, dtype="float64")
    return best, losses, (*distance_of(*best)[1:], False)


def _engine(settings, train_bias):
    """The engine as a function of parameters, rows and rate. It obeys `train_bias`."""
    from ..training.engines import find_engine, name_of

    engine = settings.engine
    run_epoch = find_engine(_fastest(settings.ctx) if engine == "auto" else engine)
    if train_bias:
        return run_epoch
    if callable(engine):
        known = inspect.signature(engine).parameters.values()
        if not any(p.name == "train_bias" or p.kind is p.VAR_KEYWORD for p in known):
            raise TypeError(
                f"engine: {name_of(engine)} has no keyword train_bias; a fit with weights, without "
                "an intercept or in blocks passes train_bias=False, which must leave b unchanged"
            )

    def run_without_bias(params, rows, rate):
        loss = run_epoch(params, rows, rate, train_bias=False)
        if params[1].asnumpy().any():
            raise TypeError(f"engine: {name_of(engine)} changes b, although train_bias is False")
        return loss

    return run_without_bias


def _fastest(ctx):
    """The engine that "auto" stands for."""
    if ctx.device_type == "cpu":
        try:
            from ..compiled import kernel  # noqa: F401

            return "compiled"
        except ImportError:
            pass
    return "autograd"


def _rows(data: np.ndarray, label: np.ndarray, settings: Settings) -> Any:
    """Rows in batches of equal size. Rows of zeros, which give w no gradient, fill the last one."""
    from ..rows.arrays import ArrayRows

    num_batches = math.ceil(len(data) / settings.batch_size)
    batch_size = math.ceil(len(data) / num_batches)
    fill = ((0, -len(data) % batch_size), (0, 0))
    rows = ArrayRows(
        *(
            _mxnet.nd.array(np.pad(array, fill), ctx=settings.ctx, dtype="float64")
            for array in (data, label)
        )
    )
    rows.batch_size, rows.shuffle, rows.random = batch_size, True, settings.random
    return rows


def _safe_rate(data: np.ndarray, batch_size: int, train_bias: bool) -> float:
    """The rate that shrinks the error of w (and b) most, on average over the batches.

    A batch's ``S = data.T @ data / batch_size`` satisfies ``E[S S] <= bound * E[S]``. Along an
    eigenvector of E[S] with eigenvalue v, a step therefore multiplies the expected squared error
    by at most ``1 - 4 rate v (1 - rate bound)``. The bias counts as a column of ones.
    """
    products = data.T @ data if data.shape[0] > data.shape[1] else data @ data.T
    largest = np.linalg.eigvalsh(products)[-1] / len(data)
    squares = np.sum(data**2, axis=1)
    if train_bias:
        largest, squares = max(largest, 1.0), squares + 1
    bound = ((batch_size - 1) * largest + np.max(squares)) / batch_size
    return 0.5 / bound if bound > 0 else 0.0
