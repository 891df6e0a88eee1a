"""The chapter's pictures, and those that show how well a fit describes real data.

Each function returns a matplotlib Figure, 1000 pixels wide as saved, made without pyplot, so
that no display is needed. Without matplotlib (the extra `plot`) each raises ImportError.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Sequence, Union

import numpy as np

from .._files import replacing
from .._mxnet import nd
from ..chapter.scratch import net, real_fn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_NODES = 8
_MAX_BARS = 30
_MAX_LETTERS = 40


def plot_data(X: "nd.NDArray", y: "nd.NDArray") -> "Figure":
    """The chapter's scatter of the second input, ``X[:, 1]``, against y.

    Parameters
    ----------
    X : NDArray of shape (n, 2)
    y : NDArray of shape (n,)
    """
    figure, axes = _figure()
    axes.scatter(X[:, 1].asnumpy(), y.asnumpy(), s=6, alpha=0.4)
    _label(axes, "The data", "X[:, 1]", "y")
    return figure


def plot_training(
    losses: Sequence[float],
    X: "nd.NDArray",
    params: Sequence["nd.NDArray"],
    sample_size: int = 100,
) -> "Figure":
    """The chapter's two panels: the loss during training; estimated beside real values.

    Parameters
    ----------
    losses : sequence of float
        One for each epoch; empty before the training.
    X : NDArray of shape (n, 2)
    params : [w, b]
    sample_size : int
        How many of the first rows of X the second panel shows.
    """
    figure, (left, right) = _figure(ncols=2)
    left.plot(range(len(losses)), losses, "-r")
    left.xaxis.get_major_locator().set_params(integer=True)
    _label(left, "Loss during training", "epoch", "mean loss")
    X = X[:sample_size]
    X = X.as_in_context(params[0].context)
    x = X[:, 1].asnumpy()
    right.plot(x, net(X, *params).asnumpy(), "or", label="Estimated")
    right.plot(x, real_fn(X).asnumpy(), "*g", label="Real")
    _label(right, "Estimated vs real function", "X[:, 1]", "y")
    right.legend()
    return figure


def plot_errors(x: np.ndarray, y: np.ndarray, w: float, b: float) -> "Figure":
    """One-dimensional data, the line ``yhat = x w + b`` and each point's error as an arrow.

    At the point with the largest error stands its share of the total square loss.

    Parameters
    ----------
    x, y : array of shape (n,)
    w, b : float
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    figure, axes = _figure()
    ends = np.array([x.min(), x.max()])
    axes.plot(ends, ends * w + b, "--", color="tab:blue", label="ŷ = x·w + b")
    errors = x * w + b - y
    for point, value, error in zip(x, y, errors):
        arrow = {"arrowstyle": "<->", "color": "gray", "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (point, value), (point, value + error), arrowprops=arrow)
    axes.plot(x, y, "o", color="tab:orange", label="data")
    worst = int(np.abs(errors).argmax())
    total = (errors**2).sum()
    if total > 0:
        right_half = x[worst] > x.mean()
        axes.annotate(
            f"{errors[worst] ** 2 / total:.0%} of the loss",
            (x[worst], y[worst]),
            (-12 if right_half else 12, 0),
            textcoords="offset points",
            ha="right" if right_half else "left",
            va="center",
        )
    _label(axes, "The square loss weighs outliers heavily", "x", "y")
    axes.legend()
    return figure


def plot_network(num_inputs: int) -> "Figure":
    """The linear model as a network: orange input nodes, each with an arrow to a green output.

    Parameters
    ----------
    num_inputs : int
        From 9 inputs on, the first six and the last are drawn.
    """
    figure, axes = _figure()
    names = [f"$x_{{{i}}}$" for i in range(1, num_inputs + 1)]
    if num_inputs > _MAX_NODES:
        names = [*names[: _MAX_NODES - 2], "⋮", names[-1]]
    heights = np.arange(len(names), 0, -1) - (len(names) + 1) / 2
    output = (3.0, 0.0)
    node = {"ha": "center", "va": "center", "fontsize": 16}
    for name, height in zip(names, heights):
        if name != "⋮":
            axes.annotate(
                "",
                output,
                (0, height),
                arrowprops={"arrowstyle": "-|>", "color": "gray", "shrinkA": 22, "shrinkB": 26},
            )
            axes.plot(0, height, "o", color="orange", markersize=36)
        axes.text(0, height, name, **node)
    axes.plot(*output, "o", color="limegreen", markersize=44)
    axes.text(*output, "ŷ", **node)
    margin = heights.max() + 1
    axes.text(0, margin, "input", **node)
    axes.text(output[0], margin, "output", **node)
    axes.set(xlim=(-1, 4), ylim=(-margin, margin + 0.5))
    axes.set_axis_off()
    return figure


def plot_losses(losses: Sequence[float]) -> "Figure":
    """The mean loss of each epoch, on a logarithmic axis.

    Parameters
    ----------
    losses : sequence of float
    """
    figure, axes = _figure()
    axes.plot(range(len(losses)), losses, "-r", marker="." if len(losses) < 30 else "")
    axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    _label(axes, "Loss during training", "epoch", "mean loss")
    return figure


def plot_predictions(y: np.ndarray, yhat: np.ndarray, target: str = "y") -> "Figure":
    """Predicted against actual values, with the line where they are equal.

    Parameters
    ----------
    y, yhat : array of shape (n,)
    target : str
        What y is called.
    """
    figure, axes = _figure()
    axes.plot(y, yhat, "o", markersize=4, alpha=0.6)
    ends = [min(np.min(y), np.min(yhat)), max(np.max(y), np.max(yhat))]
    axes.plot(ends, ends, "--", color="gray", label="predicted = actual")
    _label(
        axes, "Predicted against actual", f"actual {_plain(target)}", f"predicted {_plain(target)}"
    )
    axes.legend()
    return figure


def plot_residuals(y: np.ndarray, yhat: np.ndarray, target: str = "y") -> "Figure":
    """The residuals ``y - yhat`` against the predicted values.

    Parameters
    ----------
    y, yhat : array of shape (n,)
    target : str
        What y is called.
    """
    figure, axes = _figure()
    axes.plot(yhat, np.asarray(y) - yhat, "o", markersize=4, alpha=0.6)
    axes.axhline(0, linestyle="--", color="gray")
    _label(axes, "Residuals", f"predicted {_plain(target)}", "actual - predicted")
    return figure


def plot_coefficients(columns: Sequence[str], w: np.ndarray) -> "Figure":
    """The coefficients as bars, by column.

    Parameters
    ----------
    columns : sequence of str
    w : array of shape (d,)
        Of more than 30, the 30 that are largest by size are shown.
    """
    w = np.ravel(w)
    shown = np.sort(np.argsort(-np.abs(w), kind="stable")[:_MAX_BARS])
    figure, axes = _figure(height=max(6.0, 1 + 0.3 * len(shown)))
    axes.barh(range(len(shown)), w[shown])
    axes.set_yticks(range(len(shown)), [_plain(columns[i]) for i in shown])
    axes.axvline(0, color="gray", linewidth=0.8)
    axes.invert_yaxis()
    title = "Coefficients"
    if len(shown) < len(w):
        title += f" (the {_MAX_BARS} largest of {len(w)})"
    _label(axes, title, "change of the prediction for one unit of the column", "")
    return figure


def save_figure(figure: "Figure", path: Union[str, Path]) -> None:
    """Write a figure, in the format that the path's ending names, and only as a whole."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=100)


def _figure(ncols=1, height=6.0):
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError('pictures need matplotlib: pip install "mxlinreg[plot]"') from None
    figure = Figure(figsize=(10, height), layout="constrained")
    return figure, figure.subplots(ncols=ncols)


def _plain(name):
    """A column's name as it is: a pair of dollar signs would make it a formula; a long one cut."""
    name = name if len(name) <= _MAX_LETTERS else name[: _MAX_LETTERS - 1] + "…"
    return name.replace("$", r"\$")


def _label(axes, title, xlabel, ylabel):
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.grid(alpha=0.3)
