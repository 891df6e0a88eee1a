"""Train the chapter's linear regression, on its synthetic data or on a file."""

import gc
import os
import sys
from contextlib import contextmanager, nullcontext, redirect_stdout

from .._streams import Lasting
from ..alive.diagnosis import RAISE_LIMIT, address_space_problem
from .outputs import check_outputs, save_pictures
from .parsing import status_of
from .report import print_beside_truth, print_contexts, print_end
from .train_options import parse


def main(argv):
    options = parse(argv)
    sys.exit(status_of("mxlinreg train", lambda: train_and_save(options)))


def train_and_save(options):
    """Train, and save the results even if stdout can no longer be written."""
    if options.save is options.checkpoint is options.plot is None:
        return train(options)
    stdout = Lasting(sys.stdout)
    with redirect_stdout(stdout):
        train(options)
        stdout.flush()
    if stdout.error is not None:
        raise stdout.error


def train(options):
    start_mxnet(options.data_ctx, options.model_ctx)
    if options.data is not None or options.engine == "compiled":
        problem = address_space_problem(with_tables=True)
        if problem:
            raise ValueError(f"{problem}; raise the limit: {RAISE_LIMIT}")
    import numpy as np

    from .._mxnet import mx
    from ..chapter.contexts import context
    from .epochs import Place

    data_ctx = context(options.data_ctx)
    devices = [context(device) for device in options.model_ctx]
    of_workers = options.kvstore == "dist_sync"
    with joined_job(options.timeout) if of_workers else nullcontext() as kv:
        save = plot = None
        if kv is None or kv.rank == 0:
            save, plot = options.save, options.plot
            check_outputs(
                data=options.data,
                stream=options.stream,
                save=save,
                checkpoint=options.checkpoint,
                resume=options.resume,
                plot=plot,
            )
        mx.random.seed(options.seed)
        np.random.seed(options.seed)
        place = Place(data_ctx, devices, kv)
        if options.data is None:
            train_chapter(options=options, place=place, save=save, plot=plot)
        else:
            from .train_file import train_file

            train_file(options=options, place=place, save=save, plot=plot)


def start_mxnet(data_ctx, model_ctx):
    """Start MXNet with the engine that suits operations as small as the chapter's.

    NaiveEngine runs each operation in the calling thread, with the same bits in 0.5 to 0.7 of the
    time. When MXNet starts any engine but its default, its C++ code writes a message to stderr.

    The imports create many objects that live to the end. If Python's garbage collector visited
    them again and again, a whole process would take a fifth to a third longer
    (docs/performance.md).
    """
    gc.set_threshold(200_000)
    # Only MXNet's default engine lets several devices work in parallel.
    on_one_cpu = len(model_ctx) == 1 and all(
        ctx.startswith("cpu") for ctx in (data_ctx, *model_ctx)
    )
    if on_one_cpu and "MXNET_ENGINE_TYPE" not in os.environ:
        os.environ["MXNET_ENGINE_TYPE"] = "NaiveEngine"
        try:
            with silent_stderr():
                from ..chapter.scratch import init_params

                init_params()
        except BaseException:
            # MXNet would write the message when the process ends.
            del os.environ["MXNET_ENGINE_TYPE"]
            raise
    else:
        from .._mxnet import mx  # noqa: F401
    gc.freeze()


@contextmanager
def silent_stderr():
    """Drop everything this process writes to stderr, from C++ too. A closed stderr stays closed."""
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
    """Join the job as a worker; yield its KVStore. Only the worker of rank 0 prints."""
    from .. import distributed

    with distributed.connect(timeout) as kv, open(os.devnull, "w") as nowhere:
        with redirect_stdout(nowhere) if kv.rank > 0 else nullcontext():
            yield kv


def train_chapter(*, options, place, save, plot):
    import numpy as np

    from .. import plotting
    from ..chapter.data import synthetic
    from ..chapter.scratch import init_params
    from ..fitting.metrics import metrics
    from ..models.model import Model, save_model
    from ..rows.sources import as_rows
    from .epochs import loader, run_epochs

    dtype = options.dtype
    X, y = synthetic(options.num_examples, options.noise, ctx=place.data_ctx, dtype=dtype)
    train_data = loader(X, y, options.batch_size, place.kv)
    params = w, b = init_params(ctx=place.devices[0], dtype=dtype)
    if plot is not None:
        before = plotting.plot_training([], X, params)
    print_contexts(place)

    losses, stopped = run_epochs(
        params, train_data, options.epochs, options.learning_rate, options=options, place=place
    )

    if save is not None:
        results = {"training": metrics(as_rows(X, y), params)}
        save_model(save, Model(*params, metrics=results, losses=losses))
    print_beside_truth(w, b)
    print_end(save, options.checkpoint, losses, stopped)
    if plot is not None:
        after = plotting.plot_training(losses, X, params)
        x = np.linspace(0, 4, 12)
        line = 1.5 * x + 1 + 0.2 * np.random.RandomState(options.seed).normal(size=len(x))
        line[8] += 4
        pictures = {
            "before": before,
            "data": plotting.plot_data(X, y),
            "after": after,
            "errors": plotting.plot_errors(x, line, *np.polyfit(x, line, 1)),
            "network": plotting.plot_network(2),
        }
        save_pictures(plot, after, pictures)
