"""Pictures that show how well a fit describes real data.

Like the chapter's pictures, each is a matplotlib Figure made without pyplot, so that no display is
needed.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Sequence, Union

import numpy as np

from .._checks import check_text, check_texts, real_values, real_vector, shown
from .._files import check_writable, replacing
from ..chapter.pictures import label_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_BARS = 30
_MAX_LETTERS = 40


def plot_losses(losses: Sequence[float]) -> "Figure":
    """Plot the mean loss of each epoch on a logarithmic axis.

    Parameters
    ----------
    losses : sequence of float
        The mean loss of each epoch, as `train` returns them.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError
        If `losses` does not hold real numbers.
    """
    losses = real_values("losses", losses).ravel()
    figure, axes = new_figure()
    axes.plot(range(len(losses)), losses, "-r", marker="." if len(losses) < 30 else "")
    axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    label_axes(axes, "Loss during training", "epoch", "mean loss")
    return figure


def plot_predictions(y: np.ndarray, yhat: np.ndarray, target: str = "y") -> "Figure":
    """Plot predicted against actual values, with the line where they are equal.

    Parameters
    ----------
    y, yhat : array of shape (n,)
        The actual and the predicted values.
    target : str
        The name of y in the labels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If y and yhat are not arrays of real numbers of equal length, or `target` is not a str.
    """
    y, yhat = _pair(y, yhat, target)
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
    """Plot the residuals ``y - yhat`` against the predicted values.

    Parameters
    ----------
    y, yhat : array of shape (n,)
        The actual and the predicted values.
    target : str
        The name of y in the labels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        As `plot_predictions`.
    """
    y, yhat = _pair(y, yhat, target)
    figure, axes = new_figure()
    axes.plot(yhat, y - yhat, "o", markersize=4, alpha=0.6)
    axes.axhline(0, linestyle="--", color="gray")
    label_axes(axes, "Residuals", f"predicted {_plain(target)}", "actual - predicted")
    return figure


def plot_coefficients(columns: Sequence[str], w: np.ndarray) -> "Figure":
    """Plot the coefficients as bars, one for each column.

    Parameters
    ----------
    columns : sequence of str
        The names of the d columns.
    w : array of shape (d,)
        The coefficients. If there are more than 30, only the 30 of largest magnitude are shown.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If `w` does not hold real numbers, or `columns` is not a name for each.
    """
    w = real_vector("w", w).astype(np.float64)
    columns = check_texts("columns", columns)
    if len(columns) != len(w):
        raise ValueError(f"columns: {len(columns)} names do not fit the {len(w)} of w")
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
    """Write a figure to a file, completely or not at all. The path's ending selects the format.

    Raises
    ------
    TypeError, ValueError
        If `figure` is no figure, or a file of this name or format cannot be written.
    """
    if not (hasattr(figure, "savefig") and hasattr(figure, "canvas")):
        raise TypeError(f"figure: expected a Figure, as plot_data returns, not {shown(figure)}")
    path = check_writable("path", path)
    if path.suffix[1:].lower() not in figure.canvas.get_supported_filetypes():
        raise ValueError(f"path: {path} ends in no format that matplotlib writes, such as .png")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=100)


def _pair(y, yhat, target):
    """y and yhat as arrays of equal length."""
    check_text("target", target)
    y = real_vector("y", y).astype(np.float64)
    return y, real_vector("yhat", yhat, y=y).astype(np.float64)


def _plain(name):
    """A column's name, shortened if long. Dollar signs are escaped: a pair would make a formula."""
    name = name.encode("utf-8", "replace").decode()  # matplotlib cannot draw half a letter
    name = name if len(name) <= _MAX_LETTERS else name[: _MAX_LETTERS - 1] + "…"
    return name.replace("$", r"\$")
