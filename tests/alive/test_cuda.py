"""CUDA's libraries for GPU builds, with libraries that stand in for MXNet's and NVIDIA's.

gcc builds them. Nothing here has a GPU or one of NVIDIA's files.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import numpy
import pytest
from helpers import ROOT

from mxlinreg.alive import cuda

pytestmark = [
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="MXNet's GPU builds are for Linux"),
]
# The functions that mxnet-cu117 takes from the driver, and the first that mxlinreg doctor calls.
FUNCTIONS = (
    "cuDeviceGet", "cuDevicePrimaryCtxRetain", "cuGetErrorString", "cuGraphKernelNodeGetParams",
    "cuGraphNodeGetType", "cuLaunchKernel", "cuModuleGetFunction", "cuModuleLoadData",
    "cuModuleLoadDataEx", "cuModuleUnload", "cuInit",
)  # fmt: skip
NO_GPU = "".join(f"int {name}(void) {{ return 100; }}\n" for name in FUNCTIONS)
# Its table of these functions has the loader look for each when MXNet is imported.
MXNET = (
    "".join(f"int {name}();\n" for name in FUNCTIONS[:-1])
    + f"void *functions[] = {{{', '.join(FUNCTIONS[:-1])}}};\n"
    + "int mxnet(void) { return 1; }"
)
TWO_GPUS = r"""
#include <string.h>
int cuInit(unsigned flags) { return flags; }
int cuDriverGetVersion(int *version) { *version = 12020; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal + 7; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
    strncpy(name, device == 7 ? "Ampere" : "Hopper", length);
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? device + 1 : attribute == 76 ? (device == 7 ? 9 : 0) : -1;
    return 0;
}
"""
# The package of each library, as its folder in nvidia/, and the libraries that it needs itself.
LIBRARIES = {
    "libcublasLt.so.11": ("cublas", []),
    "libcublas.so.11": ("cublas", ["libcublasLt.so.11"]),
    "libcudart.so.11.0": ("cuda_runtime", []),
    "libcudnn.so.8": ("cudnn", ["libcublas.so.11"]),
}
NEEDS = ["libcudnn.so.8", "libcudart.so.11.0", "libcublas.so.11"]


def build(path, code="int answer(void) { return 42; }", needs=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-shared", "-fPIC", "-xc", "-", "-o", path, f"-Wl,-soname,{path.name}"]
    # The needed libraries, some of which lie in folders that the linker does not know.
    command += ["-xnone", "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", *needs]
    subprocess.run(list(map(str, command)), input=code, text=True, check=True)
    return path


def fatbin(*containers):
    """C code of a section .nv_fatbin: containers of entries (kind, compute capability, length)."""
    content = b""
    for entries in containers:
        inner = b"".join(
            struct.pack("<HHIQIIHHI32x", kind, 257, 64, length, 0, 0, 0, 0, capability)
            + b"\xab" * length
            for kind, capability, length in entries
        )
        content += struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(inner)) + inner + bytes(8)
    numbers = ",".join(map(str, content))
    return f'__attribute__((section(".nv_fatbin"))) const unsigned char code[] = {{{numbers}}};'


class Machine:
    """A folder of packages, with stand-ins for a GPU build of MXNet, CUDA and the driver."""

    def __init__(self, folder):
        self.packages, self.driver = folder / "packages", folder / "driver"
        self.library = self.packages / "mxnet" / "libmxnet.so"
        paths = {"libcuda.so.1": build(self.driver / "libcuda.so.1", NO_GPU)}
        for name, (part, needs) in LIBRARIES.items():
            path = self.packages / "nvidia" / part / "lib" / name
            paths[name] = build(path, needs=[paths[own] for own in needs])
        code = fatbin([(2, 50, 24), (2, 86, 8)], [(2, 80, 16)]) + MXNET
        build(self.library, code, [paths[name] for name in [*NEEDS, "libcuda.so.1"]])
        (self.library.parent / "__init__.py").write_text("from . import base\n")
        (self.library.parent / "base.py").write_text(
            "import ctypes, os\n"
            "path = os.path.join(os.path.dirname(__file__), 'libmxnet.so')\n"
            "answer = ctypes.CDLL(path).mxnet()\n"
        )
        information = self.packages / "mxnet_cu117-1.9.1.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Name: mxnet-cu117\nVersion: 1.9.1\n")
        for name in ("numpy", "numpy.libs"):
            place = Path(numpy.__file__).parent.parent / name
            if place.exists():
                (self.packages / name).symlink_to(place)

    def run(self, *arguments, driver=True):
        """Run Python with these packages alone."""
        environment = {**os.environ, "PYTHONPATH": f"{self.packages}:{ROOT}"}
        environment.pop("LD_LIBRARY_PATH", None)
        if driver:
            environment["LD_LIBRARY_PATH"] = str(self.driver)
        return subprocess.run(
            [sys.executable, "-S", *arguments], capture_output=True, text=True, env=environment
        )

    def remove(self, name):
        (self.packages / "nvidia" / LIBRARIES[name][0] / "lib" / name).unlink()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def imports(machine, **how):
    done = machine.run("-c", "import mxlinreg, mxnet; print(mxnet.base.answer)", **how)
    return done.stdout.strip() if done.returncode == 0 else done.stderr


def test_the_libraries_that_pip_has_installed_are_loaded_before_mxnets(machine):
    plain = machine.run("-c", "import mxnet")
    assert "OSError: libcudnn.so.8: cannot open shared object file" in plain.stderr
    assert imports(machine) == "1"
    done = machine.run("-c", "import mxlinreg, mxnet; print(open('/proc/self/maps').read())")
    for name, (part, _) in LIBRARIES.items():
        assert str(machine.packages / "nvidia" / part / "lib" / name) in done.stdout


def test_without_the_driver_one_line_says_what_to_install(machine):
    message = imports(machine, driver=False).splitlines()[-1]
    assert message == (
        "mxlinreg.alive.cuda.LibrariesMissing: libcuda.so.1 cannot be loaded: the NVIDIA driver is "
        "missing, without which mxnet-cu117 does not even run on the CPU. Install the driver (for "
        "a container: docker run --gpus all), or MXNet for the CPU. Try: pip uninstall -y "
        'mxnet-cu117 && pip install --force-reinstall --no-deps "mxnet==1.9.1"'
    )
    done = machine.run("-c", "import mxlinreg; mxlinreg.context", driver=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: MXNet cannot be imported: libcuda.so.1 cannot be loaded")
    assert last.endswith("of the README of mxlinreg") and "mxlinreg doctor" in last


def test_without_some_of_cudas_libraries_the_line_has_their_packages(machine):
    machine.remove("libcudnn.so.8")
    machine.remove("libcublas.so.11")
    assert imports(machine).splitlines()[-1] == (
        "mxlinreg.alive.cuda.LibrariesMissing: mxnet-cu117 needs libcudnn.so.8, libcublas.so.11, "
        'which cannot be loaded. Try: pip install "nvidia-cudnn-cu11<9" "nvidia-cublas-cu11"'
    )


def test_a_damaged_library_is_installed_anew(machine):
    path = machine.packages / "nvidia" / "cudnn" / "lib" / "libcudnn.so.8"
    path.write_bytes(path.read_bytes()[:100])
    assert imports(machine).splitlines()[-1].endswith(
        'Try: pip install --force-reinstall --no-deps "nvidia-cudnn-cu11<9"'
    )  # fmt: skip


def test_what_pypi_does_not_have(machine):
    """As the libraries of CUDA 10."""
    old = build(machine.packages.parent / "toolkit" / "libcudart.so.10.2")
    build(machine.library, "int mxnet(void) { return 1; }", [old])
    assert imports(machine).splitlines()[-1] == (
        "mxlinreg.alive.cuda.LibrariesMissing: mxnet-cu117 needs libcudart.so.10.2, which no "
        "package on PyPI has. Try: pip uninstall -y mxnet-cu117 && pip install --no-deps "
        "mxnet-cu117==1.9.1"
    )


def test_other_errors_of_the_loader_stay(machine):
    build(machine.library, "int nowhere(void); int mxnet(void) { return nowhere(); }")
    message = imports(machine)
    assert "OSError: " in message and "undefined symbol: nowhere" in message


def test_a_cpu_build_loads_nothing(machine):
    build(machine.library, "int mxnet(void) { return 1; }")
    program = "import mxlinreg, mxnet; print('/nvidia/' in open('/proc/self/maps').read())"
    assert machine.run("-c", program).stdout.strip() == "False"


def findings(machine, **how):
    done = machine.run("-m", "mxlinreg", "doctor", "--json", **how)
    report = json.loads(done.stdout)
    assert done.returncode == 1 and report["ok"] is False, done
    return {finding["name"]: finding for finding in report["findings"]}


def test_doctor_with_a_driver_without_gpus(machine):
    found = findings(machine)
    for name in NEEDS:
        place = machine.packages / "nvidia" / LIBRARIES[name][0] / "lib" / name
        assert found[name]["ok"] and found[name]["found"] == str(place)
    assert found["libcuda.so.1"]["found"] == str(machine.driver / "libcuda.so.1")
    assert found["library"]["found"] == (
        f"{machine.library}, built for GPUs of compute capability 5.0, 8.0, 8.6, and the CPU"
    )
    assert found["package"]["ok"] and found["package"]["found"] == "mxnet-cu117 1.9.1"
    assert not found["driver"]["ok"] and found["driver"]["found"] == "the driver finds no GPU"
    assert "nvidia-smi" in found["driver"]["remedy"]


def test_doctor_with_gpus(machine):
    others = [line for line in NO_GPU.splitlines() if line.split("(")[0] + "(" not in TWO_GPUS]
    build(machine.driver / "libcuda.so.1", "\n".join([*others, TWO_GPUS]))
    found = findings(machine)
    assert found["driver"]["ok"] and found["driver"]["found"].endswith("for CUDA up to 12.2")
    assert found["GPU 0"]["ok"] and found["GPU 0"]["found"] == "Ampere, compute capability 8.9"
    assert not found["GPU 1"]["ok"]
    assert found["GPU 1"]["found"] == (
        "Hopper, compute capability 9.0, for which this MXNet has no code: it has that of 5.0, "
        "8.0, 8.6"
    )
    assert found["GPU 1"]["remedy"] == "mxlinreg train --ctx cpu"


def test_doctor_without_the_driver_and_a_library(machine):
    machine.remove("libcudart.so.11.0")
    done = machine.run("-m", "mxlinreg", "doctor", driver=False)
    assert done.returncode == 1 and done.stderr == ""
    wrong = [line.split(None, 2)[1:] for line in done.stdout.splitlines() if line[:5] == "wrong"]
    assert [name for name, _ in wrong] == ["CUDA", "CUDA", "import", "import"]
    assert wrong[0][1] == "mxnet-cu117 needs libcudart.so.11.0, which cannot be loaded."
    assert 'Try: pip install "nvidia-cuda-runtime-cu11"\n' in done.stdout
    assert wrong[1][1].startswith("libcuda.so.1 cannot be loaded: the NVIDIA driver is missing")
    assert "Try: pip uninstall -y mxnet-cu117 && pip install" in done.stdout


def test_the_needs_of_a_library_are_those_that_readelf_reads(machine):
    for path in (machine.library, cuda.find_library(), shutil.which("gcc")):
        lines = subprocess.run(
            ["readelf", "-dW", path], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        wanted = [line.split("[")[1].rstrip("]") for line in lines if "(NEEDED)" in line]
        assert wanted and cuda.needed(str(path)) == wanted


def test_damaged_files_need_nothing_and_hold_no_code(machine, tmp_path):
    content, path = machine.library.read_bytes(), tmp_path / "damaged.so"
    for damaged in (b"", b"\x7fELF", content[:64], content[: len(content) // 2], b"\0" * 5000):
        path.write_bytes(damaged)
        assert cuda.needed(str(path)) == [] and cuda.code_of(str(path)) == cuda.Code([], [])
    assert cuda.needed(str(tmp_path / "nowhere.so")) == []


@pytest.mark.parametrize(
    "capability, runs",
    [((3, 7), False), ((5, 0), True), ((5, 2), True), ((6, 1), False), ((8, 0), True)]
    + [((8, 9), True), ((9, 0), False), ((12, 0), False)],
)
def test_a_gpu_runs_code_of_its_major_version_and_no_later_minor_one(capability, runs):
    assert cuda.Code([(5, 0), (8, 0), (8, 6)], []).runs_on(capability) is runs


def test_ptx_runs_on_later_gpus(tmp_path):
    path = build(tmp_path / "ptx.so", fatbin([(2, 70, 8), (1, 70, 8)]))
    code = cuda.code_of(str(path))
    assert code == cuda.Code([(7, 0)], [(7, 0)])
    assert code.runs_on([12, 0]) and not code.runs_on([6, 1])


def test_an_environment_variable_names_another_library(machine, monkeypatch):
    monkeypatch.setenv("MXNET_LIBRARY_PATH", str(machine.library))
    assert cuda.find_library() == str(machine.library)
    monkeypatch.setenv("MXNET_LIBRARY_PATH", "libmxnet.so")  # MXNet ignores relative paths
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/nowhere:{machine.library.parent}")
    assert cuda.find_library() == str(machine.library)


def test_the_extra_has_a_package_for_each_library():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options.extras_require"]["cuda"].strip().splitlines()
    requirements = [line.partition(";")[0] for line in lines if not line.startswith("#")]
    assert requirements == list(cuda.PACKAGES.values())
