"""The rows of a Parquet file, read some rows of a row group at a time."""

import os
import re
from contextlib import contextmanager

import numpy as np

from .columns import (
    as_float64,
    check_flat,
    check_names,
    check_unique,
    finite_numbers,
    is_numeric,
    kind_of,
    one_line,
    plain_table,
)

_NUMBERS = 1 << 19  # numbers of a file that are read at a time
_LEAST_ROWS = 128  # rows that are read at a time, however many columns there are
_BLOCK = 1 << 22  # numbers in a block for predictions
_MOST_MEMORY = 1 << 40  # bytes; only a damaged file asks for more at a time
_BUFFERS = 1 << 24  # bytes of the buffers of all columns together


def opened(path, num_columns=1):
    from pyarrow import OSFile, parquet

    # Read each column through a small buffer, because a row group may be larger than memory.
    size = max(1 << 13, min(1 << 20, _BUFFERS // max(num_columns, 1)))
    with named_errors(path):
        file = OSFile(os.fsencode(path))  # pyarrow would encode text as UTF-8
        return parquet.ParquetFile(file, buffer_size=size, pre_buffer=False)


@contextmanager
def named_errors(path):
    """Turn pyarrow's errors about a damaged file into a ValueError that names the file."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        size = re.search(r"malloc of size (\d+) failed", str(error))
        if isinstance(error, MemoryError) and (not size or int(size[1]) < _MOST_MEMORY):
            raise MemoryError(f"{path}: {one_line(error)}") from None
        raise ValueError(
            f"{path}: the Parquet file is damaged or not complete ({one_line(error)[:200]}); copy "
            "or write it again"
        ) from None


def described(path):
    """The names of the columns, and the number of rows in each row group."""
    with opened(path) as parquet, named_errors(path):
        metadata = parquet.metadata
        rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        return [name.strip() for name in parquet.schema_arrow.names], rows


def read(unit, names):
    file = unit.file
    for before, table in _numbered_tables(unit, names):
        for name, kind in zip(names, table.schema.types):
            if not is_numeric(kind):
                raise ValueError(f"{file.path}: {name!r} holds {kind} where numbers are needed")
        columns = zip(names, table.itercolumns())
        yield [_checked(file, *column, before) for column in columns]


def tables(unit, names, kinds):
    """Yield the columns `names` of a unit as tables."""
    for _, table in _numbered_tables(unit, names):
        yield table


def kinds(unit, names):
    """The number of rows of a unit, and the kinds of the columns `names`."""
    with opened(unit.file.path) as parquet, named_errors(unit.file.path):
        schema = parquet.schema_arrow
        types = {name.strip(): kind for name, kind in zip(schema.names, schema.types)}
    for name in names:
        check_flat(unit.file.path, name, types[name])
    return unit.stop - unit.start, {name: kind_of(types[name]) for name in names}


def _numbered_tables(unit, names):
    """The rows of a unit as tables, each with the number of the file's rows before it."""
    file, seen = unit.file, 0
    before = sum(file.rows[: unit.row_group])
    size = max(_LEAST_ROWS, _NUMBERS // len(names))
    for table in _tables(file.path, names, size, [unit.row_group]):
        start, stop = max(unit.start - seen, 0), min(unit.stop - seen, len(table))
        if start < stop:
            yield before + seen + start, table.slice(start, stop - start)
        seen += len(table)
        if seen >= unit.stop:
            return
    raise ValueError(f"{file.path}: ends before row {before + file.rows[unit.row_group]}")


def blocks(path, names, text, size):
    """Yield the columns `names` as tables of at most `size` rows each."""
    size = max(1, min(size, _BLOCK // max(len(names), 1)))
    yield from _tables(path, names, size, None, text)


def table(path, text):
    """All columns as a table."""
    with opened(path) as parquet:
        with named_errors(path):
            names = [name.strip() for name in parquet.schema_arrow.names]
        check_unique(path, names)
        with named_errors(path):
            found = parquet.read(use_threads=False).rename_columns(names)
            return plain_table(found, text)


def _tables(path, names, size, row_groups, text=()):
    from pyarrow import Table

    with opened(path, len(names)) as parquet:
        with named_errors(path):
            schema = parquet.schema_arrow
            found = [name.strip() for name in schema.names]
            kinds = dict(zip(found, schema.types))
        check_unique(path, found)
        check_names(path, names, found)
        for name in names:
            check_flat(path, name, kinds[name])
        written = dict(zip(found, schema.names))
        chosen = [written[name] for name in names]
        with named_errors(path):
            for batch in parquet.iter_batches(size, row_groups, chosen, use_threads=False):
                rows = Table.from_batches([batch]).select(chosen).rename_columns(list(names))
                yield plain_table(rows, text)


def _checked(file, name, column, before):
    array = finite_numbers(column)
    if array is None:
        values = as_float64(column)
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        what = "a missing value" if np.isnan(values[row]) else str(values[row])
        raise ValueError(
            f"{file.path}, row {before + row + 1}: {what} in {name!r} is not a finite number"
        )
    return array
