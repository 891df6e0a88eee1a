"""Child processes that measure, so that no measurement shares memory or threads with another."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

MEASURING = Path(__file__).parent / "measuring.py"


def answer_of(command, *arguments):
    """What `measuring.py` answers to a command with these arguments, which JSON must hold."""
    with _start(sys.executable, command, *map(json.dumps, arguments)) as process:
        answer = process.stdout.read()
    if process.returncode != 0:
        raise ValueError(f"the process for {command!r} failed with {process.returncode}")
    return json.loads(answer)


@contextmanager
def serving(python, folder, names):
    """A process of the interpreter `python` that answers for these peers; see `ask`."""
    with _start(python, "serve", folder, *names, stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(process, command, *names):
    """The answer of a serving process to one command on some of its peers."""
    try:
        process.stdin.write(f"{command} {' '.join(names)}\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass  # The missing answer tells the same.
    answer = process.stdout.readline()
    if not answer:
        raise ValueError(f"{names[0]}: its process has ended; see its message above")
    return json.loads(answer)


def _start(python, *arguments, **options):
    # MXNet chooses its engine itself, as for most users. JAX runs on the CPU, as all peers do.
    inherited = {k: v for k, v in os.environ.items() if k != "MXNET_ENGINE_TYPE"}
    environment = {**inherited, "JAX_PLATFORMS": "cpu"}
    command = [python, str(MEASURING), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **options)
