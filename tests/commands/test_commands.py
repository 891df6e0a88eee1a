"""`mxlinreg train` and `mxlinreg predict`, as a user runs them."""

import csv
import json
import re
import signal
import subprocess
import sys

import mxnet as mx
import numpy as np
import pytest
from helpers import COMMAND, environment, fail, rows_of, rows_of_text, run, succeed

import mxlinreg as mlr


@pytest.fixture
def table(tmp_path):
    """A function that writes rows to a CSV file."""

    def write(*rows):
        path = tmp_path / "table.csv"
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows(rows)
        return path

    return write


def test_the_chapters_job(frozen, tmp_path):
    """One epoch of it: the loss is the first of the chapter's run, to all its digits."""
    done = succeed(
        "train", "--epochs", 1, "--save", tmp_path / "m.params", "--plot", tmp_path / "pictures",
        how=run,
    )  # fmt: skip
    assert done.stderr == ""
    contexts, epoch, *rest = done.stdout.splitlines()
    assert contexts == "data_ctx: cpu(0), model_ctx: cpu(0)"
    match = re.fullmatch(r"Epoch 0, batch 2499\. Mean loss: ([\d.]+)", epoch)
    chapter = frozen(1, 4)
    np.testing.assert_allclose(float(match[1]), chapter["losses"][0], rtol=1e-6)
    assert [line.split()[-1] for line in rest if line[:1] in "wb" and line][:3] == [
        "2",
        "-3.4",
        "4.2",
    ]
    saved = mx.nd.load(str(tmp_path / "m.params"))
    assert saved["w"].shape == (2, 1) and saved["b"].shape == (1,)
    model = mlr.load_model(tmp_path / "m.params")
    assert model.columns == ["x0", "x1"] and model.w.dtype == np.float32
    pictures = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert pictures == ["after.png", "before.png", "data.png", "errors.png", "network.png"]


def test_options_of_the_chapters_job():
    lines = succeed(
        "train", "--num-examples", 103, "--batch-size", 10, "--epochs", 3, "--seed", 2,
        "--learning-rate", 0.05, "--noise", 0, "--dtype", "float64",
        "--data-ctx", "cpu(0)", "--model-ctx", "cpu(1)",
    ).stdout.splitlines()  # fmt: skip
    assert lines[0] == "data_ctx: cpu(0), model_ctx: cpu(1)"
    assert [line.split(".")[0] for line in lines[1:4]] == [f"Epoch {e}, batch 10" for e in range(3)]


def test_the_compiled_engine():
    options = "--num-examples", 1000, "--batch-size", 10, "--epochs", 3, "--learning-rate", 0.01
    lines = [succeed("train", *options, "--engine", e).stdout for e in ("autograd", "compiled")]
    numbers = [[float(text) for text in re.findall(r"-?\d+\.\d+", text)] for text in lines]
    assert len(numbers[0]) > 3
    np.testing.assert_allclose(*numbers, rtol=1e-5)


def test_a_training_of_over_a_minute_names_the_compiled_engine_once():
    command = [*COMMAND, "train", "--epochs", "10000", "--num-examples"]
    with subprocess.Popen([*command, "400"], stderr=subprocess.PIPE, env=environment()) as process:
        line = process.stderr.readline().decode()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read().decode()
    assert "--engine compiled" in line and "--engine" not in rest


def test_quiet_prints_the_result_only():
    stdout = succeed("train", "--num-examples", 8, "--quiet").stdout
    assert "Epoch" not in stdout and "w[0]" in stdout


def test_the_exact_solver_prints_the_certified_table(data, tmp_path):
    path, model = data / "nist" / "longley.csv", tmp_path / "m.params"
    options = "--data", path, "--target", "y", "--validation", 0, "--solver", "exact"
    done = succeed("train", *options, "--save", model, "--plot", tmp_path / "fit.png", how=run)
    assert done.stderr == ""
    certified = json.loads((data / "nist" / "certified.json").read_text())["longley"]
    lines = [line.split() for line in done.stdout.splitlines()]
    rows = [
        line
        for line in lines
        if line and line[0] in ("(intercept)", *(f"x{i}" for i in range(1, 7)))
    ]
    assert [float(row[1]) for row in rows] == pytest.approx(certified["coefficients"], rel=1e-5)
    assert [float(row[2]) for row in rows] == pytest.approx(certified["standard_errors"], rel=5e-5)
    saved = mx.nd.load(str(model))
    slopes = saved["w"].asnumpy().ravel()
    assert slopes == pytest.approx(certified["coefficients"][1:], rel=1e-12)
    assert "--epochs goes with --solver sgd" in fail(2, "train", *options, "--epochs", 3)
    assert "goes with --data only" in fail(2, "train", "--solver", "exact")


def test_the_exact_solver_names_dependent_columns(table):
    path = table(["a", "b", "c", "y"], *([i, 2 * i + 1, i * i, i % 3] for i in range(20)))
    common = "train", "--data", path, "--target", "y", "--solver", "exact"
    message = fail(1, *common, "--collinear", "error")
    assert "table.csv: 'b' depends on others: it is 2 'a' + 1; --collinear drop" in message
    dropped = succeed(*common)
    assert dropped.stderr == (
        "mxlinreg train: warning: 'b' depends on earlier columns in the training rows, and has no "
        "coefficient\n"
    )
    assert re.search(r"^b +–( +–)*$", dropped.stdout, re.M)


@pytest.mark.slow
def test_diabetes_ends_within_one_per_cent_of_least_squares(data, tmp_path):
    path, model = data / "diabetes.csv", tmp_path / "m.params"
    done = succeed("train", "--data", path, "--target", "progression", "--save", model)
    assert done.stderr == ""
    header, *rows = rows_of(path)
    numbers = np.array(rows, dtype=float)
    X, y = np.column_stack([numbers[:, :-1], np.ones(len(rows))]), numbers[:, -1]
    np.random.seed(1)
    training = np.random.permutation(len(rows))[88:]
    solution = np.linalg.lstsq(X[training], y[training], rcond=None)[0]
    best = ((X[training] @ solution - y[training]) ** 2).mean()

    saved = mx.nd.load(str(model))
    learned = np.concatenate([saved["w"].asnumpy().ravel(), saved["b"].asnumpy()])
    mse = ((X[training] @ learned - y[training]) ** 2).mean()
    assert best <= mse < 1.01 * best
    above, least = re.search(r"is ([\d.e-]+) % above .*, ([\d.]+)\n", done.stdout).groups()
    assert float(above) == pytest.approx(100 * (mse / best - 1), rel=0.01)
    assert float(least) == pytest.approx(best, rel=1e-5)
    metrics = mlr.load_model(model).metrics
    np.testing.assert_allclose(metrics["training"]["mse"], mse)
    held_out = np.setdiff1d(np.arange(len(rows)), training)
    residuals = X[held_out] @ learned - y[held_out]
    assert metrics["validation"]["rows"] == 88
    np.testing.assert_allclose(metrics["validation"]["mse"], (residuals**2).mean())
    np.testing.assert_allclose(metrics["validation"]["rmse"], (residuals**2).mean() ** 0.5)
    r2 = 1 - (residuals**2).mean() / y[held_out].var()
    np.testing.assert_allclose(metrics["validation"]["r2"], r2)
    for name, value in zip(header[:-1], learned):
        assert re.search(rf"^{name} +{re.escape(f'{value:.6g}')}$", done.stdout, re.M)

    predictions = rows_of_text(succeed("predict", model, path, how=run).stdout)
    assert predictions[0] == ["predicted progression"]
    np.testing.assert_allclose(np.array(predictions[1:], float)[:, 0], X @ learned, rtol=1e-12)


def line_table(table, count=60):
    rows = [[i, 2 - i % 3, 3 * i - 5 * (i % 3) + 7] for i in range(count)]
    return table(["x", "twos", "y"], *rows)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_coefficients_are_in_the_files_units(table, tmp_path, dtype):
    model = tmp_path / "m.params"
    succeed("train", "--data", line_table(table), "--target", "y", "--dtype", dtype,
            "--learning-rate", 0.2, "--save", model)  # fmt: skip
    saved = mx.nd.load(str(model))
    assert saved["w"].dtype == saved["b"].dtype == np.dtype(dtype)
    np.testing.assert_allclose(saved["w"].asnumpy(), [[3], [5]], rtol=1e-4)
    np.testing.assert_allclose(saved["b"].asnumpy(), [-3], rtol=1e-3)


def test_what_it_tells_has_at_most_80_characters(table, monkeypatch):
    rows = [[i, i % 7, i**2 % 23, 3 * i + 5 * (i % 7) + i**2 % 23 / 9] for i in range(40)]
    path = table(["x", "z", "unit", "y"], *rows, [1, 2, 3, ""])
    monkeypatch.chdir(path.parent)
    done = succeed("train", "--data", path.name, "--target", "y")
    lines = done.stdout.splitlines()
    assert "1 row is left out: it has no 'y'" in lines
    assert any(line.startswith("converged after ") for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_warning_comes_after_the_last_epoch(table):
    path = table(["x", "z", "y"], *([i % 9, i % 7, i * i % 23] for i in range(60)))
    done = subprocess.run(
        [*COMMAND, "train", "--data", path, "--target", "y", "--epochs", "12"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(),
    )  # fmt: skip
    lines = [line[:20] for line in done.stdout.splitlines()]
    place = lines.index("mxlinreg train: warn")
    assert lines[place - 1].startswith("Epoch 11. ") and "Epoch" not in "".join(lines[place:])


def test_text_missing_and_constant_columns(table, tmp_path):
    rows = [[i, "abc"[i % 3], 7, i + 10 * (i % 3)] for i in range(40)]
    rows += [["", "a", 7, 3]]
    path, model = table(["x", "kind", "seven", "y"], *rows), tmp_path / "m.params"
    common = ("train", "--data", path, "--target", "y")
    done = succeed(*common, "--one-hot", "--save", model)
    assert "1 of 41 rows is left out: it has gaps ('x' 1)" in done.stdout
    assert done.stderr == (
        "mxlinreg train: warning: 'seven' is constant in the training rows, and has no "
        "coefficient\n"
    )
    coefficients = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line}
    np.testing.assert_allclose(float(coefficients["kind=b"][0]), 10, rtol=1e-3)
    np.testing.assert_allclose(float(coefficients["kind=c"][0]), 20, rtol=1e-3)
    assert coefficients["seven"] == ["–", "–", "–"]
    message = fail(1, "predict", model, path, "--invalid", "error")
    assert "missing values ('x' 1)" in message
    assert message.endswith("or take --invalid empty to leave their predictions empty\n")
    empty = succeed("predict", model, path)
    assert rows_of_text(empty.stdout)[-1] == [""] and empty.stderr == (
        "mxlinreg predict: warning: 1 row has no prediction: missing values ('x' 1)\n"
    )
    assert "missing values in 'x' 1; --missing drop" in fail(1, *common, "--missing", "error")

    succeed(*common, "--missing", "mean", "--save", model)
    predictions = rows_of_text(succeed("predict", model, path).stdout)
    assert len(predictions) == 42 and predictions[-1] != [""]
    fill = mlr.load_model(model).fill
    assert abs(fill["x"] - 19.5) < 5 and fill["seven"] == 7


def test_predict(table, tmp_path):
    model, output = tmp_path / "m.params", tmp_path / "predictions.csv"
    succeed("train", "--data", line_table(table), "--target", "y", "--learning-rate", 0.2,
            "--validation", 0, "--save", model)  # fmt: skip
    reordered = table(["extra", "twos", "x"], ["a", 1, 100], ["b", 0, -100])
    succeed("predict", model, reordered, "--output", output, how=run)
    np.testing.assert_allclose(np.array(rows_of(output)[1:], float).ravel(), [302, -303], rtol=1e-3)
    before = output.read_bytes()
    bad = table(["two", "x"], [1, 100])
    message = fail(1, "predict", model, bad, "--output", output)
    assert "no column 'twos'; the nearest is 'two'" in message
    assert output.read_bytes() == before
    assert "cannot be read" in fail(1, "predict", tmp_path / "none.params", bad)
    mx.nd.save(str(model), {"weight": mx.nd.ones((1, 1))})
    assert "holds no linear model" in fail(1, "predict", model, bad)


def test_a_rate_too_large_for_the_data_is_told(table):
    """The chapter's steps grow without end, but not yet beyond all numbers."""
    path = table(["x", "y"], *[[i, 2 * i] for i in range(30)])
    done = succeed("train", "--data", path, "--target", "y", "--learning-rate", 50,
                   "--epochs", 3)  # fmt: skip
    assert "has not converged in 3 epochs" in done.stderr
    assert "leave --learning-rate out" in done.stderr


@pytest.mark.parametrize("closed, status", [("2>&-", 0), (">&-", 0), ("<&-", 0)])
def test_closed_streams(tmp_path, closed, status):
    model = tmp_path / "m.params"
    command = f"{sys.executable} -m mxlinreg train --num-examples 8 --epochs 1 --save {model}"
    done = subprocess.run(["bash", "-c", f"{command} {closed}"], env=environment())
    assert done.returncode == status and mx.nd.load(str(model))


def test_a_model_is_saved_though_nobody_reads_what_is_printed(tmp_path):
    model = tmp_path / "m.params"
    command = f"{sys.executable} -m mxlinreg train --num-examples 8 --quiet --save {model} >&-"
    subprocess.run(["bash", "-c", command], env=environment(), stderr=subprocess.DEVNULL)
    assert mx.nd.load(str(model))


def test_pictures_of_real_data(table, tmp_path):
    path = table(["x", "y"], *[[i, 2 * i] for i in range(30)])
    common = ("train", "--data", path, "--target", "y", "--epochs", 3)
    succeed(*common, "--plot", tmp_path / "pictures")
    assert sorted(p.stem for p in (tmp_path / "pictures").iterdir()) == [
        "coefficients", "errors", "losses", "network", "predictions", "residuals",
    ]  # fmt: skip
    succeed(*common, "--plot", tmp_path / "one.svg")
    assert "<svg" in (tmp_path / "one.svg").read_text()


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["--epochs", "-1"], "epochs"),
        (["--epochs", "ten"], "epochs"),
        (["--batch-size", "0"], "batch-size"),
        (["--batch-size", "2.5"], "batch-size"),
        (["--learning-rate", "-1"], "learning-rate"),
        (["--learning-rate", "nan"], "learning-rate"),
        (["--dtype", "int8"], "dtype"),
        (["--data", "x.csv"], "--data needs --target"),
        (["--target", "y"], "--target goes with --data only"),
        (["--data", "x.csv", "--target", "y", "--noise", "1"], "--noise goes with"),
        (["--data", "x.csv", "--target", "y", "--validation", "1"], "validation"),
        (["--data", "x.csv", "--target", "y", "--noise", "0"], "--noise goes with"),
        (["--data", "x.csv", "--target", "y", "--shuffle-buffer", "0"], "--shuffle-buffer goes"),
        (
            ["--data", "x.csv", "--target", "y", "--solver", "exact", "--engine", "compiled"],
            "--engine goes with --solver sgd only",
        ),
        (
            ["--data", "x.csv", "--target", "y", "--solver", "exact", "--model-ctx", "cpu,cpu"],
            "no batches",
        ),
        (["--nonsense"], "nonsense"),
        (["two\nlines"], "unrecognized arguments: two lines"),
    ],
)
def test_usage_errors(arguments, text):
    assert text in fail(2, "train", *arguments)


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["--ctx", "gpu(7)"], "gpu(7)"),
        (["--model-ctx", "tpu"], "'tpu'"),
        (["--data", "nowhere.csv", "--target", "y"], "nowhere.csv"),
        (
            ["--data", "nowhere.csv", "--target", "y", "--stream"],
            "error: --data: nowhere.csv is neither",
        ),
        (["--save", "/nowhere/m.params"], "--save"),
        (["--save", "/"], "--save"),
        (["--plot", "/nowhere/p.png"], "--plot"),
        (["--plot", __file__], "does not end in .png, .pdf, .svg"),
        (["--learning-rate", "1000"], "smaller --learning-rate"),
    ],
)
def test_errors(arguments, text):
    few_rows = [] if "--data" in arguments else ["--num-examples", "8"]
    assert text in fail(1, "train", *few_rows, *arguments)


def test_nothing_left_to_train_on(table):
    path = table(["x", "y"], [1, 2], [3, 4])
    message = fail(1, "train", "--data", path, "--target", "y", "--validation", 0.99)
    assert "--validation: 0.99 leaves none of 2 rows" in message


def test_divergence_overwrites_no_good_model(tmp_path):
    model = tmp_path / "m.params"
    model.write_text("good")
    fail(1, "train", "--num-examples", 8, "--learning-rate", 1000, "--save", model)
    assert model.read_text() == "good" and [p.name for p in tmp_path.iterdir()] == ["m.params"]


def test_an_interrupted_stream_prints_no_empty_table(table, tmp_path):
    path = table(["x", "y"], *([i % 17, i % 17 * 2 + i % 3] for i in range(20000)))
    process = subprocess.Popen(
        [*COMMAND, "train", "--data", path, "--target", "y", "--stream", "--epochs", "100000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("Epoch 1."):
            break
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=100)
    assert process.returncode == 130 and "interrupted after" in stderr
    assert "trained" in stdout and "RMSE" not in stdout


@pytest.mark.parametrize("saving", [True, False])
def test_interrupt(tmp_path, saving):
    model = tmp_path / "m.params"
    arguments = ["--save", str(model)] if saving else []
    process = subprocess.Popen(
        [*COMMAND, "train", "--num-examples", "400", "--epochs", "100000", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("Epoch 1,"):
            break
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=100)
    assert process.returncode == 130
    *_, last = stderr.splitlines()  # after the hint at the compiled engine
    assert re.fullmatch(r"mxlinreg train: interrupted after \d+ epochs; .*saved.*", last), stderr
    assert ("nothing saved" in last) != saving
    if saving:
        assert np.isfinite(mx.nd.load(str(model))["w"].asnumpy()).all()
        assert len(mlr.load_model(model).losses) >= 2


def test_a_closed_pipe_is_no_traceback():
    command = f"{sys.executable} -m mxlinreg train --num-examples 8 --epochs 500 | head -1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment()
    )
    assert done.stdout.startswith("data_ctx") and done.stderr == ""


@pytest.mark.parametrize("command", ["train", "predict"])
def test_help_states_each_default(command):
    text = " ".join(succeed(command, "--help").stdout.split())
    options = set(re.findall(r"--[a-z][a-z-]+", text)) - {"--help", "--ctx"}
    assert text.count("default") >= len(options)


@pytest.mark.parametrize("data", ["parts", "parts/*.csv"])
@pytest.mark.parametrize("option", ["--save", "--checkpoint"])
def test_no_file_of_a_stream_is_written_over(tmp_path, data, option):
    (tmp_path / "parts").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "parts" / name).write_text("x,y\n1,2\n2,4\n3,5\n4,9\n")
    before = (tmp_path / "parts" / "b.csv").read_bytes()
    train = ["train", "--data", tmp_path / data, "--stream", "--target", "y", "--epochs", 1]
    message = fail(1, *train, option, tmp_path / "parts" / "b.csv")
    assert f"{option}: {tmp_path}/parts/b.csv is the same file as --data" in message
    assert (tmp_path / "parts" / "b.csv").read_bytes() == before
