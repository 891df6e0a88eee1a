"""CSV and Parquet files, larger than memory, as a stream of blocks."""

import codecs
import csv
import glob
import os
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from .._checks import check_count, check_dtype
from ..chapter.data import Stream
from .tables import check_names, csv_delimiter, is_numeric, is_parquet, quoted

_CSV_BYTES = 1 << 22  # of a CSV file, read at once
_CSV_BLOCK = 1 << 20  # of these, that a thread of pyarrow parses
_PARQUET_NUMBERS = 1 << 19  # of a Parquet file, read at once
_PARQUET_BUFFERS = 1 << 24  # bytes, for all of its columns
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
        row groups of Parquet and ranges of 4 MiB of CSV, are shuffled as well, see `data.Stream`.
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
    units = _share(units, k, n)
    parquet = all(file.rows is not None for file in files)
    told = [(file.path, *file.stamp[:2]) for file in files]
    result = Stream(
        read=lambda i: _read(units[i], [*columns, target]),
        num_units=len(units),
        columns=columns,
        target=target,
        batch_size=batch_size,
        shuffle_buffer=check_count("shuffle_buffer", shuffle_buffer, minimum=0),
        dtype=dtype,
        source={"name": str(source), "files": told, "part": [k, n]},
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
        result.standardise()
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
        with _parquet(path) as parquet:
            metadata = parquet.metadata
            rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
            names = list(parquet.schema_arrow.names)
        delimiter, start = "", 0
    else:
        rows, delimiter = None, csv_delimiter(path)
        names, start = _header(path, delimiter)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: names a column twice: {quoted(twice)}")
    return _File(path, stamp, names, delimiter, start, rows)


def _header(path, delimiter):
    """The names of a CSV file's columns, and where its rows begin."""
    with open(path, "rb") as file:
        line = file.readline()
        while not line.strip(codecs.BOM_UTF8 + b" \t\r\n"):
            line = file.readline()
        start = file.tell()
    try:
        line = line.decode("utf-8-sig").rstrip("\r\n")
        if "\r" in line:
            raise csv.Error
        (names,) = csv.reader([line], delimiter=delimiter, strict=True)
    except UnicodeDecodeError:
        raise ValueError(f"{path}: the header is not text in UTF-8") from None
    except csv.Error:
        raise ValueError(f"{path}: the header must be one line that ends with \\n") from None
    return [name.strip() for name in names], start


def _parquet(path, num_columns=1):
    from pyarrow import ArrowException, parquet

    try:
        # Column by column through small buffers: a row group may be larger than memory.
        size = max(1 << 13, min(1 << 20, _PARQUET_BUFFERS // num_columns))
        return parquet.ParquetFile(path, buffer_size=size, pre_buffer=False)
    except (ArrowException, OSError) as error:
        raise ValueError(f"{path}: is not a Parquet file: {_line(error)}") from None


def _units(file):
    if file.rows is not None:
        return [_Unit(file, 0, rows, i) for i, rows in enumerate(file.rows) if rows]
    starts = range(file.start, file.stamp[0], _CSV_BYTES)
    return [_Unit(file, i, min(i + _CSV_BYTES, file.stamp[0]), 0) for i in starts]


def _share(units, k, n):
    """The k-th of n equal parts: units, of which the first and the last may be cut."""
    sizes = [unit.stop - unit.start for unit in units]
    total = sum(sizes)
    begin, end = total * k // n, total * (k + 1) // n
    share, before = [], 0
    for unit, size in zip(units, sizes):
        start, stop = max(begin - before, 0), min(end - before, size)
        if start < stop:
            share.append(unit._replace(start=unit.start + start, stop=unit.start + stop))
        before += size
    return share


def _read(unit, names):
    """The columns of a unit's rows, some at a time, as arrays of float64 without gaps."""
    _check_unchanged(unit.file)
    read = _read_csv if unit.file.rows is None else _read_parquet
    yield from read(unit, names)
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


def _read_csv(unit, names):
    """A unit has the lines that begin in it, after the bytes before it have ended theirs."""
    import pyarrow

    file = unit.file
    with open(file.path, "rb") as source:
        start = _line_start(source, unit.start, file.start)
        stop = _line_start(source, unit.stop, file.start)
        source.seek(start)
        text = source.read(stop - start)
    if not text.strip(b"\r\n"):
        return
    # Cut within quotes, both pieces of a row may look like rows.
    if text.count(b'"') % 2:
        raise ValueError(
            f"{file.path}: a quote without its other between lines "
            f"{_line_number(file, start)} and {_line_number(file, stop) - 1}; "
            "no value in a stream may hold a line break"
        )
    try:
        try:
            arrays = _parsed(file, text, names, _CSV_BLOCK)
        except pyarrow.ArrowInvalid:  # a line may just be longer than a block
            arrays = _parsed(file, text, names, len(text))
    except pyarrow.ArrowInvalid as error:
        raise _bad_line(file, start, text, names, error) from None
    if any(array is None for array in arrays):
        raise _bad_line(file, start, text, names, "a value cannot be used")
    yield arrays


def _parsed(file, text, names, block_size):
    """The columns `names` of some lines, None in place of one that cannot be used."""
    import pyarrow
    from pyarrow import csv as arrow_csv

    table = arrow_csv.read_csv(
        pyarrow.BufferReader(text),
        read_options=arrow_csv.ReadOptions(column_names=file.names, block_size=block_size),
        parse_options=arrow_csv.ParseOptions(
            delimiter=file.delimiter, newlines_in_values=b'"' in text
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pyarrow.float64() for name in names}, include_columns=names
        ),
    )
    return [_numbers(table[name]) for name in names]


def _line_start(source, position, first):
    """Where the first line begins that begins at `position` or after it."""
    if position <= first:
        return first
    source.seek(position - 1)
    source.readline()
    return source.tell()


def _numbers(column):
    """A column of pyarrow's as float64, or None if a value is missing or infinite."""
    if column.null_count:
        return None
    array = column.cast("float64", safe=False).to_numpy()
    return array if np.isfinite(array).all() else None


def _bad_line(file, start, text, names, error):
    """The error that names the line and the column, found by halving the lines."""
    lines = text.split(b"\n")
    first, last = 0, len(lines)
    while last - first > 1:
        middle = (first + last) // 2
        if _is_good(file, b"\n".join(lines[first:middle]), names):
            first = middle
        else:
            last = middle
    where = f"{file.path}, line {_line_number(file, start) + first}"
    line = lines[first].rstrip(b"\r")
    if _is_good(file, line, names):
        return ValueError(f"{file.path}: {_line(error)}")
    try:
        (values,) = csv.reader([line.decode("utf-8", errors="replace")], delimiter=file.delimiter)
    except csv.Error as problem:
        return ValueError(f"{where}: is no row: {problem}")
    if len(values) != len(file.names):
        return ValueError(f"{where}: has {len(values)} values, and the header {len(file.names)}")
    bad = next(name for name in names if not _is_good(file, line, [name]))
    value = values[file.names.index(bad)]
    return ValueError(f"{where}: {value!r} in {bad!r} is no finite number")


def _is_good(file, text, names):
    import pyarrow

    try:
        arrays = _parsed(file, text, names, len(text)) if text.strip(b"\r\n") else []
        return all(array is not None for array in arrays)
    except pyarrow.ArrowInvalid:
        return False


def _line_number(file, position):
    """Of the line that begins at `position`, counted from 1."""
    with open(file.path, "rb") as source:
        sizes = (min(_CSV_BYTES, position - i) for i in range(0, position, _CSV_BYTES))
        return 1 + sum(source.read(size).count(b"\n") for size in sizes)


def _read_parquet(unit, names):
    from pyarrow import ArrowException

    file, seen = unit.file, 0
    with _parquet(file.path, len(names)) as parquet:
        for name in names:
            kind = parquet.schema_arrow.field(name).type
            if not is_numeric(kind):
                raise ValueError(f"{file.path}: {name!r} holds {kind} where numbers are needed")
        try:
            size = max(1, _PARQUET_NUMBERS // len(names))
            for batch in parquet.iter_batches(size, [unit.row_group], names):
                start, stop = max(unit.start - seen, 0), min(unit.stop - seen, len(batch))
                if start < stop:
                    yield [
                        _checked(batch, name, start, stop, file, unit.row_group, seen)
                        for name in names
                    ]
                seen += len(batch)
                if seen >= unit.stop:
                    return
        except (ArrowException, OSError) as error:
            raise ValueError(
                f"{file.path}: cannot be read after row {sum(file.rows[: unit.row_group]) + seen}: "
                f"{_line(error)}"
            ) from None
    raise ValueError(f"{file.path}: ends before row {sum(file.rows[: unit.row_group + 1])}")


def _checked(batch, name, start, stop, file, row_group, seen):
    column = batch.column(batch.schema.get_field_index(name))
    array = _numbers(column)
    if array is None:
        values = column.cast("float64", safe=False).to_numpy(zero_copy_only=False)
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        number = sum(file.rows[:row_group]) + seen + row + 1
        what = "a missing value" if not column[row].is_valid else str(column[row])
        raise ValueError(f"{file.path}, row {number}: {what} in {name!r} is no finite number")
    return array[start:stop]


def _line(error):
    return " ".join(str(error).split())
