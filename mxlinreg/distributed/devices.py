"""The chapter's loop with each batch split over several devices of this machine."""

from typing import Sequence, Union

from .._checks import check_batch
from .._mxnet import autograd, mx, nd
from ..chapter.contexts import context
from ..chapter.scratch import SGD, net, square_loss
from ..training import Engine
from .share import shard_rows


def device_engine(model_ctx: Sequence[Union[str, mx.Context]], kvstore: str = "local") -> Engine:
    """The chapter's loop with each batch split over several devices.

    Each device has a copy of the parameters and takes an equal part of the batch's rows, or none
    where they are fewer than the devices. The gradients are added up by the KVStore, and each
    copy takes the same step. The results agree with one device's to rounding.

    Parameters
    ----------
    model_ctx : sequence of str or mx.Context
        Anything that `context` takes.
    kvstore : {"local", "device"}
        Whether the gradients are added up on the CPU or on the devices (MXNet's KVStore).

    Returns
    -------
    callable
        An engine for `train`, whose parameters may be on any device.

    Raises
    ------
    TypeError, ValueError
        If a device cannot be used, there is none, or `kvstore` is another.
    """
    contexts = [context(ctx) for ctx in model_ctx]
    if not contexts:
        raise ValueError("model_ctx: names no device; at least one is needed")
    if kvstore not in ("local", "device"):
        raise ValueError(f'kvstore: must be "local" or "device", not {kvstore!r}')

    def epoch_on_devices(params, batches, learning_rate):
        copies = [[_parameter(param.copyto(ctx)) for param in params] for ctx in contexts]
        kv = mx.kv.create(kvstore)
        kv.init(["w", "b"], [nd.zeros_like(param) for param in params])
        num_batches, cumulative_loss = 0, 0.0
        for data, label in batches:
            check_batch(data, label, params[0])
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
    """Leave `share` of the loss's gradient in the parameters, and give that share of the loss."""
    w, b = params
    data = data.as_in_context(w.context)
    label = label.as_in_context(w.context).reshape((-1, w.shape[1]))
    with autograd.record():
        loss = share * square_loss(net(data, w, b), label)
    loss.backward()
    return loss
