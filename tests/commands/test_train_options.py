"""The options of `mxlinreg train`, once they are parsed, and what a job's workers make of them."""

import os
import re
from contextlib import nullcontext
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import pytest
from helpers import succeed

from mxlinreg.commands import train
from mxlinreg.commands.train_options import parse

TABLE = "--data", "t.csv", "--target", "y"


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], ("float32", 10, 4, 1e-4)),
        (["--epochs", "0", "--learning-rate", "0"], ("float32", 0, 4, 0.0)),
        ([*TABLE], ("float64", None, None, None)),
        ([*TABLE, "--stream"], ("float64", None, None, None)),
        (
            [*TABLE, "--stream", "--batch-size", "9", "--dtype", "float32"],
            ("float32", None, 9, None),
        ),
    ],
)
def test_defaults_are_those_of_the_kind_of_data(arguments, expected):
    options = parse(arguments)
    found = options.dtype, options.epochs, options.batch_size, options.learning_rate
    assert found == expected


def test_the_other_defaults():
    options = parse([])
    assert (options.solver, options.engine, options.sync) == ("sgd", "autograd", "batch")
    assert (options.missing, options.validation, options.noise) == ("drop", 0.2, 0.1)
    assert (options.num_examples, options.timeout, options.every) == (10000, 60, 1)
    assert parse(["--noise", "0"]).noise == 0


def test_the_help_states_the_defaults():
    """Where it states a number or a name; for the chapter, and after a semicolon for a file."""
    # Before Python 3.10 argparse called them "optional arguments".
    _, options = re.split(
        "^(?:options|optional arguments):",
        succeed("train", "--help").stdout,
        maxsplit=1,
        flags=re.M,
    )
    text = " ".join(options.split())
    chapter, file = parse([]), parse([*TABLE])
    compared = set()
    for option in re.split(r" (?=--[a-z])", text):
        name = option[2:].split()[0].replace("-", "_")
        stated = re.search(r"\(default: ([\w.]+)[;)](?: for a file ([\w.]+)\))?", option)
        for value, options in zip(stated.groups() if stated else (), (chapter, file)):
            default = getattr(options, name, None)
            if value is None or isinstance(default, bool):
                continue
            if isinstance(default, (str, int, float)):
                assert type(default)(value) == default, option
                compared.add(name)
    assert compared == {
        "epochs", "batch_size", "learning_rate", "seed", "engine", "dtype", "every", "sync",
        "timeout", "num_examples", "noise", "solver", "validation", "missing", "collinear",
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments, data_ctx, model_ctx",
    [
        ([], "cpu", ["cpu"]),
        (["--ctx", "gpu(1)"], "gpu(1)", ["gpu(1)"]),
        (["--ctx", "gpu", "--data-ctx", "cpu"], "cpu", ["gpu"]),
        (["--model-ctx", "cpu(0),cpu(1)"], "cpu", ["cpu(0)", "cpu(1)"]),
    ],
)
def test_devices(arguments, data_ctx, model_ctx):
    options = parse(arguments)
    assert (options.data_ctx, options.model_ctx) == (data_ctx, model_ctx)


def test_nobody_changes_them():
    with pytest.raises(FrozenInstanceError):
        parse([]).save = "m.params"


@pytest.mark.parametrize("rank", [0, 1])
def test_rank_0_alone_writes(monkeypatch, tmp_path, rank):
    kv, given = SimpleNamespace(rank=rank), []
    monkeypatch.setattr(train, "joined_job", lambda timeout: nullcontext(kv))
    monkeypatch.setattr(train, "train_chapter", lambda **settings: given.append(settings))
    files = [tmp_path / name for name in ("m.params", "p.png")]
    succeed("train", "--kvstore", "dist_sync", "--save", files[0], "--plot", files[1])
    written = [given[0][name] for name in ("save", "plot")]
    assert written == (files if rank == 0 else [None] * 2)


def test_stderr_is_silent_and_then_as_before(capfd):
    before = os.listdir("/proc/self/fd")
    with train.silent_stderr():
        os.write(2, b"dropped")
    os.write(2, b"kept")
    assert capfd.readouterr().err == "kept"
    assert len(os.listdir("/proc/self/fd")) == len(before)
