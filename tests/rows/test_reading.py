"""What the readers of whole tables, of blocks and of streams make of unusual and damaged files."""

import datetime
import os
import random
import subprocess
import sys
import tempfile
import time
from decimal import Decimal

import numpy as np
import pytest
from helpers import environment, mutations

from mxlinreg.rows import columns, csv_files, parquet_files, table_blocks, tables, units

pyarrow = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402


def whole(path, names, text=(), decimal=None):
    table = tables.read_table(path, text, decimal)
    return [table[name].to_pylist() for name in names]


def blocked(path, names, text=(), decimal=None):
    blocks = list(table_blocks.read_blocks(path, names, text, decimal))
    return [[value for block in blocks for value in block[name].to_pylist()] for name in names]


def streamed(path, names, decimal=None):
    file = units.opened(str(path), decimal)
    parts = [part for unit in units.units_of(file) for part in units.read(unit, names)]
    return [[value for part in parts for value in part[i].tolist()] for i in range(len(names))]


@pytest.fixture(params=[whole, blocked, streamed])
def read(request):
    return request.param


@pytest.fixture
def write_parquet(tmp_path):
    def write(table, **options):
        parquet.write_table(pyarrow.table(table), tmp_path / "table.parquet", **options)
        return tmp_path / "table.parquet"

    return write


@pytest.fixture(params=["at once", "in pieces"])
def small_pieces(request, monkeypatch):
    """The file at once, or some bytes at a time."""
    if request.param == "in pieces":
        monkeypatch.setattr(csv_files, "BYTES", 12)
        monkeypatch.setattr(csv_files, "_PIECE", 6)
        monkeypatch.setattr(table_blocks, "_BYTES", 12)


@pytest.mark.parametrize(
    "content, decimal, expected",
    [
        ("a;y\n1,5;2\n-3,25;4\n", None, [[1.5, -3.25], [2, 4]]),
        ("a\ty\n1,5\t2\n-3,25e1\t4\n", None, [[1.5, -32.5], [2, 4]]),
        ('a;y\n"1,5";2\n;,5\n', None, [[1.5, None], [2, 0.5]]),
        ("a;y\n1;2\n" + "3;4\n" * 500 + "0,5;4\n", None, [[1, *[3] * 500, 0.5], [2, *[4] * 501]]),
        ("a;y\n1;2\n3,5;4\n", ",", [[1, 3.5], [2, 4]]),
        ("a;y\n1;2\n3.5;4\n", ".", [[1, 3.5], [2, 4]]),
        ("a;y\n1;2\n3.5;4\n", None, [[1, 3.5], [2, 4]]),
        ("a,y\n1,2\n3.5,4\n", None, [[1, 3.5], [2, 4]]),
    ],
)
def test_decimal_commas(read, write, small_pieces, content, decimal, expected):
    if read is streamed and None in expected[0]:
        with pytest.raises(ValueError, match="line 3: '' in 'a' is a missing value"):
            read(write(content), ["a", "y"])
    else:
        assert read(write(content), ["a", "y"], decimal=decimal) == expected


def test_decimals_that_are_none(write):
    """Of two ways to write decimals, the point is taken; dots between thousands make text."""
    assert whole(write("a;y\n1,5;2.5\n"), ["a", "y"]) == [["1,5"], [2.5]]
    assert whole(write("a;y\n1.234,5;2,5\n"), ["a", "y"]) == [["1.234,5"], [2.5]]
    assert whole(write("a,b\n1,2\n3,4\n"), ["a,b"], decimal=",") == [[1.2, 3.4]]
    for read in (blocked, streamed):
        with pytest.raises(ValueError, match="line 2: '1,5' in 'a' is not .*; give decimal=','"):
            read(write("a;y\n1,5;2.5\n"), ["a"])
    for read in (whole, blocked, streamed):
        with pytest.raises(ValueError, match="""decimal: must be None, "." or ",", not ';'"""):
            read(write("a;y\n1;2\n"), ["a"], decimal=";")


@pytest.mark.parametrize(
    "content, message",
    [
        ("a,y\n1,2\n".encode("utf-16"), "looks like UTF-16; save it as UTF-8"),
        ("a,y\n1,2\n".encode("utf-16-le"), "looks like UTF-16LE; .* iconv -f UTF-16LE -t UTF-8"),
        (b"\xfe\xff" + "a,y\n1,2\n".encode("utf-16-be"), "looks like UTF-16; "),
        ("a,y\nß,2\n".encode("utf-16-be"), "looks like UTF-16BE; "),
        ("ä,y\n1,2\n".encode("latin-1"), "the header is not UTF-8 text; it looks like Latin-1"),
        ("a,y,t\n1,2,\n3,4,ä\n".encode("latin-1"), "line 3 is not UTF-8 .* iconv -f LATIN1 -t"),
        ("a,y,t\n1,2,\n3,4,“\n".encode("cp1252"), "line 3 .* Windows-1252; save it as UTF-8"),
        ("a,y,t\n1,2,ä".encode()[:-1], "line 2 ends within a character; the file is not complete"),
        (b"a,y\n1,2\n" * 200_000 + b"1,\0\n", "line 400001 holds a zero byte"),
    ],
)
def test_encodings(read, write, content, message):
    with pytest.raises(ValueError, match=f"table.csv: {message}"):
        read(write(content), ["a", "y"])


def test_a_byte_order_mark(read, write, small_pieces):
    assert read(write("a,y\n1,2\n".encode("utf-8-sig")), ["a", "y"]) == [[1], [2]]


@pytest.mark.parametrize(
    "content, line",
    [
        ('a,y\n1,2\n3,"-0.50', 3),
        ('a,y\n1,2\n3,"-0.50\n', 3),
        ('a,y\n1,2\n"3,4\n5,6\n7,8\n', 3),
        ('a;y\n1;2\n3;"4', 3),
        ('a,y\n"1","2\n', 2),
        ('a,y,t\n1,2,"x"""\n3,4,"x""', 3),
    ],
)
def test_a_quote_that_is_not_closed(read, write, small_pieces, content, line):
    with pytest.raises(ValueError, match=f"table.csv, line {line}: (a quote opens|unbalanced)"):
        read(write(content), ["a", "y"])


@pytest.mark.parametrize("read", [whole, blocked])
def test_quotes_within_values(read, write, small_pieces):
    content = 'a,t,y\n1,5" pipe,2\n3,"x\ny",4\n5,"6"" pipe\n\n",6\n'
    expected = [[1, 3, 5], ['5" pipe', "x\ny", '6" pipe\n\n'], [2, 4, 6]]
    assert read(write(content), ["a", "t", "y"], text=["t"]) == expected


@pytest.mark.parametrize(
    "content, message",
    [
        ("a,y\n1\n3,4\n", "line 2: has 1 values, but the header has 2 columns"),
        ("a,y\n1,2,3\n3,4\n", "line 2: has 3 values, but the header has 2 columns"),
        ("a,y\n1,2\n3,4,5", "line 3: has 3 values, but the header has 2 columns"),
        ("a,y\n1,2\n\n3", "line 4: has 1 values, but the header has 2 columns"),
        ("a,y\r\n1,2\r\n3,4,\r\n", "line 3: has 3 values, but the header has 2 columns"),
        ('a,y\n1,"2"\n"3,4"\n', "line 3: has 1 values, but the header has 2 columns"),
        ("a,y\n1,2\n" + "z" * 3_000_000 + "\n", "line 3: has 1 values"),
        ("a,y\n1,2\n1," + "2," * 300_000 + "\n3,4\n", "line 3: has 300002 values"),
    ],
)
def test_ragged_lines(read, write, content, message):
    with pytest.raises(ValueError, match=f"table.csv, {message}"):
        read(write(content), ["a", "y"])


def test_blank_lines_are_skipped(read, write, small_pieces):
    assert read(write("\n\r\na,y\n\n1,2\r\n\r\n\n3,4\n\n"), ["a", "y"]) == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    "content, expected",
    [
        ("a,y\ntrue,1\nFALSE,2\nTrue,0\n", [[True, False, True], [1, 2, 0]]),
        ("a,y\n1,1\n0,2\n0,0\n", [[1, 0, 0], [1, 2, 0]]),
    ],
)
def test_booleans(read, write, content, expected):
    assert read(write(content), ["a", "y"]) == expected


def test_booleans_and_gaps(write, small_pieces):
    content = "a,y\n" + ",1\n" * 2000 + "true,2\n,3\nfalse,4\n"
    expected = [*[None] * 2000, True, None, False]
    assert whole(write(content), ["a"]) == blocked(write(content), ["a"]) == [expected]
    table = tables.read_table(write(content))
    assert table["a"].type == pyarrow.bool_() and table["y"].type == pyarrow.int64()


@pytest.mark.parametrize(
    "content, where",
    [
        ("a,y\n1,1\n\n0,2\ntrue,3\n", "row 3|line 5"),
        ("a,y\ntrue,1\n0,2\n", "row 1|line 3"),
        ("a;y\n1,5;1\nTrue;2\n", "row 2|line 3"),
        ("a,y\n" + "1,2\n" * 3000 + "true,1\n", "row 3001|line 3002"),
    ],
)
def test_booleans_among_numbers(read, write, content, where):
    message = f"table.csv, ({where}): column 'a' holds '[tT]rue' among numbers; write 1"
    with pytest.raises(ValueError, match=message):
        read(write(content), ["a", "y"])


def test_booleans_among_text(write):
    content = "a,y\ntrue,1\n2,2\nmaybe,3\n"
    assert whole(write(content), ["a"]) == [["true", "2", "maybe"]]
    assert whole(write("a,y\ntrue,1\n2,2\n"), ["a"], text=["a"]) == [["true", "2"]]
    with pytest.raises(ValueError, match="line 3: 'no' in 'a' is neither true nor false"):
        streamed(write("a,y\ntrue,1\nno,2\n"), ["a"])


@pytest.mark.parametrize("dictionary, version", [(False, "1.0"), (True, "2.0")])
def test_damaged_parquet(tmp_path, dictionary, version):
    rng = random.Random(0)
    table = pyarrow.table({
        "a": [rng.random() for _ in range(300)],
        "k": [rng.choice(["x", "yy", "zäz"]) for _ in range(300)],
        "y": list(range(300)),
    })  # fmt: skip
    if dictionary:
        table = table.set_column(1, "k", table["k"].dictionary_encode())
    path = tmp_path / "table.parquet"
    parquet.write_table(table, path, row_group_size=100, data_page_version=version)
    failed = 0
    for content in mutations(path.read_bytes(), rng, 150):
        path.write_bytes(content)
        for read, names in ((whole, "aky"), (blocked, "aky"), (streamed, "ay")):
            try:
                read(path, list(names))
            except (ValueError, KeyError) as error:
                known = "table.parquet" in str(error) or "no column" in str(error)
                assert known or type(error) is KeyError, error
                failed += 1
    assert failed > 150


@pytest.mark.parametrize("read", [whole, blocked])
def test_text_of_parquet_that_is_not_utf8(read, write_parquet):
    text = pyarrow.array([b"x", b"\xff"])
    text = pyarrow.Array.from_buffers(pyarrow.string(), 2, text.buffers())
    with pytest.raises(ValueError, match="table.parquet: .* damaged or not complete .*UTF"):
        read(write_parquet({"a": text}), ["a"])


def test_types_of_parquet(read, write_parquet):
    words = pyarrow.array(["x", None, "y"])
    path = write_parquet({
        " a ": pyarrow.array([1.5, 2.5, -1.0], pyarrow.float32()),
        "half": np.array([1, 2, 0.5], np.float16),
        "decimal": [Decimal("1.25"), Decimal("-2.50"), Decimal("3.00")],
        "code": pyarrow.array([7, 8, 7]).dictionary_encode(),
        "date": [datetime.date(2020, 1, day) for day in (1, 2, 3)],
        "word": words.dictionary_encode(),
        "large": words.cast("large_string"),
        "list": [[1], [2], [3]],
        "struct": [{"x": 1}] * 3,
        "bytes": [b"\xff"] * 3,
    })  # fmt: skip
    expected = {"a": [1.5, 2.5, -1], "half": [1, 2, 0.5], "code": [7, 8, 7]}
    expected["decimal"] = [1.25, -2.5, 3]
    assert read(path, list(expected)) == list(expected.values())
    if read is not streamed:
        assert read(path, ["word", "large"]) == [["x", None, "y"]] * 2
        assert read(path, ["date"])[0][2] == datetime.date(2020, 1, 3)
    if read is not whole:
        for name, kind in (("list", "list<"), ("struct", "struct<"), ("bytes", "binary")):
            with pytest.raises(ValueError, match=f"table.parquet: column '{name}' holds {kind}"):
                read(path, [name])


def test_check_flat():
    columns.check_flat("f", "a", pyarrow.large_string())
    for kind in (pyarrow.map_(pyarrow.string(), pyarrow.int8()), pyarrow.binary(3)):
        with pytest.raises(ValueError, match="f: column 'a' holds (map|fixed_size_binary).*leave"):
            columns.check_flat("f", "a", kind)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_nan_is_a_gap(write_parquet, kind):
    values = np.array([1, np.nan, 2.5, np.nan], kind)
    mask = np.array([False, False, False, True])
    table = pyarrow.table({"a": pyarrow.array(values, mask=mask), "y": [1.0, 2.0, 3.0, 4.0]})
    path = write_parquet(table)
    assert columns.without_nan(table["a"].slice(1)).to_pylist() == [None, 2.5, None]
    assert columns.without_nan(table["a"].slice(1, 1)).to_pylist() == [None]
    assert columns.without_nan(table["y"]).to_pylist() == [1, 2, 3, 4]
    for found in (whole(path, ["a"]), blocked(path, ["a"])):
        assert found == [[1, None, 2.5, None]]
    assert table_blocks.as_arrow(table)["a"].null_count == 2
    with pytest.raises(ValueError, match="table.parquet, row 2: a missing value in 'a'"):
        streamed(path, ["a"])


def test_nan_of_other_libraries():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    data = {"a": [1.0, float("nan")], "k": ["x", None]}
    frame = pandas.DataFrame({**data, "none": [None, None], "c": pandas.Categorical(["x", "y"])})
    for table in (frame, polars.DataFrame({**data, "none": [None, None]})):
        arrow = table_blocks.as_arrow(table)
        assert arrow["a"].to_pylist() == [1, None] and arrow["k"].to_pylist() == ["x", None]
        assert arrow["none"].type == pyarrow.float64() and arrow["none"].null_count == 2
    assert table_blocks.as_arrow(frame)["c"].type in (pyarrow.string(), pyarrow.large_string())


def test_nan_in_csv(write):
    content = "a,y\nNAN,1\nnan,2\n-NaN,3\n4,4\n"
    assert whole(write(content), ["a"]) == blocked(write(content), ["a"]) == [[*[None] * 3, 4]]


def test_reading_imports_no_pandas(write, write_parquet):
    paths = write("a,k,y\n1,x,true\nNAN,,false\n"), write_parquet({"a": [1.0, float("nan")]})
    lines = ["import sys", "from mxlinreg.rows import table_blocks, tables"]
    for path in paths:
        lines += [f"tables.read_table({str(path)!r})"]
        lines += [f"list(table_blocks.read_blocks({str(path)!r}, ['a']))"]
    lines += ["assert 'pandas' not in sys.modules"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, env=environment()
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_thousands_of_columns(read, tmp_path, ending):
    """The header is longer than what is read of a file to find its separator."""
    names = [f"{'column ' * 8}{i}" for i in range(20_000)]
    path = tmp_path / f"wide.{ending}"
    values = np.random.RandomState(0).randint(100, size=(20, len(names))) / 4
    if ending == "csv":
        rows = "".join(";".join(map(str, row)) + "\n" for row in values.tolist())
        path.write_text(";".join(names) + "\n" + rows.replace(".", ","))
        assert len(";".join(names)) > 1 << 20
    else:
        parquet.write_table(pyarrow.table(dict(zip(names, values.T.copy()))), path)
    start = time.process_time()
    found = read(path, names)
    # The second is for a busy machine. What needs time for each pair of columns needs minutes.
    assert time.process_time() - start < 8
    assert np.array_equal(np.array(found, dtype=float).T, values)
    if read is whole:
        return
    if ending == "csv":
        lines = path.read_text().splitlines()
        lines[3] = ";".join(["x" if i == 12_345 else "1,5" for i in range(20_000)])
        path.write_text("\n".join(lines))
        with pytest.raises(ValueError, match=f"line 4: 'x' in '{names[12_345]}' is not"):
            read(path, names)


def test_errors_about_thousands_of_names(write):
    names = [f"c{i}" for i in range(20_000)]
    start = time.process_time()
    with pytest.raises(ValueError, match="no column 'c1999x'; the nearest is 'c1999'"):
        columns.check_names("features", [*names, "c1999x"], names)
    with pytest.raises(ValueError, match="no column 'c'$"):
        columns.check_names("features", ["c"], [])
    with pytest.raises(ValueError) as error:
        columns.check_unique("table.csv", [*names, *names])
    assert str(error.value).endswith("'c10002', 'c10003', 'c10004' and 19990 more")
    assert time.process_time() - start < 2


@pytest.mark.parametrize("text, kind", [((), "double"), (["a"], "string")])
def test_columns_without_a_value(write, write_parquet, text, kind):
    for path in (
        write("a,y\n,1\n,2\n"),
        write_parquet({"a": pyarrow.nulls(2), "y": [1, 2]}),
    ):
        for table in (
            tables.read_table(path, text),
            *table_blocks.read_blocks(path, ["y", "a"], text),
        ):
            assert str(table["a"].type) == kind and table["a"].to_pylist() == [None, None]
            assert table["y"].to_pylist() == [1, 2]
        with pytest.raises(ValueError, match="(row 1|line 2): .*a missing value"):
            streamed(path, ["a"])


@pytest.mark.parametrize(
    "header, message",
    [
        ("a, ,y,\n", "names a column twice: 2 columns have no name"),
        ("a,,y,a, \n", "names a column twice: 'a'; 2 columns have no name"),
        (" a,y,a \n", "names a column twice: 'a'"),
    ],
)
def test_names(read, write, write_parquet, header, message):
    row = ",".join("1" * len(header.split(","))) + "\n"
    with pytest.raises(ValueError, match=f"table.csv: {message}$"):
        read(write(header + row), ["y"])
    names = header.strip("\n").split(",")
    arrays = [pyarrow.array([1])] * len(names)
    path = write_parquet(pyarrow.Table.from_arrays(arrays, names=names))
    with pytest.raises(ValueError, match=f"table.parquet: {message}$"):
        read(path, ["y"])
    assert read(write(" a ,,\ty \n1,2,3\n"), ["a", "", "y"]) == [[1], [2], [3]]


@pytest.fixture
def pipe():
    """A function that makes a pipe out of which a file's content comes, and returns its path."""
    ends = []

    def from_file(path):
        reader, writer = os.pipe()
        os.write(writer, path.read_bytes())
        os.close(writer)
        ends.append(reader)
        return f"/dev/fd/{reader}"

    yield from_file
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("read", [whole, blocked])
def test_a_pipe_is_read_like_a_file(read, kind, pipe, tmp_path, write_parquet):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    if kind == "parquet":
        path = write_parquet({"a": [1.0, 3.0], "b": [2.0, 4.0]})
    assert read(pipe(path), ["a", "b"]) == [[1, 3], [2, 4]]
    assert read(path, ["a", "b"]) == [[1, 3], [2, 4]]


def test_errors_name_the_pipe(pipe, tmp_path, monkeypatch):
    (tmp_path / "table.csv").write_text("a,b\n1,x\n")
    path = pipe(tmp_path / "table.csv")
    with pytest.raises(ValueError, match=f"{path}, line 2: 'x' in 'b'"):
        blocked(path, ["a", "b"])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    path = pipe(tmp_path / "table.csv")
    with pytest.raises(ValueError, match=f"{path}: cannot be copied to a temporary file: .*TMPDIR"):
        whole(path, ["a"])
    path = pipe(tmp_path / "table.csv")
    with pytest.raises(ValueError, match=f"source: {path} is not an ordinary file"):
        units.paths_of(path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_name_that_is_no_utf_8(read, kind, tmp_path, write_parquet):
    path = tmp_path / os.fsdecode(b"\xff\n\xe9")
    if kind == "csv":
        path.write_text("a,b\n1,2\n")
    else:
        write_parquet({"a": [1.0], "b": [2.0]}).rename(path)
    assert read(path, ["a", "b"]) == [[1], [2]]


def test_memory_that_pyarrow_cannot_have(tmp_path):
    """Only a damaged file asks for a terabyte at a time."""
    for size, kind in ((10**9, MemoryError), (10**13, ValueError)):
        error = pyarrow.lib.ArrowMemoryError(f"malloc of size {size} failed")
        with pytest.raises(kind, match=f"table.parquet.*malloc of size {size} failed"):
            with parquet_files.named_errors("table.parquet"):
                raise error
