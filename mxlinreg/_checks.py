"""Validation of arguments: each error names the argument, the value given and what is accepted.

MXNet's arrays are recognised by their methods, so that checking never loads MXNet.
"""

import decimal
import math
import numbers
import operator
import os
import sys
from typing import Mapping

import numpy as np

# More letters of a value than this would hide the rest of a message.
_MOST_LETTERS = 80
# MXNet 1.9.1 has no arrays of more numbers.
MOST_NUMBERS = 2**31 - 1
# NumPy's generators take no larger seed.
LARGEST_SEED = 2**32 - 1


def is_ndarray(array):
    """Whether `array` is an MXNet array. Symbols have the same methods, but no values."""
    return hasattr(array, "asnumpy") and not hasattr(array, "list_arguments")


def shown(value):
    """`value` as text for a message, shortened if it is long."""
    try:
        text = repr(value).replace("\n", " ")
    except Exception:  # an object's own function may raise anything
        return f"a {type(value).__name__}"
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"


def check_count(name, value, minimum=1, maximum=sys.maxsize):
    """Return `value` as an int; raise unless it is one from `minimum` to `maximum`."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        count = operator.index(value)
    except Exception:  # an array of MXNet raises errors of its own
        message = f"{name}: expected an int of at least {minimum}, not {shown(value)}"
        raise TypeError(message) from None
    if count < minimum:
        raise ValueError(f"{name}: must be at least {minimum}, not {shown(count)}")
    if count > maximum:
        raise ValueError(f"{name}: must be at most {maximum}, not {shown(count)}")
    return count


def check_number(name, value):
    """Return `value` as a float; raise unless it is a finite number of at least 0."""
    number = _as_float(name, value, "a number of at least 0")
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name}: must be finite and at least 0, not {shown(value)}")
    if 0 < number < sys.float_info.min:
        least = f"{sys.float_info.min:.3g}, as MXNet reads no smaller number"
        raise ValueError(f"{name}: must be 0 or at least {least}, not {shown(value)}")
    return number


def check_finite(name, value):
    """Return `value` as a float; raise unless it is a finite number."""
    number = _as_float(name, value, "a number")
    if not math.isfinite(number):
        raise ValueError(f"{name}: must be finite, not {shown(value)}")
    return number


def _as_float(name, value, expected):
    if not isinstance(value, numbers.Real) or isinstance(value, (bool, np.timedelta64)):
        raise TypeError(f"{name}: expected {expected}, not {shown(value)}")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def check_flag(name, value):
    """Return `value` as a bool; raise unless it is one, or 0 or 1: a text such as "no" is true."""
    is_flag = isinstance(value, (bool, np.bool_))
    if not is_flag and not (isinstance(value, numbers.Integral) and value in (0, 1)):
        raise TypeError(f"{name}: must be True or False, not {shown(value)}")
    return bool(value)


def check_choice(name, value, choices):
    """Raise unless `value` is one of some texts."""
    if not (isinstance(value, str) and value in choices):
        *others, last = (f'"{choice}"' for choice in choices)
        raise ValueError(f"{name}: must be {', '.join(others)} or {last}, not {shown(value)}")


def check_dtype(dtype):
    named = isinstance(dtype, (str, type, np.dtype))
    if not named or dtype not in ("float32", "float64", np.float32, np.float64):
        raise ValueError(f'dtype: must be "float32" or "float64", not {shown(dtype)}')


def check_function(name, function):
    """Raise unless `function` is None or can be called."""
    if function is not None and not callable(function):
        raise TypeError(f"{name}: must be a function, not {shown(function)}")


def check_text(name, text):
    if not isinstance(text, str):
        raise TypeError(f"{name}: must be a str, not {shown(text)}")


def check_texts(name, texts):
    """Return `texts` as a list; raise unless it is a sequence of str."""
    try:
        if isinstance(texts, (str, bytes)) or not hasattr(texts, "__getitem__"):
            raise TypeError
        len(texts)  # of a range, this may be too large for any list
        found = list(texts)
    except Exception:
        raise TypeError(f"{name}: must be a list of names, not {shown(texts)}") from None
    for text in found:
        if not isinstance(text, str):
            raise TypeError(f"{name}: every name must be a str, not {shown(text)}")
    return found


def check_mapping(name, mapping):
    """Return `mapping` as a dict; raise unless it is one from str to whatever."""
    if not isinstance(mapping, Mapping):
        raise TypeError(f"{name}: must be a dict, not {shown(mapping)}")
    for key in mapping:
        if not isinstance(key, str):
            raise TypeError(f"{name}: every name must be a str, not {shown(key)}")
    return dict(mapping)


def check_path(name, path):
    """Raise unless `path` is a str or a Path that may be the name of a file."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name}: must be the name of a file, not {shown(path)}")
    try:
        if b"\0" in os.fsencode(path):
            raise ValueError(
                f"{name}: {shown(path)} holds a null byte, which no name of a file can"
            )
    except UnicodeError as error:
        raise ValueError(f"{name}: {shown(path)} is no name of a file: {error}") from None


def check_dense(name, array):
    """Raise if a part of `array` would be lost or take long to read: if it is masked or sparse."""
    if isinstance(array, np.ma.MaskedArray):
        if np.ma.is_masked(array):
            count = np.ma.count_masked(array)
            raise ValueError(
                f"{name}: is a masked array that hides {count} of its values; leave their rows "
                f"out, or replace them with {name}.filled(...)"
            )
    elif isinstance(array, (list, tuple)):
        kinds = set(map(type, array))
        masked = any(issubclass(kind, np.ma.MaskedArray) for kind in kinds)
        if masked and any(map(np.ma.is_masked, array)):
            raise ValueError(f"{name}: holds masked arrays; leave the rows with hidden values out")
        if any(hasattr(kind, "asnumpy") for kind in kinds):
            raise TypeError(f"{name}: is a list of NDArrays; nd.stack(*{name}) makes one NDArray")
    elif hasattr(array, "toarray"):
        raise TypeError(f"{name}: is sparse; give {name}.toarray()")
    elif getattr(array, "stype", "default") != "default":
        raise TypeError(f'{name}: is sparse ({array.stype}); give {name}.tostype("default")')


def real_array(name, array):
    """Return an NDArray unchanged, and anything else as a NumPy array of real numbers.

    Raises
    ------
    TypeError
        If `array` holds anything but real numbers, is sparse, or has more digits than float64.
    ValueError
        If it is masked, or holds a number that float64 cannot hold.
    """
    check_dense(name, array)
    if not is_ndarray(array):
        try:
            array = np.asarray(array)
        except MemoryError:
            raise
        except Exception as error:  # an object's own function may raise anything
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"{name}: is not an array of numbers: {error}") from None
        if array.dtype == object:
            array = _real_objects(name, array)
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "fiub":
        raise TypeError(f"{name}: must hold real numbers, not {dtype}")
    if dtype.itemsize > 8:
        raise TypeError(
            f"{name}: holds {dtype}, which has more digits than float64; give "
            f'{name}.astype("float64")'
        )
    return array


def _real_objects(name, array):
    """An array of Python's numbers in float64."""
    strange = [
        kind.__name__
        for kind in set(map(type, array.flat))
        if not issubclass(kind, (numbers.Real, decimal.Decimal, np.bool_))
        or issubclass(kind, np.timedelta64)
    ]
    if strange:
        raise TypeError(
            f"{name}: must hold real numbers only, not {', '.join(sorted(strange))}; leave the "
            "rows or columns with anything else out"
        )
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name}: holds a number that float64 cannot hold: {error}") from None


def real_vector(name, array, **same):
    """`array` as a NumPy array of shape (n,) of real numbers, n at least 1; (n, 1) will do.

    Raises as `real_array`, and unless n is the length of the array that another argument gives.
    """
    array = real_values(name, array)
    if array.size == 0 or array.shape not in ((array.size,), (array.size, 1)):
        raise ValueError(f"{name}: must have shape (n,), n at least 1, not {array.shape}")
    for other, values in same.items():
        if array.size != len(values):
            raise ValueError(f"{name}: has {array.size} values, but {other} has {len(values)}")
    return array.ravel()


def real_values(name, array):
    """`array` as a NumPy array of real numbers; also an NDArray. Raises as `real_array`."""
    array = real_array(name, array)
    return array.asnumpy() if is_ndarray(array) else array


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
            raise TypeError(
                f"params: {name} must be an NDArray with a gradient, as from init_params, not "
                f"{type(param).__name__}"
            )
        check_ndarray(name, param)
        grad = param.grad
        if grad is None or grad.stype != "default":
            what = "no" if grad is None else "a sparse"
            raise ValueError(f"params: {name} has {what} gradient; call {name}.attach_grad() first")
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


def check_pair(batch, w):
    """Return the data and the label of a batch; raise unless they are NDArrays that fit `w`."""
    try:
        data, label = batch
    except Exception:  # whatever the batch is
        message = f"batches: expected pairs (data, label), not {shown(batch)}"
        raise TypeError(message) from None
    check_ndarray("data", data, dense=False)
    check_ndarray("label", label)
    check_batch(data, label, w)
    return data, label


def is_iterable(value):
    """Whether one can iterate over `value`. Classes and arrays of no dimension only look so."""
    return hasattr(type(value), "__iter__") and getattr(value, "shape", None) != ()


def check_iterable(name, value):
    if not is_iterable(value):
        raise TypeError(f"{name}: expected an iterable of (data, label), not {shown(value)}")


def check_ndarray(name, array, dense=True):
    """Raise unless `array` is an NDArray of ``mx.nd``. With `dense=False`, it may be sparse."""
    kind = type(array).__name__
    if kind == "NDArray":  # the rest would slow down every batch
        return
    if not is_ndarray(array):
        raise TypeError(f"{name}: expected an NDArray, not {kind}; nd.array({name}) makes one")
    if kind == "ndarray":
        raise TypeError(
            f"{name}: is an array of mx.np; {name}.as_nd_ndarray() makes an NDArray of it"
        )
    if dense:
        check_dense(name, array)


def check_list_of_ndarrays(name, arrays):
    if not isinstance(arrays, (list, tuple)):
        raise TypeError(f"{name}: expected a list of NDArrays, not {shown(arrays)}")
    for array in arrays:
        check_ndarray(name, array)


def check_columns(name, array, num_columns):
    """Raise unless `array` is a dense NDArray of floats of shape (n, num_columns)."""
    check_ndarray(name, array)
    if array.ndim != 2 or array.shape[1] != num_columns or len(array) == 0:
        raise ValueError(
            f"{name}: must have shape (n, {num_columns}), n at least 1, not {array.shape}"
        )
    check_floats(name, array)


def check_floats(name, array):
    if np.dtype(array.dtype).kind != "f":
        raise ValueError(
            f'{name}: holds {np.dtype(array.dtype)}; convert it with {name}.astype("float32")'
        )


def check_input(X, w, b):
    """Raise unless these are NDArrays of one dtype, and of shapes (n, d), (d, k) and (k,)."""
    check_ndarray("X", X, dense=False)
    check_ndarray("w", w)
    check_ndarray("b", b)
    if X.dtype != w.dtype:
        raise ValueError(_other_dtype("X", X, w))
    if X.shape[1:] != w.shape[:1] or b.shape != w.shape[1:] or b.dtype != w.dtype:
        raise _misfit(X=X, w=w, b=b)


def check_outputs(yhat, y):
    """Raise unless these are NDArrays of floats of one shape and dtype."""
    check_ndarray("yhat", yhat)
    check_ndarray("y", y)
    if yhat.shape != y.shape:
        raise ValueError(
            f"square_loss: yhat has shape {yhat.shape} and y {y.shape}; both must have the same, "
            "as after y.reshape(yhat.shape)"
        )
    check_floats("yhat", yhat)
    if yhat.dtype != y.dtype:
        raise _misfit(yhat=yhat, y=y)


def check_gradients(params):
    """Raise unless `params` is a list of NDArrays with gradients."""
    check_list_of_ndarrays("params", params)
    if any(param.grad is None for param in params):
        raise ValueError("params: one has no gradient; call its attach_grad() first")


def _misfit(**arrays):
    told = (
        f"{name} of shape {array.shape} and {np.dtype(array.dtype)}"
        for name, array in arrays.items()
    )
    return ValueError(f"{', '.join(arrays)}: do not fit each other: {', '.join(told)}")


def _other_dtype(name, array, w):
    dtype, own = np.dtype(array.dtype), np.dtype(w.dtype)
    remedy = f'convert it with astype("{own}")'
    if dtype in (np.float32, np.float64):
        remedy = f'draw them with init_params(..., dtype="{dtype}"), or {remedy}'
    return f"{name}: {dtype} does not fit params of {own}; {remedy}"
