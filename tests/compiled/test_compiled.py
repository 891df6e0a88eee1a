"""The compiled engine beside the chapter's."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr

pytest.importorskip("numba")


def linear(rows, num_inputs, num_outputs, dtype="float32"):
    """Noisy linear data; y has one dimension where there is one output."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(rows, num_inputs))
    y = X @ rng.normal(size=(num_inputs, num_outputs)) + 3 + 0.1 * rng.normal(size=(rows, 1))
    return X.astype(dtype), (y if num_outputs > 1 else y[:, 0]).astype(dtype)


def run(seed, X, y, batch_size, epochs, learning_rate, engine):
    """The mean losses, w, b, and what NumPy's global generator would draw next."""
    seed()
    loader = mlr.ArrayLoader(X, y, batch_size=batch_size)
    num_outputs = 1 if loader.y.ndim == 1 else loader.y.shape[1]
    params = w, b = mlr.init_params(loader.X.shape[1], num_outputs, dtype=np.dtype(loader.X.dtype))
    losses = mlr.train(params, loader, epochs, learning_rate, engine=engine)
    return losses, w.asnumpy(), b.asnumpy(), np.random.randint(2**31 - 1)


@pytest.mark.parametrize(
    "rows, num_inputs, num_outputs, batch_size, learning_rate",
    [
        (10000, 2, 1, 64, 1e-2),
        (1003, 7, 1, 10, 1e-2),
        (5000, 100, 1, 64, 1e-3),
        (2000, 20, 3, 16, 1e-2),
        (50, 200, 1, 8, 1e-3),
        (17, 3, 2, 100, 1e-1),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_the_autograd_engine(
    seed, rows, num_inputs, num_outputs, batch_size, learning_rate, dtype
):
    tolerance = 1e-5 if dtype == "float32" else 1e-11
    data = *linear(rows, num_inputs, num_outputs, dtype), batch_size, 10, learning_rate
    losses, w, b, draw = run(seed, *data, "compiled")
    expected = run(seed, *data, "autograd")
    assert draw == expected[3] and all(type(loss) is float for loss in losses)
    np.testing.assert_allclose(losses, expected[0], rtol=tolerance)
    np.testing.assert_allclose(w, expected[1], rtol=tolerance, atol=tolerance * abs(w).max())
    np.testing.assert_allclose(b, expected[2], rtol=tolerance)


@pytest.mark.parametrize(
    "number, batch_size, dtype, tolerance",
    [
        (1, 4, "float32", 1e-5),
        (2, 10, "float32", 1e-5),
        (3, 64, "float32", 1e-5),
        (1, 4, "float64", 1e-11),
    ],
)
def test_the_chapter(seed, frozen, number, batch_size, dtype, tolerance):
    """Beside the chapter's own loop, as a plain interpreter has run it."""
    seed(number)
    X, y = mlr.synthetic(dtype=dtype)
    params = w, b = mlr.init_params(dtype=dtype)
    loader = mlr.ArrayLoader(X, y, batch_size=batch_size)
    losses = mlr.train(params, loader, epochs=10, learning_rate=1e-4, engine="compiled")
    expected = frozen(number, batch_size, dtype)
    np.testing.assert_allclose(losses, expected["losses"], rtol=tolerance)
    np.testing.assert_allclose(w.asnumpy().ravel(), expected["w"], rtol=tolerance)
    np.testing.assert_allclose(b.asnumpy(), expected["b"], rtol=tolerance)


@pytest.mark.parametrize("rows", [1, 2, 10, 4097, 70000])
def test_rows_come_in_the_order_of_the_chapters_sampler(seed, rows):
    """With one row in a batch, any other order shows; and the generator ends where NumPy's does."""
    X = np.arange(1, rows + 1)[:, None] / rows
    y = 3 * X[:, 0] + np.sin(np.arange(rows))
    seed()
    sampler = list(mx.gluon.data.RandomSampler(rows))
    w, b = 0.25, 0.5
    for i in sampler:
        error = X[i, 0] * w + b - y[i]
        w, b = w - 0.1 * 2 * error * X[i, 0], b - 0.1 * 2 * error
    draw = np.random.randint(2**31 - 1)
    params = mlr.init_params(1, dtype="float64")
    params[0][:], params[1][:] = 0.25, 0.5
    seed()
    mlr.compiled.train_epoch(params, mlr.ArrayLoader(X, y, batch_size=1), 0.1)
    np.testing.assert_allclose(params[0].asscalar(), w, rtol=1e-12)
    np.testing.assert_allclose(params[1].asscalar(), b, rtol=1e-12)
    assert np.random.randint(2**31 - 1) == draw


def test_a_batch_of_all_rows_keeps_the_digits_of_float32():
    X, y = linear(500000, 3, 1)
    params = mlr.init_params(3)
    w, b = (param.asnumpy().astype("float64") for param in params)
    mean_loss = mlr.compiled.train_epoch(params, mlr.ArrayLoader(X, y, batch_size=len(X)), 0.25)
    X, y = X.astype("float64"), y.astype("float64")
    error = X @ w[:, 0] + b - y
    np.testing.assert_allclose(mean_loss, (error**2).mean(), rtol=1e-6)
    w = w[:, 0] - 0.25 * 2 * X.T @ error / len(X)
    np.testing.assert_allclose(params[0].asnumpy().ravel(), w, rtol=1e-6)


def test_reads_the_data_where_they_are():
    """A change of the loader's X, in place, is seen; X may be on another CPU context."""
    X, y = mx.nd.ones((6, 2), ctx=mx.cpu(1)), mx.nd.zeros((6,), ctx=mx.cpu(1))
    loader = mlr.ArrayLoader(X, y)
    params = mlr.init_params()
    params[0][:], params[1][:] = 1, 1
    assert mlr.compiled.train_epoch(params, loader, 0) == 9
    X[:] = 2
    assert mlr.compiled.train_epoch(params, loader, 0) == 25
    assert (params[0].asnumpy() == 1).all() and (params[1].asnumpy() == 1).all()


def test_two_fits_side_by_side_in_threads():
    X, y = linear(20000, 5, 1)

    def fit(result):
        params = mlr.init_params(5)
        params[0][:], params[1][:] = 0, 0
        loader = mlr.ArrayLoader(X, y, batch_size=8, shuffle=False)
        result.extend(mlr.train(params, loader, 20, 1e-3, engine="compiled"))

    alone, *both = [], [], []
    fit(alone)
    threads = [threading.Thread(target=fit, args=[result]) for result in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(alone) == 20 and both == [alone, alone]


def test_refuses_a_loader_of_another_kind():
    batches = [(mx.nd.ones((2, 2)), mx.nd.ones((2,)))]
    with pytest.raises(TypeError, match="an ArrayLoader or a Stream, not list"):
        mlr.train(mlr.init_params(), batches, engine="compiled")


@pytest.mark.gpu
def test_refuses_a_gpu():
    X, y = mlr.synthetic(10)
    with pytest.raises(ValueError, match=r"params: on gpu\(0\), but the compiled engine"):
        mlr.compiled.train_epoch(mlr.init_params(ctx="gpu"), mlr.ArrayLoader(X, y), 0.1)
    on_gpu = mlr.ArrayLoader(X.as_in_context(mx.gpu()), y.as_in_context(mx.gpu()))
    with pytest.raises(ValueError, match=r"loader: on gpu\(0\), but the compiled engine"):
        mlr.compiled.train_epoch(mlr.init_params(), on_gpu, 0.1)


def test_names_the_extra_when_numba_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "mxlinreg.compiled.kernel", raising=False)
    params = mlr.init_params()
    before = params[0].asnumpy()
    with pytest.raises(ImportError, match=r"mxlinreg\[fast\]"):
        mlr.train(params, mlr.ArrayLoader(*mlr.synthetic(10)), engine="compiled")
    assert (params[0].asnumpy() == before).all()


# Python drops an interrupt that comes while it frees an array; the epoch then runs to its end.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_leaves_the_parameters_of_one_batch(monkeypatch):
    """Whenever it comes, w and b are those after the same number of the epoch's batches."""
    X, y = linear(4000, 2, 1, "float64")
    loader = mlr.ArrayLoader(X, y, batch_size=4, shuffle=False)
    reached = {(0.0, 0.0, 0.0)}
    w, b = np.zeros(2), 0.0
    for start in range(0, len(X), 4):
        data, label = X[start : start + 4], y[start : start + 4]
        error = data @ w + b - label
        w, b = w - 1e-3 * 2 * data.T @ error / 4, b - 1e-3 * 2 * error.sum() / 4
        reached.add(tuple(np.round([*w, b], 9)))
    params = mlr.init_params(dtype="float64")
    mlr.compiled.train_epoch(params, loader, 1e-3)
    monkeypatch.setattr(
        mlr.compiled.epoch, "_VALUES_PER_CALL", 100
    )  # as if the epoch were a long one
    seen = set()
    for delay in np.linspace(1e-4, 5e-3, 40):
        params[0][:], params[1][:] = 0, 0
        previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, delay)
            mlr.compiled.train_epoch(params, loader, 1e-3)
            time.sleep(delay)
        except KeyboardInterrupt:
            pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        values = tuple(np.round([*params[0].asnumpy().ravel(), params[1].asscalar()], 9))
        assert values in reached
        seen.add(values)
    assert len(seen) > 2


def test_an_epoch_compiles_nothing_that_was_not_compiled_before_it():
    """What is compiled ahead, with a note of it, has the types of what is then passed."""
    program = (
        "import mxlinreg as mlr\n"
        "class Loader(mlr.ArrayLoader):\n"
        "    def blocks(self, order=None):\n"
        "        compiled.append(signatures())\n"
        "        return super().blocks(order)\n"
        "def signatures():\n"
        "    from mxlinreg.compiled import kernel\n"
        "    return [set(f.signatures) for f in (kernel.shuffle_end, kernel.run_batches)]\n"
        "for number, dtype in enumerate(['float32', 'float64'], 1):\n"
        "    compiled = []\n"
        "    X, y = mlr.synthetic(30, dtype=dtype)\n"
        "    params = mlr.init_params(dtype=dtype)\n"
        "    mlr.compiled.train_epoch(params, Loader(X, y), 0.1)\n"
        "    mlr.compiled.train_epoch(params, Loader(X, y.reshape((-1, 1))), 0.1)\n"
        "    assert compiled == [signatures()] * 2, (compiled, signatures())\n"
        "    assert list(map(len, signatures())) == [1, number], signatures()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_full_disk_for_the_cache_and_damaged_files_in_it(tmp_path):
    program = (
        "import resource, sys\n"
        "import mxlinreg as mlr\n"
        "loader = mlr.ArrayLoader(*mlr.synthetic(100))\n"
        "if sys.argv[1:]:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "print(len(mlr.train(mlr.init_params(), loader, 3, engine='compiled')))\n"
    )

    def succeeds(*arguments):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0 and done.stdout == "3\n", done.stderr
        return [path for path in tmp_path.rglob("*.nb?") if path.stat().st_size]

    assert not succeeds("full")
    kept = succeeds()
    assert kept
    for path in kept:
        os.truncate(path, 100)
    assert all(path.stat().st_size > 100 for path in succeeds())


def test_no_cache_without_a_home(tmp_path):
    """Numba would make a folder named ~."""
    program = (
        "from mxlinreg.compiled.kernel import run_batches\n"
        "assert type(run_batches._cache).__name__ == 'NullCache'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "HOME": "~", "PYTHONPATH": str(Path(mlr.__file__).parents[1])},
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


def test_a_place_for_the_cache_that_cannot_be_written(tmp_path):
    """It compiles all the same."""
    package = Path(mlr.__file__).parent
    shutil.copytree(package, tmp_path / "mxlinreg", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "mxlinreg" / "__pycache__").write_text("no folder, not even for root")
    program = (
        "import mxlinreg as mlr\n"
        "loader = mlr.ArrayLoader(*mlr.synthetic(100))\n"
        "print(mlr.train(mlr.init_params(), loader, 3, engine='compiled'), mlr.__file__)\n"
    )
    nowhere = dict.fromkeys(["HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"], "/dev/null/nowhere")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **nowhere},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stdout
