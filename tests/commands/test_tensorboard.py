"""What `mxlinreg train --tensorboard` writes, read back from the event files."""

import os
import re
import signal
import struct
import subprocess
from collections import defaultdict

import mxnet as mx
import numpy as np
from helpers import COMMAND, environment, fail, succeed

OPTIONS = "--num-examples", "40", "--learning-rate", "0.01"


def events(folder):
    """By tag, the values of all steps: floats, PNG pictures or histograms."""
    from tensorboardX.proto.event_pb2 import Event

    (path,) = folder.iterdir()
    values = defaultdict(dict)
    with open(path, "rb") as file:
        while header := file.read(12):
            (length,) = struct.unpack("<Q", header[:8])
            record = file.read(length)
            assert len(record) == length and len(file.read(4)) == 4
            event = Event.FromString(record)
            for value in event.summary.value:
                kind = value.WhichOneof("value")
                content = getattr(value, kind)
                content = content.encoded_image_string if kind == "image" else content
                assert event.step not in values[value.tag]
                values[value.tag][event.step] = content
    return values


def series(values):
    assert list(values) == list(range(len(values)))
    return list(values.values())


def test_the_chapters_run(tmp_path):
    stdout = succeed(
        "train", *OPTIONS, "--epochs", 22, "--tensorboard", tmp_path / "new" / "events",
        "--save", tmp_path / "m.params",
    ).stdout  # fmt: skip
    written = events(tmp_path / "new" / "events")
    assert sorted(written) == ["b", "fit", "loss", "w/0_x0", "w/1_x1"]
    losses = [float(text) for text in re.findall(r"Mean loss: (\S+)", stdout)]
    assert len(losses) == 22
    np.testing.assert_allclose(series(written["loss"]), losses, rtol=1e-6)
    saved = mx.nd.load(str(tmp_path / "m.params"))
    last = [series(written[tag])[-1] for tag in ("w/0_x0", "w/1_x1", "b")]
    assert last == [*saved["w"].asnumpy().ravel(), *saved["b"].asnumpy()]
    assert len(set(series(written["w/1_x1"]))) == 22

    pictures = written["fit"]  # every second one, and the last
    assert list(pictures) == [*range(0, 22, 2), 21] and len(set(pictures.values())) == 12
    for picture in pictures.values():
        assert picture.startswith(b"\x89PNG") and int.from_bytes(picture[16:20], "big") == 1000


def test_a_table_is_in_its_own_units(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{i},{(7 * i) % 11},{3 * i - 5 * ((7 * i) % 11) + 40}" for i in range(60)]
    path.write_text("\n".join(["a b,a_b,y", *rows]))
    succeed("train", "--data", path, "--target", "y", "--epochs", 40, "--learning-rate", 0.2,
            "--tensorboard", tmp_path / "events")  # fmt: skip
    written = events(tmp_path / "events")
    assert sorted(written) == ["b", "fit", "loss", "w/0_a_b", "w/1_a_b"]
    last = [series(written[tag])[-1] for tag in ("w/0_a_b", "w/1_a_b", "b")]
    np.testing.assert_allclose(last, [3, -5, 40], rtol=1e-3)
    assert series(written["loss"])[-1] < 1e-6 < series(written["loss"])[0]


def test_many_coefficients_are_a_histogram(tmp_path):
    path = tmp_path / "t.csv"
    numbers = np.random.RandomState(0).normal(size=(50, 32))
    names = [*(f"c{i}" for i in range(31)), "y"]
    np.savetxt(path, numbers, delimiter=",", header=",".join(names), comments="")
    succeed("train", "--data", path, "--target", "y", "--epochs", 1, "--save",
            tmp_path / "m.params", "--tensorboard", tmp_path / "events")  # fmt: skip
    written = events(tmp_path / "events")
    assert sorted(written) == ["b", "fit", "loss", "w"]
    w = mx.nd.load(str(tmp_path / "m.params"))["w"].asnumpy()
    assert (written["w"][0].num, written["w"][0].min, written["w"][0].max) == (31, w.min(), w.max())


def test_what_was_written_before_an_interrupt_is_there(tmp_path):
    command = [*COMMAND, "train", *OPTIONS, "--epochs", "100000"]
    process = subprocess.Popen(
        [*command, "--tensorboard", str(tmp_path / "events")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("Epoch 3,"):
            break
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=100)
    assert process.returncode == 130 and "Traceback" not in stderr
    losses = series(events(tmp_path / "events")["loss"])
    printed = [float(text) for text in re.findall(r"Mean loss: (\S+)", stdout)]
    np.testing.assert_allclose(losses[4:], printed[: len(losses) - 4], rtol=1e-6)
    assert len(losses) >= 3 and len(printed) - (len(losses) - 4) <= 1


def test_errors_come_before_the_training(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    assert "is a file" in fail(1, "train", "--epochs", 100000, "--tensorboard", file)

    (tmp_path / "tensorboardX.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    command = [*COMMAND, "train", "--epochs", "100000"]
    done = subprocess.run(
        [*command, "--tensorboard", "events"],
        capture_output=True, text=True, env={**environment(), "PYTHONPATH": path}, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1 and 'pip install "mxlinreg[tensorboard]"' in done.stderr
    assert done.stdout == "" and not (tmp_path / "events").exists()
