"""`as_rows`, the one place that finds out what kind of data it was given."""

from __future__ import annotations

import sys
from typing import Any, Iterator, Optional, Tuple

import numpy as np

from .._checks import is_iterable, is_ndarray, real_array
from .arrays import ArrayRows, column_names
from .interface import Rows
from .loaders import LoaderRows


def as_rows(data: Any, y: Any = None, weight: Any = None) -> Rows:
    """Give any kind of data the interface of `Rows`.

    Parameters
    ----------
    data : Rows, DataLoader, array or iterable of pairs
        An ArrayLoader, a Stream or a worker's Share is a `Rows` already and is returned
        unchanged. The others are a stock gluon DataLoader, an array of shape (n, d) together with
        `y`, or an iterable of batches or blocks (X, y).
    y : array of shape (n,) or (n, k), optional
    weight : array of shape (n,), optional
        The weights of the rows; only together with `y`.

    Returns
    -------
    Rows

    Raises
    ------
    TypeError
        If `data` is of another kind, or an array does not hold real numbers.
    ValueError
        If the shapes of arrays do not fit each other.
    """
    if isinstance(data, Rows):
        for name, given in (("y", y), ("sample_weight", weight)):
            if given is not None:
                raise ValueError(
                    f"{name}: goes with an array X only; a {type(data).__name__} has its own"
                )
        return data
    if y is not None:
        return _arrays(data, y, weight)
    if weight is not None:
        raise ValueError("sample_weight: goes with X and y as arrays; blocks have none")
    if _is_stock_loader(data):
        return StockLoader(data)
    if hasattr(data, "shape") or isinstance(data, str) or not is_iterable(data):
        raise TypeError("y: missing; without it X must be an iterable of blocks (X, y)")
    return Pairs(data)


def are_arrays(data: Any) -> bool:
    """Whether `data` is an array, a data frame, or a pair of them."""
    if isinstance(data, (tuple, list)) and len(data) == 2:
        return all(hasattr(array, "shape") for array in data)
    return hasattr(data, "shape")


def _arrays(X, y, weight):
    """The rows of arrays whose shapes fit each other. NDArrays stay on their context."""
    names = column_names(X)
    X, y = real_array("X", X), real_array("y", y)
    weight = None if weight is None else real_array("sample_weight", weight)
    if len(X.shape) != 2:
        raise ValueError(f"X: must have 2 dimensions, not shape {X.shape}")
    for name, array in (("y", y), ("sample_weight", weight)):
        if array is not None and array.shape[:1] != X.shape[:1]:
            raise ValueError(f"{name}: shape {array.shape} does not fit X of shape {X.shape}")
    return ArrayRows(X, y, weight, names)


def _is_stock_loader(data):
    mxnet = sys.modules.get("mxnet")
    return mxnet is not None and isinstance(data, mxnet.gluon.data.DataLoader)


class StockLoader(LoaderRows):
    """The rows of a stock gluon DataLoader over ``ArrayDataset(X, y)``."""

    def __init__(self, loader: Any):
        self.loader = loader
        self.take_options(loader)
        # The arrays of other datasets are not known.
        super().__init__(*(loader._dataset._data if self.refused is None else (None, None)))

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.loader)


class Pairs(Rows):
    """An iterable of pairs (X, y): the batches of training, or the blocks of the exact solution."""

    def __init__(self, pairs: Any):
        self.pairs = pairs
        self.repeatable = iter(pairs) is not pairs
        self.columns = column_names(pairs)
        self.batch_size = getattr(pairs, "batch_size", None)
        self.shuffle = getattr(pairs, "shuffle", None)

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.pairs)

    def blocks(
        self, order: Optional[Any] = None
    ) -> Iterator[Tuple[Any, Any, None, Optional[np.ndarray]]]:
        """The given pairs as blocks (X, y, None, None).

        Raises
        ------
        TypeError
            If `order` is given, because the pairs cannot be reordered, or if an item is not a pair.
        """
        if order is not None:
            raise TypeError(
                "train_data: the compiled engine takes a DataLoader over an ArrayDataset, an "
                f"ArrayLoader or a Stream, not {type(self.pairs).__name__}; the engine "
                '"autograd" takes any batches'
            )
        return self._as_they_come()

    def _as_they_come(self):
        for pair in self.pairs:
            try:
                X, y = pair
            except (TypeError, ValueError):
                raise TypeError("X: each block must be a pair (X, y)") from None
            X, y = (array.asnumpy() if is_ndarray(array) else array for array in (X, y))
            yield X, y, None, None

    def fingerprint(self) -> str:
        """The fingerprint that the iterable's own method returns."""
        if hasattr(self.pairs, "fingerprint"):
            return self.pairs.fingerprint()
        raise TypeError(
            f"train_data: a {type(self.pairs).__name__} has no method fingerprint(), by which a "
            "checkpoint identifies the data; give a DataLoader over an ArrayDataset, an "
            "ArrayLoader or a Stream"
        )
