"""The chapter's pictures, and those that show how well a fit describes real data."""

from .figures import (
    plot_coefficients,
    plot_data,
    plot_errors,
    plot_losses,
    plot_network,
    plot_predictions,
    plot_residuals,
    plot_training,
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
