"""The triangular factor of the columns of X and y, in units in which no square overflows.

The units are powers of 2, so that converting to them does not round.
"""

from typing import NamedTuple

import numpy as np

from ..moments import Moments


class Columns(NamedTuple):
    """Numbers of some columns. Each array has one number per column."""

    mean: np.ndarray
    """The means; 0 if the columns are not centred. Like `mean_low` and `sizes` in `unit`."""
    mean_low: np.ndarray
    """The rounding errors of the means, to be added to them."""
    unit: np.ndarray
    """The units of the columns, as multiples of the data's units."""
    sizes: np.ndarray
    """The lengths of the columns before centring. Rounding errors are proportional to them."""


class Factor(NamedTuple):
    """The triangular factor ``[[R, Z], [0, E]]`` of the (centred) columns of X and y."""

    R: np.ndarray
    """Shape (d, d)."""
    Z: np.ndarray
    """Shape (d, k)."""
    E: np.ndarray
    """Shape (k, k)."""
    x: Columns
    y: Columns
    num_rows: int
    weight: float
    """The sum of the rows' weights."""


def factor_of(moments: Moments, num_inputs: int) -> Factor:
    """The factor from the triangular moments of X and y side by side."""
    largest = np.maximum(np.abs(moments.least), np.abs(moments.largest))
    unit = np.ldexp(1.0, np.frexp(largest)[1] - 1)
    mean, mean_low, triangle = (
        array / unit for array in (moments.mean, moments.mean_low, moments.products)
    )
    sizes = np.sqrt((triangle**2).sum(axis=0) + moments.weight * mean**2)
    inputs, targets = slice(num_inputs), slice(num_inputs, None)
    x, y = (
        Columns(mean[part], mean_low[part], unit[part], sizes[part]) for part in (inputs, targets)
    )
    R, Z, E = triangle[inputs, inputs], triangle[inputs, targets], triangle[targets, targets]
    return Factor(R, Z, E, x, y, moments.rows, moments.weight)
