"""The chapter, and nothing else.

In its order: `context` names a device; `synthetic` draws the data from `real_fn`; `init_params`,
`net`, `square_loss` and `SGD` are the pieces written by hand; `train_epoch` is the inner loop and
`run_epochs` the outer one; the pictures are `plot_data`, `plot_training`, `plot_errors` and
`plot_network`.
"""

from .contexts import context
from .data import synthetic
from .pictures import plot_data, plot_errors, plot_network, plot_training
from .scratch import SGD, init_params, net, real_fn, square_loss
from .training import DivergenceError, run_epochs, train_epoch

__all__ = [
    "SGD",
    "DivergenceError",
    "context",
    "init_params",
    "net",
    "plot_data",
    "plot_errors",
    "plot_network",
    "plot_training",
    "real_fn",
    "run_epochs",
    "square_loss",
    "synthetic",
    "train_epoch",
]
