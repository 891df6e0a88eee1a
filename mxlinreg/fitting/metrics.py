"""How well a model of one output describes some rows."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Callable, Dict, Sequence

import numpy as np

from ..exact import least_squares
from ..models.table_model import predict

if TYPE_CHECKING:
    from .._mxnet import nd


def metrics(y: np.ndarray, X: np.ndarray, params: Sequence[nd.NDArray]) -> Dict[str, Any]:
    """Measure the errors of a model's predictions, in float64.

    Parameters
    ----------
    y : array of shape (n,)
    X : array of shape (n, d)
    params : [w, b]
        NDArrays of shape (d, 1) and (1,).

    Returns
    -------
    dict
        "rows", an int; "mse", the mean squared error; "rmse", its root; and "r2", the share of
        the variance of y that the model explains, or None where y is constant. Floats.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there is no row.
    """
    if len(y) == 0 or y.shape != X.shape[:1]:
        raise ValueError(
            f"y: of shape {y.shape}, with X of shape {X.shape}; "
            "one value for each row is needed, and at least one row"
        )
    y = y.astype("float64")
    mse = float(((predict(X, params) - y) ** 2).mean())
    return _as_metrics(len(y), mse, float(((y - y.mean()) ** 2).mean()))


def metrics_of_stream(
    stream: Any,
    params: Sequence[nd.NDArray],
    add_up: Callable[[np.ndarray], np.ndarray] = lambda sums: sums,
) -> Dict[str, Any]:
    """Measure as `metrics` does, from one pass over the blocks of a stream.

    Parameters
    ----------
    stream : Stream
        Or whatever has a method `blocks` that gives tuples which begin with arrays X and y, of
        shape (m, d) and (m,). The first block is read twice.
    params : [w, b]
        NDArrays of shape (d, 1) and (1,).
    add_up : callable
        Gives the sum of all workers' arrays for the array of this one, as `distributed.add_up`
        does; by default there is one worker. A worker may have no rows.

    Returns
    -------
    dict
        As of `metrics`, for the rows of all workers.

    Raises
    ------
    ValueError
        If the shapes do not fit, and what reading the stream raises.
    """
    # y is shifted by about its mean, so that its sum of squares does not cancel.
    firsts = np.array(
        [[y.mean(), 1.0] for _, y, *_ in itertools.islice(stream.blocks(), 1)] or [[0.0, 0.0]]
    )
    total, number = add_up(firsts[0])
    sums = np.zeros(4)
    for X, y, *_ in stream.blocks():
        y = y - total / number
        errors = predict(X, params) - total / number - y
        sums += [len(y), (errors**2).sum(), y.sum(), (y**2).sum()]
    rows, squares, first, second = map(float, add_up(sums))
    return _as_metrics(int(rows), squares / rows, second / rows - (first / rows) ** 2)


def least_mse(X: np.ndarray, y: np.ndarray) -> float:
    """The smallest mean squared error that a linear model can have on these rows.

    Parameters
    ----------
    X : array of shape (n, d)
    y : array of shape (n,)

    Raises
    ------
    TypeError, ValueError
        As `least_squares`; columns that depend on others are no error.
    """
    solution = least_squares(X, y, rank_deficient="minimum_norm")
    return float(((X @ solution.coefficients + solution.intercept - y) ** 2).mean())


def _as_metrics(rows, mse, variance):
    # R2 compares with the mean of y, which a constant y leaves nothing to compare with.
    r2 = 1 - mse / variance if variance > 0 else None
    return {"rows": rows, "mse": mse, "rmse": math.sqrt(mse), "r2": r2}
