"""Which columns are independent, and what is solved for when others are dropped."""

import threading
import tracemalloc

import numpy as np
import pytest

import mxlinreg as mlr
from mxlinreg.exact.rank import dependencies, independent_columns
from mxlinreg.exact.solve import solve
from mxlinreg.moments import triangular_factor, triangular_moments
from mxlinreg.rows.sources import as_rows


def integers(num_rows, num_columns, rank, seed):
    """Columns of small integers, of this rank, in an order that mixes the dependent ones in."""
    random = np.random.RandomState(seed)
    A = random.randint(-3, 4, size=(num_rows, rank))
    B = random.randint(-2, 3, size=(rank, num_columns - rank))
    return np.hstack([A, A @ B])[:, random.permutation(num_columns)].astype(float)


def first_independent(A):
    """Those that raise the rank, which of integers modulo a prime is found without rounding."""
    prime, rows, kept = 2**31 - 1, [], []
    for column in range(A.shape[1]):
        own = [int(value) % prime for value in A[:, column]]
        for pivot, row in rows:
            own = [(a - own[pivot] * b) % prime for a, b in zip(own, row)]
        pivot = next((i for i, value in enumerate(own) if value), None)
        if pivot is not None:
            inverse = pow(own[pivot], prime - 2, prime)
            rows.append((pivot, [value * inverse % prime for value in own]))
            kept.append(column)
    return kept


@pytest.mark.parametrize("shape, rank", [((90, 70), 40), ((200, 150), 140), ((30, 200), 25),
                                         ((40, 40), 40), ((6, 300), 6), ((5, 9), 1)])  # fmt: skip
def test_the_first_independent_columns_of_integers(shape, rank):
    for seed in range(3):
        A = integers(*shape, rank, seed)
        expected, sizes = first_independent(A), np.linalg.norm(A, axis=0)
        assert independent_columns(A, sizes, min(shape)) == expected
        assert independent_columns(triangular_factor(A), sizes, min(shape)) == expected
        assert independent_columns(A, sizes, 3) == expected[:3]
        scaled = 10.0 ** np.random.RandomState(seed).randint(-30, 30, size=shape[1])
        assert independent_columns(A * scaled, sizes * scaled, min(shape)) == expected


@pytest.mark.parametrize("share", [1e-5, 1e-10])
def test_columns_that_nearly_depend_on_others_are_independent(share):
    """The rest of each third column is this share of its length, many rounding errors."""
    random = np.random.RandomState(0)
    A = random.normal(size=(400, 300))
    A[:, 2::3] = A[:, ::3] - A[:, 1::3] + share * A[:, 2::3]
    again = A[:, 2::3] + A[:, 1::3] + A[:, 5:6]
    columns = np.hstack([A, again])
    sizes = np.linalg.norm(columns, axis=0)
    assert independent_columns(columns, sizes, 400) == list(range(300))
    assert independent_columns(triangular_factor(columns), sizes, 400) == list(range(300))
    # If the columns have lost these digits by centring, they are dependent.
    expected = [column for column in range(300) if column % 3 < 2]
    assert independent_columns(columns, 1e16 * share * sizes, 400) == expected


def test_the_coefficients_of_the_combinations():
    random = np.random.RandomState(0)
    A = random.normal(size=(500, 150))
    combinations = np.triu(random.randint(-2, 3, size=(150, 150)))[:, 50:]
    columns = np.hstack([A, A @ combinations])[:, np.arange(250).reshape(2, 125).T.ravel()]
    found = dependencies(triangular_factor(columns), np.linalg.norm(columns, axis=0))
    kept = [column for column in range(250) if column not in found]
    assert len(kept) == np.linalg.matrix_rank(columns) == 150
    for column, terms in found.items():
        assert max(terms) < column and not set(terms) & set(found)
        combined = columns[:, list(terms)] @ list(terms.values())
        np.testing.assert_allclose(combined, columns[:, column], atol=1e-5)


def test_a_message_lists_ten_columns_and_ten_terms():
    random = np.random.RandomState(0)
    X = random.normal(size=(100, 15))
    X = np.hstack([X, 2 * X, X.sum(axis=1)[:, None]])
    with pytest.raises(mlr.RankError) as error:
        mlr.least_squares(X, random.normal(size=100))
    assert "'x24' depends" in str(error.value) and "'x25' depends" not in str(error.value)
    assert "; and 6 more; leave columns out, or use" in str(error.value)
    with pytest.raises(mlr.RankError) as error:
        mlr.least_squares(np.delete(X, slice(15, 30), axis=1), random.normal(size=100))
    assert "1 'x9' + 5 more terms; leave columns out" in str(error.value)


NUMBERS = [
    "intercept", "intercept_standard_error", "residual_standard_deviation", "r_squared",
    "adjusted_r_squared", "f_statistic", "f_p_value", "num_rows", "rank", "degrees_of_freedom",
    "condition_number",
]  # fmt: skip
ARRAYS = ["coefficients", "standard_errors", "t_values", "p_values", "confidence_intervals"]


def assert_equal(result, expected, kept, rtol):
    """All numbers are those of the columns kept, and NaN for the others."""
    for name in NUMBERS:
        if getattr(expected, name) is None:
            assert getattr(result, name) is None
        else:
            np.testing.assert_allclose(getattr(result, name), getattr(expected, name), rtol)
    others = np.setdiff1d(np.arange(len(result.columns)), kept)
    for name in ARRAYS:
        values = getattr(result, name)
        np.testing.assert_allclose(values[kept], getattr(expected, name), rtol)
        assert np.isnan(values[others]).all()
    assert result.dropped == [result.columns[column] for column in others]


def dependent_data(num_rows, num_outputs=None):
    """Eight columns of which x0 is constant, x4 and x6 depend on others; x7 is nearly x1."""
    random = np.random.RandomState(0)
    X = random.normal(size=(num_rows, 8)) * [1, 1, 10, 1e3, 1, 1, 1, 1] + [1, 5, 0, 1e4, 0, 0, 0, 0]
    X[:, 0] = 0.1
    X[:, 4] = X[:, 1] - 2 * X[:, 2] + 7
    X[:, 6] = 3 * X[:, 1]
    X[:, 7] = X[:, 1] + 1e-4 * X[:, 7]
    shape = (num_rows,) if num_outputs is None else (num_rows, num_outputs)
    return X, (X[:, :4].sum(axis=1) + random.normal(size=shape[::-1])).T


@pytest.mark.parametrize("num_rows", [300, 20000, 6, 5, 4, 1])
@pytest.mark.parametrize("intercept, kept", [(True, [1, 2, 3, 5, 7]), (False, [0, 1, 2, 3, 5, 7])])
@pytest.mark.parametrize("num_outputs, weighted", [(None, False), (2, True)])
def test_dropping_equals_leaving_the_columns_out(num_rows, intercept, kept, num_outputs, weighted):
    X, y = dependent_data(num_rows, num_outputs)
    weights = np.random.RandomState(1).uniform(1, 2, size=num_rows) if weighted else None
    settings = {"intercept": intercept, "sample_weight": weights}
    result = mlr.least_squares(X, y, rank_deficient="drop", **settings)
    kept = kept[: num_rows - intercept]
    if kept:
        assert_equal(result, mlr.least_squares(X[:, kept], y, **settings), kept, rtol=0)
    A = np.column_stack([np.ones(num_rows), X[:, kept]]) if intercept else X[:, kept]
    root = np.ones(num_rows) if weights is None else np.sqrt(weights)
    matrix = root[:, None] * A
    coefficients = np.linalg.lstsq(matrix, (root * y.T).T, rcond=1e-15)[0]
    predictions = X @ np.nan_to_num(result.coefficients) + result.intercept
    np.testing.assert_allclose(predictions, A @ coefficients, rtol=1e-9)
    assert result.rank == len(kept) + intercept == np.linalg.matrix_rank(matrix)
    assert (result.largest == np.abs(X).max(axis=0)).all()


def test_dropping_beside_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    X, y = dependent_data(300)
    result = mlr.least_squares(X, y, rank_deficient="drop")
    kept = [1, 2, 3, 5, 7]
    expected = api.OLS(y, api.add_constant(X[:, kept])).fit()
    np.testing.assert_allclose(result.coefficients[kept], expected.params[1:], rtol=1e-6)
    np.testing.assert_allclose(result.standard_errors[kept], expected.bse[1:], rtol=1e-6)
    np.testing.assert_allclose(result.p_values[kept], expected.pvalues[1:], rtol=1e-4)
    np.testing.assert_allclose(result.r_squared, expected.rsquared, rtol=1e-9)
    np.testing.assert_allclose(result.f_statistic, expected.fvalue, rtol=1e-6)
    assert result.degrees_of_freedom == expected.df_resid == 294


def test_nothing_to_drop_and_nothing_to_keep():
    X, y = dependent_data(50)
    result = mlr.least_squares(X[:, [1, 2, 3]], y, rank_deficient="drop")
    assert_equal(result, mlr.least_squares(X[:, [1, 2, 3]], y), [0, 1, 2], rtol=0)
    assert mlr.least_squares(X[:, [1, 2, 3]], y).dropped == result.dropped == []
    result = mlr.least_squares(X[:, [0, 0]], y, rank_deficient="drop")
    assert np.isnan(result.coefficients).all() and result.dropped == ["x0", "x1"]
    np.testing.assert_allclose(result.intercept, y.mean(), rtol=1e-14)
    np.testing.assert_allclose(result.residual_standard_deviation, y.std(ddof=1), rtol=1e-14)
    np.testing.assert_allclose(result.intercept_standard_error, y.std(ddof=1) / 50**0.5)
    assert result.rank == 1 and result.r_squared == 0
    result = mlr.least_squares(0 * X, y, intercept=False, rank_deficient="drop")
    np.testing.assert_allclose(result.residual_standard_deviation, np.sqrt(y @ y / 50))
    assert result.rank == 0 and result.intercept == 0


@pytest.mark.parametrize("num_rows", [300, 5])
def test_dropping_columns_of_blocks(num_rows, monkeypatch):
    X, y = dependent_data(num_rows)
    kept = [1, 2, 3, 5, 7][: num_rows - 1]
    expected = mlr.least_squares(X[:, kept], y)
    blocks = [(X[i : i + 4], y[i : i + 4]) for i in range(0, num_rows, 4)]
    for data in (blocks, iter(blocks)):
        assert_equal(mlr.least_squares(data, rank_deficient="drop"), expected, kept, rtol=1e-9)
    monkeypatch.setattr("mxlinreg.exact.source.KEPT_NUMBERS", 100)  # no second pass
    result = mlr.least_squares(iter(blocks), rank_deficient="drop")
    if num_rows == 300:
        assert_equal(result, expected, kept, rtol=1e-6)
    predictions = X @ np.nan_to_num(result.coefficients) + result.intercept
    np.testing.assert_allclose(predictions, X[:, kept] @ expected.coefficients + expected.intercept)


@pytest.mark.parametrize("how", ["drop", "minimum_norm"])
@pytest.mark.parametrize("num_rows", [100, 5])
def test_dropping_columns_of_all_workers(num_rows, how):
    """Threads that gather their arrays at a barrier; the second has no row."""
    X, y = dependent_data(num_rows)
    expected = mlr.least_squares(X, y, rank_deficient=how)
    barrier, arrays, results = threading.Barrier(3), [None] * 3, [None] * 3
    shares = list(zip(np.split(X, [3, 3]), np.split(y, [3, 3])))

    def work(rank):
        def gather(array):
            arrays[rank] = array
            barrier.wait()
            stacked = np.stack(arrays)
            barrier.wait()
            return stacked

        rows = as_rows(*shares[rank])
        rows.gather = gather
        results[rank] = mlr.least_squares(rows, rank_deficient=how)

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        assert result.dropped == expected.dropped and result.rank == expected.rank
        np.testing.assert_allclose(result.coefficients, expected.coefficients, rtol=1e-8)
        np.testing.assert_allclose(result.standard_errors, expected.standard_errors, rtol=1e-8)


@pytest.mark.parametrize("how", ["drop", "minimum_norm"])
@pytest.mark.parametrize("intercept", [True, False])
def test_many_more_columns_than_rows_without_a_square_matrix(how, intercept):
    """A matrix of 3000 times 3000 numbers would take 72 MB."""
    random = np.random.RandomState(0)
    X, y = random.normal(size=(60, 3000)) + 3, random.normal(size=60)
    X[:, 3] = X[:, 1] + 1 - X[:, 2] * intercept
    tracemalloc.start()
    rows = as_rows(X, y)
    result, moments = solve(rows, intercept, how, None)
    assert tracemalloc.get_traced_memory()[1] < 36e6
    tracemalloc.stop()
    predictions = X @ np.nan_to_num(result.coefficients) + result.intercept
    np.testing.assert_allclose(predictions, y, atol=1e-9)
    assert result.rank == 60 and np.isnan(result.residual_standard_deviation)
    assert moments.products.shape == (61, 3001)  # the rows, and one between blocks
    A = np.column_stack([X, y]) - intercept * np.append(X.mean(axis=0), y.mean())
    np.testing.assert_allclose(moments.products.T @ moments.products, A.T @ A, atol=1e-9)
    if how == "drop":
        # x3 depends on x1 and x2 only together with the intercept or, without it, not at all.
        kept = [0, 1, 2, *range(4, 60)] if intercept else list(range(60))
        assert np.flatnonzero(np.isfinite(result.coefficients)).tolist() == kept
    else:
        centred = X - intercept * X.mean(axis=0)
        scale = np.sqrt((centred**2).mean(axis=0))
        expected = np.linalg.pinv(centred / scale, rcond=1e-12) @ (y - intercept * y.mean()) / scale
        np.testing.assert_allclose(result.coefficients, expected, atol=1e-12)


@pytest.mark.parametrize("how", ["drop", "minimum_norm", "error"])
def test_moments_that_the_caller_has_save_a_pass(how):
    X, y = dependent_data(300)
    X = X[:, [1, 2, 3]] if how == "error" else X
    expected = mlr.least_squares(X, y, rank_deficient=how)
    moments = triangular_moments([(X, y, None)])
    rows, passes = as_rows(X, y), []
    blocks = rows.blocks
    rows.blocks = lambda: passes.append(1) or blocks()
    result, same = solve(rows, True, how, list("abcdefgh")[: X.shape[1]], moments)
    assert same is moments and result.columns == list("abcdefgh")[: X.shape[1]]
    with_moments = len(passes)
    solve(rows, True, how, None)
    assert len(passes) - with_moments == with_moments  # the first reads one block only
    np.testing.assert_allclose(result.coefficients, expected.coefficients, rtol=1e-12)
    blocks = [(X[:150], y[:150]), (X[150:], y[150:])]
    stream = as_rows(iter(blocks))  # whose rows a caller has read for the moments
    result, _ = solve(as_rows(iter(blocks)), True, how, None, moments)
    assert not stream.repeatable
    np.testing.assert_allclose(result.coefficients, expected.coefficients, rtol=1e-6)
