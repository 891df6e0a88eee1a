"""Whole processes: how long mxlinreg takes to start, and the chapter's job with its import."""

import subprocess
import sys
import time
from pathlib import Path

from .output import spread, table

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
    "import mxlinreg, mxnet": ["-c", "import mxlinreg, mxnet"],
    "train.py --engine compiled": [str(TRAIN), "--engine", "compiled"],
}
LEAST_TURNS = 7  # These processes are short, and the spread of fewer says little.


def measure_startup(settings):
    """The seconds of each short command, and of the chapter's job beside its import alone."""
    return {
        "startup": time_in_turns(STARTUP, max(settings.runs, LEAST_TURNS)),
        "job": time_in_turns(JOB, settings.runs),
    }


def time_in_turns(commands, turns):
    """For each command of Python, a list with the seconds of a whole process in each turn."""
    seconds = {name: [] for name in commands}
    for _ in range(turns + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
            seconds[name].append(time.perf_counter() - start)
    return {name: values[1:] for name, values in seconds.items()}  # The first fills the caches.


def more_than_bare(startup, name):
    """The seconds by which a command exceeds Python's alone, in each turn."""
    return [value - bare for value, bare in zip(startup[name], startup[BARE])]


def startup_tables(results):
    startup, job = results["startup"], results["job"]
    rows = [
        [name, *spread(seconds), *spread(more_than_bare(startup, name))]
        for name, seconds in startup.items()
    ]
    more = f"s more than `{BARE}`"
    processes = table(["process", "s", "quartiles", more, "quartiles"], rows)
    jobs = table(["process", "s", "quartiles"], [[name, *spread(s)] for name, s in job.items()])
    return f"{processes}\n\n{jobs}"
