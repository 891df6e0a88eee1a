#!/usr/bin/env python
"""Train the chapter's linear regression, on its synthetic data or on a file."""

import gc
import math
import os
import signal
import sys
import time
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import partial

from _command import run
from _events import event_log
from _options import check_usage, make_parser
from _report import (
    check_outputs,
    metrics,
    metrics_of_stream,
    predict,
    print_coefficients,
    print_contexts,
    print_distance,
    print_metrics,
    print_saved,
    save,
    save_pictures,
    warn,
    warn_if_far,
)

SAMPLE = 200  # batches, from which the time of the training is estimated
MAX_POINTS = 2000  # of a table's rows, in each of TensorBoard's figures


def main():
    parser = make_parser()
    run(parser, lambda args: train(parser, args))


def train(parser, args):
    args.data_ctx = args.data_ctx or args.ctx
    args.model_ctx = args.model_ctx or args.ctx
    check_usage(parser, args)
    args.engine = args.engine or "autograd"
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

    results = {"training": metrics(y.asnumpy(), X.asnumpy(), params)}
    save(args, params, losses, results, ["x0", "x1"], "y")
    print(f"\n{'':6}{'learned':>12}{'true':>8}")
    learned = [*w.asnumpy().ravel(), *b.asnumpy()]
    for name, value, true in zip(("w[0]", "w[1]", "b"), learned, (2, -3.4, 4.2)):
        print(f"{name:6}{value:12.6f}{true:8}")

    print_saved(args, losses, interrupted)
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

    from mxlinreg import distributed, plotting
    from mxlinreg.rows import tables

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
        own = X[training], y
        if args.kv is not None:
            own = distributed.own_rows(args.kv, *own)
        solution = solve(args, *own, columns=table.columns)
        values = solution.coefficients.reshape(-1, 1), np.array([solution.intercept])
        params, losses, interrupted = [mx.nd.array(v, dtype=dtype) for v in values], [], False
    else:
        params, losses, interrupted = fit_table(args, X[training], y, table.columns, figure)
    w, b = (param.asnumpy() for param in params)
    results = {"training": metrics(y, X[training], params)}
    if held_out:
        results["validation"] = metrics(table.y[validation], X[validation], params)
    encoding = {"features": table.features, "levels": table.levels}
    if fill is not None:
        encoding["fill"] = fill.tolist()
    save(args, params, losses, results, table.columns, args.target, **encoding)
    print_metrics(results)
    if args.solver == "exact":
        print(f"\n{solution}")
    else:
        warn_if_far(results)
        print_coefficients(table.columns, params, args.target)
        print_distance(X[training], y, results["training"]["mse"])
    print_saved(args, losses, interrupted)
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
    from mxlinreg import distributed
    from mxlinreg.moments import scaling

    dtype = args.dtype or "float64"
    chosen = args.data, args.target, args.features
    kv = args.kv
    part = (0, 1) if kv is None else (kv.rank, kv.num_workers)
    as_given = mlr.stream(*chosen, shuffle_buffer=0, part=part)
    print_contexts(args)
    losses, interrupted = [], False
    if args.solver == "exact":
        solution = solve(args, as_given)
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
    save(args, params, losses, results, as_given.columns, args.target)
    if results:
        print_metrics(results)
    if args.solver == "exact":
        print(f"\n{solution}")
    else:
        if results:
            warn_if_far(results)
        print_coefficients(as_given.columns, params, args.target)
    print_saved(args, losses, interrupted)


def fit_table(args, X, y, columns, figure):
    """Train on standardised columns: [w, b] in the data's units, and what `fit` gives."""
    import mxnet as mx

    from mxlinreg.moments import scaling

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


def solve(args, *rows, columns=None):
    """The least-squares solution, of all workers' rows."""
    import mxlinreg as mlr
    from mxlinreg import distributed, exact

    try:
        if args.kv is None:
            return mlr.least_squares(*rows, columns=columns)
        return distributed.least_squares(args.kv, *rows, columns=columns)
    except exact.RankError as error:
        raise ValueError(f"--data: {error.args[0]}; leave columns out by --features") from None


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
    from mxlinreg.models.checkpoint import read_checkpoint

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
    from mxlinreg.chapter.data import Stream

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


if __name__ == "__main__":
    main()
