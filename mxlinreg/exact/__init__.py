"""The exact least-squares solution, which the chapter's SGD approaches, with standard errors.

`least_squares` returns a `LeastSquares`, or raises a `RankError` if the data do not determine the
coefficients.
"""

from .result import LeastSquares, RankError
from .solve import least_squares

__all__ = ["LeastSquares", "RankError", "least_squares"]
