"""The exact least-squares solution, which the chapter's SGD approaches, with standard errors."""

from typing import Any, Optional, Sequence, Tuple

import numpy as np

from ..moments import Moments, gathered, no_rows, triangular_moments
from ..rows.sources import as_rows
from .factor import factor_of
from .rank import dependencies, describe
from .result import LeastSquares, RankError
from .solution import solution
from .source import Source


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
    rank_deficient : {"error", "minimum_norm"}
        What to do if columns depend on each other or outnumber the rows. "minimum_norm" chooses
        the solution whose coefficients have the smallest norm, in units of the columns' standard
        deviations (without intercept, of their root mean squares).
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
    if rank_deficient not in ("error", "minimum_norm"):
        raise ValueError(
            f'rank_deficient: must be "error" or "minimum_norm", not {rank_deficient!r}'
        )
    rows = as_rows(X, y, sample_weight)
    return solve(rows, bool(intercept), rank_deficient == "minimum_norm", columns)[0]


def solve(
    rows: Any, intercept: bool, minimum_norm: bool, columns: Optional[Sequence[str]]
) -> Tuple[LeastSquares, Moments]:
    """The `least_squares` of a `Rows`, and the moments of X and y from which it was computed."""
    source = Source(rows)
    own = triangular_moments(source.blocks(), centred=intercept)
    ndim, num_inputs, num_outputs = _common_shape(source.shape, rows.gather)
    moments = gathered(own or no_rows(num_inputs + num_outputs, triangular=True), rows.gather)
    repeatable = rows.gather(np.array([float(source.repeatable)])).all()

    names = source.columns if columns is None else columns
    names = [f"x{i}" for i in range(num_inputs)] if names is None else list(names)
    if len(names) != num_inputs:
        raise ValueError(f"columns: {len(names)} names do not fit {num_inputs} columns")
    factor = factor_of(moments, num_inputs)
    dependent = dependencies(factor.R, factor.x.sizes)
    if not minimum_norm:
        if moments.rows < num_inputs + intercept:
            raise RankError(
                f"{moments.rows} rows do not determine {num_inputs + intercept} coefficients"
            )
        if dependent:
            raise RankError(describe(dependent, moments.mean, factor.x.unit, names, intercept))
    passes = source.blocks if repeatable else None
    result = solution(factor, dependent, intercept, names, passes, rows.gather)
    return result if ndim == 2 else result.of_one_output(), moments


def _common_shape(own, gather):
    """The number of y's dimensions and of X's and y's columns, the same for all workers."""
    shapes = gather(np.array(own or (0, 0, 0), dtype=float)).astype(int).tolist()
    shapes = [shape for shape in shapes if any(shape)]
    if not shapes:
        raise ValueError("X: no row of weight above 0; at least one is needed")
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError("X: the workers' blocks differ in their columns or in y's dimensions")
    return shapes[0]
