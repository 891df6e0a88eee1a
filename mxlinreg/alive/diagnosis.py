"""Explain why MXNet or a GPU does not work on this machine, and what to do about it."""

import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import cuda
from .cuda import LibrariesMissing

_CUDA_PACKAGES = "mxnet-cu102, mxnet-cu110, mxnet-cu112, mxnet-cu116 or mxnet-cu117"
_BUILDS = ("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64")
_MORE = 'More: mxlinreg doctor, and the section "MXNet won\'t import" of the README of mxlinreg'
_ENGINES = "ThreadedEnginePerDevice", "ThreadedEngine", "NaiveEngine"
_INSTRUCTIONS = "sse4_1", "avx", "avx2", "avx512f"  # the first of them is required
_PATIENCE = 120  # seconds; MXNet's libraries for GPUs have 4 GB, which a slow disk has to read
_LEAST_MEMORY = 0.5  # GB; MXNet's import takes 0.2
_GB = 2**30
RAISE_LIMIT = "ulimit -v unlimited"
# Bytes of address space with which MXNet trains the chapter's model. With less its threads end the
# process, or wait forever. Engines other than NaiveEngine have threads of their own.
_LEAST_ADDRESS_SPACE = 0.75 * _GB
_FOR_EACH_PROCESSOR = 75 * 2**20
_FOR_ENGINE_THREADS = 0.4 * _GB
_FOR_TABLES = 0.4 * _GB


class Finding(NamedTuple):
    """One thing that was examined: whether it is in order, and the command that mends it if not."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def import_remedy(error: BaseException) -> str:
    """The one-line message for an `error` that ``import mxnet`` raised, with a remedy."""
    if isinstance(error, LibrariesMissing):
        return f"MXNet cannot be imported: {error}. {_MORE}"
    ((text, remedy),) = import_problems(error)
    if not remedy:
        return text
    if remedy == cuda.CPU_BUILD:
        remedy = f"for the CPU build: {remedy}"
    return f"MXNet cannot be imported ({text}). Try: {remedy}. {_MORE}"


def import_problems(error: BaseException) -> List[Tuple[str, str]]:
    """Why ``import mxnet`` raised `error`, and the commands that mend it, "" where nothing does."""
    if isinstance(error, LibrariesMissing):
        return error.problems
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    system, machine = platform.system(), platform.machine()
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if missing == "mxnet" and (system, machine) not in _BUILDS:
        text = (
            f"MXNet 1.9.1 was not built for {system} on {machine}, only for Linux on x86-64 and "
            "arm64 and for Macs with Intel processors. Saved models and the exact solution do not "
            "need it"
        )
        return [(text, "")]
    if missing == "mxnet":
        return [(text, 'pip install "mxnet==1.9.1"')]
    if missing == "distutils":
        return [(text, "pip install setuptools")]
    if missing is not None:
        return [(text, f"pip install {missing}")]
    return [(text, cuda.CPU_BUILD)]


def address_space_problem(with_tables: bool = False) -> str:
    """What is wrong with the limit of this process's address space (ulimit -v), or "".

    `with_tables` is for a process that loads pyarrow and Numba beside MXNet.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return ""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    needed = _LEAST_ADDRESS_SPACE + _FOR_EACH_PROCESSOR * (os.cpu_count() or 1)
    if os.environ.get("MXNET_ENGINE_TYPE") != "NaiveEngine":
        needed += _FOR_ENGINE_THREADS
    if with_tables:
        needed += _FOR_TABLES
    if limit == resource.RLIM_INFINITY or limit >= needed:
        return ""
    return (
        f"MXNet{', pyarrow and Numba' * with_tables} may take {needed / _GB:.1f} GB of address "
        f"space, and this process is limited to {limit / _GB:.1f} GB"
    )


def check_gpu(mx: Any, ctx: Any) -> None:
    """Raise unless a GPU can be used.

    Parameters
    ----------
    mx : module
        The module mxnet.
    ctx : mx.Context
        The context of the GPU.

    Raises
    ------
    ValueError
        If the installed MXNet is built for the CPU only, there is no such GPU, or the GPU cannot
        run MXNet's CUDA code.
    """
    if not mx.runtime.Features().is_enabled("CUDA"):
        raise ValueError(
            f"device: {ctx} asked for, but this MXNet is built for the CPU only; put "
            f"{_CUDA_PACKAGES} in place of the package mxnet, or choose cpu"
        )
    found = _num_gpus(mx)
    if ctx.device_id >= found:
        raise ValueError(
            f"device: {ctx} asked for, but MXNet finds {found} GPU(s) on this machine; choose "
            + (
                f"gpu(0) to gpu({found - 1}), or cpu"
                if found
                else f"cpu. {_gpu_problems()}".rstrip(". ")
            )
        )
    try:
        mx.nd.ones((1,), ctx=ctx).asnumpy()
    except mx.MXNetError as error:
        raise ValueError(
            f"device: the first operation on {ctx} failed; MXNet 1.9.1 runs on GPUs of compute "
            f"capability 5.0 to 8.9 only, so choose an older GPU ({_CUDA_PACKAGES}, to match its "
            f"driver), or cpu. {_gpu_problems()}"
            f"MXNet said: {str(error).strip().splitlines()[-1]}"
        ) from error


def _gpu_problems() -> str:
    """What is wrong with the driver and the GPUs, as sentences that each end in a space."""
    library = cuda.find_library()
    code = cuda.code_of(library) if library else None
    wrong = [finding for finding in driver_findings(cuda.driver(), code) if not finding.ok]
    return "".join(f"{own.name}: {own.found}. Try: {own.remedy}. " for own in wrong)


def examine() -> List[Finding]:
    """Examine all that MXNet needs here. Child processes load the libraries and import MXNet."""
    library = cuda.find_library()
    return [
        python_finding(),
        platform_finding(),
        processor_finding(),
        memory_finding(),
        engine_finding(),
        package_finding(),
        library_finding(library),
        *(cuda_findings(library) if library and cuda.cuda_names(library) else []),
        *import_findings(),
    ]


def python_finding() -> Finding:
    version, bits = platform.python_version(), 64 if sys.maxsize > 2**32 else 32
    found = f"{platform.python_implementation()} {version}, {sys.executable}"
    if bits == 32:
        found = f"{found} is built for 32 bits, MXNet for 64"
        return Finding("Python", False, found, "install a Python of 64 bits from python.org")
    tried = "" if sys.version_info < (3, 14) else " (mxlinreg is tried up to 3.13)"
    return Finding("Python", True, found + tried)


def platform_finding() -> Finding:
    system, machine = platform.system(), platform.machine()
    library, version = platform.libc_ver() if system == "Linux" else ("", "")
    found = f"{system} on {machine}{', ' if library else ''}{library} {version}".strip()
    if (system, machine) not in _BUILDS:
        found = f"MXNet 1.9.1 was not built for {found}, only for Linux on x86-64 and arm64"
        remedy = "wsl --install" if system == "Windows" else "docker run -it python:3.13 bash"
        if machine not in ("AMD64", "x86_64"):
            remedy = "docker run --platform linux/amd64 -it python:3.13 bash"
        return Finding("platform", False, found, remedy)
    if system == "Linux" and library != "glibc":
        found = f"{found}: MXNet needs glibc, which Alpine Linux does not have"
        return Finding("platform", False, found, "docker run -it python:3.13-slim bash")
    return Finding("platform", True, found)


def processor_finding() -> Finding:
    facts = dict(reversed([*_lines("/proc/cpuinfo")]))  # of the first processor
    model = facts.get("model name", platform.processor() or "unknown")
    count = os.cpu_count()
    flags = facts.get("flags", "").split()
    has = [name for name in _INSTRUCTIONS if name in flags]
    found = f"{model}, {count} logical, {' '.join(has)}".rstrip(" ,")
    if flags and _INSTRUCTIONS[0] not in has:
        found = f"{model} lacks the instructions SSE4.1, which MXNet's oneDNN needs"
        return Finding("processor", False, found, "qemu-system-x86_64 -cpu host, if it is a guest")
    return Finding("processor", True, found)


def memory_finding() -> Finding:
    available = dict(_lines("/proc/meminfo")).get("MemAvailable", "").split()
    if not available:
        return Finding("memory", True, "unknown")
    free = int(available[0]) * 1024 / _GB
    with suppress(OSError, ValueError):  # the limit of a container
        limit, used = (
            int(open(f"/sys/fs/cgroup/memory.{name}").read()) for name in ("max", "current")
        )
        free = min(free, (limit - used) / _GB)
    found = address_space_problem()
    if found:
        return Finding("memory", False, found, RAISE_LIMIT)
    found = f"{free:.1f} GB available"
    if free < _LEAST_MEMORY:
        found += f", too little for MXNet, which needs {_LEAST_MEMORY} GB"
        return Finding("memory", False, found, "end other programs, or docker run --memory 2g")
    return Finding("memory", True, found)


def _lines(path):
    """The pairs of name and value in a file of lines NAME: VALUE, none if there is no such file."""
    with suppress(OSError), open(path, errors="replace") as file:
        for line in file:
            name, colon, value = line.partition(":")
            if colon:
                yield name.strip(), value.strip()


def engine_finding() -> Finding:
    name = os.environ.get("MXNET_ENGINE_TYPE")
    if name is None:
        return Finding("engine", True, f"{_ENGINES[0]}, MXNet's default")
    if name not in _ENGINES:
        found = f"MXNET_ENGINE_TYPE is {name!r}, none of {', '.join(_ENGINES)}"
        return Finding("engine", False, found, "unset MXNET_ENGINE_TYPE")
    return Finding("engine", True, f"{name}, by MXNET_ENGINE_TYPE")


def package_finding() -> Finding:
    found = cuda.packages()
    text = ", ".join(f"{name} {version}" for name, version in found.items())
    gpu = next((name for name in found if "-cu" in name), None)
    wanted = f"{gpu}==1.9.1" if gpu else "mxnet==1.9.1"
    if not found:
        return Finding("package", False, "MXNet is not installed", 'pip install "mxnet==1.9.1"')
    if len(found) > 1:
        text += ": they overwrite each other's files; keep one"
        remedy = f"pip uninstall -y {' '.join(found)} && pip install --no-deps {wanted}"
        return Finding("package", False, text, remedy)
    if list(found.values()) != ["1.9.1"]:
        text += ": mxlinreg needs MXNet 1.9.1"
        return Finding("package", False, text, f"pip install --no-deps {wanted}")
    return Finding("package", True, text)


def library_finding(library: Optional[str]) -> Finding:
    if library is None:
        spec = find_spec("mxnet")
        if spec is None:
            return Finding("library", False, "no module mxnet", 'pip install "mxnet==1.9.1"')
        place = spec.origin or list(spec.submodule_search_locations or [])[0]
        found = f"no libmxnet.so for the mxnet of {place}"
        if cuda.packages() and "-packages" not in place:
            folder, name = os.path.split(place.replace(f"{os.sep}__init__.py", ""))
            remedy = f"mv {os.path.join(folder, name)} {os.path.join(folder, f'my_{name}')}"
            return Finding("library", False, f"{found}, which hides the package", remedy)
        return Finding("library", False, found, cuda.CPU_BUILD)
    build = "CPU"
    if cuda.cuda_names(library):
        code = cuda.code_of(library)
        versions = ", ".join(map(_capability, code.machine)) or "unknown"
        build = f"GPUs of compute capability {versions}, and the CPU"
        if code.ptx:
            build += f", with PTX of {', '.join(map(_capability, code.ptx))}"
    return Finding("library", True, f"{library}, built for {build}")


def _capability(numbers):
    return ".".join(map(str, numbers))


def cuda_findings(library: str) -> List[Finding]:
    """The findings about CUDA's libraries, the driver and the GPUs, for a GPU build."""
    report, why = _in_child("report_cuda")
    if report is None:
        return [Finding("CUDA", False, f"to load CUDA's libraries {why}", cuda.CPU_BUILD)]
    places = report["libraries"]
    findings = [Finding(name, True, place) for name, place in places.items() if place]
    missing = [name for name, place in places.items() if not place]
    findings += [Finding("CUDA", False, *problem) for problem in cuda.remedies(missing)]
    if places.get(cuda.DRIVER):
        findings += driver_findings(report["driver"], cuda.code_of(library))
    return findings


def driver_findings(report: Dict[str, Any], code: Optional[cuda.Code]) -> List[Finding]:
    """The findings about the driver and the GPUs, from the report of `cuda.driver`."""
    version, runs = report["version"], report["cuda"]
    found = f"version {version or 'unknown'}, for CUDA up to {_capability(runs or ['unknown'])}"
    if report["error"]:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        hidden = f" (CUDA_VISIBLE_DEVICES is {visible!r})" if visible is not None else ""
        remedy = "nvidia-smi lists the GPUs; for a container: docker run --gpus all"
        if hidden:
            remedy = "unset CUDA_VISIBLE_DEVICES"
        return [Finding("driver", False, f"{report['error']}{hidden}", remedy)]
    if runs < [11, 0]:
        found += ", but the GPU builds of MXNet need CUDA 11"
        remedy = "install a driver from version 450.80 on: https://www.nvidia.com/drivers"
        return [Finding("driver", False, found, remedy)]
    findings = [Finding("driver", True, found)]
    for i, gpu in enumerate(report["gpus"]):
        text = f"{gpu['name']}, compute capability {_capability(gpu['capability'])}"
        runs_on = True
        if code is not None and code.machine and not code.runs_on(gpu["capability"]):
            runs_on = False
            versions = ", ".join(map(_capability, code.machine))
            text += f", for which this MXNet has no code: it has that of {versions}"
        remedy = "" if runs_on else "mxlinreg train --ctx cpu"
        findings.append(Finding(f"GPU {i}", runs_on, text, remedy))
    return findings


def import_findings() -> List[Finding]:
    """The findings about NumPy and MXNet, which a child process imports."""
    report, why = _in_child("report_import")
    if report is None:
        return [Finding("import", False, f"to import NumPy and MXNet {why}", cuda.CPU_BUILD)]
    if report["numpy_error"]:
        remedy = "pip install --force-reinstall numpy"
        return [Finding("NumPy", False, report["numpy_error"], remedy)]
    numpy = Finding("NumPy", True, report["numpy"])
    if report["problems"]:
        return [numpy, *(Finding("import", False, *problem) for problem in report["problems"])]
    text = f"MXNet {report['mxnet']} in {report['seconds']:.1f} s: {', '.join(report['features'])}"
    findings = [numpy, Finding("import", True, text)]
    for i, error in enumerate(report["gpus"]):
        text = error or "computes"
        remedy = "mxlinreg train --ctx cpu" if error else ""
        findings.append(Finding(f"gpu({i})", not error, text, remedy))
    return findings


def report_cuda() -> Dict[str, Any]:
    """Where CUDA's libraries are, and what the driver says. The child process calls it."""
    library = cuda.find_library()
    assert library is not None
    cuda.load_installed(library)
    places = {name: cuda.locate(name) for name in cuda.cuda_names(library)}
    return {"libraries": places, "driver": cuda.driver() if places.get(cuda.DRIVER) else None}


def report_import() -> Dict[str, Any]:
    """Import NumPy and MXNet, and compute on each device. The child process calls it."""
    report: Dict[str, Any] = {"numpy_error": None, "problems": [], "gpus": []}
    try:
        report["numpy"] = importlib.import_module("numpy").__version__
    except Exception as error:
        report["numpy_error"] = f"{type(error).__name__}: {error}"
        return report
    start = time.perf_counter()
    try:
        mx = importlib.import_module("mxnet")
        if mx.nd.ones((2, 3)).sum().asscalar() != 6:
            raise RuntimeError("the sum of six ones is not 6")
    except Exception as error:
        report["problems"] = import_problems(error)
        return report
    report.update(mxnet=mx.__version__, seconds=time.perf_counter() - start)
    features = mx.runtime.Features()
    report["features"] = [name for name in features if features.is_enabled(name)]
    if features.is_enabled("CUDA"):
        for i in range(_num_gpus(mx)):
            try:
                check_gpu(mx, mx.gpu(i))
                report["gpus"].append(None)
            except ValueError as error:
                report["gpus"].append(str(error))
    return report


def _num_gpus(mx):
    try:
        return mx.context.num_gpus()
    except mx.MXNetError:
        return 0


def _in_child(function: str) -> Tuple[Optional[Dict[str, Any]], str]:
    """What a function of this file returns in a child process, or None and what went wrong."""
    program = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
        f"from {__name__} import {function}; print('\\n' + json.dumps({function}()), flush=True); "
        "import os; os._exit(0)"
    )
    command = [sys.executable, "-c", program, json.dumps(sys.path)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        return None, f"takes more than {_PATIENCE} seconds"
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1]), ""
    if done.returncode < 0:
        return None, f"ends the process with {signal.Signals(-done.returncode).name}"
    said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
    return None, f"ends the process with status {done.returncode}, saying: {said[-1]}"
