"""The least-squares solution itself, with its standard errors."""

from .solve import LeastSquares, RankError, least_squares

__all__ = ["LeastSquares", "RankError", "least_squares"]
