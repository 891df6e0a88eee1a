"""Repairs to MXNet's modules, each made as its module loads."""

from types import ModuleType
from typing import Callable, Dict

from .later import define_later


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


MENDS: Dict[str, Callable[[ModuleType], None]] = {
    "mxnet._ctypes.ndarray": write_arguments_as_numpy_1,
    "mxnet._ctypes.symbol": write_arguments_as_numpy_1,
    "mxnet.model": define_later,
}
