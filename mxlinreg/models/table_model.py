"""A saved model of a table: what its description holds, and predictions from a file's columns.

The description says how the columns of a file become the inputs of the model, so that a file can
be predicted from that has the columns in another order, text among them, or missing values.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from ..rows import tables
from .checkpoint import load_model

if TYPE_CHECKING:
    from .._mxnet import nd


def describe(
    columns: Sequence[str],
    target: str,
    metrics: Dict[str, Any],
    losses: Sequence[float],
    features: Optional[Sequence[str]] = None,
    levels: Optional[Dict[str, List[str]]] = None,
    fill: Optional[np.ndarray] = None,
) -> Dict[str, Any]:
    """Describe a model of a table, for `save_model`.

    Parameters
    ----------
    columns : sequence of str
        The names of the model's inputs, in the order of w's rows.
    target : str
    metrics : dict
        The metrics by the name of the rows that they were measured on; of what JSON can hold.
    losses : sequence of float
        The mean loss of each epoch.
    features : sequence of str, optional
        The columns of the file, as `tables.load` gives them; by default `columns`.
    levels : dict of str to list of str, optional
        The values of each text column, as `tables.load` gives them; by default there is none.
    fill : array of shape (d,), optional
        The values that stand in for missing ones; by default these are an error.

    Returns
    -------
    dict
        Of what JSON can hold.
    """
    return {
        "columns": columns,
        "features": columns if features is None else features,
        "target": target,
        "levels": {} if levels is None else levels,
        "fill": None if fill is None else fill.tolist(),
        "metrics": metrics,
        "losses": losses,
    }


def load_table_model(path: Union[str, Path]) -> Tuple[Sequence[nd.NDArray], Dict[str, Any]]:
    """Read a model that was saved with a description by `describe`: [w, b] and the description.

    Raises ValueError as `load_model` does, and if the description lacks what `predict_table` needs.
    """
    params, description = load_model(path)
    unknown = {"features", "levels", "fill", "target"} - set(description)
    if unknown:
        raise ValueError(f"{path}: is not a model of mxlinreg train; its JSON lacks {unknown}")
    return params, description


def predict(X: np.ndarray, params: Sequence[nd.NDArray]) -> np.ndarray:
    """Predict X of shape (n, d) by a model of one output, in float64; the result has shape (n,).

    The parameters are NDArrays of shape (d, 1) and (1,), and X is in their units. Raises
    ValueError unless X has d columns.
    """
    w, b = (param.asnumpy().astype("float64") for param in params)
    return X @ w[:, 0] + b[0]


def predict_table(
    params: Sequence[nd.NDArray], description: Dict[str, Any], path: Union[str, Path]
) -> np.ndarray:
    """Predict from the columns of a file, which are found by their names.

    Parameters
    ----------
    params, description
        As `load_table_model` gives them, of a model of one output.
    path : str or Path
        A CSV or Parquet file, as for `tables.read_table`.

    Returns
    -------
    array of shape (n,), float64

    Raises
    ------
    ValueError
        If the file cannot be read, lacks a column, or holds text or infinity where the model
        takes numbers; if a text column holds a value that the model does not know; for missing
        values that the model has nothing to fill in for.
    ImportError
        If pyarrow is missing (the extra `data`).
    """
    table = tables.read_table(path, text=description["levels"])
    X, columns = tables.encode(table, description["features"], description["levels"])
    if description["fill"] is not None:
        X = tables.fill_missing(X, np.array(description["fill"]))
    missing = np.isnan(X).sum(axis=0)
    if missing.any():
        listed = ", ".join(f"{name!r} {n}" for name, n in zip(columns, missing) if n)
        raise ValueError(f"{path}: missing values ({listed}); fill them in, or drop the rows")
    return predict(X, params)
