"""The chapter's loop: its sum, its defaults, its errors."""

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr


def zeros(num_inputs=2, num_outputs=1, dtype="float32"):
    params = mlr.init_params(num_inputs, num_outputs, dtype=dtype)
    for param in params:
        param[:] = 0
    return params


def test_the_losses_are_summed_up_as_python_floats():
    """Between float32 numbers of these sizes, a sum in float32 would lose the small ones."""
    labels = [4096.0, 1.0, 1.0, 1.0]
    batches = [(mx.nd.ones((1, 2)), mx.nd.array([label])) for label in labels]
    mean_loss = mlr.train_epoch(zeros(), batches, learning_rate=0)
    assert type(mean_loss) is float and mean_loss == (2**24 + 3) / 4


def batch(rows=2, value=1.0):
    return value * mx.nd.ones((rows, 2)), mx.nd.ones((rows,))


def test_an_epochs_loss_is_the_mean_of_its_batches():
    """Not of its rows: a small last batch counts as much as the others."""
    params = zeros()
    labels = [[1.0, 3.0], [5.0]]
    batches = [(mx.nd.zeros((len(y), 2)), mx.nd.array(y)) for y in labels]
    assert mlr.train_epoch(params, batches, 0.25) == ((1 + 9) / 2 + (5 - 1) ** 2) / 2
    assert params[1].asscalar() == 1 + 0.25 * 2 * 4
    params = zeros()
    assert mlr.train_epoch(params, batches, 0.25, train_bias=False) == ((1 + 9) / 2 + 25) / 2
    assert params[1].asscalar() == 0


@pytest.mark.parametrize(
    "batches, rate, error, text",
    [
        ([], 0.1, ValueError, "batches: none was given; an epoch needs at least one batch"),
        ([batch()], -1, ValueError, "learning_rate: must be finite and at least 0, not -1"),
        ([batch()], "a", TypeError, "learning_rate: expected a number of at least 0, not 'a'"),
        (
            [batch(), batch(value=1e30)],
            0.1,
            mlr.DivergenceError,
            "the loss of batch 1 is no longer finite; try a smaller learning_rate, or scale the "
            "inputs",
        ),
        (
            [batch(value=1e15)],
            1e30,
            mlr.DivergenceError,
            "w is no longer finite; try a smaller learning_rate, or scale the inputs",
        ),
        (
            [(mx.nd.zeros((1, 2)), mx.nd.ones((1,)))],
            3e38,
            mlr.DivergenceError,
            "b is no longer finite; try a smaller learning_rate, or scale the inputs",
        ),
    ],
)
def test_errors_leave_the_parameters_as_they_were(batches, rate, error, text):
    params = zeros()
    params[0][:] = 0.5
    with pytest.raises(error) as caught:
        mlr.train_epoch(params, batches, rate)
    assert str(caught.value) == text
    assert [param.asnumpy().ravel().tolist() for param in params] == [[0.5, 0.5], [0]]


def test_parameters_and_batches_are_checked():
    with pytest.raises(ValueError, match="^params: b has no gradient"):
        mlr.train_epoch([zeros()[0], mx.nd.zeros((1,))], [batch()], 0.1)
    with pytest.raises(ValueError, match="^data: shape"):
        mlr.train_epoch(zeros(3), [batch()], 0.1)


def test_run_epochs_tells_what_each_epoch_has_given():
    """The outer loop, which `train` calls with what it puts around it."""
    from mxlinreg.chapter import run_epochs

    params, data, told = zeros(), [batch()], []
    means = iter([3.0, 2.0, 1.0])

    def run_epoch(*arguments):
        assert arguments == (params, data, 0.5)
        return next(means)

    losses = run_epochs(params, data, 3, 0.5, run_epoch, lambda *arguments: told.append(arguments))
    assert losses == [3, 2, 1] and told == [(0, 3, params), (1, 2, params), (2, 1, params)]
    assert run_epochs(params, data, 0, 0.5, run_epoch, None) == []


def test_an_interrupt_leaves_the_parameters_of_the_last_batch():
    """Only a loss that diverges puts them back."""

    def interrupted():
        yield mx.nd.zeros((1, 2)), mx.nd.ones((1,))
        raise KeyboardInterrupt

    params = zeros()
    with pytest.raises(KeyboardInterrupt):
        mlr.train_epoch(params, interrupted(), 0.25)
    assert np.ravel([param.asnumpy().ravel().sum() for param in params]).tolist() == [0, 0.5]


@pytest.mark.parametrize(
    "name, error, options",
    [
        ("batches", TypeError, {"batches": 3}),
        ("learning_rate", TypeError, {"learning_rate": "fast"}),
        ("train_bias", TypeError, {"train_bias": "no"}),
    ],
)
def test_an_epoch_names_a_bad_argument(name, error, options):
    given = {"batches": [], "learning_rate": 0.1, **options}
    with pytest.raises(error, match=f"^{name}: "):
        mlr.train_epoch(mlr.init_params(), **given)


def test_no_array_has_more_numbers_than_mxnet_can_count():
    for call, message in (
        (lambda: mlr.init_params(2**31), "num_inputs: must be at most 2147483647"),
        (lambda: mlr.init_params(2**16, 2**15), "num_outputs: must be at most 32767"),
        (lambda: mlr.synthetic(2**30), "num_examples: must be at most 1073741823"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
