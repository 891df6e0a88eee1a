"""Columns that depend on others, found in the triangular factor and described in words."""

from typing import Dict, Sequence

import numpy as np

from ..moments import triangular_factor

# What rounding changes in a column of data, as a part of the column's length.
ROUNDING = 100 * 2.0**-53
# Below this part of its length, a column's remainder beside those before it may be rounding.
SUSPECT = 1e-6
# A term that contributes less to a dependent column than this part of its length is not named.
SIGNIFICANT = 1e-9

Dependencies = Dict[int, Dict[int, float]]


def dependencies(R: np.ndarray, sizes: np.ndarray) -> Dependencies:
    """The columns that rounding alone keeps from being sums of others.

    Each column in turn is compared with those before it that depend on none.

    Parameters
    ----------
    R : array of shape (d, d)
        The upper triangular factor of the (centred) columns.
    sizes : array of shape (d,)
        The columns' lengths before they were centred, as their rounding goes with these.

    Returns
    -------
    dict
        For each dependent column, by index, the columns of the sum and their coefficients. A
        column that is constant, beside an intercept, or 0 has none.
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
    """On which columns each dependent column depends, and how, in words.

    The means, of shape (d,), and the description are in the units of the data, of which those
    that `dependencies` has seen are multiples by `unit`.
    """
    descriptions = []
    for column, terms in dependent.items():
        terms = {other: terms[other] * unit[column] / unit[other] for other in terms}
        descriptions.append(_description(column, terms, mean, names, intercept))
    return "; ".join(descriptions)


def _description(column, coefficients, mean, names, intercept):
    if not coefficients:
        how = "constant, but for rounding" if intercept else "0 everywhere"
        return f"{names[column]!r} is {how}"
    products = [coefficient * mean[other] for other, coefficient in coefficients.items()]
    constant = mean[column] - sum(products)
    terms = [f"{coefficient:.6g} {names[other]!r}" for other, coefficient in coefficients.items()]
    if abs(constant) > SIGNIFICANT * (abs(mean[column]) + sum(map(abs, products))):
        terms.append(f"{constant:.6g}")
    return f"{names[column]!r} depends on others: it is {' + '.join(terms).replace('+ -', '- ')}"
