"""CSV and Parquet files, larger than memory, as a stream of blocks."""

import glob
import os
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from .._checks import check_count, check_dtype
from . import csv_files, parquet_files
from .stream import Stream
from .tables import check_names, csv_delimiter, is_parquet, quoted

_DEFAULT_WINDOW = 1 << 20  # numbers


class _File(NamedTuple):
    path: str
    stamp: Tuple[int, int, int]  # size in bytes, time of the last change in ns, inode
    names: List[str]  # of its columns
    delimiter: str  # of a CSV file
    start: int  # of the rows in a CSV file, in bytes
    rows: Optional[List[int]]  # of a Parquet file's row groups


class _Unit(NamedTuple):
    """What is read in one go: bytes `start` to `stop` of a CSV file, or these rows of a row group
    of a Parquet file."""

    file: _File
    start: int
    stop: int
    row_group: int


def stream(
    source: Union[str, Path],
    target: str,
    features: Optional[Sequence[str]] = None,
    batch_size: int = 64,
    shuffle_buffer: Optional[int] = None,
    standardize: Union[bool, Tuple[Any, Any, Any, Any]] = False,
    dtype: str = "float64",
    part: Tuple[int, int] = (0, 1),
) -> Stream:
    """Read the rows of files block by block, in each pass anew.

    `train` takes it with both engines, `least_squares` as it is, and each of its blocks
    ``LinearRegressor.partial_fit``.

    Parameters
    ----------
    source : str or Path
        A CSV or Parquet file, a folder of them (in folders within it too; names that begin with
        a dot or an underscore are left out), or a glob such as ``"parts/*.parquet"``; files that
        come later are not seen. CSV as for `tables.read_table`, but no value may hold a line
        break, and "true" is no number. All files have the columns, by name, in any order.
    target : str
        The column to predict.
    features : sequence of str, optional
        The columns to predict it from; by default all others of the first file.
    batch_size : int
    shuffle_buffer : int, optional
        The rows of a block, within which they are shuffled; the units of the files, which are the
        row groups of Parquet and ranges of 4 MiB of CSV, are shuffled as well, see `Stream`.
        By default as many as make a million numbers. 0 keeps the files' order.
    standardize : bool or (X_mean, X_scale, y_mean, y_scale)
        Whether to give each column mean 0 and standard deviation 1, found by one pass over the
        `part`; or these themselves, arrays of shape (d,) and (1,).
    dtype : {"float32", "float64"}
    part : (int, int)
        (k, n): read only the k-th of n equal parts of the rows (of CSV files, of their bytes),
        counted from 0. The parts hold every row once; some hold none where rows are few.

    Returns
    -------
    Stream

    Raises
    ------
    ValueError
        If there is no such file, one is empty or of another kind, or a column is unknown, there
        twice or no numbers; in a pass, if a value is missing, no number or infinite (the error
        names the file, the column, and the line of CSV or the row of Parquet, counted from 1), a
        line of CSV has other than the header's number of values, or a file has changed since.
    TypeError
        If an argument is of the wrong type.
    ImportError
        If pyarrow is missing (the extra `data`).
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise ImportError('streams need pyarrow: pip install "mxlinreg[data]"') from None
    batch_size = check_count("batch_size", batch_size)
    check_dtype(dtype)
    try:
        k, n = part
    except (TypeError, ValueError):
        raise TypeError(f"part: must be a pair (k, n), not {part!r}") from None
    n = check_count("part", n)
    if not check_count("part", k, minimum=0) < n:
        raise ValueError(f"part: ({k}, {n}) is none of (0, {n}) to ({n - 1}, {n})")
    files = [_opened(path) for path in _paths(source)]
    if features is None:
        features = [name for name in files[0].names if name != target]
    if not features:
        raise ValueError(f"features: {files[0].path} has no column besides the target {target!r}")
    for file in files:
        try:
            check_names("target", [target], file.names)
            check_names("features", features, file.names)
        except ValueError as error:
            raise ValueError(f"{file.path}: {error}") from None
    columns = list(features)
    if target in columns:
        raise ValueError(f"features: {target!r} is the target; leave it out of the features")
    if shuffle_buffer is None:
        shuffle_buffer = max(batch_size, _DEFAULT_WINDOW // (len(columns) + 1))
    units = [unit for file in files for unit in _units(file)]
    units = _part(units, k, n)
    parquet = all(file.rows is not None for file in files)
    described = [(file.path, *file.stamp[:2]) for file in files]
    result = Stream(
        read=lambda i: _read(units[i], [*columns, target]),
        num_units=len(units),
        columns=columns,
        target=target,
        batch_size=batch_size,
        shuffle_buffer=check_count("shuffle_buffer", shuffle_buffer, minimum=0),
        dtype=dtype,
        source={"name": str(source), "files": described, "part": [k, n]},
        num_rows=sum(unit.stop - unit.start for unit in units) if parquet else None,
    )
    if isinstance(standardize, (tuple, list)):
        arrays = [np.asarray(array, dtype=np.float64).ravel() for array in standardize]
        sizes = [len(array) for array in arrays]
        if sizes != [len(columns), len(columns), 1, 1]:
            raise ValueError(
                f"standardize: arrays of sizes {sizes} do not fit {len(columns)} columns; give "
                "(X_mean, X_scale, y_mean, y_scale)"
            )
        if not all(np.isfinite(array).all() for array in arrays) or min(map(min, arrays[1::2])) < 0:
            raise ValueError("standardize: must hold finite means, and scales of at least 0")
        result.X_mean, result.X_scale, result.y_mean, result.y_scale = arrays
    elif not isinstance(standardize, bool):
        raise TypeError(
            "standardize: must be a bool or (X_mean, X_scale, y_mean, y_scale), "
            f"not {standardize!r}"
        )
    elif standardize:
        result.standardize()
    return result


def _paths(source):
    """The files of a source, in the order of their names."""
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source: must be the name of a file, a folder or a glob, not {source!r}")
    source = str(source)
    paths = []
    for found in [source] if os.path.exists(source) else glob.glob(source, recursive=True):
        paths += _in_folder(found) if os.path.isdir(found) else [found]
    if not paths:
        raise ValueError(f"source: {source} is no file, no folder with files, and matches none")
    return sorted(set(paths))


def _in_folder(folder):
    for entry in os.scandir(folder):
        if not entry.name.startswith((".", "_")):
            yield from _in_folder(entry.path) if entry.is_dir() else [entry.path]


def _opened(path):
    """What is to be known of a file before its rows are read."""
    stamp = _stamp(path)
    if is_parquet(path):
        with parquet_files.opened(path) as parquet:
            metadata = parquet.metadata
            rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
            names = list(parquet.schema_arrow.names)
        delimiter, start = "", 0
    else:
        rows, delimiter = None, csv_delimiter(path)
        names, start = csv_files.header(path, delimiter)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: names a column twice: {quoted(twice)}")
    return _File(path, stamp, names, delimiter, start, rows)


def _units(file):
    if file.rows is not None:
        return [_Unit(file, 0, rows, i) for i, rows in enumerate(file.rows) if rows]
    starts = range(file.start, file.stamp[0], csv_files.BYTES)
    return [_Unit(file, i, min(i + csv_files.BYTES, file.stamp[0]), 0) for i in starts]


def _part(units, k, n):
    """The k-th of n equal parts: units, of which the first and the last may be cut."""
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


def _read(unit, names):
    """The columns of a unit's rows, some at a time, as arrays of float64 without gaps."""
    _check_unchanged(unit.file)
    files = csv_files if unit.file.rows is None else parquet_files
    yield from files.read(unit, names)
    _check_unchanged(unit.file)


def _stamp(path):
    try:
        status = os.stat(path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _check_unchanged(file):
    if _stamp(file.path) != file.stamp:
        raise ValueError(f"{file.path}: has changed since its first pass; make the stream anew")
