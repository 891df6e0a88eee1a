"""Find the columns that depend on others in the triangular factor, and describe them in words."""

from typing import Dict, Sequence

import numpy as np

from ..moments import triangular_factor

# The rounding error of a column of data is at most this share of its length.
ROUNDING = 100 * 2.0**-53
# Below this share of its length, the part of a column that earlier ones do not explain may be
# rounding error.
SUSPECT = 1e-6
# A message omits terms that contribute less than this share of a dependent column's length.
SIGNIFICANT = 1e-9

Dependencies = Dict[int, Dict[int, float]]


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
    found: Dependencies = {}
    independent, factor, place = list(range(len(R))), R, 0
    while True:
        lengths = np.linalg.norm(factor, axis=0)
        bounds = np.maximum(SUSPECT * lengths, ROUNDING * sizes[independent])
        suspects = np.flatnonzero(np.abs(factor.diagonal()) <= bounds)
        suspects = suspects[suspects >= place]
        for place in suspects:
            column, others = independent[place], independent[:place]
            coefficients = np.linalg.solve(factor[:place, :place], factor[:place, place])
            parts = np.abs(coefficients) * sizes[others]
            if abs(factor[place, place]) <= ROUNDING * (sizes[column] + parts.sum()):
                break
        else:
            return found
        significant = parts > SIGNIFICANT * sizes[column]
        terms = zip(others, coefficients.tolist(), significant)
        found[column] = {other: coefficient for other, coefficient, named in terms if named}
        independent.remove(column)
        if not independent:
            return found
        factor = triangular_factor(R[:, independent])


def describe(
    dependent: Dependencies,
    mean: np.ndarray,
    unit: np.ndarray,
    names: Sequence[str],
    intercept: bool,
) -> str:
    """Say in words on which columns each dependent column depends, and how.

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
    for column, terms in dependent.items():
        terms = {other: terms[other] * unit[column] / unit[other] for other in terms}
        descriptions.append(_description(column, terms, mean, names, intercept))
    return "; ".join(descriptions)


def _description(column, coefficients, mean, names, intercept):
    if not coefficients:
        how = "constant up to rounding" if intercept else "0 everywhere"
        return f"{names[column]!r} is {how}"
    products = [coefficient * mean[other] for other, coefficient in coefficients.items()]
    constant = mean[column] - sum(products)
    terms = [f"{coefficient:.6g} {names[other]!r}" for other, coefficient in coefficients.items()]
    if abs(constant) > SIGNIFICANT * (abs(mean[column]) + sum(map(abs, products))):
        terms.append(f"{constant:.6g}")
    return f"{names[column]!r} depends on others: it is {' + '.join(terms).replace('+ -', '- ')}"
