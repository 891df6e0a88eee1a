"""The result of `least_squares`: coefficients, their standard errors and tests."""

from dataclasses import dataclass, field
from typing import Any, List

import numpy as np

from .distributions import f_p_value, t_p_value, t_quantile
from .table import as_text


class RankError(ValueError):
    """The data do not determine the coefficients.

    Either columns depend on others, or there are fewer rows than coefficients. ``args[0]`` is the
    description, with the names of the columns.
    """

    def __str__(self) -> str:
        return (
            f'X: {self.args[0]}; leave columns out, or use rank_deficient="drop" or "minimum_norm"'
        )


@dataclass(frozen=True)
class LeastSquares:
    """The result of `least_squares`. Printing it shows a table.

    Numbers that belong to an output are floats for y of shape (n,), and arrays of shape (k,) for y
    of shape (n, k). If there are no degrees of freedom, statistics of the residuals are NaN.
    Numbers that belong to a dropped column are NaN.
    """

    columns: List[str]
    """The names of X's columns."""
    coefficients: np.ndarray
    """Shape (d,) or (d, k), float64."""
    standard_errors: np.ndarray
    """The standard errors of the coefficients, in the same shape."""
    intercept: Any
    """The intercept; 0 in a model without one."""
    intercept_standard_error: Any
    """The standard error of the intercept; None in a model without one."""
    residual_standard_deviation: Any
    """The square root of the sum of squared residuals over `degrees_of_freedom`."""
    r_squared: Any
    """The explained share of y's variance or, without intercept, of its sum of squares."""
    num_rows: int
    """The number of rows of weight above 0."""
    rank: int
    """The rank of the columns, including the intercept's column of ones."""
    condition_number: float
    """The condition number of the columns, scaled to equal length; centred if there is an
    intercept."""
    largest: np.ndarray
    """Shape (d,): the largest absolute value of each column."""
    perfect_fit: Any
    """Whether the residuals are rounding errors."""
    dropped: List[str] = field(default_factory=list)
    """The names of the columns left out with ``rank_deficient="drop"``: they are constant, depend
    on earlier columns, or come after as many independent ones as the rows determine."""

    def of_one_output(self) -> "LeastSquares":
        """The result for y of shape (n,), from this one for shape (n, 1)."""

        def flat(name, value):
            if name == "largest" or not isinstance(value, np.ndarray):
                return value
            return value[0].item() if value.ndim == 1 else value[:, 0]

        return LeastSquares(**{name: flat(name, value) for name, value in vars(self).items()})

    @property
    def degrees_of_freedom(self) -> int:
        """The number of rows minus the rank."""
        return self.num_rows - self.rank

    @property
    def adjusted_r_squared(self) -> Any:
        """`r_squared` adjusted for the number of coefficients."""
        centred = self.num_rows - self.has_intercept
        return 1 - (1 - self.r_squared) * _ratio(centred, self._degrees)

    @property
    def f_statistic(self) -> Any:
        """The F statistic of the hypothesis that all coefficients except the intercept are 0."""
        explained = _ratio(self.r_squared, self.rank - self.has_intercept)
        return _ratio(explained, _ratio(1 - self.r_squared, self._degrees))

    @property
    def f_p_value(self) -> Any:
        """The p value of `f_statistic`."""
        degrees = self.rank - self.has_intercept, self.degrees_of_freedom
        return _each(lambda f: f_p_value(f, *degrees), self.f_statistic)

    @property
    def t_values(self) -> np.ndarray:
        """The coefficients divided by their standard errors."""
        return _ratio(self.coefficients, self.standard_errors)

    @property
    def p_values(self) -> np.ndarray:
        """The two-sided p values of the coefficients, by Student's t distribution."""
        return self._p_values(self.t_values)

    @property
    def confidence_intervals(self) -> np.ndarray:
        """The 95 % confidence intervals of the coefficients, shape (d, 2) or (d, k, 2)."""
        return self._intervals(self.coefficients, self.standard_errors)

    @property
    def intervals(self) -> np.ndarray:
        """A shorter name for `confidence_intervals`."""
        return self.confidence_intervals

    @property
    def intercept_t_value(self) -> Any:
        return _ratio(self.intercept, self.intercept_standard_error)

    @property
    def intercept_p_value(self) -> Any:
        return self._p_values(self.intercept_t_value)

    @property
    def intercept_interval(self) -> np.ndarray:
        """The 95 % confidence interval of the intercept, shape (2,) or (k, 2); NaN without one."""
        return self._intervals(self.intercept, self.intercept_standard_error)

    @property
    def has_intercept(self) -> bool:
        """Whether the model has an intercept."""
        return self.intercept_standard_error is not None

    @property
    def _degrees(self):
        return self.degrees_of_freedom or np.nan

    def _p_values(self, t_values):
        return _each(lambda t: t_p_value(t, self.degrees_of_freedom), t_values)

    def _intervals(self, values, standard_errors):
        reach = t_quantile(self.degrees_of_freedom) * np.asarray(standard_errors, dtype=np.float64)
        return np.stack([values - reach, values + reach], axis=-1)

    def __str__(self) -> str:
        return as_text(self)


def _ratio(a, b):
    """``a / b``; infinite or NaN where b is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.asarray(a) / np.asarray(b, dtype=np.float64)
    return ratio if ratio.ndim else float(ratio)


def _each(function, values):
    result = np.vectorize(function, otypes=[float])(values)
    return result if result.ndim else float(result)
