"""What more than one test module uses: the commands as a user runs them, and CSV."""

import csv
import gc
import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from mxlinreg.__main__ import main

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "scripts"
COMMAND = [sys.executable, "-m", "mxlinreg"]


def environment():
    inherited = {k: v for k, v in os.environ.items() if k not in ("MXNET_ENGINE_TYPE", "PORT")}
    return {**inherited, "PYTHONPATH": str(ROOT)}


def run(*arguments):
    """The command `mxlinreg` in a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, env=environment()
    )


def call(*arguments):
    """As `run`, in this process, where MXNet is imported already: some seconds less."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    status, threshold = 0, gc.get_threshold()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main([str(argument) for argument in arguments])
    except SystemExit as end:
        status = end.code
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return subprocess.CompletedProcess(arguments, status, *texts)


def succeed(*arguments, how=call):
    done = how(*arguments)
    assert done.returncode == 0, done.stderr
    return done


def fail(status, *arguments, how=call):
    done = how(*arguments)
    assert done.returncode == status, done
    assert len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr, done.stderr
    return done.stderr


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def rows_of_text(text):
    return list(csv.reader(text.splitlines()))


def mutations(content, rng, number):
    """Damaged copies: with flipped bits, cut, overwritten, with parts taken out or put in."""
    for _ in range(number):
        damaged = bytearray(content)
        place, other = sorted(rng.randrange(len(content)) for _ in range(2))
        kind = rng.randrange(5)
        if kind < 2:
            places = [place] if kind == 0 else rng.sample(range(len(content)), 5)
            for place in places:
                damaged[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del damaged[place:]
        elif kind == 3:
            del damaged[place : other + 1]
        else:
            damaged[place:place] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 9)))
        yield bytes(damaged)
