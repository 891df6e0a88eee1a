#!/usr/bin/env python
"""Run packages that use MXNet, as they were published, on today's NumPy.

Makes a virtual environment with MXNet, this package and those, and runs the scripts of the folder
clients/ by `python -m mxlinreg.alive`. Prints what came of each, and ends with status 1 if one of
them failed.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import NamedTuple

from mxlinreg.commands.parsing import Parser, run

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 300  # the longest that a script may take


class Client(NamedTuple):
    name: str
    version: str
    script: str
    what: str


CLIENTS = (
    Client("gluoncv", "0.10.5.post0", "gluoncv_nets.py", "six networks of the model zoo"),
    Client("gluoncv", "0.10.5.post0", "gluoncv_detection.py", "SSD, YOLO and VOC's metric"),
    Client("gluonts", "0.17.0", "gluonts_deepar.py", "DeepAR: training, forecast, saving"),
    Client("mxboard", "0.1.0", "mxboard_log.py", "scalars, histograms, pictures, graphs"),
    Client("d2l", "0.17.6", "d2l_regression.py", "the book's linear regression"),
)
# MXNet and d2l ask for an old NumPy, and gluoncv for an OpenCV with windows. So all of these are
# installed without what they ask for, and what they import is installed by name.
IMPORTED = (
    "numpy>=2",
    *("graphviz", "requests", "tqdm", "setuptools"),  # MXNet and mxlinreg
    *("autocfg", "matplotlib", "opencv-python-headless", "pandas<3", "Pillow", "portalocker"),
    *("pyyaml", "scipy", "yacs"),  # gluoncv
    *("pydantic<3", "toolz", "typing-extensions"),  # gluonts
    *("protobuf<4", "six"),  # mxboard, whose generated files protobuf 4 refuses
    "ipython",  # d2l
)


def make_parser():
    parser = Parser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="new folder for the environment, 1 GB"
    )
    parser.add_argument(
        "--python",
        default=sys.executable,
        metavar="PYTHON",
        help="interpreter, from 3.10 on (default: this one)",
    )
    return parser


def clients(args):
    if args.folder.exists():
        raise ValueError(f"{args.folder} exists; name a new folder")
    python = make_environment(args.python, args.folder.resolve())
    outcomes = [try_client(client, python) for client in CLIENTS]
    print("| client | version | tried | outcome | seconds |\n|---|---|---|---|---:|")
    for client, (error, seconds) in zip(CLIENTS, outcomes):
        outcome = f"fails: {last_line(error)}" if error else "works"
        print(f"| {client.name} | {client.version} | {client.what} | {outcome} | {seconds:.0f} |")
    for client, (error, _) in zip(CLIENTS, outcomes):
        if error:
            print(f"\n## {client.script}\n\n{error}", file=sys.stderr)
    failed = sum(bool(error) for error, _ in outcomes)
    if failed:
        raise RuntimeError(f"{failed} of {len(CLIENTS)} failed")


def make_environment(interpreter, folder):
    """Make the environment, and return its interpreter."""
    subprocess.run([interpreter, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    published = dict.fromkeys(f"{client.name}=={client.version}" for client in CLIENTS)
    pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    for packages in (IMPORTED, ("--no-deps", "mxnet==1.9.1", *published, str(ROOT))):
        subprocess.run([*pip, *packages], env=environment(), check=True)
    code = "import platform, numpy; print(platform.python_version(), numpy.__version__)"
    versions = subprocess.check_output([str(python), "-c", code], env=environment())
    print("Python {}, NumPy {}\n".format(*versions.decode().split()), flush=True)
    return python


def try_client(client, python):
    """Run a client's script, and return its error, "" if there is none, and the seconds."""
    command = [str(python), "-m", "mxlinreg.alive", "--also", client.name]
    command.append(str(ROOT / "scripts" / "clients" / client.script))
    start = time.perf_counter()
    with TemporaryDirectory() as folder, TemporaryFile("w+", errors="replace") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env={**environment(), "HOME": folder}, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip
        try:
            status = process.wait(SECONDS)
            errors.seek(0)
            error = errors.read() or f"status {status}" if status else ""
        except subprocess.TimeoutExpired:
            error = f"takes more than {SECONDS} s"
        finally:
            with suppress(ProcessLookupError):  # of a script that has ended with its workers
                os.killpg(process.pid, signal.SIGKILL)
    return error, time.perf_counter() - start


def environment():
    """The environment's variables, without other packages."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def last_line(text):
    return (text.strip().splitlines() or ["no message"])[-1]


if __name__ == "__main__":
    run(make_parser(), clients)
