"""What the readers of CSV and Parquet files share."""

import numpy as np


def finite_numbers(column):
    """A column of pyarrow's as float64, or None if a value is missing or infinite."""
    if column.null_count:
        return None
    array = column.cast("float64", safe=False).to_numpy()
    return array if np.isfinite(array).all() else None


def one_line(error):
    return " ".join(str(error).split())
