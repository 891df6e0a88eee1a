"""CSV and Parquet files as tables."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mxlinreg.rows import tables
from mxlinreg.rows.columns import as_float64

CITIES = "size,city,price\n1,Ulm,10\n2,Aalen,20\n3,Bonn,30\n4,Ulm,40\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_dialects(write, delimiter, bom, newline):
    lines = ["a b", '"c, d; e"', "ÿ"], ["1", '"2.5"', "-3e2"], ["4", "5", "6"]
    content = "".join(delimiter.join(line) + newline for line in lines)
    table = tables.read_table(write(bom + content.encode()))
    assert table.to_pydict() == {"a b": [1, 4], "c, d; e": [2.5, 5], "ÿ": [-300, 6]}


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
    table = tables.read_table(path)
    assert table.column_names == header
    columns = np.column_stack([as_float64(column) for column in table.itercolumns()])
    assert (columns == np.array(values, dtype=np.float64)).all()


def test_numbers_found_late_in_a_column(write):
    content = "a,y\n" + "1,2\n" * 300_000 + "1.5,2\n"
    assert tables.read_table(write(content))["a"][-1].as_py() == 1.5


def test_text_stays_text_whatever_other_rows_hold(write):
    """A column of text is text in the next file too, where all of it could be numbers."""
    table = tables.read_table(write(" k,y\n1,2\n01,3\n"), ["k"])
    assert table.to_pydict() == {"k": ["1", "01"], "y": [2, 3]}


def test_parquet(write, tmp_path):
    from pyarrow import csv, parquet

    path = tmp_path / "cities.parquet"
    parquet.write_table(csv.read_csv(write(CITIES)), path)
    assert tables.read_table(path).equals(tables.read_table(write(CITIES)))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="cities.parquet: "):
        tables.read_table(path)


@pytest.mark.parametrize(
    "content, text",
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("\ufeff", "is empty"),
        ("a,y\n", "has no rows"),
        ("a,y\n1,2\n3\n", "line 3: has 1 values, but the header has 2 columns"),
        ("a,y\n1,2\n3,4,5\n", "line 3: has 3 values, but the header has 2 columns"),
        ("a,y,a\n1,2,3\n", "names a column twice: 'a'"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text file"),
        ("a,y\n1,2\n".encode("utf-16"), "looks like UTF-16"),
        ("ä,y\n1,2\n".encode("latin-1"), "(?i)utf-?8"),
        ("a,y\nx\xff,2\n".encode("latin-1"), "(?i)utf-?8"),
    ],
)
def test_bad_files(write, content, text):
    with pytest.raises(ValueError, match=text):
        tables.read_table(write(content))


def test_files_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="nowhere.csv: cannot be read: No such file"):
        tables.read_table(tmp_path / "nowhere.csv")
    with pytest.raises(ValueError, match="is a folder"):
        tables.read_table(tmp_path)


def test_missing_library(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"mxlinreg\[data\]"):
        tables.read_table("table.csv")
