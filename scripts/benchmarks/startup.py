"""Whole processes: how long mxlinreg takes to start, and the chapter's job with its import."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from .output import print_table

TRAIN = Path(__file__).parent.parent / "train.py"
BARE = "python -c pass"
STARTUP = {
    BARE: ["-c", "pass"],
    "import mxlinreg": ["-c", "import mxlinreg"],
    "mxlinreg --help": ["-m", "mxlinreg", "--help"],
    "mxlinreg train --help": ["-m", "mxlinreg", "train", "--help"],
}
JOB = {
    # The job needs MXNet, which mxlinreg imports only when it is used.
    "import": ["-c", "import mxlinreg, mxnet"],
    "train.py": [str(TRAIN), "--engine", "compiled"],
}
LEAST_TURNS = 7  # These processes are short, and the spread of fewer says little.


def measure_startup(runs):
    """For each command, its seconds in each turn, and by how many they exceed Python's alone."""
    seconds = time_in_turns(STARTUP, max(runs, LEAST_TURNS))
    return {
        name: {
            "seconds": values,
            "more": [value - bare for value, bare in zip(values, seconds[BARE])],
        }
        for name, values in seconds.items()
    }


def measure_job(runs):
    """The seconds of the import alone, and of the chapter's job with the compiled engine."""
    return time_in_turns(JOB, runs)


def time_in_turns(commands, turns):
    """For each command of Python, a list with the seconds of a whole process in each turn."""
    seconds = {name: [] for name in commands}
    for _ in range(turns + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
            seconds[name].append(time.perf_counter() - start)
    return {name: values[1:] for name, values in seconds.items()}  # The first fills the caches.


def print_startup(startup):
    print("\n### Start-up: whole processes\n")
    rows = []
    for name, process in startup.items():
        more = process["more"]
        rows.append([name, median(process["seconds"]), median(more), min(more), max(more)])
    print_table(["process", "s", f"s more than `{BARE}`", "from", "to"], rows)
