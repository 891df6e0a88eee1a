"""`descend` on arrays, streams and shares beside NumPy's least squares and a loop in NumPy."""

import sys

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr
from mxlinreg import distributed
from mxlinreg.fitting.descent import Settings, descend
from mxlinreg.models.checkpoint import read_checkpoint, save_checkpoint
from mxlinreg.moments import triangular_moments, whitening
from mxlinreg.rows.arrays import ArrayRows
from mxlinreg.rows.transform import Transform

try:
    import numba  # noqa: F401

    ENGINES = ["autograd", "compiled"]
except ImportError:
    ENGINES = ["autograd"]
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def table(num_rows=403, num_outputs=1, noise=1.0):
    """Correlated columns of very different scales, far from 0."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(num_rows, 4)) @ rng.normal(size=(4, 4)) * [1, 1e-3, 1e3, 1] + [
        0,
        1,
        5e3,
        9,
    ]
    signal = X @ ([[1.0], [1e3], [-1e-3], [2]] * np.arange(1, num_outputs + 1)) + 7
    y = signal + noise * rng.normal(size=signal.shape)
    return X, y[:, 0] if num_outputs == 1 else y


def fit(rows, start=None, train_bias=True, centred=True, **settings):
    moments = triangular_moments(rows.blocks(), centred=centred)
    return descend(rows, moments, Settings(**settings), start, train_bias)


def least_squares(X, y, weight=None, intercept=True):
    """NumPy's coefficients (intercept first), standard errors and least mean square of y's rows."""
    A = np.column_stack([np.ones(len(X)), X]) if intercept else X
    root = np.ones((len(X), 1)) if weight is None else np.sqrt(weight)[:, None]
    y, scale = y.reshape(len(y), -1), np.linalg.norm(root * A, axis=0)
    Q, R = np.linalg.qr(root * A / scale)
    coefficients = np.linalg.solve(R, Q.T @ (root * y)) / scale[:, None]
    squares = np.sum((root * (A @ coefficients - y)) ** 2, axis=0)
    lengths = np.linalg.norm(np.linalg.inv(R), axis=1) / scale
    errors = np.multiply.outer(lengths, np.sqrt(squares / (len(X) - A.shape[1])))
    return coefficients, errors, squares / np.sum(root**2)


def mse_of(result, X, y, weight=None):
    errors = X @ result.coefficients + result.intercept - y.reshape(len(y), -1)
    return np.average(errors**2, axis=0, weights=weight)


def check(result, X, y, weight=None, intercept=True):
    """It has converged, as Settings.tol promises."""
    expected, errors, least = least_squares(X, y, weight, intercept)
    found = result.coefficients
    if intercept:
        found = np.vstack([result.intercept, found])
    else:
        assert (result.intercept == 0).all()
    skipped = 1 if intercept and weight is not None else 0  # the means give that intercept
    off = np.abs(found - expected)[skipped:] / errors[skipped:]
    assert result.converged and off.max() <= 0.1 + 1e-6
    mse = mse_of(result, X, y, weight)
    assert (mse <= 1.001 * least).all()
    assert result.mse_above == pytest.approx(np.max(1 - least / mse), rel=1e-3, abs=1e-9)
    if not skipped:
        assert result.standard_errors_off == pytest.approx(off.max(), rel=1e-2)
    total = np.average((y - np.average(y, axis=0, weights=weight) * intercept) ** 2, axis=0,
                       weights=weight)  # fmt: skip
    assert result.r2 == pytest.approx(np.min(1 - mse / total), rel=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("num_outputs", [1, 3])
def test_arrays(engine, num_outputs):
    X, y = table(num_outputs=num_outputs)
    result = fit(ArrayRows(X, y), engine=engine)
    check(result, X, y)
    # the loss of the last epoch, in squared units of y
    assert result.losses[-1] == pytest.approx(mse_of(result, X, y).mean(), rel=0.05)
    assert result.coefficients.shape == (4, num_outputs) and len(result.losses) < 40


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("engine", ENGINES)
def test_weights_and_no_intercept(engine, intercept):
    X, y = table()
    weight = 5 * np.random.RandomState(1).exponential(size=len(X))
    for given in (None, weight) if not intercept else (weight,):
        rows = ArrayRows(X, y, given)
        result = fit(rows, engine=engine, train_bias=False, centred=intercept)
        check(result, X, y, given, intercept)
        assert result.losses[-1] == pytest.approx(mse_of(result, X, y, given)[0], rel=0.05)


@pytest.mark.parametrize("num_rows", [30, 31, 100, 1000, 5000])
def test_an_epoch_has_eight_batches(num_rows):
    X, y = table(num_rows)
    sizes = []

    def engine(params, rows, learning_rate):
        sizes.append([len(data) for data, _ in rows.batches()])
        return mlr.train_epoch(params, rows, learning_rate)

    check(fit(ArrayRows(X, y), engine=engine), X, y)
    assert {len(each) for each in sizes} == {8}
    assert {size for each in sizes for size in each} == {-(-num_rows // 8)}


def test_arrays_draw_nothing_from_the_global_generator():
    X, y = table()
    results = []
    for seed in (0, 0, 1):
        np.random.seed(len(results))
        results.append(fit(ArrayRows(X, y), seed=seed))
        assert np.random.uniform() == np.random.RandomState(len(results) - 1).uniform()
    assert results[0].losses == results[1].losses != results[2].losses


def test_the_order_of_an_epoch_is_that_of_its_seed_and_number():
    X, y = table(20)
    seen = []

    def engine(params, rows, learning_rate):
        seen.append(np.concatenate([label.asnumpy().ravel() for _, label in rows.batches()]))
        return 0.0

    rows = ArrayRows(X, y)
    rows.batch_size = 5
    fit(rows, engine=engine, epochs=3, seed=4, tol=None)
    scaled = (y - y.mean()) / y.std()
    for epoch, labels in enumerate(seen):
        order = np.random.RandomState([4, epoch]).permutation(20)
        np.testing.assert_allclose(labels, scaled[order], rtol=1e-9)


# Streams


@pytest.fixture(params=["csv", "parquet"])
def stream(request, tmp_path):
    """A function that makes a stream of a table in two files, of 1000 and 7 rows."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import csv, parquet

    X, y = table(1007)
    for i, rows in enumerate((slice(1000), slice(1000, None))):
        part = pyarrow.table({**{f"x{j}": X[rows, j] for j in range(4)}, "y": y[rows]})
        write = csv.write_csv if request.param == "csv" else parquet.write_table
        write(part, str(tmp_path / f"{i}.{request.param}"))
    return lambda **settings: mlr.stream(tmp_path / f"*.{request.param}", "y", **settings), X, y


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("settings", [{}, {"batch_size": None}, {"shuffle_buffer": 100}])
def test_streams(stream, engine, settings):
    make, X, y = stream
    np.random.seed(0)
    check(fit(make(**settings), engine=engine), X, y)


def test_a_transformed_stream(stream):
    """Its columns are white in the rows as they lie, and it is other data to a checkpoint."""
    make, X, y = stream
    plain = make(batch_size=8, shuffle_buffer=64)
    moments = triangular_moments(plain.blocks())
    transform = Transform(moments.mean, whitening(moments, 4)[0], 2.0, 1.0)
    white = plain.transformed(transform, 16, "float32", None)
    blocks = list(white.blocks())
    data, label = (np.concatenate([block[i] for block in blocks]) for i in range(2))
    np.testing.assert_allclose(data.mean(axis=0), np.zeros(4), atol=1e-9)
    np.testing.assert_allclose(data.T @ data / 1007, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(label, (y - y.mean()) / 2)
    assert white.fingerprint() != plain.fingerprint() == make(shuffle_buffer=64).fingerprint()
    other = plain.transformed(transform._replace(y_scale=3.0), 16, "float32", None)
    assert white.fingerprint() != other.fingerprint()
    batches = [[array.asnumpy() for array in batch] for batch in white.batches()]
    assert {(X.shape, X.dtype.name, len(y)) for X, y in batches} == {((16, 4), "float32", 16)}
    zeros = [(X == 0).all(axis=1) & (y == 0) for X, y in batches]
    assert len(batches) == 63 and np.sum(zeros) == 1  # 1007 = 62 * 16 + 15


def test_an_epoch_of_a_stream_is_the_arithmetic(stream):
    """In the files' order, on columns as they are, at a given rate."""
    make, X, y = stream
    rows = make(batch_size=64, shuffle_buffer=0)
    rate = 1e-8
    result = fit(rows, standardize=False, learning_rate=rate, epochs=2, tol=None, train_bias=False)
    data, label = X - X.mean(axis=0), y - y.mean()
    w, losses = np.zeros(4), []
    for _ in range(2):
        losses.append(0)
        for start in range(0, 1007, 63):  # 16 batches of equal size, the last with 62 rows and a 0
            batch = slice(start, start + 63)
            errors = data[batch] @ w - label[batch]
            losses[-1] += errors @ errors / 1007
            w = w - rate * 2 / 63 * errors @ data[batch]
    np.testing.assert_allclose(result.coefficients[:, 0], w, rtol=1e-6)
    np.testing.assert_allclose(result.losses, losses, rtol=1e-9)


def test_a_stream_without_a_batch_size_is_for_fits(stream):
    make, _, _ = stream
    with pytest.raises(ValueError, match="batch_size: None leaves it to a fit"):
        mlr.train(mlr.init_params(4, 1, dtype="float64"), make(batch_size=None), 1)


def test_iterables_cannot_be_transformed():
    X, y = table(20)
    moments = triangular_moments([(X, y, None)])
    with pytest.raises(TypeError, match="a Pairs cannot be transformed"):
        rows = mlr.rows.sources.as_rows([(X, y)])
        rows.num_rows, rows.num_outputs = 20, 1
        descend(rows, moments, Settings())


# Shares, in a job of this process alone; test_distributed.py has jobs of several


@pytest.mark.parametrize("sync", ["batch", "epoch"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_share_of_arrays(sync, weighted):
    if sync == "epoch" and "compiled" not in ENGINES:
        pytest.skip("needs Numba")
    X, y = table()
    weight = np.random.RandomState(1).exponential(size=len(X)) if weighted else None
    share = distributed.Share(mx.kv.create("local"), ArrayRows(X, y, weight))
    result = fit(share, sync=sync, train_bias=not weighted)
    check(result, X, y, weight)
    other = fit(share, sync=sync, train_bias=not weighted, seed=1)
    assert other.losses != result.losses, "shuffled"
    # At a rate of 0, the loss of an epoch is the variance of y.
    result = fit(share, sync=sync, learning_rate=0.0, epochs=1)
    mean = np.average(y, weights=weight)
    assert result.losses == [pytest.approx(np.average((y - mean) ** 2, weights=weight), rel=1e-9)]


# Checkpoints


class Killed(Exception):
    pass


def killed_after(last):
    def on_epoch(epoch, mean_loss):
        if epoch > last:
            raise Killed

    return on_epoch


def bits(result):
    return [result.coefficients.tolist(), result.intercept.tolist(), result.losses, result[3:]]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_resumed_fit_ends_with_the_same_bits(tmp_path, engine, dtype):
    X, y = table()
    path = tmp_path / "run.ckpt"
    plain = fit(ArrayRows(X, y), engine=engine, dtype=dtype)
    assert len(plain.losses) > 9
    for last in (0, 3, 6, 8):
        with pytest.raises(Killed):
            fit(
                ArrayRows(X, y), engine=engine, dtype=dtype, checkpoint=path, resume=True,
                on_epoch=killed_after(last),
            )  # fmt: skip
        assert len(read_checkpoint(path)[0]["losses"]) == last + 1
    for _ in range(2):  # the second time, all is done already
        settings = {"engine": engine, "dtype": dtype, "checkpoint": path, "resume": True}
        assert bits(fit(ArrayRows(X, y), **settings)) == bits(plain)
    state, _ = read_checkpoint(path)
    assert state["schedule"]["rate"] < state["settings"]["learning_rate"], "it was lowered"
    settings.update(checkpoint=tmp_path / "last.ckpt", every=1000)
    fit(ArrayRows(X, y), **settings)
    assert read_checkpoint(tmp_path / "last.ckpt")[0]["losses"] == state["losses"]


def test_a_stopped_fit_is_the_best_so_far(tmp_path):
    X, y = table()
    settings = {"checkpoint": tmp_path / "run.ckpt", "resume": True, "stops": (Killed,)}
    expected = bits(fit(ArrayRows(X, y), epochs=5))
    for last in (1, 3):  # the exception comes when one more epoch is done
        result = fit(ArrayRows(X, y), on_epoch=killed_after(last), **settings)
        assert isinstance(result.stopped, Killed) and len(result.losses) == last + 2
    assert [*bits(result)[:3], (*result[3:-1], None)] == expected
    assert not result.converged and fit(ArrayRows(X, y), epochs=5).stopped is None
    with pytest.raises(Killed):
        fit(ArrayRows(X, y), on_epoch=killed_after(0))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_resumed_fit_of_a_stream(tmp_path, stream, engine):
    make, X, y = stream
    results = []
    for name in ("plain", "killed"):
        np.random.seed(2)
        settings = {"engine": engine, "checkpoint": tmp_path / name}
        if name == "killed":
            with pytest.raises(Killed):
                fit(make(), on_epoch=killed_after(2), **settings)
            np.random.seed(9)
            settings["resume"] = True
        results.append(bits(fit(make(), every=3, **settings)))
    assert results[0] == results[1]


def test_a_rate_that_was_lowered_for_divergence_is_kept(tmp_path):
    X, y = table()
    settings = {"learning_rate": 30.0, "checkpoint": tmp_path / "run.ckpt", "resume": True}
    plain = fit(ArrayRows(X, y), learning_rate=30.0, epochs=9, tol=None)
    with pytest.raises(Killed):
        fit(ArrayRows(X, y), on_epoch=killed_after(1), tol=None, **settings)
    assert bits(fit(ArrayRows(X, y), epochs=9, tol=None, **settings)) == bits(plain)


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"tol": 1e-4}, r"differs in tol \(0.001, now 0.0001\)$"),
        ({"seed": 1}, r"differs in seed \(0, now 1\)$"),
        ({"patience": 7}, r"differs in patience \(\d+, now 7\)$"),
        ({"standardize": False}, "the data"),
    ],
)
def test_another_fit_is_refused(tmp_path, changes, text):
    X, y = table()
    settings = {"checkpoint": tmp_path / "run.ckpt", "epochs": 2}
    fit(ArrayRows(X, y), **settings)
    with pytest.raises(ValueError, match=text):
        fit(ArrayRows(X, y), resume=True, **{**settings, **changes})


def test_a_plain_training_does_not_continue_a_fit(tmp_path, seed):
    """Nor a fit a training. Files of earlier versions, without the entry, still load."""
    X, y = mlr.synthetic(40)
    plain, path = tmp_path / "plain", tmp_path / "fit"

    def train(checkpoint, epochs=2):
        params = mlr.init_params()
        settings = {"checkpoint": checkpoint, "resume": True}
        return mlr.train(params, mlr.ArrayLoader(X, y), epochs, 0.01, **settings), params

    losses, params = train(plain)
    state, _ = read_checkpoint(plain)
    assert "schedule" not in state
    del state["settings"]["schedule"]
    save_checkpoint(path, params, losses, {**state["settings"], "schedule": "descent"}, {})
    with pytest.raises(ValueError, match=r"differs in schedule \(descent, now None\)"):
        train(path)
    save_checkpoint(path, params, losses, state["settings"])
    assert train(path, 3)[0][:2] == losses
    with pytest.raises(ValueError, match=r"schedule \(None, now descent\)"):
        fit(ArrayRows(X, y), checkpoint=plain, resume=True)


@pytest.mark.parametrize(
    "name, value",
    [
        ("rate", -1.0), ("rate", "x"), ("rate", float("nan")), ("waited", 1.5), ("waited", True),
        ("ended", 0), ("ended", None), ("best", [[[1.0]], [0.0]]), ("best", 3),
        ("best", [[[1.0], [2.0], [3.0], [float("nan")]], [0.0]]),
    ],
)  # fmt: skip
def test_damaged_schedules(tmp_path, name, value):
    X, y = table()
    path = tmp_path / "run.ckpt"
    settings = {"checkpoint": path, "resume": True}
    fit(ArrayRows(X, y), epochs=2, **settings)
    state, content = read_checkpoint(path)
    (tmp_path / "m.params").write_bytes(content)
    params = [mx.nd.load(str(tmp_path / "m.params"))[key] for key in "wb"]
    for damaged in ({**state["schedule"], name: value}, {}):
        save_checkpoint(path, params, state["losses"], state["settings"], damaged)
        with pytest.raises(ValueError, match="is not a checkpoint of mxlinreg, or is damaged"):
            fit(ArrayRows(X, y), **settings)


# Rates


def recorded(rates, **options):
    def engine(params, rows, learning_rate):
        rates.append(learning_rate)
        return mlr.train_epoch(params, rows, learning_rate, **options)

    return engine


def test_a_given_rate_stays():
    X, y = table()
    rates = []
    result = fit(ArrayRows(X, y), engine=recorded(rates), learning_rate=0.05, epochs=25, tol=1e-9)
    assert rates == [0.05] * 25 and not result.converged
    assert 1e-9 < result.mse_above < 0.05


def test_a_rate_of_its_own_is_that_of_an_output_times_their_number():
    """The chapter's loss is a mean over the outputs too."""
    X, y = table()
    rates = []
    for outputs in (y, np.column_stack([y, y, y])):
        fit(ArrayRows(X, outputs), engine=recorded(rates), epochs=1)
    assert rates[1] == pytest.approx(3 * rates[0], rel=1e-9)


def test_a_rate_of_its_own_falls():
    X, y = table()
    rates = []
    fit(ArrayRows(X, y), engine=recorded(rates), tol=1e-9, epochs=40)
    assert 0.05 < rates[0] < 0.5 and rates[-1] < 0.1 * rates[0]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("rate", [30.0, 1e300])
def test_a_given_rate_that_diverges_is_lowered_until_it_does_not(rate):
    X, y = table()
    rates, epochs = [], []
    result = fit(
        ArrayRows(X, y), engine=recorded(rates), learning_rate=rate, epochs=30,
        on_epoch=lambda epoch, mean_loss: epochs.append((epoch, mean_loss)),
    )  # fmt: skip
    assert epochs == list(enumerate(result.losses)) and len(rates) > len(epochs)
    assert rates[0] == rate and rates[-len(epochs) :] == [rates[-1]] * len(epochs)
    assert result.r2 > 0.5


def test_a_fit_that_gets_nowhere_says_so():
    """All epochs run, from a start that is farther off than the mean of y."""
    X, y = table()
    start = np.array([[1.0], [1e3], [-1e-3], [200]])
    result = fit(ArrayRows(X, y), start=start, learning_rate=1e-9, epochs=2)
    assert not result.converged
    mse = mse_of(result, X, y)[0]
    assert result.r2 == pytest.approx(1 - mse / y.var(), rel=1e-9) and result.r2 < -1


def test_an_engine_that_always_diverges():
    X, y = table()
    with pytest.raises(mlr.DivergenceError, match="epoch 0"):
        fit(ArrayRows(X, y), engine=lambda *_: float("nan"))


# Numbers


@pytest.mark.parametrize("engine", ENGINES)
def test_float32(engine):
    X, y = table()
    dtypes = []

    def own_engine(params, rows, learning_rate):
        dtypes.append({np.dtype(array.dtype).name for array in (*params, rows.X, rows.y)})
        return mlr.train_epoch(params, rows, learning_rate)

    check(fit(ArrayRows(X, y), engine=engine, dtype="float32"), X, y)
    fit(ArrayRows(X, y), engine=own_engine, dtype="float32", epochs=1)
    assert dtypes == [{"float32"}]


@pytest.mark.parametrize("dtype, error", [("float64", 1e-18), ("float32", 1e-10)])
@pytest.mark.parametrize("num_rows", [4, 30, 403, 20000])
def test_data_without_noise(num_rows, dtype, error):
    X, y = table(num_rows, noise=0)
    result = fit(ArrayRows(X, y), dtype=dtype)
    assert result.converged and mse_of(result, X, y)[0] < 1.01 * error * y.var()
    assert result.r2 == pytest.approx(1, abs=2 * error)


def test_float32_without_noise_where_one_row_is_far_off():
    """Its standard errors are smaller than the rounding of float32."""
    X = np.random.RandomState(0).standard_cauchy(size=(2000, 5))
    assert fit(ArrayRows(X, X.sum(axis=1)), dtype="float32", epochs=100).converged


def test_without_tol_the_epochs_count_even_if_the_start_was_nearer():
    X, y = table()
    exact = least_squares(X, y)[0][1:]
    for tol, stays in ((1e-15, True), (None, False)):
        result = fit(ArrayRows(X, y), start=exact, epochs=1, tol=tol)
        assert np.allclose(result.coefficients, exact, rtol=1e-9, atol=0) == stays


def test_a_constant_y():
    X, _ = table()
    result = fit(ArrayRows(X, np.full(len(X), 3.25)))
    assert (result.coefficients == 0).all() and result.intercept == 3.25
    assert result.converged and np.isnan(result.r2) and len(result.losses) == 1


def test_the_least_r2_of_the_outputs():
    X, y = table(num_outputs=2)
    y = np.column_stack([y, np.random.RandomState(1).normal(size=len(X)), np.ones(len(X))])
    result = fit(ArrayRows(X, y))
    mse = mse_of(result, X, y)
    assert result.r2 == pytest.approx((1 - mse[:3] / y.var(axis=0)[:3]).min(), rel=1e-6)


class WithoutFolder:
    """Fails to import the compiled loop, as Numba does in a folder that has been removed."""

    def find_spec(self, name, *_):
        if name == "mxlinreg.compiled.kernel":
            raise FileNotFoundError(2, "No such file or directory")


def test_a_fit_does_without_numba_if_it_cannot_be_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "mxlinreg.compiled.kernel", raising=False)
    monkeypatch.delattr("mxlinreg.compiled.kernel", raising=False)
    monkeypatch.setattr(sys, "meta_path", [WithoutFolder(), *sys.meta_path])
    X = np.random.RandomState(0).normal(size=(60, 2))
    fitted = fit(ArrayRows(X, X @ [[1.0], [2.0]] + 3), epochs=50)
    np.testing.assert_allclose(fitted.coefficients.ravel(), [1, 2], rtol=0.05)
