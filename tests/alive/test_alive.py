"""MXNet on today's NumPy: imported by the package, whole, and NumPy as it was."""

import importlib
import subprocess
import sys

import mxnet as mx
import numpy as np
import pytest

from mxlinreg.alive import diagnosis, names

REMOVED_BEFORE_2_4 = [
    "bool", "int", "Inf", "PINF", "NINF", "NaN", "NAN", "PZERO", "NZERO", "compat", "alltrue",
    "sometrue", "product", "round_", "msort", "in1d", "trapz", "mirr", "npv", "pmt", "ppmt", "pv",
    "rate",
]  # fmt: skip


def run(code, *args):
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True)


def test_numpy_is_left_as_found():
    done = run(
        "import numpy\n"
        "before = dict(vars(numpy))\n"
        "import mxlinreg, mxnet\n"
        "after = vars(numpy)\n"
        "new = set(after) - set(before)\n"
        "import types\n"
        "assert all(isinstance(after[k], types.ModuleType) for k in new), new\n"
        "assert all(after[k] is before[k] for k in before)\n"
    )
    assert done.returncode == 0, done.stderr


def test_without_docstrings():
    """MXNet makes functions from them."""
    program = "import mxlinreg, mxnet as mx; print(mx.nd.ones((2, 3)).sum().asscalar(), __doc__)"
    done = subprocess.run([sys.executable, "-OO", "-c", program], capture_output=True, text=True)
    assert done.stdout == "6.0 None\n", done.stderr


def fake_mxnet(folder, text):
    (folder / "mxnet").mkdir()
    (folder / "mxnet" / "__init__.py").write_text(text)
    return str(folder)


def test_an_import_that_fails_leaves_numpy_as_found_and_the_hook_in_place(tmp_path):
    fake = fake_mxnet(
        tmp_path,
        "import numpy as np\n"
        "assert np.PZERO == 0 and np.bool is bool\n"
        "raise OSError('no library')\n",
    )
    done = run(
        "import sys, numpy\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "before = dict(vars(numpy))\n"
        "import mxlinreg\n"
        "finders = list(sys.meta_path)\n"
        "for attempt in range(2):\n"
        "    try:\n"
        "        mxlinreg.init_params\n"
        "    except ImportError as error:\n"
        "        assert isinstance(error.__cause__, OSError)\n"
        "        assert 'OSError: no library' in str(error), error\n"
        "        assert 'pip install' in str(error) and 'MXNet won' in str(error), error\n"
        "    else:\n"
        "        raise AssertionError('imported')\n"
        "assert dict(vars(numpy)) == before and sys.meta_path == finders\n"
        "open(sys.argv[1] + '/mxnet/__init__.py', 'w').write('import numpy; seen = numpy.PZERO')\n"
        "import mxnet\n"
        "assert mxnet.seen == 0\n",
        fake,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text, remedy",
    [
        ("import nowhere_to_be_found", "pip install nowhere_to_be_found"),
        ("raise ModuleNotFoundError(name='mxnet')", 'pip install "mxnet==1.9.1"'),
        ("raise ModuleNotFoundError(name='distutils')", "pip install setuptools"),
    ],
)
def test_the_first_use_says_what_to_install(tmp_path, text, remedy):
    program = "import sys; sys.path.insert(0, sys.argv[1]); import mxlinreg; mxlinreg.synthetic"
    done = run(program, fake_mxnet(tmp_path, text))
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: MXNet cannot be imported") and remedy in last


@pytest.mark.parametrize(
    "error, text",
    [
        (
            ModuleNotFoundError("No module named 'mxnet'", name="mxnet"),
            "(ModuleNotFoundError: No module named 'mxnet'). Try: pip install \"mxnet==1.9.1\".",
        ),
        (
            ModuleNotFoundError("No module named 'distutils'", name="distutils"),
            "(ModuleNotFoundError: No module named 'distutils'). Try: pip install setuptools.",
        ),
        (
            ModuleNotFoundError("No module named 'requests'", name="requests"),
            "(ModuleNotFoundError: No module named 'requests'). Try: pip install requests.",
        ),
        (
            ImportError("libgomp.so.1: cannot open", name="mxnet"),
            "(ImportError: libgomp.so.1: cannot open). Try: for the CPU build: pip install "
            '--force-reinstall --no-deps "mxnet==1.9.1".',
        ),
    ],
)
def test_the_whole_remedy(error, text):
    assert diagnosis.import_remedy(error) == (
        f"MXNet cannot be imported {text} More: mxlinreg doctor, and the section "
        '"MXNet won\'t import" of the README of mxlinreg'
    )


@pytest.mark.parametrize("place", [("Darwin", "arm64"), ("Windows", "AMD64"), ("Linux", "ppc64le")])
def test_where_mxnet_was_never_built(place, monkeypatch):
    monkeypatch.setattr(diagnosis.platform, "system", lambda: place[0])
    monkeypatch.setattr(diagnosis.platform, "machine", lambda: place[1])
    remedy = diagnosis.import_remedy(ModuleNotFoundError("No module", name="mxnet"))
    assert remedy.startswith(f"MXNet 1.9.1 was not built for {place[0]} on {place[1]}, only for")
    # Another error has its own remedy there.
    assert "pip install requests" in diagnosis.import_remedy(
        ModuleNotFoundError("No module", name="requests")
    )


def test_the_hook_comes_before_somebody_elses():
    """Such as one of an editable installation, which finds MXNet's modules too."""
    done = run(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Finder:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        return PathFinder.find_spec(name, path) if name.startswith('mxnet') else None\n"
        "sys.meta_path.insert(0, Finder)\n"
        "sys.meta_path.append(sys)  # a module may be a finder, too\n"
        "sys.find_spec = Finder.find_spec\n"
        "import mxlinreg, mxnet\n"
        "assert mxnet.numpy.utils.onp.PZERO == 0\n"
    )
    assert done.returncode == 0, done.stderr


def test_what_is_no_source_file_is_found_as_ever(tmp_path):
    """A module that is missing, one that lies elsewhere, and a folder without an __init__.py."""
    fake = fake_mxnet(tmp_path, "__path__.append(__path__[0] + '/../more')\n")
    for folder in ("mxnet/folder", "more"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mxnet/folder/inner.py").write_text("import numpy\nseen = numpy.PZERO\n")
    (tmp_path / "more/outer.py").write_text("from numpy import NaN as seen\nimport numpy.linalg\n")
    done = run(
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import mxlinreg, mxnet.folder.inner, mxnet.outer\n"
        "assert mxnet.folder.inner.seen == 0 and mxnet.outer.seen != mxnet.outer.seen\n"
        "assert mxnet.folder.__spec__.origin is None\n"
        "assert mxnet.outer.__spec__.origin.endswith('/more/outer.py')\n"
        "assert mxnet.outer.__spec__.loader.get_source('mxnet.outer')\n"
        "try:\n"
        "    import mxnet.nowhere\n"
        "except ModuleNotFoundError as error:\n"
        "    assert error.name == 'mxnet.nowhere'\n"
        "else:\n"
        "    raise AssertionError('imported')\n",
        fake,
    )
    assert done.returncode == 0, done.stderr


def test_other_modules_do_not_see_the_removed_names(tmp_path):
    """SciPy and others, imported while MXNet is, ask NumPy what it has."""
    fake = fake_mxnet(tmp_path, "import other\nraise ImportError(other.seen)\n")
    (tmp_path / "other.py").write_text(
        "import numpy\nseen = [hasattr(numpy, n) for n in ('bool', 'PZERO', 'isdtype')]\n"
    )
    done = run(
        "import sys, numpy\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "own = [hasattr(numpy, n) for n in ('bool', 'PZERO', 'isdtype')]\n"
        "import mxlinreg\n"
        "try:\n"
        "    import mxnet\n"
        "except ImportError as error:\n"
        "    assert str(error) == str(own), (error, own)\n"
        "else:\n"
        "    raise AssertionError('imported')\n",
        fake,
    )
    assert done.returncode == 0, done.stderr


def test_a_users_own_import_is_mended_before_any_use_of_the_package():
    done = run(
        "import mxlinreg, mxnet as mx, numpy as np\n"
        "assert mx.nd.ones(tuple(np.array([2, 3]))).shape == (2, 3)\n"
    )
    assert done.returncode == 0, done.stderr


def test_an_import_that_failed_before_the_package_was_there_works_after_it():
    done = run(
        "try:\n"
        "    import mxnet\n"
        "except Exception:\n"
        "    pass\n"
        "import mxlinreg, mxnet as mx, numpy as np\n"
        "assert mx.nd.ones(tuple(np.array([2, 3]))).shape == (2, 3)\n"
        "assert mx.np.ones((2,)).astype(bool).dtype == bool\n"
    )
    assert done.returncode == 0, done.stderr


def test_what_a_failed_import_has_left_is_imported_anew(tmp_path):
    fake = fake_mxnet(tmp_path, "from . import part\nassert part.numpy.bool is bool\n")
    (tmp_path / "mxnet" / "part.py").write_text("import numpy\n")
    done = run(
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "try:\n"
        "    import mxnet\n"
        "except Exception:\n"
        "    assert 'mxnet.part' in sys.modules\n"
        "import mxlinreg, mxnet\n"
        "assert mxnet.part.numpy.bool is bool\n",
        fake,
    )
    assert done.returncode == 0, done.stderr


def test_an_mxnet_imported_without_the_package_is_kept_whole(tmp_path):
    fake = fake_mxnet(tmp_path, "")
    (tmp_path / "mxnet" / "part.py").write_text("")
    done = run(
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import mxnet.part\n"
        "import mxlinreg\n"
        "assert sys.modules['mxnet.part'] is mxnet.part\n",
        fake,
    )
    assert done.returncode == 0, done.stderr


def test_mxnet_imported_before_is_kept_and_the_hook_is_one():
    done = run(
        "import mxlinreg, sys, mxnet\n"
        "finders = list(sys.meta_path)\n"
        "for name in [n for n in sys.modules if n.startswith('mxlinreg')]:\n"
        "    del sys.modules[name]\n"
        "import numpy\n"
        "before = dict(vars(numpy))\n"
        "import mxlinreg\n"
        "assert sys.modules['mxnet'] is mxnet and dict(vars(numpy)) == before\n"
        "assert sys.meta_path == finders\n"
        "assert mxlinreg.init_params()[0].shape == (2, 1)\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", REMOVED_BEFORE_2_4)
def test_mxnet_has_the_names_that_numpy_removed(name):
    taken = sys.modules["mxnet.numpy.utils"].onp
    assert hasattr(taken, name)


def test_replacements_compute_what_numpy_did(monkeypatch):
    """On any NumPy: the names that this one still has are taken from it first."""
    for name in set(REMOVED_BEFORE_2_4) - {"bool", "trapz"}:
        monkeypatch.delitem(vars(np), name, raising=False)
    taken = importlib.reload(names).numpy_with_removed_names
    assert taken.bool is bool and taken.int is int and taken.compat.basestring is str
    assert taken.Inf == taken.PINF == -taken.NINF == float("inf")
    assert taken.NaN != taken.NaN and taken.NAN != taken.NAN
    assert str([taken.PZERO, taken.NZERO]) == "[0.0, -0.0]"
    assert taken.msort(np.array([[3.0, 1.0], [2.0, 4.0]])).tolist() == [[2, 1], [3, 4]]
    assert taken.in1d([[1, 2], [3, 4]], [2, 3]).tolist() == [False, True, True, False]
    assert taken.in1d([1, 2], [2], invert=True).tolist() == [True, False]
    assert taken.in1d([1, 2], [2], True).tolist() == [False, True]
    assert taken.in1d([0.5, 0.5], np.arange(20.0)).tolist() == [False, False]
    assert taken.product([2, 3]) == 6 and taken.round_(2.6) == 3 and taken.trapz([1.0, 3.0]) == 2
    assert not taken.alltrue([0, 1]) and taken.sometrue([0, 1])
    for name in ("mirr", "npv", "pmt", "ppmt", "pv", "rate"):
        with pytest.raises(RuntimeError) as caught:
            getattr(taken, name)(0.1, [1, 2], when="end")
        expected = f"NumPy 1.20 removed numpy.{name}; the numpy-financial package has it"
        assert str(caught.value) == expected


def test_later_imports_in_mxnets_functions_are_pythons_own(tmp_path):
    fake = fake_mxnet(tmp_path, "def later():\n    import numpy\n    return numpy\n")
    done = run(
        "import sys, numpy\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import mxlinreg, mxnet\n"
        "assert mxnet.later() is numpy\n",
        fake,
    )
    assert done.returncode == 0, done.stderr


def test_shapes_may_hold_numpy_integers():
    """NumPy 2 writes them in a tuple as np.int64(3), which MXNet's library cannot parse."""
    shape = tuple(np.array([2, 3]))
    assert mx.nd.ones(shape).shape == (2, 3)
    assert mx.nd.zeros((6,)).reshape(shape).shape == (2, 3)
    assert mx.nd.sum(mx.nd.ones((2, 3)), axis=(np.int64(0), np.int64(1))).asscalar() == 6
    assert mx.sym.ones(shape=shape).infer_shape()[1] == [(2, 3)]
    assert mx.nd.clip(mx.nd.array([5.0]), np.float32(0.5), np.float32(1.5)).asscalar() == 1.5


def test_mxnet_works_past_its_import():
    """Parts that take removed names only as they run."""
    assert mx.np.ones((2,)).astype(bool).dtype == bool
    assert mx.np.array([1.0, 2.0])[mx.np.array([True, False], dtype=bool)].asnumpy() == [1.0]
    handler = mx.gluon.contrib.estimator.EarlyStoppingHandler(mx.metric.MSE(), mode="min")
    handler.train_begin(None)
    assert handler.best == np.inf
    mx.test_utils.assert_almost_equal(mx.nd.ones((2,)), np.ones(2))
    with mx.util.np_shape(True), mx.util.np_array(True):
        assert mx.np.pad(mx.np.ones((1, 1)), ((0, 1), (0, 0))).tolist() == [[1], [0]]
        symbol = mx.sym.np.pad(mx.sym.np.ones((1, 1)), ((0, 1), (0, 0)))
        assert symbol.infer_shape()[1] == [(2, 1)]
