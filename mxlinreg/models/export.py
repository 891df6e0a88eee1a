"""Write a fitted model to files for other programs: ONNX, and MXNet's symbol and parameters."""

import json
from os import PathLike
from pathlib import Path
from typing import Any, Union

import numpy as np

from .. import _mxnet
from .._checks import check_path, check_shapes, real_values, shown
from .._files import check_writable, replacing
from .model import Model, load_model
from .params_file import params_bytes

# These versions date from December 2020. Every onnxruntime from 1.6 on reads them, and later ones
# add nothing to Gemm.
_OPSET, _IR_VERSION = 13, 7


def export_onnx(model: Any, path: Union[str, Path]) -> None:
    """Write a model as an ONNX file: ``yhat = X w + b``.

    The ONNX model has the input "X" of shape (batch, d) and the output "yhat" of shape (batch, k),
    for any number of rows. Both have the model's dtype. X is in the units of the data, because
    LinearRegressor and ``mxlinreg train`` include their scaling in w and b.

    If the model has names, the metadata entry "feature_names" holds those of the inputs as a JSON
    list, and the entry "target" holds that of the output.

    Parameters
    ----------
    model : [w, b], LinearRegressor, result of least_squares, Model, str or Path
        NDArrays or NumPy arrays of shape (d, k) and (k,); a fitted regressor; a solution; a model;
        or the file of a model, as for `load_model`.
    path : str or Path
        The file to write.

    Raises
    ------
    TypeError, ValueError
        If `model` is of another kind, not fitted or not finite, or `path` cannot be written.
    ImportError
        If onnx is missing (the extra `onnx`).
    """
    try:
        import onnx
    except ImportError:
        raise ImportError('export_onnx needs onnx: pip install "mxlinreg[onnx]"') from None
    w, b, names = _linear(model)
    path = check_writable("path", path)
    num_inputs, num_outputs = w.shape
    number = onnx.helper.np_dtype_to_tensor_dtype(w.dtype)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Gemm", ["X", "w", "b"], ["yhat"])],
        "linear regression",
        [onnx.helper.make_tensor_value_info("X", number, ["batch", num_inputs])],
        [onnx.helper.make_tensor_value_info("yhat", number, ["batch", num_outputs])],
        [onnx.numpy_helper.from_array(w, "w"), onnx.numpy_helper.from_array(b, "b")],
    )
    exported = onnx.helper.make_model(
        graph,
        producer_name="mxlinreg",
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    onnx.helper.set_model_props(exported, names)
    onnx.checker.check_model(exported, full_check=True)
    with replacing(path) as temporary:
        onnx.save(exported, temporary)


def export_symbol(model: Any, prefix: Union[str, Path]) -> None:
    """Write a model as MXNet's own files, which MXNet loads without mxlinreg.

    ``gluon.SymbolBlock.imports(f"{prefix}-symbol.json", ["data"], f"{prefix}-0000.params")`` and
    ``mx.mod.Module.load(prefix, 0, label_names=None)`` return `net` with the model's parameters.
    The files are like those of ``mx.model.save_checkpoint``. The input is called "data", the
    parameters "w" and "b". If the model has names, the symbol "data" has the attributes
    "feature_names", a JSON list of the inputs' names, and "target", the output's name.

    Parameters
    ----------
    model : [w, b], LinearRegressor, result of least_squares, Model, str or Path
        As in `export_onnx`.
    prefix : str or Path
        The files to write are ``prefix-symbol.json`` and ``prefix-0000.params``.

    Raises
    ------
    TypeError, ValueError
        If `model` is of another kind, not fitted or not finite, or a file cannot be written.
    """
    check_path("prefix", prefix)
    w, b, names = _linear(model)
    symbol_path = check_writable("prefix", f"{prefix}-symbol.json")
    params_path = check_writable("prefix", f"{prefix}-0000.params")
    mx = _mxnet.mx
    data = mx.sym.var("data", dtype=w.dtype, attr=names)
    # MXNet cannot infer the parameters' shapes from the shape of the data.
    product = mx.sym.dot(data, mx.sym.var("w", shape=w.shape, dtype=w.dtype))
    net = mx.sym.broadcast_add(product, mx.sym.var("b", shape=b.shape, dtype=w.dtype), name="yhat")
    with replacing(symbol_path) as symbol_file, replacing(params_path) as params_file:
        Path(symbol_file).write_text(net.tojson(), encoding="utf-8")
        Path(params_file).write_bytes(params_bytes({"arg:w": w, "arg:b": b}))


def _linear(model):
    """w (d, k) and b (k,) as finite NumPy arrays, and the known names as a dict of str."""
    columns = target = None
    if isinstance(model, (str, PathLike)):
        model = load_model(model)
    if isinstance(model, Model):
        w, b, columns, target = model.w, model.b, model.columns, model.target
    elif hasattr(model, "coef_"):
        w, b = np.atleast_2d(model.coef_).T, model.intercept_
        columns = getattr(model, "feature_names_in_", None)
    elif hasattr(model, "fit"):
        raise ValueError(
            f"model: this {type(model).__name__} has no coef_; call its fit first, or give the "
            "regressor that it holds"
        )
    elif hasattr(model, "coefficients"):
        w, b, columns = model.coefficients, model.intercept, model.columns
    elif isinstance(model, (list, tuple)) and len(model) == 2:
        w, b = model
    else:
        raise TypeError(
            "model: expected [w, b], a fitted LinearRegressor, a result of least_squares or the "
            f"path of a saved model, not {shown(model)}"
        )
    w, b = (real_values(f"model: {name}", array) for name, array in (("w", w), ("b", b)))
    if w.ndim == 1:
        w = w[:, None]
    if w.ndim == 2 and b.ndim == 0:
        b = np.full(w.shape[1], b, dtype=w.dtype)
    check_shapes(w, b)
    for name, values in (("w", w), ("b", b)):
        if not np.isfinite(values).all():
            raise ValueError(f"model: {name} is not finite; train again, with a smaller step")
    names = {}
    if columns is not None:
        if len(columns) != len(w):
            raise ValueError(f"model: {len(columns)} names of columns do not fit {len(w)} inputs")
        names["feature_names"] = json.dumps([str(column) for column in columns])
    if target is not None:
        names["target"] = str(target)
    return np.ascontiguousarray(w), b, names
