"""The epochs of `mxlinreg train`: printed as they end, resumed, and cut short by Ctrl-C.

Importing this loads MXNet.
"""

import signal
import sys
import time
from typing import List, NamedTuple, Optional

from .. import distributed
from .._mxnet import mx
from ..chapter.training import train_epoch
from ..models.checkpoint import read_checkpoint
from ..rows.array_loader import ArrayLoader
from ..training import train
from .report import warn

SAMPLE = 200  # batches, from which the time of the training is estimated


class Place(NamedTuple):
    """Where a training runs."""

    data_ctx: mx.Context
    devices: List[mx.Context]
    kv: Optional[mx.kv.KVStore]
    """Of the job that this process is a worker of, if any."""


def loader(X, y, batch_size, kv):
    """The batches: of all rows, or of those that are this worker's share."""
    if kv is None:
        return ArrayLoader(X, y, batch_size)
    return distributed.Share(kv, *distributed.shard(kv, X, y), batch_size)


def run_epochs(params, train_data, epochs, learning_rate, *, options, place):
    """Train, and give the losses and whether Ctrl-C has cut it short."""
    losses, checkpoint = [], options.checkpoint
    if options.resume and checkpoint.exists():
        losses = read_checkpoint(checkpoint)[0]["losses"]
        if not options.quiet:
            print(f"resuming after epoch {len(losses) - 1}", flush=True)
    left = max(0, epochs - len(losses))
    interrupts = []

    def interrupt(signum, frame):
        interrupts.append(signum)
        raise KeyboardInterrupt

    def on_epoch(epoch, mean_loss, params):
        losses.append(mean_loss)
        if not options.quiet:
            print(f"Epoch {epoch}, batch {len(train_data) - 1}. Mean loss: {mean_loss}", flush=True)
        # Python drops an exception that is raised while it frees an NDArray.
        if interrupts:
            raise KeyboardInterrupt

    settings = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "on_epoch": on_epoch,
        "checkpoint": checkpoint,
        "every": options.every,
        "resume": options.resume,
    }
    if place.kv is None:
        settings["engine"] = engine_for(options, place, left * len(train_data))
        has_bars = options.engine == "autograd" or options.stream
        settings["progress"] = has_bars and not options.quiet and sys.stderr.isatty()
    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        if place.kv is None:
            train(params, train_data, **settings)
        else:
            distributed.train(place.kv, params, train_data, sync=options.sync, **settings)
    except KeyboardInterrupt:
        return losses, True
    finally:
        signal.signal(signal.SIGINT, previous)
    return losses, False


def engine_for(options, place, num_batches):
    """The engine of a training in this process alone."""
    if len(place.devices) > 1 or options.kvstore is not None:
        return distributed.device_engine(place.devices, options.kvstore or "local")
    on_cpu = place.data_ctx.device_type == place.devices[0].device_type == "cpu"
    if options.engine == "autograd" and on_cpu:
        return autograd_with_hint(num_batches)
    return options.engine


def autograd_with_hint(num_batches):
    """The autograd engine, which tells of the compiled one if it will take over a minute."""
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

    epoch_with_hint.name = "autograd"  # so a checkpoint of either is one of the other too
    return epoch_with_hint
