"""The recording: each step of the chapter's training, to the bit."""

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd

import mxlinreg as mlr
from mxlinreg.lesson import recorder


def plain_steps(epochs, count):
    """The chapter's loop without the package: parameters and loss before each step."""
    mx.random.seed(1)
    np.random.seed(1)
    X = nd.random_normal(shape=(count, 2))
    y = 2 * X[:, 0] - 3.4 * X[:, 1] + 4.2 + 0.1 * nd.random_normal(shape=(count,))
    w, b = nd.random_normal(shape=(2, 1)), nd.random_normal(shape=1)
    w.attach_grad()
    b.attach_grad()
    steps, losses = [], []
    batches = gluon.data.DataLoader(gluon.data.ArrayDataset(X, y), batch_size=4, shuffle=True)
    for _ in range(epochs):
        for data, label in batches:
            steps.append([*w.asnumpy().ravel(), *b.asnumpy()])
            with autograd.record():
                loss = nd.mean((nd.dot(data, w) + b - label.reshape((-1, 1))) ** 2)
            loss.backward()
            for param in (w, b):
                param[:] = param - 1e-4 * param.grad
            losses.append(loss.asscalar())
    steps.append([*w.asnumpy().ravel(), *b.asnumpy()])
    return X.asnumpy(), y.asnumpy(), np.array(steps, np.float32), np.array(losses, np.float32)


def check(recording, epochs, count):
    X, y, steps, losses = plain_steps(epochs, count)
    assert recording.X.tobytes() == X.tobytes() and recording.y.tobytes() == y.tobytes()
    assert recording.params.tobytes() == steps.tobytes()
    assert recording.losses.tobytes() == losses.tobytes()
    batches = np.float64(recording.losses).reshape(epochs, -1)
    np.testing.assert_allclose(recording.mean_losses, batches.mean(axis=1), rtol=1e-14)
    assert (np.sort(recording.order, axis=1) == np.arange(count)).all()
    # The rows of a batch give the recorded loss with the recorded parameters.
    for step in (0, 7, len(losses) - 1):
        rows = recording.order.ravel()[4 * step : 4 * step + 4]
        w0, w1, b = np.float64(recording.params[step])
        errors = X[rows] @ [w0, w1] + b - y[rows]
        assert recording.losses[step] == pytest.approx(np.mean(errors**2), rel=1e-5)


def test_each_step_is_recorded(monkeypatch):
    monkeypatch.setitem(recorder.SETTINGS, "num_examples", 600)
    monkeypatch.setitem(recorder.SETTINGS, "epochs", 2)
    check(recorder.record(), 2, 600)


@pytest.mark.slow
def test_the_recording_is_the_chapters_training(seed):
    recording = recorder.record()
    check(recording, 10, 10000)
    seed(1)
    X, y = mlr.synthetic()
    params = mlr.init_params()
    train_data = gluon.data.DataLoader(gluon.data.ArrayDataset(X, y), batch_size=4, shuffle=True)
    assert mlr.train(params, train_data) == recording.mean_losses
