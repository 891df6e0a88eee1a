"""A fixed piece of work that takes longer while other programs use the machine."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

# Times that differ by more than this factor mean a busy machine.
TOLERANCE = 1.15


def reference_loop():
    """The seconds of some sorting on every core, and how many of them were spent computing.

    The two differ while other programs take a part of the cores.
    """
    import numpy as np

    values = np.random.RandomState(0).standard_normal(100_000)

    def work(_):
        start = time.thread_time()
        for _ in range(40):
            np.sort(values)  # It needs no lock of Python's.
        return time.thread_time() - start

    cores = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(cores) as pool:
        start = time.perf_counter()
        computing = max(pool.map(work, range(cores)))
        return time.perf_counter() - start, computing


def compare_loops(before, after, fastest):
    """The seconds of the loops before and after a part, and the least of the run so far."""
    fastest = min(fastest, *before, *after)
    return {"before": before[0], "after": after[0], "fastest": fastest}


def slowdown(reference):
    return max(reference["before"], reference["after"]) / reference["fastest"]


def busy_line(reference):
    return (
        "**The machine was busy:** a reference loop before or after this measurement took "
        f"{slowdown(reference):.2f} times as long as on a quiet machine (above {TOLERANCE} counts "
        "as busy)."
    )
