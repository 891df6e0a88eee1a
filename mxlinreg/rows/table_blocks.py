"""Data for predictions: tables of pandas, polars and pyarrow, and files read block by block."""

import sys
from pathlib import Path
from typing import Any, Container, Iterator, Optional, Sequence, Union

from . import csv_files, parquet_files
from .columns import check_decimal, check_names, check_unique, is_parquet, one_line, plain_table
from .pipes import as_file
from .units import opened

_ROWS = 1 << 16  # rows of a Parquet file in a block
_BYTES = 1 << 24  # bytes of a CSV file in a block


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
    """Convert a table of pandas, polars or pyarrow to a pyarrow table with nulls for NaN.

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
        except (pyarrow.ArrowException, OverflowError, TypeError, ValueError) as error:
            told = one_line("; ".join(map(str, error.args)))
            raise ValueError(f"the table: {told}; give each column values of one type") from None
    check_unique("the table", arrow.column_names)
    return plain_table(arrow)


def read_blocks(
    path: Union[str, Path],
    names: Sequence[str],
    text: Container[str] = (),
    decimal: Optional[str] = None,
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
    decimal : {".", ","}, optional
        As for `read_table`.

    Yields
    ------
    pyarrow.Table
        The columns `names`. In a CSV file, those not in `text` are numbers, or true and false.
        Every missing value, also NaN, is a null.

    Raises
    ------
    ValueError
        As `read_table`. Also if the file lacks a column, or a value is not a number. The error
        names the line and the column.
    ImportError
        If pyarrow is missing (the extra `data`).
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise ImportError('reading tables needs pyarrow: pip install "mxlinreg[data]"') from None
    check_decimal(decimal)
    path = as_file(path)
    if is_parquet(path):
        yield from parquet_files.blocks(path, names, text, _ROWS)
    else:
        file = opened(path, decimal)
        check_names(path, names, file.names)
        yield from csv_files.blocks(file, names, text, _BYTES)
