"""Trainings that go on where they were broken off."""

import hashlib
import json
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from helpers import SCRIPTS, environment, mutations

import mxlinreg as mlr
from mxlinreg.models import checkpoint


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    file, link = tmp_path / "folder" / "run.ckpt", tmp_path / "link.ckpt"
    link.symlink_to(file)
    job(link, 1)
    assert link.is_symlink() and job(link, 2) == job(None, 2, resume=False)
    assert len(checkpoint.read_checkpoint(file)[0]["losses"]) == 2


ENGINES = pytest.mark.parametrize("engine", ["autograd", "compiled"])


def job(path, epochs, resume=True, on_epoch=None, **changes):
    """A short training as one process after another begins it, and the bits that it ends with."""
    mx.random.seed(3)
    np.random.seed(3)
    settings = {"learning_rate": 0.01, "engine": "autograd", "batch_size": 4, "shuffle": True}
    settings.update({"dtype": "float32", "noise": 0.1, "every": 1, **changes})
    X, y = mlr.synthetic(40, settings["noise"], dtype=settings["dtype"])
    loader = mlr.ArrayLoader(X, y, settings["batch_size"], settings["shuffle"])
    params = mlr.init_params(dtype=settings["dtype"])
    np.random.standard_normal()  # the generator has the second of a pair ready
    losses = mlr.train(
        params, loader, epochs, settings["learning_rate"], settings["engine"], on_epoch,
        checkpoint=path, every=settings["every"], resume=resume,
    )  # fmt: skip
    bits = [param.asnumpy().tobytes().hex() for param in params]
    return [*bits, *map(float.hex, losses), np.random.standard_normal(3).tolist()]


def break_off_after(last):
    def on_epoch(epoch, mean_loss, params):
        if epoch > last:
            raise KeyboardInterrupt

    return on_epoch


@ENGINES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_resumed_training_ends_with_the_same_bits(tmp_path, engine, dtype):
    path = tmp_path / "run.ckpt"
    plain = job(None, 7, resume=False, engine=engine, dtype=dtype)
    for last in (1, 2, 5):
        with pytest.raises(KeyboardInterrupt):
            job(path, 7, on_epoch=break_off_after(last), engine=engine, dtype=dtype)
        assert len(checkpoint.read_checkpoint(path)[0]["losses"]) == last + 1
    assert job(path, 7, engine=engine, dtype=dtype) == plain
    assert job(path, 7, engine=engine, dtype=dtype) == plain, "all is done: as it was"
    assert [p.name for p in tmp_path.iterdir()] == ["run.ckpt"]


def test_checkpoints_change_nothing_and_are_written_after_each_nth_epoch_and_the_last(tmp_path):
    path, seen = tmp_path / "run.ckpt", []

    def on_epoch(epoch, mean_loss, params):
        there = len(checkpoint.read_checkpoint(path)[0]["losses"]) if path.exists() else 0
        seen.append((epoch, there))

    assert job(path, 5, on_epoch=on_epoch, every=2) == job(None, 5, resume=False)
    assert seen == [(0, 0), (1, 0), (2, 2), (3, 2), (4, 4)]
    seen.clear()
    assert job(path, 8, on_epoch=on_epoch, every=3) == job(None, 8, resume=False)
    assert seen == [(5, 5), (6, 6), (7, 6)]


def test_the_parameters_in_a_checkpoint_are_mxnets(tmp_path):
    w, b, *_ = job(tmp_path / "run.ckpt", 2)
    state, content = checkpoint.read_checkpoint(tmp_path / "run.ckpt")
    (tmp_path / "m.params").write_bytes(content)
    saved = mx.nd.load(str(tmp_path / "m.params"))
    assert [saved[name].asnumpy().tobytes().hex() for name in "wb"] == [w, b]
    assert state["settings"]["batch_size"] == 4


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"learning_rate": 0.02}, r"learning_rate \(0.01, now 0.02\)"),
        ({"engine": "compiled"}, r"engine \(autograd, now compiled\)"),
        ({"engine": lambda *_: 1.0}, r"engine \(autograd, now <lambda>\)"),
        ({"batch_size": 5, "shuffle": False}, r"batch_size \(4, now 5\), shuffle \(True, now Fal"),
        ({"noise": 0.2}, " the data$"),
        ({"dtype": "float64"}, r"dtype \(float32, now float64\), the data"),
    ],
)
def test_another_training_is_refused(tmp_path, changes, text):
    path = tmp_path / "run.ckpt"
    job(path, 2)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"of a training that differs in.*{text}"):
        job(path, 3, **changes)
    assert path.read_bytes() == before


def test_one_changed_value_is_other_data():
    X, y = np.ones((70000, 2), "float32"), np.ones(70000, "float32")
    fingerprint = mlr.ArrayLoader(X, y).fingerprint()
    assert mlr.ArrayLoader(X, y, batch_size=9).fingerprint() == fingerprint
    others = [(X.astype(float), y.astype(float)), (X, y[:, None]), (X.reshape(-1, 1), y.repeat(2))]
    for index in (0, -1):
        changed = X.copy()
        changed[index, 1] = np.nextafter(np.float32(1), np.float32(2))
        others.append((changed, y))
    fingerprints = {mlr.ArrayLoader(*data).fingerprint() for data in others}
    assert len(fingerprints) == len(others) and fingerprint not in fingerprints


def test_an_existing_file_is_not_overwritten(tmp_path):
    path = tmp_path / "run.ckpt"
    path.write_text("my notes")
    with pytest.raises(ValueError, match="run.ckpt exists; continue from it with resume=True"):
        job(path, 2, resume=False)
    with pytest.raises(ValueError, match="run.ckpt: is not a checkpoint"):
        job(path, 2)
    assert path.read_text() == "my notes"


def test_fewer_epochs_than_are_done(tmp_path):
    job(tmp_path / "run.ckpt", 3)
    with pytest.raises(ValueError, match="has 3 epochs already, more than the 2"):
        job(tmp_path / "run.ckpt", 2)


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ({"resume": True}, ValueError, "resume: .* give its file as checkpoint="),
        ({"every": 0}, ValueError, "every: must be at least 1"),
        ({"every": 1.5}, TypeError, "every"),
        ({"checkpoint": "/nowhere/run.ckpt"}, ValueError, "checkpoint: cannot write"),
        ({"checkpoint": "/"}, ValueError, "checkpoint: / is not an ordinary file"),
        ({"checkpoint": "run.ckpt", "train_data": []}, TypeError, "a list has no method fing"),
    ],
)
def test_bad_arguments_train_nothing(tmp_path, monkeypatch, arguments, error, text):
    monkeypatch.chdir(tmp_path)
    loader = mlr.ArrayLoader(np.ones((8, 2), "float32"), np.ones(8, "float32"))
    params = mlr.init_params()
    before = params[0].asnumpy()
    with pytest.raises(error, match=text):
        mlr.train(params, **{"train_data": loader, "epochs": 1, **arguments})
    assert (params[0].asnumpy() == before).all() and list(tmp_path.iterdir()) == []


def test_data_that_know_their_fingerprint(tmp_path):
    class Reader(list):
        def fingerprint(self):
            return "mine"

    batches = Reader([(mx.nd.ones((2, 2)), mx.nd.ones((2,)))])
    options = {"checkpoint": tmp_path / "run.ckpt", "resume": True}
    first = mlr.train(mlr.init_params(), batches, 2, **options)
    assert mlr.train(mlr.init_params(), batches, 4, **options)[:2] == first


def test_another_generator_of_numpys_is_refused(tmp_path, monkeypatch):
    other = np.random.RandomState(np.random.PCG64(1))
    monkeypatch.setattr(np.random, "get_state", other.get_state)
    with pytest.raises(ValueError, match="np.random: draws from PCG64"):
        job(tmp_path / "run.ckpt", 1)


def test_divergence_leaves_the_last_checkpoint(tmp_path):
    path = tmp_path / "run.ckpt"
    with pytest.raises(mlr.DivergenceError) as caught:
        job(path, 500, learning_rate=2.0)
    done = len(checkpoint.read_checkpoint(path)[0]["losses"])
    assert done > 0 and f"epoch {done}:" in str(caught.value)


@pytest.fixture
def whole(tmp_path):
    job(tmp_path / "run.ckpt", 2)
    return (tmp_path / "run.ckpt").read_bytes()


def test_damaged_checkpoints(tmp_path, whole):
    path = tmp_path / "run.ckpt"
    header = len(whole.split(b"{")[0])
    flips = [
        whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
        for place in range(header)
        for bit in range(8)
    ]
    settings = json.loads(whole.splitlines()[2])["settings"]
    params = mlr.init_params()
    before = [param.asnumpy().tolist() for param in params]
    for damaged in [b"", *flips, *mutations(whole, random.Random(0), 2500)]:
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="run.ckpt: is ") as caught:
            checkpoint.load_checkpoint(path, params, settings, 2)
        assert len(str(caught.value).splitlines()) == 1
        assert path.read_bytes() == damaged
    assert [param.asnumpy().tolist() for param in params] == before


def test_forged_checkpoints(tmp_path, whole):
    """With a checksum that fits, too, a file is refused, or what it says is taken as it stands."""
    path, params = tmp_path / "run.ckpt", mlr.init_params()
    first, _, text, content = whole.split(b"\n", 3)
    settings = json.loads(text)["settings"]
    arrays = job(None, 2, resume=False)[:2]
    places = [place for bits in arrays for place in range_of(bytes.fromhex(bits), content)]

    def state():
        _, key, *rest = np.random.get_state()
        return [param.asnumpy().tobytes() for param in params], [key.tolist(), *rest]

    def losses_of(text, content):
        """Those of the file, or None if it is refused, which leaves all as it was."""
        body = text + b"\n" + content
        digest = hashlib.sha256(body).hexdigest().encode()
        path.write_bytes(b"\n".join([first, digest, body]))
        before = state()
        try:
            return checkpoint.load_checkpoint(path, params, settings, 2)
        except ValueError as error:
            assert "run.ckpt" in str(error) and state() == before
            return None

    assert losses_of(text, content) == json.loads(text)["losses"]
    rng, taken = random.Random(1), 0
    for damaged in mutations(content, rng, 1000):
        # Other values in the places of values are read as they are. Besides, a file may differ
        # in what says nothing about the arrays: its reserved word and the numbers of devices.
        fits = len(damaged) == len(content) and all(
            damaged[i] == content[i] for i in range(len(content)) if i not in places
        )
        taken_as_it_stands = losses_of(text, damaged) is not None
        assert taken_as_it_stands or not fits
        if taken_as_it_stands:
            assert len(damaged) == len(content)
            assert b"".join(state()[0]) == bytes(damaged[i] for i in places)
            taken += 1
    assert taken > 5
    taken = 0
    for damaged in mutations(text, rng, 1000):
        losses = losses_of(damaged, content)
        if losses is not None:
            read = json.loads(damaged)
            assert read["settings"] == settings
            assert losses == read["losses"] and np.isfinite(losses).all() and len(losses) <= 2
            key = np.array(read["random"]["key"], dtype=np.uint32).tolist()
            rest = [read["random"][name] for name in ("pos", "has_gauss", "cached_gaussian")]
            assert state()[1] == [key, *rest]
            taken += 1
    assert 10 < taken < 900
    state_given = json.loads(text)
    for change in ({"pos": 10**6}, {"pos": -1}, {"key": [1, 2]}, {"key": {}}, {"pos": None}):
        forged = {**state_given, "random": {**state_given["random"], **change}}
        assert losses_of(json.dumps(forged).encode(), content) is None
    for change in ({"losses": ["1"]}, {"losses": 3}, {"losses": [float("nan")]}, {"settings": []}):
        assert losses_of(json.dumps({**state_given, **change}).encode(), content) is None
    assert losses_of(b"[" * 100000, content) is None and losses_of(b"[]", content) is None


def range_of(part, whole):
    """The places of `part`, which is in `whole` once."""
    assert whole.count(part) == 1
    return range(whole.index(part), whole.index(part) + len(part))


@pytest.mark.parametrize(
    "content, text",
    [
        (b"", "is not a checkpoint"),
        (pickle.dumps({"epoch": 3}), "is not a checkpoint"),
        (b"mxlinreg checkpoint 2\nwhatever", "of format 2, from a later version"),
    ],
)
def test_foreign_checkpoints(tmp_path, content, text):
    path = tmp_path / "run.ckpt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"run.ckpt: .*{text}"):
        job(path, 2)
    assert path.read_bytes() == content


def job_to_kill(begun, path, result, engine):
    job(None, 1, resume=False, engine=engine)  # all is loaded and compiled
    begun.set()
    bits = job(path, 100, engine=engine)
    result.write_text(json.dumps(bits))


@pytest.mark.slow
@ENGINES
def test_killed_at_twenty_moments(tmp_path, monkeypatch, engine):
    """Each kill hits the run that resumes the one killed before it, until one gets through."""
    here = Path(__file__).resolve().parent
    places = here, here.parent, here.parent.parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, places)))
    context = multiprocessing.get_context("forkserver")  # each process has all imported already
    context.set_forkserver_preload(["mxlinreg.compiled.kernel", __name__])
    path, result = tmp_path / "run.ckpt", tmp_path / "result.json"
    unbroken = job(None, 100, resume=False, engine=engine)

    def run(kill_after=None):
        begun = context.Event()
        process = context.Process(target=job_to_kill, args=(begun, path, result, engine))
        process.start()
        assert begun.wait(60)
        begin = time.monotonic()
        process.join(kill_after)
        process.kill()
        process.join()
        if process.exitcode == 0:
            assert json.loads(result.read_text()) == unbroken
            assert [p.name for p in tmp_path.glob("run.*")] == ["run.ckpt"]
            path.unlink()
        return process.exitcode, time.monotonic() - begin

    status, running_time = run()
    assert status == 0
    delays, kills = random.Random(20), 0
    while kills < 20:
        status, _ = run(kill_after=delays.uniform(0, running_time / 2))
        assert status in (0, -signal.SIGKILL)
        kills += status != 0
    assert run()[0] == 0


def train_py(*arguments, kill_after=None):
    """The exit status, stdout and stderr of the script, killed when it has printed this much."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPTS / "train.py"), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(),
    )  # fmt: skip
    if kill_after is not None:
        begin, number = kill_after
        for line in process.stdout:
            if line.startswith(begin):
                break
        process.send_signal(number)
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


@pytest.mark.slow
def test_train_py_resumes(tmp_path):
    table, path, model = (tmp_path / name for name in ("table.csv", "run.ckpt", "m.params"))
    rows = np.random.RandomState(0).normal(size=(300, 3))
    np.savetxt(table, rows, delimiter=",", header="a,b,y", comments="")
    options = "--data", table, "--target", "y", "--save", model
    resumed = (*options, "--checkpoint", path, "--resume", "--epochs")
    killed = train_py(*resumed, 100000, kill_after=("Epoch 3,", signal.SIGKILL))
    interrupted = train_py(*resumed, 100000, kill_after=("Epoch 6,", signal.SIGINT))
    assert killed[0] == -signal.SIGKILL and interrupted[0] == 130
    assert interrupted[2].rstrip().endswith(f"; add --resume to continue from {path}")
    done = len(checkpoint.read_checkpoint(path)[0]["losses"])

    status, out, err = train_py(*resumed, done + 5)
    assert status == 0 and f"\nresuming after epoch {done - 1}\nEpoch {done}," in out, err
    saved = model.read_bytes()
    plain = train_py(*options, "--epochs", done + 5)[1].splitlines()
    assert out.splitlines()[-5:] == plain[-5:]
    assert saved == model.read_bytes()

    status, out, err = train_py(*options, "--checkpoint", path)
    assert status == 1 and "exists; add --resume to continue from it" in err
    status, out, err = train_py(*resumed, 100000, "--seed", 2)
    assert status == 1 and "differs in the data" in err


@pytest.mark.parametrize(
    "arguments, status, text",
    [
        (["--resume"], 2, "--resume goes with --checkpoint only"),
        (["--every", "2"], 2, "--every goes with --checkpoint only"),
        (["--checkpoint", "x", "--every", "0"], 2, "every"),
        (["--checkpoint", "/nowhere/x"], 1, "--checkpoint: cannot write"),
        (["--checkpoint", "m", "--save", "m"], 1, "is the same file as --save"),
    ],
)
def test_errors_of_train_py(arguments, status, text):
    got, _, err = train_py("--num-examples", "8", *arguments)
    assert got == status and text in err and len(err.splitlines()) == 1
