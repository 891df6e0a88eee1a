"""Find the columns that depend on others, and describe them in words."""

from typing import Dict, List, Sequence, Tuple

import numpy as np

# The rounding error of a column of data is at most this share of its length.
ROUNDING = 100 * 2.0**-53
# Below this share of its length, the part of a column that earlier ones do not explain may be
# rounding error.
SUSPECT = 1e-6
# A message omits terms that contribute less than this share of a dependent column's length.
SIGNIFICANT = 1e-9
# This many columns at a time are projected on the basis of the columns before them.
PANEL = 64
# A message lists this many columns, and terms of a combination, and counts the others.
LISTED = 10

Dependencies = Dict[int, Dict[int, float]]


def independent_columns(A: np.ndarray, sizes: np.ndarray, most: int) -> List[int]:
    """The columns that are no linear combination, up to rounding, of those kept before them.

    The columns are taken in their order, so of columns that depend on each other the first remain.

    Parameters
    ----------
    A : array of shape (n, d)
        The (centred) columns, or their upper triangular factor.
    sizes : array of shape (d,)
        The columns' lengths before centring. Rounding errors are proportional to them.
    most : int
        The largest possible rank. The search ends when it is reached.

    Returns
    -------
    list of int
        The indices of the columns, in ascending order.
    """
    return _search(A, sizes, most)[0]


def dependencies(R: np.ndarray, sizes: np.ndarray) -> Dependencies:
    """The columns that are linear combinations of others, up to rounding.

    Each column in turn is compared with the earlier columns that are independent.

    Parameters
    ----------
    R : array of shape (d, d)
        The upper triangular factor of the (centred) columns.
    sizes : array of shape (d,)
        The columns' lengths before centring. Rounding errors are proportional to them.

    Returns
    -------
    dict
        Maps the index of each dependent column to a dict of the columns in its combination and
        their coefficients. That dict is empty for a column of zeros and, if there is an
        intercept, for a constant column.
    """
    kept, found, basis = _search(R, sizes, len(R))
    coordinates = np.zeros((basis.size, len(found)))
    for i, own in enumerate(found.values()):
        coordinates[: len(own), i] = own
    combinations = basis.coefficients(coordinates)
    named: Dependencies = {}
    for column, coefficients in zip(found, combinations.T):
        significant = np.abs(coefficients) * sizes[kept] > SIGNIFICANT * sizes[column]
        named[column] = {kept[i]: float(coefficients[i]) for i in np.flatnonzero(significant)}
    return named


def _search(A, sizes, most) -> Tuple[List[int], Dict[int, np.ndarray], "_Basis"]:
    """The independent columns, the coordinates of the dependent ones, and the basis for both."""
    bounds = np.maximum(SUSPECT * np.linalg.norm(A, axis=0), ROUNDING * sizes)
    leading = min(_leading_columns(A, bounds), most)
    kept: List[int] = list(range(leading))
    found: Dict[int, np.ndarray] = {}
    most = min(most, *A.shape)
    basis = _Basis(len(A), most if leading < most else leading, A[:leading, :leading])
    for start in range(leading, A.shape[1], PANEL):
        if len(kept) == most:
            break
        before = basis.size
        columns = np.arange(start, min(start + PANEL, A.shape[1]))
        rests, coordinates = basis.project(A[:, columns])
        # Columns that depend on those before the panel are found all at once.
        lengths, roundings = np.linalg.norm(rests, axis=0), ROUNDING * sizes[columns]
        unsure = (roundings < lengths) & (lengths <= bounds[columns])
        combinations = basis.coefficients(coordinates[:, unsure])
        roundings[unsure] += ROUNDING * (sizes[kept] @ np.abs(combinations))
        dependent = lengths <= roundings
        for i, column in enumerate(columns.tolist()):
            if dependent[i]:
                found[column] = coordinates[:, i]
                continue
            rest, own = basis.project(rests[:, i], before)
            coordinate = np.append(coordinates[:, i], own)
            length = np.linalg.norm(rest)
            rounding = ROUNDING * sizes[column]
            if rounding < length <= bounds[column]:
                rounding += ROUNDING * (sizes[kept] @ np.abs(basis.coefficients(coordinate)))
            if length <= rounding:
                found[column] = coordinate
                continue
            if length <= bounds[column]:
                # What is left of a nearly dependent column is no longer orthogonal to the basis.
                rest, change = basis.project(rest)
                coordinate, length = coordinate + change, np.linalg.norm(rest)
            basis.append(rest / length, np.append(coordinate, length))
            kept.append(column)
            if len(kept) == most:
                break
    return kept, found, basis


def _leading_columns(A, bounds):
    """How many first columns of a triangular factor are far from dependent; 0 for other arrays."""
    if A.shape[0] != A.shape[1] or np.tril(A, -1).any():
        return 0
    # The diagonal holds the lengths of what earlier columns leave of each column.
    suspects = np.flatnonzero(np.abs(A.diagonal()) <= bounds)
    return int(suspects[0]) if len(suspects) else len(A)


class _Basis:
    """An orthonormal basis Q of columns ``Q @ T``, where T is triangular, that grows by columns.

    It begins with the columns of a triangular factor, for which Q is the identity.
    """

    def __init__(self, num_rows: int, most: int, factor: np.ndarray):
        self.size = len(factor)
        self._Q, self._T = np.eye(num_rows, most), np.zeros((most, most))
        self._T[: self.size, : self.size] = factor

    def project(self, columns: np.ndarray, start: int = 0) -> Tuple[np.ndarray, np.ndarray]:
        """What Q's columns from `start` leave of the given ones, and the coordinates of the rest.

        The projection is done twice, because the first may leave rounding errors of its own size.
        """
        Q = self._Q[:, start : self.size]
        first = Q.T @ columns
        rests = columns - Q @ first
        second = Q.T @ rests
        return rests - Q @ second, first + second

    def append(self, direction: np.ndarray, coordinates: np.ndarray) -> None:
        """Add a column, by the next column of Q and of T."""
        self._Q[:, self.size] = direction
        self._T[: self.size + 1, self.size] = coordinates
        self.size += 1

    def coefficients(self, coordinates: np.ndarray) -> np.ndarray:
        """The coefficients of the combinations that have these coordinates in Q.

        Back substitution in blocks keeps the digits that an inverse of T would lose if columns
        are nearly dependent.
        """
        solved = np.array(coordinates)
        for end in range(self.size, 0, -PANEL):
            before, rows = slice(max(0, end - PANEL)), slice(max(0, end - PANEL), end)
            solved[rows] = np.linalg.solve(self._T[rows, rows], solved[rows])
            solved[before] -= self._T[before, rows] @ solved[rows]
        return solved


def describe(
    dependent: Dependencies,
    mean: np.ndarray,
    unit: np.ndarray,
    names: Sequence[str],
    intercept: bool,
) -> str:
    """Say in words on which columns the first ten dependent columns depend, and how.

    Parameters
    ----------
    dependent : dict
        The result of `dependencies` for columns in multiples of `unit`.
    mean, unit : array of shape (d,)
        The columns' means and units, in the units of the data.
    names : sequence of str
    intercept : bool
    """
    descriptions = []
    for column, terms in list(dependent.items())[:LISTED]:
        terms = {other: terms[other] * unit[column] / unit[other] for other in terms}
        descriptions.append(_description(column, terms, mean, names, intercept))
    if len(dependent) > LISTED:
        descriptions.append(f"and {len(dependent) - LISTED} more")
    return "; ".join(descriptions)


def _description(column, coefficients, mean, names, intercept):
    if not coefficients:
        how = "constant up to rounding" if intercept else "0 everywhere"
        return f"{names[column]!r} is {how}"
    products = [coefficient * mean[other] for other, coefficient in coefficients.items()]
    constant = mean[column] - sum(products)
    shown = list(coefficients.items())[:LISTED]
    terms = [f"{coefficient:.6g} {names[other]!r}" for other, coefficient in shown]
    if len(coefficients) > LISTED:
        terms.append(f"{len(coefficients) - LISTED} more terms")
    if abs(constant) > SIGNIFICANT * (abs(mean[column]) + sum(map(abs, products))):
        terms.append(f"{constant:.6g}")
    return f"{names[column]!r} depends on others: it is {' + '.join(terms).replace('+ -', '- ')}"
