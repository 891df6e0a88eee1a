"""The exact least-squares solution, which the chapter's SGD approaches, with standard errors."""

from dataclasses import replace
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from .._checks import check_choice, check_flag, check_texts
from ..moments import Moments, gathered, no_rows, triangular_moments
from ..rows.sources import as_rows
from .factor import Factor, factor_of, of_columns
from .rank import dependencies, describe, independent_columns
from .result import LeastSquares, RankError
from .solution import solution
from .source import Block, Source

RANK_DEFICIENT = "error", "drop", "minimum_norm"


def least_squares(
    X: Any,
    y: Any = None,
    intercept: bool = True,
    sample_weight: Any = None,
    rank_deficient: str = "error",
    columns: Optional[Sequence[str]] = None,
) -> LeastSquares:
    """Solve linear least squares for data of any size, with standard errors.

    The data are read in blocks. Each block is centred and reduced to a small triangular factor,
    so memory holds one block at a time. The factor comes from QR. If the columns are far from
    depending on each other, it comes from their products, which is then as accurate and several
    times faster. If the condition number is 10 or more, or the data are small, the solution is
    refined with residuals computed to about 32 digits, which takes one or two more passes.

    Parameters
    ----------
    X : array_like, NDArray or data frame of shape (n, d), or rows, or an iterable of blocks
        Real numbers, which are converted to float64. Rows are a stream, a DataLoader, an
        ArrayLoader, or a worker's `distributed.Share`, with which the solution is that of all
        workers' rows. Blocks are pairs (X, y) of shape (m, d) and (m,) or (m, k), where m may
        vary. An iterator can be read only once, so its solution is not refined if it yields more
        than two million numbers.
    y : array_like or NDArray of shape (n,) or (n, k), optional
        Required if X is an array; rows and blocks contain their y.
    intercept : bool
        Whether the model has an intercept b. Without it the columns are not centred.
    sample_weight : array_like of shape (n,), optional
        The weight of each row's squared error, at least 0. Rows of weight 0 are left out.
    rank_deficient : {"error", "drop", "minimum_norm"}
        What to do if columns depend on each other or outnumber the rows. "drop" solves for the
        first columns that are independent. The others, which are constant or depend on earlier
        columns, have the coefficient NaN, and the rest of the result is that of the columns kept.
        "minimum_norm" chooses the solution whose coefficients have the smallest norm, in units of
        the columns' standard deviations (without intercept, of their root mean squares).
    columns : sequence of str, optional
        The names of X's columns; by default those of a data frame or stream, else x0, x1, …

    Returns
    -------
    LeastSquares

    Raises
    ------
    RankError
        With "error": if a column depends on others (the error names them), if a column is 0 or,
        with an intercept, constant, or if there are fewer rows than coefficients.
    TypeError, ValueError
        If X, y or the weights are not real numbers, have shapes that do not fit, are empty, or
        hold NaN or infinity. If numbers of a column exceed those of its first block by a factor
        of 1e140.
    """
    check_choice("rank_deficient", rank_deficient, RANK_DEFICIENT)
    intercept = check_flag("intercept", intercept)
    columns = None if columns is None else check_texts("columns", columns)
    return solve(as_rows(X, y, sample_weight), intercept, rank_deficient, columns)[0]


def solve(
    rows: Any,
    intercept: bool,
    rank_deficient: str,
    columns: Optional[Sequence[str]],
    moments: Optional[Moments] = None,
) -> Tuple[LeastSquares, Moments]:
    """The `least_squares` of a `Rows`, and the moments of all columns of X and y.

    A caller that has the triangular moments of all workers' rows passes them, which saves a pass.
    The moments that are returned have no rows of zeros if the data have fewer rows than columns.
    """
    source = Source(rows)
    if moments is None:
        alone = len(rows.gather(np.zeros(1))) == 1
        own = triangular_moments(source.blocks(), centred=intercept, square=not alone)
        ndim, num_inputs, num_outputs = _common_shape(source.shape, rows.gather)
        moments = gathered(own or no_rows(num_inputs + num_outputs, triangular=True), rows.gather)
        own_repeatable = source.repeatable
    else:
        next(source.blocks(), None)  # the first block has the names and the shape
        ndim, num_inputs, _ = _common_shape(source.shape, rows.gather)
        own_repeatable = rows.repeatable
    repeatable = rows.gather(np.array([float(own_repeatable)])).all()

    names = source.columns if columns is None else columns
    names = [f"x{i}" for i in range(num_inputs)] if names is None else list(names)
    if len(names) != num_inputs:
        raise ValueError(f"columns: {len(names)} names do not fit {num_inputs} columns")
    factor = factor_of(moments, num_inputs)
    passes = source.blocks if repeatable else None
    if rank_deficient == "error":
        _check_rank(factor, moments, names, intercept)
        kept = list(range(num_inputs))
    else:
        kept = independent_columns(factor.R, factor.x.sizes, moments.rows - intercept)
    if rank_deficient == "drop" and len(kept) < num_inputs:
        result = _without_the_others(kept, factor, intercept, names, passes, rows.gather)
    else:
        result = solution(factor, len(kept), intercept, names, passes, rows.gather)
    return result if ndim == 2 else result.of_one_output(), moments


def _check_rank(factor, moments, names, intercept):
    """Raise a RankError unless the rows determine all coefficients."""
    num_coefficients = len(names) + intercept
    if moments.rows < num_coefficients:
        raise RankError(f"{moments.rows} rows do not determine {num_coefficients} coefficients")
    dependent = dependencies(factor.R, factor.x.sizes)
    if dependent:
        raise RankError(describe(dependent, moments.mean, factor.x.unit, names, intercept))


def _without_the_others(
    kept: List[int],
    factor: Factor,
    intercept: bool,
    names: List[str],
    passes: Optional[Callable[[], Iterator[Block]]],
    gather: Callable[[np.ndarray], np.ndarray],
) -> LeastSquares:
    """The solution for the columns in `kept`, with NaN for the others."""

    def kept_passes():
        for X, y, weights in passes():
            yield X.take(kept, axis=1), y, weights

    of_kept = of_columns(factor, kept)
    if passes is not None and kept:
        # Another pass gives the digits that the columns kept give by themselves.
        own = triangular_moments(kept_passes(), centred=intercept)
        own = own or no_rows(len(kept) + len(factor.y.sizes), triangular=True)
        of_kept = factor_of(gathered(own, gather), len(kept))
    kept_names = [names[column] for column in kept]
    result = solution(of_kept, len(kept), intercept, kept_names, passes and kept_passes, gather)
    arrays = {}
    for name in ("coefficients", "standard_errors"):
        values = getattr(result, name)
        arrays[name] = np.full((len(names), values.shape[1]), np.nan)
        arrays[name][kept] = values
    dropped = [names[column] for column in sorted(set(range(len(names))).difference(kept))]
    return replace(result, columns=names, dropped=dropped, largest=factor.x.largest, **arrays)


def _common_shape(own, gather):
    """The number of y's dimensions and of X's and y's columns, the same for all workers."""
    shapes = gather(np.array(own or (0, 0, 0), dtype=float)).astype(int).tolist()
    shapes = [shape for shape in shapes if any(shape)]
    if not shapes:
        raise ValueError("X: no row of weight above 0; at least one is needed")
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError("X: the workers' blocks differ in their columns or in y's dimensions")
    return shapes[0]
