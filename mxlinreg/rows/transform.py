"""The map from the units of the data to the rows of a descent."""

from __future__ import annotations

import hashlib
from typing import NamedTuple, Optional, Tuple

import numpy as np


class Transform(NamedTuple):
    """Centre the rows, decorrelate their columns, and bring y to a scale of about 1.

    Rows with weights are multiplied by the roots of these, in units of the mean weight: a sum of
    squared errors then is the weighted sum.
    """

    mean: np.ndarray
    """Shape (d + k,): the means of the columns of X and y."""
    whiten: Optional[np.ndarray]
    """Shape (d, d): the map that decorrelates X's columns, or None for columns as they are."""
    y_scale: float
    mean_weight: float

    def __call__(
        self, X: np.ndarray, y: np.ndarray, weight: Optional[np.ndarray]
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Transform X of shape (m, d) and y of shape (m,) or (m, k), with weights (m,) or None."""
        x_mean, y_mean = np.split(self.mean, [X.shape[1]])
        X, y = X - x_mean, (y.T - y_mean[:, None]).T.reshape(y.shape) / self.y_scale
        if self.whiten is not None:
            X = X @ self.whiten
        if weight is not None or self.mean_weight != 1:
            root = np.sqrt((np.ones(len(X)) if weight is None else weight) / self.mean_weight)
            X, y = X * root[:, None], (y.T * root).T
        return X, y

    def fingerprint(self) -> str:
        """The SHA-256 of the numbers."""
        arrays = [np.ravel(array) for array in self if array is not None]
        return hashlib.sha256(np.concatenate(arrays).tobytes()).hexdigest()


def even_batch_size(num_rows: int, batch_size: int) -> int:
    """The smallest batch size that makes as many batches of the rows as `batch_size`.

    The batches are then of about equal size: a small last one would be noisy.
    """
    return -(-num_rows // -(-num_rows // batch_size))


def fill_up(array: np.ndarray, batch_size: int) -> np.ndarray:
    """The rows of `array`, and rows of zeros that fill up the last batch.

    Such rows give w no gradient.
    """
    missing = -len(array) % batch_size
    if missing == 0:
        return array
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])
