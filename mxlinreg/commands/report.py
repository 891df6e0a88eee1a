"""The output of `mxlinreg train`: results on stdout and warnings on stderr."""

from .._streams import say
from .signals import Stopped


def print_contexts(place):
    devices = ",".join(map(str, place.devices))
    print(f"data_ctx: {place.data_ctx}, model_ctx: {devices}", flush=True)


def print_beside_truth(w, b):
    """Print the parameters beside those of the chapter's true function."""
    print(f"\n{'':6}{'learned':>12}{'true':>8}")
    learned = [*w.asnumpy().ravel(), *b.asnumpy()]
    for name, value, true in zip(("w[0]", "w[1]", "b"), learned, (2, -3.4, 4.2)):
        print(f"{name:6}{value:12.6f}{true:8}")


def print_metrics(results):
    if not results:  # the training was interrupted
        return
    print(f"\n{'':6}" + "".join(f"{name:>14}" for name in results))
    for key, label in (("rows", "rows"), ("mse", "MSE"), ("rmse", "RMSE"), ("r2", "R2")):
        values = (results[name][key] for name in results)
        texts = (
            "undefined" if v is None else f"{v:d}" if key == "rows" else f"{v:.6g}" for v in values
        )
        print(f"{label:6}" + "".join(f"{text:>14}" for text in texts))


def is_shown(epoch):
    """Whether an epoch's loss is printed: about 20 of 1000, and some more of a longer training."""
    return epoch < 10 or str(epoch).rstrip("0") in ("1", "15", "2", "3", "5", "7")


def print_solution(model, solver):
    """Print the coefficients: of the exact solver with their tests, else beside the exact ones."""
    import numpy as np

    from ..exact.table import beside

    if solver == "exact":
        print(f"\n{model.solution}")
    else:
        w = np.where(np.isnan(model.solution.coefficients), np.nan, model.w[:, 0])
        print(f"\n{beside(model.columns, [model.b[0], *w], model.solution)}")


def print_end(save, checkpoint, losses, stopped):
    """Print where the model was saved. After a signal raise `Stopped` with that message instead."""
    from .._text import counted

    saved = "nothing saved"
    if save is not None:
        saved = f"saved {save}"
        if stopped is None:
            print(f"\n{saved}")
    if stopped is not None:
        if checkpoint is not None and checkpoint.exists():
            saved += f"; add --resume to continue from {checkpoint}"
        after = counted(len(losses), "epoch")
        raise Stopped(stopped.number, f"interrupted after {after}; {saved}")


def warn(message):
    say(f"mxlinreg train: warning: {message}")
