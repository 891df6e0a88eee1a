"""Arrays as the chapter's DataLoader. Importing this loads MXNet."""

import hashlib

import numpy as np

from .._checks import check_count
from .._mxnet import gluon, nd

_ROWS_PER_BLOCK = 1 << 16  # so that looking at the data copies a block of them, not all


class ArrayLoader(gluon.data.DataLoader):
    """The chapter's ``DataLoader(ArrayDataset(X, y), batch_size, shuffle)``, which keeps X and y.

    The row order of an epoch is drawn from NumPy's global generator (``np.random.seed``).

    Parameters
    ----------
    X : NDArray or array_like of shape (n, d)
    y : NDArray or array_like of shape (n,) or (n, k)
        Not to be changed while they are in use here: gluon's dataset copies y of one dimension.
        Arrays of float32 and float64 keep their type. Other numbers become the one of the two
        that holds them without loss (int16 float32, int64 float64), NumPy's own rule.
    batch_size : int
        At most this many rows in a batch. The last batch holds the rest of the rows.
    shuffle : bool
        Whether each epoch takes the rows in a new random order.

    Attributes
    ----------
    X, y : NDArray
        The data, where they were given; NumPy's arrays and lists on the current context.

    Raises
    ------
    TypeError
        If X or y does not hold numbers, or `batch_size` is not an int.
    ValueError
        If X or y is empty, has other dimensions, or holds NaN or infinity, if their lengths
        differ, or if `batch_size` is below 1.
    """

    _worker_pool = None  # so that DataLoader.__del__ is content where __init__ has raised

    def __init__(self, X, y, batch_size: int = 4, shuffle: bool = True):
        self.X = _as_ndarray("X", X, (2,))
        self.y = _as_ndarray("y", y, (1, 2))
        if len(self.X) != len(self.y):
            raise ValueError(
                f"y: has {len(self.y)} rows and X has {len(self.X)}; they must have as many"
            )
        self.batch_size = check_count("batch_size", batch_size)
        self.shuffle = bool(shuffle)
        super().__init__(
            gluon.data.ArrayDataset(self.X, self.y),
            batch_size=self.batch_size,
            shuffle=self.shuffle,
        )

    def fingerprint(self) -> str:
        """The SHA-256 of X and y: of their dtypes, shapes and values, wherever they are."""
        digest = hashlib.sha256()
        for array in (self.X, self.y):
            digest.update(f"{np.dtype(array.dtype)} {array.shape} ".encode())
            for block in _blocks(array):
                digest.update(block)
        return digest.hexdigest()


def _as_ndarray(name, array, ndims):
    """`array` as a finite, non-empty NDArray of float32 or float64."""
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
    if not all(np.isfinite(block).all() for block in _blocks(array)):
        raise ValueError(f"{name}: holds NaN or infinity; every value must be finite")
    return array


def _blocks(array):
    """The rows of an NDArray as NumPy arrays, some at a time."""
    for start in range(0, array.shape[0], _ROWS_PER_BLOCK):
        yield array[start : start + _ROWS_PER_BLOCK].asnumpy()
