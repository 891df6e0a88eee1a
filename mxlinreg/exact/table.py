"""The result of `least_squares` as text, in lines of at most 80 characters."""

import textwrap
from typing import Any, Sequence

import numpy as np

from .._text import (
    ABSENT,
    WIDTH,
    coefficient_texts,
    counted,
    p_value_text,
    rounded,
    table_lines,
    widths_of,
)
from ..rows.columns import quoted

HEADS = ["estimate", "std. error", "t value", "p value", "2.5 %", "97.5 %"]
INTERCEPT = "(intercept)"
# The first of these that leaves room for the intercept's name is used: the digits of the
# statistics, whether intervals have two digits of the standard error, and the spaces between
# columns. The last one fits for any numbers.
LAYOUTS = (5, True, 2), (5, True, 1), (4, True, 1), (5, False, 2), (4, False, 1), (3, False, 1)


def as_text(result: Any) -> str:
    """The table of a `LeastSquares`, or one table for each output."""
    if result.coefficients.ndim == 1:
        return _table(result, lambda values: values)
    num_outputs = result.coefficients.shape[1]
    return "\n\n".join(
        f"output {i}\n" + _table(result, lambda values, i=i: np.asarray(values)[..., i])
        for i in range(num_outputs)
    )


def beside(columns: Sequence[str], trained: np.ndarray, solution: Any) -> str:
    """A table of trained coefficients beside those of the exact solution.

    Parameters
    ----------
    columns : sequence of str
        The names of the d columns.
    trained : array of shape (d + 1,)
        The trained intercept and coefficients. NaN is written as a dash.
    solution : LeastSquares
        The exact solution for y of shape (n,).
    """
    names = [INTERCEPT, *columns]
    largest, precision = np.append(1, solution.largest), _precision(solution, lambda values: values)
    error = solution.intercept_standard_error
    errors = np.append(np.nan if error is None else error, solution.standard_errors)
    exact = np.append(solution.intercept, solution.coefficients)
    texts = [
        coefficient_texts(trained, largest, precision),
        coefficient_texts(exact, largest, precision),
        [ABSENT if np.isnan(error) else f"{error:.5g}" for error in errors],
    ]
    lines = table_lines(names, ["trained", "exact", "std. error"], texts, gap=2)
    limits = [line for remark in _limits(solution, lambda values: values) for line in _wrap(remark)]
    return "\n".join([*lines, "", *limits] if limits else lines)


def _table(result, of):
    """The table of one output. ``of(array)`` selects its numbers along the array's last axis."""
    names, largest = list(result.columns), result.largest
    statistics = [
        of(result.coefficients),
        of(result.standard_errors),
        of(result.t_values),
        of(result.p_values),
        *of(np.moveaxis(result.confidence_intervals, -1, 0)),
    ]
    if result.has_intercept:
        names.insert(0, INTERCEPT)
        largest = np.append(1, largest)
        of_intercept = [
            of(result.intercept),
            of(result.intercept_standard_error),
            of(result.intercept_t_value),
            of(result.intercept_p_value),
            *of(np.moveaxis(result.intercept_interval, -1, 0)),
        ]
        statistics = [np.append(own, column) for column, own in zip(statistics, of_intercept)]
    estimates = coefficient_texts(statistics[0], largest, _precision(result, of))
    rows = np.stack(statistics[1:], axis=1).tolist()
    for digits, exact, gap in LAYOUTS:
        texts = [
            [ABSENT] * len(row) if np.isnan(row[0]) else _texts(row, digits, exact) for row in rows
        ]
        columns = [estimates, *map(list, zip(*texts))]
        if sum(widths_of(HEADS, columns)) + gap * len(HEADS) <= WIDTH - len(INTERCEPT):
            break
    lines = table_lines(names, HEADS, columns, gap) + [""]
    for remark in _remarks(result, of):
        lines += _wrap(remark)
    return "\n".join(lines)


def _wrap(remark):
    return textwrap.wrap(remark, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _precision(result, of):
    """The residual standard deviation, or 0 for a perfect fit."""
    return 0.0 if of(result.perfect_fit) else float(of(result.residual_standard_deviation))


def _texts(row, digits, exact):
    """The numbers of one row of the table behind the estimate."""
    error, t_value, p_value, *interval = row
    ends = [rounded(end, error / 100 if exact else np.inf, digits) for end in interval]
    return [
        f"{error:.{digits}g}",
        f"{t_value:.{digits}g}",
        p_value_text(p_value, digits - 1),
        *ends,
    ]


def _remarks(result, of):
    """What is to be said below the table, as paragraphs."""
    num_slopes, degrees = result.rank - result.has_intercept, result.degrees_of_freedom
    r_squared, adjusted = of(result.r_squared), of(result.adjusted_r_squared)
    if degrees:
        yield (
            f"residual standard deviation {of(result.residual_standard_deviation):.5g} "
            f"on {counted(degrees, 'degree')} of freedom ({counted(result.num_rows, 'row')})"
        )
    if np.isnan(r_squared):
        yield "R2 undefined: the target is constant"
    else:
        # As many digits as show how far R2 is from 1.
        shares = [rounded(share, (1 - share) / 10, least=5) for share in (r_squared, adjusted)]
        yield f"R2 {shares[0]}" + (f", adjusted {shares[1]}" if degrees else "")
    if not np.isnan(of(result.f_statistic)):
        yield (
            f"F statistic {of(result.f_statistic):.5g} on {num_slopes} and {degrees} degrees of "
            f"freedom, p value {p_value_text(of(result.f_p_value), digits=4)}"
        )
    yield f"rank {result.rank}, condition number {result.condition_number:.3g}"
    yield from _limits(result, of)
    if result.dropped:
        one = len(result.dropped) == 1
        how = "depends on earlier ones or is" if one else "depend on earlier ones or are"
        count = counted(len(result.dropped), "column")
        yield f"dropped: {quoted(result.dropped)} ({count} {how} constant)"


def _limits(result, of):
    """What keeps the table from telling how sure the coefficients are, as paragraphs."""
    if result.degrees_of_freedom == 0:
        yield (
            f"0 degrees of freedom: {counted(result.num_rows, 'row')} "
            f"{'determines' if result.num_rows == 1 else 'determine'} "
            f"{counted(result.rank, 'coefficient')} exactly; there are no standard errors"
        )
    elif of(result.perfect_fit):
        yield "perfect fit: the residuals are rounding errors; the tests say nothing"
