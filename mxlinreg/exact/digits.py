"""Numbers of twice float64's digits, as unevaluated sums of two: pairs (high, low) of arrays.

The sums and products are Dekker's and Knuth's (T. J. Dekker, "A floating-point technique for
extending the available precision", 1971). They are exact where nothing overflows or underflows.
"""

from typing import Tuple

import numpy as np

Pair = Tuple[np.ndarray, np.ndarray]

_SPLITTER = 2.0**27 + 1


def two_sum(a, b) -> Pair:
    """``a + b`` as its rounded value and what the rounding has left."""
    high = a + b
    part = high - a
    return high, (a - (high - part)) + (b - part)


def two_product(a, b) -> Pair:
    """``a * b`` as its rounded value and what the rounding has left."""
    high = a * b
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    return high, ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low


def add(a: Pair, b: Pair) -> Pair:
    """``a + b``, to about 32 digits of the larger one."""
    high, low = two_sum(a[0], b[0])
    return _renormalised(high, low + (a[1] + b[1]))


def multiply(a, b: Pair) -> Pair:
    """``a * b``, where `a` is float64."""
    high, low = two_product(a, b[0])
    return _renormalised(high, low + a * b[1])


def total(a: Pair) -> Pair:
    """The sums along the last axis."""
    high, low = a
    while high.shape[-1] > 1:
        half = high.shape[-1] // 2
        rest = high[..., 2 * half :], low[..., 2 * half :]
        first = high[..., :half], low[..., :half]
        second = high[..., half : 2 * half], low[..., half : 2 * half]
        high, low = (np.concatenate(parts, axis=-1) for parts in zip(add(first, second), rest))
    return high[..., 0], low[..., 0]


def _split(a):
    big = _SPLITTER * a
    high = big - (big - a)
    return high, a - high


def _renormalised(high, low):
    result = high + low
    return result, low - (result - high)
