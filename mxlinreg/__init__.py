"""Linear regression from scratch: the tutorial chapter as a package, on MXNet 1.9.1."""

from . import compiled
from .contexts import context
from .data import ArrayLoader, synthetic
from .exact import LeastSquares, RankError, least_squares
from .scratch import SGD, init_params, net, real_fn, square_loss
from .training import DivergenceError, train, train_epoch

__all__ = [
    "context",
    "real_fn",
    "synthetic",
    "ArrayLoader",
    "init_params",
    "net",
    "square_loss",
    "SGD",
    "train_epoch",
    "train",
    "DivergenceError",
    "compiled",
    "least_squares",
    "LeastSquares",
    "RankError",
]
__version__ = "0.1.0"
