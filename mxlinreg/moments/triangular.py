"""Triangular factors of the products of columns."""

from typing import Optional

import numpy as np

# Numbers in a piece of a block, 2 MiB, so that the products take longer than the calls around them,
# and the rows for each column, so that they take longer than the test whether they keep the digits.
PIECE_NUMBERS = 1 << 18
ROWS_PER_COLUMN = 4
# Squares lose digits as columns come near to depending on each other. Above this least eigenvalue
# of their correlation matrix they lose two digits at most, and Cholesky's factor will do.
LEAST_EIGENVALUE = 0.01
# QR takes half the time in steps of so many rows, which a processor's cache holds.
QR_ROWS = 2048
# Below these, QR costs no more than products and the test of them.
FEW_ROWS_PER_COLUMN = 3
FEW_NUMBERS = 1 << 13


def triangular_factor(rows: np.ndarray) -> np.ndarray:
    """An upper triangular R of shape (c, c) with ``R.T @ R = rows.T @ rows``, by Householder's QR.

    `rows` has shape (m, c), for any m. Unlike the products, R keeps all digits.
    """
    R = np.asarray(np.linalg.qr(rows, mode="r"))
    missing = rows.shape[1] - len(R)
    return np.pad(R, ((0, missing), (0, 0))) if missing else R


def triangular_inverse(R: np.ndarray) -> np.ndarray:
    """The inverse of an upper triangular matrix whose diagonal holds no 0.

    It halves the matrix until one number is left. `numpy.linalg.inv` takes several times as long:
    it does not use the zeros, and wakes BLAS's threads even for small matrices.
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

    Blocks whose columns are far from depending on each other add up their products, which are
    factored once, by Cholesky. That is as accurate there as QR and takes a fraction of its time.
    The first block with nearly dependent columns and all blocks after it are reduced by QR.

    Targets that the inputs explain well nearly depend on them. So the fit of the first block is
    subtracted from the targets before the products are formed, and added to the factor again.
    """

    def __init__(self, num_inputs: int, num_targets: int):
        num_columns = num_inputs + num_targets
        self._num_inputs = num_inputs
        self._products = np.zeros((num_columns, num_columns))
        self._slopes: Optional[np.ndarray] = None  # of the first block's fit
        self._factor = np.zeros((0, num_columns))
        self._independent = True  # as far as the blocks have shown

    @staticmethod
    def piece_rows(num_columns: int) -> int:
        """How many rows `add` takes best at a time."""
        return max(PIECE_NUMBERS // max(num_columns, 1), ROWS_PER_COLUMN * num_columns)

    def add(self, rows: np.ndarray) -> None:
        """Take in rows of shape (m, c), which are overwritten."""
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
            self._factor = triangular_factor(both)

    def _products_of(self, rows):
        """The products of rows, of whose targets a fit is taken off if the inputs allow one."""
        d = self._num_inputs
        inputs, targets = rows[:, :d], rows[:, d:]
        if self._slopes is not None:
            targets -= inputs @ self._slopes
            return rows.T @ rows
        products = rows.T @ rows
        if _far_from_singular(products[:d, :d]):
            self._slopes = _solved(products[:d, :d], products[:d, d:])
            targets -= inputs @ self._slopes
            products[:, d:] = rows.T @ targets
            products[d:, :d] = products[:d, d:].T
        return products

    def in_units(self, unit: np.ndarray) -> np.ndarray:
        """The factor, its columns multiplied by `unit`."""
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
    """The products of columns scaled to length 1, and the lengths; those of zeros stay zeros."""
    lengths = np.sqrt(products.diagonal())
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    scaled = products * inverse * inverse[:, None]
    scaled.flat[:: len(scaled) + 1] = 1
    return scaled, lengths


def _solved(products, right):
    scaled, lengths = _scaled(products)
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)[:, None]
    return np.linalg.solve(scaled, right * inverse) * inverse
