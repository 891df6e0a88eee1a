"""The pictures: what they show."""

import sys

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr
from mxlinreg import plotting


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_data(seed):
    X, y = mlr.synthetic(20)
    points = plotting.plot_data(X, y).axes[0].collections[0].get_offsets()
    np.testing.assert_array_equal(points, np.column_stack([X[:, 1].asnumpy(), y.asnumpy()]))


def test_training(seed):
    X, y = mlr.synthetic(150)
    params = w, b = mlr.init_params()
    left, right = plotting.plot_training([3.0, 2.0, 1.0], X, params).axes
    (loss,) = left.lines
    assert loss.get_ydata().tolist() == [3, 2, 1] and loss.get_color() == "r"
    estimated, real = right.lines
    assert (estimated.get_marker(), estimated.get_color()) == ("o", "r")
    assert (real.get_marker(), real.get_color()) == ("*", "g")
    X = X.asnumpy()[:100]
    np.testing.assert_array_equal(estimated.get_xdata(), X[:, 1])
    np.testing.assert_allclose(
        estimated.get_ydata()[:, 0] if estimated.get_ydata().ndim == 2 else estimated.get_ydata(),
        X @ w.asnumpy().ravel() + b.asscalar(),
        atol=1e-5,
    )
    np.testing.assert_allclose(real.get_ydata(), 2 * X[:, 0] - 3.4 * X[:, 1] + 4.2, atol=1e-5)


def test_training_before_any_epoch(seed):
    assert plotting.plot_training([], mlr.synthetic(5)[0], mlr.init_params()).axes


def test_errors_names_the_outliers_share():
    figure = plotting.plot_errors([0.0, 1.0, 2.0], [0.0, 4.0, 2.5], w=1.0, b=0.0)
    shares = [text for text in texts(figure) if "%" in text]
    assert shares == ["97% of the loss"]  # 9 / (9 + 0.25)
    line = figure.axes[0].lines[0]
    assert line.get_linestyle() == "--" and line.get_ydata().tolist() == [0, 2]
    assert sum(text.get_text() == "" for text in figure.axes[0].texts) == 3  # the arrows


@pytest.mark.parametrize("num_inputs, nodes", [(1, 1), (2, 2), (8, 8), (30, 7)])
def test_network(num_inputs, nodes):
    figure = plotting.plot_network(num_inputs)
    colors = [line.get_color() for line in figure.axes[0].lines]
    assert colors == ["orange"] * nodes + ["limegreen"]
    assert f"$x_{{{num_inputs}}}$" in texts(figure)


def test_diagnostics():
    y, yhat = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])
    line = plotting.plot_predictions(y, yhat).axes[0].lines[0]
    assert line.get_xdata().tolist() == [1, 2, 4] and line.get_ydata().tolist() == [1.5, 2, 3]
    line = plotting.plot_residuals(y, yhat).axes[0].lines[0]
    assert line.get_ydata().tolist() == [-0.5, 0, 1]
    assert plotting.plot_losses([1.0, 0.1]).axes[0].get_yscale() == "log"


def test_coefficients():
    axes = plotting.plot_coefficients(["a", "b $x$"], np.array([[2.0], [-1.0]])).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [2, -1]
    many = plotting.plot_coefficients([f"c{i}" for i in range(40)], np.arange(40.0)).axes[0]
    assert [bar.get_width() for bar in many.patches] == list(range(10, 40))


@pytest.mark.parametrize("name", ["price ($)", "$a_{$", "100 %", "ÿ_1^2"])
def test_any_name_can_be_drawn(tmp_path, name):
    y = np.array([1.0, 2.0])
    for figure in (
        plotting.plot_predictions(y, y, name),
        plotting.plot_residuals(y, y, name),
        plotting.plot_coefficients([name, f"{name}{name}"], y),
    ):
        plotting.save_figure(figure, tmp_path / "picture.png")
        assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_pictures_are_1000_pixels_wide_and_whole(tmp_path):
    path = tmp_path / "picture.png"
    plotting.save_figure(plotting.plot_network(3), path)
    assert int.from_bytes(path.read_bytes()[16:20], "big") == 1000
    before = path.read_bytes()
    broken = plotting.plot_network(3)
    broken.axes[0].set_title("$\\nosuchcommand$")
    with pytest.raises(ValueError):
        plotting.save_figure(broken, path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["picture.png"]


def test_missing_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"mxlinreg\[plot\]"):
        plotting.plot_data(mx.nd.ones((1, 2)), mx.nd.ones((1,)))
