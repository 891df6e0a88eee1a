"""Triangular factors of the products of columns."""

from typing import Optional

import numpy as np

# A piece of a block has at least this many numbers (2 MiB), so that its products take longer than
# the overhead of the calls.
PIECE_NUMBERS = 1 << 18
# It also has this many rows per column, so that its products take longer than their check.
ROWS_PER_COLUMN = 4
# Products lose digits if columns nearly depend on each other. If the smallest eigenvalue of their
# correlation matrix is above this, they lose two digits at most and can replace QR.
LEAST_EIGENVALUE = 0.01
# QR takes half the time in steps of this many rows, which fit into a processor's cache.
QR_ROWS = 2048
# For fewer rows or numbers, QR takes no longer than the products and their check.
FEW_ROWS_PER_COLUMN = 3
FEW_NUMBERS = 1 << 13


def triangular_factor(rows: np.ndarray) -> np.ndarray:
    """The upper triangular R of shape (c, c) with ``R.T @ R = rows.T @ rows``, by Householder QR.

    `rows` has shape (m, c), where m may be less than c. Unlike the products, R keeps all digits.
    """
    return squared(_trapezoidal_factor(rows))


def squared(factor: np.ndarray) -> np.ndarray:
    """A factor of shape (r, c) with zeros below it, of shape (c, c)."""
    missing = factor.shape[1] - len(factor)
    return np.pad(factor, ((0, missing), (0, 0))) if missing else factor


def _trapezoidal_factor(rows):
    """As `triangular_factor`, without its rows of zeros: of shape (min(m, c), c)."""
    return np.asarray(np.linalg.qr(rows, mode="r"))


def triangular_inverse(R: np.ndarray) -> np.ndarray:
    """The inverse of an upper triangular matrix whose diagonal holds no 0.

    The function halves the matrix recursively. `numpy.linalg.inv` takes several times as long,
    because it ignores the zeros and starts BLAS's threads even for small matrices.
    """
    if len(R) == 1:
        return 1 / R
    half = len(R) // 2
    upper, lower = triangular_inverse(R[:half, :half]), triangular_inverse(R[half:, half:])
    inverse = np.zeros_like(R)
    inverse[:half, :half], inverse[half:, half:] = upper, lower
    inverse[:half, half:] = -upper @ (R[:half, half:] @ lower)
    return inverse


class Triangle:
    """The triangular factor of rows that come in blocks.

    While the columns of each block are far from depending on each other, the blocks' products are
    added up and factored once, by Cholesky. In this case that is as accurate as QR and takes a
    fraction of the time. The first block with nearly dependent columns and all later blocks are
    reduced by QR.

    Targets that the inputs explain well nearly depend on them. So the fit of the first block is
    subtracted from the targets before the products are formed, and added back to the factor.
    """

    def __init__(self, num_inputs: int, num_targets: int):
        self._num_inputs = num_inputs
        self._products: Optional[np.ndarray] = None
        self._slopes: Optional[np.ndarray] = None  # the first block's fit
        self._factor = np.zeros((0, num_inputs + num_targets))
        self._independent = True  # until a block with nearly dependent columns comes

    @staticmethod
    def piece_rows(num_columns: int) -> int:
        """The number of rows with which a call of `add` is most efficient."""
        return max(PIECE_NUMBERS // max(num_columns, 1), ROWS_PER_COLUMN * num_columns)

    def add(self, rows: np.ndarray) -> None:
        """Add rows of shape (m, c). The array `rows` is overwritten."""
        few = rows.size < FEW_NUMBERS or len(rows) < FEW_ROWS_PER_COLUMN * rows.shape[1]
        if self._independent and not few:
            products = self._products_of(rows)
            self._independent = self._slopes is not None and _far_from_singular(products)
            if self._independent:
                self._products += products
                return
            if self._slopes is not None:
                rows[:, self._num_inputs :] += rows[:, : self._num_inputs] @ self._slopes
        step = max(QR_ROWS, 2 * rows.shape[1])
        for start in range(0, len(rows), step):
            both = np.vstack([self._factor, rows[start : start + step]])
            self._factor = _trapezoidal_factor(both)

    def _products_of(self, rows):
        """The products of rows, after subtracting the first block's fit from the targets.

        The first block with independent inputs determines that fit.
        """
        d = self._num_inputs
        inputs, targets = rows[:, :d], rows[:, d:]
        if self._slopes is not None:
            targets -= inputs @ self._slopes
            return rows.T @ rows
        products = rows.T @ rows
        if _far_from_singular(products[:d, :d]):
            self._products = np.zeros_like(products)
            self._slopes = _solved(products[:d, :d], products[:d, d:])
            targets -= inputs @ self._slopes
            products[:, d:] = rows.T @ targets
            products[d:, :d] = products[:d, d:].T
        return products

    def in_units(self, unit: np.ndarray) -> np.ndarray:
        """The factor with its columns multiplied by `unit`, of shape (r, c) with r <= c."""
        factor = self._factor
        if self._slopes is not None:
            scaled, lengths = _scaled(self._products)
            R = np.linalg.cholesky(scaled).T * lengths
            d = self._num_inputs
            R[:d, d:] += R[:d, :d] @ self._slopes
            factor = R if len(factor) == 0 else triangular_factor(np.vstack([factor, R]))
        return factor * unit


def _far_from_singular(products):
    scaled, _ = _scaled(products)
    scaled.flat[:: len(scaled) + 1] -= LEAST_EIGENVALUE
    try:
        np.linalg.cholesky(scaled)
    except np.linalg.LinAlgError:
        return False
    return True


def _scaled(products):
    """The products of columns scaled to length 1, and the lengths. Columns of zeros stay so."""
    lengths = np.sqrt(products.diagonal())
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    scaled = products * inverse * inverse[:, None]
    scaled.flat[:: len(scaled) + 1] = 1
    return scaled, lengths


def _solved(products, right):
    scaled, lengths = _scaled(products)
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)[:, None]
    return np.linalg.solve(scaled, right * inverse) * inverse
