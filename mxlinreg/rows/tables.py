"""CSV and Parquet files as tables."""

from pathlib import Path
from typing import Any, Container, Optional, Union

from . import csv_files, parquet_files
from .columns import check_decimal, is_parquet
from .pipes import as_file
from .units import opened


def read_table(
    path: Union[str, Path], text: Container[str] = (), decimal: Optional[str] = None
) -> Any:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        A CSV file must be UTF-8 text with a header, separated by commas, semicolons or tabs. What
        comes from a pipe, such as /dev/stdin, is copied to a temporary file.
    text : container of str
        The columns of a CSV file to read as text, even if their values look like numbers.
    decimal : {".", ","}, optional
        The decimal point or comma of a CSV file. With a comma, semicolons or tabs separate the
        values. By default it is a comma if the first rows of such a file hold values such as
        1,5 and none such as 1.5.

    Returns
    -------
    pyarrow.Table
        Every missing value, also NaN, is a null. Columns of dictionaries are decoded.

    Raises
    ------
    ValueError
        If the file does not exist or cannot be read, has no rows, is not UTF-8 text, has rows of
        different lengths or a quote that is not closed, has two columns of the same name, or has a
        column of numbers that also holds true or false; if a Parquet file is damaged.
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
        table = parquet_files.table(path, text)
    else:
        table = csv_files.table(opened(path, decimal), text)
    if table.num_rows == 0:
        raise ValueError(f"{path}: has no rows")
    return table
