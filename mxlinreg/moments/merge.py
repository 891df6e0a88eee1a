"""Moments of columns, and how to combine the moments of several tables."""

from functools import reduce
from typing import Callable, NamedTuple, Sequence

import numpy as np

from .triangular import triangular_factor


class Moments(NamedTuple):
    """The moments of the rows of a table with c columns."""

    rows: int
    """The number of rows."""
    weight: float
    """The sum of the rows' weights."""
    mean: np.ndarray
    """Shape (c,): the weighted means; 0 if the products are not centred."""
    mean_low: np.ndarray
    """Shape (c,): the rounding errors of the means, to be added to them."""
    least: np.ndarray
    """Shape (c,): the minima."""
    largest: np.ndarray
    """Shape (c,): the maxima."""
    products: np.ndarray
    """Shape (c,): each column's weighted sum of squared deviations from the mean. Or shape (c, c):
    the upper triangular R with ``R.T @ R = A.T @ W @ A`` for the centred table A and weights W,
    of which a table with fewer rows than columns may lack the last rows, which are 0."""

    @property
    def constant(self) -> np.ndarray:
        """Shape (c,), bool: whether all values of a column are equal."""
        return self.least == self.largest

    def pack(self) -> np.ndarray:
        """All numbers in one float64 array. Its size depends only on c and the kind of products."""
        return np.concatenate([[self.rows, self.weight], *map(np.ravel, self[2:])])

    def unpack(self, numbers: np.ndarray) -> "Moments":
        """The moments that `pack` put into `numbers`, of the same shape and kind as these."""
        ends = np.cumsum([1, 1, *map(np.size, self[2:-1])])
        rows, weight, mean, mean_low, least, largest, products = np.split(numbers, ends)
        products = products.reshape(self.products.shape)
        return Moments(int(rows[0]), float(weight[0]), mean, mean_low, least, largest, products)


def no_rows(num_columns: int, triangular: bool) -> Moments:
    """The moments of no rows, for a worker that has none."""
    zero, infinity = np.zeros(num_columns), np.full(num_columns, np.inf)
    products = np.zeros((num_columns, num_columns) if triangular else num_columns)
    return Moments(0, 0.0, zero, zero, infinity, -infinity, products)


def merged(a: Moments, b: Moments) -> Moments:
    """The moments of the rows of two tables together (Chan, Golub & LeVeque 1983).

    The tables must have the same columns, and the moments the same kind of products.
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


def of_columns(moments: Moments, columns: Sequence[int]) -> Moments:
    """The moments of some of the columns, in the given order."""
    columns = list(columns)
    products = moments.products[..., columns]
    if products.ndim == 2:
        products = triangular_factor(products)
    return Moments(*moments[:2], *(array[columns] for array in moments[2:-1]), products)


def gathered(own: Moments, gather: Callable[[np.ndarray], np.ndarray]) -> Moments:
    """The moments of all workers' rows.

    ``gather(array)`` returns the arrays of all workers, stacked along a new first axis. All
    workers must call this function, with the same columns and the same kind of products. A worker
    without rows passes `no_rows`. With several workers, triangular products must be square.
    """
    return reduce(merged, [own.unpack(numbers) for numbers in gather(own.pack())])
