#!/usr/bin/env python
"""Train the chapter's linear regression, on its synthetic data or on a CSV file."""

import gc
import itertools
import math
import os
import signal
import sys
import time
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import partial
from pathlib import Path

from _command import Parser, count, number, run
from _events import check_events, event_log

PICTURE_ENDINGS = (".png", ".pdf", ".svg")
SAMPLE = 200  # batches, from which the time of the training is estimated
MAX_POINTS = 2000  # of a table's rows, in each of TensorBoard's figures


def make_parser():
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add(
        "--epochs",
        type=count(0),
        metavar="N",
        help="how often to go through the data "
        "(default: 10; for a file as many as make 2400 batches, but 5 to 400)",
    )
    add(
        "--batch-size",
        type=count(1),
        metavar="N",
        help="rows in a batch (default: 4; for a file about 64, in batches of equal size)",
    )
    add(
        "--learning-rate",
        type=number(0),
        metavar="R",
        help="size of a step (default: 0.0001; for a file 0.5 / (number of columns + 1))",
    )
    add(
        "--seed",
        type=count(0, 2**31 - 1),
        default=1,
        metavar="N",
        help="of all that is random (default: 1)",
    )
    add("--ctx", default="cpu", help="device of data and model: cpu, gpu, gpu(1) (default: cpu)")
    add("--data-ctx", metavar="CTX", help="device of the data (default: that of --ctx)")
    add(
        "--model-ctx",
        metavar="CTX,...",
        help="device of the model, or several, over which each batch is split "
        "(default: that of --ctx)",
    )
    add(
        "--engine",
        choices=["autograd", "compiled"],
        default="autograd",
        help="what runs an epoch: the chapter's loop, or the same in compiled code, "
        "on the CPU (default: autograd)",
    )
    add(
        "--dtype",
        choices=["float32", "float64"],
        help="type of data and model (default: float32; for a file float64)",
    )
    add(
        "--plot",
        type=Path,
        metavar="PATH",
        help="write the picture of the fit to this .png, .pdf or .svg file, "
        "or all pictures to this folder (default: none)",
    )
    add(
        "--save",
        type=Path,
        metavar="FILE",
        help="write w and b to this .params file, and a JSON beside it (default: none)",
    )
    add(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="keep the state of the training in this file, from epoch to epoch (default: none)",
    )
    add(
        "--every",
        type=count(1),
        metavar="N",
        help="write the checkpoint after each N-th epoch, and the last (default: 1)",
    )
    add(
        "--resume",
        action="store_true",
        help="go on from the checkpoint, if it is there (default: an existing one is an error)",
    )
    add(
        "--tensorboard",
        type=Path,
        metavar="DIR",
        help="write the loss, the parameters and a figure of the fit, by epoch, to this folder, "
        "as TensorBoard reads them (default: none)",
    )
    add("--quiet", action="store_true", help="print the result only (default: each epoch too)")

    add = parser.add_argument_group("several devices or machines").add_argument
    add(
        "--kvstore",
        choices=["local", "device", "dist_sync"],
        help="where the gradients of several devices are added up, on the CPU or on the devices; "
        "or dist_sync, as one of the workers that launch.py starts (default: local)",
    )
    add(
        "--sync",
        choices=["batch", "epoch"],
        help="whether workers add up their gradients after each batch, or train on their rows "
        "with the compiled engine and average w and b after each epoch (default: batch)",
    )
    add(
        "--timeout",
        type=number(0),
        metavar="S",
        help="seconds for all workers and servers to find each other (default: 60)",
    )

    add = parser.add_argument_group("synthetic data").add_argument
    add("--num-examples", type=count(1), metavar="N", help="number of rows (default: 10000)")
    add(
        "--noise",
        type=number(0),
        metavar="S",
        help="standard deviation of the noise (default: 0.1)",
    )

    add = parser.add_argument_group("real data").add_argument
    add(
        "--solver",
        choices=["sgd", "exact"],
        help="the chapter's training, or the least-squares solution itself with its table of "
        "standard errors (default: sgd)",
    )
    add("--data", metavar="FILE", help="CSV file with a header (default: the synthetic data)")
    add(
        "--stream",
        action="store_true",
        help="read the data block by block in each epoch, as they may be larger than memory; "
        "--data is then a CSV or Parquet file, a folder or a glob (default: read them whole)",
    )
    add(
        "--shuffle-buffer",
        type=count(0),
        metavar="N",
        help="rows of a block of the stream, within which they are shuffled; 0 keeps the files' "
        "order (default: as many as make a million numbers)",
    )
    add("--target", metavar="COLUMN", help="column to predict (no default: needed with --data)")
    add(
        "--features",
        type=lambda text: text.split(","),
        metavar="A,B,...",
        help="columns to predict it from (default: all others)",
    )
    add(
        "--validation",
        type=number(0, below=1),
        metavar="SHARE",
        help="share of the rows that is held out (default: 0.2)",
    )
    add(
        "--one-hot",
        action="store_true",
        help="encode text columns, each value but the first as a column of 0 and 1 "
        "(default: text is an error)",
    )
    add(
        "--missing",
        choices=["drop", "mean"],
        help="drop rows with missing values, or fill in the mean of the training rows "
        "(default: missing values are an error)",
    )
    return parser


def main():
    parser = make_parser()
    run(parser, lambda args: train(parser, args))


def train(parser, args):
    args.data_ctx = args.data_ctx or args.ctx
    args.model_ctx = args.model_ctx or args.ctx
    check_usage(parser, args)
    import_mxlinreg(args)
    gc.freeze()
    import mxnet as mx
    import numpy as np

    import mxlinreg as mlr

    args.data_ctx = mlr.context(args.data_ctx)
    args.devices = [mlr.context(device) for device in args.model_ctx.split(",")]
    args.model_ctx = args.devices[0]
    with joining(args) as args.kv:
        if args.kv is None or args.kv.rank == 0:
            check_outputs(args)
        mx.random.seed(args.seed)
        np.random.seed(args.seed)
        if args.data is None:
            train_chapter(args)
        elif args.stream:
            train_stream(args)
        else:
            train_table(args)


def check_usage(parser, args):
    """Refuse options that the chosen kind of data would ignore."""
    ignored = {}
    if args.data is None:
        names = "target", "features", "validation", "one_hot", "missing", "solver", "stream"
        ignored.update(dict.fromkeys(names, "--data"))
    else:
        ignored.update(dict.fromkeys(["num_examples", "noise"], "the synthetic data"))
        if args.target is None:
            parser.error("--data needs --target COLUMN")
    if args.solver == "exact":
        names = "epochs", "batch_size", "learning_rate", "checkpoint", "tensorboard", "sync"
        ignored.update(dict.fromkeys(names, "--solver sgd"))
    if args.stream:
        names = "validation", "one_hot", "missing", "plot", "tensorboard"
        ignored.update(dict.fromkeys(names, "data that are read whole"))
    else:
        ignored["shuffle_buffer"] = "--stream"
    if args.kvstore != "dist_sync":
        ignored.update(dict.fromkeys(["sync", "timeout"], "--kvstore dist_sync"))
    elif "," in args.model_ctx:
        parser.error("--kvstore dist_sync: a worker has one --model-ctx; start one for each device")
    if args.engine == "compiled" and (args.kvstore is not None or "," in args.model_ctx):
        parser.error("--engine compiled: goes with one device; --sync epoch is compiled by itself")
    for name, kind in ignored.items():
        if getattr(args, name) not in (None, False):
            parser.error(f"--{name.replace('_', '-')} goes with {kind} only")
    if args.checkpoint is None and (args.resume or args.every):
        parser.error(f"--{'resume' if args.resume else 'every'} goes with --checkpoint only")


def import_mxlinreg(args):
    """Import it with the MXNet engine that suits operations as small as the chapter's.

    NaiveEngine runs each operation in the calling thread: the same bits in 0.5 to 0.7 of the
    time. MXNet announces any engine but its default on stderr, past Python, as it starts it.

    Python's garbage collector would look again and again, and in vain, at the many objects that
    the imports make; that of Numba, later on, would take twice as long.
    """
    gc.set_threshold(200_000)
    on_cpu = args.data_ctx.startswith("cpu") and args.model_ctx.startswith("cpu")
    # Devices work side by side only with MXNet's own engine.
    if not on_cpu or "," in args.model_ctx or "MXNET_ENGINE_TYPE" in os.environ:
        import mxlinreg  # noqa: F401

        return
    os.environ["MXNET_ENGINE_TYPE"] = "NaiveEngine"
    stderr = os.dup(2)
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        import mxlinreg  # noqa: F401

        mxlinreg.init_params()
    finally:
        os.dup2(stderr, 2)


@contextmanager
def joining(args):
    """The KVStore of the job that this process is a worker of, if any; only rank 0 writes."""
    from mxlinreg import distributed

    with ExitStack() as stack:
        kv = None
        if args.kvstore == "dist_sync":
            kv = stack.enter_context(distributed.connect(args.timeout or 60))
            if kv.rank > 0:
                args.plot = args.save = args.tensorboard = None
                nowhere = stack.enter_context(open(os.devnull, "w"))
                stack.enter_context(redirect_stdout(nowhere))
        yield kv


def check_outputs(args):
    """Find out now, not after the training, whether the results can be written."""
    from mxlinreg.checkpoint import description_path
    from mxlinreg.files import check_writable
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
        plot_network(1)
        check_events(args.tensorboard)


def train_chapter(args):
    import numpy as np

    import mxlinreg as mlr
    from mxlinreg import plotting

    dtype = args.dtype or "float32"
    num_examples = 10000 if args.num_examples is None else args.num_examples
    noise = 0.1 if args.noise is None else args.noise
    X, y = mlr.synthetic(num_examples, noise, ctx=args.data_ctx, dtype=dtype)
    train_data = loader(args, X, y, args.batch_size or 4)
    params = w, b = mlr.init_params(ctx=args.model_ctx, dtype=dtype)
    pictures = {}
    if args.plot is not None:
        pictures["before"] = plotting.plot_training([], X, params)

    print_contexts(args)
    epochs = 10 if args.epochs is None else args.epochs
    learning_rate = 1e-4 if args.learning_rate is None else args.learning_rate

    def figure(losses, params):
        return plotting.plot_training(losses, X, params)

    with event_log(args.tensorboard, epochs, ["x0", "x1"], list, figure) as log:
        losses, interrupted = fit(args, params, train_data, epochs, learning_rate, log)

    print(f"\n{'':6}{'learned':>12}{'true':>8}")
    learned = [*w.asnumpy().ravel(), *b.asnumpy()]
    for name, value, true in zip(("w[0]", "w[1]", "b"), learned, (2, -3.4, 4.2)):
        print(f"{name:6}{value:12.6f}{true:8}")

    description = {
        "columns": ["x0", "x1"],
        "features": ["x0", "x1"],
        "target": "y",
        "levels": {},
        "fill": None,
        "dtype": dtype,
        "metrics": {"training": metrics(y.asnumpy(), X.asnumpy(), params)},
        "losses": losses,
    }
    save(args, params, description, interrupted)
    if args.plot is not None:
        after = plotting.plot_training(losses, X, params)
        x = np.linspace(0, 4, 12)
        line = 1.5 * x + 1 + 0.2 * np.random.RandomState(args.seed).normal(size=len(x))
        line[8] += 4
        pictures.update(
            data=plotting.plot_data(X, y),
            after=after,
            errors=plotting.plot_errors(x, line, *np.polyfit(x, line, 1)),
            network=plotting.plot_network(2),
        )
        save_pictures(args, after, pictures)


def train_table(args):
    import mxnet as mx
    import numpy as np

    import mxlinreg as mlr
    from mxlinreg import distributed, plotting, tables

    dtype = args.dtype or "float64"
    table = tables.load(
        args.data, args.target, args.features, args.one_hot, args.missing or "error"
    )
    rows = np.random.permutation(len(table.y))
    held_out = round((0.2 if args.validation is None else args.validation) * len(rows))
    if held_out == len(rows):
        raise ValueError(f"--validation: leaves none of {len(rows)} rows for the training")
    training, validation = np.sort(rows[held_out:]), np.sort(rows[:held_out])
    X, fill = table.X, None
    if args.missing == "mean":
        fill = tables.column_means(X[training], table.columns)
        X = tables.fill_missing(X, fill)

    print_contexts(args)
    print(
        f"{args.data}: {len(training)} training and {len(validation)} validation rows, "
        f"{X.shape[1]} columns"
    )
    y = table.y[training]

    def figure(losses, params):
        some = slice(None, None, math.ceil(len(X) / MAX_POINTS))
        return plotting.plot_predictions(table.y[some], predict(X[some], params), args.target)

    if args.solver == "exact":
        if args.kv is None:
            solution = mlr.least_squares(X[training], y, columns=table.columns)
        else:
            own = distributed.own_rows(args.kv, X[training], y)
            solution = distributed.least_squares(args.kv, *own, columns=table.columns)
        values = solution.coefficients.reshape(-1, 1), np.array([solution.intercept])
        params, losses, interrupted = [mx.nd.array(v, dtype=dtype) for v in values], [], False
    else:
        params, losses, interrupted = fit_table(args, X[training], y, table.columns, figure)
    w, b = (param.asnumpy() for param in params)
    results = {"training": metrics(y, X[training], params)}
    if held_out:
        results["validation"] = metrics(table.y[validation], X[validation], params)
    print_metrics(results)
    if args.solver == "exact":
        print(f"\n{solution}")
    else:
        print_coefficients(table.columns, params, args.target)
        print_distance(X[training], y, results["training"]["mse"])

    description = {
        "columns": table.columns,
        "features": table.features,
        "target": args.target,
        "levels": table.levels,
        "fill": None if fill is None else fill.tolist(),
        "dtype": dtype,
        "metrics": results,
        "losses": losses,
    }
    save(args, params, description, interrupted)
    if args.plot is not None:
        yhat = predict(X, params)
        predictions = plotting.plot_predictions(table.y, yhat, args.target)
        pictures = {
            "predictions": predictions,
            "residuals": plotting.plot_residuals(table.y, yhat, args.target),
            "coefficients": plotting.plot_coefficients(table.columns, w),
            "network": plotting.plot_network(X.shape[1]),
        }
        if losses:
            pictures["losses"] = plotting.plot_losses(losses)
        if X.shape[1] == 1:
            pictures["errors"] = plotting.plot_errors(X[:, 0], table.y, w[0, 0], b[0])
        save_pictures(args, predictions, pictures)


def train_stream(args):
    import mxnet as mx
    import numpy as np

    import mxlinreg as mlr
    from mxlinreg import distributed, scaling

    dtype = args.dtype or "float64"
    chosen = args.data, args.target, args.features
    kv = args.kv
    part = (0, 1) if kv is None else (kv.rank, kv.num_workers)
    as_given = mlr.stream(*chosen, shuffle_buffer=0, part=part)
    print_contexts(args)
    losses, interrupted = [], False
    if args.solver == "exact":
        solution = (
            mlr.least_squares(as_given) if kv is None else distributed.least_squares(kv, as_given)
        )
        w, b = solution.coefficients.reshape(-1, 1), np.array([solution.intercept])
    else:
        options = {"batch_size": args.batch_size or 64, "shuffle_buffer": args.shuffle_buffer}
        data = train_data = mlr.stream(*chosen, **options, dtype=dtype, part=part)
        if kv is None:
            data.standardise()
        else:
            data.standardise(partial(distributed.gather, kv))
            train_data = distributed.Share(kv, data)
        num_inputs = len(data.columns)
        print(
            f"{args.data}: {train_data.num_rows} rows, {num_inputs} columns; "
            "the losses are those of the standardised target"
        )
        for column, scale in zip(data.columns, data.X_scale):
            if scale == 0:
                warn(f"{column!r} is constant; its coefficient is 0")
        params = near_zero(args, num_inputs, dtype)
        epochs = 5 if args.epochs is None else args.epochs
        rate = 0.5 / (num_inputs + 1) if args.learning_rate is None else args.learning_rate
        losses, interrupted = fit(args, params, train_data, epochs, rate, lambda *_: None)
        w, b = scaling.fold(params, data.X_mean, data.X_scale, data.y_mean, data.y_scale)
    params = [mx.nd.array(param, dtype=dtype) for param in (w, b)]
    results = {} if interrupted else {"training": metrics_of_stream(as_given, params, kv)}
    print_metrics(results)
    if args.solver == "exact":
        print(f"\n{solution}")
    else:
        print_coefficients(as_given.columns, params, args.target)
    description = {
        "columns": as_given.columns,
        "features": as_given.columns,
        "target": args.target,
        "levels": {},
        "fill": None,
        "dtype": dtype,
        "metrics": results,
        "losses": losses,
    }
    save(args, params, description, interrupted)


def fit_table(args, X, y, columns, figure):
    """Train on standardised columns: [w, b] in the data's units, and what `fit` gives."""
    import mxnet as mx

    from mxlinreg import scaling

    dtype = args.dtype or "float64"
    X_scaled, X_mean, X_scale = scaling.standardise(X)
    y_scaled, y_mean, y_scale = scaling.standardise(y[:, None])
    for column, scale in zip(columns, X_scale):
        if scale == 0:
            warn(f"{column!r} is constant in the training rows; its coefficient is 0")
    num_batches = math.ceil(len(y) / 64)
    train_data = loader(
        args,
        mx.nd.array(X_scaled, ctx=args.data_ctx, dtype=dtype),
        mx.nd.array(y_scaled[:, 0], ctx=args.data_ctx, dtype=dtype),
        batch_size=args.batch_size or math.ceil(len(y) / num_batches),
    )
    params = near_zero(args, X.shape[1], dtype)
    print("the losses are those of the standardised target")
    epochs = min(400, max(5, math.ceil(2400 / len(train_data))))
    epochs = epochs if args.epochs is None else args.epochs
    learning_rate = 0.5 / (X.shape[1] + 1) if args.learning_rate is None else args.learning_rate

    def in_units(params):
        folded = scaling.fold(params, X_mean, X_scale, y_mean, y_scale)
        return [mx.nd.array(param, dtype=dtype) for param in folded]

    with event_log(args.tensorboard, epochs, columns, in_units, figure) as log:
        losses, interrupted = fit(args, params, train_data, epochs, learning_rate, log)
    return in_units(params), losses, interrupted


def near_zero(args, num_inputs, dtype):
    """The parameters that the training on standardised columns begins with.

    The coefficients of standardised data are below 1, often far; a start near 0 saves correlated
    columns the many epochs in which they would forget a draw from N(0, 1).
    """
    import mxlinreg as mlr

    params = mlr.init_params(num_inputs, 1, ctx=args.model_ctx, dtype=dtype)
    for param in params:
        param[:] = 0.01 * param
    return params


def loader(args, X, y, batch_size):
    """The batches: of all rows, or of those that are this worker's share."""
    import mxlinreg as mlr
    from mxlinreg import distributed

    if args.kv is None:
        return mlr.ArrayLoader(X, y, batch_size)
    return distributed.Share(args.kv, *distributed.own_rows(args.kv, X, y), batch_size)


def fit(args, params, train_data, epochs, learning_rate, log):
    """Train, and give the losses and whether Ctrl-C has cut it short.

    After each epoch it calls ``log(losses, params)``.
    """
    import mxlinreg as mlr
    from mxlinreg import distributed
    from mxlinreg.checkpoint import read_checkpoint

    losses = []
    if args.resume and args.checkpoint.exists():
        losses = read_checkpoint(args.checkpoint)[0]["losses"]
        if not args.quiet:
            print(f"resuming after epoch {len(losses) - 1}", flush=True)
    left = max(0, epochs - len(losses))
    interrupts = []

    def interrupt(signum, frame):
        interrupts.append(signum)
        raise KeyboardInterrupt

    def on_epoch(epoch, mean_loss, params):
        losses.append(mean_loss)
        if not args.quiet:
            print(f"Epoch {epoch}, batch {len(train_data) - 1}. Mean loss: {mean_loss}", flush=True)
        # Raised within, an interrupt can leave the writer's queue so that closing it never ends.
        signal.signal(signal.SIGINT, lambda signum, frame: interrupts.append(signum))
        log(losses, params)
        signal.signal(signal.SIGINT, interrupt)
        if interrupts:  # within, or where Python drops exceptions: while it freed an NDArray
            raise KeyboardInterrupt

    engine = args.engine
    keep = {"checkpoint": args.checkpoint, "every": args.every or 1, "resume": args.resume}
    progress = (engine == "autograd" or args.stream) and sys.stderr.isatty() and not args.quiet
    if len(args.devices) > 1 or args.kvstore in ("local", "device"):
        engine = distributed.device_engine(args.devices, args.kvstore or "local")
    elif engine == "autograd" and args.data_ctx.device_type == args.model_ctx.device_type == "cpu":
        engine = autograd_with_hint(left * len(train_data))
    previous = signal.signal(signal.SIGINT, interrupt)
    settings = params, train_data, epochs, learning_rate
    try:
        if args.kv is None:
            mlr.train(*settings, engine, on_epoch, progress, **keep)
        else:
            distributed.train(args.kv, *settings, args.sync or "batch", on_epoch, **keep)
    except KeyboardInterrupt:
        return losses, True
    finally:
        signal.signal(signal.SIGINT, previous)
    return losses, False


def autograd_with_hint(num_batches):
    """The autograd engine, which tells of the compiled one if it will take over a minute."""
    import mxlinreg as mlr
    from mxlinreg.data import Stream

    done = 0
    start = time.perf_counter()

    def counted(batches):
        nonlocal done
        for batch in batches.batches() if isinstance(batches, Stream) else batches:
            yield batch
            done += 1
            if done == SAMPLE:
                minutes = (time.perf_counter() - start) / SAMPLE * num_batches / 60
                if minutes > 1:
                    warn(f"this will take about {minutes:.1f} min; --engine compiled takes less")

    def train_epoch(params, batches, learning_rate):
        return mlr.train_epoch(
            params, counted(batches) if done < SAMPLE else batches, learning_rate
        )

    train_epoch.__qualname__ = "autograd"  # so a checkpoint of either is one of the other too
    return train_epoch


def predict(X, params):
    """Predictions in float64 of a model of one output: an array of shape (n,)."""
    w, b = (param.asnumpy().astype("float64") for param in params)
    return X @ w[:, 0] + b[0]


def metrics(y, X, params):
    y = y.astype("float64")
    squares = (predict(X, params) - y) ** 2
    total = ((y - y.mean()) ** 2).mean()
    mse = float(squares.mean())
    # R2 compares with the mean of y, which a constant y leaves nothing to compare with.
    r2 = float(1 - mse / total) if total > 0 else None
    return {"rows": len(y), "mse": mse, "rmse": math.sqrt(mse), "r2": r2}


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
    mse, variance = squares / rows, second / rows - (first / rows) ** 2
    r2 = 1 - mse / variance if variance > 0 else None
    return {"rows": int(rows), "mse": mse, "rmse": math.sqrt(mse), "r2": r2}


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
    above = f"{100 * (mse / least - 1):.3g} % above" if least > 0 else "above"
    print(f"\nthe training MSE is {above} that of the least-squares solution, {least:.6g}")


def save(args, params, description, interrupted):
    from mxlinreg.checkpoint import description_path, save_model

    saved = "nothing saved"
    if args.save is not None:
        save_model(args.save, params, description)
        saved = f"saved {args.save} and {description_path(args.save)}"
        if not interrupted:
            print(f"\n{saved}")
    if interrupted:
        if args.checkpoint is not None and args.checkpoint.exists():
            saved += f"; --resume goes on from {args.checkpoint}"
        raise KeyboardInterrupt(f"interrupted after {len(description['losses'])} epochs; {saved}")


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


if __name__ == "__main__":
    main()
