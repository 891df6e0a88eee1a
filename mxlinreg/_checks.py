"""Validation of arguments: each error names the argument, the value given and what is accepted.

MXNet's arrays are recognised by their methods, so that checking never loads MXNet.
"""

import math
import numbers
import operator

import numpy as np


def is_ndarray(array):
    """Whether `array` is an MXNet array."""
    return hasattr(array, "asnumpy")


def check_count(name, value, minimum=1):
    """Return `value` as an int; raise unless it is one of at least `minimum`."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an int of at least {minimum}, not {value!r}") from None
    if count < minimum:
        raise ValueError(f"{name}: must be at least {minimum}, not {count}")
    return count


def check_number(name, value):
    """Return `value` as a float; raise unless it is a finite number of at least 0."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a number of at least 0, not {value!r}")
    number = float(value)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name}: must be finite and at least 0, not {value!r}")
    return number


def check_dtype(dtype):
    if dtype not in ("float32", "float64", np.float32, np.float64):
        raise ValueError(f'dtype: must be "float32" or "float64", not {dtype!r}')


def check_params(params):
    """Raise unless `params` is ``[w, b]`` as `init_params` makes them."""
    check_ndarrays(params)
    check_shapes(*params)


def check_ndarrays(params):
    """Raise unless `params` is ``[w, b]``, two NDArrays with gradients on one context."""
    if not isinstance(params, (list, tuple)) or len(params) != 2:
        raise TypeError("params: expected [w, b], as init_params returns them")
    for name, param in zip("wb", params):
        if not (is_ndarray(param) and hasattr(param, "attach_grad")):
            raise TypeError(f"params: {name} must be an NDArray, not {type(param).__name__}")
        if param.grad is None:
            raise ValueError(f"params: {name} has no gradient; call {name}.attach_grad() first")
    w, b = params
    if w.context != b.context:
        raise ValueError(
            f"params: w is on {w.context} and b on {b.context}; both must be on one context"
        )


def check_shapes(w, b):
    """Raise unless the shapes and dtypes of `w` and `b`, of MXNet or NumPy, fit each other."""
    if w.ndim != 2 or b.shape != w.shape[1:]:
        raise ValueError(
            "params: w must have shape (inputs, outputs) and b (outputs,), "
            f"not {w.shape} and {b.shape}"
        )
    if w.dtype != b.dtype or w.dtype not in (np.float32, np.float64):
        raise ValueError(
            "params: w and b must both be float32 or both float64, "
            f"not {np.dtype(w.dtype)} and {np.dtype(b.dtype)}"
        )


def check_batch(data, label, w):
    """Raise unless the shapes and dtypes of a batch, or of all data, fit the parameters."""
    num_inputs, num_outputs = w.shape
    if data.ndim != 2 or data.shape[1] != num_inputs:
        raise ValueError(f"data: shape {data.shape} does not fit w of shape {w.shape}")
    expected = {(len(data), num_outputs), (len(data),) if num_outputs == 1 else None}
    if label.shape not in expected:
        raise ValueError(
            f"label: shape {label.shape} fits neither data of shape {data.shape} "
            f"nor w of shape {w.shape}"
        )
    if data.dtype != label.dtype:
        raise ValueError(
            f"label: {np.dtype(label.dtype)} with data of {np.dtype(data.dtype)}; both must have "
            "one dtype, as after label.astype(data.dtype)"
        )
    if data.dtype != w.dtype:
        raise ValueError(_other_dtype("data", data, w))


def check_input(X, w):
    """Raise unless `X` is an NDArray of the dtype of the parameters."""
    if not is_ndarray(X):
        raise TypeError(f"X: expected an NDArray, not {type(X).__name__}; nd.array(X) makes one")
    if X.dtype != w.dtype:
        raise ValueError(_other_dtype("X", X, w))


def _other_dtype(name, array, w):
    dtype, own = np.dtype(array.dtype), np.dtype(w.dtype)
    remedy = f'convert it with astype("{own}")'
    if dtype in (np.float32, np.float64):
        remedy = f'draw them with init_params(..., dtype="{dtype}"), or {remedy}'
    return f"{name}: {dtype} does not fit params of {own}; {remedy}"
