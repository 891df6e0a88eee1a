"""The rows of a CSV file, some megabytes at a time."""

import codecs
import csv
import io
import itertools
import os
import re
from concurrent.futures import ThreadPoolExecutor

from .columns import finite_numbers, joined_kind, kind_of, one_line, plain_table

BYTES = 1 << 22  # bytes of a file that are read at a time
TRUE, FALSE = ["true", "True", "TRUE"], ["false", "False", "FALSE"]
_PIECE = 1 << 20  # bytes that one thread parses at a time
_WIDE = 1 << 12  # columns from which on a file is read in larger parts
_HEAD = 1 << 20  # bytes behind the header from which the file's dialect is found
_HEAD_ROWS = 1000  # rows of them that are looked at
_LONGEST = 1 << 28  # bytes of a row; a longer one is taken for a quote that is never closed

_OPEN_QUOTE = "a quote opens here and is not closed; the file may not be complete"

_not_blank = re.compile(rb"[^\r\n]").search
_with_comma = re.compile(r"\s*[-+]?[0-9]*,[0-9]+([eE][-+]?[0-9]+)?\s*").fullmatch
_with_point = re.compile(r"\s*[-+]?[0-9]*\.[0-9]+([eE][-+]?[0-9]+)?\s*").fullmatch


def described(path, decimal=None):
    """The names of the columns, and the other fields of a `File` that describe a CSV file.

    Without `decimal`, numbers have a decimal comma if the first rows hold values such as 1,5 and
    none such as 1.5.
    """
    with open(path, "rb") as file:
        _check_encoding(path, file.read(_HEAD))
        file.seek(0)
        header, start = _header(path, file)
        head = file.read(_HEAD)
        if file.read(1):
            head = head[: head.rfind(b"\n") + 1]
    try:
        header = header.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: the header {_not_utf8(error)}") from None
    text = header + head.decode("utf-8", errors="replace")
    separators = ";\t" if decimal == "," else ",;\t"
    delimiter = max(separators, key=lambda separator: _fit(text, separator))
    rows = _first_rows(text, delimiter, _HEAD_ROWS)
    if not rows:
        raise ValueError(
            f"{path}: the header cannot be read: a quote is not closed, or text follows a closing "
            f"quote, or a name is longer than {csv.field_size_limit()} characters"
        )
    if len(_first_rows(header, delimiter, 2)) > 1:  # Lines end with a carriage return alone.
        start -= len(header[header.index("\r") + 1 :].encode())
    if decimal is None:
        decimal = "." if delimiter == "," or "," not in text else _decimal(rows[1:])
    names = [name.strip() for name in rows[0]]
    return names, {
        "delimiter": delimiter,
        "decimal": decimal,
        "start": start,
        "booleans": _booleans(names, rows[1:]),
    }


def check_line_ends(file):
    """Raise ValueError if lines end with a carriage return alone: a range of bytes has no lines."""
    with open(file.path, "rb") as source:
        source.seek(file.start - 1)
        if source.read(1) == b"\r":
            raise ValueError(f"{file.path}: the header must be one line that ends with \\n")


def bytes_of(file, size):
    """The bytes to read at a time: `size`, or more for a file of thousands of columns."""
    # Of each part, pyarrow needs 10 us for each column, whatever the number of its rows.
    wide = len(file.names)
    return size if wide < _WIDE else max(size, wide << 10)


def read(unit, names):
    """Yield the columns `names` of a unit: of all lines that begin in its range of bytes."""
    start, text = _text_of(unit)
    if _not_blank(text):
        yield _parsed(unit.file, start, text, _kinds(unit.file, names), _finite_arrays)


def tables(unit, names, kinds):
    """Yield the columns `names` of a unit as a table; dates and text as text."""
    import pyarrow

    start, text = _text_of(unit)
    if _not_blank(text):
        types = {"number": pyarrow.float64(), "boolean": pyarrow.bool_()}
        types = {name: types.get(kinds[name], pyarrow.string()) for name in names}
        yield plain_table(_parsed(unit.file, start, text, types))


def kinds(unit, names):
    """The number of rows of a unit, and the kinds of the columns `names`."""
    import pyarrow

    file, found, rows = unit.file, dict.fromkeys(names, "empty"), 0
    start, text = _text_of(unit)
    options = _options(file, {}, list(names), line_breaks=b'"' in text)
    try:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for table in threads.map(lambda p: _parse(file, p, options), _pieces(file, text)):
                rows += len(table)
                for name, column in zip(names, table.itercolumns()):
                    kind = kind_of(column.type)
                    if kind == "text":
                        _check_no_words_among_numbers(file, name, column)
                    found[name] = joined_kind(file.path, name, found[name], kind)
    except pyarrow.ArrowInvalid as error:
        strings = dict.fromkeys(names, pyarrow.string())
        raise _bad_row(file, start, text, strings, lambda table: table, error) from None
    return rows, found


def _text_of(unit):
    """The byte at which the rows of a unit begin, and these rows."""
    file = unit.file
    with open(file.path, "rb") as source:
        start = _line_start(source, unit.start, file.start)
        stop = _line_start(source, unit.stop, file.start)
        source.seek(start)
        text = source.read(stop - start)
    _check_characters(file, start, text)
    # If a row is cut within quotes, each of the two parts may look like a row.
    if text.count(b'"') % 2:
        _, opening = _last_row(text, file.delimiter)
        first, last = (_line_number(file, start + i) for i in (opening or 0, len(text)))
        problem = f"unbalanced quote here or before line {last}" if opening is None else _OPEN_QUOTE
        raise ValueError(
            f"{file.path}, line {first}: {problem}; values in a streamed CSV file cannot contain "
            "line breaks"
        )
    return start, text


def blocks(file, names, text, size):
    """Yield the columns `names` as tables made of about `size` bytes each; `text` as strings."""
    empty = [name for name in names if name not in text]
    for start, rows in _texts(file, bytes_of(file, size)):
        try:
            found = _parsed(file, start, rows, _kinds(file, names, text))
        except ValueError:
            # The first value of a column may come late, and may be true or false.
            words = _first_words(file, start, rows, empty)
            if not words:
                raise
            file = file._replace(booleans={**file.booleans, **words})
            found = _parsed(file, start, rows, _kinds(file, names, text))
        empty = [name for name in empty if found[name].null_count == len(found)]
        yield plain_table(found)


def _first_words(file, start, rows, names):
    """Those of the columns `names` whose first value is true or false, and that value."""
    import pyarrow

    found = _parsed(file, start, rows, dict.fromkeys(names, pyarrow.string())) if names else {}
    first = {name: found[name].drop_null().slice(0, 1).to_pylist() for name in names}
    return {name: value[0] for name, value in first.items() if value and _is_word(value[0])}


def table(file, text):
    """All columns as a table, `text` as strings; the values decide on the types of the others."""
    import pyarrow
    from pyarrow import csv as arrow_csv

    longest = 0
    for _, rows in _texts(file, bytes_of(file, BYTES)):
        longest = max(longest, len(rows))
    if not longest:
        raise ValueError(f"{file.path}: has no rows")
    read_options = arrow_csv.ReadOptions(
        column_names=file.names, block_size=longest, use_threads=False
    )
    strings = {name: pyarrow.string() for name in file.names if name in text}
    try:
        with pyarrow.OSFile(os.fsencode(file.path)) as source:
            source.seek(file.start)
            found = arrow_csv.read_csv(source, read_options, **_options(file, strings))
    except pyarrow.ArrowInvalid as error:
        for start, rows in _texts(file, bytes_of(file, BYTES)):
            _parsed(file, start, rows, dict.fromkeys(file.names, pyarrow.string()))
        raise ValueError(f"{file.path}: {one_line(error)}") from None
    for name, column in zip(file.names, found.itercolumns()):
        if column.type == pyarrow.string() and name not in strings:
            _check_no_words_among_numbers(file, name, column)
    return plain_table(found, text)


def _check_encoding(path, head):
    if not head.strip(codecs.BOM_UTF8 + b" \t\r\n"):
        raise ValueError(f"{path}: is empty; a CSV file with a header is needed")
    zeros = head[::2].count(0), head[1::2].count(0)
    marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or max(zeros) > max(9 * min(zeros), len(head) // 10):
        name = "UTF-16" if marked else "UTF-16BE" if zeros[0] > zeros[1] else "UTF-16LE"
        raise ValueError(f"{path}: looks like {name}; {_convert(name)}")
    if max(zeros):
        raise ValueError(f"{path}: is not a text file; a CSV file in UTF-8 is needed")


def _convert(name):
    return f"save it as UTF-8, or convert it: iconv -f {name} -t UTF-8"


def _not_utf8(error):
    """What is said of text that `error`, a UnicodeDecodeError, has found not to be UTF-8."""
    rest = error.object[error.start :]
    if error.reason == "unexpected end of data":
        return "ends within a character; the file is not complete"
    # The bytes 80 to 9f are quotes, dashes and letters in Windows-1252, and unused in Latin-1.
    windows = any(0x80 <= byte < 0xA0 for byte in rest[:_HEAD])
    name, code = ("Windows-1252", "WINDOWS-1252") if windows else ("Latin-1", "LATIN1")
    return f"is not UTF-8 text; it looks like {name}; {_convert(code)}"


def _header(path, file):
    """The first row that is not blank, as bytes, and the byte at which the next one begins."""
    line = file.readline(_LONGEST)
    while not line.strip(codecs.BOM_UTF8 + b" \t\r\n"):
        line = file.readline(_LONGEST)
    while line.count(b'"') % 2:
        more = file.readline(_LONGEST)
        if not more or len(line) > _LONGEST:
            raise ValueError(f"{path}: the header has an unbalanced quote")
        line += more
    return line, file.tell()


def _fit(text, delimiter):
    """Whether a separator cuts the first rows into equally many columns, and into how many."""
    widths = [len(row) for row in _first_rows(text, delimiter, 10)]
    return len(set(widths)) == 1 and widths[0] > 1, widths[0] if widths else 0


def _first_rows(text, delimiter, number):
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows.extend(itertools.islice(filter(None, reader), number))
    except csv.Error:
        pass
    return rows


def _decimal(rows):
    values = {value for row in rows for value in row}
    comma = any(map(_with_comma, values)) and not any(map(_with_point, values))
    return "," if comma else "."


def _booleans(names, rows):
    """The columns whose first value is true or false, and that value."""
    missing, open_columns, found = _missing(), range(len(names)), {}
    for row in rows:
        if len(row) == len(names):
            found.update((names[i], row[i]) for i in open_columns if _is_word(row[i]))
            open_columns = [i for i in open_columns if row[i] in missing]
        if not open_columns:
            break
    return found


def _missing():
    """How a CSV file writes a missing value."""
    from pyarrow.csv import ConvertOptions

    return set(ConvertOptions().null_values)


def _is_word(value):
    return value.strip() in TRUE + FALSE


def _kinds(file, names, text=()):
    """The pyarrow type of each of the columns `names`."""
    import pyarrow

    number, boolean, string = pyarrow.float64(), pyarrow.bool_(), pyarrow.string()
    return {
        name: string if name in text else boolean if name in file.booleans else number
        for name in names
    }


def _options(file, kinds, names=(), line_breaks=True):
    from pyarrow import csv as arrow_csv

    return {
        "parse_options": arrow_csv.ParseOptions(
            delimiter=file.delimiter, newlines_in_values=line_breaks
        ),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=kinds,
            include_columns=names,
            strings_can_be_null=True,
            true_values=TRUE,
            false_values=FALSE,
            decimal_point=file.decimal,
        ),
    }


def _parsed(file, start, text, kinds, convert=lambda table: table):
    """The columns of `kinds`, a dict of pyarrow types, in the rows that begin at byte `start`.

    `convert` takes a table and returns the result, or None if it cannot use a value.
    """
    import pyarrow

    options = _options(file, kinds, list(kinds), line_breaks=b'"' in text)
    try:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            tables = threads.map(lambda piece: _parse(file, piece, options), _pieces(file, text))
            converted = convert(pyarrow.concat_tables(tables))
    except pyarrow.ArrowInvalid as error:
        raise _bad_row(file, start, text, kinds, convert, error) from None
    if converted is None:
        raise _bad_row(file, start, text, kinds, convert, "a value cannot be used")
    return converted


def _parse(file, text, options):
    import pyarrow
    from pyarrow import csv as arrow_csv

    # After an error, pyarrow's own threads can deadlock; the process then crashes at its end or
    # never ends (seen with pyarrow 21).
    read_options = arrow_csv.ReadOptions(
        column_names=file.names, block_size=len(text), use_threads=False
    )
    return arrow_csv.read_csv(pyarrow.BufferReader(text), read_options, **options)


def _finite_arrays(table):
    arrays = [finite_numbers(column) for column in table.itercolumns()]
    return None if any(array is None for array in arrays) else arrays


def _texts(file, size):
    """Yield the rows in texts of about `size` bytes, each with the byte at which it begins."""
    with open(file.path, "rb") as source:
        source.seek(file.start)
        start, text, more = file.start, b"", True
        while more:
            # Reading as much again as is left over keeps the cost of long rows linear.
            more = source.read(max(size, len(text)))
            text += more
            end = text.rfind(b"\n") + 1 if more else len(text)
            if text.count(b'"', 0, end) % 2:
                row, opening = _last_row(text[:end], file.delimiter)
                if more:
                    end = row
                elif opening is not None:
                    line = _line_number(file, start + opening)
                    raise ValueError(f"{file.path}, line {line}: {_OPEN_QUOTE}")
            rows, text = text[:end], text[end:]
            if _not_blank(rows):
                _check_characters(file, start, rows)
                yield start, rows
            start += end
            if len(text) > _LONGEST:
                raise ValueError(
                    f"{file.path}, line {_line_number(file, start)}: is longer than "
                    f"{_LONGEST >> 20} MiB, or holds a quote that is not closed"
                )


def _pieces(file, text):
    """The rows in pieces of about equal size, none of which ends within quotes."""
    start, size = 0, bytes_of(file, _PIECE)
    while start < len(text):
        stop = text.find(b"\n", start + size) + 1 or len(text)
        quotes = text.count(b'"', start, stop)
        while quotes % 2 and stop < len(text):
            end = text.find(b"\n", stop) + 1 or len(text)
            quotes += text.count(b'"', stop, end)
            stop = end
        if _not_blank(text, start, stop):
            yield text[start:stop]
        start = stop


def _last_row(text, delimiter):
    """Where the last row that is not complete begins, and the quote in it that is not closed.

    The second is None if each quoted value is closed.
    """
    # A quote begins a quoted value only behind a separator or at the beginning of a line.
    quoted_value = rb'"(?<![^%s\r\n]")[^"]*(?:""[^"]*)*("?)' % delimiter.encode()
    row, position = 0, 0
    for match in re.finditer(quoted_value, text):
        row = text.rfind(b"\n", position, match.start()) + 1 or row
        if not match[1]:
            return row, match.start()
        position = match.end()
    return text.rfind(b"\n", position) + 1 or row, None


def _check_characters(file, start, text):
    """Raise ValueError if the text that begins at byte `start` is not UTF-8 text."""
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            line = _line_number(file, start + error.start)
            raise ValueError(f"{file.path}: line {line} {_not_utf8(error)}") from None
    if b"\0" in text:
        line = _line_number(file, start + text.index(b"\0"))
        raise ValueError(f"{file.path}: line {line} holds a zero byte, so this is not a text file")


def _check_no_words_among_numbers(file, name, column):
    """Raise ValueError if a column of strings holds true or false, and otherwise numbers only."""
    from pyarrow import ArrowInvalid, compute

    first = column.slice(0, _HEAD_ROWS).drop_null().to_pylist()
    if not all(_is_word(value) or _is_number(value, file.decimal) for value in first):
        return
    words = compute.match_substring_regex(column, rf"^\s*({'|'.join(TRUE + FALSE)})\s*$")
    rows = compute.indices_nonzero(words)
    if not len(rows):
        return
    others = column.filter(compute.invert(words))
    if file.decimal == ",":
        if compute.any(compute.match_substring(others, ".")).as_py():
            return
        others = compute.replace_substring(others, ",", ".")
    try:
        compute.utf8_trim_whitespace(others).cast("float64")
    except ArrowInvalid:
        return
    row = rows[0].as_py()
    raise ValueError(f"{file.path}, row {row + 1}: {_among_numbers(name, column[row].as_py())}")


def _among_numbers(name, word):
    return (
        f"column {name!r} holds {word.strip()!r} among numbers; write 1 for true and 0 for false, "
        "or true or false in every row"
    )


def _line_start(source, position, first):
    """The byte at which the first line at or after `position` begins."""
    if position <= first:
        return first
    source.seek(position - 1)
    source.readline()
    return source.tell()


def _rows(text, delimiter):
    """Yield the first and last byte and the values of each row, cut as pyarrow cuts them."""
    ending = rb"%s\r\n" % delimiter.encode()
    value = rb'((?:"[^"]*(?:""[^"]*)*"?)?[^%s]*)(\r\n|[%s]|\Z)' % (ending, ending)
    start, values = 0, []
    for match in re.finditer(value, text):
        values.append(match[1])
        if match[2] != delimiter.encode():
            if match.start(2) > start:
                yield start, match.end(), values
            start, values = match.end(), []


def _bad_row(file, start, text, kinds, convert, error):
    """The error that names the first row that cannot be used, which bisection finds, and why."""
    rows = list(_rows(text, file.delimiter))

    def is_good(first, last, names):
        import pyarrow

        piece = text[rows[first][0] : rows[last - 1][1]]
        chosen = {name: kinds[name] for name in names}
        try:
            return convert(_parse(file, piece, _options(file, chosen, names))) is not None
        except pyarrow.ArrowInvalid:
            return False

    names = list(kinds)
    first, last = 0, len(rows)
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (middle, last) if is_good(first, middle, names) else (first, middle)
    begin, _, values = rows[first]
    where = f"{file.path}, line {_line_number(file, start + begin)}"
    if len(values) != len(file.names):
        return ValueError(
            f"{where}: has {len(values)} values, but the header has {len(file.names)} columns"
        )
    if is_good(first, last, names):
        return ValueError(f"{file.path}: {one_line(error)}")
    while len(names) > 1:
        half = names[: len(names) // 2]
        names = names[len(half) :] if is_good(first, last, half) else half
    value = values[file.names.index(names[0])]
    return ValueError(f"{where}: {_bad_value(file, names[0], _unquoted(value))}")


def _unquoted(value):
    value = value.decode("utf-8", errors="replace")
    if value.startswith('"'):
        value = value[1:-1].replace('""', '"')
    return value if len(value) <= 50 else f"{value[:50]}..."


def _bad_value(file, name, value):
    first = file.booleans.get(name)
    if value in _missing() or value.strip(" -+").lower() == "nan":
        return f"{value!r} in {name!r} is a missing value"
    if _is_word(value):
        return _among_numbers(name, value)
    other = {",": _with_point, ".": _with_comma}[file.decimal](value)
    if first is not None:
        if _is_number(value, file.decimal):
            return f"{_among_numbers(name, first)} (here it is {value!r})"
        return f"{value!r} in {name!r} is neither true nor false, as the first value is"
    hint = f"; give decimal={'.' if file.decimal == ',' else ','!r}" if other else ""
    return f"{value!r} in {name!r} is not a finite number{hint}"


def _is_number(value, decimal):
    try:
        return float(value.replace(decimal, ".")) is not None
    except ValueError:
        return False


def _line_number(file, position):
    """The number of the line that holds byte `position`, counted from 1."""
    with open(file.path, "rb") as source:
        sizes = (min(BYTES, position - i) for i in range(0, position, BYTES))
        return 1 + sum(source.read(size).count(b"\n") for size in sizes)
