"""Prepare a table for a fit: choose its columns and rows, as users of R's `lm` expect, and encode.

`on_note` is called with a sentence for each choice that the caller has not made. A warning names
columns that are left out although they may matter.
"""

from __future__ import annotations

import json
import math
import warnings
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from .._checks import (
    check_choice,
    check_count,
    check_mapping,
    check_number,
    check_text,
    check_texts,
    shown,
)
from .._text import counted, listed, with_counts
from ..rows.arrays import ArrayRows
from ..rows.columns import check_names, is_numeric, kind_of, quoted
from ..rows.encoding import (
    Encoding,
    Summary,
    build_encoding,
    columns_read,
    encode,
    has_value,
    means_of,
    merged_summaries,
    numbers_of,
    summarize,
)
from ..rows.table_stream import Split, TableFiles, encoded_stream
from ..rows.terms import names_in, parse_terms

# The names of a first column that has none, as it is and as pandas names it.
_NAMELESS = "", "Unnamed: 0"
_BOOLEANS = {"false", "true"}
_COUNTS = "counts the rows"
_FILL = 'missing="mean" fills in means, and gives text without a value a level of its own'


class Choices(NamedTuple):
    """The arguments of `fit` that concern the table. The docstring of `fit` describes each."""

    target: str
    features: Optional[Sequence[str]]
    weights: Optional[str]
    add: Optional[str]
    categorical: Sequence[str]
    reference: Mapping[str, str]
    max_levels: Optional[int]
    missing: str
    validation: float
    seed: int


class Prepared(NamedTuple):
    """A table that is ready for a fit."""

    training: Any
    """`Rows`: the training rows, encoded, with their weights."""
    validation: Any
    """`Rows`: the held-out rows, or None if there are none."""
    encoding: Encoding
    fill: Optional[Dict[str, float]]
    """The training means that replace missing numbers, or None."""
    left_out: Dict[str, str]
    """The columns that were left out, each with the reason."""
    on_counted: Callable[[int], Any] = lambda num_rows: None
    """To be called with the number of training rows once they have been read."""
    on_validated: Callable[[int], Any] = lambda num_rows: None
    """To be called with the number of held-out rows once they have been read."""


def check_choices(choices: Choices) -> Choices:
    """Return the choices; raise unless each is of the right kind."""
    for name, text in (("target", choices.target), ("weights", choices.weights)):
        if not isinstance(text, str) and not (text is None and name == "weights"):
            raise TypeError(f"{name}: must be the name of a column, not {shown(text)}")
    if choices.weights == choices.target:
        raise ValueError(f"weights: {choices.target!r} is the target; give another column")
    if not isinstance(choices.reference, Mapping):
        raise TypeError(
            "reference: must be a dict from columns to their levels, not "
            f"{shown(choices.reference)}"
        )
    check_mapping("reference", choices.reference)
    check_texts("reference", list(choices.reference.values()))
    check_texts("categorical", choices.categorical)
    if choices.features is not None:
        check_texts("features", choices.features)
    if choices.add is not None:
        check_text("add", choices.add)
    if choices.max_levels is not None:
        check_count("max_levels", choices.max_levels)
    check_choice("missing", choices.missing, ("drop", "mean", "error"))
    share = check_number("validation", choices.validation)
    if share >= 1:
        raise ValueError(f"validation: must be below 1, not {share:g}")
    return choices


def prepare(table: Any, where: str, choices: Choices, on_note: Callable[[str], Any]) -> Prepared:
    """Choose the columns and rows of a table that a fit uses, and turn them into numbers.

    Parameters
    ----------
    table : pyarrow.Table
    where : str
        The name of the table in messages.
    choices : Choices
    on_note : callable
        Called with a sentence for each choice that was made.

    Raises
    ------
    ValueError
        If a column does not exist, is named twice or of a wrong kind; if a weight is negative; if
        gaps would cost more than half of the rows, or are errors; or if no row or column is left.
    """
    features, terms = _candidates(where, table.column_names, choices)
    head = table.column_names, table.column
    features, counters = _without_counters(features, *head, choices, on_note)
    _check_target(where, choices.target, table[choices.target].type)
    table, weight = _usable_rows(table, where, choices, on_note)
    used = columns_read(features, terms)
    fills = choices.missing == "mean"
    summaries = summarize(table, where, used, choices.categorical, means=fills)
    features, left_out, too_many = _chosen(
        where, features, terms, counters, summaries, table.num_rows, choices, on_note
    )
    used = columns_read(features, terms)
    if not fills:
        table, weight = _complete_rows(table, weight, used, summaries, where, choices, on_note)
    training, held = held_out(table.num_rows, choices.validation, choices.seed)
    if len(held):  # levels, first dates and means are those of the training rows
        again = [name for name in used if fills or summaries[name].kind != "number"]
        own = table.select(again).take(training)
        summaries.update(summarize(own, where, again, choices.categorical, means=fills))
    single = {
        name: f"has only one value in the {len(training)} training rows"
        for name in features
        if summaries[name].kind == "empty"
        or (summaries[name].kind == "category" and _num_levels(summaries[name], choices) < 2)
    }
    if single:
        on_note(_with_reasons(single))
    left_out.update(single)
    features = [name for name in features if name not in single]
    encoding = build_encoding(features, summaries, terms, fills, choices.reference)
    if not encoding.columns:
        raise ValueError(_no_column(where, choices.target, left_out, too_many))
    fill = means_of(encoding, summaries) if fills else None
    _tell_filled(fills, _gaps(encoding.features, summaries), on_note)
    encoded = encode(table, encoding, fill)
    complete = ~np.isnan(encoded.X).any(axis=1)
    bad = len(training) - np.count_nonzero(complete[training])
    if bad:
        raise ValueError(
            f"add: {quoted(list(encoded.not_finite))} is not a finite number in {bad} of "
            f"{len(training)} training rows; leave the term out, or these rows"
        )
    y = numbers_of(choices.target, table[choices.target])

    def rows_of(numbers):
        own_weight = None if weight is None else weight[numbers]
        return ArrayRows(encoded.X[numbers], y[numbers], own_weight, encoding.columns)

    known = held[complete[held]]
    if len(known) < len(held):
        strange = quoted([*encoded.unknown, *encoded.gaps, *encoded.not_finite])
        told = _are_left_out(len(held) - len(known), "validation row")
        on_note(f"{told}: no training row has the values of {strange}")
    on_note(
        f"{where}: {len(training)} training and {len(known)} validation rows, "
        f"{counted(len(encoding.columns), 'column')}"
    )
    validation = rows_of(known) if len(known) else None
    return Prepared(rows_of(training), validation, encoding, fill, left_out)


def held_out(num_rows: int, share: float, seed: int):
    """The training rows and the validation rows, drawn at random, each in ascending order."""
    rows = np.random.RandomState(seed).permutation(num_rows)
    number = round(share * num_rows)
    if number == num_rows:
        raise ValueError(_none_left(share, num_rows))
    return np.sort(rows[number:]), np.sort(rows[:number])


def _none_left(share, num_rows):
    return (
        f"validation: {share} leaves none of {counted(num_rows, 'row')} to train on; give less "
        "than that"
    )


def _check_target(where, target, kind):
    what = kind_of(kind)
    if what in ("text", "date"):
        raise ValueError(
            f"{where}: the target {target!r} holds {what if what == 'text' else 'dates'}; a "
            "regression needs numbers"
        )


def _usable_rows(table, where, choices, on_note):
    """The rows that have a target and a weight above 0, and the weights or None."""
    target = table[choices.target]
    if table.num_rows and target.null_count == table.num_rows:
        raise ValueError(f"{where}: {choices.target!r} holds no value; give another target")
    keep = ~np.isnan(numbers_of(choices.target, target))
    weight, unweighted = None, 0
    if choices.weights is not None:
        weight = numbers_of(choices.weights, table[choices.weights])
        _check_weights(choices.weights, weight)
        unweighted = np.count_nonzero(keep & ~(weight > 0))
        keep &= weight > 0
    _tell_unusable(target.null_count, unweighted, choices, on_note)
    if not keep.any():
        raise ValueError(f"{where}: no row has both a target and a weight above 0")
    return _filtered(table, weight, keep)


def _tell_unusable(without_target, unweighted, choices, on_note):
    """Say how many rows have no target, and how many others no weight above 0."""
    if without_target:
        they_have = "it has" if without_target == 1 else "they have"
        on_note(f"{_are_left_out(without_target, 'row')}: {they_have} no {choices.target!r}")
    if unweighted:
        their = "its" if unweighted == 1 else "their"
        told = _are_left_out(unweighted, "row")
        on_note(f"{told}: {their} {choices.weights!r} is 0 or missing")


def _are_left_out(number, noun):
    return f"{counted(number, noun)} {'is' if number == 1 else 'are'} left out"


def _check_weights(name, weight):
    if (weight < 0).any():
        raise ValueError(
            f"weights: {name!r} holds {np.nanmin(weight):g}; every weight must be at least 0"
        )


def _filtered(table, weight, keep):
    if keep.all():
        return table, weight
    return table.take(np.flatnonzero(keep)), None if weight is None else weight[keep]


def _candidates(where, names, choices):
    """The columns that may become features, and the terms to add."""
    check_names("target", [choices.target], names, where)
    if choices.weights is not None:
        check_names("weights", [choices.weights], names, where)
    check_names("categorical", choices.categorical, names, where)
    check_names("reference", list(choices.reference), names, where)
    terms = parse_terms(choices.add, names) if choices.add else []
    taken = {choices.target: "target", choices.weights: "column of weights"}
    _check_read("categorical", choices.categorical, taken, terms, choices)
    _check_read("reference", choices.reference, taken, terms, choices)
    for name in names_in(terms):
        if name in taken:
            raise ValueError(f"add: {name!r} is the {taken[name]}; take other columns")
    if choices.features is None:
        return [name for name in names if name not in taken], terms
    check_names("features", choices.features, names, where)
    for name in choices.features:
        if name in taken:
            raise ValueError(f"features: {name!r} is the {taken[name]}; leave it out")
    return list(choices.features), terms


def _check_read(argument, names, taken, terms, choices):
    """Raise ValueError if one of the names is no column that the fit encodes."""
    for name in names:
        if name in taken:
            raise ValueError(f"{argument}: {name!r} is the {taken[name]}; leave it out")
        if choices.features is not None and name not in columns_read(choices.features, terms):
            raise ValueError(f"{argument}: {name!r} is not among the features; add it to them")


def _without_counters(features, names, column_of, choices, on_note):
    """The features without columns that only count the rows, and these columns with the reason."""
    if choices.features is not None:
        return features, {}
    candidates = [name for name in features if name == "rownames" or name in _NAMELESS]
    counters = [
        name
        for name in candidates
        if (name == "rownames" or name == names[0]) and _counts_rows(name, column_of(name))
    ]
    for name in counters:
        what = f"the column {name!r}" if name else "the first column, which has no name,"
        on_note(f"{what} is left out: it counts the rows")
    return [name for name in features if name not in counters], dict.fromkeys(counters, _COUNTS)


def _counts_rows(name, column):
    """Whether a column counts the rows, from 0 or 1."""
    if column.null_count or not is_numeric(column.type):
        return False
    numbers = numbers_of(name, column)
    return numbers[:1] in (0, 1) and bool((np.diff(numbers) == 1).all())


def _chosen(where, features, terms, counters, summaries, num_rows, choices, on_note):
    """Choose the features that carry information, and say which columns are left out.

    Returns the features, the columns that are left out, with the reason for each, and the number
    of different values of each column of text that is left out because it has too many of them.
    Raises ValueError if no column is left.
    """
    for name in names_in(terms):
        if summaries[name].kind == "empty":
            raise ValueError(f"add: {name!r} holds no value")
    useless, too_many = {}, {}
    most = min(50, num_rows / 3) if choices.max_levels is None else choices.max_levels
    for name in features:
        summary = summaries[name]
        number = _num_levels(summary, choices)
        chosen = name in choices.categorical or name in choices.reference
        chosen = chosen or _BOOLEANS.issuperset(summary.levels)
        if summary.kind == "empty":
            useless[name] = "holds no value"
        elif summary.kind == "category" and number < 2:
            useless[name] = "has only one value"
        elif summary.kind == "category" and number > most and not chosen:
            too_many[name] = number
    text = {name: f"holds text with {n} different values" for name, n in too_many.items()}
    if text:
        keep = f"max_levels={max(too_many.values())} keeps {'them' if len(text) > 1 else 'it'}"
        warnings.warn(f"{_with_reasons(text)}; {keep}", stacklevel=5)
    if useless:
        on_note(_with_reasons(useless))
    reasons = {**useless, **text}
    left_out = {name: reasons[name] for name in features if name in reasons}
    features = [name for name in features if name not in left_out]
    left_out.update(counters)
    if not columns_read(features, terms):
        raise ValueError(_no_column(where, choices.target, left_out, too_many))
    return features, left_out, too_many


def _num_levels(summary, choices):
    """The number of levels of a category, with that of its gaps if they are filled."""
    return len(summary.levels) + (choices.missing == "mean" and summary.gaps > 0)


def _with_reasons(left_out):
    return "left out: " + listed([f"{name!r} ({why})" for name, why in left_out.items()], "columns")


def _no_column(where, target, left_out, too_many):
    """The error that no column is left, with what keeps one of those left out."""
    counters = [name for name, why in left_out.items() if why == _COUNTS]
    keep = ""
    if too_many:
        keep = f"; max_levels={min(too_many.values())} keeps one"
    elif counters:
        name = counters[-1]
        keep = f"; features={name} takes it nevertheless" if name else "; to use it, name it"
    why = f"; {_with_reasons(left_out)}" if left_out else "; add a column to the table"
    return f"{where}: has no column to predict {target!r} from{why}{keep}"


def _complete_rows(table, weight, used, summaries, where, choices, on_note):
    """The rows without a gap in the columns used, unless they are too few or gaps are errors."""
    gaps = _gaps(used, summaries)
    _check_gaps(where, gaps, choices)
    complete = np.ones(table.num_rows, bool)
    for name in gaps:
        complete &= has_value(table[name])
    _check_lost(where, np.count_nonzero(~complete), table.num_rows, gaps, on_note)
    return _filtered(table, weight, complete)


def _gaps(used, summaries):
    return {name: summaries[name].gaps for name in used if summaries[name].gaps}


def _check_gaps(where, gaps, choices):
    if gaps and choices.missing == "error":
        raise ValueError(
            f'{where}: missing values in {with_counts(gaps)}; missing="drop" leaves their rows '
            f"out, {_FILL}"
        )


def _tell_filled(fills, gaps, on_note):
    if fills and gaps:
        on_note(f"missing values of the training rows are filled in ({with_counts(gaps)})")


def _check_lost(where, lost, num_rows, gaps, on_note):
    """Say how many rows gaps cost; raise ValueError if that is more than half of them."""
    if lost > num_rows / 2:
        raise ValueError(
            f"{where}: {lost} of {num_rows} rows have gaps, too many to leave out "
            f"({with_counts(gaps)}); {_FILL}"
        )
    if lost:
        told = "is left out: it has" if lost == 1 else "are left out: they have"
        on_note(f"{lost} of {num_rows} rows {told} gaps ({with_counts(gaps)})")


def prepare_stream(
    files: TableFiles,
    choices: Choices,
    shuffle_buffer: Optional[int],
    on_note: Callable[[str], Any],
) -> Prepared:
    """As `prepare`, for files that are read block by block in each pass.

    The first pass over CSV files finds the kinds of their columns. The next finds levels, means and
    gaps in the training rows, also in those that are then left out for a gap. A row is held out by
    a hash of its number in the files.
    """
    where = files.name
    features, terms = _candidates(files.name, files.names, choices)
    split = Split(choices.target, choices.weights, choices.validation, choices.seed)
    own = [choices.target, *([choices.weights] if choices.weights else [])]
    files.find_kinds([*columns_read(features, terms), *own])
    for name in own:
        if files.kinds[name] in ("text", "date"):
            raise ValueError(
                f"{where}: {name!r} holds {files.kinds[name]} where numbers are needed"
            )
    head = files.names, files.head
    features, counters = _without_counters(features, *head, choices, on_note)
    used = columns_read(features, terms)
    summaries, counts = _summarized(files, used, choices, split, on_note)
    features, left_out, _ = _chosen(
        where, features, terms, counters, summaries, counts["training"], choices, on_note
    )
    gaps = _gaps(columns_read(features, terms), summaries)
    _check_gaps(where, gaps, choices)
    fills = choices.missing == "mean"
    encoding = build_encoding(features, summaries, terms, fills, choices.reference)
    fill = means_of(encoding, summaries) if fills else None
    _tell_filled(fills, gaps, on_note)

    def on_counted(num_rows):
        _check_lost(where, counts["training"] - num_rows, counts["training"], gaps, on_note)
        rows, columns = counted(num_rows, "training row"), counted(len(encoding.columns), "column")
        on_note(f"{where}: {rows}, {columns}")

    def on_validated(num_rows):
        lost = counts["validation"] - num_rows
        if lost:
            told = _are_left_out(lost, "validation row")
            on_note(f"{told}: no training row has their values, or they have gaps")

    training, validation = (
        encoded_stream(files, encoding, fill, split, held_out, shuffle_buffer)
        for held_out in (False, True)
    )
    if counts["validation"] == 0:
        validation = None
    return Prepared(training, validation, encoding, fill, left_out, on_counted, on_validated)


def _gathered_json(value, gather):
    """The values of all workers, which JSON can hold, through a `gather` of arrays."""
    content = np.frombuffer(json.dumps(value).encode(), np.uint8).astype(float)
    sizes = gather(np.array(float(len(content)))).astype(int)
    arrays = gather(np.pad(content, (0, sizes.max() - len(content))))
    return [
        json.loads(array[:size].astype(np.uint8).tobytes()) for array, size in zip(arrays, sizes)
    ]


def _summarized(files, used, choices, split, on_note):
    """The summaries of columns in the training rows of all workers, and numbers of rows."""
    summaries = {name: Summary("empty", 0, 0, {}, math.nan, math.inf) for name in used}
    counts = dict.fromkeys(("target", "weights", "training", "validation"), 0)
    dates = [name for name in used if files.kinds[name] == "date"]
    names = list(dict.fromkeys([*used, choices.target, *filter(None, [choices.weights])]))
    for i in range(len(files.units)):
        for first, table in files.tables(i, names):
            if choices.weights is not None:
                _check_weights(choices.weights, numbers_of(choices.weights, table[choices.weights]))
            usable, held = split.usable(table), split.held_out(first, table.num_rows)
            without = table[choices.target].null_count
            counts["target"] += without
            counts["weights"] += table.num_rows - without - int(usable.sum())
            counts["validation"] += int((usable & held).sum())
            rows = np.flatnonzero(usable & ~held)
            counts["training"] += len(rows)
            part = summarize(table.take(rows), files.name, used, choices.categorical, dates)
            summaries = merged_summaries(summaries, part)
    (summaries, counts), *others = _gathered_json([summaries, counts], files.gather)
    summaries = {name: Summary(*summary) for name, summary in summaries.items()}
    for part, own in others:
        part = {name: Summary(*summary) for name, summary in part.items()}
        summaries = merged_summaries(summaries, part)
        counts = {name: counts[name] + own[name] for name in counts}
    _tell_unusable(counts["target"], counts["weights"], choices, on_note)
    if counts["training"] == 0 and counts["validation"]:
        raise ValueError(_none_left(choices.validation, counts["validation"]))
    if counts["training"] == 0:
        raise ValueError(f"{files.name}: no training row has both a target and a weight above 0")
    return summaries, counts
