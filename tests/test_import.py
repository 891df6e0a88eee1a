"""The public names: imported when they are asked for, and shown as they are."""

import ast
import inspect
import pickle
import subprocess
import sys
import types
from importlib.util import find_spec
from pathlib import Path

import pytest

import mxlinreg as mlr
from mxlinreg import exact

INIT = Path(mlr.__file__)
HAS_SCIKIT_LEARN = find_spec("sklearn") is not None
PLACES = ast.literal_eval(
    next(
        node.value
        for node in ast.parse(INIT.read_text()).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "_PLACES"
    )
)
NAMES = [name for name in PLACES if HAS_SCIKIT_LEARN or name != "LinearRegressor"]


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_type_checkers_see_what_is_imported_when_asked_for():
    guard = next(node for node in ast.parse(INIT.read_text()).body if isinstance(node, ast.If))
    seen = {
        alias.asname: None if node.module is None else node.module
        for node in guard.body
        for alias in node.names
    }
    assert seen == PLACES


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_what_its_module_has(name):
    value = getattr(mlr, name)
    if PLACES[name] is None:
        assert isinstance(value, types.ModuleType) and value.__name__ == f"mxlinreg.{name}"
    else:
        assert value.__module__ == f"mxlinreg.{PLACES[name]}" and value.__name__ == name
        assert pickle.loads(pickle.dumps(value)) is value
    assert value.__doc__


def test_names_are_listed():
    assert set(NAMES) <= set(dir(mlr))
    assert sorted(mlr.__all__) == sorted(NAMES)
    members = dict(inspect.getmembers(mlr))
    assert all(members[name] is getattr(mlr, name) for name in NAMES)
    namespace = {}
    exec("from mxlinreg import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(NAMES)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'mxlinreg' has no attribute 'nonsense'"):
        mlr.nonsense  # noqa: B018


WITHOUT = (
    "import sys\n"
    "from importlib import metadata\n"
    "version = metadata.version\n"
    "def missing(name):\n"
    "    if name == 'scikit-learn': raise metadata.PackageNotFoundError(name)\n"
    "    return version(name)\n"
    "metadata.version = missing\n"
    "sys.modules['sklearn'] = sys.modules['sklearn.base'] = None\n"
    "import mxlinreg as mlr\n"
)


def test_without_scikit_learn_everything_else_is_listed_and_works():
    done = run(
        WITHOUT + "import inspect, pydoc\n"
        "from mxlinreg import *\n"
        "assert 'LinearRegressor' not in dir(mlr) and 'LinearRegressor' not in globals()\n"
        "assert 'train' in globals() and 'train' in dict(inspect.getmembers(mlr))\n"
        "assert 'square_loss' in pydoc.plain(pydoc.render_doc(mlr))\n"
        "try:\n"
        "    mlr.LinearRegressor\n"
        "except ImportError as error:\n"
        "    assert 'mxlinreg[sklearn]' in str(error), error\n"
        "else:\n"
        "    raise AssertionError('no error')\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "function, text",
    [
        ("synthetic", "Tuple[mxnet.ndarray.ndarray.NDArray, mxnet.ndarray.ndarray.NDArray]"),
        ("train", "Sequence[mxnet.ndarray.ndarray.NDArray]"),
        ("init_params", "ctx: Union[str, mxnet.context.Context]"),
        ("compiled.train_epoch", "Sequence[mxnet.ndarray.ndarray.NDArray]"),
        ("distributed.device_engine", "mxnet.context.Context"),
    ],
)
def test_signatures_show_types_as_they_are(function, text):
    value = mlr
    for name in function.split("."):
        value = getattr(value, name)
    signature = str(inspect.signature(value))
    assert text in signature and "ForwardRef" not in signature


@pytest.mark.parametrize("name", NAMES)
def test_no_signature_shows_a_forward_reference(name):
    if callable(getattr(mlr, name)) and not name.endswith("Error"):
        assert "ForwardRef" not in str(inspect.signature(getattr(mlr, name)))


def test_rooms_are_imported_by_their_names():
    program = (
        "import mxlinreg.compiled, mxlinreg.distributed, mxlinreg.plotting, mxlinreg.exact\n"
        "from mxlinreg.plotting import plot_data, plot_training, plot_errors, plot_network\n"
        "from mxlinreg.exact import LeastSquares, RankError, least_squares\n"
        "assert mxlinreg.compiled.train_epoch and mxlinreg.distributed.connect\n"
    )
    done = run(program)
    assert done.returncode == 0, done.stderr
    assert exact.RankError is mlr.RankError
