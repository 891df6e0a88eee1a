"""The files of a source, the units in which they are read, and the rows of a unit."""

import glob
import os
from typing import Dict, List, NamedTuple, Optional, Tuple

from .._checks import shown
from . import csv_files, parquet_files
from .columns import check_decimal, check_unique, is_parquet


class File(NamedTuple):
    path: str
    stamp: Tuple[int, int, int]  # size in bytes, time of the last change in ns, inode
    names: List[str]  # the names of the columns, without spaces around them
    rows: Optional[List[int]]  # the number of rows in each row group of a Parquet file
    # Of a CSV file:
    delimiter: str = ""  # the separator
    decimal: str = "."  # the decimal point or comma
    start: int = 0  # the byte at which the rows begin
    booleans: Dict[str, str] = {}  # the columns whose first value is true or false, and this value


class Unit(NamedTuple):
    """A part of a file that is read in one go: bytes `start` to `stop` of a CSV file, or rows
    `start` to `stop` of a row group of a Parquet file."""

    file: File
    start: int
    stop: int
    row_group: int


def paths_of(source):
    """The paths of a source's files, in alphabetical order."""
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"source: must be the name of a file, a folder or a glob, not {shown(source)}"
        )
    source = str(source)
    paths = []
    for found in [source] if os.path.exists(source) else glob.glob(source, recursive=True):
        paths += _in_folder(found) if os.path.isdir(found) else [found]
    if not paths:
        raise ValueError(f"source: {source} is neither a file nor a folder or glob with files")
    for path in paths:
        if os.path.exists(path) and not os.path.isfile(path):
            raise ValueError(
                f"source: {path} is not an ordinary file, and a stream reads its files in several "
                "passes; write it to a file, or read all at once"
            )
    return sorted(set(paths))


def _in_folder(folder):
    try:
        entries = list(os.scandir(folder))
        folders = [entry.is_dir() for entry in entries]
    except OSError as error:
        raise ValueError(f"source: {folder} cannot be read: {error.strerror}") from None
    for entry, is_folder in zip(entries, folders):
        if not entry.name.startswith((".", "_")):
            yield from _in_folder(entry.path) if is_folder else [entry.path]


def opened(path, decimal=None):
    """The `File` at a path: all that is known before its rows are read.

    `decimal` is the decimal point or comma of a CSV file; None finds it from the first rows.
    """
    check_decimal(decimal)
    stamp = _stamp(path)
    if is_parquet(path):
        file = File(path, stamp, *parquet_files.described(path))
    else:
        names, csv_fields = csv_files.described(path, decimal)
        file = File(path, stamp, names, None, **csv_fields)
    check_unique(path, file.names)
    return file


def units_of(file):
    if file.rows is not None:
        return [Unit(file, 0, rows, i) for i, rows in enumerate(file.rows) if rows]
    csv_files.check_line_ends(file)
    size = csv_files.bytes_of(file, csv_files.BYTES)
    starts = range(file.start, file.stamp[0], size)
    return [Unit(file, i, min(i + size, file.stamp[0]), 0) for i in starts]


def kth_part(units, k, n):
    """The k-th of n equal parts, as units, of which the first and the last may be cut."""
    sizes = [unit.stop - unit.start for unit in units]
    total = sum(sizes)
    begin, end = total * k // n, total * (k + 1) // n
    chosen, before = [], 0
    for unit, size in zip(units, sizes):
        start, stop = max(begin - before, 0), min(end - before, size)
        if start < stop:
            chosen.append(unit._replace(start=unit.start + start, stop=unit.start + stop))
        before += size
    return chosen


def read(unit, names):
    """The columns `names` of a unit's rows, block by block, as float64 arrays of finite numbers."""
    _check_unchanged(unit.file)
    files = csv_files if unit.file.rows is None else parquet_files
    yield from files.read(unit, names)
    _check_unchanged(unit.file)


def kinds_of(unit, names):
    """The number of rows of a unit, and the kind of each of the columns `names`.

    A kind is "empty", "number", "boolean", "date" or "text".
    """
    files = csv_files if unit.file.rows is None else parquet_files
    return files.kinds(unit, names)


def read_tables(unit, names, kinds):
    """The columns `names` of a unit as tables; of a CSV file, dates and text as text."""
    _check_unchanged(unit.file)
    files = csv_files if unit.file.rows is None else parquet_files
    yield from files.tables(unit, names, kinds)
    _check_unchanged(unit.file)


def _stamp(path):
    try:
        status = os.stat(path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _check_unchanged(file):
    if _stamp(file.path) != file.stamp:
        raise ValueError(f"{file.path}: has changed since the stream was made; make a new one")
