"""Predictions of a model, from arrays and from tables of all kinds."""

import decimal
import shutil

import mxnet as mx
import numpy as np
import pytest
from helpers import fail, rows_of_text, succeed

import mxlinreg as mlr

pyarrow = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402

W, B = [[2.0], [10.0], [20.0]], [1.0]  # of x, kind=b and kind=c


@pytest.fixture
def model():
    return mlr.Model(
        np.array(W), np.array(B), ["x", "kind=b", "kind=c"], "y", ["x", "kind"],
        {"kind": ["a", "b", "c"]},
    )  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return write


def all_of(model, path):
    return np.concatenate(list(model.predict_file(path))).tolist()


def test_arrays(model):
    X = np.random.RandomState(0).normal(size=(4, 3))
    np.testing.assert_allclose(model.predict(X), (X @ W)[:, 0] + 1, rtol=1e-15)
    for same in (X.tolist(), mx.nd.array(X, dtype="float64"), np.asfortranarray(X)):
        np.testing.assert_allclose(model.predict(same), model.predict(X), rtol=1e-14)
    single = mlr.Model(np.array(W, "float32"), np.array(B, "float32"))
    assert single.predict(X.astype("float32")).dtype == np.float64
    many = mlr.Model(np.eye(2), np.array([1.0, 2.0]))
    assert many.predict([[3, 4]]).tolist() == [[4, 6]]
    for bad in (X[:, :2], X[0], 3.0):
        with pytest.raises(ValueError, match=r"X: expected shape \(n, 3\)"):
            model.predict(bad)
    for bad in ("rows.csv", {"x": [1.0]}, [[1, "a", 2]]):
        with pytest.raises(TypeError, match="X: must hold real numbers"):
            model.predict(bad)
    with pytest.raises(ValueError, match="X: is not an array of numbers"):
        model.predict([[1, 2], [3]])
    with pytest.raises(ValueError, match="X: holds infinity"):
        model.predict([[np.inf, 0, 0]])
    with pytest.raises(ValueError, match=r"missing values \('x' 1\)"):
        model.predict([[np.nan, 0, 0]])
    model.fill = {"x": 5.0}
    assert model.predict([[np.nan, 1, 0]]).tolist() == [21]
    assert mlr.Model([[2], [3]], [1]).predict([[1, 1]]).tolist() == [6]


def test_tables_by_the_names_of_their_columns(model):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {"kind": ["a", "c", "b"], "other": ["p", "q", "r"], "x": [1, 2, -3]}
    arrow = pyarrow.table(columns)
    tables = arrow, arrow.to_batches()[0], pandas.DataFrame(columns), polars.DataFrame(columns)
    for table in tables:
        assert model.predict(table).tolist() == [3, 25, 5]
    categories = pandas.DataFrame({**columns, "kind": pandas.Categorical(columns["kind"])})
    assert model.predict(categories.set_index("other")).tolist() == [3, 25, 5]
    with pytest.raises(ValueError, match="no column 'x'; the nearest is 'xx'"):
        model.predict(pandas.DataFrame({"xx": [1], "kind": ["a"]}))
    twice = pandas.DataFrame([[1, 2, "a"]], columns=["x", "x", "kind"])
    with pytest.raises(ValueError, match="names a column twice: 'x'"):
        model.predict(twice)


def test_numbers_of_all_kinds():
    model = mlr.Model(np.array([[1.0], [10.0]]), np.array([0.5]), ["a", "b"])
    table = pyarrow.table({
        "a": pyarrow.array([True, False]),
        "b": pyarrow.array([decimal.Decimal("1.5"), decimal.Decimal("-2.0")]),
    })  # fmt: skip
    assert model.predict(table).tolist() == [16.5, -19.5]


def test_files(model, file, tmp_path):
    text = "kind,other, x \na,text,1\nc,text,2\nb,text,-3\n"
    assert all_of(model, file(text)) == [3, 25, 5]
    assert all_of(model, file(text.replace(",", ";"))) == [3, 25, 5]
    table = pyarrow.table({" x ": [1.0, 2.0, -3.0], "kind": ["a", "c", "b"], "other": [1, 2, 3]})
    parquet.write_table(table, tmp_path / "table.parquet")
    assert all_of(model, tmp_path / "table.parquet") == [3, 25, 5]


def test_text_that_looks_like_numbers(model, file):
    model.levels = {"kind": ["01", "02", "1"]}
    assert all_of(model, file("x,kind\n1,02\n1,1\n1,01\n")) == [13, 23, 3]


def test_what_is_true_or_false(file):
    model = mlr.Model(np.array([[2.0]]), np.array([1.0]), ["x"])
    assert all_of(model, file("x\ntrue\nfalse\n")) == [3, 1]


def test_missing_values(model, file):
    path = file("x,kind\n1,a\n,b\n")
    with pytest.raises(ValueError, match=r"table.csv.*missing values \('x' 1\); leave"):
        all_of(model, path)
    model.fill = {"x": 5.0}
    assert all_of(model, path) == [3, 21]
    assert all_of(model, file("x,kind\n,b\n")) == [21]  # without a single number


@pytest.mark.parametrize(
    "text, message",
    [
        ("xx,kind\n1,a\n", "no column 'x'; the nearest is 'xx'"),
        ("x,kind\n1,d\n", "'kind' holds 'd', which the model does not know"),
        ("x,kind\none,a\n", "one"),
        ("x,kind\n", "has no rows"),
        ("x,x,kind\n1,2,a\n", "names a column twice"),
        ("x,kind\n1\n", "line 2: has 1 values, but the header has 2 columns"),
        ("", "is empty"),
    ],
)
def test_a_file_that_does_not_fit(model, file, text, message):
    with pytest.raises(ValueError, match=f"(?s)table.csv.*{message}"):
        all_of(model, file(text))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_of_many_blocks_keeps_its_order(tmp_path, ending, monkeypatch):
    """The numbers of the first block look like integers, and the last ones are missing."""
    from mxlinreg.rows import table_blocks

    monkeypatch.setattr(table_blocks, "_BYTES", 1000)
    monkeypatch.setattr(table_blocks, "_ROWS", 100)
    x = [*range(5000), *np.linspace(0.5, 2, 5000)]
    path = tmp_path / f"large.{ending}"
    if ending == "csv":
        path.write_text("x\n" + "".join(f"{value!r}\n" for value in map(float, x[5000:])))
        path.write_text("x\n" + "".join(f"{v}\n" for v in x[:5000]) + path.read_text()[2:])
    else:
        parquet.write_table(pyarrow.table({"x": np.array(x)}), path)
    model = mlr.Model(np.array([[2.0]]), np.array([1.0]), ["x"])
    blocks = list(model.predict_file(path))
    assert len(blocks) > 10
    np.testing.assert_allclose(np.concatenate(blocks), 2 * np.array(x) + 1, rtol=1e-15)
    printed = rows_of_text(succeed("predict", saved(model, tmp_path), path).stdout)
    np.testing.assert_array_equal(np.array(printed[1:], float)[:, 0], np.concatenate(blocks))


def saved(model, folder):
    mlr.save_model(folder / "m", model)
    return folder / "m"


def test_predict_of_what_the_library_has_saved(tmp_path, file, seed):
    X, y = mlr.synthetic(40)
    params = mlr.init_params()
    mlr.train(params, mlr.ArrayLoader(X, y), 3, 0.01)
    mlr.save_model(tmp_path / "m", params)
    path = file("x1,x0\n" + "".join(f"{b!r},{a!r}\n" for a, b in X.asnumpy().tolist()))
    lines = rows_of_text(succeed("predict", tmp_path / "m", path).stdout)
    assert lines[0] == ["predicted y"]
    yhat = mlr.net(X, *params).asnumpy()[:, 0]
    np.testing.assert_allclose(np.array(lines[1:], float)[:, 0], yhat, rtol=1e-5)


def test_a_model_of_two_outputs(tmp_path, file):
    path = saved(mlr.Model(np.eye(2), np.array([1.0, 2.0]), ["a", "b"]), tmp_path)
    lines = rows_of_text(succeed("predict", path, file("a,b\n3,4\n")).stdout)
    assert lines == [["predicted y 0", "predicted y 1"], ["4", "6"]]


def test_what_show_prints(data):
    lines = succeed("show", data / "model-0.1.params").stdout.splitlines()
    assert lines[0].split() == ["column", "coefficient", "of", "price"]
    saved = mlr.load_model(data / "model-0.1.params")
    shown = [line.split() for line in lines[1:6]]
    assert [name for name, _ in shown] == ["(intercept)", *saved.columns]
    assert [float(text) for _, text in shown] == [*saved.b, *saved.w[:, 0]], "with all digits"
    assert "training: rows 10, mse 108.78, rmse 10.4298, r2 0.992133" in lines
    assert lines[-1] == "made by mxlinreg 0.1.0"


def test_inputs_are_never_written_over(data, tmp_path):
    for name in ("model-0.1.params", "model-0.1.json", "houses.csv"):
        shutil.copy(data / name, tmp_path)
    model, table = tmp_path / "model-0.1.params", tmp_path / "houses.csv"
    (tmp_path / "link").symlink_to(table)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for output, earlier in ((table, "FILE"), (tmp_path / "link", "FILE"), (model, "MODEL")):
        message = fail(1, "predict", model, table, "--output", output)
        assert f"--output: {output} is the same file as {earlier}" in message
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_model_can_be_printed_before_and_after_it_is_saved(tmp_path):
    model = mlr.Model(np.array([[2.0], [-3.0]]), np.array([1.0]), largest=np.array([10.0, 0.5]))
    mlr.save_model(tmp_path / "m.params", model)
    assert str(model) == str(mlr.load_model(tmp_path / "m.params"))
    assert [line.split() for line in str(model).splitlines()[1:4]] == [
        ["(intercept)", "1"], ["x0", "2"], ["x1", "-3"]
    ]  # fmt: skip
