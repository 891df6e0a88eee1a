"""A copy of NumPy's namespace as NumPy 1.23 had it, for MXNet 1.9.1 and for old scripts."""

import ast
import builtins
import inspect
import math
import types
import warnings

import numpy as np


def _in1d(ar1, ar2, assume_unique=False, invert=False):
    return np.isin(np.ravel(ar1), ar2, assume_unique=assume_unique, invert=invert)


def _financial(name):
    def removed(*args, **kwargs):
        raise RuntimeError(f"NumPy 1.20 removed numpy.{name}; the numpy-financial package has it")

    return removed


def _asfarray(a, dtype=np.float64):
    if not np.issubdtype(dtype, np.inexact):
        dtype = np.float64
    return np.asarray(a, dtype=dtype)


def _msort(a):
    return np.sort(a, axis=0)


def _asscalar(a):
    return a.item()


def _alen(a):
    return len(np.atleast_1d(a))


def _fast_copy_and_transpose(a):
    return np.array(np.transpose(a), order="C")


def _disp(mesg, device=None, linefeed=True):
    print(mesg, end="\n" if linefeed else "", file=device, flush=True)


def _issubclass(arg1, arg2):
    return isinstance(arg1, type) and issubclass(arg1, arg2)


def _issubsctype(arg1, arg2):
    return issubclass(_obj2sctype(arg1), _obj2sctype(arg2))


def _issctype(rep):
    return isinstance(rep, (type, np.dtype)) and _obj2sctype(rep) not in (None, np.object_)


def _obj2sctype(rep, default=None):
    if isinstance(rep, type) and issubclass(rep, np.generic):
        return rep
    if isinstance(rep, np.ndarray):
        return rep.dtype.type
    try:
        return np.dtype(rep).type
    except TypeError:
        return default


class _ByType(dict):
    """A dictionary of scalar types, in which "f" and float32 are one key."""

    def __getitem__(self, key):
        return super().__getitem__(_obj2sctype(key))


def _cast_to(dtype):
    def cast(value):
        return np.asarray(value).astype(dtype)

    return cast


def _sctype2char(sctype):
    return np.dtype(sctype).char


def _find_common_type(array_types, scalar_types):
    arrays, scalars = ([np.dtype(each) for each in types] for types in (array_types, scalar_types))
    array_type, scalar_type = (
        np.result_type(*each) if each else None for each in (arrays, scalars)
    )
    if array_type is None or scalar_type is None:
        return scalar_type if array_type is None else array_type
    # Scalars count only if they are of a higher kind.
    kinds = "buifc"
    if kinds.find(scalar_type.kind) > kinds.find(array_type.kind):
        return np.result_type(array_type, scalar_type)
    return array_type


def _records(**defaults):
    def read(fname, **kwargs):
        kwargs = {"dtype": None, **defaults, **kwargs}
        return np.genfromtxt(fname, **kwargs).view(np.recarray)

    return read


def _deprecate(*args, **kwargs):
    """The decorator, which here warns of nothing."""
    return args[0] if args and callable(args[0]) else lambda function: function


_TYPES = {np.dtype(code).type for code in np.typecodes["All"]}
_errors = getattr(np, "exceptions", np)

# Every name that MXNet 1.9.1 takes from NumPy, or that NumPy 1.23 had, and that some version from
# 1.20 to 2.5 lacks. The internals that NumPy 1.23 showed (its ufuncs' error codes) are left out.
_REMOVED = {
    # Python's own types (1.24)
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    "object": object,
    "str": str,
    "long": int,
    "unicode": str,
    # scalar types under other names (1.24 and 2.0)
    "bool8": np.bool_,
    "int0": np.intp,
    "uint0": np.uintp,
    "float_": np.float64,
    "longfloat": np.longdouble,
    "singlecomplex": np.complex64,
    "complex_": np.complex128,
    "cfloat": np.complex128,
    "clongfloat": np.clongdouble,
    "longcomplex": np.clongdouble,
    "string_": np.bytes_,
    "unicode_": np.str_,
    "bytes0": np.bytes_,
    "str0": np.str_,
    "void0": np.void,
    "object0": np.object_,
    # constants (2.0)
    "Inf": np.inf,
    "Infinity": np.inf,
    "infty": np.inf,
    "PINF": np.inf,
    "NINF": -np.inf,
    "NaN": np.nan,
    "NAN": np.nan,
    "PZERO": 0.0,
    "NZERO": -0.0,
    "CLIP": 0,
    "WRAP": 1,
    "RAISE": 2,
    "MAXDIMS": 32,
    "BUFSIZE": 8192,
    "ALLOW_THREADS": 1,
    "MAY_SHARE_BOUNDS": 0,
    "MAY_SHARE_EXACT": -1,
    # modules that were there in passing (1.25 and 2.0)
    "compat": types.SimpleNamespace(basestring=str, unicode=str, long=int),
    "math": math,
    "warnings": warnings,
    # warnings and errors, which NumPy 2.0 keeps in numpy.exceptions
    **{
        name: getattr(_errors, name)
        for name in (
            "AxisError",
            "ComplexWarning",
            "ModuleDeprecationWarning",
            "RankWarning",
            "TooHardError",
            "VisibleDeprecationWarning",
        )
        if hasattr(_errors, name)
    },
    # functions (1.20 to 2.5)
    "alen": _alen,
    "alltrue": np.all,
    "asfarray": _asfarray,
    "asscalar": _asscalar,
    "cast": _ByType({each: _cast_to(each) for each in _TYPES}),
    "cumproduct": np.cumprod,
    "deprecate": _deprecate,
    "deprecate_with_doc": _deprecate,
    "disp": _disp,
    "fastCopyAndTranspose": _fast_copy_and_transpose,
    "find_common_type": _find_common_type,
    "in1d": _in1d,
    "issctype": _issctype,
    "issubclass_": _issubclass,
    "issubsctype": _issubsctype,
    "mat": np.asmatrix,
    "msort": _msort,
    "nbytes": _ByType({each: np.dtype(each).itemsize for each in _TYPES}),
    "obj2sctype": _obj2sctype,
    "product": np.prod,
    "recfromcsv": _records(names=True, delimiter=",", case_sensitive="lower"),
    "recfromtxt": _records(),
    "round_": np.round,
    "row_stack": np.vstack,
    "safe_eval": ast.literal_eval,
    "sctype2char": _sctype2char,
    "sctypes": {
        "int": [np.int8, np.int16, np.int32, np.int64],
        "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
        "float": [np.float16, np.float32, np.float64, np.longdouble],
        "complex": [np.complex64, np.complex128, np.clongdouble],
        "others": [bool, object, bytes, str, np.void],
    },
    "sometrue": np.any,
    "trapz": getattr(np, "trapezoid", None),
    **{name: _financial(name) for name in ("mirr", "npv", "pmt", "ppmt", "pv", "rate")},
}


def _array(object, dtype=None, *, copy=True, **kwargs):
    """NumPy 1's `array`: integers wrap, and ``copy=False`` copies if it must (changed in 2.0)."""
    copy = True if copy else None
    try:
        return np.array(object, dtype, copy=copy, **kwargs)
    except OverflowError:
        wide = np.array(object, copy=copy, **kwargs)
        if wide.dtype.kind == "f" and (np.abs(wide) < 2.0**63).all():
            wide = wide.astype(np.int64)
        if not np.can_cast(wide.dtype, np.int64):
            raise
        return wide.astype(dtype)


def _fromstring(string, dtype=float, count=-1, *, sep="", **kwargs):
    """NumPy 1's `fromstring`, which reads bytes if `sep` is empty (removed in 2.3)."""
    if sep:
        return np.fromstring(string, dtype, count, sep=sep, **kwargs)
    string = string.encode("latin1") if isinstance(string, str) else string
    return np.frombuffer(string, dtype, count, **kwargs).copy()


def _with_interpolation(function):
    """A quantile function that takes its method as `interpolation` too (removed in 2.4)."""

    def quantile(*args, interpolation=None, **kwargs):
        if interpolation is not None:
            kwargs["method"] = interpolation
        return function(*args, **kwargs)

    quantile.__name__, quantile.__doc__ = function.__name__, function.__doc__
    return quantile


# NumPy 2 has the names `bool` and `long` again, for its own scalar types.
_CHANGED = {"bool": bool, "long": int}
if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
    _CHANGED.update(array=_array, fromstring=_fromstring)
for _name in ("quantile", "percentile", "nanquantile", "nanpercentile"):
    if "interpolation" not in inspect.signature(getattr(np, _name)).parameters:
        _CHANGED[_name] = _with_interpolation(getattr(np, _name))


# NumPy 2 imports the module `char` only when it is used.
_IN_CHAR = "chararray", "compare_chararrays"


def _from_numpy(name):
    """What NumPy imports later, and the message for a name that it never had."""
    return getattr(np.char if name in _IN_CHAR else np, name)


numpy_with_removed_names = types.ModuleType("numpy")
vars(numpy_with_removed_names).update({**_REMOVED, **vars(np), **_CHANGED})
vars(numpy_with_removed_names).update(
    __getattr__=_from_numpy,
    # As in NumPy 1.23, ``from numpy import *`` leaves Python's own names alone.
    __all__=sorted(
        {*np.__all__, *_REMOVED, *_IN_CHAR}
        - {*dir(builtins), "compat", "long", "unicode", "warnings"}
    ),
)
