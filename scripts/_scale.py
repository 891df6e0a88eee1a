"""The part --scale of benchmark.py: what several workers gain, measured here and modelled beyond,
and what a stream of files takes.

Started as a program it is a worker, which measures its share of this.
"""

import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from _streams import measure_streams, print_streams

HERE = Path(__file__).parent
WORKERS = 1, 2, 4
ROWS = 1_000_000  # of each worker
SIZES = 10**2, 10**3, 10**4, 10**5, 10**6  # numbers
BATCH, BATCHES = 1024, 50
OWN_BATCHES = 64, 4096
MODELLED = 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000
TOTAL_ROWS = 10**9
LARGE_BATCH = 10**5
# inputs, and a network: seconds of latency, bits per second
CASES = [
    (10, "1 Gbit/s, 200 µs", 200e-6, 1e9),
    (10, "25 Gbit/s, 20 µs", 20e-6, 25e9),
    (1000, "1 Gbit/s, 200 µs", 200e-6, 1e9),
    (1000, "25 Gbit/s, 20 µs", 20e-6, 25e9),
]


def scale(args):
    import numpy as np

    from mxlinreg._files import replacing
    from mxlinreg.plotting import save_figure

    args.output.mkdir(parents=True, exist_ok=True)
    rows = ROWS // (100 if args.quick else 1)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, NumPy {np.__version__}; median of {args.runs} runs, in turns", flush=True)
    streams = measure_streams(args.output, args.runs, args.quick)
    jobs = {num_workers: [] for num_workers in WORKERS}
    for _ in range(args.runs):
        for num_workers, measured in jobs.items():
            measured.append(run_job(num_workers, rows))
    measured = {n: medians(results) for n, results in jobs.items()}
    kvstore = fit_kvstore(measured)
    own = {int(d): fit_own(parts) for d, parts in measured[1]["own"].items()}
    results = {
        "machine": machine,
        "runs": args.runs,
        "rows": rows,
        "jobs": jobs,
        "kvstore": kvstore,
        "own": own,
        "checks": checks(measured, kvstore, rows),
        "streams": streams,
        "model": [model(*case, kvstore, own[case[0]]) for case in CASES],
    }
    print_streams(streams)
    print_weak(jobs, rows)
    print_kvstore(measured, kvstore)
    print_own(own)
    print_checks(results["checks"])
    print_model(results["model"])
    with replacing(args.output / "scale.json") as path:
        Path(path).write_text(json.dumps(results, indent=1) + "\n")
    save_figure(plot_model(results["model"]), args.output / "scale.png")
    print(f"\nwrote scale.json and scale.png to {args.output}")


def run_job(num_workers, rows):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        worker = [sys.executable, str(HERE / "_scale.py"), str(rows), str(path)]
        launch = [sys.executable, str(HERE / "launch.py"), "-n", str(num_workers), "--", *worker]
        subprocess.run(launch, check=True)
        return json.loads(path.read_text())


def medians(results):
    """The median of each number in results of one structure."""
    if isinstance(results[0], dict):
        return {key: medians([result[key] for result in results]) for key in results[0]}
    return median(results)


def fit_kvstore(measured):
    """Seconds to add up p numbers of N workers: ``fixed + N (per_worker + p per_number)``."""
    import numpy as np

    points = [(n, int(p), s) for n in measured for p, s in measured[n]["kvstore"].items()]
    n, p, seconds = np.array(points).T
    terms = np.stack([np.ones(len(n)), n, n * p], axis=1)
    # The relative errors count alike, and no part may be negative.
    left = list(range(3))
    while True:
        values = np.linalg.lstsq(terms[:, left] / seconds[:, None], np.ones(len(n)), rcond=None)[0]
        if (values >= 0).all():
            break
        del left[int(np.argmin(values))]
    parts = dict.fromkeys(("fixed", "per_worker", "per_number"), 0.0)
    for i, value in zip(left, values):
        parts[list(parts)[i]] = float(value)
    return parts


def fit_own(parts):
    """What a worker computes itself: seconds of an epoch per row, of a batch fixed and per row."""
    (small, first), (large, last) = ((int(size), s) for size, s in parts["batch"].items())
    per_row = (last - first) / (large - small)
    return {
        "epoch_per_row": parts["epoch_per_row"],
        "batch_fixed": first - small * per_row,
        "batch_per_row": per_row,
    }


def added_up(kvstore, n, p, latency=0.0, bandwidth=math.inf):
    """Seconds for the sum of p numbers of n workers to be with all, by way of one server."""
    through_server = 2 * 64 * p / bandwidth
    per_worker = kvstore["per_worker"] + p * kvstore["per_number"] + through_server
    return kvstore["fixed"] + 2 * latency + n * per_worker, per_worker


def checks(measured, kvstore, rows):
    """Seconds of an epoch or batch of all workers: (what, workers, measured, modelled).

    What a worker computes is as measured with as many side by side, who share the cores.
    """
    found = []
    for n in measured:
        own = fit_own(measured[n]["own"]["10"])
        added = added_up(kvstore, n, 12)[0]
        epoch = rows * own["epoch_per_row"] + added
        found.append(["epoch", n, measured[n]["epoch"], epoch])
        batch = own["batch_fixed"] + BATCH / n * own["batch_per_row"] + added
        found.append(["batch", n, measured[n]["batch"], batch])
    return sorted(found, reverse=True, key=lambda row: row[0])


def model(num_inputs, network, latency, bandwidth, kvstore, own):
    """Seconds per epoch of all rows by the number of machines, and where more stop paying."""
    numbers = num_inputs + 2
    epoch, batch = [], []
    for n in MODELLED:
        added, per_worker = added_up(kvstore, n, numbers, latency, bandwidth)
        added = added if n > 1 else 0.0
        epoch.append(TOTAL_ROWS * own["epoch_per_row"] / n + added)
        of_batch = own["batch_fixed"] + LARGE_BATCH / n * own["batch_per_row"] + added
        batch.append(TOTAL_ROWS / LARGE_BATCH * of_batch)
    return {
        "inputs": num_inputs,
        "network": network,
        "machines": MODELLED,
        "epoch": epoch,
        "batch": batch,
        # Where the time's derivative by the number of machines is 0.
        "epoch_best": math.sqrt(TOTAL_ROWS * own["epoch_per_row"] / per_worker),
        "batch_best": math.sqrt(LARGE_BATCH * own["batch_per_row"] / per_worker),
    }


def digits(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def print_weak(jobs, rows):
    print(f"\n### {rows} rows, 10 inputs, batch 32 for each worker; --sync epoch\n")
    print("| workers | s per epoch | from | to | million rows per s | times one | not averaged |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for n, results in jobs.items():
        seconds = [result["epoch"] for result in results]
        # Of each turn by itself, as the machine's pace changes from one to the next.
        gains = median(n * one["epoch"] / own for one, own in zip(jobs[1], seconds))
        alone = [[result["own"]["10"]["epoch_per_row"] for result in jobs[k]] for k in (1, n)]
        alone_gains = median(n * one / own for one, own in zip(*alone))
        rate = n * rows / median(seconds) / 1e6
        values = median(seconds), min(seconds), max(seconds), rate, gains, alone_gains
        print(f"| {n} | {' | '.join(map(digits, values))} |")


def print_kvstore(measured, kvstore):
    print("\n### KVStore, one push and pull, ms: measured (modelled)\n")
    print("| numbers | " + " | ".join(f"{n} worker{'s' * (n > 1)}" for n in measured) + " |")
    print("|---:|" + "---:|" * len(measured))
    for size in SIZES:
        cells = [
            f"{1e3 * measured[n]['kvstore'][str(size)]:.3g} "
            f"({1e3 * added_up(kvstore, n, size)[0]:.3g})"
            for n in measured
        ]
        print(f"| {size} | {' | '.join(cells)} |")
    print(
        f"\nmodel: {1e3 * kvstore['fixed']:.3g} ms + workers × "
        f"({1e3 * kvstore['per_worker']:.3g} ms + numbers × {1e9 * kvstore['per_number']:.3g} ns)"
    )


def print_own(own):
    print("\n### What a worker computes itself\n")
    print("| inputs | compiled, ns per row | a batch, ms | and µs per row |")
    print("|---:|---:|---:|---:|")
    for d, parts in own.items():
        values = 1e9 * parts["epoch_per_row"], 1e3 * parts["batch_fixed"]
        print(f"| {d} | {' | '.join(map(digits, (*values, 1e6 * parts['batch_per_row'])))} |")


def print_checks(rows):
    print(f"\n### Model and measurement: an epoch by epoch, a batch of {BATCH} by batch, ms\n")
    print("| sync | workers | measured | modelled | modelled / measured |")
    print("|---|---:|---:|---:|---:|")
    for sync, n, seconds, modelled in rows:
        values = 1e3 * seconds, 1e3 * modelled, modelled / seconds
        print(f"| {sync} | {n} | {' | '.join(map(digits, values))} |")


def print_model(cases):
    print(
        f"\n### Modelled: s per epoch of {TOTAL_ROWS:.0e} rows; --sync batch with batches of "
        f"{LARGE_BATCH:.0e} rows\n"
    )
    heads = [f"{case['inputs']} inputs, {case['network']}" for case in cases]
    print("| machines | " + " | ".join(f"{head}: epoch | batch" for head in heads) + " |")
    print("|---:|" + "---:|---:|" * len(cases))
    for i, n in enumerate(MODELLED):
        values = [value for case in cases for value in (case["epoch"][i], case["batch"][i])]
        print(f"| {n} | {' | '.join(map(digits, values))} |")
    values = [value for case in cases for value in (case["epoch_best"], case["batch_best"])]
    print(f"| fastest at | {' | '.join(map(digits, values))} |")


def plot_model(cases):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    for axes, case in zip(figure.subplots(2, 2, sharex=True).flat, cases):
        for sync, colour in (("epoch", "tab:green"), ("batch", "tab:blue")):
            seconds = case[sync]
            axes.loglog(case["machines"], seconds, "o-", color=colour, label=f"--sync {sync}")
            axes.loglog(
                case["machines"],
                [seconds[0] / n for n in case["machines"]],
                ":",
                color=colour,
                label="in proportion",
            )
        axes.set_title(f"{case['inputs']} inputs, {case['network']}", fontsize=10)
        axes.set(xlabel="machines", ylabel="s per epoch")
        axes.legend(fontsize=8)
    return figure


def work(rows, path):
    """Measure, as a worker among others; rank 0 writes what it has found."""
    import numpy as np

    import mxlinreg as mlr
    from mxlinreg import distributed

    def data(rows, inputs):
        X = random.standard_normal((rows, inputs)).astype("float32")
        return X, X.sum(axis=1)

    def seconds(call, times):
        """The median time of a call that all workers begin together."""
        call()
        measured = []
        for _ in range(times):
            distributed.add_up(kv, np.zeros(1))
            start = time.perf_counter()
            call()
            measured.append(time.perf_counter() - start)
        return median(measured)

    with distributed.connect() as kv:
        random = np.random.RandomState(kv.rank)
        kvstore = {}
        for size in SIZES:
            numbers = np.ones(size)
            # As many as take a while, as a training does, and with nothing between them.
            times = max(3, min(100, 10**6 // size))

            def add_up(numbers=numbers, times=times):
                for _ in range(times):
                    distributed.add_up(kv, numbers)

            kvstore[size] = seconds(add_up, 3) / times

        share = distributed.Share(kv, *data(rows, 10), batch_size=32)
        params, run_epoch = mlr.init_params(10), distributed.engine(kv, "epoch")
        epoch = seconds(lambda: run_epoch(params, share, 1e-4), 9)
        one_epoch = seconds(lambda: mlr.compiled.train_epoch(params, share.loader, 1e-4), 9)

        some = BATCH * BATCHES // kv.num_workers
        share = distributed.Share(kv, *data(some, 10), batch_size=BATCH)
        run_batches = distributed.engine(kv, "batch")
        batch = seconds(lambda: run_batches(params, share, 1e-4), 3) / len(share)

        own = {10: {"epoch_per_row": one_epoch / rows, "batch": {}}}
        X, y = data(rows // 100, 1000)
        wide, wide_params = mlr.ArrayLoader(X, y, 32), mlr.init_params(1000)
        one_epoch = seconds(lambda: mlr.compiled.train_epoch(wide_params, wide, 1e-6), 9)
        own[1000] = {"epoch_per_row": one_epoch / len(X), "batch": {}}
        added_up = distributed.add_up
        for inputs, parts in own.items():
            params = mlr.init_params(inputs)
            for size in OWN_BATCHES:
                alone = Alone(mlr.ArrayLoader(*data(8 * size, inputs), size))

                def batches(params=params, alone=alone):
                    distributed.workers.add_up = lambda kv, numbers: numbers
                    try:
                        distributed.workers._run_batches(kv, params, alone, 1e-6)
                    finally:
                        distributed.workers.add_up = added_up

                parts["batch"][size] = seconds(batches, 5) / 8
        if kv.rank == 0:
            result = {"kvstore": kvstore, "epoch": epoch, "batch": batch, "own": own}
            Path(path).write_text(json.dumps(result))


class Alone:
    """The share of a worker that is all there is."""

    def __init__(self, loader):
        self.loader, self.batch_size, self.shuffle = loader, loader.batch_size, True
        self.num_rows = len(loader.X)
        self.rows = range(self.num_rows)

    def __len__(self):
        return len(self.loader)


if __name__ == "__main__":
    work(int(sys.argv[1]), sys.argv[2])
