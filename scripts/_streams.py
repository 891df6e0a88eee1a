"""The part of benchmark.py's --scale on files: the memory that a stream takes, and its pace.

Started as a program it measures the pace for one file, beside pyarrow's reading of the same.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
GIGABYTES = 1, 4
NUM_INPUTS = 10
ROWS = 200_000  # written at once, and in a row group
MEMORY, PACE = 600, 0.7  # the targets: MB at most, of pyarrow's rows per second at least


def measure_streams(folder, runs, quick):
    """For a file of each kind and size: bytes, peak memory, seconds of an epoch and of a scan."""
    files = []
    for ending in ("parquet", "csv"):
        for gigabytes in GIGABYTES:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                path = Path(place) / f"rows.{ending}"
                write(path, gigabytes * 10**9 // (100 if quick else 1))
                pace = [sys.executable, str(HERE / "_streams.py"), str(path), str(runs)]
                done = subprocess.run(pace, check=True, stdout=subprocess.PIPE)
                size = path.stat().st_size
                peak = peak_memory(path)
                found = {"kind": ending, "bytes": size, "peak": peak, **json.loads(done.stdout)}
                files.append(found)
    return files


def write(path, size):
    """A file of at least this many bytes, of normal numbers."""
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
    """The bytes that train.py holds at most while it trains on the file."""
    train = [sys.executable, str(HERE / "train.py"), "--data", str(path), "--target", "y"]
    process = subprocess.Popen(
        [*train, "--stream", "--engine", "compiled", "--epochs", "1"], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise ValueError(f"train.py: failed on {path}")
    return usage.ru_maxrss * 1024


def print_streams(files):
    print(f"\n### Streams: {NUM_INPUTS} inputs, float64, compiled; pyarrow reads the file alone\n")
    print("| file | GB | peak memory, MB | million rows per s | pyarrow | of pyarrow's |")
    print("|---|---:|---:|---:|---:|---:|")
    for file in files:
        rates = [file["rows"] / median(file[what]) / 1e6 for what in ("epoch", "scan")]
        share = median(scan / epoch for scan, epoch in zip(file["scan"], file["epoch"]))
        texts = (
            f"{file['bytes'] / 1e9:.2f}",
            f"{file['peak'] / 1e6:.0f} ({verdict(file['peak'] / 1e6 <= MEMORY)})",
            *(f"{rate:.3g}" for rate in rates),
            f"{share:.2f} ({verdict(share >= PACE)})",
        )
        print(f"| {file['kind']} | {' | '.join(texts)} |")
    print(f"\nThe targets: at most {MEMORY} MB, at least {PACE} of pyarrow's rows per second.")


def verdict(is_met):
    return "met" if is_met else "**missed**"


def work(path, runs):
    """Print the seconds of epochs, and of pyarrow's reading alone, in turns."""
    from pyarrow import dataset

    import mxlinreg as mlr

    train_data = mlr.stream(path, "y", standardize=True)
    params = mlr.init_params(NUM_INPUTS, dtype="float64")
    mlr.compiled.train_epoch(params, train_data, 0.0)
    seconds = {"epoch": [], "scan": []}
    for _ in range(runs):
        start = time.perf_counter()
        mlr.compiled.train_epoch(params, train_data, 0.01)
        end = time.perf_counter()
        seconds["epoch"].append(end - start)
        scan = dataset.dataset(path, format=Path(path).suffix[1:]).to_batches()
        rows = sum(batch.num_rows for batch in scan)
        seconds["scan"].append(time.perf_counter() - end)
    print(json.dumps({"rows": rows, **seconds}))


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]))
