"""The chapter's inner loop in one compiled call: the engine "compiled", on the CPU."""

import ctypes
import math
from contextlib import closing, suppress
from functools import partial
from threading import Timer
from typing import Any, Sequence

import numpy as np

from .._checks import check_flag, check_iterable, check_ndarrays, check_number, check_shapes
from .._mxnet import nd
from .._streams import say
from ..chapter.training import diverged
from ..rows.arrays import order_dtype, view
from ..rows.sources import as_rows

# Ctrl-C waits until a compiled call returns, so a call takes a tenth of a second or less.
_VALUES_PER_CALL = 1 << 24
_SWAPS_PER_CALL = 1 << 24
_loaded = set()


def compiled_epoch(
    params: Sequence[nd.NDArray], train_data: Any, learning_rate: float, train_bias: bool = True
) -> float:
    """Train for one epoch in compiled code, with the results of `mxlinreg.train_epoch`.

    Both draw the same row order from NumPy's global generator and form the same batches. The
    results are equal up to rounding. The compiled code reads the data in MXNet's memory, without a
    copy. It releases Python's global interpreter lock, so that threads run in parallel.

    Numba compiles the code at the first call for each dtype and caches it on disk if possible.
    Ctrl-C takes effect within a fraction of a second or, if that takes longer, a batch. The
    parameters are then those after the last batch.

    Parameters
    ----------
    params : [w, b]
        NDArrays of shape (d, k) and (k,) on the CPU, with gradients attached, as from
        `init_params`. The values are changed in place; the gradients are not.
    train_data : DataLoader over an ArrayDataset, ArrayLoader or Stream
        The data, on the CPU.
    learning_rate : float
    train_bias : bool
        Whether to train b. False leaves it unchanged.

    Returns
    -------
    float
        The mean of the batches' losses, each computed before the batch's step.

    Raises
    ------
    TypeError, ValueError
        If the parameters, the data or the learning rate are invalid or on a GPU; or if a
        DataLoader has a sampler, batchify function or other option that only it can honour.
    DivergenceError
        If the mean loss or a resulting parameter is not finite. The parameters are reset to their
        values before the epoch.
    ImportError
        If Numba is missing (the extra `fast`).
    """
    check_ndarrays(params)
    learning_rate = check_number("learning_rate", learning_rate)
    train_bias = check_flag("train_bias", train_bias)
    check_iterable("train_data", train_data)
    rows = as_rows(train_data)
    if params[0].context.device_type == "gpu":
        raise ValueError(
            f"params: on {params[0].context}, but the compiled engine runs on the CPU; move them "
            'there with as_in_context(mx.cpu()), or use the engine "autograd"'
        )
    views = [view(param) for param in params]
    check_shapes(*views)
    rows.check(views[0])
    w, b = views[0].T.copy(), views[1].copy()
    with np.errstate(over="ignore"):  # an infinite rate raises DivergenceError below
        rate = w.dtype.type(learning_rate)
    shuffle_end, run_batches = _ready(w, b, rate, order_dtype(rows.num_rows or 0))
    num_batches, cumulative_loss = 0, 0.0
    try:
        with closing(rows.blocks(partial(_row_order, shuffle_end))) as blocks:
            for X, y, _, order in blocks:
                X, y = _read_only(X), _read_only(y.reshape(len(X), len(w)))
                batch_size = rows.batch_size
                batches_per_call = math.ceil(_VALUES_PER_CALL / (batch_size * (w.size + 8)))
                rows_per_call = batches_per_call * batch_size
                for start in range(0, len(order), rows_per_call):
                    some = order[start : start + rows_per_call]
                    cumulative_loss += run_batches(X, y, some, batch_size, w, b, rate, train_bias)
                num_batches += math.ceil(len(order) / batch_size)
        if num_batches == 0:
            raise ValueError("train_data: has no batches; an epoch needs at least one")
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
    return mean_loss


compiled_epoch.name = "compiled"  # type: ignore[attr-defined]
compiled_epoch.iterates = False  # type: ignore[attr-defined]  # a bar cannot count its batches


def _read_only(array):
    """A read-only view of `array`. To Numba a writable array has another type."""
    array = array.view()
    array.flags.writeable = False
    return array


def _write(views, w, b):
    """Set the parameters. ``param[:] = value`` would take as long as an epoch of the chapter."""
    nd.waitall()  # pending MXNet operations may still read the parameters
    for param, value in zip(views, (w.T, b)):
        ctypes.memmove(param.ctypes.data, value.tobytes(), value.nbytes)


def _row_order(shuffle_end, random, num_rows):
    """The row numbers in the order of the chapter's sampler, as int32 below 2**31 rows."""
    order = np.arange(num_rows, dtype=order_dtype(num_rows))
    if order.itemsize == 8:
        random.shuffle(order)  # 2**31 rows or more
    else:
        generator = random._bit_generator
        draw = ctypes.cast(generator.ctypes.next_uint32, ctypes.c_void_p).value
        with generator.lock:
            for rows in range(num_rows, 1, -_SWAPS_PER_CALL):
                count = min(rows - 1, _SWAPS_PER_CALL)
                shuffle_end(order[:rows], count, draw, generator.ctypes.state_address)
    return order


def _ready(w, b, rate, dtype_of_order):
    """The compiled functions, compiled for these dtypes or read from the disk cache."""
    try:
        from .kernel import run_batches, shuffle_end
    except ImportError as error:
        raise ImportError(
            'the compiled engine needs Numba: pip install "mxlinreg[fast]" '
            f"(importing it failed with: {error})"
        ) from None
    dtypes = w.dtype, dtype_of_order
    if dtypes not in _loaded:
        X = _read_only(np.empty((0, w.shape[1]), w.dtype))
        y = _read_only(np.empty((0, len(w)), w.dtype))
        order = np.empty(0, dtype_of_order)
        message = "mxlinreg: compiling the training loop, once for this machine and dtype"
        note = Timer(1, say, [message])
        calls = (shuffle_end, (order, 0, 0, 0)), (run_batches, (X, y, order, 1, w, b, rate, True))
        note.start()
        try:
            for function, arguments in calls:
                try:
                    function(*arguments)
                except OSError:
                    pass  # compiled, but the cache could not be written
                except Exception:  # a damaged cache file can raise anything
                    with suppress(OSError):
                        function._cache.flush()
                    function(*arguments)
        finally:
            note.cancel()
        _loaded.add(dtypes)
    return shuffle_end, run_batches
