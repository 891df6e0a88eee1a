"""Weighted means and products of columns, and transformations based on them. NumPy only.

`column_moments` accumulates each column's sum of squares block by block, and `triangular_moments`
the triangular factor of the products of all columns. Both return a `Moments`. `merged` combines
the moments of two tables, `gathered` those of all workers. `standardize` scales columns,
`unstandardize` converts a fit back to their units, and `whitening` decorrelates columns.
"""

from .accumulate import column_moments, triangular_moments
from .merge import Moments, gathered, merged, no_rows
from .standardize import standardize, unstandardize
from .triangular import triangular_factor, triangular_inverse
from .whiten import whitening

__all__ = [
    "Moments",
    "column_moments",
    "gathered",
    "merged",
    "no_rows",
    "standardize",
    "triangular_factor",
    "triangular_inverse",
    "triangular_moments",
    "unstandardize",
    "whitening",
]
