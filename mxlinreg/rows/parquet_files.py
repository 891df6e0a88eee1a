"""The rows of a Parquet file, read some rows of a row group at a time."""

import numpy as np

from .columns import finite_numbers, is_numeric, one_line

_NUMBERS = 1 << 19  # numbers of a file that are read at a time
_BUFFERS = 1 << 24  # bytes of the buffers of all columns together


def opened(path, num_columns=1):
    from pyarrow import ArrowException, parquet

    try:
        # Read each column through a small buffer, because a row group may be larger than memory.
        size = max(1 << 13, min(1 << 20, _BUFFERS // num_columns))
        return parquet.ParquetFile(path, buffer_size=size, pre_buffer=False)
    except (ArrowException, OSError) as error:
        raise ValueError(f"{path}: is not a Parquet file: {one_line(error)}") from None


def read(unit, names):
    from pyarrow import ArrowException

    file, seen = unit.file, 0
    with opened(file.path, len(names)) as parquet:
        for name in names:
            kind = parquet.schema_arrow.field(name).type
            if not is_numeric(kind):
                raise ValueError(f"{file.path}: {name!r} holds {kind} where numbers are needed")
        try:
            size = max(1, _NUMBERS // len(names))
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
                f"{one_line(error)}"
            ) from None
    raise ValueError(f"{file.path}: ends before row {sum(file.rows[: unit.row_group + 1])}")


def _checked(batch, name, start, stop, file, row_group, seen):
    column = batch.column(batch.schema.get_field_index(name))
    array = finite_numbers(column)
    if array is None:
        values = column.cast("float64", safe=False).to_numpy(zero_copy_only=False)
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        number = sum(file.rows[:row_group]) + seen + row + 1
        what = "a missing value" if not column[row].is_valid else str(column[row])
        raise ValueError(f"{file.path}, row {number}: {what} in {name!r} is not a finite number")
    return array[start:stop]
