"""Whatever happens while a file is written, the older one or the new one is there, and whole."""

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time

import mxnet as mx
import numpy as np
import pytest
from helpers import environment

import mxlinreg as mlr
from mxlinreg.chapter import training
from mxlinreg.commands.predict import predict
from mxlinreg.models.checkpoint import read_checkpoint, save_checkpoint

MODEL = mlr.Model(np.ones((2, 1)), np.ones(1))


def export_symbol(folder):
    mlr.export_symbol(MODEL, folder / "file")


def export_onnx(folder):
    pytest.importorskip("onnx")
    mlr.export_onnx(MODEL, folder / "file.onnx")


def save_picture(folder):
    pytest.importorskip("matplotlib")
    mlr.plotting.save_figure(mlr.plotting.plot_network(2), folder / "file.png")


def write_predictions(folder):
    pytest.importorskip("pyarrow")
    inputs = folder.parent / "m.params", folder.parent / "table.csv"
    predict(
        model=inputs[0],
        data=inputs[1],
        output=folder / "file.csv",
        invalid="empty",
        decimal=None,
    )


WRITERS = {
    "model": lambda folder: mlr.save_model(folder / "file.params", MODEL),
    "checkpoint": lambda folder: save_checkpoint(
        folder / "file.ckpt", mlr.as_params(MODEL), [1.0], {}
    ),
    "symbol": export_symbol,
    "onnx": export_onnx,
    "picture": save_picture,
    "predictions": write_predictions,
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "folder").mkdir()
    mlr.save_model(tmp_path / "m.params", MODEL)
    (tmp_path / "table.csv").write_text("x0,x1\n" + "1,2\n" * 100)
    return tmp_path / "folder"


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextlib.contextmanager
def no_file_longer_than(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def mounted(folder, options):
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_write_that_fails_leaves_the_older_file(writer, folder):
    """Writing ends at 60 bytes, with an error as of a full disk."""
    write = WRITERS[writer]
    write(folder)
    older = content(folder)
    assert older
    for left in (older, {}):
        with no_file_longer_than(60), pytest.raises(OSError, match="File too large") as raised:
            write(folder)
        assert any(str(folder / name) in str(raised.value) for name in older)
        assert content(folder) == left
        for path in folder.iterdir():
            path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk(writer, folder):
    with mounted(folder, "size=64k"):
        (folder / "filler").write_bytes(bytes(64 * 1024))
        with pytest.raises(OSError, match="No space left"):
            WRITERS[writer](folder)
        assert [path.name for path in folder.iterdir()] == ["filler"]


@pytest.mark.slow
@pytest.mark.parametrize("writer", WRITERS)
def test_a_read_only_folder(writer, folder):
    with mounted(folder, "size=64k"):
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        with pytest.raises((OSError, ValueError), match="[Rr]ead-only"):
            WRITERS[writer](folder)


SAVE_FOR_EVER = """
import sys, numpy as np, mxlinreg as mlr
models = [mlr.Model(np.full((1000, 1), i), np.ones(1)) for i in (1.0, 2.0)]
print("begun", flush=True)
while True:
    for model in models:
        mlr.save_model(sys.argv[1], model)
"""


def killed_while_saving(path, seed, times):
    moments = random.Random(seed)
    for _ in range(times):
        command = [sys.executable, "-c", SAVE_FOR_EVER, path]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
            process.stdout.readline()
            time.sleep(moments.uniform(0.0, 0.1))
            process.kill()
        w = mlr.load_model(path).w
        assert w.min() == w.max() and w.max() in (0, 1, 2)
    left = len(list(path.parent.iterdir())) - 1
    mlr.save_model(path, mlr.Model(np.zeros((1000, 1)), np.ones(1)))
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return left


def test_killed_while_saving(tmp_path):
    path = tmp_path / "m.params"
    mlr.save_model(path, mlr.Model(np.zeros((1000, 1)), np.ones(1)))
    killed_while_saving(path, 1, 5)


TRAIN = """
import sys
from mxlinreg.__main__ import main
print("begun", flush=True)
main(sys.argv[1:])
"""


def signalled(folder, number, delay):
    """A training that gets a signal some time after its beginning."""
    command = [
        sys.executable, "-c", TRAIN, "train", "--num-examples", 400, "--epochs", 10**6, "--quiet",
        "--engine", "compiled", "--save", folder / "m", "--checkpoint", folder / "c", "--resume",
        "--every", 50,
    ]  # fmt: skip
    with subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    ) as process:  # fmt: skip
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert len(mlr.load_model(folder / "m").b) == 1
    done = len(read_checkpoint(folder / "c")[0]["losses"]) if (folder / "c").exists() else 0
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 128 + number, err
        lines = [line for line in err.splitlines() if "compiling the training" not in line]
        assert len(lines) == 1 and "interrupted" in lines[0], err
        assert {path.name for path in folder.iterdir()} <= {"m", "c"}
    return done


def signalled_at_random(folder, seed, times):
    mlr.save_model(folder / "m", mlr.Model(np.zeros((2, 1), "float32"), np.ones(1, "float32")))
    moments, done = random.Random(seed), 0
    for i in range(times):
        numbers = signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGKILL
        number = (*numbers, signal.SIGHUP)[i % 6]
        now = signalled(
            folder, number, moments.choice([moments.random(), 1 + 3 * moments.random()])
        )
        assert now >= done  # a checkpoint never goes back
        done = now


def test_signals(tmp_path):
    signalled_at_random(tmp_path, 1, 6)


@pytest.mark.slow
def test_two_hundred_kills(tmp_path):
    (tmp_path / "save").mkdir()
    path = tmp_path / "save" / "m.params"
    mlr.save_model(path, mlr.Model(np.zeros((1000, 1)), np.ones(1)))
    killed_while_saving(path, 2, 120)
    signalled_at_random(tmp_path, 2, 80)


def test_processes_that_save_one_model_at_once(tmp_path):
    """Each has a temporary file of its own, so none fails, and the last one that is done wins."""
    save = SAVE_FOR_EVER.replace("while True:", "for _ in range(20):")
    command = [sys.executable, "-c", save, tmp_path / "m"]
    processes = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment()) for _ in range(4)
    ]
    assert [process.wait() for process in processes] == [0] * 4
    assert mlr.load_model(tmp_path / "m").w.max() in (1, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_recording_is_off_again_after_an_interrupt(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    @contextlib.contextmanager
    def record_without_end():
        mx.autograd.set_recording(True)
        mx.autograd.set_training(True)
        yield

    monkeypatch.setattr(training, "square_loss", interrupted)
    monkeypatch.setattr(training.autograd, "record", record_without_end)
    with pytest.raises(KeyboardInterrupt):
        mlr.train(mlr.init_params(), mlr.ArrayLoader(*mlr.synthetic(8)), 1, 0.1)
    assert not mx.autograd.is_recording() and not mx.autograd.is_training()
