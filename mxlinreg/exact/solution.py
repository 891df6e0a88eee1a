"""From the triangular factor of all rows to the solution and its statistics."""

import math
from typing import Callable, List, Optional, Tuple

import numpy as np

from ..moments import triangular_inverse
from .factor import Factor
from .rank import ROUNDING
from .refine import Problem, refine, refined_inverse
from .result import LeastSquares

# Below this condition number the factor's solution is wrong in the last digit or two at most.
REFINE_FROM = 10.0
# Up to this condition number the eigenvalues of the products give it to twelve digits, in half the
# time of singular values.
SQUARES_UP_TO = 100.0
# Refining with this many numbers of data takes a millisecond or two, so it is always done.
FEW_NUMBERS = 1 << 15
# Residuals below this share of the terms that they are the rest of are rounding errors.
PERFECT = 1e-13


def solution(
    factor: Factor,
    rank: int,
    centred: bool,
    names: List[str],
    passes: Optional[Callable],
    gather: Callable[[np.ndarray], np.ndarray],
) -> LeastSquares:
    """Compute the solution and its statistics.

    With n rows, the sum W of their weights and the factor's R, Z and E::

        slopes              R⁻¹ Z
        intercept           y.mean − x.mean slopes
        squares             |E|², of the residuals
        total               |E|² + |Z|², of the centred y
        degrees             n − rank
        deviation           √(squares / degrees)
        slopes' errors      deviation √(each row of R⁻¹ squared)
        intercept's error   deviation √(1 / W + |x.mean R⁻¹|²)
        R²                  1 − squares / total

    If columns depend on others, R⁻¹ is the pseudo-inverse, and the squares also include the part
    of Z that is orthogonal to the range of R. Otherwise the solution is refined by passes over the
    data, if the condition number is 10 or more or the data are small.

    Parameters
    ----------
    factor : Factor
    rank : int
        The number of X's columns that are independent.
    centred : bool
        Whether there is an intercept.
    names : list of str
    passes : callable, or None if the data cannot be read again
        Returns the blocks of the data from the start, as `Source.blocks`.
    gather : callable
        Returns all workers' arrays, as `Rows.gather`.
    """
    R, Z, E, x, y, num_rows, weight = factor
    num_inputs, num_outputs = len(x.sizes), len(y.sizes)
    inverse, unreached, condition_number = _inverse(R, x.sizes, rank)
    slopes = inverse @ Z
    intercept = y.mean - x.mean @ slopes
    squares = (E**2).sum(axis=0) + ((unreached @ Z) ** 2).sum(axis=0)
    total = (E**2).sum(axis=0) + (Z**2).sum(axis=0)

    num_numbers = num_rows * (num_inputs + num_outputs)
    worthwhile = condition_number >= REFINE_FROM or num_numbers <= FEW_NUMBERS
    if worthwhile and rank == num_inputs > 0 and passes is not None:
        problem = Problem(factor, inverse, condition_number, centred)
        intercept, slopes, squares = refine(problem, intercept, slopes, passes, gather)
        if condition_number >= REFINE_FROM and num_numbers * num_inputs <= FEW_NUMBERS:
            inverse = refined_inverse(problem, passes, gather)

    degrees = num_rows - rank - centred
    deviation = np.sqrt(squares / degrees if degrees > 0 else squares * math.nan)
    slope_errors = deviation * np.sqrt((inverse**2).sum(axis=1))[:, None]
    intercept_error = deviation * math.sqrt(1 / weight + ((x.mean @ inverse) ** 2).sum())
    terms = y.sizes + np.abs(intercept) * math.sqrt(weight) + x.sizes @ np.abs(slopes)
    varies = np.sqrt(total) > ROUNDING * y.sizes
    r_squared = np.maximum(0, 1 - squares / np.where(varies, total, 1))

    with np.errstate(over="ignore", invalid="ignore"):
        coefficients = slopes * y.unit / x.unit[:, None]
    if not np.isfinite(coefficients).all():
        raise ValueError("X: the coefficients overflow in its units; scale its smallest columns up")
    return LeastSquares(
        columns=names,
        coefficients=coefficients,
        standard_errors=slope_errors * y.unit / x.unit[:, None],
        intercept=intercept * y.unit if centred else np.zeros(len(y.unit)),
        intercept_standard_error=intercept_error * y.unit if centred else None,
        residual_standard_deviation=deviation * y.unit,
        r_squared=np.where(varies, r_squared, math.nan),
        num_rows=num_rows,
        rank=rank + centred,
        condition_number=condition_number,
        largest=x.largest,
        perfect_fit=np.sqrt(squares) <= PERFECT * terms,
    )


def _inverse(R, sizes, rank) -> Tuple[np.ndarray, np.ndarray, float]:
    """The (pseudo-)inverse of R, the directions orthogonal to its range, and its condition number.

    The pseudo-inverse and the condition number are those of columns scaled to equal length.
    """
    if len(sizes) == 0:
        return R, R, 1.0
    lengths = np.sqrt((R**2).sum(axis=0))
    if rank == len(sizes):
        return triangular_inverse(R), np.zeros((0, len(R))), _condition_number(R / lengths)
    varies = lengths > ROUNDING * sizes
    lengths[~varies] = 1
    U, singular, V = np.linalg.svd(np.where(varies, R, 0) / lengths, full_matrices=False)
    inverse = (V[:rank].T / singular[:rank]) @ U[:, :rank].T / lengths[:, None]
    inverse[~varies] = 0
    return inverse, U[:, rank:].T, math.inf


def _condition_number(columns):
    squares = np.linalg.eigvalsh(columns.T @ columns)
    if squares[-1] < SQUARES_UP_TO**2 * squares[0]:
        return math.sqrt(squares[-1] / squares[0])
    singular = np.linalg.svd(columns, compute_uv=False)
    return float(singular[0] / singular[-1])
