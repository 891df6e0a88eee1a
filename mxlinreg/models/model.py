"""A fitted model, and the file in which it is saved.

The file is an MXNet `.params` file of three arrays: the parameters "w" and "b", and "description",
JSON text as uint8. ``mx.nd.load(path)["w"]`` reads it without this package, and this package reads
it without MXNet.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Mapping, Optional, Sequence, Union

import numpy as np

from .. import __version__, _mxnet
from .._checks import (
    check_choice,
    check_function,
    check_mapping,
    check_path,
    check_shapes,
    check_text,
    check_texts,
    real_values,
    shown,
)
from .._files import check_writable, write_bytes
from .._text import coefficient_texts, counted, table_lines, with_counts
from ..rows import table_blocks
from ..rows.columns import quoted
from ..rows.encoding import Encoded, encode
from .params_file import params_bytes, read_params

if TYPE_CHECKING:
    from .._mxnet import mx, nd

_FORMAT = 1


@dataclass(eq=False)
class Model:
    """A linear model, ``yhat = X w + b``, with the description needed to predict from a table.

    Parameters
    ----------
    w : array of shape (d, k)
    b : array of shape (k,)
        NDArrays or NumPy arrays, both float32 or both float64. The attributes are NumPy arrays.
    columns : sequence of str
        The names of the inputs, in the order of w's rows; by default x0, x1, …
    target : str
        The name of the predicted quantity.
    features : sequence of str
        The columns of a table from which the inputs are computed; by default `columns`.
    levels : dict of str to list of str
        The known values of each category. Each value but the first has an input, which is 1 in
        rows with that value and 0 in others. The value "" stands for a missing one.
    dates : dict of str to str
        The date or time from which the days of each column with dates or times are counted.
    added : sequence of str
        The terms that `fit` has added, such as "bmi*sex".
    fill : dict of str to float, optional
        For each column of numbers or dates, the number that replaces a missing one, as a sequence
        for each input. By default nothing replaces it.
    metrics : dict of str to dict
        The metrics for each set of rows, such as "training" and "validation".
    losses : sequence of float
        The mean loss of each epoch.
    left_out : dict of str to str
        The columns that were left out of the fit, each with the reason.
    largest : sequence of float, optional
        The largest absolute value of each input in the training rows. It decides how many digits
        of a coefficient are printed.
    versions : dict of str to str, optional
        The versions of the software that made the model; by default the present ones.
    solution : LeastSquares, optional
        The exact solution for the training rows, with standard errors. It is not saved.

    Raises
    ------
    TypeError, ValueError
        If the parameters are not finite arrays of these shapes, or the number of names differs.
    """

    w: np.ndarray
    b: np.ndarray
    columns: Sequence[str] = ()
    target: str = "y"
    features: Sequence[str] = ()
    levels: Mapping[str, List[str]] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    added: Sequence[str] = ()
    fill: Union[Mapping[str, float], Sequence[float], None] = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    losses: Sequence[float] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    largest: Optional[Sequence[float]] = None
    versions: Optional[Mapping[str, str]] = None
    solution: Any = None

    def __post_init__(self) -> None:
        self.w, self.b = (
            np.array(real_values(name, param)) for name, param in (("w", self.w), ("b", self.b))
        )
        if all(param.dtype.kind in "iub" for param in (self.w, self.b)):
            self.w, self.b = self.w.astype(np.float64), self.b.astype(np.float64)
        check_shapes(self.w, self.b)
        for name, values in (("w", self.w), ("b", self.b)):
            if not np.isfinite(values).all():
                raise ValueError(f"{name}: is not finite; train again, with a smaller step")
        self.columns = check_texts("columns", self.columns)
        self.columns = self.columns or [f"x{i}" for i in range(len(self.w))]
        self.features = check_texts("features", self.features) or self.columns
        check_text("target", self.target)
        self.levels = {
            name: check_texts("levels", values)
            for name, values in check_mapping("levels", self.levels).items()
        }
        self.added = check_texts("added", self.added)
        for name in ("dates", "left_out"):
            texts = check_mapping(name, getattr(self, name))
            check_texts(name, list(texts.values()))
            setattr(self, name, texts)
        self.losses = _floats("losses", self.losses)
        if self.largest is not None:
            self.largest = _floats("largest", self.largest)
            if len(self.largest) != len(self.w):
                raise ValueError(
                    f"largest: {len(self.largest)} values do not fit {len(self.w)} inputs"
                )
        if len(self.columns) != len(self.w):
            raise ValueError(f"columns: {len(self.columns)} names do not fit {len(self.w)} inputs")
        if self.fill is not None:
            if not isinstance(self.fill, Mapping):
                values = _floats("fill", self.fill)
                if len(values) != len(self.w):
                    raise ValueError(f"fill: {len(values)} values do not fit {len(self.w)} inputs")
                self.fill = dict(zip(self.columns, values))
            fill = check_mapping("fill", self.fill)
            self.fill = dict(zip(fill, _floats("fill", list(fill.values()))))
        self.metrics = {
            rows: check_mapping("metrics", metrics)
            for rows, metrics in check_mapping("metrics", self.metrics).items()
        }
        if self.versions is None:
            self.versions = {
                "mxlinreg": __version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            }
        self.versions = check_mapping("versions", self.versions)

    def predict(self, X: Any, invalid: str = "error") -> np.ndarray:
        """Predict, in float64.

        Parameters
        ----------
        X : array_like of shape (n, d), or pandas, polars or pyarrow table
            An array's columns are the inputs, in their order. A table's columns are found by name,
            and other columns are ignored.
        invalid : {"error", "nan"}
            What to do with rows that lack a value for which the model has no `fill`, or that have
            a value of a category that the model does not know. "nan" predicts NaN for them.

        Returns
        -------
        array of shape (n,), or (n, k) for a model of several outputs

        Raises
        ------
        TypeError
            If `X` is neither an array of numbers nor a table.
        ValueError
            If an array does not have d columns, a table lacks a column or holds text in a numeric
            one, or `X` holds infinity. With "error" also for invalid rows.
        ImportError
            If `X` is a table and pyarrow is missing (the extra `data`).
        """
        check_invalid(invalid)
        if table_blocks.is_table(X):
            encoded = encode(table_blocks.as_arrow(X), self, self.fill)
        else:
            encoded = self._of_array(X)
        return self._yhat(encoded, invalid)

    def predict_file(
        self,
        path: Union[str, Path],
        invalid: str = "error",
        decimal: Optional[str] = None,
        on_invalid: Optional[Callable[[int, Encoded], Any]] = None,
    ) -> Iterator[np.ndarray]:
        """Predict from the columns of a file of any size, block by block.

        Parameters
        ----------
        path : str or Path
            A CSV file with a header, or a Parquet file.
        invalid : {"error", "nan"}
            As in `predict`.
        decimal : {".", ","}, optional
            The decimal sign of a CSV file; by default the one that its first rows have.
        on_invalid : callable, optional
            Called as ``on_invalid(count, encoded)`` for each block with invalid rows.

        Yields
        ------
        array of shape (m,), or (m, k) for a model of several outputs
            The predictions for the next m rows, in the file's order.

        Raises
        ------
        ValueError, ImportError
            As `predict`; or if the file cannot be read or has no rows.
        """
        check_invalid(invalid)
        check_path("path", path)
        check_function("on_invalid", on_invalid)
        rows = 0
        text = {**self.levels, **self.dates}
        for block in table_blocks.read_blocks(path, self.features, text, decimal):
            try:
                encoded = encode(block, self, self.fill)
                yhat = self._yhat(encoded, invalid)
            except ValueError as error:
                raise ValueError(f"{path}, from row {rows + 1} on: {error}") from None
            count = int(np.isnan(encoded.X).any(axis=1).sum())
            if count and on_invalid is not None:
                on_invalid(count, encoded)
            yield yhat
            rows += block.num_rows
        if not rows:
            raise ValueError(f"{path}: has no rows")

    def _of_array(self, X):
        """An array of inputs, with missing values filled in, as `Encoded`."""
        X = np.array(real_values("X", X), dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != len(self.w):
            raise ValueError(f"X: expected shape (n, {len(self.w)}), not {X.shape}")
        if np.isinf(X).any():
            raise ValueError("X: holds infinity; every value must be finite")
        gaps = {}
        for j in np.flatnonzero(np.isnan(X).any(axis=0)).tolist():
            missing = np.isnan(X[:, j])
            if self.fill is not None and self.columns[j] in self.fill:
                X[missing, j] = self.fill[self.columns[j]]
            else:
                gaps[self.columns[j]] = int(missing.sum())
        return Encoded(X, gaps, {}, {})

    def _yhat(self, encoded, invalid):
        X = encoded.X
        rows = np.isnan(X).any(axis=1)
        if invalid == "error" and rows.any():
            raise ValueError(
                f'{why_invalid(encoded)}; leave these rows out, or take invalid="nan" to get NaN'
            )
        with np.errstate(invalid="ignore"):
            yhat = X @ self.w.astype(np.float64) + self.b.astype(np.float64)
        yhat[rows] = np.nan
        return yhat[:, 0] if len(self.b) == 1 else yhat

    def __str__(self) -> str:
        names = ["(intercept)", *self.columns]
        absent = np.array([name in self.left_out for name in names])
        largest = np.append(1, self.largest or np.full(len(self.w), np.nan))
        known = self.largest is not None
        rmse = self.metrics.get("training", {}).get("rmse") if known else None
        rmse = rmse if isinstance(rmse, float) else 0.0
        texts = [
            coefficient_texts(np.where(absent, np.nan, values), largest, rmse)
            for values in np.column_stack([self.b, self.w.T]).astype(np.float64)
        ]
        heads = [f"coefficient of {self.target}", *[""] * (len(self.b) - 1)]
        lines = table_lines(names, heads, texts, gap=2)
        for rows, metrics in self.metrics.items():
            told = ", ".join(f"{key} {_text(value)}" for key, value in metrics.items())
            lines.append(f"{rows}: {told}")
        for column, reason in self.left_out.items():
            lines.append(f"left out: {column!r} ({reason})")
        if self.losses:
            epochs = counted(len(self.losses), "epoch")
            lines.append(f"{epochs}; the last mean loss is {self.losses[-1]:.6g}")
        if self.versions:
            made = (f"{name} {version}" for name, version in self.versions.items())
            lines.append(f"made by {', '.join(made)}")
        return "\n".join(lines)


def _floats(name, values):
    values = real_values(name, values)
    if values.ndim != 1:
        raise ValueError(f"{name}: must be a list of numbers, not of shape {values.shape}")
    return values.astype(np.float64).tolist()


def check_invalid(invalid: str) -> None:
    check_choice("invalid", invalid, ("error", "nan"))


def why_invalid(encoded: Encoded) -> str:
    """Say in words what is invalid in the rows of a table, or "" if nothing is."""
    told = []
    if encoded.gaps:
        told.append(f"missing values ({with_counts(encoded.gaps)})")
    for name, values in list(encoded.unknown.items())[:10]:
        told.append(f"{name!r} holds {quoted(values)}, which the model does not know")
    for term, count in encoded.not_finite.items():
        told.append(f"{term} is not a finite number in {counted(count, 'row')}")
    return "; ".join(told)


def as_params(model: Model, ctx: Union[str, mx.Context] = "cpu") -> List[nd.NDArray]:
    """Convert a model's parameters to NDArrays with gradients, as `train` takes them.

    Parameters
    ----------
    model : Model
    ctx : str or mx.Context
        The context of the NDArrays; anything that `context` takes.

    Returns
    -------
    [w, b]
        New NDArrays of the model's shapes and dtype, with gradients attached.

    Raises
    ------
    ValueError
        If the context cannot be used.
    """
    from ..chapter.contexts import context

    if not isinstance(model, Model):
        raise TypeError(f"model: must be a Model, not {shown(model)}")
    params = [
        _mxnet.nd.array(param, ctx=context(ctx), dtype=param.dtype) for param in (model.w, model.b)
    ]
    for param in params:
        param.attach_grad()
    return params


def save_model(path: Union[str, Path], model: Any) -> None:
    """Write a model to one file, completely or not at all.

    Parameters
    ----------
    path : str or Path
        The file to write. ``mx.nd.load`` reads it too, as arrays "w", "b" and "description".
    model : Model, or [w, b]
        Parameters are NDArrays or NumPy arrays of shape (d, k) and (k,), as `train` changes them.
        They are saved as a model with the columns x0, x1, …

    Raises
    ------
    TypeError, ValueError
        If `model` is of another kind or not finite, if its description holds a type that JSON
        does not have, or if `path` cannot be written.
    OSError
        If the disk is full. An existing file at `path` is then unchanged.
    """
    if not isinstance(model, Model):
        if not isinstance(model, (list, tuple)) or len(model) != 2:
            raise TypeError(f"model: expected a Model or [w, b], not {shown(model)}")
        model = Model(*model)
    path = check_writable("path", path)
    write_bytes(path, model_bytes(model))


def model_bytes(model: Model) -> bytes:
    """The content of the file in which a model is saved.

    Raises
    ------
    TypeError, ValueError
        If the model's description holds a type that JSON does not have.
    """
    params = {"w": model.w, "b": model.b}
    description = {
        name: value for name, value in vars(model).items() if name not in (*params, "solution")
    }
    description = {"format": _FORMAT, **_as_json(description)}
    description["sha256"] = _digest(params, description)
    content = np.frombuffer(json.dumps(description).encode(), np.uint8)
    return params_bytes({**params, "description": content})


def load_model(path: Union[str, Path]) -> Model:
    """Read a saved model, without loading MXNet.

    Parameters
    ----------
    path : str or Path
        A file that `save_model` or ``mxlinreg train --save`` wrote; a `.params` file of version
        0.1, with its JSON file beside it; or a file of ``mx.nd.save`` with arrays "w" and "b", or
        with two unnamed arrays. A model without a description has the columns x0, x1, …

    Returns
    -------
    Model
        The model, with NumPy arrays as parameters.

    Raises
    ------
    ValueError
        If the file cannot be read, is damaged or holds no linear model.
    """
    check_path("path", path)
    path = Path(path)
    arrays = read_params(path)
    if isinstance(arrays, list):
        arrays = dict(zip("wb", arrays)) if len(arrays) == 2 else {}
    arrays = {name[4:] if name.startswith("arg:") else name: a for name, a in arrays.items()}
    content = arrays.pop("description", None)
    if sorted(arrays) != ["b", "w"]:
        raise ValueError(f"{path}: holds no linear model; it must have two arrays, w and b")
    if content is not None:
        description = _description(path, content.tobytes())
        digest = description.pop("sha256", None)
        if digest != _digest(arrays, description):
            raise ValueError(f"{path}: is damaged; its checksum does not match its content")
        if description.pop("format", None) != _FORMAT:
            raise ValueError(f"{path}: is from a later version of mxlinreg; update mxlinreg")
    else:
        description = _description_of_0_1(path, arrays)
    known = {item.name for item in fields(Model)} - {"w", "b", "solution"}
    described = {name: value for name, value in description.items() if name in known}
    try:
        return Model(arrays["w"], arrays["b"], **{"versions": {}, **described})
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: holds no linear model: {error}") from None


def _description_of_0_1(path, arrays):
    """The description that version 0.1 wrote to a JSON file beside the parameters, or {}."""
    beside = path.with_suffix(".json")
    if beside == path or not beside.is_file():
        return {}
    try:
        description = _description(beside, beside.read_bytes())
    except OSError as error:
        raise ValueError(f"{beside}: cannot be read: {error.strerror}") from None
    if not {"sha256", "shapes", "dtype"} & set(description):
        return {}  # a JSON file of another program
    digest = description.pop("sha256", None)
    if digest != _digest(arrays, description):
        raise ValueError(f"{path}: does not belong to {beside}, or is damaged")
    return {**description, "versions": {"mxlinreg": "0.1.0"}}


def _description(path, content):
    try:
        description = json.loads(content.decode())
        if not isinstance(description, dict):
            raise ValueError
    except (ValueError, RecursionError):
        raise ValueError(f"{path}: is damaged; its description is not a JSON object") from None
    return description


def _digest(params, description):
    """The SHA-256 of a model's parameters, in the form of their file, and of its description."""
    text = json.dumps(description, sort_keys=True)
    return hashlib.sha256(params_bytes(params) + text.encode()).hexdigest()


def _as_json(value):
    """`value` as JSON types, with null for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_as_json(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value


def _text(value):
    if value is None:
        return "undefined"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
