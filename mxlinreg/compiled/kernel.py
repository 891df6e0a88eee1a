"""The chapter's shuffle and inner loop as compiled functions. Importing this module needs Numba."""

import os

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# The processor prefetches a row this many rows before it is used.
_ROWS_AHEAD = 32
# The bytes that the processor fetches at a time.
_CACHE_LINE = 64
# Data of fewer bytes fit into the cache, and prefetching them would take a third more time.
_CACHE_SIZE = 1 << 20
# The gradient of this many rows is summed in the dtype of w; longer float32 sums lose digits.
_ROWS_PER_SUM = 1024
# The shuffle draws this many places before it swaps any of them.
_PLACES_AHEAD = 256


@intrinsic
def _prefetch(typing_context, array, row, column):
    """Make the processor fetch ``array[row, column]`` into its cache in the background."""

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = cgutils.get_item_pointer(
            context, builder, signature.args[0], array, arguments[1:], wraparound=False
        )
        pointer = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        i32 = ir.IntType(32)
        prefetch = builder.module.declare_intrinsic(
            "llvm.prefetch",
            [pointer.type],
            ir.FunctionType(ir.VoidType(), [pointer.type, i32, i32, i32]),
        )
        builder.call(prefetch, [pointer, i32(0), i32(2), i32(1)])  # to read, L2, data
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), generate


@intrinsic
def _call(typing_context, function, state):
    """Call the C function at address `function` with the address `state`; return its uint32."""

    def generate(context, builder, signature, arguments):
        state = ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.IntType(32), [state]).as_pointer()
        address, argument = arguments
        return builder.call(
            builder.inttoptr(address, function), [builder.inttoptr(argument, state)]
        )

    return types.uint32(types.intp, types.intp), generate


def _compiled(function):
    # These flags let sums be reordered and so vectorized. NaN and infinity keep their meaning.
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}
    if os.path.expanduser("~") == "~":  # Numba would make a folder of this name
        return numba.njit(**options)(function)
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # Numba finds no writable folder for its cache
        return numba.njit(**options)(function)


@numba.njit
def _move(source, total):
    total += source
    source[:] = 0


@_compiled
def shuffle_end(order, count, next_uint32, state):
    """Shuffle the last `count` places of `order`: the first `count` steps of ``np.random.shuffle``.

    NumPy goes from the last place to the second. For each place i it draws a place from 0 to i
    (the low bits of a uint32, drawn again while they exceed i) and swaps the two. This function
    draws the same numbers, but some places ahead, so that it can prefetch the rows to be swapped.

    Parameters
    ----------
    order : array of int of shape (rows,), changed in place
    count : int, less than rows
    next_uint32, state : int
        Addresses of the generator's function and state, as its attribute `ctypes` has them.
    """
    rows = order.reshape(-1, 1)
    places = np.empty(_PLACES_AHEAD, np.uint32)
    last = len(order) - 1
    end = last - count
    mask = np.uint32(1)
    while mask < last:
        mask = np.uint32(mask << 1 | 1)
    while last > end:
        size = min(last - end, _PLACES_AHEAD)
        drawn = 0
        while drawn < size:
            limit = np.uint32(last - drawn)
            if limit <= mask >> 1:
                mask >>= np.uint32(1)
            place = _call(next_uint32, state) & mask
            _prefetch(rows, np.intp(place), 0)
            places[drawn] = place
            drawn += place <= limit
        for i in range(size):
            row, place = last - i, places[i]
            order[row], order[place] = order[place], order[row]
        last -= size


@_compiled
def run_batches(X, y, order, batch_size, w, b, learning_rate, train_bias):
    """Train on the rows `order`, batch by batch, and return the sum of the batches' losses.

    This is the chapter's inner loop with `net`, `square_loss` and `SGD` written out row by row,
    with the formula of the gradient. The gradients of different outputs are independent, so each
    output has its own pass over the batch, which reads a row once for prediction and gradient.

    Parameters
    ----------
    X : array of shape (n, d)
    y : array of shape (n, k)
    order : array of int of shape (rows,)
    batch_size : int
    w : array of shape (k, d), the chapter's w transposed; changed in place
    b : array of shape (k,), changed in place
    learning_rate : NumPy scalar of the dtype of w and b
    train_bias : bool
        Whether to train b. False leaves it unchanged.
    """
    dtype = X.dtype.type
    num_inputs, num_outputs = X.shape[1], y.shape[1]
    grad_w, sum_w = np.zeros(num_inputs, w.dtype), np.zeros(num_inputs)
    out_of_cache, in_pieces = X.nbytes > _CACHE_SIZE, batch_size > _ROWS_PER_SUM
    cumulative_loss = 0.0
    for start in range(0, len(order), batch_size):
        stop = min(start + batch_size, len(order))
        size = (stop - start) * num_outputs
        step = learning_rate * dtype(2) / dtype(size)
        loss = 0.0
        for output in range(num_outputs):
            weights, bias = w[output], b[output]
            grad_b = 0.0
            for i in range(start, stop):
                if out_of_cache and i + _ROWS_AHEAD < len(order):
                    ahead = order[i + _ROWS_AHEAD]
                    for column in range(0, num_inputs, _CACHE_LINE // X.itemsize):
                        _prefetch(X, ahead, column)
                    _prefetch(X, ahead, num_inputs - 1)  # the row may end in one more cache line
                    _prefetch(y, ahead, output)
                if in_pieces and (i - start) % _ROWS_PER_SUM == 0:
                    _move(grad_w, sum_w)
                data, label = X[order[i]], y[order[i], output]
                yhat = bias
                for column in range(num_inputs):
                    yhat += data[column] * weights[column]
                error = yhat - label
                loss += error**2
                grad_b += error
                for column in range(num_inputs):
                    grad_w[column] += error * data[column]
            if in_pieces:
                _move(sum_w, grad_w)
            if train_bias:
                b[output] -= step * dtype(grad_b)
            for column in range(num_inputs):
                weights[column] -= step * grad_w[column]
                grad_w[column] = 0
        cumulative_loss += loss / size
    return cumulative_loss
