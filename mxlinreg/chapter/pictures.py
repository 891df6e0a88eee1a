"""The chapter's pictures.

Each function returns a matplotlib Figure, 1000 pixels wide as saved, made without pyplot, so
that no display is needed. Without matplotlib (the extra `plot`) each raises ImportError.
"""

from typing import TYPE_CHECKING, Any, Sequence, Tuple

import numpy as np

from .._checks import (
    check_columns,
    check_count,
    check_finite,
    check_list_of_ndarrays,
    check_ndarray,
    real_values,
    real_vector,
)
from .._mxnet import nd
from .scratch import net, real_fn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_NODES = 8


def plot_data(X: nd.NDArray, y: nd.NDArray) -> "Figure":
    """The chapter's scatter of the second input, ``X[:, 1]``, against y.

    Parameters
    ----------
    X : NDArray of shape (n, 2)
    y : NDArray of shape (n,)

    Raises
    ------
    TypeError, ValueError
        If X or y is invalid.
    """
    check_columns("X", X, 2)
    check_ndarray("y", y)
    values = real_vector("y", y, X=X)
    figure, axes = new_figure()
    axes.scatter(X[:, 1].asnumpy(), values, s=6, alpha=0.4)
    label_axes(axes, "The data", "X[:, 1]", "y")
    return figure


def plot_training(
    losses: Sequence[float],
    X: nd.NDArray,
    params: Sequence[nd.NDArray],
    sample_size: int = 100,
) -> "Figure":
    """The chapter's two panels: the loss during training, and estimated against real values.

    Parameters
    ----------
    losses : sequence of float
        One for each epoch; empty before the training.
    X : NDArray of shape (n, 2)
    params : [w, b]
    sample_size : int
        The number of rows, from the first, that the second panel shows.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid.
    """
    losses = real_values("losses", losses).ravel()
    check_columns("X", X, 2)
    check_list_of_ndarrays("params", params)
    if len(params) != 2:
        raise ValueError(f"params: expected [w, b], not {len(params)} arrays")
    sample_size = check_count("sample_size", sample_size)
    figure, (left, right) = new_figure(ncols=2)
    left.plot(losses, "-r")
    left.xaxis.get_major_locator().set_params(integer=True)
    label_axes(left, "Loss during training", "epoch", "mean loss")
    X = X[:sample_size]
    X = X.as_in_context(params[0].context)
    x = X[:, 1].asnumpy()
    right.plot(x, net(X, *params).asnumpy(), "or", label="Estimated")
    right.plot(x, real_fn(X).asnumpy(), "*g", label="Real")
    label_axes(right, "Estimated vs real function", "X[:, 1]", "y")
    right.legend()
    return figure


def plot_errors(x: np.ndarray, y: np.ndarray, w: float, b: float) -> "Figure":
    """One-dimensional data, the line ``yhat = x w + b`` and each point's error as an arrow.

    A label at the point with the largest error shows its share of the total square loss.

    Parameters
    ----------
    x, y : array of shape (n,)
    w, b : float

    Raises
    ------
    TypeError, ValueError
        If x and y are not arrays of finite numbers of equal length, or w or b is not a number.
    """
    x = real_vector("x", x).astype(np.float64)
    y = real_vector("y", y, x=x).astype(np.float64)
    w, b = check_finite("w", w), check_finite("b", b)
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.isfinite([x, y, x * w + b, (x * w + b - y) ** 2]).all():
            raise ValueError("x, y, w, b: a value or its square is not finite")
    figure, axes = new_figure()
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
    label_axes(axes, "The square loss weighs outliers heavily", "x", "y")
    axes.legend()
    return figure


def plot_network(num_inputs: int) -> "Figure":
    """The linear model as a network: orange input nodes, each with an arrow to a green output.

    Parameters
    ----------
    num_inputs : int
        From 9 inputs on, the first six and the last are drawn.

    Raises
    ------
    TypeError, ValueError
        If `num_inputs` is not a positive int.
    """
    num_inputs = check_count("num_inputs", num_inputs)
    figure, axes = new_figure()
    if num_inputs <= _MAX_NODES:
        names = [f"$x_{{{i}}}$" for i in range(1, num_inputs + 1)]
    else:
        names = [f"$x_{{{i}}}$" for i in range(1, _MAX_NODES - 1)]
        names += ["⋮", f"$x_{{{num_inputs}}}$"]
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


def new_figure(ncols: int = 1, height: float = 6.0) -> Tuple["Figure", Any]:
    """A figure 1000 pixels wide, and its axes: one, or an array of them if `ncols` is above 1."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError('pictures need matplotlib: pip install "mxlinreg[plot]"') from None
    figure = Figure(figsize=(10, height), layout="constrained")
    return figure, figure.subplots(ncols=ncols)


def label_axes(axes: Any, title: str, xlabel: str, ylabel: str) -> None:
    """Name the axes, and draw their grid."""
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.grid(alpha=0.3)
