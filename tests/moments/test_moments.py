"""Standardisation and its way back."""

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mxlinreg.moments import add_rows, fold, standardise, whitening

reasonable = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(1, 4)), elements=reasonable))
@settings(deadline=None, max_examples=60)
def test_standardise(X):
    scaled, mean, scale = standardise(X)
    size = np.abs(X).max()
    np.testing.assert_allclose(mean + scale * scaled, X, atol=1e-9 * (1 + size))
    constant = np.ptp(X, axis=0) == 0
    assert ((scale == 0) == constant).all() and (scaled[:, constant] == 0).all()
    wide = scale > 1e-3 * size
    np.testing.assert_allclose(scaled[:, wide].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(scaled[:, wide].std(axis=0), 1, atol=1e-9)


def test_extreme_columns():
    X = np.array([[1e300, 1e-300, 0.1], [3e300, 3e-300, 0.1], [2e300, 2e-300, 0.1]])
    scaled, mean, scale = standardise(X)
    np.testing.assert_allclose(scaled[:, 0], [-(1.5**0.5), 1.5**0.5, 0], atol=1e-12)
    np.testing.assert_allclose(scaled[:, 1], [-(1.5**0.5), 1.5**0.5, 0], atol=1e-12)
    assert (scaled[:, 2] == 0).all() and scale[2] == 0 and mean[2] == 0.1
    with pytest.raises(ValueError, match="overflow"):
        standardise(np.array([[-1.7e308], [1.7e308], [1.7e308]]))


@pytest.mark.parametrize("num_outputs", [1, 2])
def test_fold_predicts_the_same(num_outputs):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(50, 3)) * [1e-3, 1, 1e4] + [5, 0, -1e5]
    X[:, 1] = 7
    y = rng.normal(size=(50, num_outputs)) * 30 + 1000
    X_scaled, X_mean, X_scale = standardise(X)
    y_scaled, y_mean, y_scale = standardise(y)
    params = w, b = rng.normal(size=(3, num_outputs)), rng.normal(size=num_outputs)
    folded = fold(
        [mx.nd.array(param, dtype="float64") for param in params], X_mean, X_scale, y_mean, y_scale
    )
    expected = y_mean + y_scale * (X_scaled @ w + b)
    np.testing.assert_allclose(X @ folded[0] + folded[1], expected, rtol=1e-9)
    assert (folded[0][1] == 0).all()


def test_coefficients_that_overflow():
    one = np.ones(1)
    params = [mx.nd.array([[1.0]], dtype="float64"), mx.nd.array([0.0], dtype="float64")]
    with pytest.raises(ValueError, match="overflow"):
        fold(params, one, 1e-310 * one, one, one)


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("cuts", [[], [1, 2, 30], np.arange(1, 5000)])
def test_whitening_of_rows_that_come_in_blocks(cuts, centre):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(5000, 4)) @ rng.normal(size=(4, 4)) * [1e-200, 1, 1e6, 1e200]
    X += [0, 1e6, 0, 0]
    X = np.column_stack([X, np.full(5000, 0.1), 2 * X[:, 1] - 1])  # constant; collinear
    weight = rng.exponential(size=5000)
    moments = None
    for rows in np.split(np.arange(5000), cuts):
        moments = add_rows(moments, X[rows], weight[rows], centre)
    mean = np.average(X, axis=0, weights=weight) if centre else np.zeros(6)
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-9, atol=1e-12)
    assert moments.rows == 5000 and moments.weight == pytest.approx(weight.sum())
    whiten, unwhiten = whitening(moments, 6)
    white = (X - moments.mean) @ whiten
    products = (weight[:, None] * white).T @ white / weight.sum()
    rank = 4 if centre else 5
    np.testing.assert_allclose(products, np.diag([1.0] * rank + [0] * (6 - rank)), atol=1e-6)
    np.testing.assert_allclose(unwhiten @ whiten, np.diag(np.diag(products).round()), atol=1e-7)
