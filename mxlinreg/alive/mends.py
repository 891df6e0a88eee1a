"""Repairs to MXNet's modules, each made as its module loads."""

import inspect
from types import ModuleType
from typing import Callable, Dict

from .later import define_later
from .onnx_mends import ONNX_MENDS


def write_arguments_as_numpy_1(module: ModuleType) -> None:
    """Let an MXNet module write operator arguments as NumPy 1 did.

    MXNet's Python modules pass arguments to its library as text. The library parses "(3,)", but
    not NumPy 2's "(np.int64(3),)".
    """
    import numpy as np

    if str((np.int64(3),)) == "(3,)":
        return

    def argument_text(value):
        text = str(value)
        if "np." not in text:
            return text
        with np.printoptions(legacy="1.25"):
            return str(value)

    module.str = argument_text  # type: ignore[attr-defined]


def convert_to_numpy(module: ModuleType) -> None:
    """Give NDArray, and mx.np's subclass of it, the method with which NumPy converts an array.

    Without this method NumPy reads an NDArray as a nested list whose items are NDArrays again.
    Before NumPy 1.24 this gave an array of 32 dimensions, and since then it is an error.
    """

    def __array__(self, dtype=None, copy=None):
        """The values as a NumPy array, always copied."""
        if copy is False:
            raise ValueError("copy=False: an MXNet array can be converted to NumPy only by a copy")
        array = self.asnumpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    module.NDArray.__array__ = __array__


def pack_with_tobytes(module: ModuleType) -> None:
    """Let `mxnet.recordio` pack arrays, whose method `tostring` NumPy 2.3 has removed."""
    import numpy as np

    if hasattr(np.ndarray, "tostring"):
        return
    for name in ("pack", "pack_img"):
        lines, first = inspect.getsourcelines(getattr(module, name))
        # The lines before keep their number, for tracebacks.
        source = "\n" * (first - 1) + "".join(lines).replace(".tostring()", ".tobytes()")
        exec(compile(source, str(module.__file__), "exec"), vars(module))


def dispatch_quantiles(module: ModuleType) -> None:
    """Compute NumPy's quantiles of mx.np's arrays by MXNet, under NumPy's own functions.

    MXNet's operators call `interpolation` what NumPy has called `method` since 1.22.
    """
    import numpy as np

    def renamed(function):
        def quantile(*args, method=None, **kwargs):
            return function(
                *args, **(kwargs if method is None else {**kwargs, "interpolation": method})
            )

        return quantile

    for name in ("quantile", "percentile"):
        function = getattr(module.mx_np, name)
        module._NUMPY_ARRAY_FUNCTION_DICT[getattr(np, name)] = renamed(function)


def sum_metrics_in_float64(module: ModuleType) -> None:
    """Let metrics sum float32 values in float64, as ``0.0 + value`` did in NumPy 1.

    In NumPy 2 such a sum is float32. It loses digits, and `json` cannot write it.
    """
    import numpy as np

    sums = "sum_metric", "global_sum_metric", "num_inst", "global_num_inst"

    def __setattr__(self, name, value):
        if name in sums and isinstance(value, (np.float16, np.float32)):
            value = np.float64(value)
        object.__setattr__(self, name, value)

    module.EvalMetric.__setattr__ = __setattr__


# Each MXNet module that is repaired, with the version that makes it necessary. The names and
# functions that NumPy has removed or changed are in `names`.
MENDS: Dict[str, Callable[[ModuleType], None]] = {
    "mxnet.ndarray.ndarray": convert_to_numpy,  # NumPy 1.24, and wrong results before
    "mxnet.numpy_dispatch_protocol": dispatch_quantiles,  # NumPy 1.22 and 2.4
    "mxnet.recordio": pack_with_tobytes,  # NumPy 2.3
    # NumPy 2.0
    "mxnet._ctypes.ndarray": write_arguments_as_numpy_1,
    "mxnet._ctypes.symbol": write_arguments_as_numpy_1,
    "mxnet.metric": sum_metrics_in_float64,
    "mxnet.symbol.symbol": write_arguments_as_numpy_1,
    "mxnet.model": define_later,  # any version, for a faster import
    **ONNX_MENDS,
}
