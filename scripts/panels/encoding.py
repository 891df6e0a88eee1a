"""A table of text as arrays, by the product's rules, written once more with pandas and NumPy."""

import csv
from typing import NamedTuple

import numpy as np
import pandas as pd

SHARE, SEED = 0.2, 1  # of the validation rows; the defaults of `mxlinreg train`
MISSING = (
    "|#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|N/A|NA|NULL|NaN|n/a|nan|null"
).split("|")
BOOLEANS = "true", "True", "TRUE", "false", "False", "FALSE"
NUMBER = r"\s*[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf)\s*"
DATE = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:?\d\d)?)?"
TIME = r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
MOST_LEVELS = 50


class Feature(NamedTuple):
    name: str
    kind: str
    """ "number", "date" or "category"."""
    levels: list
    """The values of a category; None stands for a gap. The first has no column."""
    first: float
    """The first day of dates."""
    fill: float
    """Replaces gaps in numbers and dates; NaN if they stay."""


class Encoding(NamedTuple):
    features: list
    names: list
    """The names of X's columns; that of a gap ends with an equals sign."""
    X: np.ndarray
    """The training rows, shape (n, d)."""
    y: np.ndarray
    held_out: tuple
    """X and y of the validation rows whose levels are all known."""


class Refusal(Exception):
    """The rules ask for an error, for this reason; the error should name the option, if any."""

    def __init__(self, reason, option=""):
        super().__init__(reason)
        self.reason, self.option = reason, option


def read(path):
    """The values of a CSV file as text, NaN where one is missing."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=MISSING)
    with open(path, newline="", encoding="utf-8") as file:
        frame.columns = [name.strip() for name in next(csv.reader(file))]
    return frame


def encode(frame, target, fill):
    """Split and encode a table of text. With `fill`, gaps are filled in instead of left out."""
    rows = frame[frame[target].notna()]
    kinds = {}
    for place, name in enumerate(frame.columns):
        kind, values = kind_of(frame[name].dropna()), rows[name].dropna()
        too_many = kind == "text" and values.nunique() > min(MOST_LEVELS, len(rows) / 3)
        numbers_rows = (place == 0 and name == "") or name == "rownames"
        if name == target or values.empty or too_many or numbers_rows and counts(frame[name]):
            continue
        kinds[name] = kind
    gaps = rows[list(kinds)].isna().any(axis=1)
    if not fill:
        if gaps.sum() > len(rows) / 2:
            raise Refusal("more than half the rows have gaps", "--missing mean")
        rows = rows[~gaps]
    order, number = np.random.RandomState(SEED).permutation(len(rows)), round(SHARE * len(rows))
    training, held_out = (rows.iloc[np.sort(i)] for i in (order[number:], order[:number]))
    features = [feature_of(name, training[name].dropna(), kinds[name], fill) for name in kinds]
    if fill:
        for feature in features:
            if feature.levels is not None and training[feature.name].isna().any():
                feature.levels.append(None)
    # A category that has one value in the training rows is left out of the model.
    features = [f for f in features if f.levels is None or len(f.levels) > 1]
    names = []
    for name, _, levels, *_ in features:
        names += [name] if levels is None else [f"{name}={level or ''}" for level in levels[1:]]
    X, _ = matrix(training, features)
    X_held_out, known = matrix(held_out, features)
    y, y_held_out = (part[target].astype(float).to_numpy() for part in (training, held_out))
    if not names:
        raise Refusal("no column is left")
    if not all(np.isfinite(part).all() for part in (X, y, X_held_out, y_held_out)):
        raise Refusal("a column holds infinity, or no value in the training rows")
    return Encoding(features, names, X, y, (X_held_out[known], y_held_out[known]))


def kind_of(values):
    """The kind of a column whose values are this text."""
    if values.isin(BOOLEANS).all():
        return "boolean"
    kinds = {"number": NUMBER, "date": f"{DATE}|{TIME}"}
    return next((kind for kind in kinds if values.str.fullmatch(kinds[kind]).all()), "text")


def counts(column):
    """Whether a column of text counts the rows, from 0 or 1."""
    values = pd.to_numeric(column, errors="coerce").to_numpy()
    return any(np.array_equal(values, np.arange(len(values)) + first) for first in (0, 1))


def feature_of(name, values, kind, fill):
    if kind in ("text", "boolean"):
        return Feature(name, kind, sorted(set(values)), 0.0, np.nan)
    first = days(values).min() if kind == "date" else 0.0
    numbers = values.astype(float) if kind == "number" else days(values) - first
    return Feature(name, kind, None, first, numbers.mean() if fill else np.nan)


def days(values):
    is_time = values.str.fullmatch(TIME, na=False)
    values = values.where(~is_time, "1970-01-01 " + values)
    zoned = values.str.contains(r"(?:Z|[-+]\d\d:?\d\d)$", na=False).any()
    if zoned:
        times = pd.to_datetime(values, format="ISO8601", utc=True).dt.tz_localize(None)
        values = times.astype(str)
    times = values.fillna("NaT").to_numpy(dtype="datetime64[us]")
    return pd.Series(times - np.datetime64(0, "us"), values.index) / np.timedelta64(1, "D")


def matrix(rows, features):
    """The columns of X, NaN in gaps that are not filled, and whether all levels are known."""
    columns, known = [np.empty((len(rows), 0))], np.ones(len(rows), dtype=bool)
    for name, kind, levels, first, fill in features:
        values = rows[name]
        if levels is None:
            numbers = values.astype(float) if kind == "number" else days(values) - first
            columns.append(numbers.fillna(fill).to_numpy(float))
        else:
            is_level = [values.isna() if level is None else values == level for level in levels]
            is_level = np.array(is_level, dtype=float).reshape(len(levels), len(rows))
            known &= is_level.any(axis=0)
            columns += list(is_level[1:])
    return np.column_stack(columns), known
