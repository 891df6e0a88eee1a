"""What MXNet imports in passing is imported when it is first used, and is then the same."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

# The namespaces in words; each name is touched once and then read again.
WALK = """
import json, mxnet as mx, mxnet.test_utils
from mxnet.contrib import quantization
found = {}
for module in mx.model, mx.test_utils, quantization:
    for name in dir(module):
        getattr(getattr(module, name), "__doc__", None)
    for name in dir(module):
        value = getattr(module, name)
        home = getattr(value, "__module__", None), getattr(value, "__name__", None)
        found[f"{module.__name__}.{name}"] = [type(value).__name__, *map(str, home)]
forward = mx.model.FeedForward
found["bases"] = [base.__name__ for base in forward.__mro__]
found["parameters"] = forward._get_param_names()
found["line"] = forward.fit.__code__.co_firstlineno, forward.fit.__code__.co_filename
print(json.dumps(found))
"""


def output(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_leaves_them_out():
    loaded = output("import mxlinreg, mxnet, sys; print(sorted(sys.modules))")
    for library in ("sklearn", "scipy.stats", "pandas"):
        assert f"'{library}'" not in loaded


def test_once_touched_the_namespaces_are_as_mxnet_makes_them():
    later = json.loads(output(f"import mxlinreg\n{WALK}"))
    # Nothing has to wait where a program has imported both itself.
    at_once = json.loads(output(f"import mxlinreg, scipy.stats, sklearn.base\n{WALK}"))
    assert later == at_once
    assert "BaseEstimator" in later["bases"] and "epoch_size" in later["parameters"]
    assert later["mxnet.test_utils.ss"][2] == "scipy.stats"


def test_a_test_of_mxnet_that_needs_scipy():
    # The quantile of a normal distribution, from a table.
    quantile = output("import mxlinreg, mxnet.test_utils as t; print(t.ss.norm.ppf(0.975))")
    assert float(quantile) == pytest.approx(1.959963985, abs=1e-9)


def test_without_them_mxnet_does_as_it_always_did():
    names = output(
        "import sys; sys.modules.update(dict.fromkeys(['sklearn', 'scipy', 'scipy.stats']))\n"
        "import mxlinreg, mxnet as mx\n"
        "from mxnet.contrib import quantization\n"
        "print(mx.model.FeedForward.__bases__, mx.model.SKLEARN_INSTALLED, quantization.stats)"
    )
    assert names.split() == ["(<class", "'object'>,)", "False", "None"]


def test_a_scikit_learn_that_does_not_work_is_as_good_as_none(tmp_path):
    (tmp_path / "sklearn").mkdir()
    (tmp_path / "sklearn" / "__init__.py").write_text("raise ImportError('broken')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import mxlinreg, mxnet as mx\n"
        "print(mx.model.FeedForward.__bases__, mx.model.SKLEARN_INSTALLED)"
    )
    assert output(code).split() == ["(<class", "'object'>,)", "False"]
