"""`fit`: from any table to a model."""

from __future__ import annotations

import warnings
from copy import copy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, List, Mapping, Optional, Sequence, Union

import numpy as np

from .._checks import (
    LARGEST_SEED,
    check_choice,
    check_count,
    check_dtype,
    check_flag,
    check_function,
    check_number,
    shown,
)
from .._text import counted
from ..exact.result import RankError
from ..exact.solve import solve
from ..models.model import Model
from ..moments.merge import of_columns
from ..rows import table_blocks, tables
from ..rows.arrays import ArrayRows
from ..rows.encoding import Encoding
from ..rows.interface import Rows
from ..rows.stream import Stream
from ..rows.table_stream import TableFiles
from .descent import Settings, descend
from .distance import STANDARD_ERRORS
from .metrics import NoRows, metrics
from .table import Choices, Prepared, check_choices, prepare, prepare_stream

if TYPE_CHECKING:
    from .._mxnet import mx
    from ..training import Engine

# With more rows and more columns than this, the products of the columns take too much memory.
_MOST_COLUMNS = 5000
_EPOCHS = 1000


class NotConverged(UserWarning):
    """A training that ended before it came as near to the exact solution as asked for."""


def fit(
    data: Any,
    target: str,
    features: Optional[Sequence[str]] = None,
    solver: str = "exact",
    *,
    weights: Optional[str] = None,
    add: Optional[str] = None,
    categorical: Sequence[str] = (),
    reference: Optional[Mapping[str, str]] = None,
    max_levels: Optional[int] = None,
    missing: str = "drop",
    collinear: str = "drop",
    decimal: Optional[str] = None,
    validation: float = 0.0,
    engine: Union[str, Engine] = "auto",
    epochs: Optional[int] = None,
    batch_size: Optional[int] = None,
    learning_rate: Optional[float] = None,
    tol: float = 1e-3,
    dtype: str = "float64",
    ctx: Union[str, mx.Context] = "cpu",
    seed: int = 1,
    on_note: Optional[Callable[[str], Any]] = None,
    on_epoch: Optional[Callable[[int, float], Any]] = None,
    progress: bool = False,
    checkpoint: Optional[Union[str, Path]] = None,
    every: int = 1,
    resume: bool = False,
    stream: bool = False,
    shuffle_buffer: Optional[int] = None,
    kv: Optional[mx.kv.KVStore] = None,
    sync: str = "batch",
) -> Model:
    """Fit a linear model to a table.

    Parameters
    ----------
    data : str, Path, pandas, polars or pyarrow table, or Stream
        A CSV or Parquet file, a table in memory, or a stream from `mxlinreg.stream`. A stream
        holds numbers without gaps, and its columns are used as they are.
    target : str
        The column to predict.
    features : sequence of str, optional
        The columns to predict the target from; by default all others but `weights`, and but a
        first column without a name that counts the rows.
    solver : {"exact", "sgd"}
        "exact" computes the least-squares solution. "sgd" trains by the chapter's loop, on
        decorrelated columns at a safe rate that is lowered, until the training is near the exact
        solution. The parameters from `engine` to `tol`, and from `on_epoch` on, are for "sgd".
    weights : str, optional
        The column of the rows' weights, at least 0. Rows of weight 0 or without one are left out.
    add : str, optional
        Terms to add, separated by commas, such as ``"bmi*sex, log(age), age^2"``.
    categorical : sequence of str
        Columns of numbers that are codes of categories. Text and booleans always are categories:
        each of their values but the first becomes a column of 0 and 1.
    reference : dict of str to str, optional
        For some categories, the value that has no column; by default the first in order.
    max_levels : int, optional
        A text column with more values is left out. By default 50, or a third of the rows if that
        is less.
    missing : {"drop", "mean", "error"}
        "drop" leaves out rows with a missing value. "mean" replaces missing numbers by the mean
        of the training rows, and gives missing text a level of its own. Rows without a target are
        always left out.
    collinear : {"drop", "minimum-norm", "error"}
        What to do with columns that depend on others. "drop" gives the later ones no coefficient;
        "minimum-norm" chooses the solution of smallest coefficients, in units of the columns'
        standard deviations.
    decimal : {".", ","}, optional
        The decimal sign of a CSV file; by default the one that its first rows have.
    validation : float
        The share of the rows, drawn by `seed`, that is held out to validate the fit.
    engine : {"auto", "compiled", "autograd"} or callable
        How to run an epoch, as in `train`. "auto" is "compiled" on a CPU if Numba is installed,
        else "autograd".
    epochs : int, optional
        The number of epochs. By default the training ends once it is near the exact solution, or
        after 1000 epochs.
    batch_size : int, optional
    learning_rate : float, optional
        By default the largest rate that is safe for batches of the data; it is lowered as the
        training needs. A given one is lowered only if the training diverges.
    tol : float
        The training ends when its MSE is above the least possible by at most this share, and each
        coefficient is within a tenth of its standard error of the exact one.
    dtype : {"float32", "float64"}
        The dtype of the training.
    ctx : str or mx.Context
        The device to train on.
    seed : int
        Draws the validation rows and the order of the rows.
    on_note : callable, optional
        Called with a sentence for each thing that was done to the table.
    on_epoch : callable, optional
        Called as ``on_epoch(epoch, mean_loss)`` after each epoch, with the loss in squared units
        of the target.
    progress : bool
        Whether to show a bar.
    checkpoint, every, resume
        As in `train`.
    stream : bool
        Whether to read the table block by block in each pass, so that it may be larger than
        memory. `data` then is a file, a folder or a glob, as for `mxlinreg.stream`, and the rows
        to hold out are chosen by a hash of their numbers.
    shuffle_buffer : int, optional
        As for `mxlinreg.stream`.
    kv : KVStore, optional
        The KVStore of a job, from `distributed.connect`: each worker makes the same call, and the
        fit is that of all rows.
    sync : {"batch", "epoch"}
        As for `distributed.train`.

    Returns
    -------
    Model
        With its metrics, and with the exact solution of the training rows as `solution`.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, the table cannot be read, nothing is left to fit, or the fit
        ends farther off than the mean of the target. With ``collinear="error"`` also if columns
        depend on others.
    DivergenceError
        If the training diverges at every rate.
    ImportError
        If pyarrow or, for the compiled engine, Numba is missing (the extras `data` and `fast`).

    Warns
    -----
    UserWarning
        If text with too many values, or columns that depend on others, are left out.
    NotConverged
        If the training ends before `tol` is reached.
    """
    check_choice("solver", solver, ("exact", "sgd"))
    check_choice("collinear", collinear, ("drop", "minimum-norm", "error"))
    check_choice("sync", sync, ("batch", "epoch"))
    check_dtype(dtype)
    check_function("on_note", on_note)
    check_function("on_epoch", on_epoch)
    stream = check_flag("stream", stream)
    if stream and not isinstance(data, (str, Path, Stream)):
        raise TypeError(f"data: with stream=True it must name files, not {shown(data)}")
    if shuffle_buffer is not None:
        shuffle_buffer = check_count("shuffle_buffer", shuffle_buffer, minimum=0)
    choices = check_choices(
        Choices(
            target=target,
            features=features,
            weights=weights,
            add=add,
            categorical=categorical,
            reference={} if reference is None else reference,
            max_levels=max_levels,
            missing=missing,
            validation=validation,
            seed=check_count("seed", seed, minimum=0, maximum=LARGEST_SEED),
        )
    )
    note = on_note or _nothing
    prepared, where = _prepared(data, choices, decimal, stream, shuffle_buffer, kv, note)
    rows = prepared.training
    solution, moments = _solved(rows, where, collinear)
    prepared.on_counted(solution.num_rows)
    left_out = {**prepared.left_out, **_dropped(solution, moments)}
    losses: List[float] = []
    interrupt = None
    w, b = np.nan_to_num(solution.coefficients)[:, None], np.array([solution.intercept])
    if solver == "sgd":
        settings = Settings(
            engine=engine,
            ctx=ctx,
            dtype=dtype,
            epochs=_EPOCHS if epochs is None else check_count("epochs", epochs, minimum=0),
            learning_rate=learning_rate,
            tol=check_number("tol", tol) if epochs is None else None,
            seed=seed,
            on_epoch=on_epoch or _nothing,
            progress=progress,
            checkpoint=checkpoint,
            every=every,
            resume=resume,
            stops=(KeyboardInterrupt,),
            sync=sync,
        )
        rows.batch_size = None if batch_size is None else check_count("batch_size", batch_size)
        weighted = weights is not None
        w, done = _trained(rows, solution, moments, settings, tol, target, weighted)
        b, losses, interrupt = done.intercept, done.losses, done.stopped
        if _is_near(done, tol):
            note(f"converged after {counted(len(losses), 'epoch')}: {_distance(done, solution)}")
    params = w.astype(dtype), b.astype(dtype)
    # After an interruption nobody waits for two more passes over the files.
    measured = interrupt is None or not stream
    results = {"training": metrics(rows, params)} if measured else {}
    if prepared.validation is not None and measured:
        try:
            results["validation"] = metrics(prepared.validation, params)
        except NoRows:
            pass  # Each held-out row of the stream has a gap.
        prepared.on_validated(results.get("validation", {}).get("rows", 0))
    encoding = prepared.encoding
    model = Model(
        *params,
        columns=encoding.columns,
        target=target,
        features=encoding.features,
        levels=encoding.levels,
        dates=encoding.dates,
        added=encoding.added,
        fill=prepared.fill,
        metrics=results,
        losses=losses,
        left_out=left_out,
        largest=solution.largest,
        solution=solution,
    )
    if interrupt is not None:
        interrupt.model = model
        raise interrupt
    return model


def _nothing(*_):
    pass


def _prepared(data, choices, decimal, stream, shuffle_buffer, kv, note):
    """The table, prepared, and its name in messages; of workers, each worker's share."""
    if kv is not None:
        from ..distributed.collectives import check_kv

        check_kv(kv)
    if isinstance(data, Stream):
        return _of_stream(data, choices), data.source["name"]
    if stream:
        part = (0, 1) if kv is None else (kv.rank, kv.num_workers)
        gather = Rows().gather if kv is None else partial(_all_gather, kv)
        files = TableFiles(data, decimal, part, gather)
        where, make = files.name, partial(prepare_stream, files, choices, shuffle_buffer, note)
    else:
        if table_blocks.is_table(data):
            table, where = table_blocks.as_arrow(data), "the table"
        else:
            table, where = tables.read_table(data, decimal=decimal), str(data)
        make = partial(prepare, table, where, choices, note)
    try:
        prepared = make()
    except ValueError as error:
        if not str(error).startswith("'"):
            raise
        raise ValueError(f"{where}: column {error}") from None
    if kv is not None:
        training, validation = (
            # A stream has no truth value before it has been read.
            None if rows is None else _share(kv, rows, stream)
            for rows in (prepared.training, prepared.validation)
        )
        prepared = prepared._replace(training=training, validation=validation)
    return prepared, where


def _of_stream(stream, choices):
    """A stream of numbers, whose columns are used as they are."""
    if choices.target != stream.target:
        raise ValueError(
            f"target: {choices.target!r} is not {stream.target!r}, the stream's target"
        )
    plain = Choices(stream.target, None, None, None, (), {}, None, "drop", 0.0, choices.seed)
    for name, given, default in zip(Choices._fields, choices, plain):
        if given != default:
            raise ValueError(
                f"{name}: goes with a table or a file only, not with a Stream; give the file, with "
                "stream=True"
            )
    encoding = Encoding(stream.columns, {}, {}, [], stream.columns)
    return Prepared(copy(stream), None, encoding, None, {})


def _share(kv, rows, stream):
    """A worker's share of rows, of which it holds all or, in a stream, only its own."""
    from ..distributed.share import Share, shard_rows

    if not stream:
        own = shard_rows(rows.num_rows, kv.rank, kv.num_workers)
        weight = None if rows.weight is None else rows.weight[own]
        rows = ArrayRows(rows.X[own], rows.y[own], weight, rows.columns)
    return Share(kv, rows)


def _all_gather(kv, array):
    from ..distributed.collectives import all_gather

    return all_gather(kv, array)


def _solved(rows, where, collinear):
    """The exact solution of the rows, and the moments of all columns."""
    # The number of a stream's rows is unknown before the first pass.
    n, d = rows.num_rows if rows.in_memory else None, len(rows.columns)
    if d > _MOST_COLUMNS and (n is None or n > _MOST_COLUMNS):
        raise ValueError(
            f"{where}: {d} columns of {'many' if n is None else n} rows are too many; choose at "
            f"most {_MOST_COLUMNS} of them with features=A,B"
        )
    try:
        return solve(rows, True, collinear.replace("-", "_"), rows.columns)
    except RankError as error:
        raise ValueError(
            f'{where}: {error.args[0]}; collinear="drop" gives the later columns no coefficient'
        ) from None
    except ValueError as error:
        if not str(error).startswith("X: "):
            raise
        raise ValueError(f"{where}: {str(error)[3:]}") from None


def _dropped(solution, moments):
    """The columns without a coefficient, each with the reason. A warning names them."""
    reasons = {}
    constant = {name for name, same in zip(solution.columns, moments.constant) if same}
    for name in solution.dropped:
        reasons[name] = "is constant" if name in constant else "depends on earlier columns"
    for reason in dict.fromkeys(reasons.values()):
        names = [name for name, why in reasons.items() if why == reason]
        shown = ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
        one = f"{shown} {reason} in the training rows, and has no coefficient"
        many = reason.replace("is ", "are ").replace("depends", "depend")
        many = (
            f"{len(names)} columns {many} in the training rows, and have no coefficients: {shown}"
        )
        warnings.warn(one if len(names) == 1 else many, stacklevel=3)
    return reasons


def _trained(rows, solution, moments, settings, tol, target, weighted):
    """The coefficients, the intercept and the losses of a training on the columns not dropped."""
    dropped = set(solution.dropped)
    # The loop needs a column. If all are constant, the first stays and gets the coefficient 0.
    kept = [j for j, name in enumerate(rows.columns) if name not in dropped] or [0]
    own = rows
    if dropped:
        own = _of_columns(rows, kept)
        moments = of_columns(moments, [*kept, len(rows.columns)])
    own.batch_size = rows.batch_size
    done = descend(own, moments, settings, train_bias=not weighted)
    given = settings.learning_rate is not None
    if done.r2 < -1e-9:
        if done.stopped is not None:
            raise done.stopped  # without a model, because it would be worse than none
        advice = "take a smaller learning_rate, or leave it out" if given else "give more epochs"
        raise ValueError(
            f"{'learning_rate' if given else 'epochs'}: after "
            f"{counted(len(done.losses), 'epoch')} the fit is farther off than the mean of "
            f"{target!r} (R2 {done.r2:.3g}); {advice}"
        )
    if not _is_near(done, tol) and done.stopped is None:
        warnings.warn(
            f"the training has not converged in {counted(len(done.losses), 'epoch')}: "
            f"{_distance(done, solution)}; give more epochs{', leave learning_rate out' * given}, "
            'or use solver="exact"',
            NotConverged,
            stacklevel=3,
        )
    w = np.zeros((len(rows.columns), 1))
    w[kept] = done.coefficients
    return w, done


def _of_columns(rows, kept):
    """The rows with only some of their columns."""
    if isinstance(rows, ArrayRows):
        return ArrayRows(rows.X[:, kept], rows.y, rows.weight, [rows.columns[j] for j in kept])
    rows = copy(rows)
    if isinstance(rows, Stream):
        read, num_columns = rows.read, len(rows.columns)
        rows.columns = [rows.columns[j] for j in kept]
        rows.read = lambda i: (
            [table[j] for j in kept] + table[num_columns:] for table in map(list, read(i))
        )
    elif rows.own is not None:
        rows.own = _of_columns(rows.own, kept)
    return rows


def _is_near(done, tol):
    return done.mse_above <= tol and done.standard_errors_off <= STANDARD_ERRORS


def _distance(done, solution):
    # `mse_above` is a share of the training MSE. It is 1 if the least possible is 0.
    share = min(done.mse_above, 1 - 1e-16)
    if share < 0.5:
        told = f"the training MSE is {100 * share / (1 - share):.2g} % above the least possible"
    else:
        told = f"the training MSE is {1 / (1 - share):.3g} times the least possible"
    if not solution.degrees_of_freedom:  # there are no standard errors
        return told
    return (
        f"{told}, and each coefficient within {done.standard_errors_off:.2g} standard errors of "
        "the exact one"
    )
