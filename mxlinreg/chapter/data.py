"""The chapter's data, and the batches that it draws from them."""

import hashlib
import json
from contextlib import closing
from functools import partial
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, Callable, Iterator, Optional, Sequence, Tuple, Union

import numpy as np

from .._checks import check_count, check_dtype, check_number
from .._mxnet import gluon, mx, nd
from .contexts import context
from .scratch import real_fn

_ROWS_PER_BLOCK = 1 << 16  # so that looking at the data copies a block of them, not all
_AHEAD = 2  # blocks of a stream that are read before they are asked for


def synthetic(
    num_examples: int = 10000,
    noise: float = 0.1,
    ctx: Union[str, "mx.Context"] = "cpu",
    dtype: str = "float32",
) -> Tuple["nd.NDArray", "nd.NDArray"]:
    """Draw the chapter's data: X from N(0, 1), and ``y = real_fn(X) + noise * N(0, 1)``.

    Parameters
    ----------
    num_examples : int
    noise : float
        The standard deviation of the noise, at least 0.
    ctx : str or mx.Context
        The chapter's `data_ctx`; anything that `context` takes.
    dtype : {"float32", "float64"}

    Returns
    -------
    X : NDArray of shape (num_examples, 2)
    y : NDArray of shape (num_examples,)

    Raises
    ------
    TypeError, ValueError
        If `num_examples` is not a positive int, `noise` is negative or not finite, or `dtype`
        is another.
    """
    num_examples = check_count("num_examples", num_examples)
    noise = check_number("noise", noise)
    check_dtype(dtype)
    ctx = context(ctx)
    X = nd.random_normal(shape=(num_examples, 2), ctx=ctx, dtype=dtype)
    y = real_fn(X) + noise * nd.random_normal(shape=(num_examples,), ctx=ctx, dtype=dtype)
    return X, y


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


def _in_order(num_rows):
    return np.arange(num_rows, dtype=np.int32)


def _permutation(random, num_rows):
    return random.permutation(num_rows).astype(np.int32)


class Stream:
    """Rows that are read anew in each pass: data larger than memory. `stream` makes it.

    To iterate over it gives blocks (X, y), NumPy arrays of shape (m, d) and (m,), read ahead in a
    thread. All but the last hold a whole number of batches, and so does `batches`, which gives
    the same rows as `train_epoch` takes them.

    In each pass the units that the files consist of come in a new random order, and then the
    rows of each block, of `shuffle_buffer` rows: a row moves within its block only. That is less
    than a shuffle of all rows; rows that are sorted within the files stay together in blocks.
    The order is drawn from NumPy's global generator. With `shuffle_buffer` 0 it is the files'.

    Parameters
    ----------
    read : callable
        ``read(i)`` gives the rows of unit i, as an iterator of tables of shape (m, d + 1) with
        the target last: sequences of d + 1 columns as NumPy arrays.
    num_units : int
    columns : list of str
    target : str
    batch_size, shuffle_buffer : int
    dtype : {"float32", "float64"}
    source : dict
        What `fingerprint` tells of the files, of what JSON can hold.
    num_rows : int, optional
        If it is known before the first pass.

    Attributes
    ----------
    X_mean, X_scale, y_mean, y_scale : array of shape (d,) and (1,), or None
        If they are set, the blocks are standardised by them, as `scaling.fold` undoes it.
    num_rows : int or None
        None before the first pass over files that do not tell it.
    """

    X_mean = X_scale = y_mean = y_scale = None
    on_rows: Optional[Callable[[int], Any]] = None
    """Is told how many rows have been used, after each block."""

    def __init__(
        self,
        read: Callable[[int], Iterator],
        num_units: int,
        columns: Sequence[str],
        target: str,
        batch_size: int,
        shuffle_buffer: int,
        dtype: str,
        source: dict,
        num_rows: Optional[int] = None,
    ):
        self.read, self.num_units, self.source = read, num_units, source
        self.columns, self.target, self.num_rows = list(columns), target, num_rows
        self.batch_size, self.shuffle_buffer = batch_size, shuffle_buffer
        self.shuffle, self.dtype = shuffle_buffer > 0, np.dtype(dtype)

    def __len__(self) -> int:
        """The batches of a pass."""
        if self.num_rows is None:
            raise TypeError("the number of rows is known after the first pass only")
        return -(-self.num_rows // self.batch_size)

    def __iter__(self) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
        for X, y, order in self.blocks():
            yield (X[order], y[order]) if self.shuffle else (X, y)

    def batches(self) -> Iterator[Tuple["nd.NDArray", "nd.NDArray"]]:
        """The batches of a pass, as MXNet's arrays (data, label) on the CPU."""
        for X, y in self:
            for start in range(0, len(X), self.batch_size):
                rows = slice(start, start + self.batch_size)
                yield nd.array(X[rows], dtype=self.dtype), nd.array(y[rows], dtype=self.dtype)

    def blocks(
        self, permutation: Callable[[np.random.RandomState, int], np.ndarray] = _permutation
    ) -> Iterator[Tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The blocks as they were read, each with the order of its rows, array of int32.

        Parameters
        ----------
        permutation : callable
            ``permutation(random, n)`` shuffles n rows, as NumPy does.
        """
        if not self.shuffle:
            return self._pass(range(self.num_units), _in_order)
        units = np.random.permutation(self.num_units).tolist()
        random = np.random.RandomState(np.random.randint(2**31 - 1))
        return self._pass(units, partial(permutation, random))

    def _pass(self, units, order_of):
        rows = 0
        with closing(_ahead(self._filled(units, order_of))) as blocks:
            for X, y, order in blocks:
                yield X, y, order
                rows += len(X)
                if self.on_rows is not None:
                    self.on_rows(len(X))
        if self.num_rows not in (None, rows):
            raise ValueError(
                f"{self.source['name']}: had {self.num_rows} rows before and {rows} now; the "
                "files must stay as they are"
            )
        self.num_rows = rows

    def fingerprint(self) -> str:
        """A SHA-256 of the files' names, sizes and times, and of how their rows are used."""
        used = [self.columns, self.target, self.shuffle_buffer, str(self.dtype)]
        scaling = [
            None if array is None else array.tolist()
            for array in (self.X_mean, self.X_scale, self.y_mean, self.y_scale)
        ]
        text = json.dumps([self.source, used, scaling], default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def standardise(self, gather: Callable[[np.ndarray], Sequence] = lambda array: [array]) -> None:
        """Set the means and scales from one pass over the rows (Chan, Golub, LeVeque 1983).

        Parameters
        ----------
        gather : callable
            Of several workers, each with a part of the rows, gives a list of all workers' arrays
            for one's own, as `distributed.gather`.

        Raises
        ------
        ValueError
            If there is no row, or the squares of a column's differences overflow, or vanish.
        """
        self.X_mean = self.X_scale = self.y_mean = self.y_scale = None
        own = np.zeros((5, len(self.columns) + 1))
        dtype, self.dtype = self.dtype, np.dtype("float64")
        try:
            for X, y, _ in self._pass(range(self.num_units), _in_order):
                own = _merged(own, _moments(np.column_stack([X, y])))
        finally:
            self.dtype = dtype
        everything = np.zeros_like(own)
        for moments in gather(own):
            everything = _merged(everything, moments)
        count, mean, squares, low, high = everything
        if count[0] == 0:
            raise ValueError(f"{self.source['name']}: has no row; at least one is needed")
        if not np.isfinite(squares).all():
            raise ValueError(f"{self.source['name']}: values overflow; scale the columns down")
        constant = low == high
        if (squares[~constant] == 0).any():
            raise ValueError(f"{self.source['name']}: values vanish as squares; scale them up")
        mean, scale = np.where(constant, low, mean), np.sqrt(squares / count)
        scale[constant] = 0
        self.X_mean, self.y_mean = np.split(mean, [-1])
        self.X_scale, self.y_scale = np.split(scale, [-1])

    def _filled(self, units, order_of):
        """Blocks of equal size from the tables of the units, standardised, and their orders."""
        num_inputs = len(self.columns)
        size = self.shuffle_buffer or (1 << 20) // (num_inputs + 1)
        size = max(1, size // self.batch_size) * self.batch_size
        scaling = None
        if self.X_mean is not None:
            factors = np.append(self.X_scale, self.y_scale)
            with np.errstate(divide="ignore"):
                factors = np.where(factors > 0, 1 / factors, 0)
            scaling = list(zip(np.append(self.X_mean, self.y_mean), factors))
        X, y, filled = None, None, 0

        # Parsed in one thread, filled in in another: the blocks are asked for in a third.
        with closing(_ahead(table for unit in units for table in self.read(unit))) as tables:
            for table in tables:
                start, rows = 0, len(table[0])
                while start < rows:
                    if X is None:
                        X = np.empty((size, num_inputs), self.dtype)
                        y, filled = np.empty(size, self.dtype), 0
                    part = min(rows - start, size - filled)
                    for j, column in enumerate(table):
                        place = y if j == num_inputs else X[:, j]
                        place = place[filled : filled + part]
                        values = column[start : start + part]
                        if scaling is None:
                            place[:] = values
                        else:
                            mean, factor = scaling[j]
                            np.multiply(values - mean, factor, out=place)
                    start, filled = start + part, filled + part
                    if filled == size:
                        yield X, y, order_of(size)
                        X = None
        if X is not None:
            yield X[:filled], y[:filled], order_of(filled)


def _moments(block):
    """Of each column: rows, mean, sum of the squares around it, least, largest."""
    mean = block.mean(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = ((block - mean) ** 2).sum(axis=0)
    rows = np.full(len(mean), float(len(block)))
    return np.stack([rows, mean, squares, block.min(axis=0), block.max(axis=0)])


def _merged(a, b):
    """The moments of two sets of rows together."""
    if a[0, 0] == 0 or b[0, 0] == 0:
        return a if b[0, 0] == 0 else b
    rows = a[0] + b[0]
    with np.errstate(over="ignore", invalid="ignore"):
        between = b[1] - a[1]
        squares = a[2] + b[2] + between**2 * (a[0] * b[0] / rows)
    low, high = np.minimum(a[3], b[3]), np.maximum(a[4], b[4])
    return np.stack([rows, a[1] + between * (b[0] / rows), squares, low, high])


def _ahead(items):
    """The items, made in a thread before they are asked for. Closed early, it ends the thread."""
    queue, stopped = Queue(_AHEAD), Event()

    def put(item):
        while not stopped.is_set():
            try:
                return queue.put(item, timeout=0.1)
            except Full:
                pass

    def make():
        try:
            for item in items:
                put((item, None))
                if stopped.is_set():
                    return
            put((None, None))
        except BaseException as error:
            put((None, error))
        finally:
            items.close()

    thread = Thread(target=make, daemon=True)
    thread.start()
    try:
        while True:
            item, error = queue.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stopped.set()
        try:
            while True:
                queue.get_nowait()
        except Empty:
            thread.join()


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
