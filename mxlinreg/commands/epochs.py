"""The epochs of `mxlinreg train`: printed as they end, resumed, and cut short by Ctrl-C."""

import signal
import time

from .report import warn

SAMPLE = 200  # batches, from which the time of the training is estimated


def run_epochs(
    params,
    train_data,
    epochs,
    learning_rate,
    *,
    kv,
    data_ctx,
    devices,
    kvstore,
    engine,
    sync,
    checkpoint,
    every,
    resume,
    quiet,
    progress,
):
    """Train, and give the losses and whether Ctrl-C has cut it short."""
    from .. import distributed
    from ..models.checkpoint import read_checkpoint
    from ..training import train

    losses = []
    if resume and checkpoint.exists():
        losses = read_checkpoint(checkpoint)[0]["losses"]
        if not quiet:
            print(f"resuming after epoch {len(losses) - 1}", flush=True)
    left = max(0, epochs - len(losses))
    interrupts = []

    def interrupt(signum, frame):
        interrupts.append(signum)
        raise KeyboardInterrupt

    def on_epoch(epoch, mean_loss, params):
        losses.append(mean_loss)
        if not quiet:
            print(f"Epoch {epoch}, batch {len(train_data) - 1}. Mean loss: {mean_loss}", flush=True)
        # Python drops an exception that is raised while it frees an NDArray.
        if interrupts:
            raise KeyboardInterrupt

    settings = params, train_data, epochs, learning_rate
    keep = {"on_epoch": on_epoch, "checkpoint": checkpoint, "every": every, "resume": resume}
    if len(devices) > 1 or kvstore in ("local", "device"):
        engine = distributed.device_engine(devices, kvstore or "local")
    elif engine == "autograd" and data_ctx.device_type == devices[0].device_type == "cpu":
        engine = autograd_with_hint(left * len(train_data))
    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        if kv is None:
            train(*settings, engine=engine, progress=progress, **keep)
        else:
            distributed.train(kv, *settings, sync=sync, **keep)
    except KeyboardInterrupt:
        return losses, True
    finally:
        signal.signal(signal.SIGINT, previous)
    return losses, False


def autograd_with_hint(num_batches):
    """The autograd engine, which tells of the compiled one if it will take over a minute."""
    from ..chapter import training

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
        return training.train_epoch(
            params, counted(batches) if done < SAMPLE else batches, learning_rate
        )

    epoch_with_hint.name = "autograd"  # so a checkpoint of either is one of the other too
    return epoch_with_hint
