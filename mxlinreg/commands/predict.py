"""Predict from a table with a saved model, and write the predictions as CSV."""

import re
import sys
from itertools import chain
from pathlib import Path

from .._streams import say
from .parsing import Parser, run


def main(argv):
    run(make_parser(), lambda given: predict(**vars(given)), argv)


def make_parser():
    parser = Parser(
        prog="mxlinreg predict",
        description="Predict from a table with a saved model, and write the predictions as CSV: "
        "one row for each row of the table, in the same order.",
    )
    parser.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="model file written by mxlinreg train or mxlinreg.save_model",
    )
    parser.add_argument(
        "data",
        type=Path,
        metavar="FILE",
        help="CSV or Parquet file of any size that has the model's columns, in any order",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="CSV file to write (default: standard output)"
    )
    parser.add_argument(
        "--invalid",
        choices=["empty", "error"],
        default="empty",
        help="rows with a missing value that the model does not fill, or with a value of a "
        "category that it does not know: leave their predictions empty, or stop (default: empty)",
    )
    parser.add_argument(
        "--decimal",
        choices=[".", ","],
        help="decimal sign of a CSV file (default: the one that its first rows have)",
    )
    return parser


def predict(*, model, data, output, invalid, decimal):
    from .._files import check_different, check_writable, replacing
    from ..models.model import load_model, why_invalid

    check_different({"MODEL": model, "FILE": data, "--output": output})
    if output is not None:
        check_writable("--output", output)
    loaded = load_model(model)
    counts, reasons = [], []

    def on_invalid(count, encoded):
        counts.append(count)
        reasons.append(why_invalid(encoded))

    how = "nan" if invalid == "empty" else "error"
    predictions = loaded.predict_file(data, how, decimal, on_invalid)
    first = next(predictions)  # raises before the output is created, if the file is unreadable
    blocks = chain([first], predictions)
    if output is None:
        write(sys.stdout.buffer, names_of(loaded), blocks)
    else:
        with replacing(output) as temporary, open(temporary, "wb") as file:
            write(file, names_of(loaded), blocks)
    if counts:
        rows = f"{sum(counts)} row has" if sum(counts) == 1 else f"{sum(counts)} rows have"
        more = "" if len(reasons) == 1 else "; and more in later rows"
        say(f"mxlinreg predict: warning: {rows} no prediction: {reasons[0]}{more}")


def names_of(model):
    """The names of the CSV file's columns, one for each output of the model."""
    outputs = [""] if len(model.b) == 1 else [f" {i}" for i in range(len(model.b))]
    return [f"predicted {model.target}{output}" for output in outputs]


def write(file, names, blocks):
    """Write blocks of predictions, arrays of shape (m,) or (m, k), as CSV to a binary file.

    NaN becomes an empty value. If it stands alone in its line it has quotes, because many readers
    take an empty line for none.
    """
    import numpy as np
    import pyarrow
    from pyarrow import csv

    schema = pyarrow.schema([(name, pyarrow.float64()) for name in names])
    for i, block in enumerate(blocks):
        columns = np.ascontiguousarray(block.reshape(len(block), -1).T)
        valid = ~np.isnan(columns)
        # `pyarrow.array` would import pandas if it is installed, which is slow.
        arrays = [
            pyarrow.Array.from_buffers(
                pyarrow.float64(),
                len(block),
                [
                    pyarrow.py_buffer(np.packbits(is_valid, bitorder="little")),
                    pyarrow.py_buffer(own),
                ],
            )
            for own, is_valid in zip(columns, valid)
        ]
        sink = pyarrow.BufferOutputStream()
        table = pyarrow.Table.from_arrays(arrays, schema=schema)
        csv.write_csv(table, sink, csv.WriteOptions(include_header=i == 0))
        content = sink.getvalue().to_pybytes()
        if len(names) == 1 and not valid.all():
            content = re.sub(rb"^$(?!\Z)", b'""', content, flags=re.MULTILINE)
        file.write(content)
