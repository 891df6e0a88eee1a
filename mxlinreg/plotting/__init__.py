"""The chapter's pictures, and pictures that show how well a fit describes real data.

Each function returns a matplotlib Figure, and `save_figure` writes it to a file. Without
matplotlib (the extra `plot`) the functions raise an ImportError.
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
