"""From the columns of a table to the columns of X: numbers, categories, dates and added terms."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .columns import as_float64, check_flat, check_names, is_numeric, is_text, kind_of, quoted
from .terms import Term, names_in, parse_terms, term_columns

# The level of a text column's gaps, if they are filled. A CSV file cannot hold it otherwise.
GAP = ""
_DAY = 86400e6  # microseconds
# More different values than this are not kept for a category.
_MOST_LEVELS = 100_000


class Encoding(NamedTuple):
    """How the columns of a table become the columns of X."""

    features: List[str]
    """The columns of the table that are read."""
    levels: Dict[str, List[str]]
    """The known values of each category. The first has no column of X, the others have one each,
    which is 1 in rows with that value and 0 in others."""
    dates: Dict[str, str]
    """The date or time from which the days of each column with dates or times are counted."""
    added: List[str]
    """The terms that were added, as `rows.terms` writes them."""
    columns: List[str]
    """The names of X's columns."""


class Encoded(NamedTuple):
    """A table's columns as numbers."""

    X: np.ndarray
    """Shape (n, d), float64; NaN where a value is missing or a category's value is unknown."""
    gaps: Dict[str, int]
    """The number of missing values of each column that lacks some."""
    unknown: Dict[str, List[str]]
    """The values of categories that are not among the levels."""
    not_finite: Dict[str, int]
    """The number of rows without a finite value of each added term, though its columns have one."""


class Summary(NamedTuple):
    """What a fit needs to know of a column before it can encode it."""

    kind: str
    """"empty", "number", "category" or "date"."""
    values: int
    """The number of values that are not missing."""
    gaps: int
    """The number of missing values."""
    levels: Dict[str, int]
    """A category's values as text, in their order, and how often each occurs."""
    mean: float
    """The mean of numbers, or of dates as microseconds since 1970."""
    first: float
    """The earliest date or time, in microseconds since 1970."""


def summarize(
    table: Any,
    where: str,
    names: Sequence[str],
    categorical: Sequence[str] = (),
    dates: Sequence[str] = (),
    means: bool = True,
) -> Dict[str, Summary]:
    """Summarize some columns of a table.

    Parameters
    ----------
    table : pyarrow.Table
    where : str
        The name of the table in messages.
    names : sequence of str
    categorical : sequence of str
        The columns of numbers that are codes of categories.
    dates : sequence of str
        The columns of text that are dates or times.
    means : bool
        Whether to compute the means of numbers. Without them wide tables take less time.

    Raises
    ------
    ValueError
        If a column's type is none that a fit can use, or, with `means`, it holds infinity.
    """
    for name in names:
        check_flat(where, name, table[name].type)
    categorical, dates = set(categorical), set(dates)
    return {
        name: _summary(name, table[name], name in categorical, name in dates, means)
        for name in names
    }


def _summary(name, column, is_category, is_date, means):
    kind = kind_of(column.type)
    values, gaps = len(column) - column.null_count, column.null_count
    if values == 0:
        return Summary("empty", 0, gaps, {}, math.nan, math.inf)
    is_date = is_date or kind == "date"
    if is_category or (kind in ("boolean", "text") and not is_date):
        levels = _level_counts(column)
        values = sum(levels.values())
        return Summary("category", values, len(column) - values, levels, math.nan, math.inf)
    if not (is_date or means):
        return Summary("number", values, gaps, {}, math.nan, math.inf)
    numbers = _microseconds(column) if is_date else numbers_of(name, column)
    numbers = numbers[~np.isnan(numbers)]
    # Dividing by the largest value keeps the sum from overflowing.
    size = float(np.abs(numbers).max()) or 1.0
    mean = float((numbers / size).mean() * size)
    return Summary("date" if is_date else "number", values, gaps, {}, mean, float(numbers.min()))


def merged_summaries(a: Mapping[str, Summary], b: Mapping[str, Summary]) -> Dict[str, Summary]:
    """The summaries of two parts of a table together. A column's kind must be the same in both."""
    return {name: _merged(a[name], b[name]) for name in a}


def _merged(a, b):
    if a.kind == "empty" or b.kind == "empty":
        known = b if a.kind == "empty" else a
        return known._replace(gaps=a.gaps + b.gaps)
    values, levels = a.values + b.values, dict(a.levels)
    for value, count in b.levels.items():
        if value in levels or len(levels) < _MOST_LEVELS:
            levels[value] = levels.get(value, 0) + count
    if len(levels) > len(a.levels):
        levels = {value: levels[value] for value in sorted(levels, key=_order_of(levels))}
    mean = a.mean + (b.mean - a.mean) * (b.values / values)
    return Summary(a.kind, values, a.gaps + b.gaps, levels, mean, min(a.first, b.first))


def _order_of(levels):
    """The key by which levels are sorted: numbers by value, text by code points."""
    try:
        numbers = {level: float(level) for level in levels}
    except ValueError:
        return str
    return numbers.__getitem__ if all(map(math.isfinite, numbers.values())) else str


def _level_counts(column):
    codes, values = _categories(column)
    used = codes[~np.isnan(codes)].astype(np.int64)
    counts: Dict[str, int] = {}
    for value, count in zip(values, np.bincount(used, minlength=len(values)).tolist()):
        if count:
            counts[value] = counts.get(value, 0) + count
    return {value: counts[value] for value in sorted(counts, key=_order_of(counts))}


def columns_read(features: Sequence[str], terms: Sequence[Term]) -> List[str]:
    """The columns of a table that features and terms need, without repetition."""
    return list(dict.fromkeys([*features, *names_in(terms)]))


def build_encoding(
    features: Sequence[str],
    summaries: Mapping[str, Summary],
    terms: Sequence[Term] = (),
    gaps_are_a_level: bool = False,
    reference: Optional[Mapping[str, str]] = None,
) -> Encoding:
    """Find the levels and first dates of a table, and with them the columns of X.

    Parameters
    ----------
    features : sequence of str
        The columns that become columns of X. Terms may use others.
    summaries : dict of str to Summary
        The summaries of these columns in the training rows.
    terms : sequence of Term
    gaps_are_a_level : bool
        Whether missing text is a level of its own, the last.
    reference : dict of str to str, optional
        The level of some categories that is to be the first.

    Raises
    ------
    ValueError
        If a reference is not among the levels, or a term takes a logarithm or power of a category.
    """
    used = columns_read(features, terms)
    levels, dates = {}, {}
    for name in used:
        summary = summaries[name]
        if summary.kind == "category":
            levels[name] = [*summary.levels, *([GAP] if gaps_are_a_level and summary.gaps else [])]
        elif summary.kind == "date":
            text = str(np.datetime64(int(summary.first), "us"))
            dates[name] = text[:10] if text.endswith("T00:00:00.000000") else text
    for name, level in (reference or {}).items():
        if level not in levels.get(name, ()):
            if name not in levels:
                numbers = name in summaries and summaries[name].kind == "number"
                advice = f"give categorical={name} as well" if numbers else "leave it out"
                raise ValueError(f"reference: {name!r} is not encoded as a category; {advice}")
            raise ValueError(
                f"reference: {level!r} is no value of {name!r}; its values are "
                f"{quoted(levels[name])}"
            )
        levels[name].remove(level)
        levels[name].insert(0, level)
    base = {name: _base_columns(name, levels) for name in used}
    columns = [column for name in features for column in base[name]]
    nothing = np.empty(0)
    for term in terms:
        columns += term_columns(term, base, lambda column: nothing)[0]
    return Encoding(used, levels, dates, [term.text for term in terms], columns)


def means_of(encoding: Encoding, summaries: Mapping[str, Summary]) -> Dict[str, float]:
    """The mean of each column that holds numbers or dates, as `encode` gives them."""
    means = {}
    for name in encoding.features:
        if name in encoding.dates:
            means[name] = (summaries[name].mean - _origin(encoding.dates[name])) / _DAY
        elif name not in encoding.levels:
            means[name] = summaries[name].mean
    return means


def encode(table: Any, encoding: Any, fill: Optional[Mapping[str, float]] = None) -> Encoded:
    """Turn the columns of a table into numbers.

    Parameters
    ----------
    table : pyarrow.Table
    encoding : Encoding, or Model
        A model has the same attributes.
    fill : dict of str to float, optional
        For each numeric column, the number that replaces a missing one.

    Returns
    -------
    Encoded

    Raises
    ------
    ValueError
        If a column does not exist, holds infinity, or holds text where numbers or dates are needed.
    """
    check_names("features", encoding.features, table.column_names)
    base, base_of = {}, {}
    gaps, unknown = {}, {}
    for name in encoding.features:
        column = table[name]
        base_of[name] = _base_columns(name, encoding.levels)
        if name in encoding.levels:
            levels = encoding.levels[name]
            codes, new = _codes(column, levels)
            if new:
                unknown[name] = new
            for place, own in enumerate(base_of[name], 1):
                base[own] = np.where(np.isnan(codes), np.nan, codes == place)
            missing = column.null_count * (GAP not in levels)
        else:
            numbers = _as_numbers(name, column, encoding)
            if fill is not None and name in fill:
                numbers[np.isnan(numbers)] = fill[name]
            base[name] = numbers
            missing = int(np.isnan(numbers).sum())
        if missing:
            gaps[name] = missing
    arrays = dict(base)
    not_finite = {}
    for term in parse_terms(", ".join(encoding.added), list(base_of)) if encoding.added else []:
        names, values = term_columns(term, base_of, base.__getitem__)
        arrays.update(zip(names, values))
        complete = np.ones(table.num_rows, bool)
        for own in (own for name in names_in([term]) for own in base_of[name]):
            complete &= ~np.isnan(base[own])
        bad = sum(complete & ~np.isfinite(array) for array in values)
        if np.any(bad):
            not_finite[term.text] = int(np.count_nonzero(bad))
            for array in values:
                array[~np.isfinite(array)] = np.nan
    columns = encoding.columns
    if not all(name in arrays for name in columns):  # a model's own names, in the same order
        columns = list(arrays)
        if len(columns) != len(encoding.columns):
            raise ValueError(
                f"columns: {len(encoding.columns)} names do not fit {quoted(columns)}, which the "
                "features and levels make"
            )
    X = np.empty((table.num_rows, len(columns)))
    for j, name in enumerate(columns):
        X[:, j] = arrays[name]
    return Encoded(X, gaps, unknown, not_finite)


def _base_columns(name: str, levels: Mapping[str, Sequence[str]]) -> List[str]:
    """The columns of X that a column of the table has by itself."""
    if name not in levels:
        return [name]
    return [f"{name}={level if level != GAP else '(missing)'}" for level in levels[name][1:]]


def has_value(column: Any) -> np.ndarray:
    """Whether each value of a column is there, shape (n,). Empty text counts as missing."""
    if is_text(column.type):
        return ~np.isnan(_categories(column)[0])
    return as_float64(column.is_valid()) == 1


def _as_numbers(name, column, encoding):
    if name in encoding.dates:
        return _days(name, column, encoding.dates[name])
    return numbers_of(name, column)


def numbers_of(name: str, column: Any) -> np.ndarray:
    """A column of numbers or durations (as days) as float64, NaN where there is none.

    Raises
    ------
    ValueError
        If the column holds anything else, or infinity.
    """
    from pyarrow import types

    kind = column.type
    if column.null_count == len(column):
        return np.full(len(column), np.nan)
    if not (is_numeric(kind) or types.is_duration(kind)):
        what = "text" if is_text(kind) else kind
        raise ValueError(f"{name!r} holds {what} where numbers are needed")
    if types.is_duration(kind):
        from pyarrow import duration

        return as_float64(column.cast(duration("us"), safe=False).cast("int64")) / _DAY
    numbers = as_float64(column)
    if np.isinf(numbers).any():
        raise ValueError(f"{name!r} holds infinity; every value must be finite")
    return numbers


def _categories(column) -> Tuple[np.ndarray, List[str]]:
    """The values of a column as numbers of texts, NaN where there is none, and the texts."""
    codes, values = [np.empty(0)], []
    for chunk in column.chunks:
        encoded = chunk.dictionary_encode()
        codes.append(as_float64(_chunked(encoded.indices)) + len(values))
        values += map(_text, encoded.dictionary.to_pylist())
    codes = np.concatenate(codes)
    if GAP in values:  # empty text, which a CSV file cannot tell from a gap
        codes[np.isin(codes, [i for i, value in enumerate(values) if value == GAP])] = np.nan
    return codes, values


def _codes(column, levels) -> Tuple[np.ndarray, List[str]]:
    """The numbers of the levels of a column's values, NaN where there is none, and new values."""
    if str(column.type) == "null":
        codes, values = np.full(len(column), np.nan), []
    else:
        codes, values = _categories(column)
    known = {level: place for place, level in enumerate(levels)}
    spelling = _spelling(levels)
    places, new = [], set()
    for value in values:
        place = known.get(value)
        if place is None:
            place = known.get(spelling(value) or value)
        if place is None and value != GAP:
            new.add(value)
        places.append(np.nan if place is None else place)
    given = ~np.isnan(codes)
    result = np.full(len(codes), float(known.get(GAP, np.nan)))
    result[given] = np.array([*places, np.nan])[codes[given].astype(np.int64)]
    return result, sorted(new)


def _text(value):
    """A value of a category as text, which does not depend on the type that a file gives it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) or value is None:
        return value or GAP
    try:
        return str(int(value)) if value == int(value) else repr(float(value))
    except (TypeError, ValueError, OverflowError):
        return str(value)


def _spelling(levels):
    """The function that turns another spelling of a level into the level's own.

    Where all levels are true and false, True is true; where they are numbers, 4.0 is 4.
    """
    levels = [level for level in levels if level != GAP]
    if set(levels) <= {"true", "false"}:
        return str.lower
    if all(_as_number(level) == level for level in levels):
        return _as_number
    return str


def _as_number(text):
    """A number as `_text` writes it; "" for other text."""
    try:
        return _text(float(text))
    except ValueError:
        return ""


def _days(name, column, first):
    """The days from `first` to the dates or times of a column, NaN where there is none."""
    from pyarrow import types

    if not is_text(column.type) and not types.is_temporal(column.type):
        if column.null_count == len(column):
            return np.full(len(column), np.nan)
        raise ValueError(f"{name!r} holds {column.type} where dates are needed")
    return (_microseconds(column) - _origin(first)) / _DAY


def _origin(first):
    return float(np.datetime64(first, "us").astype(np.int64))


def _microseconds(column):
    """Dates and times, or their text, as microseconds since 1970; NaN where there is none."""
    import pyarrow
    from pyarrow import types

    kind = column.type
    if is_text(kind):
        codes, texts = _categories(column)
        result = np.full(len(codes), np.nan)
        given = ~np.isnan(codes)
        numbers = np.array([*map(_microseconds_of, texts), np.nan])
        result[given] = numbers[codes[given].astype(np.int64)]
        return result
    if types.is_time(kind):
        column = column.cast(pyarrow.time64("us"), safe=False)
    else:
        zone = getattr(kind, "tz", None)
        column = column.cast(pyarrow.timestamp("us", zone), safe=False)
    return as_float64(column.cast("int64"))


def _microseconds_of(text):
    """A date, a time or both, as microseconds since 1970; NaN if the text is neither."""
    import pyarrow

    if len(text) > 2 and text[2] == ":":
        text = f"1970-01-01 {text}"
    for zone in (None, "UTC"):
        try:
            date = pyarrow.scalar(text).cast(pyarrow.timestamp("us", zone))
            return float(date.cast("int64").as_py())
        except pyarrow.ArrowInvalid:
            pass
    return np.nan


def _chunked(array):
    import pyarrow

    return pyarrow.chunked_array([array])
