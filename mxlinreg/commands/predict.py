"""Predict from a table with a saved model, and write the predictions as CSV."""

import sys
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

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
    return parser


def predict(*, model, data, output):
    from .._files import check_different, check_writable, replacing
    from ..models.model import load_model

    check_different({"MODEL": model, "FILE": data, "--output": output})
    if output is not None:
        check_writable("--output", output)
    loaded = load_model(model)
    predictions = loaded.predict_file(data)
    first = next(predictions)  # raises before the output is created, if the file is unreadable
    with replacing(output) if output is not None else nullcontext(sys.stdout.buffer) as file:
        write(file, names_of(loaded), chain([first], predictions))


def names_of(model):
    """The names of the CSV file's columns, one for each output of the model."""
    outputs = [""] if len(model.b) == 1 else [f" {i}" for i in range(len(model.b))]
    return [f"predicted {model.target}{output}" for output in outputs]


def write(file, names, blocks):
    """Write blocks of predictions, arrays of shape (m,) or (m, k), as CSV to a binary file."""
    import numpy as np
    import pyarrow
    from pyarrow import csv

    schema = pyarrow.schema([(name, pyarrow.float64()) for name in names])
    with csv.CSVWriter(file, schema) as writer:
        for block in blocks:
            # `pyarrow.array` would import pandas if it is installed, which is slow.
            buffers = map(pyarrow.py_buffer, np.ascontiguousarray(block.reshape(len(block), -1).T))
            arrays = [
                pyarrow.Array.from_buffers(pyarrow.float64(), len(block), [None, buffer])
                for buffer in buffers
            ]
            writer.write(pyarrow.Table.from_arrays(arrays, schema=schema))
