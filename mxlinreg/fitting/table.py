"""Fit the columns of a table by the chapter's training, with settings that suit most tables.

Columns of real data differ in scale, and one learning rate cannot suit all of them. So the columns
and the target are standardized, the model is trained on the result, and w and b are converted back
to the units of the data::

    X_scaled, y_scaled, scaling = standardize_table(X, y)
    loader = mlr.ArrayLoader(X_scaled, y_scaled, default_batch_size(len(y)))
    (w, b), losses = train_standardized(loader, scaling)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ..moments import standardize, unstandardize

if TYPE_CHECKING:
    from .._mxnet import mx, nd

_BATCH_SIZE = 64
_BATCHES = 2400  # batches of all epochs together, if these are 5 to 400
_FEWEST_EPOCHS, _MOST_EPOCHS = 5, 400


class Scaling(NamedTuple):
    """The means and scales of standardized data: ``X = X_mean + X_scale * X_scaled``; same for y.

    A constant column has scale 0.
    """

    X_mean: np.ndarray  # (d,)
    X_scale: np.ndarray  # (d,)
    y_mean: np.ndarray  # (1,)
    y_scale: np.ndarray  # (1,)


def standardize_table(X: np.ndarray, y: np.ndarray) -> Tuple[np.ndarray, np.ndarray, Scaling]:
    """Give each column of X, shape (n, d), and y, shape (n,), mean 0 and standard deviation 1.

    Returns
    -------
    X_scaled : array of shape (n, d), float64
    y_scaled : array of shape (n,), float64
    scaling : Scaling

    Raises
    ------
    ValueError
        If the difference between two values of a column overflows float64.
    """
    X_scaled, X_mean, X_scale = standardize(X)
    y_scaled, y_mean, y_scale = standardize(y[:, None])
    return X_scaled, y_scaled[:, 0], Scaling(X_mean, X_scale, y_mean, y_scale)


def default_batch_size(num_rows: int) -> int:
    """The batch size, at most 64, that makes batches about equal: a small last one is noisy."""
    return math.ceil(num_rows / math.ceil(num_rows / _BATCH_SIZE))


def default_epochs(num_batches: int) -> int:
    """The number of epochs that makes 2400 batches in all, but at least 5 and at most 400."""
    return min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, math.ceil(_BATCHES / num_batches)))


def default_learning_rate(num_inputs: int) -> float:
    """The rate at which a step on one typical row would just remove the row's error.

    With d standardized inputs and the bias, the squared length of a row is d + 1 on average.
    """
    return 0.5 / (num_inputs + 1)


def params_near_zero(
    num_inputs: int, ctx: Union[str, mx.Context] = "cpu", dtype: str = "float64"
) -> List[nd.NDArray]:
    """Draw the first parameters of a training on standardized rows from N(0, 0.01²).

    The coefficients of standardized data are usually far below 1. With correlated columns, a
    training that starts from N(0, 1) would need many epochs to forget its start. Otherwise as
    `init_params` with one output.
    """
    from ..chapter.scratch import init_params

    params = init_params(num_inputs, 1, ctx=ctx, dtype=dtype)
    for param in params:
        param[:] = 0.01 * param
    return params


def in_units(params: Sequence[nd.NDArray], scaling: Scaling) -> List[nd.NDArray]:
    """Convert parameters trained on standardized rows to the units of the data.

    Returns
    -------
    [w, b]
        New NDArrays on the CPU, of the same shapes and dtype, without gradients. The coefficient
        of a constant column is 0.

    Raises
    ------
    ValueError
        If w or b is not finite in these units.
    """
    from .._mxnet import nd

    folded = unstandardize(params, *scaling)
    return [nd.array(param, dtype=params[0].dtype) for param in folded]


def train_standardized(
    train_data: Any,
    scaling: Scaling,
    epochs: Optional[int] = None,
    learning_rate: Optional[float] = None,
    train: Optional[Callable[..., Any]] = None,
    ctx: Union[str, mx.Context] = "cpu",
    dtype: str = "float64",
) -> Tuple[List[nd.NDArray], Any]:
    """Train on standardized rows, and return the model in the units of the data.

    Parameters
    ----------
    train_data
        Batches of standardized rows with one output, as `train` takes them. Its length must be
        known unless `epochs` is given.
    scaling : Scaling
        The means and scales with which the rows were standardized.
    epochs, learning_rate : int and float, optional
        By default `default_epochs` and `default_learning_rate`.
    train : callable, optional
        Called as ``train(params, train_data, epochs, learning_rate)``; changes `params` in place.
        By default `mxlinreg.train`.
    ctx, dtype
        The device to train on and the dtype of the rows, as in `init_params`.

    Returns
    -------
    params : [w, b]
        The parameters in the units of the data, as from `in_units`.
    result
        The return value of `train`. `mxlinreg.train` returns the mean loss of each epoch, in
        squared units of the standardized target.

    Raises
    ------
    TypeError, ValueError
        As `train` and `params_near_zero`. ValueError also if the coefficients overflow in the
        units of the data.
    """
    if train is None:
        from ..training import train
    num_inputs = len(scaling.X_mean)
    params = params_near_zero(num_inputs, ctx, dtype)
    if epochs is None:
        epochs = default_epochs(len(train_data))
    if learning_rate is None:
        learning_rate = default_learning_rate(num_inputs)
    result = train(params, train_data, epochs, learning_rate)
    return in_units(params, scaling), result
