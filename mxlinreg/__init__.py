"""Linear regression from scratch: the tutorial chapter as a package, on MXNet 1.9.1."""

from . import compiled, distributed
from .chapter.contexts import context
from .chapter.data import ArrayLoader, synthetic
from .chapter.scratch import SGD, init_params, net, real_fn, square_loss
from .chapter.training import DivergenceError, train, train_epoch
from .exact import LeastSquares, RankError, least_squares
from .models.export import export_onnx, export_symbol
from .rows.files import stream

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
        from .fitting.regressor import LinearRegressor

        return LinearRegressor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
