#!/usr/bin/env python
"""Draw the README's picture of a fit, docs/training.svg: python docs/training.py FILE"""

import sys

import matplotlib
import numpy as np
from matplotlib.figure import Figure

import mxlinreg as mlr

import mxnet as mx  # isort: skip  (mxlinreg makes this import work)
from mxnet import gluon  # isort: skip


def fit():
    """The data, and the line (w, b) before the training and after each of ten epochs."""
    mx.random.seed(4)
    np.random.seed(4)
    X = mx.nd.random_normal(shape=(200, 1))
    y = -3.4 * X[:, 0] + 4.2 + mx.nd.random_normal(shape=200)
    train_data = gluon.data.DataLoader(gluon.data.ArrayDataset(X, y), batch_size=4, shuffle=True)
    params = mlr.init_params(num_inputs=1)
    lines = [line(params)]
    mlr.train(
        params,
        train_data,
        learning_rate=0.005,
        on_epoch=lambda epoch, mean_loss, params: lines.append(line(params)),
    )
    return X.asnumpy()[:, 0], y.asnumpy(), lines


def line(params):
    return tuple(param.asnumpy().item() for param in params)


def draw(x, y, lines):
    """Two panels with the same data: the line before the training, and all lines to the last."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    before, after = figure.subplots(ncols=2, sharex=True, sharey=True)
    ends = np.array([x.min(), x.max()])
    for axes in (before, after):
        axes.scatter(x, y, s=14, color="tab:gray", alpha=0.6, linewidths=0, label="the data")
        axes.set_xlabel("x")
        axes.grid(alpha=0.3)
    before.set(title="before training", ylabel="y")
    after.set(title="after ten epochs")
    for (w, b), share in zip(lines[:-1], np.linspace(0.15, 0.6, len(lines) - 1)):
        after.plot(ends, ends * w + b, color="tab:orange", alpha=share, linewidth=1)
    for axes, (w, b) in ((before, lines[0]), (after, lines[-1])):
        axes.plot(
            ends, ends * w + b, color="tab:red", linewidth=2.5, label=f"ŷ = {w:.1f} x {b:+.1f}"
        )
        axes.legend()
    return figure


def main():
    with matplotlib.rc_context({"svg.hashsalt": "mxlinreg"}):  # the same bytes each time
        draw(*fit()).savefig(sys.argv[1], metadata={"Date": None})


if __name__ == "__main__":
    main()
