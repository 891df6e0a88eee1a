"""What the readers of CSV and Parquet files share."""

import csv
import difflib
import io
import itertools
from pathlib import Path
from typing import Any, Union

import numpy as np


def is_parquet(path: Union[str, Path]) -> bool:
    """Whether a file begins as Parquet does; ValueError if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"PAR1"
    except IsADirectoryError:
        raise ValueError(f"{path}: is a folder; give a CSV or Parquet file") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None


def csv_delimiter(path):
    """The separator that cuts the first rows into equally many columns, and into the most."""
    with open(path, "rb") as file:
        head = file.read(1 << 20)
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise ValueError(f"{path}: is empty; a CSV file with a header is needed")
    if b"\0" in head:
        raise ValueError(f"{path}: is not a text file; a CSV file in UTF-8 is needed")
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff")

    def fit(delimiter):
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            widths = [len(row) for row in itertools.islice(filter(None, rows), 10)]
        except csv.Error:
            return False, 0
        return len(set(widths)) == 1 and widths[0] > 1, widths[0]

    return max(",;\t", key=fit)


def check_names(argument, names, known):
    if isinstance(names, str):
        raise TypeError(f"{argument}: must be a list of columns, not {names!r}")
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
            raise ValueError(f"{argument}: no column {name!r}; the nearest is {nearest[0]!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"{argument}: a column is named twice in {quoted(names)}")


def check_unique(path, names):
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: names a column twice: {quoted(twice)}")


def is_numeric(kind: Any) -> bool:
    """Whether a type of pyarrow's holds numbers."""
    from pyarrow import types

    kinds = types.is_integer, types.is_floating, types.is_boolean, types.is_decimal
    return any(is_kind(kind) for is_kind in kinds)


def finite_numbers(column):
    """A column of pyarrow's as float64, or None if a value is missing or infinite."""
    if column.null_count:
        return None
    array = column.cast("float64", safe=False).to_numpy()
    return array if np.isfinite(array).all() else None


def one_line(error):
    return " ".join(str(error).split())


def quoted(names):
    shown = ", ".join(repr(str(name)) for name in names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
