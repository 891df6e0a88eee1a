"""Linear regression in scikit-learn's conventions. Importing this module needs scikit-learn."""

from __future__ import annotations

import re
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

from .._checks import (
    check_choice,
    check_count,
    check_dense,
    check_flag,
    check_number,
    is_ndarray,
    real_array,
)
from ..exact.solve import solve
from ..moments import merged, triangular_moments, whitening
from ..rows.sources import as_rows
from .descent import Settings, descend
from .distance import STANDARD_ERRORS

if TYPE_CHECKING:
    from .._mxnet import mx
    from ..training import Engine


# Sums of smaller weights lose digits, or are 0.
LEAST_WEIGHT = 1e-300


class LinearRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Linear regression, solved exactly or by the chapter's stochastic gradient descent.

    Parameters
    ----------
    solver : {"exact", "sgd"}
        "exact" computes the least-squares solution, as `mxlinreg.least_squares`. If columns
        depend on each other, it chooses the solution of minimum norm, in units of the columns'
        standard deviations. "sgd" trains with the chapter's loop. The parameters from `engine`
        to `warm_start`, except `fit_intercept`, apply to "sgd" only.
    engine : {"auto", "compiled", "autograd"} or callable
        How to run an epoch, as in `mxlinreg.train`. "auto" is "compiled" on a CPU if Numba is
        installed, else "autograd". Fits with weights, without an intercept or in blocks pass a
        function of your own the keyword ``train_bias=False``: it must then leave b unchanged.
    epochs : int
        The largest number of epochs.
    batch_size : int
        The largest number of rows in a batch.
    learning_rate : "auto" or float
        The rate of the first epoch. "auto" is the largest rate that is safe for batches of the
        data. If the fit diverges nevertheless, the rate is lowered and the fit continues.
    standardize : bool
        Whether to train on decorrelated columns of mean square 1, so that neither units nor
        correlation slow the descent. The coefficients are always those of the original columns.
    fit_intercept : bool
        Whether the model has an intercept.
    tol : float or None
        The fit ends when each output's training MSE exceeds the least possible by at most this
        share of itself, or is below 1e-18 of the variance of y, and each coefficient is within a
        tenth of its standard error of the exact one. None runs all epochs.
    n_iter_no_change : int
        The number of epochs in a row without a lower MSE after which the rate is lowered.
    random_state : int, RandomState or None
        The seed or generator of the row order. An int gives the same fit each time. None draws
        one seed from NumPy's global generator.
    ctx : str or mx.Context
        The device to train on; anything that `mxlinreg.context` takes.
    verbose : int
        1 prints a line after each epoch.
    warm_start : bool
        Whether `fit` starts from the present coefficients instead of 0.

    Attributes
    ----------
    coef_ : array of shape (d,), or (k, d) for y of shape (n, k)
        The coefficients, float64.
    intercept_ : float, or array of shape (k,)
    n_iter_ : int or None
        The number of epochs run; None with "exact".
    loss_curve_ : list of float, or None
        The mean loss of each epoch, in squared units of y; None with "exact".
    result_ : mxlinreg.exact.LeastSquares or None
        The solution with its standard errors after `fit` with "exact"; else None.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : array of str
        The names of X's columns; set only if X has such.
    """

    def __init__(
        self,
        solver: str = "exact",
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
            The weights of the rows, at least 0. A row of weight 2 counts as two rows.

        Returns
        -------
        LinearRegressor
            The regressor itself.

        Raises
        ------
        TypeError, ValueError
            If an argument or a parameter is invalid, or the coefficients overflow.
        ImportError
            If the engine is "compiled" and Numba is missing (the extra `fast`).

        Warns
        -----
        ConvergenceWarning
            If the last epoch ends before `tol` is reached. The warning states the distance from
            the exact fit.
        """
        warm_start = check_flag("warm_start", self.warm_start)
        previous = self.coef_ if warm_start and hasattr(self, "coef_") else None
        X, y, weight = self._checked(X, y, sample_weight, reset=True)
        if self.solver == "exact":
            names = getattr(self, "feature_names_in_", None)
            rows = as_rows(X, y, weight)
            result, moments = solve(rows, self.fit_intercept, "minimum_norm", names)
            coef = result.coefficients.reshape(X.shape[1], -1)
            return self._keep(coef, np.atleast_1d(result.intercept), y, moments, None, result)
        start = self._start(previous, X, y)
        moments = triangular_moments([(X, y, weight)], centred=self.fit_intercept)
        settings = self._settings(
            epochs=check_count("epochs", self.epochs),
            tol=None if self.tol is None else check_number("tol", self.tol),
        )
        train_bias = self.fit_intercept and weight is None
        done = descend(self._batches(X, y, weight), moments, settings, start, train_bias)
        if not done.converged and settings.tol is not None:
            warnings.warn(
                f"LinearRegressor has not converged in {settings.epochs} epochs: "
                f"{100 * done.mse_above:.2g} % of the training MSE is above the least possible, "
                f"and a coefficient is {done.standard_errors_off:.2g} standard errors from the "
                f"exact one (at most {STANDARD_ERRORS} is allowed); raise epochs or tol, leave "
                'standardize=True and learning_rate="auto", or use solver="exact"',
                ConvergenceWarning,
                stacklevel=2,
            )
        return self._keep(done.coefficients, done.intercept, y, moments, done.losses, None)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearRegressor:
        """Update the model with one more block of rows.

        "exact" computes the least-squares fit of all blocks so far. "sgd" runs one epoch over the
        block. Its columns are scaled and decorrelated by the moments of all rows so far, which the
        model keeps in one triangular matrix. With ``learning_rate="auto"`` the rate falls in
        inverse proportion to the number of rows so far, so that several passes over a stream
        approach its least-squares fit. A `learning_rate` that is a number stays constant.

        A block may have any number of rows. An earlier call of `fit` counts as the first block.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        LinearRegressor
            The regressor itself.

        Raises
        ------
        TypeError, ValueError, ImportError
            As in `fit`. ValueError also if the columns or outputs differ from earlier blocks.
        """
        first = not hasattr(self, "coef_")
        X, y, weight = self._checked(X, y, sample_weight, reset=first)
        start = self._start(None if first else self.coef_, X, y)
        moments = triangular_moments([(X, y, weight)], centred=self.fit_intercept)
        rows_seen = 0
        if not first:
            rows_seen, moments = self._moments.rows, merged(self._moments, moments)
        if self.solver == "exact":
            coef = _least_squares_of(moments, X.shape[1])
            return self._keep(coef, _intercept(coef, moments), y, moments, None, None)
        settings = self._settings(epochs=1, tol=None)
        rows = self._batches(X, y, weight)
        done = descend(rows, moments, settings, start, train_bias=False, rows_seen=rows_seen)
        losses = (getattr(self, "loss_curve_", None) or []) + done.losses
        return self._keep(done.coefficients, done.intercept, y, moments, losses, None)

    def predict(self, X: Any) -> np.ndarray:
        """Predict for X of shape (n, d).

        Returns
        -------
        array of shape (n,), or (n, k) if y had shape (n, k) in `fit`
        """
        check_is_fitted(self)
        X = _readable("X", X)
        with _naming("X"):
            X = validate_data(self, X, dtype=np.float64, reset=False)
        return X @ self.coef_.T + self.intercept_

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of the variance of y that the predictions explain, R².

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        float
            The mean over the outputs, if there are several.
        """
        y, sample_weight = _readable("y", y), _readable("sample_weight", sample_weight)
        with _naming("X", "y", "sample_weight"):
            return super().score(X, y, sample_weight)

    def _checked(self, X, y, sample_weight, reset):
        """X, y and the weights or None, in float64, without the rows of weight 0."""
        check_choice("solver", self.solver, ("exact", "sgd"))
        for name in ("standardize", "fit_intercept"):
            check_flag(name, getattr(self, name))
        X, y = _readable("X", X), _readable("y", y)
        with _naming("X", "y"):
            X, y = validate_data(
                self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, reset=reset
            )
            y = y.astype(np.float64, copy=False)
        if sample_weight is None:
            return X, y, None
        sample_weight = _readable("sample_weight", sample_weight)
        with _naming("sample_weight"):
            weight = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
        used = weight > 0
        if not used.any():
            raise ValueError("sample_weight: every weight is 0; at least one must be above 0")
        if weight.max() < LEAST_WEIGHT:
            raise ValueError(f"sample_weight: every weight is below {LEAST_WEIGHT}; scale them up")
        return X[used], y[used], weight[used]

    def _settings(self, epochs, tol):
        rate = self.learning_rate
        with _naming("random_state"):
            seed = check_random_state(self.random_state).randint(2**31 - 1)
        check_count("verbose", self.verbose, minimum=0)

        def on_epoch(epoch, mean_loss):
            if self.verbose:
                print(f"Epoch {epoch}. Mean loss: {mean_loss}")

        return Settings(
            engine=self.engine,
            ctx=self.ctx,
            epochs=epochs,
            learning_rate=None
            if isinstance(rate, str) and rate == "auto"
            else check_number("learning_rate", rate),
            standardize=self.standardize,
            tol=tol,
            patience=check_count("n_iter_no_change", self.n_iter_no_change),
            seed=seed,
            on_epoch=on_epoch,
        )

    def _batches(self, X, y, weight):
        """The rows, of which at most `batch_size` form a batch."""
        rows = as_rows(X, y, weight)
        rows.batch_size = check_count("batch_size", self.batch_size)
        return rows

    def _start(self, coef, X, y):
        """The coefficients to start from, of shape (d, k): those in `coef`, or 0 if it is None."""
        shape = (*y.shape[1:], X.shape[1])
        if coef is None:
            coef = np.zeros(shape)
        if coef.shape != shape:
            raise ValueError(
                f"y: shape {y.shape}, with X of shape {X.shape}, does not fit the present "
                f"coefficients of shape {coef.shape}; use a new LinearRegressor"
            )
        return coef.reshape(-1, X.shape[1]).T

    def _keep(self, coef, intercept, y, moments, losses, result):
        """Set the results, once nothing can fail any more: `coef` (d, k), `intercept` (k,)."""
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            raise ValueError("X: the coefficients overflow; bring the columns to a common scale")
        self._moments, self.result_, self.loss_curve_ = moments, result, losses
        self.n_iter_ = None if losses is None else len(losses)
        if y.ndim == 1:
            self.coef_, self.intercept_ = coef[:, 0], float(intercept[0])
        else:
            self.coef_, self.intercept_ = coef.T, intercept
        return self


def _readable(name, array):
    """`array` for scikit-learn, which ignores masks, reads NDArrays number by number, and takes
    dates for numbers."""
    check_dense(name, array)
    if is_ndarray(array):
        return array.asnumpy()
    dtype = getattr(array, "dtype", None)
    if isinstance(dtype, np.dtype) and (dtype.kind in "mMV" or dtype == np.longdouble):
        real_array(name, array)
    return array


@contextmanager
def _naming(*names):
    """Make errors of scikit-learn name the argument."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # an object's own function may raise anything
        text = str(error)
        if isinstance(error, (TypeError, ValueError)) and any(
            re.search(rf"\b{name}\b", text) for name in names
        ):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{', '.join(names)}: {text}") from None


def _intercept(coef, moments):
    """The intercept, shape (k,), with which the model predicts the mean of y at X's means."""
    x_mean, y_mean = np.split(moments.mean, [len(coef)])
    with np.errstate(over="ignore", invalid="ignore"):
        return y_mean - x_mean @ coef


def _least_squares_of(moments, num_inputs):
    """The least-squares coefficients, of shape (d, k), of the rows that `moments` describes."""
    inputs, outputs = np.split(moments.products, [num_inputs], axis=1)
    whiten, _ = whitening(moments, num_inputs)
    return whiten @ ((inputs @ whiten).T @ outputs) / moments.weight
