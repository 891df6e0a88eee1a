"""One worker of a job that benchmark.py --only scale starts.

Started as ``worker.py SETTINGS FILE``: the settings are the arguments of `measure` in JSON, and
the worker of rank 0 writes the result to the file.
"""

import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

import mxlinreg as mlr
from mxlinreg import distributed

import mxnet as mx  # isort: skip  (mxlinreg makes it work)

NARROW, WIDE = 10, 1000  # inputs


def measure(kv, rows, sizes, batch, batches, own_batches):
    """Seconds, of which some depend on the other workers and some are the worker's own.

    The worker has `rows` rows, or a hundredth of them with WIDE inputs. `sizes` are how many
    numbers the KVStore adds up. All workers together train on `batches` batches of `batch` rows.
    `own_batches` are the sizes of the batches that a worker computes by itself.
    """
    random = np.random.RandomState(kv.rank)
    return {
        "kvstore": {size: time_sum(kv, size) for size in sizes},
        "epoch": time_epoch(kv, random, rows),
        "batch": time_batch(kv, random, batch, batches),
        "own": {
            NARROW: time_own(kv, random, NARROW, rows, own_batches),
            WIDE: time_own(kv, random, WIDE, rows // 100, own_batches),
        },
    }


def time_sum(kv, size):
    """Seconds for the KVStore to add up `size` numbers of each worker."""
    # Sums follow one another, as in a training. Large ones need fewer repetitions.
    times = max(3, min(100, 10**6 // size))
    return seconds(kv, lambda: add_up(kv, size, times), 3) / times


def time_epoch(kv, random, rows):
    """Seconds of an epoch of all workers, each with its own `rows` rows."""
    share = distributed.Share(kv, *draw(random, rows, NARROW), batch_size=32)
    params, run_epoch = mlr.init_params(NARROW), distributed.engine(kv, "epoch")
    return seconds(kv, lambda: run_epoch(params, share, 1e-4), 9)


def time_batch(kv, random, batch, batches):
    """Seconds of a batch of all workers, each with its part of the batch's rows."""
    rows = batch * batches // kv.num_workers
    share = distributed.Share(kv, *draw(random, rows, NARROW), batch_size=batch)
    params, run_epoch = mlr.init_params(NARROW), distributed.engine(kv, "batch")
    return seconds(kv, lambda: run_epoch(params, share, 1e-4), 3) / len(share)


def time_own(kv, random, num_inputs, rows, own_batches):
    """Seconds of what a worker computes by itself: an epoch by its rows, a batch by its size."""
    loader = mlr.ArrayLoader(*draw(random, rows, num_inputs), 32)
    params = mlr.init_params(num_inputs)
    epoch = seconds(kv, lambda: mlr.compiled.train_epoch(params, loader, 1e-6), 9)
    return {
        "epoch_per_row": epoch / rows,
        "batch": {size: time_own_batch(kv, random, num_inputs, size) for size in own_batches},
    }


def time_own_batch(kv, random, num_inputs, size):
    """Seconds of a batch of `size` rows that a worker computes without waiting for others."""
    # The engine "batch" runs here in a job of one worker, whose KVStore is local: it picks rows,
    # computes gradients and takes steps as it does among many workers, but sends nothing. The sum
    # over that one worker remains, so its seconds in the same turn are subtracted. The engine
    # "autograd" would measure something else, because its loader collects a batch row by row.
    alone = mx.kv.create("local")
    share = distributed.Share(alone, *draw(random, 8 * size, num_inputs), batch_size=size)
    params, run_epoch = mlr.init_params(num_inputs), distributed.engine(alone, "batch")

    def epoch():
        run_epoch(params, share, 1e-6)

    def sums():
        add_up(alone, num_inputs + 2, len(share))  # w, b and the loss of each batch

    epoch()
    sums()
    own = [begun_together(kv, epoch) - begun_together(kv, sums) for _ in range(9)]
    return median(own) / len(share)


def seconds(kv, call, times):
    """The median seconds of a call after the first, which compiles or fills caches."""
    call()
    return median(begun_together(kv, call) for _ in range(times))


def begun_together(kv, call):
    """The seconds of a call that all workers begin at the same time."""
    distributed.all_reduce(kv, np.zeros(1))
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def add_up(kv, size, times):
    numbers = np.ones(size)
    for _ in range(times):
        distributed.all_reduce(kv, numbers)


def draw(random, rows, num_inputs):
    X = random.standard_normal((rows, num_inputs)).astype("float32")
    return X, X.sum(axis=1)


if __name__ == "__main__":
    settings, path = sys.argv[1:]
    with distributed.connect() as kv:
        result = measure(kv, **json.loads(settings))
        if kv.rank == 0:
            Path(path).write_text(json.dumps(result))
