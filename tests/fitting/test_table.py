"""Training on standardized rows, and its defaults for a table."""

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr
from mxlinreg.fitting import table

random = np.random.RandomState(0)
X = np.column_stack([random.normal(5, 1e-3, 300), random.normal(0, 1e4, 300), np.full(300, 7.0)])
Y = X @ [2000.0, 1e-3, 0.0] + 30 + 0.1 * random.normal(size=300)


@pytest.mark.parametrize(
    "num_rows, batch_size", [(1, 1), (64, 64), (65, 33), (128, 64), (354, 59), (1000, 63)]
)
def test_batches_of_equal_size(num_rows, batch_size):
    assert table.default_batch_size(num_rows) == batch_size


@pytest.mark.parametrize("num_batches, epochs", [(1, 400), (6, 400), (7, 343), (480, 5), (9999, 5)])
def test_epochs(num_batches, epochs):
    assert table.default_epochs(num_batches) == epochs


@pytest.mark.parametrize("num_inputs, rate", [(1, 0.25), (9, 0.05)])
def test_learning_rate(num_inputs, rate):
    assert table.default_learning_rate(num_inputs) == rate


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_near_zero(seed, dtype):
    w, b = table.params_near_zero(1000, dtype=dtype)
    assert w.shape == (1000, 1) and b.shape == (1,) and w.dtype == b.dtype == np.dtype(dtype)
    assert w.asnumpy().std() == pytest.approx(0.01, rel=0.1) and w.grad is not None


def test_standardize_and_back():
    X_scaled, y_scaled, scaling = table.standardize_table(X, Y)
    assert y_scaled.shape == (300,)
    for scaled in (X_scaled[:, :2], y_scaled):
        np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-10)
        np.testing.assert_allclose(scaled.std(axis=0), 1)
    np.testing.assert_allclose(scaling.X_mean + scaling.X_scale * X_scaled, X)
    np.testing.assert_allclose(scaling.y_mean + scaling.y_scale * y_scaled, Y)
    assert scaling.X_scale[2] == 0

    w, b = params = [mx.nd.array(v, dtype="float64") for v in ([[0.5], [-1.0], [3.0]], [0.2])]
    w_in_units, b_in_units = (param.asnumpy() for param in table.in_units(params, scaling))
    yhat = scaling.y_mean + scaling.y_scale * (X_scaled @ w.asnumpy()[:, 0] + b.asnumpy())
    np.testing.assert_allclose(X @ w_in_units[:, 0] + b_in_units, yhat)
    assert w_in_units[2] == 0


@pytest.mark.parametrize("dtype, rtol", [("float32", 1e-2), ("float64", 1e-2)])
def test_trained_in_the_units_of_the_data(seed, dtype, rtol):
    X_scaled, y_scaled, scaling = table.standardize_table(X, Y)
    batch_size = table.default_batch_size(len(Y))
    loader = mlr.ArrayLoader(X_scaled.astype(dtype), y_scaled.astype(dtype), batch_size)
    (w, b), losses = table.train_standardized(loader, scaling, epochs=60, dtype=dtype)
    assert len(losses) == 60 and w.dtype == b.dtype == np.dtype(dtype)
    A = np.column_stack([X[:, :2], np.ones(300)])
    best = np.linalg.lstsq(A, Y, rcond=None)[0]
    learned = w.asnumpy()[:, 0].astype("float64")
    np.testing.assert_allclose(learned[:2], best[:2], rtol=rtol)
    assert learned[2] == 0
    assert losses[-1] * scaling.y_scale[0] ** 2 < 1.1 * np.mean((A @ best - Y) ** 2)


def test_the_defaults_and_what_takes_their_place():
    X_scaled, y_scaled, scaling = table.standardize_table(X, Y)
    loader = mlr.ArrayLoader(X_scaled, y_scaled, batch_size=60)
    calls = []

    def train(params, train_data, epochs, learning_rate):
        assert train_data is loader and params[0].shape == (3, 1)
        params[0][:], params[1][:] = mx.nd.array([[1.0], [2.0], [3.0]]), 0
        calls.append((epochs, learning_rate))
        return "result"

    params, result = table.train_standardized(loader, scaling, train=train)
    table.train_standardized(loader, scaling, 0, 0.0, train=train)
    assert calls == [(400, 0.125), (0, 0.0)] and result == "result"
    expected = [
        [scaling.y_scale[0] / scaling.X_scale[0]],
        [2 * scaling.y_scale[0] / scaling.X_scale[1]],
        [0],
    ]
    np.testing.assert_allclose(params[0].asnumpy(), expected)
