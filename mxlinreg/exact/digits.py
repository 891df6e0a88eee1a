"""Arithmetic with twice float64's digits: a pair (high, low) of arrays stands for their exact sum.

The algorithms for the sum and the product of two numbers are Knuth's and Dekker's (T. J. Dekker,
"A floating-point technique for extending the available precision", 1971). They are exact unless
something overflows or underflows.
"""

import math
from typing import Tuple

import numpy as np

Pair = Tuple[np.ndarray, np.ndarray]

# Multiplying by this splits the 53 bits of a number into two parts whose products are exact.
SPLITTER = 2.0**27 + 1


def pair(a: np.ndarray) -> Pair:
    return a, np.zeros_like(a)


def two_sum(a, b) -> Pair:
    """``a + b`` as the rounded sum and its rounding error."""
    high = a + b
    part = high - a
    return high, (a - (high - part)) + (b - part)


def two_product(a, b) -> Pair:
    """``a * b`` as the rounded product and its rounding error."""
    high = a * b
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    return high, ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low


def add(a: Pair, b: Pair) -> Pair:
    """``a + b``, to about 32 digits of the larger one."""
    high, low = two_sum(a[0], b[0])
    return _renormalized(high, low + (a[1] + b[1]))


def multiply(a, b: Pair) -> Pair:
    """``a * b`` for a float64 array `a`, to about 32 digits."""
    high, low = two_product(a, b[0])
    return _renormalized(high, low + a * b[1])


def total(a: Pair, axis: int = -1) -> Pair:
    """The sums along an axis, to about 32 digits of the largest term.

    All terms are cut at the same binary place. Their upper parts then add up without rounding.
    This is done twice, and the rests are added in float64 (S. M. Rump, T. Ogita, S. Oishi,
    "Accurate floating-point summation I", 2008).
    """
    rest, low = a
    bits = math.ceil(math.log2(rest.shape[axis] + 2))
    exponent = np.frexp(np.abs(rest).max(axis=axis, keepdims=True))[1]
    sums = []
    for _ in range(2):
        place = np.ldexp(1.0, exponent + bits)
        upper = (rest + place) - place
        rest = rest - upper
        sums.append(upper.sum(axis=axis))
        exponent = exponent + bits - 53
    high, error = two_sum(*sums)
    return _renormalized(high, error + (rest + low).sum(axis=axis))


def _split(a):
    big = SPLITTER * a
    high = big - (big - a)
    return high, a - high


def _renormalized(high, low):
    result = high + low
    return result, low - (result - high)
