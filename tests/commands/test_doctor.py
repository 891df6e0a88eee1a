"""`mxlinreg doctor`: each finding, from sources that are faked one at a time."""

import builtins
import io
import json
import sys
from importlib.machinery import ModuleSpec

import pytest
from helpers import call, run, succeed

from mxlinreg.alive import cuda, diagnosis
from mxlinreg.alive.diagnosis import Finding


def test_a_machine_on_which_mxnet_works():
    report = json.loads(succeed("doctor", "--json", how=run).stdout)
    found = {finding["name"]: finding for finding in report["findings"]}
    assert report["ok"] is True and all(finding["ok"] for finding in report["findings"])
    mxnet, numpy = (__import__(name) for name in ("mxnet", "numpy"))
    assert found["Python"]["found"].split()[1] == f"{sys.version.split()[0]},"
    assert found["NumPy"]["found"] == numpy.__version__
    assert found["import"]["found"].startswith(f"MXNet {mxnet.__version__} in ")
    assert "OPENMP" in found["import"]["found"]
    assert set(found) == {
        "Python", "platform", "processor", "memory", "engine", "package", "library", "NumPy",
        "import",
    }  # fmt: skip


@pytest.fixture
def findings(monkeypatch):
    """A function that has the command find these."""

    def find(*made):
        monkeypatch.setattr(diagnosis, "examine", lambda: list(made))

    return find


def test_the_table(findings):
    findings(Finding("NumPy", True, "2.4"), Finding("a", False, "is b", "make a"))
    done = call("doctor")
    assert done.returncode == 1 and done.stderr == ""
    assert done.stdout == "ok     NumPy  2.4\nwrong  a      is b\n              Try: make a\n"
    findings(Finding("NumPy", True, "2.4"))
    assert succeed("doctor").stdout == "ok     NumPy  2.4\n"


def test_json(findings):
    findings(Finding("a", False, "is b", "make a"))
    done = call("doctor", "--json")
    finding = {"name": "a", "ok": False, "found": "is b", "remedy": "make a"}
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"ok": False, "findings": [finding]}


def wrong(finding, *words):
    assert not finding.ok and finding.remedy
    for word in words:
        assert word in f"{finding.found} -> {finding.remedy}"


def test_a_python_of_32_bits(monkeypatch):
    monkeypatch.setattr(diagnosis.sys, "maxsize", 2**31 - 1)
    wrong(diagnosis.python_finding(), "32 bits", "install")


@pytest.mark.parametrize(
    "system, machine, libc, words",
    [
        ("Windows", "AMD64", "", ["Windows on AMD64", "-> wsl --install"]),
        ("Darwin", "arm64", "", ["Darwin on arm64", "--platform linux/amd64"]),
        ("Linux", "ppc64le", "glibc", ["Linux on ppc64le, glibc 2.30", "--platform linux/amd64"]),
        ("FreeBSD", "x86_64", "", ["FreeBSD on x86_64", "-> docker run"]),
        ("Linux", "x86_64", "", ["Alpine", "python:3.13-slim"]),
    ],
)
def test_platforms_without_mxnet(monkeypatch, system, machine, libc, words):
    monkeypatch.setattr(diagnosis.platform, "system", lambda: system)
    monkeypatch.setattr(diagnosis.platform, "machine", lambda: machine)
    monkeypatch.setattr(diagnosis.platform, "libc_ver", lambda: (libc, "2.30" if libc else ""))
    wrong(diagnosis.platform_finding(), *words)


@pytest.fixture
def files(monkeypatch):
    """A function that gives files other contents; None for a file that is not there."""
    contents, real = {}, builtins.open

    def fake(path, *args, **kwargs):
        if path not in contents:
            return real(path, *args, **kwargs)
        if contents[path] is None:
            raise FileNotFoundError(path)
        return io.StringIO(contents[path])

    monkeypatch.setattr(builtins, "open", fake)
    return contents.update


def test_processor(files):
    text = "processor\t: {}\nmodel name\t: {}\nflags\t\t: fpu {}\n\n"
    files({"/proc/cpuinfo": text.format(0, "QEMU", "sse2 ssse3") + text.format(1, "B", "avx2")})
    wrong(diagnosis.processor_finding(), "QEMU lacks", "SSE4.1", "-cpu host")
    files({"/proc/cpuinfo": text.format(0, "Xeon", "sse4_1 avx")})
    finding = diagnosis.processor_finding()
    assert finding.ok and finding.found.startswith("Xeon, ") and "sse4_1 avx" in finding.found
    files({"/proc/cpuinfo": None})
    assert diagnosis.processor_finding().ok


def test_memory(files):
    limit, used = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"
    files({"/proc/meminfo": "MemAvailable:   8388608 kB\n", limit: "max\n", used: "5\n"})
    assert diagnosis.memory_finding() == Finding("memory", True, "8.0 GB available")
    files({limit: str(2**30), used: str(3 * 2**28)})  # a container of 1 GB, 0.75 in use
    wrong(diagnosis.memory_finding(), "0.2 GB available", "docker run --memory 2g")
    files({limit: None, "/proc/meminfo": "MemAvailable: 104858 kB\n"})
    wrong(diagnosis.memory_finding(), "0.1 GB available", "needs 0.5 GB")
    files({"/proc/meminfo": None})
    assert diagnosis.memory_finding().ok


def test_engine(monkeypatch):
    monkeypatch.setenv("MXNET_ENGINE_TYPE", "Naive")
    wrong(diagnosis.engine_finding(), "'Naive', none of", "-> unset MXNET_ENGINE_TYPE")
    monkeypatch.setenv("MXNET_ENGINE_TYPE", "NaiveEngine")
    assert diagnosis.engine_finding().ok
    monkeypatch.delenv("MXNET_ENGINE_TYPE")
    assert diagnosis.engine_finding().found == "ThreadedEnginePerDevice, MXNet's default"


@pytest.mark.parametrize(
    "packages, words",
    [
        ({}, ["not installed", 'pip install "mxnet==1.9.1"']),
        ({"mxnet": "1.5.0"}, ["mxnet 1.5.0", "-> pip install --no-deps mxnet==1.9.1"]),
        ({"mxnet-cu112": "1.8.0"}, ["-> pip install --no-deps mxnet-cu112==1.9.1"]),
        (
            {"mxnet": "1.9.1", "mxnet-cu117": "1.9.1"},
            ["overwrite", "-> pip uninstall -y mxnet mxnet-cu117 && pip install --no-deps "
             "mxnet-cu117==1.9.1"],
        ),
    ],
)  # fmt: skip
def test_packages(monkeypatch, packages, words):
    monkeypatch.setattr(cuda, "packages", lambda: packages)
    wrong(diagnosis.package_finding(), *words)


def spec_of(place):
    return ModuleSpec("mxnet", None, origin=place)


@pytest.mark.parametrize(
    "spec, words",
    [
        (None, ["no module mxnet", '-> pip install "mxnet==1.9.1"']),
        (spec_of("/a/site-packages/mxnet/__init__.py"), ["no libmxnet.so", "--force-reinstall"]),
        (spec_of("/b/mxnet.py"), ["which hides", "-> mv /b/mxnet.py /b/my_mxnet.py"]),
        (spec_of("/b/mxnet/__init__.py"), ["which hides", "-> mv /b/mxnet /b/my_mxnet"]),
    ],
)
def test_no_library(monkeypatch, spec, words):
    monkeypatch.setattr(diagnosis, "find_spec", lambda name: spec)
    wrong(diagnosis.library_finding(None), *words)


def driver(**other):
    return {"version": "535.54", "cuda": [12, 2], "gpus": [], "error": None, **other}


def test_driver(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (finding,) = diagnosis.driver_findings(driver(), None)
    assert finding == Finding("driver", True, "version 535.54, for CUDA up to 12.2")
    (old,) = diagnosis.driver_findings(driver(version="440.33", cuda=[10, 2]), None)
    wrong(old, "version 440.33, for CUDA up to 10.2", "need CUDA 11", "450.80")
    failing = driver(cuda=None, error="the driver finds no GPU")
    (none,) = diagnosis.driver_findings(failing, None)
    wrong(none, "finds no GPU", "nvidia-smi")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (hidden,) = diagnosis.driver_findings(failing, None)
    wrong(hidden, "(CUDA_VISIBLE_DEVICES is '')", "-> unset CUDA_VISIBLE_DEVICES")


@pytest.mark.parametrize(
    "body, words",
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", ["process with SIGILL"]),
        ("import os; os._exit(7)", ["with status 7, saying: nothing"]),
        ("import time; time.sleep(60)", ["takes more than 1 seconds"]),
        ("raise OSError('no library')", ["OSError: no library", "--force-reinstall"]),
        ("raise RuntimeError('two\\nlines')", ["RuntimeError: two lines"]),
        ("import nowhere_to_be_found", ["-> pip install nowhere_to_be_found"]),
        ("raise ModuleNotFoundError(name='distutils')", ["-> pip install setuptools"]),
        ("", ["AttributeError: module 'mxnet' has no attribute 'nd'"]),
    ],
)
def test_imports_that_fail(monkeypatch, tmp_path, body, words):
    (tmp_path / "mxnet").mkdir()
    (tmp_path / "mxnet" / "__init__.py").write_text(body)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(diagnosis, "_PATIENCE", 1 if "sleep" in body else 60)
    *others, finding = diagnosis.import_findings()
    assert finding.name == "import" and all(finding.ok for finding in others)
    wrong(finding, *words)


def test_a_numpy_that_does_not_import(monkeypatch, tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('broken')")
    monkeypatch.syspath_prepend(str(tmp_path))
    (finding,) = diagnosis.import_findings()
    wrong(finding, "ImportError: broken", "-> pip install --force-reinstall numpy")
    assert finding.name == "NumPy"


def test_libraries_that_crash(monkeypatch):
    monkeypatch.setattr(diagnosis, "_in_child", lambda function: (None, "ends in SIGSEGV"))
    (finding,) = diagnosis.cuda_findings("libmxnet.so")
    wrong(finding, "to load CUDA's libraries ends in SIGSEGV")


def test_gpus_on_which_an_operation_fails(monkeypatch):
    report = {
        "numpy": "2.4", "numpy_error": None, "problems": [], "mxnet": "1.9.1", "seconds": 1.0,
        "features": ["CUDA"], "gpus": [None, "device: the first operation on gpu(1) failed"],
    }  # fmt: skip
    monkeypatch.setattr(diagnosis, "_in_child", lambda function: (report, ""))
    *_, first, second = diagnosis.import_findings()
    assert first == Finding("gpu(0)", True, "computes")
    wrong(second, "the first operation on gpu(1) failed", "--ctx cpu")
