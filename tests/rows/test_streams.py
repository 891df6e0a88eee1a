"""Streams of files beside the same rows in memory."""

import decimal
import os
import re
import shutil
import sys
import threading

import mxnet as mx
import numpy as np
import pytest
from helpers import succeed

import mxlinreg as mlr
from mxlinreg.distributed import device_engine
from mxlinreg.moments import standardize
from mxlinreg.rows import csv_files

pyarrow = pytest.importorskip("pyarrow")
from pyarrow import csv, parquet  # noqa: E402

ROWS = 1000


@pytest.fixture
def rows():
    """X and y, badly scaled; the last column of X is constant."""
    random = np.random.RandomState(0)
    X = random.normal(size=(ROWS, 4)) * [1, 100, 1e-3, 0] + 5
    return X, X[:, :3] @ [1.0, 0.02, 300.0] + random.normal(size=ROWS)


@pytest.fixture(params=["csv", "parquet"])
def parts(request, rows, tmp_path):
    """A glob of three files, with the columns in another order in each."""
    X, y = rows
    table = pyarrow.table({**{name: X[:, j] for j, name in enumerate("abck")}, "y": y})
    for i, part in enumerate((slice(0, 400), slice(400, 401), slice(401, ROWS))):
        names = table.column_names[i:] + table.column_names[:i]
        chosen = table.select(names)[part]
        if request.param == "csv":
            csv.write_csv(chosen, tmp_path / f"{i}.csv")
        else:
            parquet.write_table(chosen, tmp_path / f"{i}.parquet", row_group_size=70)
    return str(tmp_path / f"*.{request.param}")


def all_of(stream):
    """The rows of a pass, in training order."""
    batches = [[array.asnumpy() for array in batch] for batch in stream]
    return [np.concatenate([batch[i] for batch in batches]) for i in range(2)]


def test_gives_the_rows_of_the_files_in_their_order(parts, rows):
    stream = mlr.stream(parts, "y", ["a", "b", "c", "k"], shuffle_buffer=0, batch_size=64)
    for _ in range(2):
        X, y = all_of(stream)
        assert (X == rows[0]).all() and (y == rows[1]).all()
    assert stream.num_rows == ROWS and len(stream) == 16


def test_blocks_lie_as_in_the_files_and_draw_nothing(parts, rows, seed):
    stream = mlr.stream(parts, "y", ["a", "b", "c", "k"], shuffle_buffer=100, dtype="float32")
    seed()
    blocks = list(stream.blocks())
    assert np.random.standard_normal() == np.random.RandomState(1).standard_normal()
    for i in range(2):
        values = np.concatenate([block[i] for block in blocks])
        assert values.dtype == np.float64 and (values == rows[i]).all()
    assert all(weight is None for _, _, weight, _ in blocks)
    assert all((order == np.arange(len(X))).all() for X, _, _, order in blocks)


def test_an_epoch_of_the_chapters_loop_takes_a_stream(parts):
    stream = mlr.stream(parts, "y", ["a", "b", "c"], batch_size=32, standardize=True)
    assert all(isinstance(array, mx.nd.NDArray) for batch in stream for array in batch)
    params = mlr.init_params(3, dtype="float64")
    first, second = (mlr.train_epoch(params, stream, 0.05) for _ in range(2))
    assert second < first


def test_shuffles_blocks_and_rows_anew_in_each_pass(parts, rows, seed):
    stream = mlr.stream(parts, "y", ["a", "b", "c", "k"], shuffle_buffer=100, batch_size=16)
    assert [len(X) for X, *_ in stream.blocks()] == [96] * 10 + [40]
    assert [len(X) for X, _ in stream] == [16] * 62 + [8]
    seed()
    passes = [all_of(stream)[1] for _ in range(2)]
    seed()
    assert (all_of(stream)[1] == passes[0]).all() and (passes[0] != passes[1]).any()
    for values in passes:
        assert (values != rows[1]).mean() > 0.9
        assert (np.sort(values) == np.sort(rows[1])).all()


def test_a_folder_that_cannot_be_read(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="^source: .*loop cannot be read: Too many levels of sym"):
        mlr.stream(tmp_path, "y")


@pytest.mark.parametrize("window", [1, 100, 1 << 20])
def test_a_buffer_takes_no_more_memory_than_the_rows(parts, rows, window, monkeypatch):
    monkeypatch.setattr(sys.modules["mxlinreg.rows.stream"], "WINDOW", window)
    stream = mlr.stream(parts, "y", ["a", "b", "c", "k"], shuffle_buffer=10**12)
    ((X, y, _, _),) = stream.blocks()
    assert (X == rows[0]).all() and (y == rows[1]).all() and X.base.nbytes <= 2**26
    sizes = [len(X) for X, *_ in mlr.stream(parts, "y", shuffle_buffer=300).blocks()]
    assert sizes == [256, 256, 256, 232]  # of whole batches


@pytest.mark.parametrize("n", [1, 2, 3, 7, pytest.param(1500, marks=pytest.mark.slow)])
def test_parts_hold_every_row_once(parts, rows, n):
    found = []
    for k in range(n):
        blocks = mlr.stream(parts, "y", part=(k, n)).blocks()
        found.append(np.concatenate([np.empty(0), *(y for _, y, *_ in blocks)]))
    assert (np.concatenate(found) == rows[1]).all()
    if n <= 7:
        assert max(map(len, found)) < 1.2 * ROWS / n + 2


def test_many_ranges_of_one_csv_file(rows, tmp_path, monkeypatch):
    """As of a file of many megabytes, with line ends of both kinds."""
    monkeypatch.setattr(csv_files, "BYTES", 1000)
    lines = ["a,y", *(f"{a!r},{y!r}" for a, y in zip(rows[0][:, 0].tolist(), rows[1].tolist()))]
    for end in ("\n", "\r\n"):
        (tmp_path / "one.csv").write_bytes((end.join(lines)).encode())
        X, y = all_of(mlr.stream(tmp_path / "one.csv", "y", shuffle_buffer=0))
        assert (X[:, 0] == rows[0][:, 0]).all() and (y == rows[1]).all()


def test_standardizes_by_one_pass_or_by_what_is_given(parts, rows):
    stream = mlr.stream(parts, "y", ["a", "b", "c", "k"], shuffle_buffer=0, standardize=True)
    scaled, mean, scale = standardize(rows[0])
    np.testing.assert_allclose(stream.X_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(stream.X_scale, scale, rtol=1e-12)
    np.testing.assert_allclose(all_of(stream)[0], scaled, atol=1e-10)
    np.testing.assert_allclose(stream.y_scale, rows[1].std(), rtol=1e-12)
    stream.standardize()
    np.testing.assert_allclose(stream.X_scale, scale, rtol=1e-12)
    given = [[1, 2, 3, 4], [2, 2, 2, 2], [1], [5]]
    X, y = all_of(mlr.stream(parts, "y", list("abck"), shuffle_buffer=0, standardize=given))
    np.testing.assert_allclose(X, (rows[0] - [1, 2, 3, 4]) / 2)
    np.testing.assert_allclose(y, (rows[1] - 1) / 5)


def test_least_squares_of_a_stream(parts, rows):
    result = mlr.least_squares(mlr.stream(parts, "y", ["a", "b", "c"]))
    expected = mlr.least_squares(rows[0][:, :3], rows[1])
    np.testing.assert_allclose(result.coefficients, expected.coefficients, rtol=1e-12)
    np.testing.assert_allclose(result.p_values, expected.p_values, rtol=1e-9)
    assert result.columns == ["a", "b", "c"]


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-11)])
def test_both_engines_train_on_it_as_on_arrays(parts, rows, seed, dtype, tolerance):
    results = []
    for engine in ("autograd", "compiled"):
        if engine == "compiled":
            pytest.importorskip("numba")
        seed()
        options = {"batch_size": 32, "shuffle_buffer": 100, "standardize": True, "dtype": dtype}
        stream = mlr.stream(parts, "y", ["a", "b", "c"], **options)
        params = mlr.init_params(3, dtype=dtype)
        losses = mlr.train(params, stream, 3, 0.01, engine=engine)
        results.append([*losses, *params[0].asnumpy().ravel(), *params[1].asnumpy()])
    np.testing.assert_allclose(*results, rtol=tolerance)
    if dtype == "float64":
        stream = mlr.stream(parts, "y", ["a", "b", "c"], 32, 0, standardize=True)
        runs = []
        for data in (stream, mlr.ArrayLoader(*all_of(stream), batch_size=32, shuffle=False)):
            seed()
            params = mlr.init_params(3, dtype=dtype)
            runs.append([*mlr.train(params, data, 2, 0.01), *params[0].asnumpy().ravel()])
        assert runs[0] == runs[1]


def test_devices_train_on_it_as_one_does(parts, seed):
    results = []
    for engine in ("autograd", device_engine(["cpu(0)", "cpu(1)"])):
        seed(4)
        stream = mlr.stream(parts, "y", ["a", "b"], batch_size=7, standardize=True)
        params = mlr.init_params(2, dtype="float64")
        results.append(mlr.train(params, stream, 2, 0.1, engine))
    np.testing.assert_allclose(*results, rtol=1e-13)


def test_partial_fit_learns_from_its_blocks(parts, rows):
    pytest.importorskip("sklearn", minversion="1.6")
    model = mlr.LinearRegressor("sgd", random_state=0)
    stream = mlr.stream(parts, "y", ["a", "b", "c"], shuffle_buffer=200)
    for _ in range(5):
        for X, y, *_ in stream.blocks():
            model.partial_fit(X, y)
    expected = mlr.least_squares(rows[0][:, :3], rows[1])
    assert model.score(rows[0][:, :3], rows[1]) > 0.999 * expected.r_squared


def test_a_resumed_training_ends_with_the_same_bits(parts, seed, tmp_path):
    def run(epochs, **options):
        stream = mlr.stream(parts, "y", ["a", "b", "c"], shuffle_buffer=100, standardize=True)
        params = mlr.init_params(3, dtype="float64")
        losses = mlr.train(params, stream, epochs, 0.01, **options)
        return losses, params[0].asnumpy().tolist()

    seed()
    whole = run(4)
    seed()
    run(2, checkpoint=tmp_path / "run.ckpt")
    seed(5)
    assert run(4, checkpoint=tmp_path / "run.ckpt", resume=True) == whole


def broken(path, tmp_path, line, value):
    """A copy of the CSV file with another line."""
    lines = path.read_text().splitlines()
    lines[line - 1] = value
    copy = tmp_path / "broken.csv"
    copy.write_text("\n".join(lines))
    return copy


@pytest.mark.parametrize("parts", ["csv"], indirect=True)
@pytest.mark.parametrize(
    "value, message",
    [
        ("1,2,x,4,5", "line 300: 'x' in 'c'"),
        ("1,2,,4,5", "line 300: '' in 'c'"),
        ("1,2,inf,4,5", "line 300: 'inf' in 'c'"),
        ("1,2,1_0,4,5", "line 300: '1_0' in 'c'"),  # a number to Python, not to pyarrow
        ("1,2,\u2028,4,5", r"line 300: .* in 'c'"),  # a line end to Python, not to CSV
        ("1,2,3", "line 300: has 3 values, but the header has 5 columns"),
        ("   ", "line 300: has 1 values, but the header has 5 columns"),
        (f"1,2,x,{'0' * 200000},5", "line 300: 'x' in 'c'"),
        ("1,2,3,4,5\r1,2,x,4,5", "line 300: 'x' in 'c'"),
    ],
)
def test_a_bad_line_in_the_middle_is_named(parts, tmp_path, monkeypatch, value, message):
    monkeypatch.setattr(csv_files, "BYTES", 5000)
    path = broken(tmp_path / "0.csv", tmp_path, 300, value)
    with pytest.raises(ValueError, match=re.escape("broken.csv, ") + message):
        all_of(mlr.stream(path, "y"))


def test_no_row_is_made_of_a_line_break_within_quotes(tmp_path, monkeypatch):
    """Cut there, the rest of the text would be a row of two good numbers."""
    path = tmp_path / "text.csv"
    for size in (8, 1 << 22):
        monkeypatch.setattr(csv_files, "BYTES", size)
        path.write_text('a,y,note\n1,2,"plain"\n1,3,"one, 5"\n')
        X, y = all_of(mlr.stream(path, "y", ["a"], shuffle_buffer=0))
        assert X.tolist() == [[1], [1]] and y.tolist() == [2, 3]
    monkeypatch.setattr(csv_files, "BYTES", 7)  # ends with the first of the lines
    path.write_text('a,y,note\n1,2,"x\n5,6,7"\n8,9,z\n')
    with pytest.raises(ValueError, match="text.csv, line 2: a quote opens here"):
        all_of(mlr.stream(path, "y", ["a"], shuffle_buffer=0))


def test_pieces_of_a_text_end_between_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_files, "_PIECE", 1)  # each would end with a line
    path = tmp_path / "text.csv"
    path.write_text('a,y,note\n1,2,"x\n5,6,\n\n7"\n8,9,z\n\n3,4,""\n')
    X, y = all_of(mlr.stream(path, "y", ["a"], shuffle_buffer=0))
    assert X.tolist() == [[1], [8], [3]] and y.tolist() == [2, 9, 4]


def test_pyarrow_reads_without_its_own_threads(tmp_path, monkeypatch):
    """After an error in a file, one of them can wait for itself, and the process never ends."""
    read_csv, used = csv.read_csv, []

    def spy(source, read_options, **options):
        used.append(read_options.use_threads)
        return read_csv(source, read_options, **options)

    monkeypatch.setattr(csv, "read_csv", spy)
    path = tmp_path / "broken.csv"
    path.write_text("a,y\n1\n" + "1,2\n" * 1_000_000)
    with pytest.raises(ValueError, match="line 2: has 1 values"):
        all_of(mlr.stream(path, "y"))
    assert len(used) > 10 and not any(used)


def test_lines_longer_than_what_is_parsed_at_once(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("text,a,y\n" + f"{'z' * 3_000_000},1,2\n" * 3)
    X, y = all_of(mlr.stream(path, "y", ["a"]))
    assert X.tolist() == [[1]] * 3 and y.tolist() == [2] * 3


def test_lines_that_are_no_rows(tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_bytes(b"\xef\xbb\xbf\r\n\r\n a ,y\r\n1,2\r\n\r\n3,4\r\n\r\n")
    X, y = all_of(mlr.stream(path, "y", shuffle_buffer=0))
    assert X.tolist() == [[1], [3]] and y.tolist() == [2, 4]


def test_folders_within_the_folder_are_read_too(tmp_path):
    (tmp_path / "rows" / "2024").mkdir(parents=True)
    (tmp_path / "rows" / "_temporary").mkdir()
    for name, number in (("a.csv", 1), ("2024/b.csv", 2), ("_temporary/c.csv", 3), (".d.csv", 4)):
        (tmp_path / "rows" / name).write_text(f"a,y\n{number},0\n")
    for source in (tmp_path / "rows", tmp_path / "r*"):
        assert sorted(all_of(mlr.stream(source, "y"))[0].ravel()) == [1, 2]


@pytest.mark.parametrize("parts", ["parquet"], indirect=True)
def test_a_bad_row_of_a_parquet_file_is_named(parts, tmp_path):
    table = parquet.read_table(tmp_path / "0.parquet")
    for value, message in ((None, "a missing value"), (np.nan, "a missing value"), (np.inf, "inf")):
        values = table["b"].to_pylist()
        values[250] = value
        bad = table.set_column(1, "b", pyarrow.array(values))
        parquet.write_table(bad, tmp_path / "bad.parquet", row_group_size=70)
        with pytest.raises(ValueError, match=f"bad.parquet, row 251: {message} in 'b'"):
            all_of(mlr.stream(tmp_path / "bad.parquet", "y"))
    text = table.set_column(1, "b", pyarrow.array(["t"] * len(table)))
    parquet.write_table(text, tmp_path / "bad.parquet")
    with pytest.raises(ValueError, match="bad.parquet: 'b' holds string"):
        all_of(mlr.stream(tmp_path / "bad.parquet", "y"))


def test_decimal_numbers_of_a_parquet_file(tmp_path):
    values = [decimal.Decimal("1.50"), decimal.Decimal("-2.25")]
    table = pyarrow.table({"a": values, "y": [True, False]})
    parquet.write_table(table, tmp_path / "rows.parquet")
    X, y = all_of(mlr.stream(tmp_path / "rows.parquet", "y", shuffle_buffer=0))
    assert X.tolist() == [[1.5], [-2.25]] and y.tolist() == [1, 0]


@pytest.mark.parametrize("change", ["touched", "gone", "shorter", "replaced"])
def test_files_must_stay_as_they_are(parts, change):
    stream = mlr.stream(parts, "y")
    all_of(stream)
    path = parts.replace("*", "2")
    if change == "touched":
        os.utime(path)
    elif change == "gone":
        os.remove(path)
    elif change == "replaced":
        shutil.copy2(path, f"{path}.copy")
        os.replace(f"{path}.copy", path)
    else:
        os.truncate(path, os.path.getsize(path) // 2)
    with pytest.raises(ValueError, match=r"2\.\w+: (has changed|cannot be read)"):
        all_of(stream)


def test_an_abandoned_pass_leaves_no_thread(parts):
    before = threading.active_count()
    blocks = iter(mlr.stream(parts, "y", shuffle_buffer=10, batch_size=5))
    next(blocks)
    assert threading.active_count() > before
    blocks.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("engine", ["autograd", "compiled"])
def test_an_interrupted_epoch_leaves_no_thread(parts, engine):
    """Even as long as the error, and with it each frame, is kept."""
    if engine == "compiled":
        pytest.importorskip("numba")

    def interrupt(rows):
        raise KeyboardInterrupt

    stream = mlr.stream(parts, "y", shuffle_buffer=10, batch_size=5)
    stream.on_rows = interrupt
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt) as kept:
        mlr.train(mlr.init_params(len(stream.columns), dtype="float64"), stream, 1, 0.0, engine)
    while any(isinstance(thread, threading.Timer) for thread in threading.enumerate()):
        pass  # the one of the note on compiling is just about to end
    assert threading.active_count() == before and kept.tb is not None


@pytest.mark.parametrize("parts", ["csv"], indirect=True)
def test_says_what_is_wrong(parts, tmp_path):
    with pytest.raises(ValueError, match="neither a file nor a folder or glob"):
        mlr.stream(tmp_path / "no*.csv", "y")
    with pytest.raises(ValueError, match="nearest is 'y'"):
        mlr.stream(parts, "z")
    with pytest.raises(ValueError, match="is the target"):
        mlr.stream(parts, "y", ["a", "y"])
    (tmp_path / "3.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="3.csv: target: no column 'y'"):
        mlr.stream(tmp_path, "y")
    with pytest.raises(ValueError, match="part"):
        mlr.stream(parts, "y", part=(2, 2))
    with pytest.raises(ValueError, match="standardize: arrays of sizes"):
        mlr.stream(tmp_path / "0.csv", "y", standardize=([1], [1], [1], [1]))
    for content, message in (
        ("a,y,a\n1,2,3\n", "0.csv: names a column twice: 'a'"),
        ("a,y\r1,2\r", "0.csv: the header must be one line"),
    ):
        (tmp_path / "0.csv").write_bytes(content.encode())
        with pytest.raises(ValueError, match=message):
            mlr.stream(tmp_path / "0.csv", "y")
    for content, message in (
        ("a,y\n", "no row"),
        ("a,y\n1e-200,1\n2e-200,2\n", "variance underflows float64"),
        ("a,y\n1e200,1\n2e200,2\n", "overflow"),
        ("ä,y\n1,2\n".encode("latin-1"), "header is not UTF-8 text; it looks like Latin-1"),
    ):
        content = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "0.csv").write_bytes(content)
        with pytest.raises(ValueError, match=message):
            mlr.stream(tmp_path / "0.csv", "y", standardize=True)
    (tmp_path / "0.csv").write_text("a,y\n1,2\n")
    for changes, message in (
        ({"features": "a"}, "must be a list of names, not 'a'"),
        ({"source": [tmp_path / "0.csv"]}, "source: must be the name"),
        ({"part": 3}, "part: must be a pair"),
        ({"standardize": "yes"}, "standardize: must be a bool"),
        ({"standardize": ([0], [-1], [0], [1])}, "standardize: must hold finite means"),
        ({"standardize": ([0], [1], [np.nan], [1])}, "standardize: must hold finite means"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            mlr.stream(**{"source": tmp_path / "0.csv", "target": "y", **changes})


def test_train_py(parts, rows, tmp_path):
    options = ("--data", parts, "--target", "y", "--features", "a, b,c", "--stream",
               "--validation", 0)  # fmt: skip
    model = tmp_path / "m.params"
    done = succeed("train", *options, "--epochs", 20, "--engine", "compiled", "--save", model)
    assert done.stderr == ""
    learned = mlr.load_model(model).metrics["training"]
    expected = mlr.least_squares(rows[0][:, :3], rows[1])
    least = expected.residual_standard_deviation**2 * expected.degrees_of_freedom / ROWS
    assert learned["rows"] == ROWS and least <= learned["mse"] < 1.05 * least
    exact = succeed("train", *options, "--solver", "exact").stdout
    assert f"{expected.coefficients[2]:.6g}" in exact
    assert "Mean loss" in succeed("train", *options, "--epochs", 9, "--kvstore", "local").stdout
