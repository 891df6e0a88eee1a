"""The chapter's inner loop in one compiled call: the engine "compiled", on the CPU."""

import ctypes
import math
import sys
from contextlib import suppress
from functools import partial
from threading import Timer
from typing import Sequence, Union
from weakref import WeakKeyDictionary

import numpy as np

from .._checks import check_batch, check_ndarrays, check_number, check_shapes, check_stream
from .._mxnet import nd
from ..chapter.training import diverged
from ..rows.array_loader import ArrayLoader
from ..rows.stream import Stream

_VALUES_PER_CALL = 1 << 24  # a tenth of a second or less, as Ctrl-C waits for the call's end
_SWAPS_PER_CALL = 1 << 24  # likewise
_loaded = set()
_views = WeakKeyDictionary()


def train_epoch(
    params: Sequence[nd.NDArray], loader: Union[ArrayLoader, Stream], learning_rate: float
) -> float:
    """Train for one epoch, as `mxlinreg.train_epoch` does, in compiled code.

    The rows come in the same order, by the same draws from NumPy's global generator as
    ``np.random.shuffle`` makes, in the same batches; the results agree to rounding. The data
    are read where MXNet has them. Threads run side by side: the compiled code does not hold
    Python's lock.

    The code is compiled by Numba on the first call for each dtype, and kept on disk where that
    can be written. Ctrl-C takes effect within a batch or a fraction of a second, whichever is
    longer, and leaves the parameters as the last batch has made them.

    Parameters
    ----------
    params : [w, b]
        On the CPU, with gradients attached, as from `init_params`; changed in place. The
        gradients stay as they are.
    loader : ArrayLoader or Stream
        With its data on the CPU.
    learning_rate : float

    Returns
    -------
    float
        The mean of the batches' losses, each taken before its step.

    Raises
    ------
    TypeError, ValueError
        If the parameters, the loader or the learning rate does not fit, or is on a GPU.
    DivergenceError
        If the mean loss or the resulting parameters are not finite. The parameters are then as
        they were before the epoch.
    ImportError
        If Numba is missing (the extra `fast`).
    """
    check_ndarrays(params)
    learning_rate = check_number("learning_rate", learning_rate)
    if not isinstance(loader, (ArrayLoader, Stream)):
        raise TypeError(
            "loader: the compiled engine takes an ArrayLoader or a Stream, not "
            f'{type(loader).__name__}; the engine "autograd" takes any batches'
        )
    _check_on_cpu("params", params[0])
    views = [np.from_dlpack(_Exporter(param)) for param in params]
    check_shapes(*views)
    w, b = views[0].T.copy(), views[1].copy()
    with np.errstate(over="ignore"):  # an infinite rate diverges, which is an error by itself
        settings = loader.batch_size, w, b, w.dtype.type(learning_rate)
    if isinstance(loader, Stream):
        check_stream(loader, views[0])
        no_data = np.empty((0, w.shape[1]), w.dtype), np.empty(0, w.dtype)
        shuffle_end, run_batches = _ready(*no_data, np.dtype(np.int32), settings)
        blocks = loader.blocks(partial(_row_order, shuffle_end))
    else:
        X, y = _data(loader)
        check_batch(X, y, views[0])
        shuffle_end, run_batches = _ready(X[:0], y[:0], _order_dtype(len(X)), settings)
        if loader.shuffle:
            order = _row_order(shuffle_end, np.random.mtrand._rand, len(X))
        else:
            order = np.arange(len(X), dtype=_order_dtype(len(X)))
        blocks = [(X, y, None, order)]
    batches_per_call = math.ceil(_VALUES_PER_CALL / (loader.batch_size * (w.size + 8)))
    rows_per_call = batches_per_call * loader.batch_size
    num_batches, cumulative_loss = 0, 0.0
    try:
        for X, y, _, order in blocks:
            y = y.reshape(len(X), len(w))
            for start in range(0, len(X), rows_per_call):
                rows = order[start : start + rows_per_call]
                cumulative_loss += run_batches(X, y, rows, *settings)
            num_batches += math.ceil(len(X) / loader.batch_size)
        if num_batches == 0:
            raise ValueError("loader: gives no row; an epoch needs at least one batch")
        mean_loss = cumulative_loss / num_batches
        if not math.isfinite(mean_loss):
            raise diverged("the mean loss")
        for name, values in (("w", w), ("b", b)):
            if not np.isfinite(values).all():
                raise diverged(name)
        _write(views, w, b)
    except KeyboardInterrupt:
        if np.isfinite(w).all() and np.isfinite(b).all():
            _write(views, w, b)
        raise
    finally:
        if isinstance(loader, Stream):
            blocks.close()  # and its thread; a traceback may keep it
    return mean_loss


train_epoch.name = "compiled"  # type: ignore[attr-defined]


class _Exporter:
    """What NumPy's from_dlpack asks of an array, and MXNet's do not have."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.to_dlpack_for_read()

    def __dlpack_device__(self):
        return 1, 0  # the CPU


def _check_on_cpu(name, array):
    if array.context.device_type == "gpu":
        raise ValueError(
            f"{name}: on {array.context}, but the compiled engine runs on the CPU; move it there "
            'with as_in_context(mx.cpu()), or take the engine "autograd"'
        )


def _data(loader):
    """The memory of the loader's X and y as NumPy arrays, as soon as nothing writes there."""
    nd.waitall()
    if loader not in _views:
        for array in (loader.X, loader.y):
            _check_on_cpu("loader", array)
        _views[loader] = [np.from_dlpack(_Exporter(array)) for array in (loader.X, loader.y)]
    return _views[loader]


def _write(views, w, b):
    """Set the parameters. `param[:] = value` takes as long as an epoch of the chapter's."""
    nd.waitall()  # until nothing that was asked of MXNet before is still to read them
    for view, value in zip(views, (w.T, b)):
        ctypes.memmove(view.ctypes.data, value.tobytes(), value.nbytes)


def _row_order(shuffle_end, random, num_rows):
    """The rows as the chapter's sampler draws them, in 4 bytes each where they fit."""
    order = np.arange(num_rows, dtype=_order_dtype(num_rows))
    if order.itemsize == 8:
        random.shuffle(order)  # from 2**31 rows on
    else:
        generator = random._bit_generator
        draw = ctypes.cast(generator.ctypes.next_uint32, ctypes.c_void_p).value
        with generator.lock:
            for rows in range(num_rows, 1, -_SWAPS_PER_CALL):
                count = min(rows - 1, _SWAPS_PER_CALL)
                shuffle_end(order[:rows], count, draw, generator.ctypes.state_address)
    return order


def _order_dtype(num_rows):
    return np.dtype(np.int32 if num_rows < 2**31 else np.int64)


def _ready(X, y, order_dtype, settings):
    """The compiled functions, compiled for these types or read from the disk if they were not.

    X and y are of no row, and of the data's kind: what MXNet has is read-only, for Numba a type
    of its own.
    """
    try:
        from .kernel import run_batches, shuffle_end
    except ImportError as error:
        raise ImportError(
            'the compiled engine needs Numba: pip install "mxlinreg[fast]" '
            f"(importing it failed with: {error})"
        ) from None
    w = settings[1]
    types = w.dtype, order_dtype, X.flags.writeable
    if types not in _loaded:
        no_data, no_rows = (X, y.reshape(0, len(w))), np.empty(0, dtype=order_dtype)
        message = "mxlinreg: compiling the training loop, once for this machine and dtype"
        note = Timer(1, print, [message], {"file": sys.stderr})
        calls = (shuffle_end, (no_rows, 0, 0, 0)), (run_batches, (*no_data, no_rows, *settings))
        note.start()
        try:
            for function, arguments in calls:
                try:
                    function(*arguments)
                except OSError:
                    pass  # it is compiled, but the disk did not take it
                except Exception:  # whatever reading damaged files may raise
                    with suppress(OSError):
                        function._cache.flush()
                    function(*arguments)
        finally:
            note.cancel()
        _loaded.add(types)
    return shuffle_end, run_batches
