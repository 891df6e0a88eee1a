"""Weighted means and products of columns, and what follows from them. NumPy only.

`column_moments` gathers each column's own squares, block by block, and `triangular_moments` the
triangular factor of the products of all columns; both give a `Moments`. `merged` and `gathered`
bring those of several tables together. `standardize` and `unstandardize` scale columns and put a
fit back into their units; `whitening` decorrelates columns.
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
