"""Helpers that the readers of CSV and Parquet files share."""

import collections
import difflib
import heapq
import os
from pathlib import Path
from typing import Any, Container, Optional, Union

import numpy as np

from .._checks import check_path, check_texts, shown
from .._text import listed


def is_parquet(path: Union[str, Path]) -> bool:
    """Whether a file begins as a Parquet file does.

    Raises
    ------
    ValueError
        If the file cannot be read.
    TypeError
        If `path` is no path. (`open` would take a number for an open file.)
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"data: expected a file or a table, not {shown(path)}")
    check_path("data", path)
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"PAR1"
    except IsADirectoryError:
        raise ValueError(f"{path}: is a folder; give a CSV or Parquet file") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None


def check_names(argument, names, known, where=""):
    names = check_texts(argument, names)
    present = set(known)
    for name in names:
        if name not in present:
            place = f" in {where}" if where else ""
            raise ValueError(f"{argument}: no column {name!r}{place}{_nearest(name, known)}")
    if len(set(names)) < len(names):
        raise ValueError(f"{argument}: a column is named twice: {quoted(_repeated(names))}")


def _nearest(name, known):
    # Comparing one pair of names takes some 50 us, so only the most similar ones are compared.
    letters = set(str(name))
    likely = heapq.nsmallest(200, known, key=lambda other: len(letters ^ set(other)))
    nearest = difflib.get_close_matches(str(name), likely, n=1, cutoff=0.0)
    return f"; the nearest is {nearest[0]!r}" if nearest else ""


def check_unique(path, names):
    twice = _repeated(names)
    if twice:
        listed = [quoted(list(filter(None, twice)))] if any(twice) else []
        listed += [f"{names.count('')} columns have no name"] if "" in twice else []
        raise ValueError(f"{path}: names a column twice: {'; '.join(listed)}")


def _repeated(names):
    return sorted(name for name, count in collections.Counter(names).items() if count > 1)


def check_decimal(decimal):
    if decimal is not None and not (isinstance(decimal, str) and decimal in (".", ",")):
        raise ValueError(f'decimal: must be None, "." or ",", not {shown(decimal)}')


def check_flat(path: Union[str, Path], name: str, kind: Any) -> None:
    """Raise ValueError if a column's pyarrow type is nested, binary or not one of pyarrow's own."""
    from pyarrow import types

    values = kind.value_type if types.is_dictionary(kind) else kind
    if _is_compound(values) or "binary" in str(kind):
        raise ValueError(
            f"{path}: column {name!r} holds {kind}, which cannot be used; leave the column out, or "
            "write it as numbers, text or dates"
        )


def _is_compound(kind):
    """Whether a pyarrow type is nested, or made from another, as pandas' intervals are."""
    from pyarrow import BaseExtensionType, types

    return isinstance(kind, BaseExtensionType) or types.is_nested(kind)


def is_text(kind: Any) -> bool:
    """Whether a pyarrow type holds text."""
    return str(kind) in ("string", "large_string", "string_view")


def kind_of(kind: Any) -> str:
    """What a pyarrow type holds: "empty", "boolean", "text", "date" (or time) or "number"."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if types.is_null(kind):
        return "empty"
    if types.is_boolean(kind):
        return "boolean"
    if is_text(kind):
        return "text"
    return "date" if types.is_temporal(kind) and not types.is_duration(kind) else "number"


def joined_kind(path: Union[str, Path], name: str, a: str, b: str) -> str:
    """The kind of a column of which one part has the kind `a` and another `b`.

    Raises
    ------
    ValueError
        If the column holds true or false among numbers.
    """
    if a == b or "empty" in (a, b):
        return b if a == "empty" else a
    if {a, b} == {"number", "boolean"}:
        raise ValueError(
            f"{path}: column {name!r} holds true or false among numbers; replace them, or leave "
            "the column out"
        )
    return "text"


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

    if column.type != pyarrow.float64():
        column = column.cast("float64", safe=False)
    if column.null_count:
        nan = pyarrow.py_buffer(np.array([np.nan]))
        column = column.fill_null(pyarrow.Array.from_buffers(column.type, 1, [None, nan])[0])
    pieces = [
        np.frombuffer(chunk.buffers()[1], np.float64, len(chunk), 8 * chunk.offset)
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate([np.empty(0), *pieces])


def plain_table(table: Any, text: Container[str] = ()) -> Any:
    """Convert a pyarrow table to one in which every gap is a null.

    Dictionaries are decoded, NaN becomes null, and a column without a type, because it has no
    value, becomes one of numbers, or of strings if `text` holds its name.
    """
    import pyarrow

    columns = []
    for name, column in zip(table.column_names, table.itercolumns()):
        kind = column.type
        if is_text(kind) or pyarrow.types.is_dictionary(kind):
            # A damaged file can hold indices out of range, and text that is not UTF-8.
            try:
                column.validate(full=True)
            except pyarrow.ArrowInvalid as error:
                raise pyarrow.ArrowInvalid(f"column {name!r}: {one_line(error)}") from None
        if pyarrow.types.is_dictionary(kind) and not _is_compound(kind.value_type):
            column = column.cast(kind.value_type)
        elif pyarrow.types.is_null(kind):
            column = column.cast(pyarrow.string() if name in text else pyarrow.float64())
        columns.append(without_nan(column))
    return pyarrow.Table.from_arrays(columns, names=table.column_names) if columns else table


def without_nan(column: Any) -> Any:
    """Replace NaN by null in a pyarrow chunked array."""
    import pyarrow

    if not pyarrow.types.is_floating(column.type) or not _holds_nan(column):
        return column
    from pyarrow import compute

    if pyarrow.types.is_float16(column.type):
        column = column.cast("float32")
    # A null from `pyarrow.scalar` would import pandas if it is installed, which is slow.
    null = pyarrow.nulls(1, column.type)[0]
    return compute.if_else(compute.is_nan(column), null, column)


def _holds_nan(column):
    size = column.type.bit_width // 8
    pieces = (
        np.frombuffer(chunk.buffers()[1], f"f{size}", len(chunk), size * chunk.offset)
        for chunk in column.chunks
        if len(chunk)
    )
    return any(np.isnan(piece).any() for piece in pieces)


def finite_numbers(column: Any) -> Optional[np.ndarray]:
    """A pyarrow chunked array as float64, or None if a value is missing, NaN or infinite."""
    if column.null_count:
        return None
    array = as_float64(column)
    return array if np.isfinite(array).all() else None


def one_line(error):
    return " ".join(str(error).split())


def quoted(names):
    return listed([repr(str(name)) for name in names])
