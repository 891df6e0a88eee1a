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


def test_synthetic_is_where_and_what_it_was_asked_to_be(monkeypatch):
    draw, drawn = mx.nd.random_normal, []

    def drawing(**arguments):
        drawn.append(draw(**arguments))
        return drawn[-1]

    monkeypatch.setattr(mx.nd, "random_normal", drawing)
    for ctx, dtype in (("cpu(1)", "float32"), (mx.cpu(1), "float64")):
        for array in (*mlr.synthetic(4, ctx=ctx, dtype=dtype), *drawn):
            assert array.context == mx.cpu(1) and array.dtype == np.dtype(dtype)
        drawn.clear()
    X, y = mlr.synthetic()
    assert X.shape == (10000, 2) and X.context == mx.cpu(0) and X.dtype == np.float32


NAN = float("nan")


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ({"num_examples": 0}, ValueError, "num_examples: must be at least 1, not 0"),
        (
            {"num_examples": 10.0},
            TypeError,
            "num_examples: expected an int of at least 1, not 10.0",
        ),
        ({"noise": -0.1}, ValueError, "noise: must be finite and at least 0, not -0.1"),
        ({"noise": NAN}, ValueError, "noise: must be finite and at least 0, not nan"),
        ({"noise": "a"}, TypeError, "noise: expected a number of at least 0, not 'a'"),
        (
            {"dtype": "float16"},
            ValueError,
            'dtype: must be "float32" or "float64", not \'float16\'',
        ),
    ],
)
def test_bad_synthetic(arguments, error, text):
    with pytest.raises(error) as caught:
        mlr.synthetic(**arguments)
    assert str(caught.value) == text
