"""Linear regression in scikit-learn's conventions. Importing this needs scikit-learn."""

from __future__ import annotations

import gc
import math
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

try:
    from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        'LinearRegressor needs scikit-learn 1.6 or newer: pip install "mxlinreg[sklearn]" '
        f"(importing it failed with: {error})"
    ) from None

from .. import _mxnet
from .._checks import check_count, check_number
from ..exact import least_squares
from ..moments import add_rows, whitening

if TYPE_CHECKING:
    from .._mxnet import mx
    from ..training import Engine

# The loop trains a bias, but here the means give the intercept. Of rows that are multiplied by
# this, and a rate divided by its square, w takes the same steps and the bias next to none.
_ROW_FACTOR = 2.0**30
_LOWER = 5  # what the rate is divided by
_NO_ERROR = 1e-18  # of the variance of y: where its fit counts as one without error
_one_at_a_time = threading.Lock()


class LinearRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Linear regression, by the chapter's stochastic gradient descent or exactly.

    The descent runs on centred data in float64, by default decorrelated (see `standardize`).
    Its rate starts from the data, and is lowered when the fit no longer comes nearer to the
    least-squares one; it ends within `tol` of that.

    Parameters
    ----------
    solver : {"sgd", "exact"}
        "exact" is `mxlinreg.exact.least_squares`: of the solutions of rank-deficient data the
        one of minimum norm, in the scale of the columns. The parameters from `engine` to
        `verbose`, but for `fit_intercept`, are for "sgd".
    engine : {"auto", "compiled", "autograd"} or callable
        What runs an epoch, as in `mxlinreg.train`. "auto" is "compiled" on a CPU where Numba is
        installed, else "autograd".
    epochs : int
        At most this many.
    batch_size : int
        At most this many rows in a batch.
    learning_rate : "auto" or float
        The rate of the first epoch. "auto" is the largest that is safe for batches of this
        data; a fit that diverges nevertheless lowers it and goes on.
    standardize : bool
        Whether to train on decorrelated columns of mean square 1, so that neither their units
        nor their correlation slows the descent. The coefficients are those of the columns as
        given, in any case.
    fit_intercept : bool
    tol : float or None
        The fit ends when the training MSE of each output is within this part of the least
        possible, or is below `tol` times 1e-18 of the variance of y. None runs all epochs.
    n_iter_no_change : int
        After so many epochs that have not come nearer to the least MSE the rate is lowered.
    random_state : int, RandomState or None
        For the order of the rows. An int gives the same fit each time; None draws from NumPy's
        global generator, as elsewhere in scikit-learn.
    ctx : str or mx.Context
        Where to train; anything that `mxlinreg.context` takes.
    verbose : int
        1 prints a line for each epoch.
    warm_start : bool
        Whether `fit` starts from the present coefficients, not from 0.

    Attributes
    ----------
    coef_ : array of shape (d,), or (k, d) for y of shape (n, k)
    intercept_ : float, or array of shape (k,)
    n_iter_ : int
        The epochs run; None of "exact".
    loss_curve_ : list of float
        Each epoch's mean loss, in the units of y squared; None of "exact".
    result_ : mxlinreg.exact.LeastSquares
        The table with the standard errors, where `fit` has used "exact"; else None.
    n_features_in_ : int
    feature_names_in_ : array of str
        Where X had column names.

    Notes
    -----
    The loop draws the order of the rows from NumPy's global generator. A fit seeds that and then
    puts it back as it was; fits in several threads take turns, but another thread that draws
    from the global generator meanwhile disturbs both.
    """

    def __init__(
        self,
        solver: str = "sgd",
        engine: Union[str, Engine] = "auto",
        epochs: int = 1000,
        batch_size: int = 64,
        learning_rate: Union[str, float] = "auto",
        standardize: bool = True,
        fit_intercept: bool = True,
        tol: Optional[float] = 1e-3,
        n_iter_no_change: int = 3,
        random_state: Any = None,
        ctx: Union[str, mx.Context] = "cpu",
        verbose: int = 0,
        warm_start: bool = False,
    ):
        self.solver = solver
        self.engine = engine
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.standardize = standardize
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.ctx = ctx
        self.verbose = verbose
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearRegressor:
        """Fit the model.

        Parameters
        ----------
        X : array_like or data frame of shape (n, d)
        y : array_like of shape (n,) or (n, k)
        sample_weight : array_like of shape (n,), optional
            At least 0; a row of weight 2 counts as two rows.

        Raises
        ------
        TypeError, ValueError
            If an argument or a parameter does not fit, or the coefficients overflow.
        ImportError
            If the engine is "compiled" and Numba is missing (the extra `fast`).

        Warns
        -----
        ConvergenceWarning
            If the epochs end first; it says how far the fit is from the least MSE.
        """
        previous = self.coef_ if self.warm_start and hasattr(self, "coef_") else None
        X, y, weight = self._checked(X, y, sample_weight, reset=True)
        start = self._start(previous, X, y)
        moments = self._with_rows(None, X, y, weight)
        result = losses = None
        if self.solver == "exact":
            result = least_squares(
                X,
                y,
                intercept=self.fit_intercept,
                sample_weight=weight,
                rank_deficient="minimum_norm",
                columns=getattr(self, "feature_names_in_", None),
            )
            coef = result.coefficients.reshape(start.shape)
        else:
            epochs = check_count("epochs", self.epochs)
            tol = None if self.tol is None else check_number("tol", self.tol)
            coef, losses = self._descend(X, y, weight, moments, start, epochs, tol)
        return self._keep(coef, y, moments, losses, result)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearRegressor:
        """Take in one more block of rows.

        "sgd" runs one epoch over the block. Means, scale and correlation are those of all rows
        so far, and the coefficients go over into the new scaling unchanged; a triangular matrix
        of the size of X's columns is kept for that. The rate falls as one over the rows so far,
        so that several passes over a stream go on towards its least-squares fit (a
        `learning_rate` that is a number stays). "exact" gives the least-squares fit of all
        blocks so far.

        A block may be of any size, a single row too. A `fit` before counts as the first block.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Raises
        ------
        TypeError, ValueError, ImportError
            As in `fit`; and if the columns or outputs are not those of the blocks before.
        """
        first = not hasattr(self, "coef_")
        X, y, weight = self._checked(X, y, sample_weight, reset=first)
        start = self._start(None if first else self.coef_, X, y)
        before = None if first else self._moments
        moments = self._with_rows(before, X, y, weight)
        losses = None
        if self.solver == "exact":
            coef = _least_squares_of(moments, X.shape[1])
        else:
            seen = 0 if first else before.rows
            coef, losses = self._descend(X, y, weight, moments, start, 1, None, seen)
            losses = (getattr(self, "loss_curve_", None) or []) + losses
        return self._keep(coef, y, moments, losses, None)

    def predict(self, X: Any) -> np.ndarray:
        """The predictions for X of shape (n, d): of shape (n,), or (n, k) as y had in `fit`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return X @ self.coef_.T + self.intercept_

    def _checked(self, X, y, sample_weight, reset):
        """X, y and the weights as arrays of float64, without the rows of weight 0."""
        if self.solver not in ("sgd", "exact"):
            raise ValueError(f'solver: must be "sgd" or "exact", not {self.solver!r}')
        X, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, reset=reset
        )
        y = y.astype(np.float64, copy=False)
        if sample_weight is None:
            return X, y, np.ones(len(X))
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        used = weight > 0
        if not used.any():
            raise ValueError("sample_weight: every weight is 0; at least one must be above")
        return X[used], y[used], weight[used]

    def _start(self, coef, X, y):
        """The coefficients to start from, of shape (d, k): `coef`, or else 0."""
        shape = (*y.shape[1:], X.shape[1])
        if coef is None:
            coef = np.zeros(shape)
        if coef.shape != shape:
            raise ValueError(
                f"y: of shape {y.shape}, with X of shape {X.shape}, does not go on from "
                f"coefficients of shape {coef.shape}; use a new LinearRegressor"
            )
        return coef.reshape(-1, X.shape[1]).T

    def _with_rows(self, moments, X, y, weight):
        """The moments of the columns of X and y side by side."""
        table = np.column_stack([X, y])
        with np.errstate(over="ignore", invalid="ignore"):
            return add_rows(moments, table, weight, centre=self.fit_intercept)

    def _descend(self, X, y, weight, moments, start, epochs, tol, seen=0):
        """The coefficients after at most `epochs`, of shape (d, k), and each epoch's loss.

        `seen` is how many rows the rate has fallen for.
        """
        from ..chapter.contexts import context

        batch_size = check_count("batch_size", self.batch_size)
        ctx = context(self.ctx)
        root = np.sqrt(weight * (moments.rows / moments.weight))[:, None]
        x_mean, y_mean = np.split(moments.mean, X.shape[1:])
        data, label = root * (X - x_mean), root * (y.reshape(len(y), -1) - y_mean)
        whiten, unwhiten = whitening(moments, X.shape[1])
        scale = float(np.abs(label).max()) or 1.0  # so that no square of y overflows, or is lost
        label, w = label / scale, start / scale
        white = data @ whiten
        if self.standardize:
            data, w = white, unwhiten @ w
        loader = _loader(data, label, batch_size, ctx)
        if self.learning_rate == "auto":
            rate = _safe_rate(data, loader.batch_size)
            rate *= label.shape[1] / (1 + rate * seen / loader.batch_size)
        else:
            rate = check_number("learning_rate", self.learning_rate)
        variance = np.mean(label**2, axis=0)
        variance[variance == 0] = 1

        def measure(w):
            """Each output's MSE above the least, and its MSE, as parts of the variance.

            In decorrelated columns, the first is the square of half the gradient.
            """
            errors = label - data @ w
            excess = np.sum((white.T @ errors / len(errors)) ** 2, axis=0)
            return excess / variance, np.mean(errors**2, axis=0) / variance

        unit = len(loader.X) / len(data) / _ROW_FACTOR**2 * scale * scale
        w, losses = self._train(w, loader, rate, measure, unit, epochs, tol, ctx)
        with np.errstate(over="ignore"):  # which `_keep` finds
            return scale * (whiten @ w if self.standardize else w), losses

    def _train(self, w, loader, rate, measure, unit, epochs, tol, ctx):
        """The best w that an epoch has ended with, and the epochs' losses in `unit`."""
        from ..chapter.training import DivergenceError, diverged
        from ..training import train

        patience = check_count("n_iter_no_change", self.n_iter_no_change)
        engine = _fastest(ctx) if self.engine == "auto" else self.engine
        params = [_mxnet.nd.array(w, ctx=ctx, dtype="float64")]
        params.append(_mxnet.nd.zeros(w.shape[1], ctx=ctx, dtype="float64"))
        for param in params:
            param.attach_grad()

        start = np.sum(measure(w)[0])
        # An epoch has diverged that ends farther off than both the start and coefficients of 0.
        limit = max(start, w.shape[1])
        losses, best, nearest, waited = [], w, math.inf if tol is None else start, 0
        with _shuffling_by(self.random_state), np.errstate(over="ignore", invalid="ignore"):
            while len(losses) < epochs:
                try:
                    (loss,) = train(params, loader, 1, rate / _ROW_FACTOR**2, engine)
                    w = params[0].asnumpy()
                    excess, mse = measure(w)
                    distance = np.sum(excess)
                    if not distance <= limit:
                        raise diverged("the distance from the least-squares fit")
                except DivergenceError:
                    if rate == 0:
                        raise
                    waited = patience
                else:
                    losses.append(loss * unit)
                    if self.verbose:
                        print(f"Epoch {len(losses) - 1}. Mean loss: {losses[-1]}")
                    waited += 1
                    if distance < nearest:
                        nearest, best, waited = distance, w, 0
                    if tol is not None and np.all(excess <= tol * np.maximum(mse, _NO_ERROR)):
                        return w, losses
                if waited == patience:
                    rate, waited = rate / _LOWER, 0
                    params[0][:], params[1][:] = _mxnet.nd.array(best, ctx=ctx, dtype="float64"), 0
        if tol is not None:
            excess, mse = measure(best)
            part = np.max(excess / np.maximum(mse, _NO_ERROR))
            warnings.warn(
                f"LinearRegressor has not converged in {epochs} epochs: {100 * part:.2g} % of the "
                "training MSE is above the least possible; raise epochs or tol, or leave "
                'standardize=True and learning_rate="auto"',
                ConvergenceWarning,
                stacklevel=4,
            )
        return best, losses

    def _keep(self, coef, y, moments, losses, result):
        """Set the results, with `coef` of shape (d, k), where nothing can fail any more."""
        x_mean, y_mean = np.split(moments.mean, [len(coef)])
        with np.errstate(over="ignore", invalid="ignore"):
            intercept = y_mean - x_mean @ coef
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            raise ValueError("X: the coefficients overflow; bring the columns to a common scale")
        self._moments, self.result_, self.loss_curve_ = moments, result, losses
        self.n_iter_ = None if losses is None else len(losses)
        if y.ndim == 1:
            self.coef_, self.intercept_ = coef[:, 0], float(intercept[0])
        else:
            self.coef_, self.intercept_ = coef.T, intercept
        return self


def _least_squares_of(moments, num_inputs):
    """The least-squares coefficients of the rows in `moments`, of shape (d, k)."""
    inputs, outputs = np.split(moments.factor, [num_inputs], axis=1)
    whiten, _ = whitening(moments, num_inputs)
    return whiten @ ((inputs @ whiten).T @ outputs) / moments.weight


def _fastest(ctx):
    """The engine that "auto" stands for."""
    if ctx.device_type == "cpu":
        try:
            from ..compiled import kernel  # noqa: F401

            return "compiled"
        except ImportError:
            pass
    return "autograd"


def _loader(data, label, batch_size, ctx):
    """Batches of one size: rows of zeros, whose gradient is 0, fill the last."""
    from ..rows.array_loader import ArrayLoader

    num_batches = math.ceil(len(data) / batch_size)
    batch_size = math.ceil(len(data) / num_batches)
    fill = ((0, -len(data) % batch_size), (0, 0))
    X, y = (
        _mxnet.nd.array(np.pad(_ROW_FACTOR * array, fill), ctx=ctx, dtype="float64")
        for array in (data, label)
    )
    # DataLoader collects all garbage before it forks workers. This one has none, and would take
    # ten times as long as a small fit; of frozen objects there is nothing to collect.
    with _one_at_a_time:
        freeze = gc.get_freeze_count() == 0  # what somebody else has frozen is to stay so
        if freeze:
            gc.freeze()
        try:
            return ArrayLoader(X, y, batch_size=batch_size)
        finally:
            if freeze:
                gc.unfreeze()


def _safe_rate(data, batch_size):
    """The rate that shrinks the error of w by most, in the mean over the batches.

    A batch's S = data.T @ data / batch_size has ``E[S S] <= bound * E[S]``, and so a step, in
    the mean, shrinks the square of the error along an eigenvector of E[S] with eigenvalue v by
    a factor of ``1 - 4 rate v (1 - rate bound)`` or more.
    """
    products = data.T @ data if data.shape[0] > data.shape[1] else data @ data.T
    largest = np.linalg.eigvalsh(products)[-1] / len(data)
    bound = ((batch_size - 1) * largest + np.max(np.sum(data**2, axis=1))) / batch_size
    return 0.5 / bound if bound > 0 else 0.0


@contextmanager
def _shuffling_by(random_state):
    """Seed NumPy's global generator from `random_state`, and afterwards put it back."""
    with _one_at_a_time:
        seed = check_random_state(random_state).randint(2**31 - 1)
        before = np.random.get_state()
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)
