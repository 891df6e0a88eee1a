"""The commands where stdout is full or knows ASCII only, data come from a pipe, memory is short."""

import os
import resource
import subprocess
import zipfile

import numpy as np
import pytest
from helpers import COMMAND, ROOT, environment, fail

import mxlinreg as mlr
from mxlinreg.alive import diagnosis
from mxlinreg.commands import train_file
from mxlinreg.commands.parsing import names, reference, text
from mxlinreg.commands.process import Process

CHAPTER = "train", "--num-examples", 8, "--epochs", 2


def shell(script, *arguments, **variables):
    """Run a script of bash whose "$@" is the command `mxlinreg` with these arguments."""
    command = ["bash", "-c", script, "-", *COMMAND, *map(str, arguments)]
    variables = {**environment(), "PYTHONUNBUFFERED": "", **variables}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=variables)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.params"
    mlr.save_model(path, mlr.Model(np.ones((1, 1)), np.ones(1), columns=["é"], target="价格"))
    return path


@pytest.fixture
def table(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "table.csv"
    rows = (f"{i},{2 * i + 1 + i % 3 / 100}\n" for i in range(20))
    path.write_text("é,价格\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("arguments", [["--help"], ["show", "--help"], ["show", "model"]])
def test_output_to_a_full_disk_is_one_line(arguments, model):
    done = shell('"$@" >/dev/full', *(model if name == "model" else name for name in arguments))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("error: standard output: No space left on device")


@pytest.mark.parametrize(
    "script, said",
    [
        ('"$@" >/dev/full', "mxlinreg train: error: standard output: No space left on device\n"),
        ('"$@" | true; exit ${PIPESTATUS[0]}', ""),
    ],
)
@pytest.mark.parametrize("of_table", [False, True])
def test_the_model_is_saved_even_if_printing_fails(script, said, of_table, table, tmp_path):
    job = CHAPTER
    if of_table:
        job = "train", "--data", table, "--target", "价格", "--solver", "exact"
    done = shell(script, *job, "--save", tmp_path / "m.params")
    assert (done.returncode, done.stderr) == (1, said)
    assert mlr.load_model(tmp_path / "m.params").w.shape == (1 if of_table else 2, 1)


def test_a_warning_that_cannot_be_printed(model, table):
    table.write_text("é\n1\n\n,\n3\n".replace("\n\n,", '\n""'), encoding="utf-8")
    done = shell('"$@" 2>/dev/full', "predict", model, table)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == ["2", '""', "4"]


def test_stdout_that_knows_ascii_only(model):
    done = shell('"$@"', "show", model, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.splitlines()[0].split() == ["column", "coefficient", "of", "\\u4ef7\\u683c"]
    assert done.stdout.splitlines()[2].split() == ["\\xe9", "1"]


def test_names_of_columns_in_a_locale_of_ascii():
    undecoded = "é 价格".encode().decode("ascii", "surrogateescape")
    assert text(undecoded) == text("é 价格") == "é 价格"
    assert names(f"a,{undecoded}") == ["a", "é 价格"]
    assert reference(f"{undecoded}={undecoded}") == ("é 价格", "é 价格")
    assert text("\udcff") == "\udcff"


@pytest.mark.parametrize("option", ["--output", "--plot"])
def test_a_table_from_a_pipe(option, model, table, tmp_path):
    """With --plot the table is needed twice."""
    output = tmp_path / "fit.png"
    if option == "--plot":
        pytest.importorskip("matplotlib")
        job = "train", "--data", "/dev/stdin", "--target", "价格", "--solver", "exact"
    else:
        job = "predict", model, "/dev/stdin"
    done = shell('cat "$TABLE" | "$@"', *job, option, output, TABLE=str(table))
    assert done.returncode == 0, done.stderr
    if option == "--output":
        assert [float(y) for y in output.read_text().splitlines()[1:]] == [*range(1, 21)]
    else:
        assert output.read_bytes()[:4] == b"\x89PNG"
        # The letters that the font lacks are named once each.
        lines = done.stderr.splitlines()
        assert len(set(lines)) == len(lines)
        assert all(line.startswith("mxlinreg train: warning: Glyph") for line in lines)


def test_a_stream_from_a_pipe_is_refused(table):
    job = "train", "--data", "/dev/stdin", "--target", "价格", "--stream", "--solver", "exact"
    done = shell('cat "$TABLE" | "$@"', *job, TABLE=str(table))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("mxlinreg train: error: --data: /dev/stdin is not an ordinary file")


def test_a_package_in_a_zip_file_is_refused_in_one_line(tmp_path):
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as package:
        for path in (ROOT / "mxlinreg").rglob("*.py"):
            package.write(path, path.relative_to(ROOT))
    done = shell('cd /; "$@"', "--version", PYTHONPATH=f"{tmp_path}/package.zip")
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "mxlinreg cannot be imported from a zip file" in line and "pip install" in line


def test_memory_that_numpy_or_pyarrow_cannot_have(table, monkeypatch):
    def fit(*_, **__):
        raise MemoryError("Unable to allocate 7.45 GiB for an array")

    monkeypatch.setattr(train_file, "fit", fit)
    job = "train", "--data", table, "--target", "价格", "--solver", "exact"
    message = "mxlinreg train: error: not enough memory: Unable to allocate 7.45 GiB for an array"
    assert fail(1, *job) == f"{message}; --stream needs less\n"
    assert fail(1, *job, "--stream") == f"{message}\n"


def test_too_little_address_space_for_mxnet(monkeypatch):
    # Where a table needs more than the chapter's job.
    between = diagnosis._LEAST_ADDRESS_SPACE + diagnosis._FOR_EACH_PROCESSOR * os.cpu_count()
    limit = int(between + diagnosis._FOR_TABLES / 2) >> 10
    done = shell(f'ulimit -v {limit}; "$@"', *CHAPTER)
    assert done.returncode == 0, done.stderr
    done = shell(f'ulimit -v {limit}; "$@"', *CHAPTER, "--engine", "compiled")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "MXNet, pyarrow and Numba may take" in line
    done = shell('ulimit -v 600000; "$@"', *CHAPTER)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert (
        "MXNet may take" in line
        and "GB of address space, and this process is limited to 0.6 GB; raise the limit" in line
    )
    assert diagnosis.address_space_problem() == ""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (600_000 << 10, -1))
    finding = diagnosis.memory_finding()
    assert not finding.ok and finding.remedy == "ulimit -v unlimited"


def test_a_job_goes_on_where_its_output_cannot_be_written():
    class Full:
        buffer = open("/dev/full", "wb", buffering=0)

    with Full.buffer:
        Process("worker", "127.0.0.1", {}, []).relay([b"one\n", b"two\n"], Full)
