"""The output of `mxlinreg train`: results on stdout and warnings on stderr."""

import sys

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
    print(f"\n{'':6}" + "".join(f"{name:>14}" for name in results))
    for key, label in (("rows", "rows"), ("mse", "MSE"), ("rmse", "RMSE"), ("r2", "R2")):
        values = (results[name][key] for name in results)
        texts = (
            "undefined" if v is None else f"{v:d}" if key == "rows" else f"{v:.6g}" for v in values
        )
        print(f"{label:6}" + "".join(f"{text:>14}" for text in texts))


def print_coefficients(columns, params, target):
    names = *columns, "(intercept)"
    width = max(map(len, names))
    print(f"\n{'column':{width}}  coefficient of {target}")
    values = (value for param in params for value in param.asnumpy().ravel())
    for name, value in zip(names, values):
        print(f"{name:{width}}  {value:.6g}")


def print_distance(X, y, mse):
    """Print by how much the training MSE exceeds that of the least-squares solution."""
    from ..fitting.metrics import least_mse

    least = least_mse(X, y)
    if least <= 1e-24 * float((y**2).mean()):
        print("\nthe least-squares solution fits the training rows exactly")
        return
    above = f"{100 * (mse / least - 1):.3g} % above"
    print(f"\nthe training MSE is {above} that of the least-squares solution, {least:.6g}")


def print_end(save, checkpoint, losses, stopped):
    """Print where the model was saved. After a signal raise `Stopped` with that message instead."""
    saved = "nothing saved"
    if save is not None:
        saved = f"saved {save}"
        if stopped is None:
            print(f"\n{saved}")
    if stopped is not None:
        if checkpoint is not None and checkpoint.exists():
            saved += f"; add --resume to continue from {checkpoint}"
        raise Stopped(stopped.number, f"interrupted after {len(losses)} epochs; {saved}")


def warn_of_constants(columns, scales, where=""):
    for column, scale in zip(columns, scales):
        if scale == 0:
            warn(f"{column!r} is constant{where}; its coefficient is 0")


def warn_if_far(metrics):
    """Warn of a learning rate that is too large, if the training was too short to overflow."""
    if metrics["r2"] is not None and metrics["r2"] < -1:
        warn("the fit is worse than the mean of the training rows; lower --learning-rate")


def warn(message):
    print(f"mxlinreg train: warning: {message}", file=sys.stderr)
