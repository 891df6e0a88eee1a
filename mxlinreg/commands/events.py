"""What `mxlinreg train` writes for TensorBoard."""

import math
from contextlib import contextmanager

MAX_FIGURES = 20  # of a training's epochs
MAX_SCALARS = 30  # of an epoch's coefficients


def check_events(folder):
    """Find out now, not after the training, whether events can be written."""
    from .._files import check_writable

    try:
        import tensorboardX  # noqa: F401
    except ImportError:
        raise ImportError(
            '--tensorboard needs tensorboardX: pip install "mxlinreg[tensorboard]"'
        ) from None
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--tensorboard: {folder} is a file; give a folder")
    folder.mkdir(parents=True, exist_ok=True)
    check_writable("--tensorboard", folder / "events")


@contextmanager
def event_log(folder, epochs, columns, in_units, figure):
    """Give what writes an epoch for TensorBoard, and complete the file however the training ends.

    It writes the loss, the parameters in the units of the columns, and in some of the epochs the
    figure of them.
    """
    if folder is None:
        yield lambda losses, params: None
        return
    from tensorboardX import SummaryWriter

    # With numbers, for in a tag all that is no letter becomes "_", and two names could be one.
    tags = [f"w/{i} {column}" for i, column in enumerate(columns)]
    between = math.ceil(epochs / MAX_FIGURES)
    with SummaryWriter(str(folder), flush_secs=5) as writer:

        def log(losses, params):
            epoch = len(losses) - 1
            params = in_units(params)
            w, b = (param.asnumpy().ravel() for param in params)
            writer.add_scalar("loss", losses[-1], epoch)
            writer.add_scalar("b", b[0], epoch)
            if len(w) <= MAX_SCALARS:
                for tag, value in zip(tags, w):
                    writer.add_scalar(tag, value, epoch)
            else:
                writer.add_histogram("w", w, epoch)
            if epoch % between == 0 or epoch == epochs - 1:
                writer.add_figure("fit", figure(losses, params), epoch)

        yield log
