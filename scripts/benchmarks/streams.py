"""Streams of files: the memory that one takes, and its pace beside pyarrow's reading alone."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from .children import answer_of
from .output import print_table, verdict

TRAIN = Path(__file__).parent.parent / "train.py"
GIGABYTES = 1, 4
NUM_INPUTS = 10
ROWS = 200_000  # written at once, and in a row group
# The targets: at most so many MB, at least this share of pyarrow's rows per second.
MEMORY, PACE = 600, 0.7


def measure_streams(folder, runs, divisor):
    """For a file of each kind and size: its bytes, the peak memory, and the seconds of both."""
    files = []
    for ending in ("parquet", "csv"):
        for gigabytes in GIGABYTES:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                path = Path(place) / f"rows.{ending}"
                write(path, gigabytes * 10**9 // divisor)
                pace = answer_of("pace", str(path), runs)
                size, peak = path.stat().st_size, peak_memory(path)
                files.append({"kind": ending, "bytes": size, "peak": peak, **pace, **rates(pace)})
    return files


def write(path, size):
    """Write a file of normal numbers of at least this many bytes."""
    import numpy as np
    import pyarrow
    from pyarrow import csv, parquet

    random = np.random.RandomState(0)
    names = [*(f"x{i}" for i in range(NUM_INPUTS)), "y"]

    def table():
        columns = random.standard_normal((NUM_INPUTS, ROWS))
        return pyarrow.table([*columns, columns.sum(axis=0)], names)

    schema = table().schema
    kind = csv.CSVWriter if path.suffix == ".csv" else parquet.ParquetWriter
    with kind(str(path), schema) as writer:
        while not path.exists() or path.stat().st_size < size:
            writer.write_table(table())


def peak_memory(path):
    """The most bytes that train.py holds while it trains on the file."""
    train = [sys.executable, str(TRAIN), "--data", str(path), "--target", "y", "--stream"]
    command = [*train, "--engine", "compiled", "--epochs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)  # Only wait4 gives the memory of one child.
    if status != 0:
        raise ValueError(f"train.py: failed on {path}")
    return usage.ru_maxrss * 1024


def rates(pace):
    """Rows per second of both, and the share of pyarrow's that a stream has, turn by turn."""
    share = median(scan / epoch for scan, epoch in zip(pace["scan"], pace["epoch"]))
    of_each = {f"{what}_rate": pace["rows"] / median(pace[what]) for what in ("epoch", "scan")}
    return {**of_each, "share": share}


def print_streams(files):
    print(f"\n### Streams: {NUM_INPUTS} inputs, float64, compiled; pyarrow reads the file alone\n")
    rows = []
    for file in files:
        size = f"{file['bytes'] / 1e9:.2f}"
        peak = f"{file['peak'] / 1e6:.0f} ({verdict(file['peak'] / 1e6 <= MEMORY)})"
        pace = f"{file['share']:.2f} ({verdict(file['share'] >= PACE)})"
        both = [file["epoch_rate"] / 1e6, file["scan_rate"] / 1e6]
        rows.append([file["kind"], size, peak, *both, pace])
    head = ["file", "GB", "peak memory, MB", "million rows per s", "pyarrow", "of pyarrow's"]
    print_table(head, rows)
    print(f"\nThe targets: at most {MEMORY} MB, at least {PACE} of pyarrow's rows per second.")
