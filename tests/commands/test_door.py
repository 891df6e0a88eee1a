"""The command `mxlinreg` itself, and the ways to it."""

import configparser
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
from helpers import ROOT, SCRIPTS, call, environment, fail, run, succeed

import mxlinreg
from mxlinreg.__main__ import COMMANDS, main


def test_without_arguments_it_says_what_it_can_do():
    done = succeed(how=run)
    assert done.stderr == "" and len(done.stdout.splitlines()) <= 14
    for command in COMMANDS:
        assert f"\n  mxlinreg {command} " in done.stdout
    assert done.stdout == succeed("--help").stdout == succeed("-h").stdout


def test_version():
    assert succeed("--version").stdout == f"mxlinreg {mxlinreg.__version__}\n"


def test_an_unknown_command():
    message = fail(2, "trian", "--epochs", 3)
    assert message.startswith("mxlinreg: error: no command 'trian'; choose from train, predict")


# Run in a fresh interpreter.
WHAT_IS_IMPORTED = """
import sys
from mxlinreg.__main__ import main

try:
    main(sys.argv[1:])
except SystemExit:
    pass
sys.exit(" ".join({"numpy", "mxnet", "pyarrow", "matplotlib"} & set(sys.modules)) or 0)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--version"],
        ["train", "--help"],
        ["predict", "--help"],
        ["convert", "--help"],
        ["launch", "--help"],
        ["train", "--solver", "exact"],
    ],
)
def test_help_and_usage_errors_import_nothing_large(arguments):
    done = subprocess.run(
        [sys.executable, "-c", WHAT_IS_IMPORTED, *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_installed_command():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    name, value = config["options.entry_points"]["console_scripts"].strip().split(" = ")
    assert name == "mxlinreg" and EntryPoint(name, value, "console_scripts").load() is main


@pytest.mark.parametrize(
    "command, arguments, status",
    [
        ("train", ["--num-examples", 8, "--epochs", 2], 0),
        ("predict", ["nowhere.params", "nowhere.csv"], 1),
        ("launch", ["--rsh", "ssh", "--", "true"], 2),
    ],
)
def test_the_scripts_are_the_commands(command, arguments, status):
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{command}.py"), *map(str, arguments)],
        capture_output=True, text=True, env=environment(),
    )  # fmt: skip
    same = call(command, *arguments)
    assert (done.stdout, done.stderr) == (same.stdout, same.stderr)
    assert done.returncode == same.returncode == status
