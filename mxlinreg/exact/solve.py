"""The least-squares solution itself, which the chapter's SGD approaches, with standard errors.

The rows, centred, are folded block by block into one triangular factor, so that the data may be
larger than memory. Where the condition number asks for it, the solution is refined with
residuals in twice float64's digits.
"""

import math
from typing import Any, Callable, NamedTuple, Optional, Sequence

import numpy as np

from .. import _mxnet
from .._checks import is_ndarray
from .digits import add, multiply, total
from .result import LeastSquares, RankError

_BLOCK = 1 << 18  # numbers in a block of rows: 2 MiB, which a processor's cache holds
_EPS = 2.0**-53
_REFINE_FROM = 10.0  # condition number
_FEW = 1 << 15  # numbers, which it takes milliseconds to refine
_KEPT = 1 << 21  # numbers of an iterator's that are kept for it
_MAX_REFINEMENTS = 20
_SUSPECT = 1e-6  # of a column's length: may what the columns before it leave be rounding?
_LARGEST = 1e140  # of which the squares' sum is finite
_ROUNDING = 100 * _EPS  # of the columns' sizes: it is


class _Frame(NamedTuple):
    """Where the rows are measured from, and in which units: powers of 2, which cost no digit."""

    intercept: bool
    num_inputs: int
    shift: np.ndarray  # of X's, then y's columns
    unit: np.ndarray


def least_squares(
    X: Any,
    y: Any = None,
    intercept: bool = True,
    sample_weight: Any = None,
    rank_deficient: str = "error",
    columns: Optional[Sequence[str]] = None,
) -> LeastSquares:
    """The w and b of the smallest sum of squared errors, with their standard errors.

    Householder's factorisation (MXNet's `linalg.gelqf`) of blocks of rows; where a block is far
    from singular, Cholesky's done twice (Yamamoto, Nakatsukasa, Yanagisawa, Fukaya 2015;
    `linalg.potrf`, `trsm`), which is as accurate there and takes half the time. From a condition
    number of 10 on, the solution is refined by the factor and residuals of the given numbers in
    twice float64's digits (after Björck 1967), which takes further passes over the data.

    Parameters
    ----------
    X : array_like, NDArray or data frame of shape (n, d), or an iterable of blocks
        Real numbers; computed in float64. Blocks are pairs (X, y) of shape (m, d) and (m,) or
        (m, k), for any m; `y` is then left out. An iterator can be passed over once only: beyond
        two million numbers its solution is not refined.
    y : array_like or NDArray of shape (n,) or (n, k), optional
    intercept : bool
        Whether the model has a b. Without it the columns are not centred.
    sample_weight : array_like of shape (n,), optional
        What each row's squared error counts, at least 0; rows of weight 0 are left out.
    rank_deficient : {"error", "minimum_norm"}
        What to do where the columns depend on each other, or are more than the rows: raise, or
        give those of all solutions whose coefficients, in units of the columns' standard
        deviations (without intercept, of their root mean squares), have the smallest norm.
    columns : sequence of str, optional
        What X's columns are called; by default a data frame's names, else x0, x1, …

    Returns
    -------
    LeastSquares

    Raises
    ------
    RankError
        With "error", if a column depends on others, which it names, or is constant beside an
        intercept or 0, or if the rows are fewer than the coefficients.
    TypeError, ValueError
        If X, y or the weights are no real numbers, do not fit each other, are empty, or hold NaN
        or infinity; if a column's squares overflow in the unit of its first block.
    """
    return solve(X, y, intercept, sample_weight, rank_deficient, columns, _alone)


def _alone(array):
    return array[None]


def solve(
    X: Any,
    y: Any,
    intercept: bool,
    sample_weight: Any,
    rank_deficient: str,
    columns: Optional[Sequence[str]],
    gather: Callable[[np.ndarray], np.ndarray],
) -> LeastSquares:
    """`least_squares` of the rows of several workers, each of which calls this with its own.

    ``gather(array)`` gives the arrays of all workers, stacked along a new first axis. A worker
    may have no row.
    """
    if rank_deficient not in ("error", "minimum_norm"):
        raise ValueError(
            f'rank_deficient: must be "error" or "minimum_norm", not {rank_deficient!r}'
        )
    passes = _passes(X, y, sample_weight)
    kept = [] if y is None and iter(X) is X else None
    frame, factor, num_rows, names, ndim = None, None, 0, columns, None
    for rows, labels, weights in passes():
        names = _names(X, rows) if names is None else names
        rows, labels, weights, ndim = _checked(rows, labels, weights, frame, ndim)
        if len(rows) == 0:
            continue
        if frame is None:
            own = _frame(rows, labels, bool(intercept))
            frame, ndim = _common_frame(own, ndim, bool(intercept), gather)
            factor = np.zeros((_width(frame), _width(frame)))
        factor = _fold(factor, frame, rows, labels, weights)
        num_rows += len(rows)
        if kept is not None and num_rows * len(factor) <= _KEPT:
            kept.append((rows.copy(), labels.copy(), weights))
    if frame is None:
        frame, ndim = _common_frame(None, None, bool(intercept), gather)
        factor = np.zeros((_width(frame), _width(frame)))
    if kept is not None:
        passes = (lambda: kept) if num_rows * len(factor) <= _KEPT else None
    repeatable, num_rows = gather(np.array([passes is not None, num_rows], dtype=float)).T
    num_rows = int(num_rows.sum())
    if not repeatable.all():
        passes = None
    factors = gather(factor)
    factor = factors[0] if len(factors) == 1 else _triangle(np.hstack(factors).T)
    names = [f"x{i}" for i in range(frame.num_inputs)] if names is None else list(names)
    if len(names) != frame.num_inputs:
        raise ValueError(f"columns: {len(names)} names do not fit {frame.num_inputs} columns")
    return _solution(factor, frame, num_rows, names, ndim, rank_deficient, passes, gather)


def _passes(X, y, sample_weight):
    """A function that gives the data from the start, in blocks (X, y, weights)."""
    if y is None:
        if sample_weight is not None:
            raise ValueError("sample_weight: goes with X and y as arrays; blocks have none")
        if hasattr(X, "blocks"):
            return lambda: (block[:3] for block in X.blocks())
        if hasattr(X, "shape") or not hasattr(X, "__iter__"):
            raise TypeError("y: missing; without it X must be an iterable of blocks (X, y)")
        return lambda: ((*_pair(block), None) for block in X)
    X, y = _as_array("X", X), _as_array("y", y)
    if len(X.shape) != 2:
        raise ValueError(f"X: must have 2 dimensions, not shape {X.shape}")
    weights = None if sample_weight is None else _as_array("sample_weight", sample_weight)
    for name, array in (("y", y), ("sample_weight", weights)):
        if array is not None and array.shape[:1] != X.shape[:1]:
            raise ValueError(f"{name}: shape {array.shape} does not fit X of shape {X.shape}")
    size = max(4 * X.shape[1], _BLOCK // (X.shape[1] + 2))

    def blocks():
        for start in range(0, X.shape[0], size):
            stop = start + size
            yield X[start:stop], y[start:stop], None if weights is None else weights[start:stop]

    return blocks


def _pair(block):
    try:
        rows, labels = block
    except (TypeError, ValueError):
        raise TypeError("X: each block must be a pair (X, y)") from None
    return rows, labels


def _names(X, rows):
    """The columns' names, of a source of blocks or of a data frame."""
    for holder in (X, rows):
        columns = getattr(holder, "columns", None)
        if columns is not None:
            return [str(name) for name in columns]
    return None


def _as_array(name, array):
    """`array` as it is if MXNet's, else as NumPy's, of real numbers."""
    if not is_ndarray(array):
        array = np.asarray(array)
        if array.dtype == object:
            try:
                array = array.astype(np.float64)
            except (TypeError, ValueError):
                raise TypeError(f"{name}: must hold real numbers only") from None
    if np.dtype(array.dtype).kind not in "fiub":
        raise TypeError(f"{name}: must hold real numbers, not {np.dtype(array.dtype)}")
    return array


def _checked(rows, labels, weights, frame, ndim):
    """A block in float64, y as a matrix, rows of weight 0 left out; and y's dimensions."""
    arrays = []
    for name, array in (("X", rows), ("y", labels), ("sample_weight", weights)):
        if array is not None:
            array = _as_array(name, array)
            array = array.asnumpy() if is_ndarray(array) else array
            array = np.asarray(array, dtype=np.float64)
            if not np.isfinite(array).all():
                raise ValueError(f"{name}: holds NaN or infinity; every value must be finite")
        arrays.append(array)
    rows, labels, weights = arrays
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(f"X: must have 2 dimensions and a column, not shape {rows.shape}")
    if labels.ndim not in (1, 2) or len(labels) != len(rows) or 0 in labels.shape[1:]:
        raise ValueError(f"y: shape {labels.shape} does not fit X of shape {rows.shape}")
    if ndim not in (None, labels.ndim):
        raise ValueError(f"y: has {labels.ndim} dimensions, and {ndim} in an earlier block")
    ndim, labels = labels.ndim, labels[:, None] if labels.ndim == 1 else labels
    columns = rows.shape[1] + labels.shape[1]
    if frame is not None and (frame.num_inputs, len(frame.unit)) != (rows.shape[1], columns):
        raise ValueError(
            f"X: a block of {rows.shape[1]} and {labels.shape[1]} columns does not fit the first, "
            f"of {frame.num_inputs} and {len(frame.unit) - frame.num_inputs}"
        )
    if weights is not None:
        if weights.ndim != 1 or (weights < 0).any():
            raise ValueError("sample_weight: must have shape (n,) and be at least 0")
        rows, labels, weights = (array[weights > 0] for array in (rows, labels, weights))
    return rows, labels, weights, ndim


def _frame(rows, labels, intercept):
    """Measure from the first block's means, and numbers beyond the common in a unit of theirs."""
    columns = np.hstack([rows, labels])
    size = np.abs(columns).max(axis=0)
    unit = np.ones(len(size))
    uncommon = (size > 0) & ((size > 1e30) | (size < 1e-30))
    unit[uncommon] = np.exp2(np.floor(np.log2(size[uncommon])))
    shift = (columns / unit).mean(axis=0) * unit if intercept else np.zeros(len(size))
    return _Frame(intercept, rows.shape[1], shift, unit)


def _common_frame(own, ndim, intercept, gather):
    """The frame of the first worker that has rows, and the dimensions of y."""
    size = [0, 0, 0] if own is None else [ndim, own.num_inputs, len(own.unit)]
    sizes = gather(np.array(size, dtype=float)).astype(int).tolist()
    with_rows = [worker for worker, size in enumerate(sizes) if any(size)]
    if not with_rows:
        raise ValueError("X: no row of weight above 0; at least one is needed")
    first = with_rows[0]
    if any(sizes[worker] != sizes[first] for worker in with_rows):
        raise ValueError("X: the workers' blocks differ in their columns, or y's dimensions")
    ndim, num_inputs, num_columns = sizes[first]
    numbers = np.zeros((2, num_columns)) if own is None else np.array([own.shift, own.unit])
    return _Frame(intercept, num_inputs, *gather(numbers)[first]), ndim


def _width(frame):
    return frame.intercept + len(frame.unit)


def _fold(factor, frame, rows, labels, weights):
    """The lower factor of the rows that `factor` stands for and of a block."""
    width, first = _width(frame), int(frame.intercept)
    inputs = slice(first, first + frame.num_inputs)
    stacked = np.empty((width + len(rows), width))
    stacked[:width] = factor.T
    block = stacked[width:]
    block[:, :first] = 1
    parts = (
        (inputs, rows, slice(0, frame.num_inputs)),
        (slice(inputs.stop, width), labels, slice(frame.num_inputs, None)),
    )
    for place, values, own in parts:
        np.subtract(values, frame.shift[own], out=block[:, place])
        if (frame.unit[own] != 1).any():
            block[:, place] /= frame.unit[own]
    if weights is not None:
        block *= np.sqrt(weights)[:, None]
    if not max(stacked.max(), -stacked.min()) < _LARGEST:
        raise ValueError(
            "X, y: a column's numbers, times the roots of their weights, are beyond 1e140 times "
            "the common ones, or those of its first block; scale the column or the weights"
        )
    return _triangle(stacked)


def _triangle(rows):
    """The lower triangular L for which ``L L' = rows' rows``, found without that product's loss."""
    mx, nd = _mxnet.mx, _mxnet.nd
    A = nd.from_numpy(np.ascontiguousarray(rows))
    try:
        L = nd.linalg.potrf(nd.linalg.syrk(A, transpose=True))
        Q = nd.linalg.trsm(L, A, transpose=True, rightside=True)
        gram = nd.linalg.syrk(Q, transpose=True)
        # Q's columns are nearly orthogonal unless the rows are near to singular.
        if np.abs(gram.asnumpy() - np.eye(rows.shape[1])).max() < 0.1:
            return nd.linalg.gemm2(L, nd.linalg.potrf(gram)).asnumpy()
    except mx.MXNetError:
        pass  # not even one Cholesky factor
    return nd.linalg.gelqf(A.T)[1].asnumpy()


def _solution(factor, frame, num_rows, names, ndim, rank_deficient, passes, gather):
    """From the triangular factor of all rows to the result."""
    first = int(frame.intercept)
    width = first + frame.num_inputs
    L, targets, rest = factor[:width, :width], factor[width:, :width], factor[width:, width:]
    squares = (rest**2).sum(axis=1)
    total_squares = squares + (targets[:, first:] ** 2).sum(axis=1)
    # The columns' lengths as they were given, by which their rounding is measured.
    origin = frame.shift / frame.unit
    sizes = np.sqrt((factor**2).sum(axis=1))
    sizes[first:] += np.abs(origin) * abs(factor[0, 0])  # the root of the weights' sum
    dependent = _dependencies(L, sizes[:width], first)
    if rank_deficient == "error":
        _check_rank(dependent, frame, num_rows, names)
    inputs = L[first:, first:].copy()  # of the centred columns
    lengths = np.sqrt((inputs**2).sum(axis=1))
    constant = lengths <= _ROUNDING * sizes[first:width]
    inputs[constant], lengths[constant] = 0, 1
    rank = frame.num_inputs - len(dependent)
    U, singular, V = np.linalg.svd(inputs.T / lengths)
    condition_number = float(singular[0] / singular[-1]) if not dependent else math.inf
    z = targets[:, first:].T
    if dependent:
        half_inverse = V[:rank].T / lengths[:, None] / singular[:rank]
        squares = squares + ((U[:, rank:].T @ z) ** 2).sum(axis=0)
        slopes = half_inverse @ (U[:, :rank].T @ z)
    else:
        half_inverse = _solve(inputs, np.eye(frame.num_inputs)).T
        slopes = _solve(inputs, z, transpose=True)
    x_origin, y_origin = origin[: frame.num_inputs], origin[frame.num_inputs :]
    if frame.intercept:
        centre = (targets[:, 0] - L[1:, 0] @ slopes) / L[0, 0]
        constant = add(_at_zero(centre, slopes, x_origin), _pair_of(y_origin))
    else:
        constant = _pair_of(np.zeros(len(y_origin)))
    solution = [np.vstack(parts) for parts in zip(constant, _pair_of(slopes))]
    worthwhile = condition_number >= _REFINE_FROM or num_rows * len(factor) <= _FEW
    if worthwhile and not dependent and passes is not None:
        squares = _refine(solution, L, frame, passes, gather)
    constant, slopes = solution[0][0], solution[0][1:]

    x_unit, y_unit = frame.unit[: frame.num_inputs], frame.unit[frame.num_inputs :]
    degrees = num_rows - first - rank
    deviation = np.sqrt(squares / degrees if degrees > 0 else squares * math.nan)
    spread = np.sqrt((half_inverse**2).sum(axis=1))
    intercept_error = None
    if frame.intercept:
        lever = half_inverse.T @ (L[1:, 0] / L[0, 0] + x_origin)
        intercept_error = deviation * math.sqrt(1 / L[0, 0] ** 2 + lever @ lever) * y_unit
    varies = np.sqrt(total_squares) > _ROUNDING * sizes[width:]
    r_squared = np.maximum(0, 1 - squares / np.where(varies, total_squares, 1))
    r_squared[~varies] = math.nan
    with np.errstate(over="ignore", invalid="ignore"):
        coefficients = slopes * y_unit / x_unit[:, None]
    if not np.isfinite(coefficients).all():
        raise ValueError("X: the coefficients overflow in its units; scale its smallest columns up")

    def shaped(values):
        if ndim == 2 or values is None:
            return values
        return float(values[0]) if values.ndim == 1 else values[:, 0]

    return LeastSquares(
        columns=names,
        coefficients=shaped(coefficients),
        standard_errors=shaped(spread[:, None] * deviation * y_unit / x_unit[:, None]),
        intercept=shaped(constant * y_unit),
        intercept_standard_error=shaped(intercept_error),
        residual_standard_deviation=shaped(deviation * y_unit),
        r_squared=shaped(r_squared),
        num_rows=num_rows,
        rank=rank + first,
        condition_number=condition_number,
    )


def _at_zero(at_origin, slopes, origin):
    """The value at 0, as a pair, of what has the value `at_origin` and these slopes at `origin`."""
    value = _pair_of(at_origin)
    for start, slope in zip(origin, slopes):
        value = add(value, multiply(-start, _pair_of(slope)))
    return value


def _solve(L, b, transpose=False):
    """``x`` of ``L x = b``, or of ``L' x = b``."""
    nd = _mxnet.nd
    L, b = (nd.array(array, dtype="float64") for array in (L, b))
    return nd.linalg.trsm(L, b, transpose=transpose).asnumpy()


def _pair_of(values):
    return values, np.zeros_like(values)


def _refine(solution, L, frame, passes, gather):
    """Improve `solution`, a pair of shape (1 + d, k), in place, and give the squared errors' sums.

    Each step solves for the correction by the factor of the rows, and takes the residuals from
    the numbers as they were given. It ends when a step changes no digit, or no longer shrinks.
    """
    first = int(frame.intercept)
    before = math.inf
    for _ in range(_MAX_REFINEMENTS):
        gradient, squares = _total(gather, *_gradient(solution, frame, passes))
        origin = (frame.shift / frame.unit)[: frame.num_inputs, None]
        moved = add(
            (gradient[0][1:], gradient[1][1:]),
            multiply(-origin, (gradient[0][:1], gradient[1][:1])),
        )
        z = _solve(L, np.vstack([gradient[0][:first], moved[0]]))
        step = _solve(L, z, transpose=True)
        size = float(np.abs(z).max())
        if not size < before / 2:
            break
        before = size
        slopes = step[first:]
        changes = _pair_of(np.vstack([np.zeros((1, slopes.shape[1])), slopes]))
        if frame.intercept:
            changes[0][0], changes[1][0] = _at_zero(step[0], slopes, origin)
        settled = (np.abs(changes[0]) <= _EPS / 4 * np.abs(solution[0])).all()
        solution[0][:], solution[1][:] = add(tuple(solution), changes)
        if settled:
            break
    return squares


def _gradient(solution, frame, passes):
    """What the residuals make with a column of ones and with each of X's; and their squares."""
    num_outputs = solution[0].shape[1]
    gradient = [np.zeros_like(solution[0]) for _ in range(2)]
    squares = _pair_of(np.zeros(num_outputs))
    x_unit, y_unit = frame.unit[: frame.num_inputs], frame.unit[frame.num_inputs :]
    ndim = None
    for rows, labels, weights in passes():
        rows, labels, weights, ndim = _checked(rows, labels, weights, frame, ndim)
        if len(rows) == 0:
            continue
        columns = np.ascontiguousarray((rows / x_unit).T)
        labels = np.ascontiguousarray((labels / y_unit).T)
        for output in range(num_outputs):
            coefficients = [(-high, -low) for high, low in zip(*(s[:, output] for s in solution))]
            residual = add(_pair_of(labels[output]), coefficients[0])
            for column, coefficient in zip(columns, coefficients[1:]):
                residual = add(residual, multiply(column, coefficient))
            weighted = residual if weights is None else multiply(weights, residual)
            own = total(weighted), total(multiply(columns, weighted))
            part = tuple(np.append(one, rest) for one, rest in zip(*own))
            so_far = tuple(array[:, output] for array in gradient)
            gradient[0][:, output], gradient[1][:, output] = add(so_far, part)
            squared = total(multiply(residual[0], weighted))
            so_far = tuple(array[output] for array in squares)
            squares[0][output], squares[1][output] = add(so_far, squared)
    return gradient, squares


def _total(gather, gradient, squares):
    """The sums over all workers. Their parts cancel, so they are added in twice the digits."""
    parts = np.concatenate([gradient, np.expand_dims(squares, 1)], axis=1)
    first, *others = (tuple(part) for part in gather(parts))
    for other in others:
        first = add(first, other)
    high, low = first
    return (high[:-1], low[:-1]), high[-1]


def _dependencies(L, sizes, first):
    """For each column that is within rounding of others' sum: those, and their coefficients.

    Each column in turn is held against those before it that depend on none. They are indices
    into L, of which the first is the column of ones if `first` is 1.
    """
    kept, found, factor = list(range(len(L))), {}, L
    place = first
    while place < len(kept):
        column = kept[place]
        left, length = abs(factor[place, place]), np.linalg.norm(factor[place, first:])
        depends = left <= _ROUNDING * sizes[column]
        if depends or left <= _SUSPECT * length:
            others = np.zeros(0)
            if place > 0:
                row = factor[place, :place, None]
                others = _solve(factor[:place, :place], row, transpose=True)[:, 0]
            parts = np.abs(others) * sizes[kept[:place]]
            depends = left <= _ROUNDING * (sizes[column] + parts.sum())
        if depends:
            significant = parts > 1e-9 * sizes[column]
            found[column] = {k: c for k, c, s in zip(kept, others, significant) if s}
            kept.remove(column)
            factor = _triangle(np.vstack([L[kept].T, np.zeros((1, len(kept)))]))
        else:
            place += 1
    return found


def _check_rank(dependent, frame, num_rows, names):
    num_coefficients = frame.num_inputs + frame.intercept
    if num_rows < num_coefficients:
        raise RankError(f"{num_rows} rows do not determine {num_coefficients} coefficients")
    if dependent:
        raise RankError("; ".join(_described(*item, frame, names) for item in dependent.items()))


def _described(column, others, frame, names):
    """In words, in the units of the data: on which columns a column depends, and how."""
    first = int(frame.intercept)
    shift, unit = frame.shift, frame.unit
    own = column - first
    constant = shift[own] + unit[own] * others.get(0, 0) * first
    size, terms = abs(constant), []
    for other in (index - first for index in others if index >= first):
        coefficient = others[other + first] * unit[own] / unit[other]
        constant -= coefficient * shift[other]
        size += abs(coefficient * shift[other])
        terms.append(f"{coefficient:.6g} {names[other]!r}")
    if not terms:
        how = "constant, but for rounding" if first else "0 everywhere"
        return f"{names[own]!r} is {how}"
    if abs(constant) > 1e-9 * size:
        terms.append(f"{constant:.6g}")
    return f"{names[own]!r} depends on others: it is {' + '.join(terms).replace('+ -', '- ')}"
