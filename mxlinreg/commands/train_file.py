"""Fit a table: `mxlinreg.fit` with printing around it."""

import sys
import warnings
from contextlib import contextmanager
from functools import partial
from textwrap import fill

import numpy as np

from .. import plotting
from ..fitting.fit import fit
from ..models.model import save_model
from ..rows import tables
from ..rows.encoding import encode, numbers_of
from ..rows.pipes import as_file
from .epochs import engine_of
from .outputs import save_pictures
from .parsing import in_options
from .report import (
    is_shown,
    print_contexts,
    print_end,
    print_metrics,
    print_solution,
    warn,
)
from .signals import Stopped


def train_file(*, options, place, save, plot):
    data = options.data if options.stream else as_file(options.data)
    say = _nothing if options.quiet else partial(print, flush=True)
    if not options.quiet:
        print_contexts(place)
    stopped, unsaid = None, ""

    def on_epoch(epoch, mean_loss):
        nonlocal unsaid
        unsaid = f"Epoch {epoch}. Mean loss: {mean_loss:.6g}"
        if is_shown(epoch):
            say_last_epoch()

    def say_last_epoch():
        nonlocal unsaid
        if unsaid:
            say(unsaid)
        unsaid = ""

    def on_note(text):
        say_last_epoch()
        say(fill(in_options(text), 80, break_long_words=False, break_on_hyphens=False))

    training = {
        "engine": engine_of(options, place),
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "on_epoch": on_epoch,
        "progress": not options.quiet and sys.stderr.isatty(),
        "checkpoint": options.checkpoint,
        "every": options.every,
        "resume": options.resume,
        "sync": options.sync,
    }
    with warnings_on_stderr(say_last_epoch):
        try:
            model = fit(
                data,
                options.target,
                options.features,
                options.solver,
                weights=options.weights,
                add=options.add,
                categorical=options.categorical,
                reference=options.reference,
                max_levels=options.max_levels,
                missing=options.missing,
                collinear=options.collinear,
                decimal=options.decimal,
                validation=options.validation,
                seed=options.seed,
                dtype=options.dtype,
                ctx=place.devices[0],
                stream=options.stream,
                shuffle_buffer=options.shuffle_buffer,
                kv=place.kv,
                on_note=on_note,
                **(training if options.solver == "sgd" else {}),
            )
        except MemoryError as error:
            if options.stream:
                raise
            raise MemoryError(f"{error or data}; --stream needs less") from None
        except Stopped as interrupt:
            stopped, model = interrupt, interrupt.model
            if model is None:
                raise
    if save is not None:
        save_model(save, model)
    say_last_epoch()
    print_metrics(model.metrics)
    print_solution(model, options.solver)
    print_end(save, options.checkpoint, model.losses, stopped)
    if plot is not None:
        with warnings_on_stderr(_nothing):  # of letters that the font lacks
            draw(plot, model, data, options)


def draw(plot, model, data, options):
    """Write the pictures of a model, from the rows of the table that it can predict."""
    table = tables.read_table(data, decimal=options.decimal)
    X = encode(table, model, model.fill).X
    y = numbers_of(options.target, table[options.target])
    usable = ~(np.isnan(X).any(axis=1) | np.isnan(y))
    X, y = X[usable], y[usable]
    yhat = model.predict(X)
    predictions = plotting.plot_predictions(y, yhat, options.target)
    pictures = {
        "predictions": predictions,
        "residuals": plotting.plot_residuals(y, yhat, options.target),
        "coefficients": plotting.plot_coefficients(model.columns, model.w),
        "network": plotting.plot_network(len(model.columns)),
    }
    if model.losses:
        pictures["losses"] = plotting.plot_losses(model.losses)
    if len(model.columns) == 1:
        pictures["errors"] = plotting.plot_errors(X[:, 0], y, model.w[0, 0], model.b[0])
    save_pictures(plot, predictions, pictures)


@contextmanager
def warnings_on_stderr(before):
    """Print Python's warnings as the command's own, each once, and call `before` first."""
    shown = set()

    def show(message, *_):
        before()
        if str(message) not in shown:
            warn(in_options(str(message)))
        shown.add(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def _nothing(*_, **__):
    pass
