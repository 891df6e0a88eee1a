"""The result of `least_squares` as text."""

from typing import Any

import numpy as np

_HEADS = "estimate", "std. error", "t value", "p value", "2.5 %", "97.5 %"


def as_text(result: Any) -> str:
    """The table of a `LeastSquares`, or one table for each output."""
    if result.coefficients.ndim == 1:
        return _table(result, lambda values: values)
    num_outputs = result.coefficients.shape[1]
    return "\n\n".join(
        f"output {i}\n" + _table(result, lambda values, i=i: np.asarray(values)[..., i])
        for i in range(num_outputs)
    )


def _table(result, of):
    """The table of one output. ``of(array)`` selects its numbers along the array's last axis."""
    statistics = [
        of(result.coefficients),
        of(result.standard_errors),
        of(result.t_values),
        of(result.p_values),
        *of(np.moveaxis(result.confidence_intervals, -1, 0)),
    ]
    names = list(result.columns)
    if result.has_intercept:
        names.insert(0, "(intercept)")
        of_intercept = [
            of(result.intercept),
            of(result.intercept_standard_error),
            of(result.intercept_t_value),
            of(result.intercept_p_value),
            *of(np.moveaxis(result.intercept_interval, -1, 0)),
        ]
        statistics = [np.insert(column, 0, own) for column, own in zip(statistics, of_intercept)]
    width = max(len("column"), *map(len, names))
    lines = [f"{'column':{width}}" + "".join(f" {head:>12}" for head in _HEADS)]
    for name, *values in zip(names, *statistics):
        lines.append(f"{name:{width}}" + "".join(f" {value:>12.6g}" for value in values))
    num_slopes, degrees = result.rank - result.has_intercept, result.degrees_of_freedom
    lines += [
        "",
        f"residual standard deviation {of(result.residual_standard_deviation):.6g} "
        f"on {degrees} degrees of freedom ({result.num_rows} rows)",
        f"R2 {of(result.r_squared):.6g}, adjusted {of(result.adjusted_r_squared):.6g}",
        f"F statistic {of(result.f_statistic):.6g} on {num_slopes} and {degrees} degrees of "
        f"freedom, p value {of(result.f_p_value):.6g}",
        f"rank {result.rank}, condition number {result.condition_number:.3g}",
    ]
    return "\n".join(lines)
