"""The chapter's data."""

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr


def test_synthetic_draws_x_then_noise(seed):
    seed(4)
    X, y = mlr.synthetic(50, noise=0.5)
    seed(4)
    expected = mx.nd.random_normal(shape=(50, 2))
    noise = 0.5 * mx.nd.random_normal(shape=(50,))
    assert (X == expected).asnumpy().all()
    assert (y == mlr.real_fn(expected) + noise).asnumpy().all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_synthetic_noise(seed, dtype):
    X, y = mlr.synthetic(dtype=dtype)
    assert X.shape == (10000, 2) and y.shape == (10000,)
    assert X.dtype == y.dtype == np.dtype(dtype)
    assert abs((y - mlr.real_fn(X)).asnumpy().std() - 0.1) < 0.003


NAN = float("nan")


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ({"num_examples": 0}, ValueError, "num_examples"),
        ({"num_examples": 10.0}, TypeError, "num_examples"),
        ({"noise": -0.1}, ValueError, "noise"),
        ({"noise": NAN}, ValueError, "noise"),
        ({"noise": "a"}, TypeError, "noise"),
        ({"dtype": "float16"}, ValueError, "dtype"),
    ],
)
def test_bad_synthetic(arguments, error, text):
    with pytest.raises(error, match=text):
        mlr.synthetic(**arguments)
