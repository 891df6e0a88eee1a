"""Weighted means and products of columns, on NumPy alone.

`Moments` and `add_rows` gather them block by block, as a triangular factor; `column_moments` and
`merged` gather each column's own squares. `standardise` and `fold` scale columns and put a fit
back into their units; `whitening` decorrelates them.
"""

from .accumulate import Moments, add_rows, column_moments, merged
from .standardize import fold, standardise
from .whiten import whitening

__all__ = [
    "Moments",
    "add_rows",
    "column_moments",
    "fold",
    "merged",
    "standardise",
    "whitening",
]
