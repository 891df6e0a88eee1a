"""Train the chapter's linear regression, on its synthetic data or on a file."""

import gc
import os
import sys
from contextlib import contextmanager, nullcontext, redirect_stdout
from functools import partial

from .epochs import run_epochs
from .outputs import check_outputs, save_pictures
from .parsing import status_of
from .report import (
    print_beside_truth,
    print_coefficients,
    print_contexts,
    print_distance,
    print_end,
    print_metrics,
    warn_if_far,
    warn_of_constants,
)
from .train_options import parse


def main(argv):
    options = parse(argv)
    sys.exit(status_of("mxlinreg train", lambda: train(options)))


def train(options):
    start_mxnet(options.data_ctx, options.model_ctx)
    import numpy as np

    from .._mxnet import mx
    from ..chapter.contexts import context

    data_ctx = context(options.data_ctx)
    devices = [context(device) for device in options.model_ctx]
    of_workers = options.kvstore == "dist_sync"
    with joined_job(options.timeout) if of_workers else nullcontext() as kv:
        save, plot = options.save, options.plot
        if kv is None or kv.rank == 0:
            check_outputs(
                save=save,
                checkpoint=options.checkpoint,
                resume=options.resume,
                plot=plot,
            )
        else:
            save = plot = None
        mx.random.seed(options.seed)
        np.random.seed(options.seed)
        fit = partial(
            run_epochs,
            kv=kv,
            data_ctx=data_ctx,
            devices=devices,
            kvstore=options.kvstore,
            engine=options.engine,
            sync=options.sync,
            checkpoint=options.checkpoint,
            every=options.every,
            resume=options.resume,
            quiet=options.quiet,
            progress=(options.engine == "autograd" or options.stream)
            and sys.stderr.isatty()
            and not options.quiet,
        )
        common = {
            "batch_size": options.batch_size,
            "epochs": options.epochs,
            "learning_rate": options.learning_rate,
            "dtype": options.dtype,
            "data_ctx": data_ctx,
            "devices": devices,
            "kv": kv,
            "fit": fit,
            "save": save,
            "checkpoint": options.checkpoint,
        }
        if options.data is None:
            train_chapter(
                **common,
                num_examples=options.num_examples,
                noise=options.noise,
                seed=options.seed,
                plot=plot,
            )
            return
        common.update(
            data=options.data,
            target=options.target,
            features=options.features,
            solver=options.solver,
        )
        if options.stream:
            train_stream(**common, shuffle_buffer=options.shuffle_buffer)
        else:
            train_table(
                **common,
                one_hot=options.one_hot,
                missing=options.missing,
                validation=options.validation,
                plot=plot,
            )


def start_mxnet(data_ctx, model_ctx):
    """Start MXNet with the engine that suits operations as small as the chapter's.

    NaiveEngine runs each operation in the calling thread: the same bits in 0.5 to 0.7 of the
    time. MXNet announces any engine but its default on stderr, past Python, as it starts it.

    Python's garbage collector would look again and again, and in vain, at the many objects that
    the imports make. Without this a whole process takes a fifth to a third longer
    (docs/performance.md).
    """
    gc.set_threshold(200_000)
    # Devices work side by side only with MXNet's own engine.
    on_one_cpu = len(model_ctx) == 1 and all(
        ctx.startswith("cpu") for ctx in (data_ctx, *model_ctx)
    )
    if on_one_cpu and "MXNET_ENGINE_TYPE" not in os.environ:
        os.environ["MXNET_ENGINE_TYPE"] = "NaiveEngine"
        with silent_stderr():
            from ..chapter.scratch import init_params

            init_params()
    else:
        from .._mxnet import mx  # noqa: F401
    gc.freeze()


@contextmanager
def silent_stderr():
    """Drop what this process writes to its stderr, by whatever library. A closed one stays so."""
    try:
        stderr = os.dup(2)
    except OSError:
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


@contextmanager
def joined_job(timeout):
    """The KVStore of the job that this process is a worker of, of which only rank 0 prints."""
    from .. import distributed

    with distributed.connect(timeout) as kv, open(os.devnull, "w") as nowhere:
        with redirect_stdout(nowhere) if kv.rank > 0 else nullcontext():
            yield kv


def train_chapter(
    *,
    batch_size,
    epochs,
    learning_rate,
    dtype,
    data_ctx,
    devices,
    kv,
    fit,
    save,
    checkpoint,
    num_examples,
    noise,
    seed,
    plot,
):
    import numpy as np

    from .. import plotting
    from ..chapter.data import synthetic
    from ..chapter.scratch import init_params
    from ..fitting.metrics import metrics
    from ..models.checkpoint import save_model
    from ..models.table_model import describe
    from ..rows.sources import as_rows

    X, y = synthetic(num_examples, noise, ctx=data_ctx, dtype=dtype)
    train_data = loader(X, y, batch_size, kv)
    params = w, b = init_params(ctx=devices[0], dtype=dtype)
    columns, pictures = ["x0", "x1"], {}
    if plot is not None:
        pictures["before"] = plotting.plot_training([], X, params)
    print_contexts(data_ctx, devices)

    losses, interrupted = fit(params, train_data, epochs, learning_rate)

    # Saved before anything is printed, which may fail.
    if save is not None:
        results = {"training": metrics(as_rows(X, y), params)}
        save_model(save, params, describe(columns, "y", results, losses))
    print_beside_truth(w, b)
    print_end(save, checkpoint, losses, interrupted)
    if plot is not None:
        after = plotting.plot_training(losses, X, params)
        x = np.linspace(0, 4, 12)
        line = 1.5 * x + 1 + 0.2 * np.random.RandomState(seed).normal(size=len(x))
        line[8] += 4
        pictures.update(
            data=plotting.plot_data(X, y),
            after=after,
            errors=plotting.plot_errors(x, line, *np.polyfit(x, line, 1)),
            network=plotting.plot_network(2),
        )
        save_pictures(plot, after, pictures)


def train_table(
    *,
    batch_size,
    epochs,
    learning_rate,
    dtype,
    data_ctx,
    devices,
    kv,
    fit,
    save,
    checkpoint,
    data,
    target,
    features,
    solver,
    one_hot,
    missing,
    validation,
    plot,
):
    from .. import distributed, plotting
    from .._mxnet import nd
    from ..fitting import table as fitting
    from ..fitting.metrics import metrics
    from ..models.checkpoint import save_model
    from ..models.table_model import describe, predict
    from ..rows import tables
    from ..rows.sources import as_rows

    table = tables.load(data, target, features, one_hot, missing)
    training, validation = held_out(len(table.y), validation)
    X, fill = table.X, None
    if missing == "mean":
        fill = tables.column_means(X[training], table.columns)
        X = tables.fill_missing(X, fill)

    print_contexts(data_ctx, devices)
    print(
        f"{data}: {len(training)} training and {len(validation)} validation rows, "
        f"{X.shape[1]} columns"
    )
    X_training, y_training = X[training], table.y[training]

    losses, interrupted = [], False
    if solver == "exact":
        rows = as_rows(X_training, y_training)
        if kv is not None:
            rows = distributed.Share(kv, *distributed.shard(kv, X_training, y_training))
        solution = solve(rows, columns=table.columns)
        params = params_of(solution, dtype)
    else:
        X_scaled, y_scaled, scaling = fitting.standardize_table(X_training, y_training)
        warn_of_constants(table.columns, scaling.X_scale, " in the training rows")
        train_data = loader(
            nd.array(X_scaled, ctx=data_ctx, dtype=dtype),
            nd.array(y_scaled, ctx=data_ctx, dtype=dtype),
            batch_size or fitting.default_batch_size(len(training)),
            kv,
        )
        print("the losses are those of the standardized target")
        params, (losses, interrupted) = fitting.train_standardized(
            train_data,
            scaling,
            epochs,
            learning_rate,
            train=fit,
            ctx=devices[0],
            dtype=dtype,
        )
    results = {"training": metrics(as_rows(X_training, y_training), params)}
    if len(validation):
        results["validation"] = metrics(as_rows(X[validation], table.y[validation]), params)
    # Saved before anything is printed, which may fail.
    if save is not None:
        names = table.columns, target
        encoding = table.features, table.levels, fill
        save_model(save, params, describe(*names, results, losses, *encoding))
    print_metrics(results)
    if solver == "exact":
        print(f"\n{solution}")
    else:
        warn_if_far(results["training"])
        print_coefficients(table.columns, params, target)
        print_distance(X_training, y_training, results["training"]["mse"])
    print_end(save, checkpoint, losses, interrupted)
    if plot is not None:
        w, b = (param.asnumpy() for param in params)
        yhat = predict(X, params)
        predictions = plotting.plot_predictions(table.y, yhat, target)
        pictures = {
            "predictions": predictions,
            "residuals": plotting.plot_residuals(table.y, yhat, target),
            "coefficients": plotting.plot_coefficients(table.columns, w),
            "network": plotting.plot_network(X.shape[1]),
        }
        if losses:
            pictures["losses"] = plotting.plot_losses(losses)
        if X.shape[1] == 1:
            pictures["errors"] = plotting.plot_errors(X[:, 0], table.y, w[0, 0], b[0])
        save_pictures(plot, predictions, pictures)


def train_stream(
    *,
    batch_size,
    epochs,
    learning_rate,
    dtype,
    data_ctx,
    devices,
    kv,
    fit,
    save,
    checkpoint,
    data,
    target,
    features,
    solver,
    shuffle_buffer,
):
    from .. import distributed
    from ..fitting import table as fitting
    from ..fitting.metrics import metrics
    from ..models.checkpoint import save_model
    from ..models.table_model import describe
    from ..rows.files import stream

    chosen = data, target, features
    part = (0, 1) if kv is None else (kv.rank, kv.num_workers)
    as_given = stream(*chosen, shuffle_buffer=0, part=part)
    columns = as_given.columns
    if kv is not None:
        as_given = distributed.Share(kv, as_given)
    print_contexts(data_ctx, devices)
    losses, interrupted = [], False
    if solver == "exact":
        solution = solve(as_given)
        params = params_of(solution, dtype)
    else:
        own = stream(
            *chosen,
            batch_size=batch_size,
            shuffle_buffer=shuffle_buffer,
            dtype=dtype,
            part=part,
        )
        train_data = own if kv is None else distributed.Share(kv, own)
        own.standardize(train_data.gather)
        print(
            f"{data}: {train_data.num_rows} rows, {len(columns)} columns; "
            "the losses are those of the standardized target"
        )
        warn_of_constants(columns, own.X_scale)
        params, (losses, interrupted) = fitting.train_standardized(
            train_data,
            fitting.Scaling(own.X_mean, own.X_scale, own.y_mean, own.y_scale),
            epochs,
            learning_rate,
            train=fit,
            ctx=devices[0],
            dtype=dtype,
        )
    results = {}
    if not interrupted:
        results["training"] = metrics(as_given, params)
    # Saved before anything is printed, which may fail.
    if save is not None:
        save_model(save, params, describe(columns, target, results, losses))
    if results:
        print_metrics(results)
    if solver == "exact":
        print(f"\n{solution}")
    else:
        if results:
            warn_if_far(results["training"])
        print_coefficients(columns, params, target)
    print_end(save, checkpoint, losses, interrupted)


def held_out(num_rows, share):
    """The rows to train on and those to validate with, drawn at random, each in their order."""
    import numpy as np

    rows = np.random.permutation(num_rows)
    number = round(share * num_rows)
    if number == num_rows:
        raise ValueError(f"--validation: leaves none of {num_rows} rows for the training")
    return np.sort(rows[number:]), np.sort(rows[:number])


def loader(X, y, batch_size, kv):
    """The batches: of all rows, or of those that are this worker's share."""
    from .. import distributed
    from ..rows.array_loader import ArrayLoader

    if kv is None:
        return ArrayLoader(X, y, batch_size)
    return distributed.Share(kv, *distributed.shard(kv, X, y), batch_size)


def solve(rows, columns=None):
    """The least-squares solution; an error names columns in the words of the command."""
    from ..exact import RankError, least_squares

    try:
        return least_squares(rows, columns=columns)
    except RankError as error:
        raise ValueError(f"--data: {error.args[0]}; leave columns out by --features") from None


def params_of(solution, dtype):
    """The solution as [w, b], as a training leaves them."""
    from .._mxnet import nd

    w, b = solution.coefficients.reshape(-1, 1), [solution.intercept]
    return [nd.array(param, dtype=dtype) for param in (w, b)]
