"""Repairs that let MXNet's ONNX exporter and importer work with today's onnx.

MXNet 1.9.1 was made for onnx 1.8, whose operator set 13 is the newest that its exporter knows. Its
ONNX modules alone use a copy of onnx's namespace that has what later versions changed; onnx itself
is unchanged. Without onnx nothing is repaired, and MXNet says that it needs onnx.
"""

import builtins
import functools
from types import ModuleType, SimpleNamespace
from typing import Any, Callable, Dict

# The operator set that MXNet's exporter writes, and the file format of the same time.
_OPSET, _IR_VERSION = 13, 7


def use_onnx_as_of_1_8(module: ModuleType) -> None:
    """Let one of MXNet's ONNX modules use the copy of onnx, also in imports within functions."""
    try:
        names = _onnx_as_of_1_8()
    except ImportError:
        return

    def import_onnx(name, globals=None, locals=None, fromlist=(), level=0):
        if level == 0 and name in names:
            return names[name if fromlist else "onnx"]
        return builtins.__import__(name, globals, locals, fromlist, level)

    vars(module)["__builtins__"]["__import__"] = import_onnx
    if "onnx" in vars(module):  # imported at the top
        vars(module)["onnx"] = names["onnx"]


def write_float16_values(module: ModuleType) -> None:
    """Let a module of the exporter's operators pass float16 constants to onnx as they are.

    MXNet passes their bits, as unsigned integers, which ``onnx.helper.make_tensor`` expected up to
    onnx 1.10. Later versions take them for values: 1.0 would become 15360.
    """
    use_onnx_as_of_1_8(module)
    onnx = vars(module)["onnx"]
    if onnx is None or tuple(map(int, onnx.__version__.split(".")[:2])) < (1, 11):
        return
    numpy = _copy(vars(module)["np"])
    numpy.uint16 = numpy.float16  # used for these bits only
    vars(module)["np"] = numpy


def read_parameters_that_are_no_inputs(module: ModuleType) -> None:
    """Let the importer read graphs whose parameters are not among the graph's inputs.

    MXNet looks for all of them there. Since onnx 1.4, whose file format is 4, exporters leave out
    the parameters.
    """
    import_graph = module.GraphProto.from_onnx

    def from_onnx(self, graph, opset_version):
        names = {each.name for each in graph.input}
        parameters = [each for each in graph.initializer if each.name not in names]
        # MXNet reads these four fields, and only the names of parameters among the inputs.
        fields = {name: getattr(graph, name) for name in ("initializer", "node", "output")}
        complete = SimpleNamespace(input=[*graph.input, *parameters], **fields)
        return import_graph(self, complete, opset_version)

    module.GraphProto.from_onnx = from_onnx


@functools.lru_cache(maxsize=None)
def _onnx_as_of_1_8() -> Dict[str, Any]:
    """The copy of onnx, and those of its modules that differ from onnx's own, by name."""
    import onnx

    # The last two are for the copy: old versions of onnx hold them only after such an import.
    from onnx import checker, defs, helper, numpy_helper, shape_inference  # noqa: F401

    copy, new_checker, new_defs, new_helper = map(_copy, (onnx, checker, defs, helper))

    def make_model(graph, **kwargs):
        # onnx states its own newest operator set unless told otherwise. From onnx 1.9 on, that is
        # newer than the exporter's operators.
        opset = helper.make_opsetid("", min(_OPSET, defs.onnx_opset_version()))
        return helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION, **kwargs)

    new_helper.make_model = make_model
    new_checker.check_graph = lambda graph: checker.check_model(make_model(graph))
    new_defs.onnx_opset_version = lambda: min(_OPSET, defs.onnx_opset_version())
    vars(copy).update(checker=new_checker, defs=new_defs, helper=new_helper)
    if hasattr(helper, "tensor_dtype_to_np_dtype"):
        # onnx 1.13 deprecated the module onnx.mapping, and 1.19 removed it.
        vars(copy).update(mapping=_mapping(onnx))
    else:
        from onnx import mapping  # type: ignore[attr-defined]

        vars(copy).update(mapping=mapping)
    modules = "checker", "defs", "helper", "mapping"
    return {"onnx": copy, **{f"onnx.{name}": getattr(copy, name) for name in modules}}


def _mapping(onnx):
    """What MXNet uses of `onnx.mapping`: the number of each type of NumPy, and the reverse."""
    names = "BOOL FLOAT16 FLOAT DOUBLE COMPLEX64 COMPLEX128".split()
    names += [f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]
    numbers = [getattr(onnx.TensorProto, name) for name in names]
    types = {number: onnx.helper.tensor_dtype_to_np_dtype(number) for number in numbers}
    return SimpleNamespace(
        TENSOR_TYPE_TO_NP_TYPE=types,
        NP_TYPE_TO_TENSOR_TYPE={dtype: number for number, dtype in types.items()},
    )


def _copy(module):
    copy: Any = ModuleType(module.__name__)
    vars(copy).update(vars(module))
    return copy


_EXPORTER, _IMPORTER = "mxnet.onnx.mx2onnx", "mxnet.contrib.onnx.onnx2mx"
ONNX_MENDS: Dict[str, Callable[[ModuleType], None]] = {
    f"{_EXPORTER}._export_model": use_onnx_as_of_1_8,
    f"{_EXPORTER}._export_onnx": use_onnx_as_of_1_8,
    f"{_EXPORTER}._op_translations._op_translations_opset12": write_float16_values,
    f"{_EXPORTER}._op_translations._op_translations_opset13": write_float16_values,
    f"{_IMPORTER}._op_translations": use_onnx_as_of_1_8,
    f"{_IMPORTER}.import_onnx": read_parameters_that_are_no_inputs,
}
