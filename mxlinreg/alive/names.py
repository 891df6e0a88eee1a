"""A copy of NumPy's namespace with the names that MXNet 1.9.1 uses and NumPy has since removed."""

import types

import numpy as np


def _in1d(ar1, ar2, assume_unique=False, invert=False):
    return np.isin(np.ravel(ar1), ar2, assume_unique=assume_unique, invert=invert)


def _financial(name):
    def removed(*args, **kwargs):
        raise RuntimeError(f"NumPy 1.20 removed numpy.{name}; the numpy-financial package has it")

    return removed


# Every name that MXNet 1.9.1 takes from NumPy and that some version from 1.20 to 2.4 lacks.
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

numpy_with_removed_names = types.ModuleType("numpy")
# NumPy 2 has a name `bool` again, for its own scalar type.
vars(numpy_with_removed_names).update({**_REMOVED, **vars(np), "bool": bool})
