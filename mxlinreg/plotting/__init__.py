"""Pictures: the chapter's own, and those that show how well a fit describes real data.

Each function returns a matplotlib Figure; `save_figure` writes it. Without matplotlib (the extra
`plot`) each raises an ImportError.
"""

from ..chapter.pictures import plot_data, plot_errors, plot_network, plot_training
from .figures import (
    plot_coefficients,
    plot_losses,
    plot_predictions,
    plot_residuals,
    save_figure,
)

__all__ = [
    "plot_coefficients",
    "plot_data",
    "plot_errors",
    "plot_losses",
    "plot_network",
    "plot_predictions",
    "plot_residuals",
    "plot_training",
    "save_figure",
]
