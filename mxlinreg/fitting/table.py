"""Fit the columns of a table by the chapter's training, with settings that suit most tables.

Columns of real data differ in size, and one learning rate cannot suit all of them. So the columns
and the target are standardized, the model is trained on those, and w and b are put back into the
units of the data::

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
_BATCHES = 2400  # of all epochs together, where that makes between 5 and 400 epochs
_FEWEST_EPOCHS, _MOST_EPOCHS = 5, 400


class Scaling(NamedTuple):
    """What standardized rows were made by: ``X = X_mean + X_scale * scaled``, and so for y.

    A constant column has scale 0.
    """

    X_mean: np.ndarray  # (d,)
    X_scale: np.ndarray  # (d,)
    y_mean: np.ndarray  # (1,)
    y_scale: np.ndarray  # (1,)


def standardize_table(X: np.ndarray, y: np.ndarray) -> Tuple[np.ndarray, np.ndarray, Scaling]:
    """Give each column of X, shape (n, d), and y, shape (n,), mean 0 and standard deviation 1.

    Returns both in float64, in the shapes they had, and the scaling. Raises ValueError if the
    values of a column lie too far apart for float64.
    """
    X_scaled, X_mean, X_scale = standardize(X)
    y_scaled, y_mean, y_scale = standardize(y[:, None])
    return X_scaled, y_scaled[:, 0], Scaling(X_mean, X_scale, y_mean, y_scale)


def default_batch_size(num_rows: int) -> int:
    """At most 64, such that the batches are of about equal size: a small last one is noisy."""
    return math.ceil(num_rows / math.ceil(num_rows / _BATCH_SIZE))


def default_epochs(num_batches: int) -> int:
    """As many as make 2400 batches, but from 5 to 400."""
    return min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, math.ceil(_BATCHES / num_batches)))


def default_learning_rate(num_inputs: int) -> float:
    """The rate by which a step on one typical row would just remove its error.

    With d standardized inputs and the bias, the squared length of a row is d + 1 on average.
    """
    return 0.5 / (num_inputs + 1)


def params_near_zero(
    num_inputs: int, ctx: Union[str, mx.Context] = "cpu", dtype: str = "float64"
) -> List[nd.NDArray]:
    """The parameters that a training on standardized rows begins with: draws from N(0, 0.01²).

    The coefficients of standardized data are below 1, often far; a start near 0 saves correlated
    columns the many epochs in which they would forget a draw from N(0, 1). Shapes, gradients and
    errors are as for one output of `init_params`.
    """
    from ..chapter.scratch import init_params

    params = init_params(num_inputs, 1, ctx=ctx, dtype=dtype)
    for param in params:
        param[:] = 0.01 * param
    return params


def in_units(params: Sequence[nd.NDArray], scaling: Scaling) -> List[nd.NDArray]:
    """Put parameters trained on standardized rows back into the units of the data.

    The result is new NDArrays on the CPU of the same shapes and dtype, without gradients; w is 0
    for a constant column. Raises ValueError if they are not finite in these units.
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
    """Train on standardized rows, and give the model in the units of the data.

    Parameters
    ----------
    train_data
        Batches of standardized rows with one output, as `train` takes them, of a known number.
    scaling : Scaling
        What the rows were standardized by.
    epochs, learning_rate : int and float, optional
        By default `default_epochs` and `default_learning_rate`.
    train : callable, optional
        Trains in place, as ``train(params, train_data, epochs, learning_rate)``; by default
        `mxlinreg.train`.
    ctx, dtype
        Where to train, and the rows' dtype, as in `init_params`.

    Returns
    -------
    params : [w, b]
        As of `in_units`.
    result
        What `train` has returned: of `mxlinreg.train` the mean loss of each epoch, in the units
        of the standardized target.

    Raises
    ------
    TypeError, ValueError
        As `train` and `params_near_zero`; or if the coefficients overflow in their units.
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
