"""The chapter's own loop, written out plainly against MXNet: the independent reference.

As a program, in a plain interpreter with NumPy 1.23 where `import mxnet` works by itself, it
writes the numbers that `tests/data/chapter.json` holds:

    python tests/chapter/plain_loop.py tests/data/chapter.json
"""

import json
import sys

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

SEEDS = (1, 2, 3)
BATCH_SIZES = (4, 10, 64)


def chapter(seed, batch_size=4, epochs=10, dtype="float32"):
    """Run the chapter. The mean losses as floats, and w and b as NumPy arrays."""
    mx.random.seed(seed)
    np.random.seed(seed)
    data_ctx = mx.cpu()
    model_ctx = mx.cpu()
    num_inputs = 2
    num_outputs = 1
    num_examples = 10000

    def real_fn(X):
        return 2 * X[:, 0] - 3.4 * X[:, 1] + 4.2

    X = nd.random_normal(shape=(num_examples, num_inputs), ctx=data_ctx, dtype=dtype)
    noise = 0.1 * nd.random_normal(shape=(num_examples,), ctx=data_ctx, dtype=dtype)
    y = real_fn(X) + noise
    train_data = gluon.data.DataLoader(
        gluon.data.ArrayDataset(X, y), batch_size=batch_size, shuffle=True
    )

    w = nd.random_normal(shape=(num_inputs, num_outputs), ctx=model_ctx, dtype=dtype)
    b = nd.random_normal(shape=num_outputs, ctx=model_ctx, dtype=dtype)
    params = [w, b]
    for param in params:
        param.attach_grad()

    def net(X):
        return nd.dot(X, w) + b

    def square_loss(yhat, y):
        return nd.mean((yhat - y) ** 2)

    def SGD(params, lr):
        for param in params:
            param[:] = param - lr * param.grad

    learning_rate = 0.0001
    num_batches = len(train_data)
    losses = []
    for _ in range(epochs):
        cumulative_loss = 0.0
        for data, label in train_data:
            data = data.as_in_context(model_ctx)
            label = label.as_in_context(model_ctx).reshape((-1, 1))
            with autograd.record():
                output = net(data)
                loss = square_loss(output, label)
            loss.backward()
            SGD(params, learning_rate)
            cumulative_loss += float(loss.asscalar())
        losses.append(cumulative_loss / num_batches)
    return losses, w.asnumpy(), b.asnumpy()


def numbers():
    """Every run that is frozen, as JSON can hold it without loss."""
    runs = []
    settings = [(seed, batch_size, "float32") for seed in SEEDS for batch_size in BATCH_SIZES]
    for seed, batch_size, dtype in [*settings, (1, 4, "float64")]:
        losses, w, b = chapter(seed, batch_size, dtype=dtype)
        run = {"seed": seed, "batch_size": batch_size, "dtype": dtype, "losses": losses}
        runs.append({**run, "w": w.ravel().tolist(), "b": b.tolist()})
    return {"mxnet": mx.__version__, "numpy": np.__version__, "runs": runs}


if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        json.dump(numbers(), file, indent=1)
        file.write("\n")
