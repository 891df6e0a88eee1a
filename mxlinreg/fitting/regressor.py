"""Linear regression in scikit-learn's conventions. Importing this needs scikit-learn."""

from __future__ import annotations

import warnings
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

from .._checks import check_count, check_number
from ..exact.solve import solve
from ..moments import merged, triangular_moments, whitening
from ..rows.sources import as_rows
from .descent import Settings, descend
from .distance import STANDARD_ERRORS

if TYPE_CHECKING:
    from .._mxnet import mx
    from ..training import Engine


class LinearRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Linear regression, solved exactly or by the chapter's stochastic gradient descent.

    Parameters
    ----------
    solver : {"exact", "sgd"}
        "exact" is the least-squares solution of `mxlinreg.least_squares`. If columns depend on
        each other, it is the solution of minimum norm, in units of the columns' standard
        deviations. "sgd" trains with the chapter's loop. The parameters from `engine` to
        `warm_start`, except `fit_intercept`, are for "sgd" only.
    engine : {"auto", "compiled", "autograd"} or callable
        What runs an epoch, as in `mxlinreg.train`. "auto" is "compiled" on a CPU where Numba is
        installed, else "autograd". A function of your own also needs the keyword `train_bias`
        for fits with weights, without an intercept and in blocks: where it is False, the bias
        must stay as it is.
    epochs : int
        At most this many.
    batch_size : int
        At most this many rows in a batch.
    learning_rate : "auto" or float
        The rate of the first epoch. "auto" is the largest that is safe for batches of this
        data. A fit that diverges nevertheless lowers the rate and goes on.
    standardize : bool
        Whether to train on decorrelated columns of mean square 1, so that neither their units
        nor their correlation slows the descent. The coefficients are those of the columns as
        given, in any case.
    fit_intercept : bool
    tol : float or None
        The fit ends when the training MSE of each output is within this part of the least
        possible, or below 1e-18 of the variance of y, and each coefficient is within a tenth of
        its standard error of the exact one. None runs all epochs.
    n_iter_no_change : int
        The rate is lowered after this many epochs in a row without a lower MSE.
    random_state : int, RandomState or None
        For the order of the rows. An int gives the same fit each time. None draws one seed from
        NumPy's global generator, and nothing else is drawn from it.
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
            If the epochs end first; it says how far the fit is from the exact one.
        """
        previous = self.coef_ if self.warm_start and hasattr(self, "coef_") else None
        X, y, weight = self._checked(X, y, sample_weight, reset=True)
        if self.solver == "exact":
            names = getattr(self, "feature_names_in_", None)
            rows = as_rows(X, y, weight)
            result, moments = solve(rows, self.fit_intercept, minimum_norm=True, columns=names)
            coef = result.coefficients.reshape(X.shape[1], -1)
            return self._keep(coef, np.atleast_1d(result.intercept), y, moments, None, result)
        start = self._start(previous, X, y)
        moments = triangular_moments([(X, y, weight)], centred=self.fit_intercept)
        settings = self._settings(
            epochs=check_count("epochs", self.epochs),
            tol=None if self.tol is None else check_number("tol", self.tol),
        )
        train_bias = self.fit_intercept and weight is None
        done = descend(X, y, weight, moments, start, settings, train_bias=train_bias)
        if not done.converged and settings.tol is not None:
            warnings.warn(
                f"LinearRegressor has not converged in {settings.epochs} epochs: "
                f"{100 * done.mse_above:.2g} % of the training MSE is above the least possible, "
                f"and a coefficient is {done.standard_errors_off:.2g} standard errors from the "
                f"exact one (at most {STANDARD_ERRORS} is asked for); raise epochs or tol, leave "
                'standardize=True and learning_rate="auto", or take solver="exact"',
                ConvergenceWarning,
                stacklevel=2,
            )
        intercept = _intercept(done.coefficients, moments, done.centre)
        return self._keep(done.coefficients, intercept, y, moments, done.losses, None)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearRegressor:
        """Take in one more block of rows.

        "sgd" runs one epoch over the block. The columns are scaled and decorrelated by all rows
        so far, for which the model keeps one triangular matrix; rescaling leaves the coefficients
        as they are. The safe rate falls in proportion to one over the number of rows so far, so
        that several passes over a stream approach its least-squares fit. A `learning_rate` that
        is a number does not fall. "exact" gives the least-squares fit of all blocks so far.

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
        moments = triangular_moments([(X, y, weight)], centred=self.fit_intercept)
        rows_seen = 0
        if not first:
            rows_seen, moments = self._moments.rows, merged(self._moments, moments)
        if self.solver == "exact":
            coef = _least_squares_of(moments, X.shape[1])
            return self._keep(coef, _intercept(coef, moments), y, moments, None, None)
        settings = self._settings(epochs=1, tol=None)
        done = descend(
            X, y, weight, moments, start, settings, train_bias=False, rows_seen=rows_seen
        )
        losses = (getattr(self, "loss_curve_", None) or []) + done.losses
        intercept = _intercept(done.coefficients, moments)
        return self._keep(done.coefficients, intercept, y, moments, losses, None)

    def predict(self, X: Any) -> np.ndarray:
        """The predictions for X of shape (n, d): of shape (n,), or (n, k) as y had in `fit`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return X @ self.coef_.T + self.intercept_

    def _checked(self, X, y, sample_weight, reset):
        """X, y and the weights, if any, in float64, without the rows of weight 0."""
        if self.solver not in ("exact", "sgd"):
            raise ValueError(f'solver: must be "exact" or "sgd", not {self.solver!r}')
        X, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, reset=reset
        )
        y = y.astype(np.float64, copy=False)
        if sample_weight is None:
            return X, y, None
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        used = weight > 0
        if not used.any():
            raise ValueError("sample_weight: every weight is 0; at least one must be above")
        return X[used], y[used], weight[used]

    def _settings(self, epochs, tol):
        from ..chapter.contexts import context

        rate = self.learning_rate
        seed = check_random_state(self.random_state).randint(2**31 - 1)

        def on_epoch(epoch, mean_loss):
            if self.verbose:
                print(f"Epoch {epoch}. Mean loss: {mean_loss}")

        return Settings(
            engine=self.engine,
            ctx=context(self.ctx),
            epochs=epochs,
            batch_size=check_count("batch_size", self.batch_size),
            learning_rate=None if rate == "auto" else check_number("learning_rate", rate),
            standardize=self.standardize,
            tol=tol,
            patience=check_count("n_iter_no_change", self.n_iter_no_change),
            random=np.random.RandomState(seed),
            on_epoch=on_epoch,
        )

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

    def _keep(self, coef, intercept, y, moments, losses, result):
        """Set the results, after the last thing that can fail: `coef` (d, k), `intercept` (k,)."""
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            raise ValueError("X: the coefficients overflow; bring the columns to a common scale")
        self._moments, self.result_, self.loss_curve_ = moments, result, losses
        self.n_iter_ = None if losses is None else len(losses)
        if y.ndim == 1:
            self.coef_, self.intercept_ = coef[:, 0], float(intercept[0])
        else:
            self.coef_, self.intercept_ = coef.T, intercept
        return self


def _intercept(coef, moments, centre=0.0):
    """The intercept, shape (k,), if the model gives the mean of y plus `centre` at the means."""
    x_mean, y_mean = np.split(moments.mean, [len(coef)])
    with np.errstate(over="ignore", invalid="ignore"):
        return y_mean + centre - x_mean @ coef


def _least_squares_of(moments, num_inputs):
    """The least-squares coefficients of the rows in `moments`, of shape (d, k)."""
    inputs, outputs = np.split(moments.products, [num_inputs], axis=1)
    whiten, _ = whitening(moments, num_inputs)
    return whiten @ ((inputs @ whiten).T @ outputs) / moments.weight
