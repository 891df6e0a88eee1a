"""Helpers that the readers of CSV and Parquet files share."""

import csv
import difflib
import io
import itertools
from pathlib import Path
from typing import Any, Union

import numpy as np


def is_parquet(path: Union[str, Path]) -> bool:
    """Whether a file begins as a Parquet file does. Raises ValueError if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"PAR1"
    except IsADirectoryError:
        raise ValueError(f"{path}: is a folder; give a CSV or Parquet file") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None


def csv_delimiter(path):
    """The separator that cuts the first rows into equally many columns, and into most columns."""
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
    """Whether a pyarrow type holds numbers."""
    from pyarrow import types

    kinds = types.is_integer, types.is_floating, types.is_boolean, types.is_decimal
    return any(is_kind(kind) for is_kind in kinds)


def as_float64(column: Any) -> np.ndarray:
    """A pyarrow column as a new float64 array, with NaN for missing values.

    The function reads the column's memory, because `to_numpy` imports pandas if it is installed.
    """
    import pyarrow

    nan = pyarrow.py_buffer(np.array([np.nan]))
    nan = pyarrow.Array.from_buffers(pyarrow.float64(), 1, [None, nan])[0]
    pieces = [
        np.frombuffer(chunk.buffers()[1], np.float64, len(chunk), 8 * chunk.offset)
        for chunk in column.cast("float64", safe=False).fill_null(nan).chunks
        if len(chunk)
    ]
    return np.concatenate([np.empty(0), *pieces])


def finite_numbers(column):
    """A pyarrow column as float64, or None if a value is missing, NaN or infinite."""
    if column.null_count:
        return None
    array = column.cast("float64", safe=False).to_numpy()
    return array if np.isfinite(array).all() else None


def one_line(error):
    return " ".join(str(error).split())


def quoted(names):
    shown = ", ".join(repr(str(name)) for name in names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
