"""The printed table of a solution: its widths, its digits and its words."""

import math
import re

import numpy as np
import pytest

import mxlinreg as mlr
from mxlinreg._text import coefficient_texts, p_value_text, rounded
from mxlinreg.exact.table import beside


def fitted(scales, offset=0.0, noise=1.0, num_rows=60, columns=None, **settings):
    """Data whose columns have these scales, and the solution."""
    random = np.random.RandomState(0)
    X = (random.normal(size=(num_rows, len(scales))) + offset) * scales
    y = (X / scales).sum(axis=1) + 3 + noise * random.normal(size=num_rows)
    return X, y, mlr.least_squares(X, y, columns=columns, **settings)


def printed(text, names):
    """The rows of the table: a dict from the name to its cells, which may be one line below."""
    lines = iter(text.split("\n\n")[0].splitlines())
    heads = next(lines)
    if heads == "column":
        heads += next(lines)
    assert heads.split() == "column estimate std. error t value p value 2.5 % 97.5 %".split()
    rows = {}
    for name in names:
        line = next(lines)
        while line == name[: len(line)] and len(name) > len(line):
            line += next(lines)
        if line == name:
            line += next(lines)
        assert line.startswith(name)
        rows[name] = line[len(name) :].split()
        assert len(rows[name]) == 6
    assert next(lines, None) is None
    return rows


CASES = {
    "ordinary": dict(scales=[1.0, 1.0, 1.0]),
    "years": dict(scales=[1.0, 100.0, 1e-3], offset=20.0),
    "tiny": dict(scales=[1e-150, 1e120], offset=-5.0),
    "a good fit": dict(scales=[1.0, 1e5], offset=1e3, noise=1e-6),
    "a perfect fit": dict(scales=[1.0, 3.0], noise=0.0),
    "no intercept": dict(scales=[1.0, 7.0], intercept=False),
    "no degrees of freedom": dict(scales=[1.0, 7.0], num_rows=3),
    "long names": dict(scales=[1.0, 2.0, 3.0], columns=["a", "b" * 50, "c" * 200]),
    "long names, good fit": dict(scales=[1e-140, 3e7], noise=1e-9, columns=["a" * 30, "b"]),
    "wide": dict(scales=[1e-290, 7e-220], offset=1e3, noise=1e-12, intercept=False),
}


@pytest.mark.parametrize("case", CASES)
def test_lines_fit_and_estimates_predict(case):
    """With the printed estimates, predictions are off by at most a thousandth per coefficient."""
    X, y, result = fitted(**CASES[case])
    text = str(result)
    assert max(map(len, text.splitlines())) <= 80
    names = ["(intercept)"] * result.has_intercept + result.columns
    rows = printed(text, names)
    w = np.array([float(rows[name][0]) for name in result.columns])
    b = float(rows["(intercept)"][0]) if result.has_intercept else 0.0
    exact = X @ result.coefficients + result.intercept
    deviation = np.nan_to_num(result.residual_standard_deviation)
    reach = len(names) / 2 * deviation / 1000 + 1e-14 * np.abs(X * w).sum(axis=1).max()
    assert np.abs(X @ w + b - exact).max() <= reach
    if result.degrees_of_freedom:
        errors = [float(rows[name][1]) for name in result.columns]
        np.testing.assert_allclose(errors, result.standard_errors, rtol=5e-3)


def test_intervals_show_both_ends():
    """The standard error is a ten-millionth of the estimate."""
    X, y, result = fitted([1.0, 1.0], offset=0.0, noise=1e-6)
    rows = printed(str(result), ["(intercept)", "x0", "x1"])
    for name, interval in zip(["x0", "x1"], result.confidence_intervals):
        low, high = (float(cell) for cell in rows[name][-2:])
        assert low < float(rows[name][0]) < high
        assert high - low == pytest.approx(interval[1] - interval[0], rel=0.05)


def test_names_beside_the_numbers_or_above_them():
    _, _, result = fitted([1.0, 2.0, 3.0], columns=["short", "n" * 30, "m" * 90])
    lines = str(result).splitlines()
    assert lines[2].startswith("short ") and len(lines[2].split()) == 7
    assert lines[3] == "n" * 30 and len(lines[4].split()) == 6
    assert lines[5:7] == ["m" * 80, "m" * 10] and len(lines[7].split()) == 6
    ends = [match.end() for match in re.finditer(r"\S+", lines[2])]
    assert [match.end() for match in re.finditer(r"\S+", lines[4])] == ends[1:]
    _, _, result = fitted([1.0, 2.0], columns=["n" * 15, "m"])
    assert all(len(line.split()) == 7 for line in str(result).splitlines()[2:4])


def test_the_digits_of_coefficients():
    # The residuals' deviation is 2, so the unit is at most 2e-3 / largest.
    values = [1234.56789012345, -1234.56789012345, 0.00123456789, 1.0, 0.0, math.nan]
    assert coefficient_texts(values, [1, 1e6, 1, 1, 1, 1], 2.0) == [
        "1234.568", "-1234.567890123", "0.00123457", "1", "0", "–",
    ]  # fmt: skip
    assert coefficient_texts([123456.789], [1e-9], 1.0) == ["123457"]  # at least six digits
    for precision in (0.0, math.nan, 1e-300):  # all digits
        assert coefficient_texts([2 / 3, 2.0], [1, 1], precision) == ["0.6666666666666666", "2"]
    assert coefficient_texts([2 / 3], [0.0], 1.0) == ["0.666667"]
    assert coefficient_texts([1e300 / 3], [1e-300], 1e-10) == ["3.333333333333e+299"]
    random = np.random.RandomState(0)
    values = random.normal(size=500) * 10.0 ** random.uniform(-20, 20, size=500)
    largest = 10.0 ** random.uniform(-15, 15, size=500)
    precision = np.abs(values * largest) * 10.0 ** random.uniform(-9, 3, size=500)
    for value, size, deviation in zip(values, largest, precision):
        (text,) = coefficient_texts([value], [size], deviation)
        assert abs(float(text) - value) * size <= deviation / 2000
        assert abs(float(text) / value - 1) <= 5e-6
        assert len(re.sub(r"e.*|[-.]|^0\.0*|^-0\.0*", "", text)) <= 17


def test_the_digits_of_other_numbers():
    assert rounded(0.99999987, (1 - 0.99999987) / 10, least=5) == "0.99999987"
    assert rounded(0.5386917, 0.05, least=5) == "0.53869"
    assert rounded(math.inf, 1.0, least=5) == "inf"
    assert p_value_text(0.0, 4) == p_value_text(9e-301, 4) == "<1e-300"
    assert p_value_text(1.23456e-300, 4) == "1.235e-300" and p_value_text(math.nan, 4) == "nan"


def test_the_words_below_the_table():
    _, _, result = fitted([1.0, 2.0], noise=0.0)
    perfect = "perfect fit: the residuals are rounding errors; the tests say nothing"
    assert str(result).splitlines()[-1] == perfect and result.perfect_fit is True
    X = np.random.RandomState(0).normal(size=(50, 2))
    result = mlr.least_squares(X, X @ [1e6, 1e-4] + 7)
    rows = printed(str(result), ["(intercept)", "x0", "x1"])
    assert [float(rows[name][0]) for name in ("x0", "x1")] == result.coefficients.tolist()
    _, _, result = fitted([1.0, 2.0], noise=1e-9)
    assert perfect not in str(result) and result.perfect_fit is False
    _, _, result = fitted([1.0, 2.0], num_rows=3)
    assert " ".join(str(result).split()).endswith(
        "0 degrees of freedom: 3 rows determine 3 coefficients exactly; "
        "there are no standard errors"
    )
    assert perfect not in str(result) and "F statistic" not in str(result)
    X = np.random.RandomState(0).normal(size=(9, 2))
    text = str(mlr.least_squares(X, np.full(9, 0.3)))
    assert "R2 undefined: the target is constant" in text and "F statistic" not in text
    assert "(9 rows)" in text
    text = str(
        mlr.least_squares(X, X @ np.array([[1.0, 1.0], [2.0, 2.0]]) + [[0, 1]] * X[::-1, :1])
    )
    first, second = re.split(r"output \d\n", text)[1:]
    assert perfect in first and perfect not in second


def test_the_words_for_one():
    text = str(mlr.least_squares([[1.0], [2.0], [4.0]], [1.0, 3.0, 2.0]))
    assert "on 1 degree of freedom (3 rows)" in text
    text = str(mlr.least_squares([[1.0]], [1.0], rank_deficient="drop"))
    assert "nan" not in text and "residual standard deviation" not in text
    assert "1 row determines 1 coefficient exactly" in text


def test_the_words_about_dropped_columns():
    X, y, _ = fitted([1.0, 2.0])
    names = [f"column {i}" for i in range(15)]
    copies = X[:, [0, 1, *[0] * 13]]
    result = mlr.least_squares(copies, y, rank_deficient="drop", columns=names)
    text = " ".join(str(result).split())
    listed = ", ".join(f"'column {i}'" for i in range(2, 12))
    assert (
        f"dropped: {listed} and 3 more (13 columns depend on earlier ones or are constant)" in text
    )
    rows = printed(str(result), ["(intercept)", *names])
    assert all(rows[name] == ["–"] * 6 for name in names[2:]) and "–" not in rows["column 1"]
    assert max(map(len, str(result).splitlines())) <= 80
    result = mlr.least_squares(copies[:, :3], y, rank_deficient="drop")
    assert str(result).splitlines()[-1] == (
        "dropped: 'x2' (1 column depends on earlier ones or is constant)"
    )


def test_a_training_beside_the_solution():
    X, y, result = fitted([1.0, 1e4, 1.0], columns=["a", "b" * 70, "c"])
    trained = np.append(result.intercept, result.coefficients) * 1.001
    lines = beside(result.columns, trained, result).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["column", "trained", "exact", "std.", "error"]
    assert lines[3] == "b" * 70
    cells = [line.split() for line in (lines[1], lines[2], "b " + lines[4], lines[5])]
    assert [row[0] for row in cells] == ["(intercept)", "a", "b", "c"]
    numbers = np.array([row[1:] for row in cells], dtype=float)
    exact = np.append(result.intercept, result.coefficients)
    reach = result.residual_standard_deviation / 2000 / np.append(1, np.abs(X).max(axis=0))
    assert (np.abs(numbers[:, 0] - trained) <= reach).all()
    assert (np.abs(numbers[:, 1] - exact) <= reach).all()
    errors = np.append(result.intercept_standard_error, result.standard_errors)
    np.testing.assert_allclose(numbers[:, 2], errors, rtol=1e-4)

    assert (
        beside(["a"], np.array([2.0, np.nan]), fitted([1.0])[2]).splitlines()[2].split()[1] == "–"
    )
    for settings, words in [
        ({"noise": 0.0}, "perfect fit: the residuals are rounding errors; the tests say nothing"),
        ({"num_rows": 2}, "0 degrees of freedom: 2 rows determine 2 coefficients exactly; there "
         "are no standard errors"),
    ]:  # fmt: skip
        _, _, sure = fitted([1.0], **settings)
        text = beside(["a"], np.zeros(2), sure)
        assert " ".join(text.split("\n\n")[1].split()) == words

    X = np.column_stack([X[:, 0], X[:, 0]])
    result = mlr.least_squares(X, y, intercept=False, rank_deficient="drop")
    lines = beside(["a", "b"], np.array([0.5, 1.0, 2.0]), result).splitlines()
    assert lines[1].split() == ["(intercept)", "0.5", "0", "–"]
    assert lines[3].split() == ["b", "2", "–", "–"]
