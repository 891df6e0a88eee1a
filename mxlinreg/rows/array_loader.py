"""`ArrayLoader`: arrays as the chapter's DataLoader. Importing this module loads MXNet."""

from typing import Any, List

import numpy as np

from .._checks import (
    check_choice,
    check_count,
    check_flag,
    check_function,
    check_ndarray,
    check_number,
    is_ndarray,
    real_array,
    real_vector,
    shown,
)
from .._mxnet import gluon, nd
from .arrays import numpy_blocks
from .loaders import LoaderRows


class ArrayLoader(gluon.data.DataLoader, LoaderRows):
    """The chapter's ``DataLoader(ArrayDataset(X, y), batch_size, shuffle)`` with its data checked.

    The row order of an epoch is drawn from NumPy's global generator (``np.random.seed``).

    Parameters
    ----------
    X : NDArray or array_like of shape (n, d)
    y : NDArray or array_like of shape (n,) or (n, k)
        Do not change X or y while the loader is in use: gluon's dataset copies a y of one
        dimension, but not X. float32 and float64 keep their dtype. Other dtypes become the one that
        NumPy promotes them to with float32: int16 becomes float32, int64 becomes float64.
    batch_size : int
        The number of rows in a batch. The last batch may have fewer.
    shuffle : bool
        Whether each epoch takes the rows in a new random order.
    **options
        Further options of gluon's DataLoader, such as ``num_workers`` or ``last_batch``.

    Attributes
    ----------
    X, y : NDArray
        The data. NDArrays stay on their context. NumPy arrays and lists go to MXNet's current one.

    Raises
    ------
    TypeError
        If X or y does not hold numbers, `batch_size` is not an int, or an option is unknown.
    ValueError
        If X or y is empty, holds NaN or infinity or has the wrong number of dimensions; if their
        lengths differ; if `batch_size` is below 1; if an option has an invalid value.
    """

    _worker_pool = None  # DataLoader.__del__ reads it even if __init__ raises

    def __init__(
        self, X: Any, y: Any, batch_size: int = 4, shuffle: bool = True, **options: Any
    ) -> None:
        LoaderRows.__init__(self, _as_ndarray("X", X, (2,)), _as_ndarray("y", y, (1, 2)))
        if len(self.X) != len(self.y):
            raise ValueError(
                f"y: has {len(self.y)} rows and X has {len(self.X)}; the numbers must be equal"
            )
        batch_size = check_count("batch_size", batch_size)
        shuffle = check_flag("shuffle", shuffle)
        for name in options.keys() & _CHECKS.keys():
            checked = _CHECKS[name](name, options[name])
            options[name] = options[name] if checked is None else checked
        dataset = gluon.data.ArrayDataset(self.X, self.y)
        gluon.data.DataLoader.__init__(self, dataset, batch_size, shuffle, **options)
        self.take_options(self)

    def take(self, rows: Any) -> List[Any]:
        """The given rows of X and y, as NDArrays.

        Parameters
        ----------
        rows : array_like of int of shape (m,)
            The numbers of the rows, from 0. MXNet itself would take the last row for larger ones.

        Raises
        ------
        TypeError, ValueError
            If `rows` are not numbers of rows, or there is none.
        """
        rows = real_vector("rows", rows)
        if rows.dtype.kind not in "iu":
            raise TypeError(f"rows: must be ints, not {rows.dtype}")
        if not 0 <= rows.min() <= rows.max() < len(self.X):
            raise ValueError(f"rows: must be from 0 to {len(self.X) - 1}")
        return super().take(rows)


def _check_last_batch(name, last_batch):
    if last_batch is not None:
        check_choice(name, last_batch, ("keep", "discard", "rollover"))


def _check_sampler(name, sampler):
    if sampler is not None and not isinstance(sampler, gluon.data.Sampler):
        raise TypeError(f"{name}: must be a gluon.data.Sampler, not {shown(sampler)}")


def _check_timeout(name, timeout):
    timeout = check_number(name, timeout)
    if timeout == 0:
        raise ValueError(f"{name}: must be above 0 seconds")
    return timeout


def _check_workers(name, number):
    if number is not None or name != "prefetch":
        return check_count(name, number, minimum=0)


# What gluon's DataLoader does not check itself. They may return another value to take.
_CHECKS = {
    "last_batch": _check_last_batch,
    "sampler": _check_sampler,
    "batchify_fn": check_function,
    "num_workers": _check_workers,
    "prefetch": _check_workers,
    "pin_device_id": _check_workers,
    "timeout": _check_timeout,
    "pin_memory": check_flag,
    "thread_pool": check_flag,
    "auto_reload": check_flag,
}


def _as_ndarray(name, array, ndims):
    """Return `array` as a finite, non-empty NDArray of float32 or float64."""
    array = real_array(name, array)
    if is_ndarray(array):
        check_ndarray(name, array)
    dtype = np.dtype(array.dtype)
    shape = array.shape
    if len(shape) not in ndims:
        expected = " or ".join(f"{ndim}" for ndim in ndims)
        raise ValueError(f"{name}: must have {expected} dimensions, not shape {shape}")
    if 0 in shape:
        raise ValueError(f"{name}: is empty (shape {shape}); at least one row is needed")
    wanted = np.result_type(dtype, np.float32)
    if not isinstance(array, nd.NDArray):
        array = nd.array(array, dtype=wanted)
    elif wanted != dtype:
        array = array.astype(wanted.name)
    if not all(np.isfinite(block).all() for block in numpy_blocks(array)):
        raise ValueError(f"{name}: holds NaN or infinity; every value must be finite")
    return array
