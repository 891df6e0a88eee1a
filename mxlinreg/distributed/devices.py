"""The chapter's loop with each batch split over several devices of this machine."""

from typing import Sequence, Union

from .._checks import (
    check_choice,
    check_dense,
    check_iterable,
    check_number,
    check_pair,
    check_params,
    shown,
)
from .._mxnet import autograd, mx, nd
from ..chapter.contexts import context
from ..chapter.scratch import SGD, net, square_loss
from ..training import Engine
from .share import shard_rows


def device_engine(model_ctx: Sequence[Union[str, mx.Context]], kvstore: str = "local") -> Engine:
    """Make an engine that runs the chapter's loop with each batch split over several devices.

    Each device has a copy of the parameters and computes an equal part of the batch's rows (none
    if there are fewer rows than devices). The KVStore adds up the gradients, and each copy takes
    the same step. The results equal those of one device up to rounding.

    Parameters
    ----------
    model_ctx : sequence of str or mx.Context
        The devices; anything that `context` takes.
    kvstore : {"local", "device"}
        Where MXNet's KVStore adds up the gradients: on the CPU or on the devices.

    Returns
    -------
    callable
        An engine for `train`. The parameters to train may be on any device.

    Raises
    ------
    TypeError, ValueError
        If a device cannot be used, none is given, or `kvstore` is invalid.
    """
    if not isinstance(model_ctx, (list, tuple)):
        raise TypeError(f"model_ctx: expected a list of devices, not {shown(model_ctx)}")
    contexts = [context(ctx) for ctx in model_ctx]
    if not contexts:
        raise ValueError("model_ctx: is empty; at least one device is needed")
    check_choice("kvstore", kvstore, ("local", "device"))

    def epoch_on_devices(params, batches, learning_rate):
        check_params(params)
        check_iterable("batches", batches)
        learning_rate = check_number("learning_rate", learning_rate)
        copies = [[_parameter(param.copyto(ctx)) for param in params] for ctx in contexts]
        kv = mx.kv.create(kvstore)
        kv.init(["w", "b"], [nd.zeros_like(param) for param in params])
        num_batches, cumulative_loss = 0, 0.0
        for batch in batches:
            data, label = check_pair(batch, params[0])
            check_dense("data", data)  # MXNet cannot slice all kinds of sparse arrays
            losses = []
            for k, copy in enumerate(copies):
                rows = shard_rows(len(data), k, len(copies))
                if rows.start < rows.stop:
                    share = (rows.stop - rows.start) / len(data)
                    losses.append(backward(copy, data[rows], label[rows], share))
                else:
                    for param in copy:
                        param.grad[:] = 0
            for name, of_devices in zip("wb", zip(*copies)):
                grads = [param.grad for param in of_devices]
                kv.push(name, grads)
                kv.pull(name, out=grads)
            for copy in copies:
                SGD(copy, learning_rate)
            cumulative_loss += sum(float(loss.asscalar()) for loss in losses)
            num_batches += 1
        if num_batches == 0:
            raise ValueError("batches: none was given; an epoch needs at least one batch")
        for param, trained in zip(params, copies[0]):
            param[:] = trained.as_in_context(param.context)
        return cumulative_loss / num_batches

    epoch_on_devices.name = f"autograd on {', '.join(map(str, contexts))}"  # type: ignore[attr-defined]
    return epoch_on_devices


def _parameter(array):
    array.attach_grad()
    return array


def backward(params, data, label, share):
    """Compute the gradient of `share` times the loss into ``param.grad``; return that product."""
    w, b = params
    data = data.as_in_context(w.context)
    label = label.as_in_context(w.context).reshape((-1, w.shape[1]))
    with autograd.record():
        loss = share * square_loss(net(data, w, b), label)
    loss.backward()
    return loss
