"""Convert any model that MXNet has saved to ONNX, and check the result against MXNet."""

import io
import json
import logging
import os
import re
import traceback
from collections import Counter
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np

from .. import _mxnet
from .._files import check_writable, replacing
from .._text import listed
from .params_file import read_params

# The largest difference between onnxruntime's and MXNet's outputs, relative to the largest output.
# They add numbers in different orders. ResNet-50 and VGG-11 in float32 differ by 1e-6 with that.
_TOLERANCE = {"float16": 2e-2, "float32": 1e-3, "float64": 1e-9}
_ONNXRUNTIME_PREFIX = r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed:)?"
# The inputs of these operators that hold positions or lengths; random normal numbers are neither.
_INDICES = {
    ("Embedding", 0), ("one_hot", 0), ("take", 1), ("batch_take", 1), ("pick", 1),
    ("gather_nd", 1), ("SequenceMask", 1), ("SequenceLast", 1), ("SequenceReverse", 1),
}  # fmt: skip


class Conversion(NamedTuple):
    """What `convert_to_onnx` has written.

    Attributes
    ----------
    inputs, outputs : dict of str to (tuple of int, str)
        The shape and the dtype of each, by name.
    difference : float
        The largest difference between onnxruntime's and MXNet's outputs on random input, relative
        to the largest number in the output.
    """

    inputs: Dict[str, Tuple[Tuple[int, ...], str]]
    outputs: Dict[str, Tuple[Tuple[int, ...], str]]
    difference: float


def convert_to_onnx(
    symbol_file: Union[str, Path],
    params_file: Union[str, Path],
    path: Union[str, Path],
    shapes: Mapping[Optional[str], Tuple[int, ...]],
) -> Conversion:
    """Convert a model of MXNet, as ``HybridBlock.export`` and ``Module`` save it, to an ONNX file.

    MXNet's own exporter makes the file. onnxruntime then runs it, on random input, and the file is
    kept only if the outputs are those of MXNet's forward pass. The inputs have the type of the
    parameters, or float32 if these have different ones.

    Parameters
    ----------
    symbol_file : str or Path
        The file MODEL-symbol.json.
    params_file : str or Path
        The file MODEL-0000.params.
    path : str or Path
        The file to write. An existing one is replaced if all of this succeeds.
    shapes : dict of str to tuple of int
        The shape of each input, by its name. If the model has one input, its name may be None.

    Returns
    -------
    Conversion

    Raises
    ------
    ValueError
        If a file cannot be read or written, the shapes do not fit the model, the exporter cannot
        convert one of its operators, or the outputs differ.
    ImportError
        If MXNet, onnx or onnxruntime is missing.
    """
    # onnxruntime 1.32 reports its use to Microsoft unless this is set before it is imported, and
    # leaves a file in the folder for temporary files.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'convert needs onnx and onnxruntime ({error}): pip install "mxlinreg[onnx]"'
        ) from None
    path = check_writable("path", path)
    symbol = _read_symbol(symbol_file)
    params = _params_of(symbol, params_file)
    _check_operators(symbol, symbol_file)
    named = _named_shapes(symbol, params, shapes, params_file)
    arrays = _random_arrays(symbol, params, named)
    inputs = {name: arrays[name] for name in named}
    with _named_errors(symbol_file), replacing(path) as temporary:
        expected = _forward(symbol, params, arrays)
        names = _export(symbol, params, arrays, named, temporary)
        outputs = _run(temporary, names, inputs)
        difference = max(map(_difference, names, outputs, expected), default=0.0)
    return Conversion(_described(inputs), _described(dict(zip(names, outputs))), difference)


@contextmanager
def _named_errors(path):
    """Let errors about a network name its file."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _read_symbol(path):
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        text = ""
    try:
        if not {"nodes", "heads"} <= set(json.loads(text)):
            raise ValueError
        return _mxnet.mx.sym.load_json(text)
    except (ValueError, TypeError, RecursionError, _mxnet.mx.MXNetError) as error:
        reason = f": {_cause(error)}" if isinstance(error, _mxnet.mx.MXNetError) else ""
        raise ValueError(f"{path}: is not a MODEL-symbol.json of MXNet{reason}") from None


def _params_of(symbol, path):
    """The arrays of a file that the symbol uses, as NDArrays by the names that it has for them."""
    arrays = read_params(path)
    if isinstance(arrays, list):
        if arrays:
            raise ValueError(
                f"{path}: its arrays have no names; give the file saved with the symbol"
            )
        arrays = {}
    used = set(symbol.list_inputs())
    plain = {re.sub("^(arg|aux):", "", name): array for name, array in arrays.items()}
    found = {name: array for name, array in plain.items() if name in used}
    if plain and not found:
        raise ValueError(
            f"{path}: none of its arrays ({listed(list(plain))}) is one of the symbol's; save both "
            "with HybridBlock.export, not save_parameters"
        )
    nodes = _nodes(symbol)
    for node in nodes:
        settings = node.get("attrs", {})
        # MXNet takes these scales for 1, and its exporter forgets to.
        if node["op"] == "BatchNorm" and settings.get("fix_gamma", "True") in ("True", "1"):
            gamma = nodes[node["inputs"][1][0]]["name"]
            if gamma in found:
                found[gamma] = np.ones_like(found[gamma])
    return {name: _mxnet.nd.array(array, dtype=array.dtype) for name, array in found.items()}


def _check_operators(symbol, path):
    known = set().union(*_exporter().registry_.values())
    names = [node["op"] for node in _nodes(symbol)]
    missing = Counter(name for name in names if name not in known)
    if missing:
        listed = ", ".join(f"{name} ({count}x)" for name, count in sorted(missing.items()))
        raise ValueError(
            f"{path}: MXNet's exporter cannot convert {len(missing)} of the model's "
            f"{len(set(names) - {'null'})} operators: {listed}; replace them in the network and "
            "export it again. mxnet.onnx.get_operator_support() lists those that it can convert"
        )


def _exporter():
    """The class of MXNet's exporter, which knows the operators and how outputs are named."""
    return _mxnet.mx.onnx.mx2onnx._export_onnx.MXNetGraph


def _nodes(symbol):
    return json.loads(symbol.tojson())["nodes"]


def _label(symbol):
    """The name of the last operator's label, which the exporter leaves out."""
    nodes = symbol.get_internals()
    return nodes[len(nodes) - 1].name + "_label"


def _named_shapes(symbol, params, shapes, path):
    """The shape of each input, in the symbol's order."""
    missing = [name for name in symbol.list_auxiliary_states() if name not in params]
    if missing:
        raise ValueError(f"{path}: has no values for {listed(missing)}")
    inputs = [n for n in symbol.list_arguments() if n not in params and n != _label(symbol)]
    described = f"the model's inputs, of which {path} has no values, are: {listed(inputs)}"
    if None in shapes and len(shapes) == len(inputs) == 1:
        shapes = {inputs[0]: shapes[None]}
    if None in shapes:
        raise ValueError(f"shape: name the input of each, as in NAME=1,3,224,224; {described}")
    for name in shapes:
        if name not in inputs:
            raise ValueError(f"shape: there is no input {name!r}; {described}")
    for name in inputs:
        if name not in shapes:
            raise ValueError(f"shape: none is given for {name!r}; {described}")
    return {name: tuple(shapes[name]) for name in inputs}


def _random_arrays(symbol, params, shapes):
    """A random array for each input, and zeros for the label if there is one, as NumPy arrays."""
    known = {**shapes, **{name: array.shape for name, array in params.items()}}
    try:
        found, _, _ = symbol.infer_shape(**known)
    except _mxnet.mx.MXNetError as error:
        given = ", ".join(f"{shape} for {name!r}" for name, shape in shapes.items())
        raise ValueError(f"shape: {given} does not fit the model: {_cause(error)}") from None
    if found is None:
        raise ValueError("shape: MXNet cannot infer all shapes of the model from the inputs'")
    types = {np.dtype(array.dtype) for array in params.values()}
    floats = [dtype for dtype in types if dtype.kind == "f"]
    dtype = floats[0] if len(floats) == 1 else np.dtype(np.float32)
    nodes = _nodes(symbol)
    indices = {
        nodes[source]["name"]
        for node in nodes
        for position, (source, *_) in enumerate(node["inputs"])
        if (node["op"], position) in _INDICES
    }
    rng = np.random.RandomState(0)
    arrays = {}
    for name, shape in zip(symbol.list_arguments(), found):
        if name in params:
            continue
        if name not in shapes:
            values = np.zeros(shape)
        elif name in indices:
            values = rng.randint(0, 2, size=shape)
        else:
            values = rng.normal(size=shape)
        arrays[name] = np.asarray(values, dtype)
    return arrays


def _forward(symbol, params, arrays):
    """The outputs of MXNet, as NumPy arrays."""
    nd = _mxnet.nd
    values = {**params, **{n: nd.array(array, dtype=array.dtype) for n, array in arrays.items()}}
    try:
        # An executor would print on standard error that it has activated MKLDNN.
        outputs = nd.CachedOp(symbol)(*(values[name] for name in symbol.list_inputs()))
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return [output.asnumpy() for output in outputs]
    except _mxnet.mx.MXNetError as error:
        raise ValueError(f"MXNet itself cannot run the model: {_cause(error)}") from None


def _export(symbol, params, arrays, inputs, path):
    """Write the ONNX file with MXNet's exporter. Returns the names of its outputs."""
    import onnx

    symbol = _with_label_as_input(symbol)
    shapes = [array.shape for array in arrays.values()]
    types = [array.dtype for array in arrays.values()]
    numbers = [onnx.helper.np_dtype_to_tensor_dtype(dtype) for dtype in types]
    try:
        with _quiet():
            _mxnet.mx.onnx.export_model(symbol, params, shapes, types, path)
        _, outputs = _exporter().get_outputs(symbol, params, shapes, _label(symbol), numbers)
    except OSError:
        raise
    except Exception as error:
        where = _failed_operator(error)
        raise ValueError(
            f"MXNet's exporter cannot convert {where}: {type(error).__name__}: {_cause(error)}"
        ) from error
    # MXNet also lists the parameters as inputs, and onnxruntime would warn of each.
    model = onnx.load(path)
    data = [value for value in model.graph.input if value.name in inputs]
    del model.graph.input[:]
    model.graph.input.extend(data)
    onnx.save(model, path)
    return list(outputs)


def _with_label_as_input(symbol):
    """The symbol with another name for its label.

    The exporter leaves a label out and then miscounts the nodes after it. Under another name it is
    an input that no operator of the ONNX file reads.
    """
    label = _label(symbol)
    graph = json.loads(symbol.tojson())
    for node in graph["nodes"]:
        if node["op"] == "null" and node["name"] == label:
            node["name"] += "_left_out"
    return _mxnet.mx.sym.load_json(json.dumps(graph, ensure_ascii=False))


@contextmanager
def _quiet():
    """Keep from the terminal what the exporter prints and logs as it goes."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(level)


def _failed_operator(error):
    """The operator whose conversion raised an error."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "convert_layer":
            node = frame.f_locals["node"]
            return f"the operator {node['op']} ({node['name']!r})"
    return "the model"


def _run(path, names, inputs):
    """The outputs of onnxruntime, as NumPy arrays."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its errors are raised as well
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return session.run(names, inputs)
    except Exception as error:  # of many classes, which onnxruntime does not name
        cause = re.sub(_ONNXRUNTIME_PREFIX, "", _cause(error))
        raise ValueError(f"onnxruntime cannot run the converted model: {cause}") from error


def _difference(name, output, expected):
    """The largest difference, relative to the largest expected number. Raises if too large."""
    if output.shape != expected.shape:
        raise ValueError(
            f"the converted model's output {name!r} has the shape {output.shape}, and MXNet's "
            f"{expected.shape}; nothing was written"
        )
    output, wanted = output.astype(float), expected.astype(float)
    finite = np.isfinite(wanted)
    size = np.abs(wanted[finite]).max(initial=0.0)
    error = np.abs(output - wanted)[finite].max(initial=0.0)
    difference = float(error / size) if size else float(error)
    same = np.array_equal(output[~finite], wanted[~finite], equal_nan=True)
    if not same or not difference <= _TOLERANCE.get(expected.dtype.name, 1e-3):
        raise ValueError(
            f"the converted model's output {name!r} is not MXNet's on random input (relative "
            f"difference {difference:.2g}); nothing was written"
        )
    return difference


def _described(arrays):
    return {name: (array.shape, array.dtype.name) for name, array in arrays.items()}


def _cause(error):
    """The one line of an error's message that says what was wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("[bt]", "Stack trace", "File "))]
    line: Any = next((line for line in lines if "Check failed" in line or "Error" in line), None)
    line = line or (lines or [type(error).__name__])[0]
    return re.sub(r"^MXNetError: |\[\d\d:\d\d:\d\d\] \S+: ", "", line)[:300]
