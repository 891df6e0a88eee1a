"""What `least_squares` gives: coefficients, their errors and tests, and a table of them."""

from dataclasses import dataclass
from typing import Any, List

import numpy as np

from .distributions import f_p_value, t_p_value, t_quantile
from .table import as_text


class RankError(ValueError):
    """The data do not determine the coefficients: columns depend on others, or rows are few.

    ``args[0]`` says which, and how.
    """

    def __str__(self) -> str:
        return f'X: {self.args[0]}; leave columns out, or take rank_deficient="minimum_norm"'


@dataclass(frozen=True)
class LeastSquares:
    """What `least_squares` gives: ``print`` it for a table.

    For y of shape (n, k) each number below is an array with one more dimension of length k.
    Where the residuals have no degrees of freedom, what is estimated from them is NaN.
    """

    columns: List[str]
    coefficients: np.ndarray
    """Shape (d,) or (d, k), float64."""
    standard_errors: np.ndarray
    """Of the coefficients, in the same shape."""
    intercept: Any
    """float or array of shape (k,); 0 where none was asked for."""
    intercept_standard_error: Any
    """float or array of shape (k,), or None where no intercept was asked for."""
    residual_standard_deviation: Any
    """The root of the sum of squared residuals over `degrees_of_freedom`."""
    r_squared: Any
    """The share of y's variance that is explained; without intercept, of its squares."""
    num_rows: int
    """Of weight above 0."""
    rank: int
    """Of the columns, the intercept's included."""
    condition_number: float
    """Of the columns, centred if there is an intercept, and scaled to one length."""

    def of_one_output(self) -> "LeastSquares":
        """For y of shape (n,), from the result for shape (n, 1)."""

        def flat(value):
            if not isinstance(value, np.ndarray):
                return value
            return float(value[0]) if value.ndim == 1 else value[:, 0]

        return LeastSquares(**{name: flat(value) for name, value in vars(self).items()})

    @property
    def degrees_of_freedom(self) -> int:
        """Rows less rank."""
        return self.num_rows - self.rank

    @property
    def adjusted_r_squared(self) -> Any:
        centred = self.num_rows - self.has_intercept
        return 1 - (1 - self.r_squared) * _ratio(centred, self.degrees_of_freedom)

    @property
    def f_statistic(self) -> Any:
        """Of all coefficients but the intercept being 0."""
        explained = _ratio(self.r_squared, self.rank - self.has_intercept)
        return _ratio(explained, _ratio(1 - self.r_squared, self.degrees_of_freedom))

    @property
    def f_p_value(self) -> Any:
        degrees = self.rank - self.has_intercept, self.degrees_of_freedom
        return _each(lambda f: f_p_value(f, *degrees), self.f_statistic)

    @property
    def t_values(self) -> np.ndarray:
        """The coefficients over their standard errors."""
        return _ratio(self.coefficients, self.standard_errors)

    @property
    def p_values(self) -> np.ndarray:
        """The probability of a t value this far from 0, to either side, by Student's t."""
        return self._p_values(self.t_values)

    @property
    def confidence_intervals(self) -> np.ndarray:
        """The 95 % intervals of the coefficients, shape (d, 2) or (d, k, 2)."""
        return self._intervals(self.coefficients, self.standard_errors)

    @property
    def intervals(self) -> np.ndarray:
        """`confidence_intervals` by its shorter name."""
        return self.confidence_intervals

    @property
    def intercept_t_value(self) -> Any:
        return _ratio(self.intercept, self.intercept_standard_error)

    @property
    def intercept_p_value(self) -> Any:
        return self._p_values(self.intercept_t_value)

    @property
    def intercept_interval(self) -> np.ndarray:
        """The 95 % interval, shape (2,) or (k, 2)."""
        return self._intervals(self.intercept, self.intercept_standard_error)

    @property
    def has_intercept(self) -> bool:
        """Whether an intercept was asked for."""
        return self.intercept_standard_error is not None

    def _p_values(self, t_values):
        return _each(lambda t: t_p_value(t, self.degrees_of_freedom), t_values)

    def _intervals(self, values, standard_errors):
        reach = t_quantile(self.degrees_of_freedom) * np.asarray(standard_errors)
        return np.stack([values - reach, values + reach], axis=-1)

    def __str__(self) -> str:
        return as_text(self)


def _ratio(a, b):
    """``a / b``, infinite or NaN where b is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.asarray(a) / np.asarray(b, dtype=np.float64)
    return ratio if ratio.ndim else float(ratio)


def _each(function, values):
    result = np.vectorize(function, otypes=[float])(values)
    return result if result.ndim else float(result)
