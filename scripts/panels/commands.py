"""Run the commands: in forks of a process that has loaded what they load, or as a user does."""

import os
import re
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from mxlinreg.__main__ import main

TIMEOUT = 120  # seconds
ENVIRONMENT = dict(os.environ)  # before a command changes it in this process


class Outcome(NamedTuple):
    status: int
    stdout: str
    stderr: str
    seconds: float


def start():
    """Load in this process what the commands load, so that forks of it need not."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_text("x,c,y\n" + "".join(f"{i % 7},{i % 3},{i * i % 11}\n" for i in range(40)))
        train = ["train", "--data", str(path), "--target", "y"]
        for options in ([], ["--engine", "autograd"], ["--solver", "exact"]):
            for _ in ("compiles", "loads what it compiled"):
                in_process([*train, "--save", str(path.with_suffix("")), *options], Path(folder))
        in_process(["predict", str(path.with_suffix("")), str(path)], Path(folder))


def in_process(argv, folder):
    """Run a command in this process with its output in files; return the status."""
    sys.stdout.flush()
    before = [os.dup(number) for number in (1, 2)]
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    begin = time.perf_counter()
    try:
        main(argv)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    (folder / "seconds").write_text(str(time.perf_counter() - begin))
    sys.stdout.flush()
    for number, file in enumerate(before, 1):
        os.dup2(file, number)
        os.close(file)
    return status


def forked(argv, folder):
    """Run a command in a fork of this process, within a folder."""
    (folder / "seconds").write_text(str(TIMEOUT))  # unless it comes to its end
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chdir(folder)
            status = in_process(argv, folder)
        finally:
            os._exit(status)
    deadline = time.monotonic() + TIMEOUT
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(0.002)
    status = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    texts = ((folder / name).read_text(errors="replace") for name in ("stdout", "stderr"))
    return Outcome(status, *texts, float((folder / "seconds").read_text()))


def as_process(argv, folder):
    """Run a command as a user does."""
    begin, command = time.perf_counter(), [sys.executable, "-m", "mxlinreg", *argv]
    options = {"env": ENVIRONMENT, "capture_output": True, "text": True, "timeout": TIMEOUT}
    done = subprocess.run(command, cwd=folder, **options)
    return Outcome(done.returncode, done.stdout, done.stderr, time.perf_counter() - begin)


def complaints(argv, outcome):
    """What no command may do: end by a signal, or write anything but messages to stderr."""
    name, lines = f"mxlinreg {argv[0]}", outcome.stderr.splitlines()
    if outcome.status < 0:
        yield f"{name} was ended by signal {-outcome.status} (9: after {TIMEOUT} s)"
    elif outcome.status and not (lines and lines[-1].startswith(f"{name}: error: ")):
        yield f"{name} ends with status {outcome.status} and no error in one line: {lines[-1:]}"
    odd = [line for line in lines if not line.startswith("mxlinreg")]
    if odd:
        yield f"{name} writes to stderr: {odd[-1]}"


def error_of(outcome):
    return (outcome.stderr.splitlines() or [""])[-1] if outcome.status else None


def advice(error, options):
    """The options with one more that the error advises, None if there is none to follow."""
    for option, value in re.findall(r"(--missing|--max-levels|--features) ([^\s;,)]+)", error):
        if option not in options and value != "drop":
            return [*options, option, value]
    return None
