"""A saved model is one file: there and back, by MXNet, from version 0.1, damaged, forged."""

import hashlib
import io
import json
import random
import shutil
import subprocess
import sys

import mxnet as mx
import numpy as np
import pytest
from helpers import mutations, rows_of, rows_of_text, succeed

import mxlinreg as mlr
from mxlinreg.models.params_file import params_bytes, params_from

W, B = [[2.0], [10.0], [20.0]], [1.0]  # of x, kind=b and kind=c


def model(**changes):
    described = {
        "columns": ["x", "kind=b", "kind=c"],
        "target": "y",
        "features": ["x", "kind"],
        "levels": {"kind": ["a", "b", "c"]},
        "fill": [5.0, 0.0, 0.0],
        "metrics": {"training": {"rows": 3, "r2": 0.5}},
        "losses": [2.0, 1.0],
        "left_out": {"id": "it counts the rows"},
    }
    return mlr.Model(np.array(W), np.array(B), **{**described, **changes})


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.params"
    mlr.save_model(path, model())
    return path


def test_there_and_back(saved):
    loaded, given = mlr.load_model(saved), model()
    assert loaded.w.tolist() == W and loaded.b.tolist() == B and loaded.w.dtype == np.float64
    for name in ("columns", "target", "features", "levels", "fill", "metrics", "losses"):
        assert getattr(loaded, name) == getattr(given, name), name
    assert loaded.left_out == given.left_out
    assert loaded.versions == given.versions and loaded.versions["mxlinreg"] == mlr.__version__
    assert str(loaded) == str(given)
    assert loaded.predict([[1, 0, 1]]).tolist() == [23]
    assert [path.name for path in saved.parent.iterdir()] == ["model.params"]


def test_mxnet_reads_the_file(saved):
    arrays = mx.nd.load(str(saved))
    assert list(arrays) == ["w", "b", "description"]
    assert arrays["w"].asnumpy().tolist() == W and arrays["b"].asnumpy().tolist() == B
    description = json.loads(arrays["description"].asnumpy().tobytes())
    assert description["columns"] == ["x", "kind=b", "kind=c"] and description["target"] == "y"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_train_leaves_is_enough(tmp_path, dtype):
    params = mlr.init_params(2, 3, dtype=dtype)
    mlr.save_model(tmp_path / "m", params)
    loaded = mlr.load_model(tmp_path / "m")
    assert loaded.columns == ["x0", "x1"] and loaded.w.dtype == dtype
    w, b = mlr.as_params(loaded)
    assert [w.asnumpy().tolist(), b.asnumpy().tolist()] == [p.asnumpy().tolist() for p in params]
    assert w.dtype == np.dtype(dtype) and w.grad is not None and w.context == mx.cpu()
    on_other = mlr.as_params(loaded, "cpu(1)")
    assert all(param.context == mx.cpu(1) and param.grad is not None for param in on_other)


def test_train_goes_on_from_a_saved_model(tmp_path, seed):
    X, y = mlr.synthetic(40)
    params = mlr.init_params()
    data = mlr.ArrayLoader(X, y, shuffle=False)
    mlr.train(params, data, epochs=1, learning_rate=0.01)
    mlr.save_model(tmp_path / "m", params)
    copy = mlr.as_params(mlr.load_model(tmp_path / "m"))
    assert mlr.train(copy, data, 2, 0.01) == mlr.train(params, data, 2, 0.01)


def test_files_of_mxnet_alone(tmp_path):
    path = str(tmp_path / "m.params")
    w, b = mx.nd.array(W, dtype="float64"), mx.nd.array(B, dtype="float64")
    for arrays in ({"w": w, "b": b}, [w, b], {"arg:w": w, "arg:b": b}):
        mx.nd.save(path, arrays)
        loaded = mlr.load_model(path)
        assert loaded.predict([[1, 1, 0]]) == [13] and loaded.columns == ["x0", "x1", "x2"]
        assert loaded.versions == {}
    for arrays in ({"w": w}, [w], [w, b, b], {"weight": w, "bias": b}):
        mx.nd.save(path, arrays)
        with pytest.raises(ValueError, match="m.params: holds no linear model"):
            mlr.load_model(path)
    mx.nd.save(path, [w, mx.nd.ones((2,), dtype="float64")])
    with pytest.raises(ValueError, match="m.params: holds no linear model: .*shape"):
        mlr.load_model(path)


@pytest.fixture
def old(data, tmp_path):
    """The two files of a model that version 0.1 saved."""
    for ending in ("params", "json"):
        shutil.copy(data / f"model-0.1.{ending}", tmp_path)
    return tmp_path / "model-0.1.params"


def test_models_of_version_0_1_predict_the_same(old, data):
    expected = rows_of(data / "predictions-0.1.csv")

    def assert_predicts_the_same():
        header, *rows = rows_of_text(succeed("predict", old, data / "houses.csv").stdout)
        assert header == expected[0]
        np.testing.assert_allclose(np.array(rows, float), np.array(expected[1:], float), rtol=1e-13)

    assert_predicts_the_same()
    loaded = mlr.load_model(old)
    assert loaded.target == "price" and loaded.versions == {"mxlinreg": "0.1.0"}
    # Saved anew, its JSON file does not matter any more.
    mlr.save_model(old, loaded)
    old.with_suffix(".json").write_text("{")
    assert_predicts_the_same()


def test_damaged_pairs_of_version_0_1(old):
    beside, content = old.with_suffix(".json"), old.read_bytes()
    text = beside.read_text()
    beside.write_text(text.replace('"area"', '"aria"'))
    with pytest.raises(ValueError, match="does not belong to .*model-0.1.json, or is damaged"):
        mlr.load_model(old)
    for broken in ("{", "[]", "[" * 100000):
        beside.write_text(broken)
        with pytest.raises(ValueError, match="model-0.1.json: is damaged"):
            mlr.load_model(old)
    beside.write_text(text)
    old.write_bytes(content.replace(b"@", b"A"))
    assert content != old.read_bytes()
    with pytest.raises(ValueError, match="does not belong to"):
        mlr.load_model(old)
    old.write_bytes(content)
    beside.write_text('{"somebody": "else"}')
    assert mlr.load_model(old).columns == ["x0", "x1", "x2", "x3"]


def test_a_damaged_file_is_an_error_or_the_same_model(saved):
    whole, expected = saved.read_bytes(), str(mlr.load_model(saved))
    same = 0
    damaged = [whole[:n] for n in range(0, len(whole), 7)]
    damaged += mutations(whole, random.Random(1), 500)
    for content in damaged:
        saved.write_bytes(content)
        try:
            same += str(mlr.load_model(saved)) == expected
            assert str(mlr.load_model(saved)) == expected
        except ValueError as error:
            assert str(error).startswith(str(saved))
    # The file's reserved word and the devices' numbers say nothing about the model.
    assert same < 50


def test_forged_descriptions(saved):
    """Even with a checksum that fits, a file is a model or a ValueError."""
    arrays = params_from(io.BytesIO(saved.read_bytes()))
    described = json.loads(arrays.pop("description").tobytes())
    del described["sha256"]

    def load(changes):
        description = {**described, **changes}
        text = json.dumps(description, sort_keys=True)
        digest = hashlib.sha256(params_bytes(arrays) + text.encode()).hexdigest()
        text = json.dumps({**description, "sha256": digest})
        content = np.frombuffer(text.encode(), np.uint8)
        saved.write_bytes(params_bytes({**arrays, "description": content}))
        return mlr.load_model(saved)

    assert load({}).columns == ["x", "kind=b", "kind=c"]
    assert load({"from": "elsewhere"}).target == "y"
    assert "rmse 1000" in str(
        load({"largest": [1, 1, 1], "metrics": {"training": {"rmse": 10**400}}})
    )
    with pytest.raises(ValueError, match="from a later version"):
        load({"format": 2})
    for changes in (
        {"columns": ["x"]}, {"columns": 3}, {"columns": [1, 2, 3]}, {"fill": [1.0]},
        {"fill": "abc"}, {"features": 3}, {"features": [None]}, {"levels": [3]},
        {"levels": {"kind": 3}}, {"losses": "lots"}, {"metrics": 3}, {"target": None},
        {"left_out": 3}, {"left_out": [["id", "constant"]]}, {"versions": "1"},
        {"largest": [10**400, 1, 1]}, {"losses": [10**400]},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="holds no linear model"):
            load(changes)


def test_bad_models(tmp_path):
    path = tmp_path / "m"
    for bad, error in (
        ("m.params", TypeError), ([1.0], TypeError), (None, TypeError),
        ([np.ones(2), np.ones(1)], ValueError), ([np.ones((2, 1)), np.ones(2)], ValueError),
        ([np.full((2, 1), np.nan), np.ones(1)], ValueError),
        ([np.ones((2, 1), complex), np.ones(1, complex)], TypeError),
    ):  # fmt: skip
        with pytest.raises(error, match="model|params|w:"):
            mlr.save_model(path, bad)
    with pytest.raises(ValueError, match="2 names do not fit 3 inputs"):
        model(columns=["a", "b"])
    with pytest.raises(ValueError, match="1 values do not fit 3 inputs"):
        model(fill=[1.0])
    with pytest.raises(ValueError, match="path: cannot write"):
        mlr.save_model(tmp_path / "missing" / "m", model())
    assert list(tmp_path.iterdir()) == []


def test_what_json_cannot_hold_is_saved_as_far_as_it_goes(saved):
    odd = model(
        metrics={"training": {"r2": float("nan"), "mse": np.float64("inf")}},
        columns=["\ud800", "é", "x\0"],
    )
    mlr.save_model(saved, odd)
    loaded = mlr.load_model(saved)
    assert loaded.metrics == {"training": {"r2": None, "mse": None}}
    assert loaded.columns == odd.columns


def test_no_mxnet_is_needed(data, tmp_path):
    """With MXNet blocked, a model is fitted, saved, shown, read and predicted from."""
    code = """
import sys; sys.modules["mxnet"] = None
import numpy as np, mxlinreg as mlr
from mxlinreg.__main__ import main
data, folder = sys.argv[1:]
solution = mlr.least_squares(np.arange(8.0).reshape(4, 2) ** 2, [1, 2, 3, 5])
mlr.save_model(folder + "/m", mlr.Model(solution.coefficients[:, None], [solution.intercept]))
assert abs(mlr.load_model(folder + "/m").predict([[0, 1]])[0] - solution.intercept
           - solution.coefficients[1]) < 1e-12
for arguments in (["show", data + "/model-0.1.params"],
                  ["predict", data + "/model-0.1.params", data + "/houses.csv"]):
    try:
        main(arguments)
    except SystemExit as end:
        assert end.code == 0
"""
    if sys.version_info < (3, 13):
        pytest.importorskip("onnx")
        code += 'mlr.export_onnx(data + "/model-0.1.params", folder + "/m.onnx")\n'
    done = subprocess.run([sys.executable, "-c", code, data, tmp_path], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.count(b"\n") > 15
