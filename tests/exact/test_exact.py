"""The least-squares solution beside certified values, statsmodels' formulas, SciPy and NumPy."""

import csv
import json
import math
import threading
from fractions import Fraction
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr
from mxlinreg.rows.sources import as_rows

NIST = Path(__file__).parent.parent / "data" / "nist"
CERTIFIED = json.loads((NIST / "certified.json").read_text())
# Digits of the worst coefficient, and of the standard errors and the residual deviation. Filip's
# condition number is 4e9 after scaling: the rounding of the powers of x leaves it seven digits.
DIGITS = {
    "norris": (12, 9),
    "longley": (12, 9),
    "noint1": (14, 9),
    "wampler1": (12, 9),
    "filip": (7, 7),
}


def certified_case(name):
    with open(NIST / f"{name}.csv", newline="") as file:
        columns = np.array(list(csv.reader(file))[1:], dtype=np.float64)
    y, X = columns[:, 0], columns[:, 1:]
    degree = CERTIFIED[name]["polynomial_degree"]
    return np.cumprod(np.repeat(X, degree, axis=1), axis=1) if degree > 1 else X, y


def digits(values, expected):
    """The log relative error of the worst."""
    values, expected = np.ravel(values), np.ravel(expected)
    error = np.abs(values - expected) / np.where(expected == 0, 1, np.abs(expected))
    return -np.log10(max(error.max(), 1e-16))


def all_of(result):
    if result.intercept_standard_error is None:
        return result.coefficients, result.standard_errors
    return (
        np.append(result.intercept, result.coefficients),
        np.append(result.intercept_standard_error, result.standard_errors),
    )


@pytest.mark.parametrize("block", [None, 3, 1])
@pytest.mark.parametrize("name", DIGITS)
def test_certified_values(name, block):
    X, y = certified_case(name)
    expected = CERTIFIED[name]
    if block is None:
        result = mlr.least_squares(X, y, intercept=expected["intercept"])
    else:
        blocks = ((X[i : i + block], y[i : i + block]) for i in range(0, len(X), block))
        result = mlr.least_squares(blocks, intercept=expected["intercept"])
    coefficients, standard_errors = all_of(result)
    of_coefficients, of_errors = DIGITS[name]
    assert digits(coefficients, expected["coefficients"]) >= of_coefficients
    assert digits(standard_errors, expected["standard_errors"]) >= of_errors
    deviation = result.residual_standard_deviation
    assert digits(deviation, expected["residual_standard_deviation"]) >= of_errors
    assert digits(result.r_squared, expected["r_squared"]) >= of_errors


def exactly(X, y, intercept):
    """Coefficients and standard errors of these float64 numbers, by Gauss-Jordan in fractions."""
    A = [[Fraction(1)] * intercept + [Fraction(value) for value in row] for row in X.tolist()]
    y = [Fraction(value) for value in y.tolist()]
    size = len(A[0])
    system = [
        [sum(row[i] * row[j] for row in A) for j in range(size)]
        + [sum(row[i] * label for row, label in zip(A, y))]
        + [Fraction(int(i == j)) for j in range(size)]
        for i in range(size)
    ]
    for i in range(size):
        system[i] = [value / system[i][i] for value in system[i]]
        for j in range(size):
            if j != i:
                factor = system[j][i]
                system[j] = [a - factor * b for a, b in zip(system[j], system[i])]
    solution = [row[size] for row in system]
    errors = [label - sum(a * b for a, b in zip(row, solution)) for row, label in zip(A, y)]
    variance = sum(error**2 for error in errors) / (len(y) - size)
    spread = [math.sqrt(variance * system[i][size + 1 + i]) for i in range(size)]
    return [float(value) for value in solution], spread


def hard_case(name):
    """X, y and whether there is an intercept."""
    random = np.random.RandomState(0)
    if name == "far":  # correlated integers around 10^13
        X = 10**13 + np.cumsum(random.randint(-50, 50, size=(30, 3)), axis=1)
        X[:, 1] = X[:, 0] + random.randint(-2, 2, size=30)
        return X.astype(float), random.randint(9, size=30).astype(float), True
    if name == "polynomial":  # condition number 3e11, so that refining it takes two steps
        x = np.arange(10.0, 25.0) / 2
        return np.stack([x**power for power in range(1, 12)], axis=1), random.normal(size=15), True
    return (*certified_case(name), CERTIFIED[name]["intercept"])


@pytest.mark.parametrize("name", ["norris", "longley", "noint1", "filip", "far", "polynomial"])
def test_every_digit_that_the_numbers_determine(name):
    """Also where the rounding of the data leaves the certified values seven digits."""
    X, y, intercept = hard_case(name)
    coefficients, standard_errors = exactly(X, y, intercept)
    result = all_of(mlr.least_squares(X, y, intercept=intercept))
    assert digits(result[0], coefficients) >= 15.5
    assert digits(result[1], standard_errors) >= (14 if result[0].size < 8 else 12)


def test_sums_and_products_of_twice_the_digits():
    from mxlinreg.exact import digits as twice

    random = np.random.RandomState(0)

    def value(pair):
        return Fraction(float(pair[0])) + Fraction(float(pair[1]))

    for size in (1, 2, 100, 5000):
        high = random.normal(size=size) * 10.0 ** random.uniform(-12, 3, size=size)
        low = high * 2.0**-54 * random.uniform(-1, 1, size=size)
        high[1:] -= high[:-1]  # the sum cancels
        expected = sum(Fraction(a) + Fraction(b) for a, b in zip(high.tolist(), low.tolist()))
        found = twice.total((np.stack([high, 2 * high]), np.stack([low, 2 * low])))
        assert abs(value([part[0] for part in found]) - expected) < 1e-30 * np.abs(high).max()
        assert abs(value([part[1] for part in found]) - 2 * expected) < 2e-30 * np.abs(high).max()
        found = twice.total((high[:, None], low[:, None]), axis=0)
        assert abs(value([part[0] for part in found]) - expected) < 1e-30 * np.abs(high).max()
        a = random.normal(size=size)
        found = twice.multiply(a, (high, low))
        for i in range(min(size, 100)):
            expected = Fraction(a[i]) * value((high[i], low[i]))
            assert abs(value((found[0][i], found[1][i])) - expected) <= 1e-31 * abs(expected)


def data(rows=200, num_inputs=4, num_outputs=None, seed=0):
    random = np.random.RandomState(seed)
    X = random.normal(size=(rows, num_inputs)) * 10.0 ** np.arange(num_inputs) + 50
    w = random.normal(size=(num_inputs, num_outputs or 1))
    y = X @ w + 3 + random.normal(size=(rows, num_outputs or 1))
    return X, y if num_outputs else y[:, 0]


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_statistics_by_their_textbook_formulas(intercept, weighted):
    stats = pytest.importorskip("scipy.stats")

    X, y = data()
    weights = np.random.RandomState(1).uniform(size=len(y)) if weighted else np.ones(len(y))
    weights[:5] *= not weighted  # rows of weight 0 do not count
    result = mlr.least_squares(
        X, y, intercept=intercept, sample_weight=weights if weighted else None
    )
    X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
    A = np.column_stack([np.ones(len(X)), X]) if intercept else X
    inverse = np.linalg.inv(A.T @ (weights[:, None] * A))
    b = inverse @ A.T @ (weights * y)
    squares = weights @ (y - A @ b) ** 2
    degrees = len(y) - A.shape[1]
    errors = np.sqrt(np.diag(inverse) * squares / degrees)
    centre = np.average(y, weights=weights) if intercept else 0
    total = weights @ (y - centre) ** 2
    coefficients, standard_errors = all_of(result)
    np.testing.assert_allclose(coefficients, b, rtol=1e-7)
    np.testing.assert_allclose(standard_errors, errors, rtol=1e-7)
    np.testing.assert_allclose(result.residual_standard_deviation, np.sqrt(squares / degrees))
    np.testing.assert_allclose(result.r_squared, 1 - squares / total)
    f = (total - squares) / X.shape[1] / (squares / degrees)
    np.testing.assert_allclose(result.f_statistic, f, rtol=1e-6)
    np.testing.assert_allclose(result.f_p_value, stats.f.sf(f, X.shape[1], degrees), rtol=1e-4)
    t = b / errors
    expected = 2 * stats.t.sf(np.abs(t), degrees)[-X.shape[1] :]
    np.testing.assert_allclose(result.p_values, expected, rtol=1e-4)
    reach = stats.t.ppf(0.975, degrees) * errors[-X.shape[1] :]
    np.testing.assert_allclose(np.diff(result.intervals)[:, 0], 2 * reach, rtol=1e-7)
    assert result.rank == A.shape[1] and result.degrees_of_freedom == degrees
    columns = X - intercept * np.average(X, axis=0, weights=weights)
    columns = columns * np.sqrt(weights)[:, None]
    condition = np.linalg.cond(columns / np.linalg.norm(columns, axis=0))
    np.testing.assert_allclose(result.condition_number, condition, rtol=1e-6)


@pytest.mark.parametrize("dof", [1, 2, 9, 40, 431, 10**6])
def test_students_and_fishers_distribution_to_12_digits(dof):
    stats = pytest.importorskip("scipy.stats")
    from mxlinreg.exact.distributions import f_p_value, t_p_value, t_quantile

    # Where SciPy itself has these digits.
    for t in (0.1, 1.0, 2.5, 10.0, 100.0) if dof < 1000 else (0.1, 1.0):
        np.testing.assert_allclose(t_p_value(t, dof), 2 * stats.t.sf(t, dof), rtol=1e-12)
        np.testing.assert_allclose(f_p_value(t * t, 1, dof), t_p_value(t, dof), rtol=1e-12)
    for f in (0.1, 1.0, 3.0):
        closed = np.exp(-dof / 2 * np.log1p(2 * f / dof))
        np.testing.assert_allclose(f_p_value(f, 2, dof), closed, rtol=1e-12)
        np.testing.assert_allclose(f_p_value(f, 7, 40), stats.f.sf(f, 7, 40), rtol=1e-12)
    np.testing.assert_allclose(2 * stats.t.sf(t_quantile(dof), dof), 0.05, rtol=1e-10)


@pytest.mark.parametrize("block", [1, 7, 64])
def test_blocks_give_what_the_whole_gives(block):
    X, y = data(num_outputs=2)
    whole = mlr.least_squares(X, y)
    result = mlr.least_squares(
        [(X[i : i + block], y[i : i + block]) for i in range(0, len(X), block)]
    )
    np.testing.assert_allclose(result.coefficients, whole.coefficients, rtol=1e-13)
    np.testing.assert_allclose(result.standard_errors, whole.standard_errors, rtol=1e-12)
    for output in range(2):
        one = mlr.least_squares(X, y[:, output])
        np.testing.assert_allclose(whole.coefficients[:, output], one.coefficients, rtol=1e-13)
        np.testing.assert_allclose(whole.p_values[:, output], one.p_values, rtol=1e-10)
        np.testing.assert_allclose(whole.intervals[:, output], one.intervals, rtol=1e-12)
        np.testing.assert_allclose(whole.intercept_interval[output], one.intercept_interval)


def test_blocks_without_rows():
    X, y = data()
    blocks = [(X[:0], y[:0]), (X[:50], y[:50]), (X[:0], y[:0]), (X[50:], y[50:])]
    result, whole = mlr.least_squares(blocks), mlr.least_squares(X, y)
    np.testing.assert_allclose(result.coefficients, whole.coefficients, rtol=1e-13)


def test_more_rows_than_one_block_ill_conditioned_and_from_an_iterator():
    """40 000 rows of a column and its double plus a little: condition number 2e5."""
    random = np.random.RandomState(0)
    X = random.normal(size=(40000, 2))
    X[:, 1] = 2 * X[:, 0] + 1e-5 * X[:, 1]
    y = X @ [1.0, 2.0] + 3
    blocks = ((X[i : i + 1000], y[i : i + 1000]) for i in range(0, len(X), 1000))
    for result in (mlr.least_squares(X, y), mlr.least_squares(blocks)):
        np.testing.assert_allclose(result.coefficients, [1, 2], rtol=1e-10)
        assert result.condition_number > 1e5


def test_an_iterator_may_use_its_arrays_again():
    """The rows are kept as copies for the refinement, which needs them here."""
    X, y = certified_case("longley")
    rows, labels = np.empty((4, 6)), np.empty(4)

    def blocks():
        for start in range(0, 16, 4):
            rows[:], labels[:] = X[start : start + 4], y[start : start + 4]
            yield rows, labels

    result, expected = mlr.least_squares(blocks()), mlr.least_squares(X, y)
    np.testing.assert_allclose(result.coefficients, expected.coefficients, rtol=1e-14)


def test_mxnets_arrays_and_float32():
    X, y = data()
    X = X.astype("float32")
    result = mlr.least_squares(mx.nd.array(X), mx.nd.array(y, dtype="float64"))
    expected = mlr.least_squares(X.astype("float64"), y)
    assert (result.coefficients == expected.coefficients).all()
    assert type(result.intercept) is float and result.coefficients.shape == (4,)


def test_the_table_has_the_columns_names_and_the_numbers():
    pandas = pytest.importorskip("pandas")
    X, y = certified_case("longley")
    names = ["deflator", "gnp", "unemployed", "armed", "population", "year"]
    result = mlr.least_squares(pandas.DataFrame(X, columns=names), y)
    lines = str(result).splitlines()
    assert [line.split()[0] for line in lines[:8]] == ["column", "(intercept)", *names]
    row = lines[7].split()
    # The years are up to 1962, so a thousandth of the deviation is 1.6e-4 of a unit of theirs.
    assert row[:4] == ["year", "1829.1515", "455.48", "4.0159"]
    assert "residual standard deviation 304.85 on 9 degrees of freedom" in lines[9]
    assert "0.99548" in lines[10] and "330.29 on 6 and 9" in lines[11]


def test_columns_that_explain_nothing():
    """Rounding must not take R² below 0, or a constant y for one that varies."""
    result = mlr.least_squares([[-1.0], [0.0], [1.0]], [1.1, 0.3, 1.1])
    assert abs(result.r_squared) < 1e-15 and result.f_p_value == 1 and "nan" not in str(result)
    result = mlr.least_squares(data()[0], np.full(len(data()[0]), 0.3))
    assert np.isnan(result.r_squared) and np.isnan(result.f_statistic)


def test_names_what_depends_on_what():
    X, y = data()
    X = np.column_stack([X, 2 * X[:, 0] - X[:, 2] + 7, np.full(len(X), 0.1)])
    with pytest.raises(mlr.RankError) as error:
        mlr.least_squares(X, y)
    assert "'x4' depends on others: it is 2 'x0' - 1 'x2' + 7" in str(error.value)
    assert "'x5' is constant" in str(error.value) and "'x3'" not in str(error.value)
    with pytest.raises(mlr.RankError, match="'x1' is constant up to rounding$|leave"):
        mlr.least_squares(np.column_stack([X[:, 0], np.where(X[:, 1] > 50, 0.1 + 0.2, 0.3)]), y)
    with pytest.raises(mlr.RankError, match="'x1' is 0 everywhere"):
        mlr.least_squares(X[:, :2] * [1, 0], y, intercept=False)
    with pytest.raises(mlr.RankError, match="4 rows do not determine 5 coefficients"):
        mlr.least_squares(X[:4, :4], y[:4])


@pytest.mark.parametrize("rows", [200, 4])
def test_the_minimum_norm_solution(rows):
    X, y = data(rows)
    X = np.column_stack([X, X[:, 0] + X[:, 1], np.full(len(X), 0.1)])
    result = mlr.least_squares(X, y, rank_deficient="minimum_norm")
    scale = X.std(axis=0)
    scaled = (X - X.mean(axis=0))[:, :5] / scale[:5]
    expected = np.linalg.pinv(scaled, rcond=1e-10) @ (y - y.mean()) / scale[:5]
    np.testing.assert_allclose(result.coefficients[:5], expected, rtol=1e-6)
    assert result.coefficients[5] == 0
    assert result.rank == 1 + np.linalg.matrix_rank(scaled, tol=1e-8)


@pytest.mark.parametrize("rows", [40, 5])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_minimum_norm_beside_lapack(intercept, rows):
    """In columns of one length, where it is the minimum norm of NumPy and scikit-learn as well."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    random = np.random.RandomState(0)
    X = random.normal(size=(rows, 4)) @ random.normal(size=(4, 7))
    X -= intercept * X.mean(axis=0)
    X = X / np.linalg.norm(X, axis=0) + 3 * intercept
    y = random.normal(size=(rows, 2))
    result = mlr.least_squares(X, y, intercept, rank_deficient="minimum_norm")
    centred = X - intercept * X.mean(axis=0)
    expected, _, rank, _ = np.linalg.lstsq(centred, y, rcond=1e-9)
    np.testing.assert_allclose(result.coefficients, expected, atol=1e-12)
    assert result.rank == rank + intercept == 4 + (intercept and rows > 4)
    model = linear_model.LinearRegression(fit_intercept=intercept).fit(X, y)
    predictions = X @ result.coefficients + result.intercept
    degrees = rows - result.rank
    deviation = np.sqrt(((y - predictions) ** 2).sum(axis=0) / degrees) if degrees else math.nan
    np.testing.assert_allclose(result.residual_standard_deviation, deviation, rtol=1e-12)
    np.testing.assert_allclose(predictions, model.predict(X), atol=1e-9)


@pytest.mark.parametrize("noise", [1e-6, 0.1, 100])
@pytest.mark.parametrize("drift", [0, 10])
def test_many_rows_that_are_not_refined(noise, drift):
    """A target that the columns explain but for one part in 10^12 keeps its residuals' digits."""
    random = np.random.RandomState(0)
    X = random.normal(size=(60000, 5)) + 50 + drift * np.linspace(0, 1, 60000)[:, None]
    y = X @ np.arange(1.0, 6.0) + noise * random.normal(size=60000) + 7
    result = mlr.least_squares(X, y)
    assert result.condition_number < 10
    A = np.column_stack([np.ones(len(X)), X - X.mean(axis=0)])
    residuals = y - A @ np.linalg.lstsq(A, y, rcond=None)[0]
    variance = residuals @ residuals / (len(X) - 6)
    errors = np.sqrt(np.diag(np.linalg.inv(A.T @ A)) * variance)[1:]
    np.testing.assert_allclose(result.residual_standard_deviation**2, variance, rtol=1e-8)
    np.testing.assert_allclose(result.standard_errors, errors, rtol=1e-8)
    np.testing.assert_allclose(1 - result.r_squared, variance * (len(X) - 6) / np.var(y) / len(X),
                               atol=1e-12, rtol=1e-6)  # fmt: skip


def test_workers_get_what_one_gets():
    """Threads that gather their arrays at a barrier; the third has no row, the last few."""
    for X, y in (data(num_outputs=2), certified_case("longley")):
        cuts = [len(X) // 2, len(X) - 3, len(X) - 3]
        shares = list(zip(np.split(X, cuts), np.split(y, cuts)))
        barrier, arrays = threading.Barrier(len(shares)), [None] * len(shares)
        results = [None] * len(shares)

        def work(rank):
            def gather(array):
                arrays[rank] = array  # noqa: B023
                barrier.wait()  # noqa: B023
                stacked = np.stack(arrays)  # noqa: B023
                barrier.wait()  # noqa: B023
                return stacked

            rows = as_rows(*shares[rank])  # noqa: B023
            rows.gather = gather
            results[rank] = mlr.least_squares(rows)  # noqa: B023

        threads = [threading.Thread(target=work, args=(rank,)) for rank in range(len(shares))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expected = all_of(mlr.least_squares(X, y))
        for result in results:
            for own, one in zip(all_of(result), expected):
                np.testing.assert_allclose(own, one, rtol=1e-12)


def test_confidence_intervals_by_both_names():
    result = mlr.least_squares(*data())
    assert (result.confidence_intervals == result.intervals).all()
    assert (np.diff(result.intervals)[:, 0] > result.standard_errors).all()


def test_no_degrees_of_freedom_and_a_perfect_fit():
    result = mlr.least_squares([[0.0], [1.0]], [1.0, 3.0])
    assert result.intercept == 1 and result.coefficients == [2]
    assert np.isnan(result.standard_errors).all() and np.isnan(result.p_values).all()
    assert "nan" not in str(result) and "–" in str(result)
    result = mlr.least_squares([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    assert result.residual_standard_deviation < 1e-15 and result.p_values < 1e-15


def test_numbers_of_any_size():
    X, y = data()
    expected = mlr.least_squares(X, y).coefficients
    result = mlr.least_squares(X * 2.0**600, y * 2.0**500)
    np.testing.assert_allclose(result.coefficients * 2.0**100, expected, rtol=1e-14)
    with pytest.raises(ValueError, match="1e140 times"):
        mlr.least_squares([(X, y), (X * 1e160, y)])
    for weight in (1e-60, 1e200):
        weights = np.full(len(X), weight)
        result = mlr.least_squares(X + 1e5, y, sample_weight=weights)
        np.testing.assert_allclose(result.coefficients, expected, rtol=1e-9)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([[1.0]], [[1.0], [2.0]]), "y: shape"),
        (([[1.0], [np.nan]], [1.0, 2.0]), "X: holds NaN"),
        (([[1.0], [2.0]], [1.0, np.inf]), "y: holds NaN"),
        ((np.ones((0, 2)), np.ones(0)), "at least one"),
        (([1.0, 2.0], [1.0, 2.0]), "X: must have 2 dimensions"),
        ((np.ones((2, 2)),), "y: missing"),
        (([(np.ones((2, 2)), np.ones(2)), (np.ones((2, 3)), np.ones(2))],), "does not fit"),
        (([["a"], ["b"]], [1.0, 2.0]), "X: must hold real numbers"),
        (([[1.0], [2.0]], [1.0, 2.0], True, [-1.0, 1.0]), "sample_weight: must"),
        (([[1.0], [2.0]], [1.0, 2.0], True, [0.0, 0.0]), "at least one"),
        (([[1.0], [2.0]], [1.0, 2.0], True, None, "ignore"), "rank_deficient: must"),
        (([[1.0], [2.0]], [1.0, 2.0], True, None, "error", ["a", "b"]), "columns: 2 names"),
    ],
)
def test_says_what_is_wrong(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        mlr.least_squares(*arguments)


def test_several_correlated_outputs_have_each_its_own_r_squared():
    random = np.random.RandomState(0)
    X, noise = random.normal(size=(40, 2)), random.normal(size=(40, 1))
    y = X @ [[1.0, 0.0], [0.5, 0.1]] + noise * [1.0, 3.0] + 0.3 * random.normal(size=(40, 2))
    result = mlr.least_squares(X, y)
    residuals = y - X @ result.coefficients - result.intercept
    expected = 1 - (residuals**2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(result.r_squared, expected, rtol=1e-12)
    tables = str(result).split("\n\n")
    assert [table.split("\n")[0] for table in tables if "output" in table] == [
        "output 0",
        "output 1",
    ]


def test_rows_that_come_only_once_and_are_too_many_to_keep(monkeypatch):
    """They are not refined, and nothing is taken from the pass that there cannot be."""
    monkeypatch.setattr("mxlinreg.exact.source.KEPT_NUMBERS", 100)
    monkeypatch.setattr("mxlinreg.exact.solution.FEW_NUMBERS", 100)
    random = np.random.RandomState(0)
    X = random.normal(size=(400, 2))
    X[:, 1] = 2 * X[:, 0] + 1e-2 * X[:, 1]
    y = X @ [1.0, 2.0] + 3 + random.normal(size=400)
    once = mlr.least_squares((X[i : i + 50], y[i : i + 50]) for i in range(0, 400, 50))
    whole = mlr.least_squares(X, y)
    np.testing.assert_allclose(once.coefficients, whole.coefficients, rtol=1e-9)
    np.testing.assert_allclose(once.standard_errors, whole.standard_errors, rtol=1e-9)


def test_an_infinite_f_statistic_has_the_p_value_0():
    from mxlinreg.exact.distributions import f_p_value

    assert f_p_value(math.inf, 1, 1) == 0 and math.isnan(f_p_value(math.inf, 0, 1))


def test_statistics_of_an_intercept_that_is_none():
    X = np.random.RandomState(0).normal(size=(20, 2))
    result = mlr.least_squares(X, X @ [1.0, 2.0] + X[:, 0] ** 2, intercept=False)
    assert result.intercept == 0 and result.intercept_standard_error is None
    assert np.isnan([result.intercept_t_value, *result.intercept_interval]).all()
    assert np.isnan(result.intercept_p_value)
