"""What several workers gain, measured here and modelled for more machines and other networks."""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from .output import machine, print_table, write_json
from .reference import TOLERANCE, busy_line, compare_loops, reference_loop, slowdown
from .streams import measure_streams, print_streams

WORKER = Path(__file__).parent / "worker.py"
LAUNCH = Path(__file__).parent.parent / "launch.py"
WORKERS = 1, 2, 4
ROWS = 1_000_000  # of each worker
SIZES = 10**2, 10**3, 10**4, 10**5, 10**6  # numbers that the KVStore adds up
BATCH, BATCHES = 1024, 50  # of all workers together
OWN_BATCHES = 64, 4096  # the rows of the batches that a worker computes by itself
MODELLED = 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000
TOTAL_ROWS = 10**9
LARGE_BATCH = 10**5
# The inputs, and a network with its latency in seconds and its bits per second.
CASES = [
    (10, "1 Gbit/s, 200 µs", 200e-6, 1e9),
    (10, "25 Gbit/s, 20 µs", 20e-6, 25e9),
    (1000, "1 Gbit/s, 200 µs", 200e-6, 1e9),
    (1000, "25 Gbit/s, 20 µs", 20e-6, 25e9),
]


def scale(output, runs, divisor):
    """Measure streams and workers on all rows divided by `divisor`, and model more workers."""
    import numpy as np

    from mxlinreg.plotting import save_figure

    rows = ROWS // divisor
    before = reference_loop()
    streams = measure_streams(output, runs, divisor)
    jobs = {num_workers: [] for num_workers in WORKERS}
    for _ in range(runs):
        for num_workers, measured in jobs.items():
            measured.append(run_job(num_workers, rows))
    reference = compare_loops(before, reference_loop(), math.inf)
    measured = {n: medians(results) for n, results in jobs.items()}
    kvstore = fit_kvstore(measured)
    own = {int(d): fit_own(parts) for d, parts in measured[1]["own"].items()}
    results = {
        "machine": f"{machine()}, NumPy {np.__version__}",
        "runs": runs,
        "reference": reference,
        "busy": slowdown(reference) > TOLERANCE,
        "rows": rows,
        "streams": streams,
        "jobs": jobs,
        "workers": workers(jobs, rows),
        "kvstore": {"model": kvstore, "sums": sums(measured, kvstore)},
        "own": own,
        "checks": checks(measured, kvstore, rows),
        "model": [model(*case, kvstore, own[case[0]]) for case in CASES],
    }
    print_results(results)
    write_json(results, output / "scale.json")
    save_figure(plot_model(results["model"]), output / "scale.png")
    print(f"\nwrote scale.json and scale.png to {output}")


def run_job(num_workers, rows):
    settings = {
        "rows": rows,
        "sizes": SIZES,
        "batch": BATCH,
        "batches": BATCHES,
        "own_batches": OWN_BATCHES,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        worker = [sys.executable, str(WORKER), json.dumps(settings), str(path)]
        launch = [sys.executable, str(LAUNCH), "-n", str(num_workers), "--", *worker]
        subprocess.run(launch, check=True)
        return json.loads(path.read_text())


def medians(results):
    """The median of each number, over results that are nested in the same way."""
    if isinstance(results[0], dict):
        return {key: medians([result[key] for result in results]) for key in results[0]}
    return median(results)


def fit_kvstore(measured):
    """Seconds to add up p numbers of N workers: ``fixed + N (per_worker + p per_number)``."""
    import numpy as np

    points = [(n, int(p), s) for n in measured for p, s in measured[n]["kvstore"].items()]
    n, p, seconds = np.array(points).T
    terms = np.stack([np.ones(len(n)), n, n * p], axis=1)
    # Relative errors, so that large sums do not outweigh the small. No part may be negative.
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
    """A worker's own seconds: of an epoch per row, and of a batch at all and per row."""
    (small, first), (large, last) = ((int(size), s) for size, s in parts["batch"].items())
    # No part may be negative, as it would be where noise exceeds the difference of the two.
    per_row = max(0.0, (last - first) / (large - small))
    return {
        "epoch_per_row": parts["epoch_per_row"],
        "batch_fixed": first - small * per_row,
        "batch_per_row": per_row,
    }


def added_up(kvstore, n, p, latency=0.0, bandwidth=math.inf):
    """Seconds until all n workers have the sum of p numbers from one server, and the part of them
    that each worker adds."""
    through_server = 2 * 64 * p / bandwidth
    per_worker = kvstore["per_worker"] + p * kvstore["per_number"] + through_server
    return kvstore["fixed"] + 2 * latency + n * per_worker, per_worker


def checks(measured, kvstore, rows):
    """Seconds of an epoch or batch of all workers: what, workers, measured, modelled, and ratio.

    A worker's own seconds are those of the same job, in which all workers share the cores.
    """
    found = []
    for n in measured:
        own = fit_own(measured[n]["own"]["10"])
        added = added_up(kvstore, n, 12)[0]
        epoch = rows * own["epoch_per_row"] + added
        found.append(["epoch", n, measured[n]["epoch"], epoch, epoch / measured[n]["epoch"]])
        batch = own["batch_fixed"] + BATCH / n * own["batch_per_row"] + added
        found.append(["batch", n, measured[n]["batch"], batch, batch / measured[n]["batch"]])
    return sorted(found, reverse=True, key=lambda row: row[0])


def model(num_inputs, network, latency, bandwidth, kvstore, own):
    """Seconds per epoch of TOTAL_ROWS by the number of machines, and the fastest number."""
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
        # Here the time's derivative by the number of machines is 0.
        "epoch_best": math.sqrt(TOTAL_ROWS * own["epoch_per_row"] / per_worker),
        "batch_best": math.sqrt(LARGE_BATCH * own["batch_per_row"] / per_worker),
    }


def workers(jobs, rows):
    """For each number of workers: seconds per epoch, their least and most, million rows per second,
    and how many times one worker's rate that is, averaged over workers and not."""
    found = []
    for n, results in jobs.items():
        seconds = [result["epoch"] for result in results]
        # Each turn is compared by itself, because the machine's pace changes between turns.
        gain = median(n * one["epoch"] / own for one, own in zip(jobs[1], seconds))
        alone = [[result["own"]["10"]["epoch_per_row"] for result in jobs[k]] for k in (1, n)]
        alone_gain = median(n * one / own for one, own in zip(*alone))
        rate = n * rows / median(seconds) / 1e6
        found.append([n, median(seconds), min(seconds), max(seconds), rate, gain, alone_gain])
    return found


def sums(measured, kvstore):
    """Of each size, for each number of workers: the seconds of a sum, measured and modelled."""
    return [
        [
            size,
            [[measured[n]["kvstore"][str(size)], added_up(kvstore, n, size)[0]] for n in measured],
        ]
        for size in SIZES
    ]


def print_results(results):
    """Print what scale.json holds, as docs/scale.md shows it."""
    print(f"{results['machine']}; median of {results['runs']} runs, in turns")
    print_streams(results["streams"])
    print_workers(results["workers"], results["rows"])
    print_kvstore(**results["kvstore"])
    print_own(results["own"])
    print_checks(results["checks"])
    print_model(results["model"])
    if results.get("busy"):
        print(f"\n{busy_line(results['reference'])}")


def print_workers(found, rows):
    print(f"\n### {rows} rows, 10 inputs, batch 32 for each worker; --sync epoch\n")
    head = ["workers", "s per epoch", "from", "to", "million rows per s", "times one"]
    print_table([*head, "not averaged"], found)


def print_kvstore(model, sums):
    print("\n### KVStore, one push and pull, ms: measured (modelled)\n")
    rows = [
        [size, *(f"{1e3 * seconds:.3g} ({1e3 * modelled:.3g})" for seconds, modelled in times)]
        for size, times in sums
    ]
    print_table(["numbers", *(f"{n} worker{'s' * (n > 1)}" for n in WORKERS)], rows)
    print(
        f"\nmodel: {1e3 * model['fixed']:.3g} ms + workers × "
        f"({1e3 * model['per_worker']:.3g} ms + numbers × {1e9 * model['per_number']:.3g} ns)"
    )


def print_own(own):
    print("\n### What a worker computes itself\n")
    rows = [
        [d, 1e9 * parts["epoch_per_row"], 1e3 * parts["batch_fixed"], 1e6 * parts["batch_per_row"]]
        for d, parts in own.items()
    ]
    print_table(["inputs", "compiled, ns per row", "a batch, ms", "and µs per row"], rows)


def print_checks(rows):
    print(f"\n### Model and measurement: an epoch by epoch, a batch of {BATCH} by batch, ms\n")
    cells = [
        [sync, n, 1e3 * seconds, 1e3 * modelled, ratio]
        for sync, n, seconds, modelled, ratio in rows
    ]
    print_table(["sync", "workers", "measured", "modelled", "modelled / measured"], cells)


def print_model(cases):
    print(
        f"\n### Modelled: s per epoch of {TOTAL_ROWS:.0e} rows; --sync batch with batches of "
        f"{LARGE_BATCH:.0e} rows\n"
    )
    head, rows, fastest = ["machines"], [[n] for n in MODELLED], ["fastest at"]
    for case in cases:
        head += [f"{case['inputs']} inputs, {case['network']}: epoch", "batch"]
        fastest += [case["epoch_best"], case["batch_best"]]
        for row, *seconds in zip(rows, case["epoch"], case["batch"]):
            row += seconds
    print_table(head, [*rows, fastest])


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
