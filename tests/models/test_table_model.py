"""The description of a saved model, and predictions from a file's columns by it."""

import mxnet as mx
import numpy as np
import pytest

from mxlinreg.models.checkpoint import load_model, save_model
from mxlinreg.models.table_model import describe, load_table_model, predict, predict_table

W, B = [[2.0], [10.0], [20.0]], [1.0]  # of x, kind=b and kind=c


@pytest.fixture
def save(tmp_path):
    """A function that saves a model with a description, and gives its path."""

    def save(description):
        path = tmp_path / "m.params"
        save_model(path, [mx.nd.array(param, dtype="float64") for param in (W, B)], description)
        return path

    return save


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return write


def description(**changes):
    settings = {
        "columns": ["x", "kind=b", "kind=c"],
        "target": "y",
        "metrics": {"training": {"rows": 3}},
        "losses": [2.0, 1.0],
        "features": ["x", "kind"],
        "levels": {"kind": ["a", "b", "c"]},
    }
    return describe(**{**settings, **changes})


def test_what_describes_a_model_comes_back(save):
    given = description(fill=np.array([5.0, 0.0, 0.0]))
    params, loaded = load_table_model(save(given))
    assert {name: loaded[name] for name in given} == given and given["fill"] == [5, 0, 0]
    assert [param.asnumpy().tolist() for param in params] == [W, B]


def test_a_table_of_numbers_has_short_descriptions():
    assert describe(["a", "b"], "y", {}, [0.5]) == {
        "columns": ["a", "b"],
        "features": ["a", "b"],
        "target": "y",
        "levels": {},
        "fill": None,
        "metrics": {},
        "losses": [0.5],
    }


def test_predict():
    X = np.random.RandomState(0).normal(size=(4, 3))
    for dtype, rtol in (("float64", 1e-15), ("float32", 1e-6)):
        params = [mx.nd.array(param, dtype=dtype) for param in (W, B)]
        yhat = predict(X, params)
        np.testing.assert_allclose(yhat, (X @ W)[:, 0] + 1, rtol=rtol)
        assert yhat.dtype == predict(X.astype("float32"), params).dtype == np.float64


def test_columns_are_found_by_name(save, file):
    model = load_table_model(save(description()))
    path = file("kind,other,x\na,text,1\nc,text,2\nb,text,-3\n")
    assert predict_table(*model, path).tolist() == [3, 25, 5]


def test_text_that_looks_like_numbers(save, file):
    model = load_table_model(save(description(levels={"kind": ["01", "02", "1"]})))
    assert predict_table(*model, file("x,kind\n1,02\n1,1\n1,01\n")).tolist() == [13, 23, 3]


def test_missing_values(save, file):
    path = file("x,kind\n1,a\n,b\n")
    with pytest.raises(ValueError, match=r"table.csv: missing values \('x' 1\); fill them in"):
        predict_table(*load_table_model(save(description())), path)
    filled = load_table_model(save(description(fill=np.array([5.0, 0, 0]))))
    assert predict_table(*filled, path).tolist() == [3, 21]


@pytest.mark.parametrize(
    "text, message",
    [
        ("xx,kind\n1,a\n", "no column 'x'; the nearest is 'xx'"),
        ("x,kind\n1,d\n", "'kind' holds 'd', unknown to the fit"),
        ("x,kind\none,a\n", "'x' holds text where numbers are needed"),
    ],
)
def test_a_file_that_does_not_fit(save, file, text, message):
    with pytest.raises(ValueError, match=message):
        predict_table(*load_table_model(save(description())), file(text))


def test_a_model_of_no_table(save):
    path = save({"columns": ["a", "b", "c"], "target": "y", "levels": {}, "fill": None})
    assert load_model(path)
    with pytest.raises(ValueError, match="m.params: is not a model of mxlinreg train.*'features'"):
        load_table_model(path)
