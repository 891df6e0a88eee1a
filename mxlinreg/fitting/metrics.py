"""Metrics of a model with one output."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Dict, Sequence

import numpy as np

from .._checks import is_ndarray
from ..moments import column_moments, gathered, no_rows

if TYPE_CHECKING:
    from .._mxnet import nd


class NoRows(ValueError):
    """There is no row of weight above 0."""


def metrics(rows: Any, params: Sequence[nd.NDArray]) -> Dict[str, Any]:
    """Measure the errors of a model's predictions, in float64 and one pass over the rows.

    Parameters
    ----------
    rows : Rows
        The data, from `rows.as_rows`, with one output. For a worker's share, the metrics are
        those of all workers' rows.
    params : [w, b]
        NDArrays or NumPy arrays of shape (d, 1) and (1,).

    Returns
    -------
    dict
        "rows", the number of rows, an int. As floats: "mse", the mean squared error; "rmse", its
        root; "r2", the share of the variance of y that the model explains, or None if y is
        constant.

    Raises
    ------
    ValueError
        If the shapes do not fit each other, or (`NoRows`) there is no row.
    """

    w, b = (
        np.asarray(param.asnumpy() if is_ndarray(param) else param, dtype=np.float64)
        for param in params
    )

    def targets_and_errors():
        for X, y, weight, _ in rows.blocks():
            y = y.reshape(len(X), 1)
            yield y, X @ w + b - y, weight

    own = column_moments(targets_and_errors()) or no_rows(2, triangular=False)
    moments = gathered(own, rows.gather)
    if moments.weight == 0:
        raise NoRows("rows: no row has a weight above 0; at least one is needed")
    variance, spread = moments.products / moments.weight
    mse = float(spread + moments.mean[1] ** 2)
    # R2 divides by the variance of y.
    r2 = None if moments.constant[0] else float(1 - mse / variance)
    return {"rows": moments.rows, "mse": mse, "rmse": math.sqrt(mse), "r2": r2}
