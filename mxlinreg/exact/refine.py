"""Iterative refinement of a least-squares solution with residuals of twice float64's digits.

The method is from Å. Björck, "Iterative refinement of linear least squares solutions I", 1967.
"""

import math
from typing import Callable, NamedTuple, Tuple

import numpy as np

from ..moments import triangular_inverse
from .digits import Pair, add, multiply, pair, total
from .factor import Factor

# The largest relative rounding error of a float64.
EPSILON = 2.0**-53
# A step multiplies the solution's error by at most this times the condition number.
CONTRACTION = 100 * EPSILON
# Columns that would need more steps are dependent in float64. A step takes a pass over the data.
MAX_STEPS = 20
# Numbers in a piece of a block; about ten arrays of this size are in use at a time.
PIECE_NUMBERS = 1 << 14


class Problem(NamedTuple):
    """The input of `refine`: the factor of the columns and its properties."""

    factor: Factor
    inverse: np.ndarray
    """Shape (d, d): the inverse of R."""
    condition_number: float
    centred: bool
    """Whether there is an intercept."""


def refine(
    problem: Problem,
    intercept: np.ndarray,
    slopes: np.ndarray,
    passes: Callable,
    gather: Callable[[np.ndarray], np.ndarray],
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Refine the solution to the last digit that the data determine.

    Each step computes the residuals in one pass over the data, and corrects the solution by the
    one that the triangular factor gives for the residuals. The steps end when another one would
    change no digit, or when the corrections no longer halve.

    Parameters
    ----------
    problem : Problem
    intercept, slopes : array of shape (k,) and (d, k)
        The solution to start from, in the factor's units. The intercept is 0 without centring.
    passes : callable
        Starts a new pass over the blocks (X, y, weight), of shapes (m, d), (m, k) and (m,).
    gather : callable
        Returns all workers' arrays, as `Rows.gather`.

    Returns
    -------
    intercept, slopes, squares : array of shape (k,), (d, k) and (k,)
        The solution and the sums of squared residuals.
    """
    weight, mean = problem.factor.weight, problem.factor.x.mean
    solution = pair(np.vstack([intercept, slopes]))
    remaining = min(1.0, CONTRACTION * problem.condition_number)  # of the error, after a step
    before = math.inf
    for _ in range(MAX_STEPS):
        high, low = _of_all_workers(gather, *_sums(problem, solution, passes))
        residual, squares = problem.centred * high[0], high[-1]
        z = problem.inverse.T @ _centred(problem, high, low)
        size = float(np.abs(z).max())
        if not size < before / 2:
            break
        before = size
        slope_change = problem.inverse @ z
        intercept_change = residual / weight - problem.centred * (mean @ slope_change)
        change = np.vstack([intercept_change, slope_change])
        solution = add(solution, pair(change))
        rounding = EPSILON / 4 * np.abs(solution[0])
        if (np.abs(change) <= rounding).all():
            break
        # `squares` belongs to the solution before this step, which reduces it by `gain`.
        gain = (z**2).sum(axis=0) + (residual / math.sqrt(weight)) ** 2
        if (remaining * np.abs(change) <= rounding).all() and (gain <= EPSILON * squares).all():
            break
    return solution[0][0], solution[0][1:], squares


def refined_inverse(problem: Problem, passes: Callable, gather: Callable) -> np.ndarray:
    """The inverse of the factor R to the last digit, for the standard errors.

    ``Q = A @ T``, the (centred) inputs A times the inverse T to be refined, has nearly orthogonal
    columns. It is computed with twice the digits and rounded. With the Cholesky factor L of
    ``Q.T @ W @ Q``, the exact R is ``L.T @ inv(T)``.
    """
    inverse, mean = problem.inverse, problem.factor.x.mean
    negative = pair(np.vstack([-(mean @ inverse), inverse]))
    products = np.zeros((len(inverse) + 1, len(inverse) + 1))
    for columns, targets, weights in _pieces(problem, passes):
        zero = np.zeros_like(targets[0])
        Q = [zero + 1]
        for column in range(len(inverse)):
            Q.append(_residual(columns, zero, negative, column)[0])
        Q = np.stack(Q, axis=1)
        products += Q.T @ (Q if weights is None else weights[:, None] * Q)
    products = gather(products).sum(axis=0)
    means = problem.centred * products[0, 1:] / math.sqrt(problem.factor.weight)
    L = np.linalg.cholesky(products[1:, 1:] - np.outer(means, means))
    return inverse @ triangular_inverse(L.T)


def _sums(problem, solution, passes):
    """The sums of the residuals, of their products with each input, and of their squares.

    Returns a `Pair` of arrays of shape (1 + d + 1, k).
    """
    negative = -solution[0], -solution[1]
    num_coefficients, num_outputs = negative[0].shape
    sums = pair(np.zeros((num_coefficients + 1, num_outputs)))
    for columns, targets, weights in _pieces(problem, passes):
        own = []
        for output, target in enumerate(targets):
            residual = _residual(columns, target, negative, output)
            weighted = residual if weights is None else multiply(weights, residual)
            factors = np.vstack([np.ones_like(target), columns, residual[0]])
            own.append(total(multiply(factors, weighted)))
        sums = add(sums, tuple(np.stack(part, axis=1) for part in zip(*own)))
    return sums


def _centred(problem, high, low):
    """The sums of the products of the residuals with the centred inputs, of shape (d, k)."""
    # If the means are far from 0, the products cancel almost completely, so keep all digits.
    means = multiply(-problem.factor.x.mean[:, None], (high[:1], low[:1]))
    centred, _ = add((high[1:-1], low[1:-1]), means)
    return centred - problem.factor.x.mean_low[:, None] * high[:1]


def _pieces(problem, passes):
    """The rows of one pass in small pieces: X as (d, m) and y as (k, m), in units, and weights."""
    for X, y, weights in passes():
        step = max(1, PIECE_NUMBERS // X.shape[1])
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            columns = np.ascontiguousarray((X[rows] / problem.factor.x.unit).T)
            targets = np.ascontiguousarray((y[rows] / problem.factor.y.unit).T)
            yield columns, targets, None if weights is None else weights[rows]


def _residual(columns, target, negative, output) -> Pair:
    """The residuals of one output; `negative` holds the coefficients times -1."""
    high, low = (part[:, output] for part in negative)
    terms = total(multiply(columns, (high[1:, None], low[1:, None])), axis=0)
    return add(add(pair(target), (high[0], low[0])), terms)


def _of_all_workers(gather, high, low):
    """The sums over all workers' rows, with twice the digits because workers' parts cancel."""
    first, *others = (tuple(part) for part in gather(np.stack([high, low])))
    for other in others:
        first = add(first, other)
    return first
