"""All that reads a file, and another program's view of what is in it.

Each reader takes a path and returns what it has read, in a form that can be compared. The sound
files that it needs beside the damaged one are in the working directory.
"""

import contextlib
import csv
import io
import sys
from pathlib import Path

import numpy as np

import mxlinreg as mlr
from mxlinreg.__main__ import main
from mxlinreg.rows import table_blocks, tables

TABLE, MIXED, RESULT = "sound.csv", "mixed.csv", "result"
# The last is for shapes that do not fit a damaged network, which is a network too.
SYMBOL_FILES = "sound-symbol.json", "sound-0000.params", "--shape"
# Errors that name these options are about a training on sound numbers that are not easy to fit.
ADVICE = "--epochs", "--learning-rate"
# pyarrow's, which the package takes for a missing value.
MISSING = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
           "1.#QNAN", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"}  # fmt: skip


class CommandFailed(ValueError):
    """A command has ended with status 1 and an error in one line."""


def command(*argv):
    """Run a command in this process, and return what it prints."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in argv])
            status = 0
        except SystemExit as end:
            status = end.code
    lines = err.getvalue().splitlines()
    odd = [line for line in lines if not line.startswith("mxlinreg")]
    assert not odd, f"writes to stderr: {odd[-3:]}"
    if status:
        assert status == 1 and ": error: " in lines[-1], f"ends with status {status}: {lines}"
        raise CommandFailed(lines[-1])
    out.seek(0)
    return out.read()


def load(path):
    return described(mlr.load_model(path))


def described(model):
    others = {name: value for name, value in vars(model).items() if name not in ("w", "b")}
    arrays = [(a.shape, a.dtype.str, a.tobytes()) for a in (model.w, model.b)]
    return repr([arrays, others])


def show(path):
    return command("show", path)


def predict(path):
    command("predict", path, MIXED, "--output", RESULT)
    return Path(RESULT).read_bytes()


def resume(path):
    """`mxlinreg train --resume`, which also writes the checkpoint anew."""
    command(
        "train", "--data", TABLE, "--target", "y", "--features", "x0,x1", "--epochs", 3,
        "--batch-size", 10, "--learning-rate", 0.1, "--checkpoint", path, "--resume",
        "--save", RESULT,
    )  # fmt: skip
    return load(RESULT)


def chapter():
    """The parameters and rows of a short training."""
    import mxnet as mx

    mx.random.seed(1)
    np.random.seed(1)
    X, y = mlr.synthetic(20)
    return mlr.init_params(), mlr.ArrayLoader(X, y, batch_size=5)


def train(path, epochs=3):
    params, train_data = chapter()
    losses = mlr.train(params, train_data, epochs, 0.1, checkpoint=path, resume=True)
    return losses, [param.asnumpy().tolist() for param in params]


def convert_symbol(path):
    command("convert", path, SYMBOL_FILES[1], RESULT, "--shape", "2,3")
    return None


def convert_params(path):
    command("convert", SYMBOL_FILES[0], path, RESULT, "--shape", "2,3")
    return None


def whole(path):
    table = tables.read_table(path)
    return {name: table[name].to_pylist() for name in table.column_names}


def blocks(path):
    found = {}
    for block in table_blocks.read_blocks(path, ["x0", "x1"]):
        for name in block.column_names:
            found.setdefault(name, []).extend(block[name].to_pylist())
    return found


def stream(path):
    rows = mlr.stream(path, "y", ["x0", "x1"], shuffle_buffer=0)
    parts = [(X.copy(), y.copy()) for X, y, _, _ in rows.blocks()]
    if not parts:
        return {"x0": [], "x1": [], "y": []}
    X = np.concatenate([X for X, _ in parts])
    y = np.concatenate([y.reshape(len(y), -1) for _, y in parts])
    return dict(zip(["x0", "x1", "y"], np.column_stack([X, y]).T.tolist()))


def predict_table(path):
    command("predict", "sound.params", path, "--output", RESULT)
    with open(RESULT, newline="") as file:
        return [float(row[0]) if row[0] else None for row in list(csv.reader(file))[1:]]


def fit(path):
    return load_fit(mlr.fit(path, "y"))


def load_fit(model):
    return [model.columns, model.w.ravel().tolist(), model.b.tolist()]


def fit_stream(path):
    return load_fit(mlr.fit(path, "y", stream=True))


def train_table(path):
    command("train", "--data", path, "--target", "y", "--epochs", 2, "--save", RESULT)
    return load(RESULT)


def mxnets(path):
    """What MXNet finds in a file of its own, as `load` describes it."""
    import mxnet as mx

    arrays = mx.nd.load(str(path))
    arrays = dict(zip("wb", arrays)) if isinstance(arrays, list) else arrays
    arrays = {name.replace("arg:", "", 1): array.asnumpy() for name, array in arrays.items()}
    return described(mlr.Model(arrays["w"], arrays["b"], versions={}))


def cells(path):
    """The columns of a table by another reader; None where that finds no table."""
    return parquet_cells(path) if path.suffix == ".parquet" else csv_cells(path)


def csv_cells(path):
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    delimiter = ";" if text.lstrip().startswith("x0;") else ","
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row
        ]
    except csv.Error:
        return None
    if not rows or len(set(map(len, rows))) > 1 or len(rows[0]) < 2:
        return None
    return {name.strip(): [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}


def parquet_cells(path):
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(path).read(use_threads=False)
        return {name.strip(): table[name].to_pylist() for name in table.column_names}
    except (pyarrow.ArrowException, OSError, ValueError, KeyError):
        return None


def differing(value, cells):
    """The first of a reader's columns that is not that of the cells, in words, or ""."""
    if cells is None:
        return ""
    for name, column in value.items():
        if name not in cells:
            return f"column {name!r} is not in the file"
        if len(column) != len(cells[name]):
            return f"{len(column)} values in {name!r}, not {len(cells[name])}"
        for row, (own, cell) in enumerate(zip(column, cells[name])):
            if not is_cell(own, cell):
                return f"{own!r} in {name!r}, row {row + 1}, which is {cell!r}"
    return ""


def is_cell(own, cell):
    if own is None:
        return (
            cell is None
            or cell != cell
            or cell in MISSING
            or str(cell).strip("+- ").lower() == "nan"
        )
    if own == cell or str(own) == cell:
        return True
    if isinstance(own, bool):
        return str(own) == str(cell).strip().capitalize()
    if isinstance(own, (int, float)):
        with contextlib.suppress(ValueError, TypeError):
            return float(own) == float(str(cell).replace(",", "."))
        return False
    with contextlib.suppress(ValueError, TypeError):  # dates and times
        return np.datetime64(own) == np.datetime64(str(cell).strip())
    return False


READERS = {
    name: getattr(sys.modules[__name__], name)
    for name in (
        "load", "show", "predict", "resume", "train", "convert_symbol", "convert_params", "whole",
        "blocks", "stream", "predict_table", "fit", "fit_stream", "train_table",
    )
}  # fmt: skip
