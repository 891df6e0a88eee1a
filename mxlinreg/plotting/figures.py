"""Pictures that show how well a fit describes real data.

As with the chapter's pictures, each function returns a matplotlib Figure, made without pyplot.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Sequence, Union

import numpy as np

from .._files import replacing
from ..chapter.pictures import label_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_BARS = 30
_MAX_LETTERS = 40


def plot_losses(losses: Sequence[float]) -> "Figure":
    """The mean loss of each epoch, on a logarithmic axis.

    Parameters
    ----------
    losses : sequence of float
    """
    figure, axes = new_figure()
    axes.plot(range(len(losses)), losses, "-r", marker="." if len(losses) < 30 else "")
    axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    label_axes(axes, "Loss during training", "epoch", "mean loss")
    return figure


def plot_predictions(y: np.ndarray, yhat: np.ndarray, target: str = "y") -> "Figure":
    """Predicted against actual values, with the line where they are equal.

    Parameters
    ----------
    y, yhat : array of shape (n,)
    target : str
        What y is called.
    """
    figure, axes = new_figure()
    axes.plot(y, yhat, "o", markersize=4, alpha=0.6)
    ends = [min(np.min(y), np.min(yhat)), max(np.max(y), np.max(yhat))]
    axes.plot(ends, ends, "--", color="gray", label="predicted = actual")
    label_axes(
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
    figure, axes = new_figure()
    axes.plot(yhat, np.asarray(y) - yhat, "o", markersize=4, alpha=0.6)
    axes.axhline(0, linestyle="--", color="gray")
    label_axes(axes, "Residuals", f"predicted {_plain(target)}", "actual - predicted")
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
    figure, axes = new_figure(height=max(6.0, 1 + 0.3 * len(shown)))
    axes.barh(range(len(shown)), w[shown])
    axes.set_yticks(range(len(shown)), [_plain(columns[i]) for i in shown])
    axes.axvline(0, color="gray", linewidth=0.8)
    axes.invert_yaxis()
    title = "Coefficients"
    if len(shown) < len(w):
        title += f" (the {_MAX_BARS} largest of {len(w)})"
    label_axes(axes, title, "change of the prediction for one unit of the column", "")
    return figure


def save_figure(figure: "Figure", path: Union[str, Path]) -> None:
    """Write a figure, in the format that the path's ending names, and only as a whole."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=100)


def _plain(name):
    """A column's name as it is: a pair of dollar signs would make it a formula; a long one cut."""
    name = name if len(name) <= _MAX_LETTERS else name[: _MAX_LETTERS - 1] + "…"
    return name.replace("$", r"\$")
