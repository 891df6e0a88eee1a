"""The training loop: what it accepts, what it refuses, what it leaves behind."""

import sys

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mxlinreg as mlr
from mxlinreg._streams import drop_unwritable

ENGINES = pytest.mark.parametrize("engine", ["autograd", "compiled"])


def exact_data(num_inputs, num_outputs, dtype, rows=200):
    """Data without noise, and the w and b that they follow."""
    rng = np.random.RandomState(0)
    w, b = rng.normal(size=(num_inputs, num_outputs)), rng.normal(size=num_outputs)
    X = rng.normal(size=(rows, num_inputs))
    return X.astype(dtype), (X @ w + b).astype(dtype), w, b


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("num_outputs", [1, 3])
@ENGINES
def test_finds_the_parameters_of_exact_data(seed, dtype, tolerance, num_outputs, engine):
    X, y, w, b = exact_data(4, num_outputs, dtype)
    params = mlr.init_params(4, num_outputs, dtype=dtype)
    losses = mlr.train(params, mlr.ArrayLoader(X, y, batch_size=20), 60, 0.2, engine)
    np.testing.assert_allclose(params[0].asnumpy(), w, atol=tolerance)
    np.testing.assert_allclose(params[1].asnumpy(), b, atol=tolerance)
    assert losses[-1] < tolerance**2 * 10


@ENGINES
@given(
    rows=st.integers(1, 12),
    num_inputs=st.integers(1, 4),
    num_outputs=st.integers(1, 3),
    batch_size=st.integers(1, 15),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=25)
def test_an_epoch_equals_the_arithmetic_in_numpy(
    engine, rows, num_inputs, num_outputs, batch_size, seed
):
    rng = np.random.RandomState(seed)
    X, y = rng.normal(size=(rows, num_inputs)), rng.normal(size=(rows, num_outputs))
    params = mlr.init_params(num_inputs, num_outputs, dtype="float64")
    w, b = (param.asnumpy() for param in params)
    batches = mlr.ArrayLoader(X, y, batch_size=batch_size, shuffle=False)
    (mean_loss,) = mlr.train(params, batches, 1, 0.05, engine)
    losses = []
    for start in range(0, rows, batch_size):
        data, label = X[start : start + batch_size], y[start : start + batch_size]
        error = data @ w + b - label
        losses.append((error**2).mean())
        w = w - 0.05 * 2 * data.T @ error / error.size
        b = b - 0.05 * 2 * error.sum(axis=0) / error.size
    np.testing.assert_allclose(mean_loss, np.mean(losses), rtol=1e-10)
    np.testing.assert_allclose(params[0].asnumpy(), w, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(params[1].asnumpy(), b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("train_epoch", [mlr.train_epoch, mlr.compiled.train_epoch])
def test_a_bias_that_is_not_trained_stays_as_it_is(train_epoch):
    X, y, w, b = exact_data(3, 2, "float64")
    params = mlr.init_params(3, 2, dtype="float64")
    params[1][:] = mx.nd.array([0.1, -3.0])
    start = [param.asnumpy() for param in params]
    train_epoch(params, mlr.ArrayLoader(X, y, len(X)), 0.1, train_bias=False)
    error = X @ start[0] + start[1] - y
    np.testing.assert_allclose(
        params[0].asnumpy(), start[0] - 0.1 * X.T @ error / len(X), rtol=1e-12
    )
    assert (params[1].asnumpy() == start[1]).all()


def test_batches_may_be_any_iterable():
    batches = [(mx.nd.ones((2, 2)), mx.nd.ones((2,))), (mx.nd.ones((1, 2)), mx.nd.ones((1, 1)))]
    mean_loss = mlr.train_epoch(mlr.init_params(), iter(batches), 0.01)
    assert type(mean_loss) is float
    assert len(mlr.train(mlr.init_params(), batches, epochs=3)) == 3


@ENGINES
def test_on_epoch_sees_every_epoch(engine):
    params = mlr.init_params()
    seen = []
    losses = mlr.train(params, ones(), 3, 0.1, engine, lambda *arguments: seen.append(arguments))
    assert [s[:2] for s in seen] == list(enumerate(losses))
    assert all(s[2] is params for s in seen)


def test_no_epochs_change_nothing():
    params = w, b = mlr.init_params()
    before = w.asnumpy(), b.asnumpy()
    assert mlr.train(params, ones(), epochs=0) == []
    assert (w.asnumpy() == before[0]).all() and (b.asnumpy() == before[1]).all()


@pytest.mark.parametrize("engine, text", [("autograd", "Epoch 1"), ("compiled", "/2")])
def test_progress_bar_is_on_stderr(capsys, engine, text):
    mlr.train(mlr.init_params(), ones(), epochs=2, engine=engine, progress=True)
    out, err = capsys.readouterr()
    assert text in err and out == ""
    mlr.train(mlr.init_params(), ones(), epochs=2, engine=engine)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("engine", ["autograd", "compiled"])
def test_a_progress_bar_where_stderr_is_missing_or_full(engine, monkeypatch):
    if engine == "compiled":
        pytest.importorskip("numba")
    with open("/dev/full", "w", buffering=1) as full:
        for stderr in (None, full):
            monkeypatch.setattr(sys, "stderr", stderr)
            losses = mlr.train(mlr.init_params(), ones(), 2, engine=engine, progress=True)
            assert len(losses) == 2
        drop_unwritable(full)


def test_engine_is_a_function():
    calls = []

    def engine(params, data, learning_rate):
        calls.append((params, data, learning_rate))
        return 1.5

    params, data = mlr.init_params(), ones()
    assert mlr.train(params, data, epochs=2, learning_rate=0.5, engine=engine) == [1.5, 1.5]
    assert calls == [(params, data, 0.5)] * 2


def ones(**arguments):
    return mlr.ArrayLoader(np.ones((8, 2), "float32"), np.ones(8, "float32"), **arguments)


@ENGINES
def test_divergence_names_the_epoch_and_keeps_the_last_finite_parameters(engine):
    params = w, b = mlr.init_params()
    finite = []

    def on_epoch(epoch, mean_loss, params):
        finite.append((w.asnumpy(), b.asnumpy()))

    with pytest.raises(mlr.DivergenceError, match="smaller learning_rate") as caught:
        mlr.train(params, ones(), 100, 20.0, engine, on_epoch)
    assert finite and f"epoch {len(finite)}:" in str(caught.value)
    assert (w.asnumpy() == finite[-1][0]).all() and (b.asnumpy() == finite[-1][1]).all()
    assert np.isfinite(finite[-1][0]).all()
    assert isinstance(caught.value, ValueError)


@ENGINES
def test_divergence_in_the_last_step_of_an_epoch(engine):
    """Its batch's loss was finite still: the parameters tell."""
    params = w, b = mlr.init_params()
    before = w.asnumpy(), b.asnumpy()
    one_batch = mlr.ArrayLoader(1e15 * mx.nd.ones((1, 2)), mx.nd.ones((1,)))
    with pytest.raises(mlr.DivergenceError, match="epoch 0: w is no longer finite"):
        mlr.train(params, one_batch, 1, 1e20, engine)
    assert (w.asnumpy() == before[0]).all() and (b.asnumpy() == before[1]).all()


@ENGINES
def test_a_rate_beyond_the_range_of_float32_diverges(engine):
    with pytest.raises(mlr.DivergenceError, match="epoch 0"):
        mlr.train(mlr.init_params(), ones(), 1, 1e39, engine)


def test_an_engine_that_diverges_is_found_out():
    def engine(params, data, learning_rate):
        params[0][:] = float("nan")
        return float("nan")

    params = mlr.init_params()
    before = params[0].asnumpy()
    with pytest.raises(mlr.DivergenceError, match="epoch 0"):
        mlr.train(params, ones(), engine=engine)
    assert (params[0].asnumpy() == before).all()


def without_gradient():
    return [mx.nd.ones((2, 1)), mx.nd.ones((1,))]


def attached(w_shape=(2, 1), b_shape=(1,), w_ctx=None, b_ctx=None, dtype="float32"):
    params = [mx.nd.ones(w_shape, w_ctx, dtype=dtype), mx.nd.ones(b_shape, b_ctx, dtype=dtype)]
    for param in params:
        param.attach_grad()
    return params


@pytest.mark.parametrize(
    "params, error, text",
    [
        (without_gradient(), ValueError, "params: w has no gradient"),
        (attached(w_shape=(3, 1)), ValueError, r"data: shape .* does not fit w"),
        (attached(w_shape=(2, 2), b_shape=(2,)), ValueError, "label: shape"),
        (attached(b_shape=(3,)), ValueError, r"params: w must have shape"),
        (attached(w_shape=(2,)), ValueError, r"params: w must have shape"),
        (attached(w_ctx=mx.cpu(0), b_ctx=mx.cpu(1)), ValueError, "both must be on one context"),
        (attached(dtype="float64"), ValueError, "float32 does not fit params of float64"),
        (attached(dtype="int32"), ValueError, "params: w and b must both be float32"),
        (attached()[:1], TypeError, "params: expected"),
        (None, TypeError, "params: expected"),
        ([np.ones((2, 1)), np.ones(1)], TypeError, "params: w must be an NDArray"),
    ],
)
def test_bad_params(params, error, text):
    with pytest.raises(error, match=text):
        mlr.train(params, ones())
    with pytest.raises(error, match=text):
        mlr.train_epoch(params, list(ones()), 0.1)
    with pytest.raises(error, match=text):
        mlr.compiled.train_epoch(params, ones(), 0.1)


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ({"learning_rate": -1e-4}, ValueError, "learning_rate"),
        ({"learning_rate": float("nan")}, ValueError, "learning_rate"),
        ({"learning_rate": float("inf")}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"),
        ({"learning_rate": None}, TypeError, "learning_rate"),
        ({"epochs": -1}, ValueError, "epochs: must be at least 0"),
        ({"epochs": 2.0}, TypeError, "epochs"),
        ({"engine": "warp"}, ValueError, "engine: 'warp'"),
    ],
)
@ENGINES
def test_bad_arguments_change_nothing(engine, arguments, error, text):
    params = mlr.init_params()
    before = params[0].asnumpy()
    with pytest.raises(error, match=text):
        mlr.train(params, ones(), **{"engine": engine, **arguments})
    assert (params[0].asnumpy() == before).all()


@pytest.mark.parametrize("label_shape", [(3, 2), (6,), (1,)])
def test_labels_that_would_be_broadcast_are_refused(label_shape):
    batch = (mx.nd.ones((3, 2)), mx.nd.ones(label_shape))
    with pytest.raises(ValueError, match="label: shape"):
        mlr.train_epoch(mlr.init_params(), [batch], 0.1)


def test_no_batch_is_an_error():
    with pytest.raises(ValueError, match="at least one batch"):
        mlr.train_epoch(mlr.init_params(), [], 0.1)
    with pytest.raises(ValueError, match="at least one batch"):
        mlr.train(mlr.init_params(), iter(list(ones())), epochs=2)
