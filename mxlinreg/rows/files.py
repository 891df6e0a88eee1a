"""CSV and Parquet files, larger than memory, as a stream of blocks."""

from pathlib import Path
from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np

from .._checks import check_count, check_dtype
from .columns import check_names
from .stream import Stream
from .units import kth_part, opened, paths_of, read, units_of

_DEFAULT_WINDOW = 1 << 20  # numbers


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
    files = [opened(path) for path in paths_of(source)]
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
    units = kth_part([unit for file in files for unit in units_of(file)], k, n)
    parquet = all(file.rows is not None for file in files)
    described = [(file.path, *file.stamp[:2]) for file in files]
    result = Stream(
        read=lambda i: read(units[i], [*columns, target]),
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
