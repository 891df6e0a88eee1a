"""Rows for the exact solution: checked, converted to float64, and read in several passes."""

from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from .._checks import real_values
from ..rows.arrays import column_names

# An iterator can be read only once, so up to this many of its numbers (16 MiB) are kept.
KEPT_NUMBERS = 1 << 21

Block = Tuple[np.ndarray, np.ndarray, Optional[np.ndarray]]


class Source:
    """The checked blocks of some rows, for several passes.

    Parameters
    ----------
    rows : Rows
        The data, from `rows.as_rows`. Invalid data raise the errors of `least_squares`.

    Attributes
    ----------
    columns : list of str, or None
        The names of X's columns, if the rows have names; known after the first pass.
    shape : tuple of int, or None
        The number of dimensions of y, of columns of X, and of columns of y. None before the
        first row.
    repeatable : bool
        Whether `blocks` can be called again.
    """

    def __init__(self, rows: Any):
        self._rows = rows
        self.columns: Optional[List[str]] = rows.columns
        self.shape: Optional[Tuple[int, int, int]] = None
        self.repeatable = True
        self._kept: Optional[List[Block]] = None if rows.repeatable else []

    def blocks(self) -> Iterator[Block]:
        """The rows of weight above 0, from the start: X (m, d), y (m, k) and weights (m,) or None.

        Rows that can be read only once are kept for the next pass, unless there are too many.
        """
        if self._kept:
            yield from self._kept
            return
        numbers = 0
        for X, y, weights, _ in self._rows.blocks():
            if self.columns is None:
                self.columns = column_names(X)
            X, y, weights = self._checked(X, y, weights)
            if len(X) == 0:
                continue
            yield X, y, weights
            if self._kept is not None and self.repeatable:
                numbers += X.size + y.size
                self._kept.append((X.copy(), y.copy(), weights))
                if numbers > KEPT_NUMBERS:
                    self.repeatable = False
                    self._kept.clear()

    def _checked(self, X, y, weights):
        """A block in float64, y as a matrix, without the rows of weight 0."""
        X, y = _finite("X", X), _finite("y", y)
        if X.ndim != 2 or X.shape[1] == 0:
            raise ValueError(f"X: must have 2 dimensions and a column, not shape {X.shape}")
        if y.ndim not in (1, 2) or len(y) != len(X) or 0 in y.shape[1:]:
            raise ValueError(f"y: shape {y.shape} does not fit X of shape {X.shape}")
        ndim, y = y.ndim, y[:, None] if y.ndim == 1 else y
        if self.shape is not None:
            first_ndim, *widths = self.shape
            if first_ndim != ndim:
                raise ValueError(f"y: has {ndim} dimensions, but {first_ndim} in an earlier block")
            if widths != [X.shape[1], y.shape[1]]:
                raise ValueError(
                    f"X: a block with {X.shape[1]} columns of X and {y.shape[1]} of y does not fit "
                    f"the first, with {widths[0]} and {widths[1]}"
                )
        if weights is not None:
            weights = _finite("sample_weight", weights)
            if weights.ndim != 1 or (weights < 0).any():
                raise ValueError("sample_weight: must have shape (n,) and be at least 0")
            if (weights == 0).any():
                X, y, weights = (array[weights > 0] for array in (X, y, weights))
        if len(X):
            self.shape = ndim, X.shape[1], y.shape[1]
        return X, y, weights


def _finite(name, array):
    array = np.asarray(real_values(name, array), dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: holds NaN or infinity; every value must be finite")
    return array
