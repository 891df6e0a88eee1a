"""CSV and Parquet files that may be larger than memory, as a stream of blocks."""

from pathlib import Path
from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np

from .._checks import check_count, check_dtype, check_text, check_texts, real_values, shown
from .columns import check_names
from .stream import WINDOW, Stream
from .units import kth_part, opened, paths_of, read, units_of


def stream(
    source: Union[str, Path],
    target: str,
    features: Optional[Sequence[str]] = None,
    batch_size: Optional[int] = 64,
    shuffle_buffer: Optional[int] = None,
    standardize: Union[bool, Tuple[Any, Any, Any, Any]] = False,
    dtype: str = "float64",
    part: Tuple[int, int] = (0, 1),
) -> Stream:
    """Read the rows of files block by block, so that they may be larger than memory.

    `train` takes the stream with both engines. `least_squares` takes it too, and
    ``LinearRegressor.partial_fit`` takes its blocks.

    Parameters
    ----------
    source : str or Path
        A CSV or Parquet file, a folder, or a glob such as ``"parts/*.parquet"``. A folder stands
        for all files in it and in its subfolders, except names that begin with a dot or an
        underscore. Files that are added later are not read. CSV files are read as by
        `tables.read_table`, but their values cannot contain line breaks. Every file must have the
        target and the features as columns, in any order.
    target : str
        The column to predict.
    features : sequence of str, optional
        The columns to predict the target from; by default all others of the first file.
    batch_size : int, or None
        The number of rows in a batch. None leaves the choice to a fit.
    shuffle_buffer : int, optional
        The number of rows in a block, by default as many as make a million numbers. Rows are
        shuffled within their block. The units in which files are read (row groups of Parquet,
        4 MiB of CSV) are shuffled too, see `Stream`. 0 keeps the files' order.
    standardize : bool or (X_mean, X_scale, y_mean, y_scale)
        Whether to give each column mean 0 and standard deviation 1. True finds the means and
        scales in one pass over the `part`. A tuple gives them as arrays of shape (d,) and (1,).
    dtype : {"float32", "float64"}
    part : (int, int)
        ``(k, n)`` reads only the k-th of n parts of the rows, counted from 0. The parts have equal
        numbers of rows, or for CSV files of bytes. Each row is in exactly one part. If there are
        few rows, some parts are empty.

    Returns
    -------
    Stream

    Raises
    ------
    ValueError
        If there is no such file, a file is empty or neither CSV nor Parquet, or a column is
        missing, named twice or not numeric. During a pass: if a value is missing, infinite or
        not a number (the error names the file, the column, and the CSV line or Parquet row,
        counted from 1), if a CSV line has more or fewer values than the header, or if a file has
        changed since the stream was made.
    TypeError
        If an argument is of the wrong type.
    ImportError
        If pyarrow is missing (the extra `data`).
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise ImportError('streams need pyarrow: pip install "mxlinreg[data]"') from None
    if batch_size is not None:
        batch_size = check_count("batch_size", batch_size)
    check_dtype(dtype)
    check_text("target", target)
    features = None if features is None else check_texts("features", features)
    try:
        k, n = part
    except Exception:  # whatever the part is
        raise TypeError(f"part: must be a pair (k, n), not {shown(part)}") from None
    n = check_count("part", n)
    if not check_count("part", k, minimum=0) < n:
        raise ValueError(f"part: ({k}, {n}) is not one of (0, {n}) to ({n - 1}, {n})")
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
        shuffle_buffer = max(batch_size or 1, WINDOW // (len(columns) + 1))
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
        arrays = [
            np.asarray(real_values("standardize", array), dtype=np.float64).ravel()
            for array in standardize
        ]
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
            f"not {shown(standardize)}"
        )
    elif standardize:
        result.standardize()
    return result
