"""What train.py gives of a fit: metrics, coefficients, the saved model and the pictures."""

import itertools
import math
import sys

from _events import check_events

PICTURE_ENDINGS = (".png", ".pdf", ".svg")


def check_outputs(args):
    """Find out now, not after the training, whether the results can be written."""
    from mxlinreg._files import check_writable
    from mxlinreg.models.checkpoint import description_path
    from mxlinreg.plotting import plot_network

    if args.save is not None:
        check_writable("--save", args.save)
        check_writable("--save", description_path(args.save))
    if args.checkpoint is not None:
        check_writable("--checkpoint", args.checkpoint)
        if args.save is not None and args.checkpoint in (args.save, description_path(args.save)):
            raise ValueError(f"--checkpoint: {args.checkpoint} is where --save writes the model")
        if args.checkpoint.exists() and not args.resume:
            raise ValueError(f"--checkpoint: {args.checkpoint} exists; --resume goes on from it")
    if args.plot is not None:
        plot_network(1)  # is matplotlib there?
        if args.plot.suffix.lower() in PICTURE_ENDINGS and not args.plot.is_dir():
            check_writable("--plot", args.plot)
        elif args.plot.exists() and not args.plot.is_dir():
            raise ValueError(f"--plot: {args.plot} is a file, and its ending names no picture")
        else:
            args.plot.mkdir(parents=True, exist_ok=True)
            check_writable("--plot", args.plot / "data.png")
    if args.tensorboard is not None:
        check_events(args.tensorboard)
        plot_network(1)


def predict(X, params):
    """Predictions in float64 of a model of one output: an array of shape (n,)."""
    w, b = (param.asnumpy().astype("float64") for param in params)
    return X @ w[:, 0] + b[0]


def metrics(y, X, params):
    y = y.astype("float64")
    mse = float(((predict(X, params) - y) ** 2).mean())
    return as_metrics(len(y), mse, float(((y - y.mean()) ** 2).mean()))


def as_metrics(rows, mse, variance):
    # R2 compares with the mean of y, which a constant y leaves nothing to compare with.
    r2 = 1 - mse / variance if variance > 0 else None
    return {"rows": rows, "mse": mse, "rmse": math.sqrt(mse), "r2": r2}


def metrics_of_stream(stream, params, kv):
    """As `metrics`, from one pass; of all workers' rows."""
    import numpy as np

    from mxlinreg import distributed

    def together(values):
        return values if kv is None else distributed.add_up(kv, values)

    # Near the mean of y, so that its squares do not cancel.
    firsts = np.array([[y.mean(), 1.0] for _, y in itertools.islice(stream, 1)] or [[0.0, 0.0]])
    total, number = together(firsts[0])
    sums = np.zeros(4)
    for X, y in stream:
        y = y - total / number
        errors = predict(X, params) - total / number - y
        sums += [len(y), (errors**2).sum(), y.sum(), (y**2).sum()]
    rows, squares, first, second = map(float, together(sums))
    return as_metrics(int(rows), squares / rows, second / rows - (first / rows) ** 2)


def print_contexts(args):
    model_ctx = ",".join(map(str, args.devices))
    print(f"data_ctx: {args.data_ctx}, model_ctx: {model_ctx}", flush=True)


def print_metrics(results):
    print(f"\n{'':6}" + "".join(f"{name:>14}" for name in results))
    for key, label in (("rows", "rows"), ("mse", "MSE"), ("rmse", "RMSE"), ("r2", "R2")):
        values = (results[name][key] for name in results)
        texts = (
            "undefined" if v is None else f"{v:d}" if key == "rows" else f"{v:.6g}" for v in values
        )
        print(f"{label:6}" + "".join(f"{text:>14}" for text in texts))


def warn_if_far(results):
    """A rate can be too large for the data, and the training too short to overflow."""
    r2 = results["training"]["r2"]
    if r2 is not None and r2 < -1:
        warn("the fit is farther from the training rows than their mean; lower --learning-rate")


def print_coefficients(columns, params, target):
    names = *columns, "(intercept)"
    width = max(map(len, names))
    print(f"\n{'column':{width}}  coefficient of {target}")
    values = (value for param in params for value in param.asnumpy().ravel())
    for name, value in zip(names, values):
        print(f"{name:{width}}  {value:.6g}")


def print_distance(X, y, mse):
    """How far from the least-squares solution the training has ended."""
    import mxlinreg as mlr

    solution = mlr.least_squares(X, y, rank_deficient="minimum_norm")
    least = float(((X @ solution.coefficients + solution.intercept - y) ** 2).mean())
    if least <= 1e-24 * float((y**2).mean()):
        print("\nthe least-squares solution fits the training rows exactly")
        return
    above = f"{100 * (mse / least - 1):.3g} % above"
    print(f"\nthe training MSE is {above} that of the least-squares solution, {least:.6g}")


def save(args, params, losses, results, columns, target, **encoding):
    """Write the model if --save is given; before anything is printed, which may fail.

    `encoding` is how the file's columns become those of the model, where they are not the same.
    """
    from mxlinreg.models.checkpoint import save_model

    description = {
        "columns": columns,
        "features": columns,
        "target": target,
        "levels": {},
        "fill": None,
        "metrics": results,
        "losses": losses,
        **encoding,
    }
    if args.save is not None:
        save_model(args.save, params, description)


def print_saved(args, losses, interrupted):
    """Tell where the model is; after Ctrl-C raise what tells so, and how far it has come."""
    from mxlinreg.models.checkpoint import description_path

    saved = "nothing saved"
    if args.save is not None:
        saved = f"saved {args.save} and {description_path(args.save)}"
        if not interrupted:
            print(f"\n{saved}")
    if interrupted:
        if args.checkpoint is not None and args.checkpoint.exists():
            saved += f"; --resume goes on from {args.checkpoint}"
        raise KeyboardInterrupt(f"interrupted after {len(losses)} epochs; {saved}")


def save_pictures(args, main_picture, pictures):
    """Write the one picture that a file's name asks for, or all into a folder."""
    from mxlinreg.plotting import save_figure

    if args.plot.is_dir():
        for name, figure in pictures.items():
            save_figure(figure, args.plot / f"{name}.png")
        print(f"\nwrote {', '.join(f'{name}.png' for name in sorted(pictures))} to {args.plot}")
    else:
        save_figure(main_picture, args.plot)
        print(f"\nwrote {args.plot}")


def warn(message):
    print(f"train.py: warning: {message}", file=sys.stderr)
