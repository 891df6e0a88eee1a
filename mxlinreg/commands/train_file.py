"""Train on a file, read at once or as a stream. Importing this module loads MXNet."""

from functools import partial
from typing import Any, List, NamedTuple, Optional

import numpy as np

from .. import distributed, plotting
from .._mxnet import nd
from ..exact import RankError, least_squares
from ..fitting.metrics import metrics
from ..fitting.table import Scaling, default_batch_size, standardize_table, train_standardized
from ..models.model import Model, save_model
from ..rows import stream, tables
from ..rows.sources import as_rows
from .epochs import loader, run_epochs
from .outputs import save_pictures
from .report import (
    print_coefficients,
    print_contexts,
    print_distance,
    print_end,
    print_metrics,
    warn_if_far,
    warn_of_constants,
)
from .signals import Stopped


class Fit(NamedTuple):
    """A fitted model, in the units of the data."""

    params: List[nd.NDArray]
    losses: List[float]
    stopped: Optional[Stopped]
    """The signal that interrupted the training, or None."""
    solution: Any
    """The result of `least_squares`, or None after a training."""


def train_table(*, options, place, save, plot):
    table = tables.load(
        options.data, options.target, options.features, options.one_hot, options.missing
    )
    training, validation = held_out(len(table.y), options.validation)
    X, fill = table.X, None
    if options.missing == "mean":
        fill = tables.column_means(X[training], table.columns)
        X = tables.fill_missing(X, fill)

    print_contexts(place)
    print(
        f"{options.data}: {len(training)} training and {len(validation)} validation rows, "
        f"{X.shape[1]} columns"
    )
    own = X[training], table.y[training]
    if options.solver == "exact":
        rows = as_rows(*own)
        if place.kv is not None:
            rows = distributed.Share(place.kv, *distributed.shard(place.kv, *own))
        fit = solved(rows, options.dtype, table.columns)
    else:
        X_scaled, y_scaled, scaling = standardize_table(*own)
        warn_of_constants(table.columns, scaling.X_scale, " in the training rows")
        train_data = loader(
            nd.array(X_scaled, ctx=place.data_ctx, dtype=options.dtype),
            nd.array(y_scaled, ctx=place.data_ctx, dtype=options.dtype),
            options.batch_size or default_batch_size(len(training)),
            place.kv,
        )
        if not options.quiet:
            print("the losses are those of the standardized target")
        fit = trained(train_data, scaling, options, place)
    results = {"training": metrics(as_rows(*own), fit.params)}
    if len(validation):
        results["validation"] = metrics(as_rows(X[validation], table.y[validation]), fit.params)
    encoding = {"features": table.features, "levels": table.levels, "fill": fill}
    finish(fit, table.columns, results, options, save, encoding=encoding, training=own)
    if plot is not None:
        model = Model(*fit.params)
        yhat, w, b = model.predict(X), model.w, model.b
        predictions = plotting.plot_predictions(table.y, yhat, options.target)
        pictures = {
            "predictions": predictions,
            "residuals": plotting.plot_residuals(table.y, yhat, options.target),
            "coefficients": plotting.plot_coefficients(table.columns, w),
            "network": plotting.plot_network(X.shape[1]),
        }
        if fit.losses:
            pictures["losses"] = plotting.plot_losses(fit.losses)
        if X.shape[1] == 1:
            pictures["errors"] = plotting.plot_errors(X[:, 0], table.y, w[0, 0], b[0])
        save_pictures(plot, predictions, pictures)


def train_stream(*, options, place, save):
    kv = place.kv
    part = (0, 1) if kv is None else (kv.rank, kv.num_workers)
    chosen = partial(stream, options.data, options.target, options.features, part=part)
    as_given = chosen(shuffle_buffer=0)
    columns = as_given.columns
    if kv is not None:
        as_given = distributed.Share(kv, as_given)
    print_contexts(place)
    if options.solver == "exact":
        fit = solved(as_given, options.dtype)
    else:
        own = chosen(
            batch_size=options.batch_size,
            shuffle_buffer=options.shuffle_buffer,
            dtype=options.dtype,
        )
        train_data = own if kv is None else distributed.Share(kv, own)
        own.standardize(train_data.gather)
        print(
            f"{options.data}: {train_data.num_rows} rows, {len(columns)} columns; "
            "the losses are those of the standardized target"
        )
        warn_of_constants(columns, own.X_scale)
        scaling = Scaling(own.X_mean, own.X_scale, own.y_mean, own.y_scale)
        fit = trained(train_data, scaling, options, place)
    results = {} if fit.stopped else {"training": metrics(as_given, fit.params)}
    finish(fit, columns, results, options, save)


def held_out(num_rows, share):
    """The training rows and the validation rows, drawn at random, each in ascending order."""
    rows = np.random.permutation(num_rows)
    number = round(share * num_rows)
    if number == num_rows:
        raise ValueError(
            f"--validation: {share} leaves none of {num_rows} rows to train on; give less than that"
        )
    return np.sort(rows[number:]), np.sort(rows[:number])


def solved(rows, dtype, columns=None):
    """The least-squares fit. Its errors name the command's options."""
    try:
        solution = least_squares(rows, columns=columns)
    except RankError as error:
        raise ValueError(f"--data: {error.args[0]}; leave columns out with --features") from None
    w, b = solution.coefficients.reshape(-1, 1), [solution.intercept]
    return Fit([nd.array(param, dtype=dtype) for param in (w, b)], [], None, solution)


def trained(train_data, scaling, options, place):
    """The fit after training on standardized rows, in the units of the data."""
    params, (losses, stopped) = train_standardized(
        train_data,
        scaling,
        options.epochs,
        options.learning_rate,
        train=partial(run_epochs, options=options, place=place),
        ctx=place.devices[0],
        dtype=options.dtype,
    )
    return Fit(params, losses, stopped, None)


def finish(fit, columns, results, options, save, encoding=None, training=None):
    """Save the fit and print it; with `training` rows, also its distance from least squares."""
    # Save first, because printing may fail.
    if save is not None:
        model = Model(
            *fit.params,
            columns=columns,
            target=options.target,
            metrics=results,
            losses=fit.losses,
            **(encoding or {}),
        )
        save_model(save, model)
    if results:
        print_metrics(results)
    if fit.solution is not None:
        print(f"\n{fit.solution}")
    else:
        if results:
            warn_if_far(results["training"])
        print_coefficients(columns, fit.params, options.target)
        if training is not None:
            print_distance(*training, results["training"]["mse"])
    print_end(save, options.checkpoint, fit.losses, fit.stopped)
