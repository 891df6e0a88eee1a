"""Moments beside NumPy's formulas, standardizing and its way back, and decorrelating."""

from functools import reduce

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mxlinreg.moments import (
    column_moments,
    gathered,
    merged,
    no_rows,
    standardize,
    triangular_inverse,
    triangular_moments,
    unstandardize,
    whitening,
)

KINDS = [column_moments, triangular_moments]

reasonable = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(1, 4)), elements=reasonable))
@settings(deadline=None, max_examples=60)
def test_standardize(X):
    scaled, mean, scale = standardize(X)
    size = np.abs(X).max()
    np.testing.assert_allclose(mean + scale * scaled, X, atol=1e-9 * (1 + size))
    constant = np.ptp(X, axis=0) == 0
    assert ((scale == 0) == constant).all() and (scaled[:, constant] == 0).all()
    wide = scale > 1e-3 * size
    np.testing.assert_allclose(scaled[:, wide].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(scaled[:, wide].std(axis=0), 1, atol=1e-9)


def test_standardize_computes_in_float64():
    X = np.array([[1, -128], [1 + 2**-20, 127], [1, 0]])
    scaled, mean, scale = standardize(X.astype("float32"))
    np.testing.assert_allclose(mean, X.mean(axis=0), rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(scale, X.std(axis=0), rtol=1e-12)
    assert scaled.dtype == mean.dtype == scale.dtype == np.float64


def test_extreme_columns():
    X = np.array([[1e300, 1e-300, 0.1], [3e300, 3e-300, 0.1], [2e300, 2e-300, 0.1]])
    scaled, mean, scale = standardize(X)
    np.testing.assert_allclose(scaled[:, 0], [-(1.5**0.5), 1.5**0.5, 0], atol=1e-12)
    np.testing.assert_allclose(scaled[:, 1], [-(1.5**0.5), 1.5**0.5, 0], atol=1e-12)
    assert (scaled[:, 2] == 0).all() and scale[2] == 0 and mean[2] == 0.1
    with pytest.raises(ValueError, match="overflow"):
        standardize(np.array([[-1.7e308], [1.7e308], [1.7e308]]))


@pytest.mark.parametrize("num_outputs", [1, 2])
def test_unstandardize_predicts_the_same(num_outputs):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(50, 3)) * [1e-3, 1, 1e4] + [5, 0, -1e5]
    X[:, 1] = 7
    y = rng.normal(size=(50, num_outputs)) * 30 + 1000
    X_scaled, X_mean, X_scale = standardize(X)
    y_scaled, y_mean, y_scale = standardize(y)
    params = w, b = rng.normal(size=(3, num_outputs)), rng.normal(size=num_outputs)
    folded = unstandardize(
        [mx.nd.array(param, dtype="float64") for param in params], X_mean, X_scale, y_mean, y_scale
    )
    expected = y_mean + y_scale * (X_scaled @ w + b)
    np.testing.assert_allclose(X @ folded[0] + folded[1], expected, rtol=1e-9)
    assert (folded[0][1] == 0).all()


def test_coefficients_that_overflow():
    one = np.ones(1)
    params = [mx.nd.array([[1.0]], dtype="float64"), mx.nd.array([0.0], dtype="float64")]
    with pytest.raises(ValueError, match="overflow"):
        unstandardize(params, one, 1e-310 * one, one, one)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("cuts", [[], [1, 2, 30], np.arange(1, 5000)])
def test_whitening_of_rows_that_come_in_blocks(cuts, centred):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(5000, 4)) @ rng.normal(size=(4, 4)) * [1e-200, 1, 1e6, 1e200]
    X += [0, 1e6, 0, 0]
    X = np.column_stack([X, np.full(5000, 0.1), 2 * X[:, 1] - 1])  # constant; collinear
    weight = rng.exponential(size=5000)
    moments = reduce(
        merged,
        (
            triangular_moments([(X[rows], None, weight[rows])], centred)
            for rows in np.split(np.arange(5000), cuts)
        ),
    )
    mean = np.average(X, axis=0, weights=weight) if centred else np.zeros(6)
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-9, atol=1e-12)
    assert moments.rows == 5000 and moments.weight == pytest.approx(weight.sum())
    whiten, unwhiten = whitening(moments, 6)
    white = (X - moments.mean) @ whiten
    products = (weight[:, None] * white).T @ white / weight.sum()
    rank = 4 if centred else 5
    np.testing.assert_allclose(products, np.diag([1.0] * rank + [0] * (6 - rank)), atol=1e-6)
    np.testing.assert_allclose(unwhiten @ whiten, np.diag(np.diag(products).round()), atol=1e-7)


def test_whitening_leaves_columns_of_0_out():
    X = np.column_stack([np.random.RandomState(0).normal(size=50), np.zeros(50)])
    for centred in (True, False):
        whiten, unwhiten = whitening(triangular_moments([(X, None, None)], centred), 2)
        assert np.isfinite(whiten).all() and (whiten[1] == 0).all() and (unwhiten[:, 1] == 0).all()


def table(rows, num_inputs=3, seed=0):
    """Correlated columns with means far from 0, two targets, one nearly explained, and weights."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(rows, num_inputs)) @ rng.normal(size=(num_inputs, num_inputs)) + 100
    y = np.column_stack([X.sum(axis=1) + 1e-6 * rng.normal(size=rows), rng.normal(size=rows)])
    return X, y, rng.exponential(size=rows)


def check(moments, X, y, weight, rtol=1e-12):
    """Against NumPy's formulas for the whole table."""
    A = np.column_stack([X, y])
    weight = np.ones(len(A)) if weight is None else weight
    mean = np.average(A, axis=0, weights=weight)
    assert moments.rows == len(A)
    np.testing.assert_allclose(moments.weight, weight.sum(), rtol=1e-14)
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-13, atol=1e-14)
    assert (moments.least == A.min(axis=0)).all() and (moments.largest == A.max(axis=0)).all()
    rows = np.sqrt(weight)[:, None] * (A - mean)
    if moments.products.ndim == 1:
        np.testing.assert_allclose(moments.products, (rows**2).sum(axis=0), rtol=rtol)
        return
    R = moments.products
    assert (np.tril(R, -1) == 0).all()
    products = rows.T @ rows
    np.testing.assert_allclose(R.T @ R, products, rtol=rtol, atol=rtol * np.abs(products).max())
    # Squares would lose the first four digits of what the inputs leave of the first target.
    rest = np.linalg.qr(rows, mode="r")[3, 3]
    np.testing.assert_allclose(np.abs(R[3, 3]), np.abs(rest), rtol=1e-7)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("block, rows", [(1, 500), (7, 500), (3000, 9500), (60000, 100000)])
@pytest.mark.parametrize("kind", KINDS)
def test_moments_of_blocks_by_numpys_formulas(kind, block, rows, weighted):
    X, y, weight = table(rows)
    weight = weight if weighted else None
    blocks = [
        (X[i : i + block], y[i : i + block], weight[i : i + block] if weighted else None)
        for i in range(0, rows, block)
    ]
    check(kind(blocks), X, y, weight)
    check(kind((*block, "order") for block in blocks), X, y, weight)
    half = len(blocks) // 2
    check(merged(kind(blocks[:half]), kind(blocks[half:])), X, y, weight)


@pytest.mark.parametrize("kind", KINDS)
def test_moments_of_workers(kind):
    """Each packs its own into one array; the second of four has no row."""
    X, y, weight = table(300)
    workers = [kind([(X[i::3], y[i::3], weight[i::3])]) for i in range(3)]
    workers.insert(1, no_rows(5, triangular=kind is triangular_moments))
    arrays = np.stack([own.pack() for own in workers])
    for own in workers:
        check(gathered(own, lambda array: arrays), X, y, weight)
    nobody = gathered(workers[1], lambda array: arrays[[1, 1]])
    assert nobody.rows == 0 and kind([]) is None and kind([(X[:0], y[:0], None)]) is None


@pytest.mark.parametrize("kind", KINDS)
def test_means_far_from_0_cost_no_digit(kind):
    """Integers around 10^12, in parts that drift: float64 holds them, and their sums, exactly."""
    rng = np.random.RandomState(0)
    small = rng.randint(-50, 50, size=(30000, 2)) + np.arange(30000)[:, None] // 100
    parts = [kind([(part + 1e12, None, None)]) for part in np.split(small, [7, 9000])]
    for moments in (reduce(merged, parts), kind([(small + 1e12, None, None)])):
        squares = ((small - small.mean(axis=0)) ** 2).sum(axis=0)
        found = moments.products
        found = found if found.ndim == 1 else (found**2).sum(axis=0)
        np.testing.assert_allclose(found, squares, rtol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_constant_columns_are_recognised_exactly(kind):
    """Their means are the values themselves, and their squares 0; an ulp more is not constant."""
    rng = np.random.RandomState(0)
    for rows in (3, 1000, 70001):
        X = np.column_stack([np.full(rows, 0.1), rng.normal(size=rows), np.full(rows, 1e300 / 3)])
        weight = rng.exponential(size=rows)
        parts = [kind([(X[i::3], None, weight[i::3])]) for i in range(3)]
        for moments in (kind([(X, None, weight)]), kind([(X, None, None)]), reduce(merged, parts)):
            assert moments.constant.tolist() == [True, False, True]
            assert (moments.mean[[0, 2]] == X[0, [0, 2]]).all()
            assert (moments.products[..., [0, 2]] == 0).all()
        X[-1, 0] = np.nextafter(0.1, 1)
        assert kind([(X, None, None)]).constant.tolist() == [False, False, True]


def test_columns_that_are_constant_in_some_blocks():
    """Dummies of rare levels; the first block has none, and another nothing else."""
    rng = np.random.RandomState(0)
    X = np.column_stack([np.repeat([0.1, 0.7, 0.3], 2000), rng.normal(size=(6000, 2))])
    y = rng.normal(size=(6000, 2))
    blocks = [(X[i : i + 2000], y[i : i + 2000], None) for i in (0, 2000, 4000)]
    check(triangular_moments(blocks), X, y, None)


def test_blocks_whose_columns_depend_on_each_other_after_one_whose_do_not():
    X, y, weight = table(9000)
    X[3000:6000, 2] = 2 * X[3000:6000, 1] - X[3000:6000, 0]
    blocks = [(X[i : i + 3000], y[i : i + 3000], weight[i : i + 3000]) for i in (0, 3000, 6000)]
    check(triangular_moments(blocks), X, y, weight)


@pytest.mark.parametrize("cuts", [[], [3], [1, 8]])
@pytest.mark.parametrize("centred", [True, False])
def test_fewer_rows_than_columns_without_rows_of_zeros(cuts, centred):
    random = np.random.RandomState(0)
    X, y, weight = random.normal(size=(12, 40)) + 5, random.normal(size=12), random.uniform(size=12)
    blocks = list(zip(*(np.split(array, cuts) for array in (X, y, weight))))
    moments = triangular_moments(blocks, centred, square=False)
    A = np.column_stack([X, y])
    A -= centred * np.average(A, axis=0, weights=weight)
    assert len(moments.products) <= 12 + len(blocks) and (np.tril(moments.products, -1) == 0).all()
    expected = A.T @ (weight[:, None] * A)
    np.testing.assert_allclose(moments.products.T @ moments.products, expected, atol=1e-12)
    square = triangular_moments(blocks, centred)
    assert square.products.shape == (41, 41)
    np.testing.assert_allclose(square.products[: len(moments.products)], moments.products)
    both = merged(moments, moments).products
    np.testing.assert_allclose(both.T @ both, 2 * expected, atol=1e-12)


def test_the_units_of_the_columns_do_not_matter():
    """Numbers whose squares overflow or vanish give the same factor in their units."""
    X, y, weight = table(3000)
    expected = triangular_moments([(X, y, weight)])
    unit = 2.0 ** np.array([-700, 0, 900])
    moments = triangular_moments([(X * unit, y, weight)])
    np.testing.assert_array_equal(moments.products[:, :3] / unit, expected.products[:, :3])
    unit = 2.0 ** np.array([-140, 0, 140])
    expected = column_moments([(X, y, weight)]).products[:3]
    products = column_moments([(X * unit, y, weight)]).products[:3]
    np.testing.assert_array_equal(products / unit / unit, expected)
    with pytest.raises(ValueError, match="1e140 times"):
        triangular_moments([(X, y, weight), (X * 1e160, y, weight)])


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_the_inverse_of_a_triangle(size):
    R = np.triu(np.random.RandomState(0).normal(size=(size, size))) + 3 * np.eye(size)
    inverse = triangular_inverse(R)
    np.testing.assert_allclose(inverse @ R, np.eye(size), atol=1e-12)
    assert (np.tril(inverse, -1) == 0).all()
