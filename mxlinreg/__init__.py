"""Linear regression from scratch: the tutorial chapter as a package, on MXNet 1.9.1."""

from . import compiled, distributed
from .contexts import context
from .data import ArrayLoader, synthetic
from .exact import LeastSquares, RankError, least_squares
from .export import export_onnx, export_symbol
from .scratch import SGD, init_params, net, real_fn, square_loss
from .streaming import stream
from .training import DivergenceError, train, train_epoch

__all__ = [
    "context",
    "real_fn",
    "synthetic",
    "ArrayLoader",
    "stream",
    "init_params",
    "net",
    "square_loss",
    "SGD",
    "train_epoch",
    "train",
    "DivergenceError",
    "compiled",
    "distributed",
    "least_squares",
    "LeastSquares",
    "RankError",
    "export_onnx",
    "export_symbol",
]
__version__ = "0.1.0"


def __getattr__(name):
    # Imported when it is asked for, and no part of `__all__`: scikit-learn is an extra.
    if name == "LinearRegressor":
        from .estimator import LinearRegressor

        return LinearRegressor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
