"""The pictures: what they show."""

import sys

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr
from mxlinreg import plotting


def labels(axes):
    """The title and what the axes are called, with their grid looked at."""
    grid = [*axes.get_xgridlines(), *axes.get_ygridlines()]
    assert {(line.get_visible(), line.get_alpha()) for line in grid} == {(True, 0.3)}
    return axes.get_title(), axes.get_xlabel(), axes.get_ylabel()


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def style(line):
    return line.get_color(), line.get_marker(), line.get_linestyle(), line.get_label()


def points(line):
    return np.column_stack([line.get_xdata(), np.ravel(line.get_ydata())]).tolist()


def arrows(axes):
    """Each as where it points to, where it begins, and how it is drawn."""
    found = [text for text in axes.texts if getattr(text, "arrow_patch", None)]
    assert all(text.get_text() == "" for text in found)
    return [(text.xy, text.xyann, text.arrowprops) for text in found]


def words(axes):
    """Each text that is no arrow, with its place."""
    found = [text for text in axes.texts if not getattr(text, "arrow_patch", None)]
    return {text.get_text(): text.get_position() for text in found}


def test_data(seed):
    X, y = mlr.synthetic(20)
    (axes,) = plotting.plot_data(X, y).axes
    (cloud,) = axes.collections
    expected = np.column_stack([X[:, 1].asnumpy(), y.asnumpy()])
    np.testing.assert_array_equal(cloud.get_offsets(), expected)
    assert cloud.get_sizes() == [6] and cloud.get_alpha() == 0.4
    assert labels(axes) == ("The data", "X[:, 1]", "y")
    assert "Constrained" in type(axes.figure.get_layout_engine()).__name__  # no label is cut off


@pytest.mark.parametrize("model_ctx", [mx.cpu(0), mx.cpu(1)])
def test_training(seed, model_ctx):
    X, y = mlr.synthetic(150)
    params = w, b = mlr.init_params(ctx=model_ctx)
    left, right = plotting.plot_training([3.0, 2.0, 1.0], X, params).axes
    (loss,) = left.lines
    assert points(loss) == [[0, 3], [1, 2], [2, 1]]
    assert style(loss)[:3] == ("r", "None", "-")
    assert labels(left) == ("Loss during training", "epoch", "mean loss")
    assert (left.get_xticks() % 1 == 0).all()
    estimated, real = right.lines
    assert style(estimated) == ("r", "o", "None", "Estimated")
    assert style(real) == ("g", "*", "None", "Real")
    assert labels(right) == ("Estimated vs real function", "X[:, 1]", "y")
    assert legend(right) == ["Estimated", "Real"]
    X = X.asnumpy()[:100]
    yhat = X @ w.asnumpy().ravel() + b.asscalar()
    y = 2 * X[:, 0] - 3.4 * X[:, 1] + 4.2
    np.testing.assert_allclose(points(estimated), np.column_stack([X[:, 1], yhat]), atol=1e-5)
    np.testing.assert_allclose(points(real), np.column_stack([X[:, 1], y]), atol=1e-5)
    right = plotting.plot_training([], mx.nd.array(X, model_ctx), params, sample_size=7).axes[1]
    assert [len(line.get_xdata()) for line in right.lines] == [7, 7]


def test_training_before_any_epoch(seed):
    left, right = plotting.plot_training([], mlr.synthetic(5)[0], mlr.init_params()).axes
    assert points(left.lines[0]) == [] and len(points(right.lines[0])) == 5


def test_errors():
    """The line, each point's error, and the share of the largest: 9 of 9 + 0.25."""
    (axes,) = plotting.plot_errors([0, 2, 4], [1.0, 8.0, 9.5], w=2.0, b=1.0).axes
    line, data = axes.lines
    assert points(line) == [[0, 1], [4, 9]]
    assert style(line) == ("tab:blue", "None", "--", "ŷ = x·w + b")
    assert points(data) == [[0, 1], [2, 8], [4, 9.5]]
    assert style(data) == ("tab:orange", "o", "None", "data")
    arrow = {"arrowstyle": "<->", "color": "gray", "shrinkA": 0, "shrinkB": 0}
    ends = [((0, 1), (0, 1)), ((2, 8), (2, 5)), ((4, 9.5), (4, 9))]
    assert arrows(axes) == [(*two, arrow) for two in ends]
    assert list(words(axes)) == ["97% of the loss"]
    assert labels(axes) == ("The square loss weighs outliers heavily", "x", "y")
    assert legend(axes) == ["ŷ = x·w + b", "data"]


@pytest.mark.parametrize(
    "worst, side, offset", [(0, "left", 12), (2, "left", 12), (3, "right", -12)]
)
def test_the_share_of_the_loss_stands_beside_its_point(worst, side, offset):
    x, y = np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.full(5, 0.1)
    y[worst] = 0.5
    (text,) = [t for t in plotting.plot_errors(x, y, 0.0, 0.0).axes[0].texts if t.get_text()]
    assert text.get_text() == "86% of the loss"  # 25 of 25 + 4
    assert text.xy == (worst, 0.5) and text.xyann == (offset, 0)
    assert text.get_horizontalalignment() == side and text.get_verticalalignment() == "center"
    assert text.anncoords == "offset points"


def test_errors_of_any_size():
    x = np.array([0, 1, 2], "float32")
    assert words(plotting.plot_errors(x, 2 * x, 2.0, 0.0).axes[0]) == {}
    y = np.array([0, 0, 1e30], "float32")  # its square is infinite in float32
    assert list(words(plotting.plot_errors(x, y, 0.0, 0.0).axes[0])) == ["100% of the loss"]
    x = np.array([0, 100, 200], "uint8")  # twice 200 is 144 in uint8
    assert points(plotting.plot_errors(x, [0, 0, 0], 2, 1).axes[0].lines[0]) == [[0, 1], [200, 401]]


@pytest.mark.parametrize(
    "num_inputs, names",
    [
        (1, [1]),
        (3, [1, 2, 3]),
        (8, [1, 2, 3, 4, 5, 6, 7, 8]),
        (9, [1, 2, 3, 4, 5, 6, None, 9]),
        (30, [1, 2, 3, 4, 5, 6, None, 30]),
    ],
)
def test_network(num_inputs, names):
    (axes,) = plotting.plot_network(num_inputs).axes
    top = (len(names) - 1) / 2
    places = {name: (0, top - i) for i, name in enumerate(names)}
    nodes = [(*places[name], "orange", "o", 36) for name in names if name]
    drawn = [(line, *points(line)[0]) for line in axes.lines]
    assert [
        (x, y, line.get_color(), line.get_marker(), line.get_markersize()) for line, x, y in drawn
    ] == [*nodes, (3, 0, "limegreen", "o", 44)]
    arrow = {"arrowstyle": "-|>", "color": "gray", "shrinkA": 22, "shrinkB": 26}
    assert arrows(axes) == [((3, 0), places[name], arrow) for name in names if name]
    written = {f"$x_{{{name}}}$" if name else "⋮": places[name] for name in names}
    others = {"ŷ": (3, 0), "input": (0, top + 1), "output": (3, top + 1)}
    assert words(axes) == {**written, **others}
    assert {
        (text.get_horizontalalignment(), text.get_verticalalignment(), text.get_fontsize())
        for text in axes.texts
        if text.get_text()
    } == {("center", "center", 16)}
    assert axes.get_xlim() == (-1, 4) and axes.get_ylim() == (-top - 1, top + 1.5)
    assert not axes.axison


def test_diagnostics():
    y, yhat = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])
    (axes,) = plotting.plot_predictions(y, yhat, "price").axes
    data, equal = axes.lines
    assert points(data) == [[1, 1.5], [2, 2], [4, 3]] and points(equal) == [[1, 1], [4, 4]]
    assert labels(axes) == ("Predicted against actual", "actual price", "predicted price")
    assert legend(axes) == ["predicted = actual"]
    (axes,) = plotting.plot_residuals(y, yhat, "price").axes
    data, zero = axes.lines
    assert points(data) == [[1.5, -0.5], [2, 0], [3, 1]] and set(zero.get_ydata()) == {0}
    assert labels(axes) == ("Residuals", "predicted price", "actual - predicted")
    (axes,) = plotting.plot_losses([1.0, 0.1]).axes
    assert axes.get_yscale() == "log" and points(axes.lines[0]) == [[0, 1], [1, 0.1]]
    assert labels(axes) == ("Loss during training", "epoch", "mean loss")


def test_coefficients():
    (axes,) = plotting.plot_coefficients(["a", "b $x$"], np.array([[2.0], [-1.0]])).axes
    assert [bar.get_width() for bar in axes.patches] == [2, -1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", r"b \$x\$"]
    assert labels(axes)[0] == "Coefficients" and axes.yaxis_inverted()
    many = np.arange(40.0) * (-1) ** np.arange(40)
    (axes,) = plotting.plot_coefficients([f"c{i}" for i in range(40)], many).axes
    assert [bar.get_width() for bar in axes.patches] == many[10:].tolist()
    names = [f"c{i}" for i in range(10, 40)]
    assert [label.get_text() for label in axes.get_yticklabels()] == names
    assert labels(axes)[0] == "Coefficients (the 30 largest of 40)"


@pytest.mark.parametrize(
    "name", ["price ($)", "$a_{$", "100 %", "ÿ_1^2", pytest.param("\ud800", id="half a letter")]
)
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
    assert [int.from_bytes(path.read_bytes()[i : i + 4], "big") for i in (16, 20)] == [1000, 600]
    before = path.read_bytes()
    broken = plotting.plot_network(3)
    broken.axes[0].set_title("$\\nosuchcommand$")
    with pytest.raises(ValueError):
        plotting.save_figure(broken, path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["picture.png"]


def test_missing_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message = r'^pictures need matplotlib: pip install "mxlinreg\[plot\]"$'
    with pytest.raises(ImportError, match=message):
        plotting.plot_data(mx.nd.ones((1, 2)), mx.nd.ones((1,)))


@pytest.mark.parametrize("number", [10**9, 10**15])
def test_a_network_of_any_size_is_drawn_at_once(number):
    (axes,) = plotting.plot_network(number).axes
    names = [f"$x_{{{i}}}$" for i in (1, 2, 3, 4, 5, 6)]
    drawn = [text.get_text() for text in axes.texts if text.get_text()]
    assert drawn[:8] == [*names, "⋮", f"$x_{{{number}}}$"]


NUMBERS = np.array([1.0, 2.0])
MASKED = np.ma.array(NUMBERS, mask=[True, False])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: plotting.plot_network(2.0), "num_inputs: expected an int"),
        (lambda: plotting.plot_losses(MASKED), "losses: is a masked array"),
        (lambda: plotting.plot_predictions(MASKED, NUMBERS), "y: is a masked array"),
        (lambda: plotting.plot_predictions(NUMBERS, [1.0]), "yhat: has 1 values, but y has 2"),
        (lambda: plotting.plot_residuals(NUMBERS, NUMBERS * 1j), "yhat: must hold real numbers"),
        (lambda: plotting.plot_residuals(NUMBERS, NUMBERS, 3), "target: must be a str, not 3"),
        (lambda: plotting.plot_residuals([], []), r"y: must have shape \(n,\), n at least 1"),
        (lambda: plotting.plot_coefficients(["a"], NUMBERS), "columns: 1 names do not fit the 2"),
        (lambda: plotting.plot_errors(NUMBERS, [1.0], 1, 2), "y: has 1 values, but x has 2"),
        (lambda: plotting.plot_errors(NUMBERS, NUMBERS, "a", 2), "w: expected a number, not 'a'"),
        (lambda: plotting.plot_errors(NUMBERS * 1e300, NUMBERS, 1, 2), "x, y, w, b: .*not finite"),
        (lambda: plotting.plot_data(NUMBERS, NUMBERS), "X: expected an NDArray, not ndarray"),
        (lambda: plotting.plot_training([1.0], mx.nd.ones((3, 2)), [NUMBERS] * 2), "params: exp"),
        (lambda: plotting.save_figure(3, "a.png"), "figure: expected a Figure"),
        (lambda: plotting.save_figure(plotting.plot_network(2), "a.txt"), "path: a.txt ends in no"),
        (lambda: plotting.save_figure(plotting.plot_network(2), 3), "path: must be the name"),
    ],
)
def test_what_cannot_be_drawn(call, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        call()
