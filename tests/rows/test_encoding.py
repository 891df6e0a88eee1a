"""Columns of a table to numbers, and back to the same numbers for other rows."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mxlinreg.rows import encoding
from mxlinreg.rows.table_blocks import as_arrow
from mxlinreg.rows.terms import parse_terms


def fitted(table, features=None, categorical=(), terms="", **options):
    table = table if isinstance(table, pa.Table) else as_arrow(table)
    features = features or table.column_names
    summaries = encoding.summarize(table, "the table", table.column_names, categorical)
    parsed = parse_terms(terms, table.column_names) if terms else []
    return encoding.build_encoding(features, summaries, parsed, **options), summaries, table


def test_text_and_booleans_as_pandas_makes_dummies():
    frame = pd.DataFrame(
        {
            "n": [1.5, 2, 3, 4],
            "city": ["Ulm", "Bonn", "Aalen", "Ulm"],
            "b": [True, False, True, True],
        }
    )
    made, _, table = fitted(frame)
    dummies = pd.get_dummies(frame, columns=["city", "b"], drop_first=True)
    assert made.columns == ["n", "city=Bonn", "city=Ulm", "b=true"]
    assert encoding.encode(table, made).X.tolist() == dummies.astype(float).values.tolist()
    assert made.levels == {"city": ["Aalen", "Bonn", "Ulm"], "b": ["false", "true"]}


@pytest.mark.parametrize(
    "column",
    [
        pa.array([4, 10, 6, 10, None]),
        pa.array([4.0, 10.0, 6.0, 10.0, None]),
        pa.array([Decimal("4.0"), Decimal("10.0"), Decimal("6.0"), Decimal("10.0"), None]),
        pa.array([4, 10, 6, 10, None], pa.uint8()),
    ],
    ids=lambda column: str(column.type),
)
def test_codes_are_the_same_whatever_their_type(column):
    made, _, table = fitted(pa.table({"c": column}), categorical=["c"])
    assert made.levels == {"c": ["4", "6", "10"]}, "in the order of the numbers"
    rows = encoding.encode(table, made).X
    np.testing.assert_array_equal(rows, [[0, 0], [0, 1], [1, 0], [0, 1], [np.nan, np.nan]])
    as_text = pa.table({"c": ["4", "10.0", "6", "1e1", ""]})
    np.testing.assert_array_equal(encoding.encode(as_text, made).X, rows)


def test_booleans_however_a_file_spells_them():
    made, _, _ = fitted(pa.table({"b": [True, False]}))
    spelled = pa.table({"b": ["True", "FALSE", "true", None]})
    assert encoding.encode(spelled, made).X[:3].tolist() == [[1], [0], [1]]


def test_text_is_compared_as_it_is_written():
    made, _, _ = fitted(pa.table({"c": ["1", "x", "True"]}))
    encoded = encoding.encode(pa.table({"c": ["1", "1.0", "01", "true"]}), made)
    assert np.isnan(encoded.X[:, 0]).tolist() == [False, True, True, True]
    assert encoded.unknown == {"c": ["01", "1.0", "true"]}


def test_a_reference_of_ones_own():
    made, _, table = fitted(pa.table({"c": ["a", "b", "c"]}), reference={"c": "b"})
    assert made.columns == ["c=a", "c=c"]
    assert encoding.encode(table, made).X.tolist() == [[1, 0], [0, 0], [0, 1]]
    with pytest.raises(ValueError, match="reference: 'd' is no value of 'c'; its values are 'a', "):
        fitted(pa.table({"c": ["a", "b"]}), reference={"c": "d"})
    with pytest.raises(ValueError, match="'n' is not encoded as a category; give categorical=n"):
        fitted(pa.table({"n": [1, 2]}), reference={"n": "a"})


NOON = "2024-02-28T12:00:00.000000"
DATES = [datetime.datetime(2024, 2, 28, 12), datetime.datetime(2024, 3, 1), None]


@pytest.mark.parametrize(
    "column, first, days",
    [
        (pa.array(DATES, pa.timestamp("s")), NOON, [0, 1.5]),
        (pa.array(DATES, pa.timestamp("ns", "UTC")), NOON, [0, 1.5]),
        (
            pa.array(DATES, pa.timestamp("ms", "Europe/Berlin")),
            "2024-02-28T12:00:00.000000",
            [0, 1.5],
        ),
        (
            pa.array([datetime.date(1969, 12, 31), datetime.date(1969, 12, 1), None]),
            "1969-12-01",
            [30, 0],
        ),
        (
            pa.array([datetime.time(18, 0), datetime.time(6, 0), None]),
            "1970-01-01T06:00:00.000000",
            [0.5, 0],
        ),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_days_since_the_first(column, first, days):
    made, _, table = fitted(pa.table({"when": column}))
    assert made.dates == {"when": first}
    days = [*days, np.nan][: len(column)]
    np.testing.assert_array_equal(encoding.encode(table, made).X[:, 0], days)
    as_text = pa.table({"when": [None if v is None else str(v) for v in column.to_pylist()]})
    if "Berlin" not in str(column.type):
        np.testing.assert_array_equal(encoding.encode(as_text, made).X[:, 0], days)


def test_text_that_is_no_date_is_missing():
    made, _, _ = fitted(pa.table({"when": pa.array([datetime.date(2024, 1, 1)])}))
    encoded = encoding.encode(pa.table({"when": ["2024-01-31T12:00:00Z", "soon", "10:00"]}), made)
    np.testing.assert_array_equal(encoded.X[:2, 0], [30.5, np.nan])
    assert encoded.gaps == {"when": 1}
    with pytest.raises(ValueError, match="'when' holds int64 where dates are needed"):
        encoding.encode(pa.table({"when": [1, 2]}), made)


def test_gaps_unknown_values_and_fills():
    table = pa.table({"n": [1.0, None, 4.0], "c": ["a", "b", None]})
    made, summaries, _ = fitted(table)
    encoded = encoding.encode(table, made)
    np.testing.assert_array_equal(encoded.X, [[1, 0], [np.nan, 1], [4, np.nan]])
    assert encoded.gaps == {"n": 1, "c": 1} and encoded.unknown == {}
    assert encoding.means_of(made, summaries) == {"n": 2.5}
    assert encoding.encode(table, made, {"n": 2.5}).X[1].tolist() == [2.5, 1]
    other = encoding.encode(pa.table({"c": ["z", "a"], "n": [1.0, 2.0]}), made)
    np.testing.assert_array_equal(other.X, [[1, np.nan], [2, 0]])
    assert other.unknown == {"c": ["z"]}

    level, _, _ = fitted(table, gaps_are_a_level=True)
    assert level.columns == ["n", "c=b", "c=(missing)"]
    assert encoding.encode(table, level, {"n": 2.5}).X.tolist() == [
        [1, 0, 0],
        [2.5, 1, 0],
        [4, 0, 1],
    ]
    empty_text = pa.table({"n": [0.0], "c": [""]})
    assert encoding.encode(empty_text, level).X.tolist() == [[0, 0, 1]]


def test_terms_are_made_of_filled_columns():
    table = pa.table({"n": [2.0, None, 4.0], "c": ["a", "b", "b"], "e": [1.0, 2.0, 3.0]})
    made, _, _ = fitted(table, ["c", "e"], terms="n^2, n*c, log(e)")
    assert made.features == ["c", "e", "n"], "read, though n is no column of X by itself"
    assert made.columns == ["c=b", "e", "n^2", "n*c=b", "log(e)"]
    rows = encoding.encode(table, made, {"n": 3.0}).X
    np.testing.assert_allclose(
        rows, [[0, 1, 4, 0, 0], [1, 2, 9, 3, np.log(2)], [1, 3, 16, 4, np.log(3)]], rtol=1e-15
    )
    encoded = encoding.encode(table, made)
    assert encoded.gaps == {"n": 1} and encoded.not_finite == {}
    bad = pa.table({"n": [1.0, 2.0], "c": ["a", "a"], "e": [0.0, -1.0]})
    encoded = encoding.encode(bad, made)
    assert encoded.not_finite == {"log(e)": 2} and np.isnan(encoded.X[:, -1]).all()


def test_what_cannot_be_encoded():
    made, _, _ = fitted(pa.table({"n": [1.0, 2.0]}))
    for column, what in ((["a"], "text"), (pa.array([datetime.date(2024, 1, 1)]), "date32")):
        with pytest.raises(ValueError, match=f"'n' holds {what}.* where numbers are needed"):
            encoding.encode(pa.table({"n": column}), made)
    with pytest.raises(ValueError, match="'n' holds infinity"):
        encoding.encode(pa.table({"n": [np.inf]}), made)
    with pytest.raises(ValueError, match="no column 'n'; the nearest is 'm'"):
        encoding.encode(pa.table({"m": [1.0]}), made)
    np.testing.assert_array_equal(
        encoding.encode(pa.table({"n": pa.nulls(2)}), made).X, [[np.nan]] * 2
    )
    with pytest.raises(ValueError, match="'l'.*list"):
        fitted(pa.table({"l": [[1], [2]]}))


def test_large_means_and_durations():
    table = pa.table({"n": [1.5e308, 1.7e308], "d": pa.array([1, 3], pa.duration("s"))})
    made, summaries, _ = fitted(table)
    assert encoding.means_of(made, summaries)["n"] == pytest.approx(1.6e308)
    assert encoding.encode(table, made).X[:, 1] == pytest.approx([1 / 86400, 3 / 86400])
