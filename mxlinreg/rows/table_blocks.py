"""Data for predictions: tables of pandas, polars and pyarrow, and files read block by block."""

import sys
from pathlib import Path
from typing import Any, Container, Iterator, List, Sequence, Union

from .columns import check_names, check_unique, csv_delimiter, is_parquet, one_line

_ROWS = 1 << 16  # rows of a Parquet file in a block
_BYTES = 1 << 24  # bytes of a CSV file in a block; no line can be longer


def is_table(data: Any) -> bool:
    """Whether `data` is a table of pandas, polars or pyarrow. Imports none of them."""
    kinds = {
        "pandas": ["DataFrame"],
        "polars": ["DataFrame"],
        "pyarrow": ["Table", "RecordBatch"],
    }
    return any(
        isinstance(data, getattr(sys.modules[library], kind, ()))
        for library in kinds.keys() & sys.modules.keys()
        for kind in kinds[library]
    )


def as_arrow(table: Any) -> Any:
    """Convert a table of pandas, polars or pyarrow to a pyarrow table.

    Raises
    ------
    ValueError
        If two columns have the same name, or pyarrow cannot hold the table.
    ImportError
        If pyarrow is missing (the extra `data`).
    """
    try:
        import pyarrow
    except ImportError:
        raise ImportError('reading tables needs pyarrow: pip install "mxlinreg[data]"') from None
    if isinstance(table, pyarrow.Table):
        arrow = table
    elif isinstance(table, pyarrow.RecordBatch):
        arrow = pyarrow.Table.from_batches([table])
    elif hasattr(table, "to_arrow"):
        arrow = table.to_arrow()
    else:
        names = [str(name) for name in table.columns]
        check_unique("the table", names)
        try:
            arrow = pyarrow.Table.from_pandas(table.set_axis(names, axis=1), preserve_index=False)
        except pyarrow.ArrowException as error:
            raise ValueError(f"the table: {one_line(error)}") from None
    check_unique("the table", arrow.column_names)
    return arrow


def read_blocks(
    path: Union[str, Path], names: Sequence[str], text: Container[str] = ()
) -> Iterator[Any]:
    """Read some columns of a CSV or Parquet file block by block, in the order of its rows.

    Parameters
    ----------
    path : str or Path
        A file as for `read_table`, of any size.
    names : sequence of str
        The columns to read.
    text : container of str
        The columns among `names` to read as text, even if their values look like numbers.

    Yields
    ------
    pyarrow.Table
        The columns `names`.

    Raises
    ------
    ValueError
        If the file cannot be read, lacks a column, has two of the same name or is damaged.
    ImportError
        If pyarrow is missing (the extra `data`).
    """
    try:
        from pyarrow import ArrowException
    except ImportError:
        raise ImportError('reading tables needs pyarrow: pip install "mxlinreg[data]"') from None
    read = _parquet_blocks if is_parquet(path) else _csv_blocks
    try:
        yield from read(path, names, text)
    except ArrowException as error:
        raise ValueError(f"{path}: {one_line(error)}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not UTF-8 text; save it as UTF-8") from None


def _parquet_blocks(path, names, text):
    from pyarrow import Table, parquet

    with parquet.ParquetFile(str(path)) as file:
        written = _written(path, file.schema_arrow.names, names)
        for batch in file.iter_batches(_ROWS, columns=written):
            yield Table.from_batches([batch]).select(written).rename_columns(names)


def _csv_blocks(path, names, text):
    import pyarrow
    from pyarrow import Table
    from pyarrow import csv as arrow_csv

    options = {
        "read_options": arrow_csv.ReadOptions(use_threads=False, block_size=_BYTES),
        "parse_options": arrow_csv.ParseOptions(
            delimiter=csv_delimiter(path), newlines_in_values=True
        ),
    }
    with arrow_csv.open_csv(str(path), **options) as head:
        found = head.schema
    written = _written(path, found.names, names)
    # Only the inferred type of booleans can be trusted. A column of floats may look like integers,
    # or be empty, throughout the first block.
    types = {
        name: pyarrow.string() if name.strip() in text else pyarrow.float64()
        for name in written
        if name.strip() in text or not pyarrow.types.is_boolean(found.field(name).type)
    }
    convert_options = arrow_csv.ConvertOptions(
        strings_can_be_null=True, include_columns=written, column_types=types
    )
    with arrow_csv.open_csv(str(path), convert_options=convert_options, **options) as blocks:
        for batch in blocks:
            yield Table.from_batches([batch]).rename_columns(names)


def _written(path, found: List[str], names: Sequence[str]) -> List[str]:
    """The columns `names` as the file writes them, possibly with spaces around them."""
    written = {name.strip(): name for name in found}
    check_unique(path, [name.strip() for name in found])
    check_names("features", names, list(written))
    return [written[name] for name in names]
