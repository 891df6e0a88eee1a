"""Defer the import of libraries that MXNet rarely needs until they are first used.

``import mxnet`` imports scikit-learn and SciPy, which import pandas, for a base class and two
statistical tests. They take half of the import's time and memory.
"""

import ast
import importlib
import importlib.util
import sys
from types import ModuleType, SimpleNamespace
from typing import Any, List, Optional

# The modules of MXNet that import `scipy.stats`, and the one that imports scikit-learn.
_STATISTICS = "mxnet.test_utils", "mxnet.contrib.quantization"
_ESTIMATOR = "mxnet.model"


class _Later(ModuleType):
    """A placeholder for a module, until one of the module's attributes is read.

    The module is then imported and replaces the placeholder in the module that holds it.
    """

    def __init__(self, name: str, holder: str) -> None:
        super().__init__(name)
        self._holder = holder

    def __getattribute__(self, attribute: str) -> Any:
        name, holder = (ModuleType.__getattribute__(self, key) for key in ("__name__", "_holder"))
        module = importlib.import_module(name)
        names = vars(sys.modules[holder])
        names.update({key: module for key, value in names.items() if value is self})
        return getattr(module, attribute)


def stand_in(importer: str, name: str, fromlist: Optional[tuple]) -> Any:
    """The placeholder that ``import`` returns for a library that can wait, or None.

    Parameters
    ----------
    importer : str
        The MXNet module that contains the import.
    name : str
    fromlist : tuple of str or None
        The arguments of `__import__`.

    Raises
    ------
    ImportError
        If MXNet imports scikit-learn's base class, which `define_later` imports when needed.
    """
    if importer in _STATISTICS and _can_wait("scipy.stats"):
        if name == "scipy.stats" or (name == "scipy" and fromlist == ("stats",)):
            return SimpleNamespace(stats=_Later("scipy.stats", importer))
    if importer == _ESTIMATOR and name == "sklearn.base" and _can_wait(name):
        raise ImportError("scikit-learn waits for mxnet.model.FeedForward")
    return None


def define_later(module: ModuleType) -> None:
    """Define `mxnet.model.FeedForward`, a scikit-learn estimator, when it is first used.

    If scikit-learn is missing or was imported before, MXNet has already defined the class.
    """
    names = vars(module)
    if "SKLEARN_INSTALLED" not in names or not _can_wait("sklearn.base"):
        return
    waiting = "BaseEstimator", "BASE_ESTIMATOR", "FeedForward"
    for name in (*waiting, "SKLEARN_INSTALLED"):
        names.pop(name, None)

    def __getattr__(name: str) -> Any:
        if name not in waiting:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        _define_estimator(module)
        return names[name]

    def __dir__() -> List[str]:
        return sorted({*names, *waiting} - {"__getattr__", "__dir__"})

    names.update(__getattr__=__getattr__, __dir__=__dir__)


def _define_estimator(module):
    """Run the class statement of the module's source, with scikit-learn's base class."""
    names = vars(module)
    try:
        from sklearn.base import BaseEstimator
    except ImportError:  # scikit-learn is installed but broken
        names.update(BASE_ESTIMATOR=object, SKLEARN_INSTALLED=False)
    else:
        names.update(BASE_ESTIMATOR=BaseEstimator, BaseEstimator=BaseEstimator)
    with open(module.__file__, "rb") as source:
        tree = ast.parse(source.read())
    tree.body = [node for node in tree.body if getattr(node, "name", None) == "FeedForward"]
    exec(compile(tree, module.__file__, "exec"), names)
    del names["__getattr__"], names["__dir__"]


def _can_wait(name):
    """Whether a module is installed and has not been imported yet."""
    library = name.partition(".")[0]
    if library in sys.modules:
        return sys.modules[library] is not None and name not in sys.modules
    return importlib.util.find_spec(library) is not None
