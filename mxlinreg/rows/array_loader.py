"""`ArrayLoader`: arrays as the chapter's DataLoader. Importing this module loads MXNet."""

from typing import Any

import numpy as np

from .._checks import check_count
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
        if options.get("last_batch") not in (None, "keep", "discard", "rollover"):
            raise ValueError(
                'last_batch: must be "keep", "discard" or "rollover", not '
                f"{options['last_batch']!r}"
            )
        dataset = gluon.data.ArrayDataset(self.X, self.y)
        gluon.data.DataLoader.__init__(self, dataset, batch_size, bool(shuffle), **options)
        self.take_options(self)


def _as_ndarray(name, array, ndims):
    """Return `array` as a finite, non-empty NDArray of float32 or float64."""
    if not isinstance(array, nd.NDArray):
        try:
            array = np.asarray(array)
        except ValueError as error:
            raise ValueError(f"{name}: not an array of numbers: {error}") from None
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "fiub":
        raise TypeError(f"{name}: must hold real numbers, not {dtype}")
    shape = array.shape
    if len(shape) not in ndims:
        expected = " or ".join(f"{ndim}" for ndim in ndims)
        raise ValueError(f"{name}: must have {expected} dimensions, not shape {shape}")
    if 0 in shape:
        raise ValueError(f"{name}: is empty (shape {shape}); at least one row is needed")
    wanted = np.result_type(dtype, np.float32)
    if wanted not in (np.float32, np.float64):
        raise TypeError(f"{name}: must be float32 or float64, not {dtype}")
    if not isinstance(array, nd.NDArray):
        array = nd.array(array, dtype=wanted)
    elif wanted != dtype:
        array = array.astype(wanted.name)
    if not all(np.isfinite(block).all() for block in numpy_blocks(array)):
        raise ValueError(f"{name}: holds NaN or infinity; every value must be finite")
    return array
