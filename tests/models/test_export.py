"""Exported models: what other programs read from the files is what NumPy computes."""

import itertools
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import onnx
import onnxruntime
import pytest

import mxlinreg as mlr
from mxlinreg.models.export import export_onnx, export_symbol

TOLERANCE = {"float32": 1e-6, "float64": 1e-14}  # of the sum of the terms' sizes


def onnx_predict(path, X):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["yhat"], {"X": X})[0]


def assert_predicts(yhat, X, w, b):
    assert yhat.dtype == X.dtype and yhat.shape == (len(X), w.shape[1])
    size = np.abs(X).astype(float) @ np.abs(w) + np.abs(b) + 1
    error = np.abs(yhat - (X.astype(float) @ w + b)) / size
    assert (error <= TOLERANCE[X.dtype.name]).all()


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.mark.parametrize("d, k", [(1, 1), (2, 1), (5, 3), (300, 2)])
def test_onnx_predicts_as_the_model_does(seed, tmp_path, dtype, d, k):
    params = mlr.init_params(d, k, dtype=dtype)
    export_onnx(params, tmp_path / "m.onnx")
    w, b = (param.asnumpy() for param in params)
    for num_rows in (0, 1, 2, 1000):
        X = np.random.RandomState(d).normal(size=(num_rows, d)).astype(dtype)
        yhat = onnx_predict(tmp_path / "m.onnx", X)
        assert_predicts(yhat, X, w, b)
        if num_rows:
            ours = mlr.net(mx.nd.array(X, dtype=dtype), *params).asnumpy()
            np.testing.assert_allclose(yhat, ours, rtol=1e-6, atol=1e-6 * np.abs(ours).max())


def test_the_onnx_file_is_valid_and_widely_readable(tmp_path):
    export_onnx(mlr.init_params(3, 2), str(tmp_path / "m.onnx"))
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    model = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, model.opset_import[0].version) == (7, 13)
    for value, columns in ((model.graph.input[0], 3), (model.graph.output[0], 2)):
        rows, width = value.type.tensor_type.shape.dim
        assert (rows.dim_param, width.dim_value) == ("batch", columns)
    assert len(model.metadata_props) == 0


def test_many_inputs(tmp_path):
    d = 100_000
    w, b = np.linspace(-1, 1, d)[:, None], np.array([0.5])
    export_onnx([w, b], tmp_path / "m.onnx")
    export_symbol([w, b], tmp_path / "m")
    X = np.random.RandomState(0).normal(size=(3, d))
    assert_predicts(onnx_predict(tmp_path / "m.onnx", X), X, w, b)
    assert mx.nd.load(str(tmp_path / "m-0000.params"))["arg:w"].shape == (d, 1)


NAMES = ["age", 'größe "m"', "$x_1$"]


def saved_model(tmp_path, w, b):
    model = mlr.Model(w, b, NAMES, "β 1")
    mlr.save_model(tmp_path / "saved.params", model)
    return tmp_path / "saved.params"


KINDS = {
    "estimator": lambda w, b: SimpleNamespace(
        fit=None, coef_=w.T, intercept_=b, feature_names_in_=np.array(NAMES, dtype=object)
    ),
    "estimator of one output": lambda w, b: SimpleNamespace(
        fit=None, coef_=w[:, 0], intercept_=float(b[0]), feature_names_in_=np.array(NAMES)
    ),
    "least squares": lambda w, b: SimpleNamespace(coefficients=w, intercept=b, columns=NAMES),
    "least squares of one output": lambda w, b: SimpleNamespace(
        coefficients=w[:, 0], intercept=float(b[0]), columns=NAMES
    ),
    "saved": None,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_and_its_names(tmp_path, dtype, kind):
    k = 1 if "one" in kind else 2
    w, b = np.arange(3.0 * k).reshape(3, k).astype(dtype), np.arange(k).astype(dtype) + 7
    model = saved_model(tmp_path, w, b) if kind == "saved" else KINDS[kind](w, b)
    X = np.random.RandomState(0).normal(size=(4, 3)).astype(dtype)
    names = {"feature_names": NAMES, **({"target": "β 1"} if kind == "saved" else {})}

    export_onnx(model, tmp_path / "m.onnx")
    assert_predicts(onnx_predict(tmp_path / "m.onnx", X), X, w, b)
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    metadata = session.get_modelmeta().custom_metadata_map
    assert {**metadata, "feature_names": json.loads(metadata["feature_names"])} == names

    export_symbol(model, tmp_path / "m")
    attributes = mx.sym.load(str(tmp_path / "m-symbol.json")).attr_dict()["data"]
    assert json.loads(attributes["feature_names"]) == NAMES
    assert attributes.get("target") == names.get("target")


def test_a_fitted_regressor_of_scikit_learn(data, tmp_path):
    """Its conventions are LinearRegressor's."""
    linear_model = pytest.importorskip("sklearn.linear_model")

    table = np.loadtxt(data / "diabetes.csv", delimiter=",", skiprows=1)
    for y in (table[:, -1], table[:, -3:]):
        fitted = linear_model.LinearRegression().fit(table[:, :7], y)
        export_onnx(fitted, tmp_path / "m.onnx")
        yhat = onnx_predict(tmp_path / "m.onnx", table[:, :7])
        np.testing.assert_allclose(yhat.reshape(y.shape), fitted.predict(table[:, :7]), rtol=1e-12)


# Run in a fresh interpreter. MXNet alone fails to import on NumPy 1.24 and later.
READ_SYMBOLS = """
import sys
import numpy as np
if tuple(map(int, np.__version__.split(".")[:2])) >= (1, 24):
    import mxlinreg
import mxnet as mx

for prefix in sys.argv[1:]:
    X = np.load(prefix + "-X.npy")
    data = mx.nd.array(X, dtype=X.dtype)
    block = mx.gluon.SymbolBlock.imports(prefix + "-symbol.json", ["data"], prefix + "-0000.params")
    module = mx.mod.Module.load(prefix, 0, label_names=None)
    module.bind([mx.io.DataDesc("data", X.shape, X.dtype)], for_training=False)
    module.forward(mx.io.DataBatch([data]), is_train=False)
    np.savez(prefix + "-yhat", block(data).asnumpy(), module.get_outputs()[0].asnumpy())
"""


def test_mxnet_reads_the_symbol_both_ways(seed, tmp_path):
    models = {}
    for dtype, k in itertools.product(["float32", "float64"], [1, 3]):
        prefix = str(tmp_path / f"{dtype}, v1.{k}")
        models[prefix] = mlr.init_params(4, k, dtype=dtype)
        export_symbol(models[prefix], prefix)
        assert sorted(str(path) for path in tmp_path.glob(f"*{dtype}, v1.{k}*")) == [
            f"{prefix}-0000.params",
            f"{prefix}-symbol.json",
        ]
        np.save(f"{prefix}-X.npy", np.random.RandomState(0).normal(size=(6, 4)).astype(dtype))
    subprocess.run([sys.executable, "-c", READ_SYMBOLS, *models], check=True)
    for prefix, (w, b) in models.items():
        X = np.load(f"{prefix}-X.npy")
        ours = mlr.net(mx.nd.array(X, dtype=X.dtype), w, b).asnumpy()
        with np.load(f"{prefix}-yhat.npz") as both:
            for yhat in both.values():
                assert_predicts(yhat, X, w.asnumpy(), b.asnumpy())
                np.testing.assert_array_equal(yhat, ours)


class Unfitted:
    def fit(self, X, y):
        raise NotImplementedError


@pytest.mark.parametrize(
    "model, error, text",
    [
        ("nowhere.params", ValueError, "nowhere.params: cannot be read"),
        (Unfitted(), ValueError, "this Unfitted has no coef_; call its fit first"),
        (None, TypeError, "expected .* not None"),
        ([1, 2, 3], TypeError, r"not \[1, 2, 3\]"),
        ([None, None], TypeError, "w: must hold real numbers"),
        ([np.ones((2, 1)), np.ones(2)], ValueError, r"not \(2, 1\) and \(2,\)"),
        ([np.ones((2, 1), "float16"), np.ones(1, "float16")], ValueError, "float16"),
        ([np.full((2, 1), np.nan), np.ones(1)], ValueError, "w is not finite"),
        ([np.ones((2, 1)), np.array([np.inf])], ValueError, "b is not finite"),
        (
            SimpleNamespace(coefficients=np.ones(2), intercept=1.0, columns=["a"]),
            ValueError,
            "1 names of columns do not fit 2 inputs",
        ),
    ],
)
def test_what_is_no_model(tmp_path, model, error, text):
    for export in (export_onnx, export_symbol):
        with pytest.raises(error, match=text):
            export(model, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_written():
    params = mlr.init_params()
    with pytest.raises(ValueError, match="path: cannot write"):
        export_onnx(params, "/nowhere/m.onnx")
    with pytest.raises(ValueError, match="prefix: cannot write"):
        export_symbol(params, Path("/nowhere/m"))


def test_missing_library(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"mxlinreg\[onnx\]"):
        export_onnx(mlr.init_params(), tmp_path / "m.onnx")
