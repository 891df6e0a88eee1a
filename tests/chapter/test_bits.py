"""The chapter, bit for bit: the package beside the chapter's plain loop."""

import mxnet as mx
import numpy as np
import plain_loop
import pytest
from mxnet import gluon

import mxlinreg as mlr


def stock_loader(X, y, batch_size, shuffle):
    return gluon.data.DataLoader(gluon.data.ArrayDataset(X, y), batch_size, shuffle)


def package(seed, batch_size, epochs, loader=stock_loader):
    """The chapter's story told with the package."""
    mx.random.seed(seed)
    np.random.seed(seed)
    data_ctx, model_ctx = mlr.context("cpu"), mlr.context("cpu")
    X, y = mlr.synthetic(num_examples=10000, noise=0.1, ctx=data_ctx)
    train_data = loader(X, y, batch_size=batch_size, shuffle=True)
    params = w, b = mlr.init_params(num_inputs=2, num_outputs=1, ctx=model_ctx)
    losses = mlr.train(params, train_data, epochs=epochs, learning_rate=1e-4)
    return losses, w.asnumpy(), b.asnumpy()


SOME = [(1, 4, 1), (2, 10, 1), (3, 64, 5)]
ALL = [(seed, *sizes) for seed in plain_loop.SEEDS for sizes in ((4, 2), (10, 3), (64, 10))]


@pytest.mark.parametrize(
    "seed, batch_size, epochs",
    [*SOME, *(pytest.param(*run, marks=pytest.mark.slow) for run in ALL)],
)
def test_same_bits_as_the_plain_loop(seed, batch_size, epochs):
    ours = package(seed, batch_size, epochs)
    theirs = plain_loop.chapter(seed, batch_size, epochs)
    assert ours[0] == theirs[0]
    assert all(type(loss) is float for loss in ours[0])
    assert ours[1].tobytes() == theirs[1].tobytes() and ours[2].tobytes() == theirs[2].tobytes()


def test_an_array_loader_gives_the_same_bits():
    stock, ours = package(1, 64, 3), package(1, 64, 3, mlr.ArrayLoader)
    assert stock[0] == ours[0]
    assert all((a == b).all() for a, b in zip(stock[1:], ours[1:]))


@pytest.mark.slow
@pytest.mark.parametrize("seed, batch_size", [(1, 4), (2, 10), (3, 64)])
def test_same_numbers_as_a_plain_interpreter(frozen, seed, batch_size):
    losses, w, b = package(seed, batch_size, epochs=10)
    expected = frozen(seed, batch_size)
    # Another processor adds in another order. .ci/run makes the numbers anew, and compares bits.
    np.testing.assert_allclose(losses, expected["losses"], rtol=1e-5)
    np.testing.assert_allclose(w.ravel(), expected["w"], rtol=1e-5)
    np.testing.assert_allclose(b, expected["b"], rtol=1e-5)


@pytest.mark.parametrize("seed", range(10))
def test_learns_the_true_function(seed):
    """And at the published pace: each epoch shrinks the excess over the noise variance 0.01 by a
    factor near e. The compiled engine has the time for ten runs of the chapter."""
    mx.random.seed(seed)
    np.random.seed(seed)
    X, y = mlr.synthetic()
    params = w, b = mlr.init_params()
    losses = mlr.train(params, mlr.ArrayLoader(X, y), engine="compiled")
    assert 0.0095 < losses[-1] < 0.02
    excess = np.array(losses) - 0.01
    assert (np.abs(excess[1:7] / excess[:6] - np.exp(-1)) < 0.02).all()
    assert np.abs(w.asnumpy().ravel() - [2, -3.4]).max() < 0.1
    assert abs(b.asscalar() - 4.2) < 0.1
