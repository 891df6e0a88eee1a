"""What more than one test module uses: the commands as a user runs them, and CSV."""

import csv
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "scripts"


def environment():
    inherited = {k: v for k, v in os.environ.items() if k not in ("MXNET_ENGINE_TYPE", "PORT")}
    return {**inherited, "PYTHONPATH": str(ROOT)}


def run(script, *arguments):
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment())


def succeed(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return done


def fail(status, *arguments):
    done = run(*arguments)
    assert done.returncode == status, done
    assert len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr, done.stderr
    return done.stderr


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def rows_of_text(text):
    return list(csv.reader(text.splitlines()))
