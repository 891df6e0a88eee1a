"""CSV files to arrays."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mxlinreg.rows import tables

CITIES = "size,city,price\n1,Ulm,10\n2,Aalen,20\n3,Bonn,30\n4,Ulm,40\n"
GAPS = "a,b,y\n1,2,3\n,5,6\n7,,9\n10,11,\n"


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_dialects(write, delimiter, bom, newline):
    lines = ["a b", '"c, d; e"', "ÿ"], ["1", '"2.5"', "-3e2"], ["4", "5", "6"]
    content = "".join(delimiter.join(line) + newline for line in lines)
    table = tables.load(write(bom + content.encode()), "ÿ")
    assert table.columns == ["a b", "c, d; e"]
    assert table.X.tolist() == [[1, 2.5], [4, 5]] and table.y.tolist() == [-300, 6]
    assert table.X.dtype == table.y.dtype == np.float64


names = st.text("abcXYZ ,;\"'\t$µ", min_size=1, max_size=6).map(lambda name: f"c{name}c")
numbers = st.one_of(st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False))


@given(
    st.lists(names, min_size=2, max_size=5, unique_by=str.strip),
    st.integers(1, 5),
    st.sampled_from(",;\t"),
    st.data(),
)
@settings(deadline=None, max_examples=60)
def test_what_the_csv_module_writes_is_read(tmp_path_factory, header, rows, delimiter, data):
    values = data.draw(
        st.lists(
            st.lists(numbers, min_size=len(header), max_size=len(header)),
            min_size=rows,
            max_size=rows,
        )
    )
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerows([header, *values])
    table = tables.load(path, header[-1])
    assert table.columns == header[:-1]
    assert (table.X == np.array(values, dtype=np.float64)[:, :-1]).all()
    assert (table.y == np.array(values, dtype=np.float64)[:, -1]).all()


def test_features_in_the_order_asked_for(write):
    path = write("a,b,c,y\n1,2,3,4\n5,6,7,8\n")
    assert tables.load(path, "y", ["c", "a"]).X.tolist() == [[3, 1], [7, 5]]


def test_numbers_found_late_in_a_column(write):
    content = "a,y\n" + "1,2\n" * 300_000 + "1.5,2\n"
    assert tables.load(write(content), "y").X[-1] == [1.5]


def test_integers_beyond_the_exact_ones_are_rounded(write):
    assert tables.load(write(f"a,y\n{2**60 + 1},2\n3,4\n"), "y").X[0] == [2.0**60]


def test_booleans_are_numbers(write):
    assert tables.load(write("a,y\ntrue,1\nfalse,2\n"), "y").X.tolist() == [[1], [0]]


def test_one_hot_drops_the_first_level(write):
    table = tables.load(write(CITIES), "price", one_hot=True)
    assert table.columns == ["size", "city=Bonn", "city=Ulm"]
    assert table.X.tolist() == [[1, 0, 1], [2, 0, 0], [3, 1, 0], [4, 0, 1]]
    assert table.levels == {"city": ["Aalen", "Bonn", "Ulm"]}


def test_encode_by_the_levels_of_the_fit(write):
    fit = tables.load(write(CITIES), "price", one_hot=True)
    again = tables.read_table(write("city,size\nBonn,5\n"))
    assert tables.encode(again, fit.features, fit.levels)[0].tolist() == [[5, 1, 0]]
    with pytest.raises(ValueError, match="'city' holds 'Paris', which the model does not know"):
        tables.encode(tables.read_table(write("city,size\nParis,5\n")), fit.features, fit.levels)
    with pytest.raises(ValueError, match="no column 'city'; the nearest is 'City'"):
        tables.encode(tables.read_table(write("City,size\nUlm,5\n")), fit.features, fit.levels)
    with pytest.raises(ValueError, match="'size' holds text"):
        tables.encode(tables.read_table(write("city,size\nUlm,big\n")), fit.features, fit.levels)


def test_text_stays_text_whatever_other_rows_hold(write):
    """A column of text is text in the next file too, where all of it could be numbers."""
    fit = tables.load(write("k,y\n01,1\n1,2\na,3\n"), "y", one_hot=True)
    assert fit.levels == {"k": ["01", "1", "a"]}
    again = tables.read_table(write(" k\n1\n01\n"), fit.levels)
    assert tables.encode(again, fit.features, fit.levels)[0].tolist() == [[1, 0], [0, 0]]
    fit = tables.load(write("k,y\n2020-01-02,1\n2020-01-03,2\n"), "y", one_hot=True)
    assert fit.levels == {"k": ["2020-01-02", "2020-01-03"]}


def test_parquet(write, tmp_path):
    from pyarrow import csv, parquet

    path = tmp_path / "cities.parquet"
    parquet.write_table(csv.read_csv(write(CITIES)), path)
    from_csv, table = (tables.load(file, "price", one_hot=True) for file in (write(CITIES), path))
    assert table.columns == from_csv.columns and table.levels == from_csv.levels
    assert (table.X == from_csv.X).all() and (table.y == from_csv.y).all()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="cities.parquet: "):
        tables.load(path, "price")


def test_missing(write):
    path = write(GAPS)
    with pytest.raises(ValueError, match=r"missing values \('a' 1, 'b' 1, 'y' 1\)"):
        tables.load(path, "y")
    dropped = tables.load(path, "y", missing="drop")
    assert dropped.X.tolist() == [[1, 2]] and dropped.y.tolist() == [3]
    kept = tables.load(path, "y", missing="mean")
    means = tables.column_means(kept.X, kept.columns)
    assert means.tolist() == [4, 3.5] and kept.y.tolist() == [3, 6, 9]
    assert tables.fill_missing(kept.X, means).tolist() == [[1, 2], [4, 5], [7, 3.5]]


def test_column_means_of_nothing():
    with pytest.raises(ValueError, match="'b'"):
        tables.column_means(np.array([[1, np.nan], [2, np.nan]]), ["a", "b"])


@pytest.mark.parametrize(
    "content, text",
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("\ufeff", "is empty"),
        ("a,y\n", "has no rows"),
        ("a,y\n1,2\n3\n", "Expected 2 columns, got 1"),
        ("a,y\n1,2\n3,4,5\n", "Row #3: Expected 2 columns, got 3"),
        ("a,y,a\n1,2,3\n", "names a column twice: 'a'"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text file"),
        ("a,y\n1,2\n".encode("utf-16"), "not a text file"),
        ("ä,y\n1,2\n".encode("latin-1"), "(?i)utf-?8"),
        ("a,y\nx\xff,2\n".encode("latin-1"), "(?i)utf-?8|text in 'a'"),
        ("a,y\nx,2\nz,3\n", "text in 'a'; leave the column out, or encode it with one_hot=True"),
        ("a,y\n2020-01-01,2\n2020-01-02,3\n", "text in 'a'"),
        ("a,y\n1,x\n2,z\n", "target: 'y' holds text"),
        ("a,y\n1,inf\n2,3\n", "'y' holds infinity"),
        ("a,y\n,1\n,2\n", "no value at all in 'a'"),
        ("y\n1\n", "no column besides the target"),
    ],
)
def test_bad_files(write, content, text):
    with pytest.raises(ValueError, match=text):
        tables.load(write(content), "y")


def test_files_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="nowhere.csv: cannot be read: No such file"):
        tables.load(tmp_path / "nowhere.csv", "y")
    with pytest.raises(ValueError, match="is a folder"):
        tables.load(tmp_path, "y")


@pytest.mark.parametrize(
    "target, features, text",
    [
        ("prize", None, "target: no column 'prize'; the nearest is 'price'"),
        ("price", ["syze"], "features: no column 'syze'; the nearest is 'size'"),
        ("price", ["size", "price"], "'price' is the target"),
        ("price", ["size", "size"], "named twice"),
        ("price", "size", "must be a list of columns, not 'size'"),
        ("price", [], "no column besides"),
    ],
)
def test_bad_names(write, target, features, text):
    with pytest.raises((ValueError, TypeError), match=text):
        tables.load(write(CITIES), target, features)


def test_too_many_levels(write):
    rows = "".join(f"name{i},{i}\n" for i in range(1001))
    with pytest.raises(ValueError, match="'a' holds text with 1001 different values"):
        tables.load(write("a,y\n" + rows), "y", one_hot=True)


def test_text_cannot_be_filled_in(write):
    with pytest.raises(ValueError, match="'a' lacks 1 text value"):
        tables.load(write("a,y\nx,1\n,2\nz,3\n"), "y", one_hot=True, missing="mean")


def test_missing_library(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"mxlinreg\[data\]"):
        tables.read_table("table.csv")
