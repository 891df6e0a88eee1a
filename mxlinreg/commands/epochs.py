"""Run the epochs of `mxlinreg train`: print each, resume from a checkpoint, stop at a signal.

Importing this module loads MXNet.
"""

import sys
import time
from typing import List, NamedTuple, Optional

from .. import distributed
from .._mxnet import mx
from ..chapter.training import train_epoch
from ..models.checkpoint import read_checkpoint
from ..rows.array_loader import ArrayLoader
from ..training import train
from .report import is_shown, warn
from .signals import Stopped

SAMPLE = 200  # batches; the training's duration is estimated from them


class Place(NamedTuple):
    """The devices and the job on which a training runs."""

    data_ctx: mx.Context
    devices: List[mx.Context]
    kv: Optional[mx.kv.KVStore]
    """The KVStore of the job if this process is a worker, else None."""


def loader(X, y, batch_size, kv):
    """The batches of all rows or, in a worker, of this worker's share."""
    if kv is None:
        return ArrayLoader(X, y, batch_size)
    return distributed.Share(kv, *distributed.shard(kv, X, y), batch_size)


def run_epochs(params, train_data, epochs, learning_rate, *, options, place):
    """Train; return the losses, and the `Stopped` that interrupted the training or None."""
    losses, checkpoint = [], options.checkpoint
    if options.resume and checkpoint.exists():
        losses = read_checkpoint(checkpoint)[0]["losses"]
        if not options.quiet:
            print(f"resuming after epoch {len(losses) - 1}", flush=True)
    left = max(0, epochs - len(losses))

    def on_epoch(epoch, mean_loss, params):
        losses.append(mean_loss)
        if not options.quiet and (epochs <= 20 or is_shown(epoch) or epoch == epochs - 1):
            print(f"Epoch {epoch}, batch {len(train_data) - 1}. Mean loss: {mean_loss}", flush=True)

    settings = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "on_epoch": on_epoch,
        "checkpoint": checkpoint,
        "every": options.every,
        "resume": options.resume,
    }
    if place.kv is None:
        settings["engine"] = engine_with_hint(options, place, left * len(train_data))
        settings["progress"] = not options.quiet and sys.stderr.isatty()
    try:
        if place.kv is None:
            train(params, train_data, **settings)
        else:
            distributed.train(place.kv, params, train_data, sync=options.sync, **settings)
    except Stopped as stopped:
        return losses, stopped
    return losses, None


def engine_of(options, place):
    """The engine of a training without workers."""
    if len(place.devices) > 1 or options.kvstore in ("local", "device"):
        return distributed.device_engine(place.devices, options.kvstore or "local")
    return options.engine


def engine_with_hint(options, place, num_batches):
    """The same; the autograd engine on a CPU may suggest the compiled one."""
    engine = engine_of(options, place)
    on_cpu = place.data_ctx.device_type == place.devices[0].device_type == "cpu"
    return autograd_with_hint(num_batches) if engine == "autograd" and on_cpu else engine


def autograd_with_hint(num_batches):
    """The autograd engine, which suggests the compiled one if the training takes over a minute."""
    done = 0
    start = time.perf_counter()

    def counted(train_data):
        nonlocal done
        for batch in train_data:
            yield batch
            done += 1
            if done == SAMPLE:
                minutes = (time.perf_counter() - start) / SAMPLE * num_batches / 60
                if minutes > 1:
                    warn(f"this will take about {minutes:.1f} min; --engine compiled takes less")

    def epoch_with_hint(params, batches, learning_rate):
        return train_epoch(params, counted(batches) if done < SAMPLE else batches, learning_rate)

    # The same name, so that a checkpoint can be resumed with or without the hint.
    epoch_with_hint.name = "autograd"
    return epoch_with_hint
