"""What the chapter writes by hand, against NumPy."""

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mxlinreg as mlr

sizes = st.integers(1, 6)
dtypes = st.sampled_from(["float32", "float64"])


def test_real_fn():
    X = mx.nd.array([[0, 0], [1, 0], [0, 1], [2, 3]])
    np.testing.assert_allclose(mlr.real_fn(X).asnumpy(), [4.2, 6.2, 0.8, -2.0], rtol=1e-6)


@given(sizes, sizes, dtypes)
@settings(deadline=None, max_examples=20)
def test_init_params_shapes(num_inputs, num_outputs, dtype):
    w, b = mlr.init_params(num_inputs, num_outputs, dtype=dtype)
    assert w.shape == (num_inputs, num_outputs) and b.shape == (num_outputs,)
    assert w.dtype == b.dtype == np.dtype(dtype)
    assert w.grad.shape == w.shape and b.grad.shape == b.shape


def test_init_params_draws_w_then_b_from_the_normal_distribution(seed):
    seed(5)
    w, b = mlr.init_params(200, 100)
    seed(5)
    expected = mx.nd.random_normal(shape=(200, 100)), mx.nd.random_normal(shape=(100,))
    assert (w == expected[0]).asnumpy().all() and (b == expected[1]).asnumpy().all()
    assert abs(w.asnumpy().mean()) < 0.03 and abs(w.asnumpy().std() - 1) < 0.03


@given(st.integers(1, 9), sizes, sizes, dtypes, st.integers(0, 100))
@settings(deadline=None, max_examples=30)
def test_one_step_is_the_gradient_of_the_mean_square(rows, num_inputs, num_outputs, dtype, seed):
    """net, square_loss, autograd and SGD, against the gradient worked out on paper."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(rows, num_inputs)).astype(dtype)
    y = rng.normal(size=(rows, num_outputs)).astype(dtype)
    params = w, b = mlr.init_params(num_inputs, num_outputs, dtype=dtype)
    w0, b0 = w.asnumpy(), b.asnumpy()
    with mx.autograd.record():
        yhat = mlr.net(mx.nd.array(X, dtype=dtype), w, b)
        loss = mlr.square_loss(yhat, mx.nd.array(y, dtype=dtype))
    loss.backward()
    mlr.SGD(params, 0.1)
    error = X @ w0 + b0 - y
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-10}
    assert loss.shape == (1,)
    np.testing.assert_allclose(yhat.asnumpy(), X @ w0 + b0, **tolerance)
    np.testing.assert_allclose(loss.asscalar(), (error**2).mean(), **tolerance)
    np.testing.assert_allclose(w.asnumpy(), w0 - 0.1 * 2 * X.T @ error / error.size, **tolerance)
    np.testing.assert_allclose(
        b.asnumpy(), b0 - 0.1 * 2 * error.sum(axis=0) / error.size, **tolerance
    )


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ({"num_inputs": 0}, ValueError, "num_inputs: must be at least 1, not 0"),
        ({"num_outputs": 1.5}, TypeError, "num_outputs: expected an int"),
        ({"num_inputs": True}, TypeError, "num_inputs"),
        ({"dtype": "int32"}, ValueError, "dtype"),
        ({"ctx": "tpu"}, ValueError, "tpu"),
    ],
)
def test_init_params_refuses(arguments, error, text):
    with pytest.raises(error, match=text):
        mlr.init_params(**arguments)
