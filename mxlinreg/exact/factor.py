"""The triangular factor of the columns of X and y, in units in which no square overflows.

The units are powers of 2, so that converting to them does not round.
"""

from typing import NamedTuple, Sequence

import numpy as np

from ..moments import Moments, triangular_factor


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
    largest: np.ndarray
    """The largest absolute values, in the data's units."""


class Factor(NamedTuple):
    """The triangular factor ``[[R, Z], [0, E]]`` of the (centred) columns of X and y.

    With n rows, it may lack rows of zeros beyond the first n.
    """

    R: np.ndarray
    """Shape (d, d), or (n, d) if n < d."""
    Z: np.ndarray
    """Shape (d, k), or (n, k)."""
    E: np.ndarray
    """Shape (k, k), or fewer rows."""
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
        Columns(*(array[part] for array in (mean, mean_low, unit, sizes, largest)))
        for part in (inputs, targets)
    )
    R, Z, E = triangle[inputs, inputs], triangle[inputs, targets], triangle[targets, targets]
    return Factor(R, Z, E, x, y, moments.rows, moments.weight)


def of_columns(factor: Factor, kept: Sequence[int]) -> Factor:
    """The factor of y and some of the columns of X."""
    R, Z, E = factor.R[:, kept], factor.Z, factor.E
    below = np.zeros((len(E), len(kept)))
    triangle = triangular_factor(np.vstack([np.hstack([R, Z]), np.hstack([below, E])]))
    d, x = len(kept), Columns(*(array[kept] for array in factor.x))
    return factor._replace(R=triangle[:d, :d], Z=triangle[:d, d:], E=triangle[d:, d:], x=x)
