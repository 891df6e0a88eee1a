"""CSV and Parquet files as arrays."""

from pathlib import Path
from typing import Any, Container, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from .columns import (
    as_float64,
    check_names,
    check_unique,
    csv_delimiter,
    is_numeric,
    is_parquet,
    one_line,
    quoted,
)

_MAX_LEVELS = 1000


class Table(NamedTuple):
    """The columns of a file that a fit uses, as arrays.

    `features` names the file's columns, `columns` those of X. They differ in text columns: one of k
    different values becomes k - 1 columns of 0 and 1.
    """

    X: np.ndarray
    """Shape (n, d), float64; with ``missing="mean"``, NaN where a value is missing."""
    y: np.ndarray
    """Shape (n,), float64."""
    columns: List[str]
    features: List[str]
    levels: Dict[str, List[str]]
    """The different values of each text column, sorted; the first has no column of its own."""


def read_table(path: Union[str, Path], text: Container[str] = ()) -> Any:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        A CSV file must be UTF-8 text with a header, separated by commas, semicolons or tabs.
    text : container of str
        The columns of a CSV file to read as text, even if their values look like numbers.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    ValueError
        If the file does not exist or cannot be read, has no rows, is not UTF-8 text, has rows of
        different lengths, or has two columns of the same name.
    ImportError
        If pyarrow is missing (the extra `data`).
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise ImportError('reading tables needs pyarrow: pip install "mxlinreg[data]"') from None
    path = Path(path)
    try:
        if is_parquet(path):
            table = parquet.ParquetFile(str(path)).read()
        else:
            table = _read_csv(path, text)
        names = [name.strip() for name in table.column_names]
    except ArrowException as error:
        raise ValueError(f"{path}: {one_line(error)}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    check_unique(path, names)
    if table.num_rows == 0:
        raise ValueError(f"{path}: has no rows")
    return table.rename_columns(names)


def _read_csv(path, text):
    from pyarrow import csv as arrow_csv
    from pyarrow import string

    delimiter = csv_delimiter(path)
    options = {
        "read_options": arrow_csv.ReadOptions(use_threads=False),  # its errors name the row
        "parse_options": arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": arrow_csv.ConvertOptions(strings_can_be_null=True),
    }
    if text:
        with arrow_csv.open_csv(str(path), **options) as head:
            given = [name for name in head.schema.names if name.strip() in text]
        options["convert_options"].column_types = dict.fromkeys(given, string())
    return arrow_csv.read_csv(str(path), **options)


def load(
    path: Union[str, Path],
    target: str,
    features: Optional[Sequence[str]] = None,
    one_hot: bool = False,
    missing: str = "error",
) -> Table:
    """Read the columns of a file that a fit uses.

    Parameters
    ----------
    path : str or Path
        As for `read_table`.
    target : str
        The column to predict.
    features : sequence of str, optional
        The columns to predict the target from; by default all others.
    one_hot : bool
        Whether to turn each text column of k different values into k - 1 columns of 0 and 1; the
        first value in alphabetical order has none. By default text is an error.
    missing : {"error", "drop", "mean"}
        "drop" leaves out rows with a missing value. "mean" leaves out rows whose target is
        missing, and leaves other missing values as NaN for `fill_missing`.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        As `read_table`. Also if a column does not exist or is given twice, or the target is among
        the features; for text without `one_hot` or in the target; for missing values with
        "error", or missing text with "mean"; for infinity; if no row or no column is left.
    """
    if missing not in ("error", "drop", "mean"):
        raise ValueError(f'missing: must be "error", "drop" or "mean", not {missing!r}')
    table = read_table(path)
    check_names("target", [target], table.column_names)
    if features is None:
        features = [name for name in table.column_names if name != target]
    check_names("features", features, table.column_names)
    features = list(features)
    text = [name for name in [*features, target] if not is_numeric(table[name].type)]
    # Read dates and times again as text, in which they stay as the file writes them.
    if any(str(table[name].type) != "string" for name in text):
        table = read_table(path, text)
    if target in features:
        raise ValueError(f"features: {target!r} is the target; leave it out of the features")
    if not features:
        raise ValueError(f"features: {path} has no column besides the target {target!r}")
    table = table.select([*features, target])
    counts = {name: table[name].null_count for name in table.column_names}
    empty = [name for name, count in counts.items() if count == table.num_rows]
    if empty:
        raise ValueError(f"{path}: no value at all in {quoted(empty)}; leave the column out")
    if missing == "error" and any(counts.values()):
        listed = ", ".join(f"{name!r} {count}" for name, count in counts.items() if count)
        raise ValueError(
            f'{path}: missing values ({listed}); missing="drop" (--missing drop) leaves out their '
            'rows, missing="mean" (--missing mean) fills in the mean'
        )
    table = _complete_rows(table, table.column_names if missing == "drop" else [target])
    if table.num_rows == 0:
        raise ValueError(f"{path}: no row is complete; leave out the columns with missing values")
    if target in text:
        (first,) = table[target].drop_null().slice(0, 1).to_pylist()
        raise ValueError(
            f"target: {target!r} holds text, such as {str(first)!r}; a regression needs numbers, "
            "with a decimal point"
        )
    if text and not one_hot:
        raise ValueError(
            f"{path}: text in {quoted(text)}; leave the column out, or encode it with one_hot=True "
            "(--one-hot)"
        )
    levels = {name: _levels(name, table[name]) for name in text}
    X, columns = encode(table, features, levels)
    return Table(X, _numbers(target, table[target]), columns, features, levels)


def encode(table: Any, features: Sequence[str], levels: Dict[str, List[str]]):
    """Turn columns of a table into numbers.

    Parameters
    ----------
    table : pyarrow.Table
    features : sequence of str
        The columns to use.
    levels : dict of str to list of str
        The known values of each text column. Each value but the first becomes a column of 0 and 1.

    Returns
    -------
    X : array of shape (n, d), float64
        The numbers; NaN where one is missing.
    columns : list of str
        The names of X's columns.

    Raises
    ------
    ValueError
        If a column does not exist, holds infinity, or holds text without having `levels`. If a
        text column holds a value that is not among its levels, or lacks a value.
    """
    check_names("features", features, table.column_names)
    arrays, columns = [], []
    for name in features:
        if name in levels:
            values = np.array([str(value) for value in table[name].to_pylist()])
            unknown = sorted(set(values) - set(levels[name]))
            if table[name].null_count:
                raise ValueError(f"{name!r} lacks {table[name].null_count} text values")
            if unknown:
                raise ValueError(f"{name!r} holds {quoted(unknown)}, which the model does not know")
            for level in levels[name][1:]:
                arrays.append((values == level).astype(np.float64))
                columns.append(f"{name}={level}")
        else:
            arrays.append(_numbers(name, table[name]))
            columns.append(name)
    if not arrays:
        raise ValueError("features: no column is left; each text column has one value only")
    return np.column_stack(arrays), columns


def column_means(X: np.ndarray, columns: Sequence[str]) -> np.ndarray:
    """The mean of each column of X, shape (n, d), over the values that are not NaN.

    Raises
    ------
    ValueError
        If a column has no value. The error names it by `columns`.
    """
    counts = (~np.isnan(X)).sum(axis=0)
    if not counts.all():
        empty = [columns[i] for i in np.flatnonzero(counts == 0)]
        raise ValueError(f"no value in the training rows of {quoted(empty)}; leave the column out")
    return np.nansum(X, axis=0) / counts


def fill_missing(X: np.ndarray, values: np.ndarray) -> np.ndarray:
    """X, of shape (n, d), with each column's NaNs replaced by its number in `values`."""
    return np.where(np.isnan(X), values, X)


def _complete_rows(table, names):
    complete = np.ones(table.num_rows, dtype=bool)
    for name in names:
        complete &= table[name].is_valid().to_numpy()
    return table if complete.all() else table.take(np.flatnonzero(complete))


def _numbers(name, column):
    if not is_numeric(column.type):
        raise ValueError(f"{name!r} holds text where numbers are needed")
    numbers = as_float64(column)
    if np.isinf(numbers).any():
        raise ValueError(f"{name!r} holds infinity; every value must be finite")
    return numbers


def _levels(name, column):
    levels = sorted({str(value) for value in column.drop_null().to_pylist()})
    if len(levels) > _MAX_LEVELS:
        raise ValueError(
            f"{name!r} holds text with {len(levels)} different values; leave the column out"
        )
    return levels
