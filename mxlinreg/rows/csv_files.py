"""The rows of a CSV file, a range of bytes at a time."""

import codecs
import csv
import os
from concurrent.futures import ThreadPoolExecutor

from .columns import finite_numbers, one_line

BYTES = 1 << 22  # bytes of a file that are read at a time
_PIECE = 1 << 20  # bytes that one thread parses at a time


def header(path, delimiter):
    """The names of a CSV file's columns, and the byte at which its rows begin."""
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
        raise ValueError(f"{path}: the header is not UTF-8 text; save the file as UTF-8") from None
    except csv.Error:
        raise ValueError(f"{path}: the header must be one line that ends with \\n") from None
    return [name.strip() for name in names], start


def read(unit, names):
    """Yield the columns `names` of a unit: of all lines that begin in its range of bytes."""
    import pyarrow

    file = unit.file
    with open(file.path, "rb") as source:
        start = _line_start(source, unit.start, file.start)
        stop = _line_start(source, unit.stop, file.start)
        source.seek(start)
        text = source.read(stop - start)
    if not text.strip(b"\r\n"):
        return
    # If a row is cut within quotes, each of the two parts may look like a row.
    if text.count(b'"') % 2:
        raise ValueError(
            f"{file.path}: unbalanced quote between lines "
            f"{_line_number(file, start)} and {_line_number(file, stop) - 1}; "
            "values in a streamed CSV file cannot contain line breaks"
        )
    try:
        arrays = _parsed(file, text, names)
    except pyarrow.ArrowInvalid as error:
        raise _bad_line(file, start, text, names, error) from None
    if any(array is None for array in arrays):
        raise _bad_line(file, start, text, names, "a value cannot be used")
    yield arrays


def _parsed(file, text, names):
    """The columns `names` of some lines as arrays, or None for a column with a bad value."""
    import pyarrow
    from pyarrow import csv as arrow_csv

    options = {
        "parse_options": arrow_csv.ParseOptions(
            delimiter=file.delimiter, newlines_in_values=b'"' in text
        ),
        "convert_options": arrow_csv.ConvertOptions(
            column_types={name: pyarrow.float64() for name in names}, include_columns=names
        ),
    }

    def parse(piece):
        # After an error, pyarrow's own threads can deadlock; the process then crashes at its end
        # or never ends (seen with pyarrow 21).
        read_options = arrow_csv.ReadOptions(
            column_names=file.names, block_size=len(piece), use_threads=False
        )
        return arrow_csv.read_csv(pyarrow.BufferReader(piece), read_options, **options)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        table = pyarrow.concat_tables(threads.map(parse, _pieces(text)))
    return [finite_numbers(table[name]) for name in names]


def _pieces(text):
    """The lines in pieces of about equal size, none of which ends within quotes."""
    start = 0
    while start < len(text):
        stop = text.find(b"\n", start + _PIECE) + 1 or len(text)
        quotes = text.count(b'"', start, stop)
        while quotes % 2 and stop < len(text):
            end = text.find(b"\n", stop) + 1 or len(text)
            quotes += text.count(b'"', stop, end)
            stop = end
        if text[start:stop].strip(b"\r\n"):
            yield text[start:stop]
        start = stop


def _line_start(source, position, first):
    """The byte at which the first line at or after `position` begins."""
    if position <= first:
        return first
    source.seek(position - 1)
    source.readline()
    return source.tell()


def _bad_line(file, start, text, names, error):
    """The error that names the bad line and its column, which bisection finds."""
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
        return ValueError(f"{file.path}: {one_line(error)}")
    try:
        (values,) = csv.reader([line.decode("utf-8", errors="replace")], delimiter=file.delimiter)
    except csv.Error as problem:
        return ValueError(f"{where}: is not a row: {problem}")
    if len(values) != len(file.names):
        return ValueError(
            f"{where}: has {len(values)} values, but the header has {len(file.names)} columns"
        )
    bad = next(name for name in names if not _is_good(file, line, [name]))
    value = values[file.names.index(bad)]
    return ValueError(f"{where}: {value!r} in {bad!r} is not a finite number")


def _is_good(file, text, names):
    import pyarrow

    try:
        arrays = _parsed(file, text, names) if text.strip(b"\r\n") else []
        return all(array is not None for array in arrays)
    except pyarrow.ArrowInvalid:
        return False


def _line_number(file, position):
    """The number of the line that begins at byte `position`, counted from 1."""
    with open(file.path, "rb") as source:
        sizes = (min(BYTES, position - i) for i in range(0, position, BYTES))
        return 1 + sum(source.read(size).count(b"\n") for size in sizes)
