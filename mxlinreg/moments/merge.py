"""Moments of columns, and how those of several tables become one."""

from functools import reduce
from typing import Callable, NamedTuple

import numpy as np

from .triangular import triangular_factor


class Moments(NamedTuple):
    """The moments of the rows of a table with c columns."""

    rows: int
    weight: float
    """The sum of the rows' weights."""
    mean: np.ndarray
    """Shape (c,): the weighted means; 0 if the products are taken about 0."""
    mean_low: np.ndarray
    """Shape (c,): what rounding has taken from the means."""
    least: np.ndarray
    """Shape (c,): the least values. A column is constant if they equal the largest."""
    largest: np.ndarray
    products: np.ndarray
    """Shape (c,): each column's weighted sum of squared deviations from the mean. Or shape (c, c):
    an upper triangular R for which ``R.T @ R`` is ``A.T @ W @ A`` of the centred table A."""

    @property
    def constant(self) -> np.ndarray:
        """Shape (c,), bool: whether all values of a column are the same."""
        return self.least == self.largest

    def pack(self) -> np.ndarray:
        """All these numbers in one array, float64, whose size depends on c and the kind alone."""
        return np.concatenate([[self.rows, self.weight], *map(np.ravel, self[2:])])

    def unpack(self, numbers: np.ndarray) -> "Moments":
        """The moments that `pack` has put into this array, of as many columns and the same kind."""
        ends = np.cumsum([1, 1, *map(np.size, self[2:-1])])
        rows, weight, mean, mean_low, least, largest, products = np.split(numbers, ends)
        products = products.reshape(self.products.shape)
        return Moments(int(rows[0]), float(weight[0]), mean, mean_low, least, largest, products)


def no_rows(num_columns: int, triangular: bool) -> Moments:
    """The moments of no row, for a worker without any."""
    zero, infinity = np.zeros(num_columns), np.full(num_columns, np.inf)
    products = np.zeros((num_columns, num_columns) if triangular else num_columns)
    return Moments(0, 0.0, zero, zero, infinity, -infinity, products)


def merged(a: Moments, b: Moments) -> Moments:
    """The moments of two tables' rows together (Chan, Golub & LeVeque 1983).

    The tables have the same columns, and the moments are of the same kind.
    """
    if b.rows == 0:
        return a
    weight = a.weight + b.weight
    with np.errstate(over="ignore", invalid="ignore"):
        between = (b.mean - a.mean) + (b.mean_low - a.mean_low)
        step = between * (b.weight / weight)
        mean = a.mean + step
        mean_low = (step - (mean - a.mean)) + a.mean_low
        between = between * np.sqrt(a.weight * (b.weight / weight))
        if a.products.ndim == 1:
            products = a.products + b.products + between**2
        else:
            products = triangular_factor(np.vstack([a.products, b.products, between]))
    least, largest = np.minimum(a.least, b.least), np.maximum(a.largest, b.largest)
    return Moments(a.rows + b.rows, weight, mean, mean_low, least, largest, products)


def gathered(own: Moments, gather: Callable[[np.ndarray], np.ndarray]) -> Moments:
    """The moments of all workers' rows.

    ``gather(array)`` gives the arrays of all workers, stacked along a new first axis. All call
    this with moments of one kind and as many columns, those of `no_rows` if they have no row.
    """
    return reduce(merged, [own.unpack(numbers) for numbers in gather(own.pack())])
