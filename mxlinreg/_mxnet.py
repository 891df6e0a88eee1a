"""MXNet 1.9.1 on today's Python: the only module of this package that imports mxnet.

MXNet was retired in 2023. Its compiled library still runs, but its Python modules take
names from NumPy that NumPy has since removed, so a plain ``import mxnet`` fails on
NumPy 1.24 and later. Here MXNet's modules, and they alone, import a copy of NumPy's
namespace in which those names are still there. NumPy itself is not touched.
"""

import builtins
import importlib.machinery
import sys
import types

import numpy as np

__all__ = ["autograd", "gluon", "mx", "nd"]


def _in1d(ar1, ar2, assume_unique=False, invert=False):
    return np.isin(np.ravel(ar1), ar2, assume_unique=assume_unique, invert=invert)


def _financial(name):
    def removed(*args, **kwargs):
        raise RuntimeError(f"NumPy 1.20 removed numpy.{name}; the numpy-financial package has it")

    return removed


# Every name that MXNet 1.9.1 takes from NumPy and that some NumPy from 1.20 to 2.4 lacks.
_REMOVED = {
    "bool": bool,
    "int": int,
    "Inf": np.inf,
    "PINF": np.inf,
    "NINF": -np.inf,
    "NaN": np.nan,
    "NAN": np.nan,
    "PZERO": 0.0,
    "NZERO": -0.0,
    "compat": types.SimpleNamespace(basestring=str),
    "alltrue": np.all,
    "sometrue": np.any,
    "product": np.prod,
    "round_": np.round,
    "msort": lambda a: np.sort(a, axis=0),
    "in1d": _in1d,
    "trapz": getattr(np, "trapezoid", None),
    **{name: _financial(name) for name in ("mirr", "npv", "pmt", "ppmt", "pv", "rate")},
}

_numpy = types.ModuleType("numpy")
vars(_numpy).update({**_REMOVED, **vars(np), "bool": bool})  # NumPy 2 has a bool again: another


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    module = builtins.__import__(name, globals, locals, fromlist, level)
    return _numpy if module is np else module


class _Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        module.__builtins__ = {**vars(builtins), "__import__": _import}
        super().exec_module(module)
        # MXNet imports within functions too, often called ones, which Python's own does faster.
        module.__builtins__["__import__"] = builtins.__import__


class _Finder:
    """Finds MXNet's modules, those imported later too, and loads them with `_Loader`."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        if fullname.partition(".")[0] != "mxnet":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def _argument_text(value):
    """`str` as NumPy 1 wrote it: MXNet parses "(3,)", but not NumPy 2's "(np.int64(3),)"."""
    text = str(value)
    if "np." not in text:
        return text
    with np.printoptions(legacy="1.25"):
        return str(value)


sys.meta_path.insert(0, _Finder)
try:
    import mxnet as mx
    from mxnet import autograd, gluon, nd
except BaseException:
    sys.meta_path.remove(_Finder)
    raise

if str((np.int64(3),)) != "(3,)":
    mx._ctypes.ndarray.str = mx._ctypes.symbol.str = _argument_text
