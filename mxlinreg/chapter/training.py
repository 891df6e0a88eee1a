"""The chapter's training loop."""

import math
from contextlib import contextmanager
from typing import Any, Callable, Iterable, Iterator, List, Sequence

import numpy as np

from .._checks import check_flag, check_iterable, check_number, check_pair, check_params
from .._mxnet import autograd, nd
from .scratch import SGD, net, square_loss


class DivergenceError(ValueError):
    """The loss or a parameter became infinite or NaN.

    The parameters are reset to their values before the epoch in which this happened.
    """


def train_epoch(
    params: Sequence[nd.NDArray],
    batches: Iterable[Any],
    learning_rate: float,
    train_bias: bool = True,
) -> float:
    """Train for one epoch: the chapter's inner loop.

    Parameters
    ----------
    params : [w, b]
        With gradients attached, as from `init_params`; changed in place.
    batches : iterable of (data, label)
        NDArrays of shape (rows, d) and (rows,) or (rows, k), on any context. Each batch is moved
        to the parameters' context.
    learning_rate : float
    train_bias : bool
        Whether to train b. False leaves it unchanged, as fits with weights or without an
        intercept need.

    Returns
    -------
    float
        The mean of the batches' losses, each computed before the batch's step.

    Raises
    ------
    TypeError, ValueError
        If the parameters, a batch or the learning rate are invalid, or there is no batch.
    DivergenceError
        If a loss or a resulting parameter is not finite. The parameters are reset to their values
        before the epoch.
    """
    check_params(params)
    learning_rate = check_number("learning_rate", learning_rate)
    check_iterable("batches", batches)
    w, b = params
    model_ctx, num_outputs = w.context, w.shape[1]
    trained = params if check_flag("train_bias", train_bias) else [w]
    num_batches = 0
    # A Python float: the sum of NumPy scalars would differ between NumPy 1 and 2.
    cumulative_loss = 0.0
    with last_finite(params):
        for batch in batches:
            data, label = check_pair(batch, w)
            data = data.as_in_context(model_ctx)
            label = label.as_in_context(model_ctx).reshape((-1, num_outputs))
            with autograd.record():
                output = net(data, w, b)
                loss = square_loss(output, label)
            loss.backward()
            SGD(trained, learning_rate)
            batch_loss = float(loss.asscalar())
            if not math.isfinite(batch_loss):
                raise diverged(f"the loss of batch {num_batches}")
            cumulative_loss += batch_loss
            num_batches += 1
    if num_batches == 0:
        raise ValueError("batches: none was given; an epoch needs at least one batch")
    return cumulative_loss / num_batches


train_epoch.name = "autograd"  # type: ignore[attr-defined]


def run_epochs(
    params: Sequence[nd.NDArray],
    train_data: Iterable[Any],
    epochs: int,
    learning_rate: float,
    run_epoch: Callable[[Sequence[nd.NDArray], Iterable[Any], float], float],
    on_epoch: Callable[[int, float, Sequence[nd.NDArray]], None],
) -> List[float]:
    """Train for some epochs: the chapter's outer loop.

    Parameters
    ----------
    params : [w, b]
    train_data : iterable of (data, label)
        Each epoch iterates over it once.
    epochs : int
    learning_rate : float
    run_epoch : callable
        Trains for one epoch and returns its mean loss, as `train_epoch`.
    on_epoch : callable
        Called as ``on_epoch(epoch, mean_loss, params)`` after each epoch.

    Returns
    -------
    list of float
        The mean loss of each epoch.
    """
    losses: List[float] = []
    for epoch in range(epochs):
        losses.append(run_epoch(params, train_data, learning_rate))
        on_epoch(epoch, losses[-1], params)
    return losses


@contextmanager
def last_finite(params: Sequence[nd.NDArray]) -> Iterator[None]:
    """Reset `params` if the body raises DivergenceError or leaves one of them not finite."""
    before = [param.copy() for param in params]
    try:
        yield
        for name, param in zip("wb", params):
            if not np.isfinite(param.asnumpy()).all():
                raise diverged(name)
    except DivergenceError:
        for param, finite in zip(params, before):
            param[:] = finite
        raise


def diverged(what: str) -> DivergenceError:
    """The error to raise when `what` has become infinite or NaN."""
    return DivergenceError(
        f"{what} is no longer finite; try a smaller learning_rate, or scale the inputs"
    )
