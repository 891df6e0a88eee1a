"""Linear regression from scratch: the tutorial chapter as a package, on MXNet 1.9.1.

Importing the package takes a few milliseconds, because each public name is imported when it is
first used. The import makes ``import mxnet`` work on today's Python and NumPy (`mxlinreg.alive`).
"""

from typing import TYPE_CHECKING, Any, List

from .alive.hook import install as _install

if TYPE_CHECKING:
    from . import compiled as compiled
    from . import distributed as distributed
    from . import exact as exact
    from . import plotting as plotting
    from .chapter.contexts import context as context
    from .chapter.data import synthetic as synthetic
    from .chapter.scratch import SGD as SGD
    from .chapter.scratch import init_params as init_params
    from .chapter.scratch import net as net
    from .chapter.scratch import real_fn as real_fn
    from .chapter.scratch import square_loss as square_loss
    from .chapter.training import DivergenceError as DivergenceError
    from .chapter.training import train_epoch as train_epoch
    from .exact.result import LeastSquares as LeastSquares
    from .exact.result import RankError as RankError
    from .exact.solve import least_squares as least_squares
    from .fitting.fit import fit as fit
    from .fitting.regressor import LinearRegressor as LinearRegressor
    from .models.export import export_onnx as export_onnx
    from .models.export import export_symbol as export_symbol
    from .models.model import Model as Model
    from .models.model import as_params as as_params
    from .models.model import load_model as load_model
    from .models.model import save_model as save_model
    from .rows.array_loader import ArrayLoader as ArrayLoader
    from .rows.files import stream as stream
    from .training.run import train as train

__version__ = "0.2.0"

if type(getattr(__spec__, "loader", None)).__name__ == "zipimporter":
    # With this name, `python -m mxlinreg` ends with one line too.
    raise ImportError(
        f"mxlinreg cannot be imported from a zip file ({__file__}), where Numba cannot keep the "
        "compiled loop; unpack the file, or pip install it",
        name=__name__,
    )

# Each public name and the module that defines it; None for a room that is public as a whole.
_PLACES = {
    "context": "chapter.contexts",
    "real_fn": "chapter.scratch",
    "synthetic": "chapter.data",
    "init_params": "chapter.scratch",
    "net": "chapter.scratch",
    "square_loss": "chapter.scratch",
    "SGD": "chapter.scratch",
    "train_epoch": "chapter.training",
    "train": "training.run",
    "DivergenceError": "chapter.training",
    "ArrayLoader": "rows.array_loader",
    "stream": "rows.files",
    "least_squares": "exact.solve",
    "LeastSquares": "exact.result",
    "RankError": "exact.result",
    "Model": "models.model",
    "save_model": "models.model",
    "load_model": "models.model",
    "as_params": "models.model",
    "export_onnx": "models.export",
    "export_symbol": "models.export",
    "fit": "fitting.fit",
    "LinearRegressor": "fitting.regressor",
    "compiled": None,
    "distributed": None,
    "exact": None,
    "plotting": None,
}

_install()


if not TYPE_CHECKING:  # hidden from type checkers, which would then accept every name

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name == "__all__":
            return _public_names()
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        place = _PLACES[name]
        if place is None:
            return import_module(f".{name}", __name__)
        value = getattr(import_module(f".{place}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> List[str]:
    return sorted({*_public_names(), *(name for name in globals() if name.startswith("__"))})


def _public_names() -> List[str]:
    """The names in `_PLACES`, without LinearRegressor if scikit-learn is missing or too old."""
    from importlib import metadata

    try:
        version = metadata.version("scikit-learn").split(".")
        has_scikit_learn = (int(version[0]), int(version[1])) >= (1, 6)
    except (metadata.PackageNotFoundError, ValueError, IndexError):
        has_scikit_learn = False
    return [name for name in _PLACES if has_scikit_learn or name != "LinearRegressor"]
