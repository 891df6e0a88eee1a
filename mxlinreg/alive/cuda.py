"""CUDA's libraries: what a GPU build of MXNet needs, where it is, and loading it.

The GPU builds, `mxnet-cu117` and others, do not contain CUDA's libraries. PyPI has all of them
except the driver's, in packages that put them into the folder `nvidia` beside MXNet, where the
dynamic loader does not look. `libraries_loaded` loads them from there before MXNet loads its own
library, which then takes them by their names. This file imports neither MXNet nor NumPy.
"""

import ctypes
import importlib.util
import mmap
import os
import re
import struct
from contextlib import contextmanager, suppress
from glob import glob
from importlib import metadata
from types import ModuleType
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

DRIVER = "libcuda.so.1"
# CUDA 11's libraries that MXNet needs, and the requirement that installs each.
PACKAGES = {
    "libcudnn.so.8": "nvidia-cudnn-cu11<9",
    "libnccl.so.2": "nvidia-nccl-cu11",
    "libcudart.so.11.0": "nvidia-cuda-runtime-cu11",
    "libcufft.so.10": "nvidia-cufft-cu11",
    "libcublas.so.11": "nvidia-cublas-cu11",
    "libcusolver.so.11": "nvidia-cusolver-cu11",
    "libcusparse.so.11": "nvidia-cusparse-cu11",
    "libcurand.so.10": "nvidia-curand-cu11",
    "libnvrtc.so.11.2": "nvidia-cuda-nvrtc-cu11",
    "libnvToolsExt.so.1": "nvidia-nvtx-cu11",
}
CPU_BUILD = 'pip install --force-reinstall --no-deps "mxnet==1.9.1"'
GPU_BUILD = "mxnet-cu117==1.9.1"
_CUDA_NAME = re.compile(r"lib(cu|nccl|nv)")
_DAMAGED = OSError, ValueError, IndexError, struct.error
_NO_DEVICE = 100  # the driver's code for a machine without a GPU


class LibrariesMissing(ImportError):
    """MXNet's library needs libraries of CUDA that this machine does not have.

    `problems` holds pairs: what is wrong, and the command that mends it.
    """

    def __init__(self, problems: List[Tuple[str, str]]) -> None:
        super().__init__(". ".join(f"{text} Try: {command}" for text, command in problems))
        self.problems = problems


class Code(NamedTuple):
    """The compute capabilities that a library holds code for, as pairs such as (8, 6).

    A GPU runs machine code of its own major version and of its own or a lower minor version. The
    driver compiles PTX, an intermediate code, for each GPU of its version or a later one.
    """

    machine: List[Tuple[int, int]]
    ptx: List[Tuple[int, int]]

    def runs_on(self, capability: Sequence[int]) -> bool:
        major, minor = capability
        return any(own[0] == major and own[1] <= minor for own in self.machine) or any(
            own <= (major, minor) for own in self.ptx
        )


@contextmanager
def libraries_loaded(module: ModuleType) -> Iterator[None]:
    """Load CUDA's libraries around the execution of the MXNet module that loads MXNet's.

    Raises
    ------
    LibrariesMissing
        If MXNet's library cannot be loaded because it lacks libraries of CUDA.
    """
    if module.__name__ != "mxnet.base":
        yield
        return
    library = find_library(os.path.dirname(str(module.__file__)))
    needs = cuda_names(library)
    if library and needs:
        load_installed(library)
    try:
        yield
    except OSError as error:
        lacking = [name for name in needs if name in str(error) or locate(name) is None]
        if not any(name in str(error) for name in lacking):
            raise
        raise LibrariesMissing(remedies(lacking)) from None


def find_library(folder: Optional[str] = None) -> Optional[str]:
    """The path of MXNet's compiled library, or None.

    Parameters
    ----------
    folder : str, optional
        The folder of the package mxnet, by default of the one that ``import mxnet`` would find.
    """
    if folder is None:
        spec = importlib.util.find_spec("mxnet")
        places = spec.submodule_search_locations if spec else None
        if not places:
            return None
        folder = list(places)[0]
    # MXNet looks in this order, too.
    given = os.environ.get("MXNET_LIBRARY_PATH", "")
    if os.path.isabs(given) and os.path.isfile(given):
        return given
    folders = [*filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")), folder]
    paths = (os.path.join(place, "libmxnet.so") for place in folders)
    return next((path for path in paths if os.path.isfile(path)), None)


def cuda_names(library: Optional[str]) -> List[str]:
    """The names of CUDA's libraries that a library needs; none if it is built for the CPU."""
    return [name for name in needed(library) if _CUDA_NAME.match(name)] if library else []


def load_installed(library: str) -> None:
    """Load the libraries that a library needs and pip has installed, each after its own needs."""
    found = installed()
    seen: Set[str] = set()

    def load_needs(path: str) -> None:
        for name in needed(path):
            if name in found and name not in seen:
                seen.add(name)
                load_needs(found[name])
                # If this fails, the loader's message for MXNet's library names the file.
                with suppress(OSError):
                    ctypes.CDLL(found[name], ctypes.RTLD_GLOBAL)

    load_needs(library)


def installed() -> Dict[str, str]:
    """The libraries that NVIDIA's packages on PyPI have installed: each name and its path."""
    spec = importlib.util.find_spec("nvidia")
    folders = list((spec and spec.submodule_search_locations) or [])
    # Where several folders have the same library, the first one on sys.path counts.
    paths = [path for folder in reversed(folders) for path in glob(f"{folder}/*/lib/*.so*")]
    return {os.path.basename(path): path for path in paths}


def locate(name: str) -> Optional[str]:
    """The path from which a library of this name is loaded, or None if it cannot be.

    This loads the library into the process.
    """
    path = installed().get(name)
    try:
        library = ctypes.CDLL(path or name)
    except OSError:
        return None
    return path or _path_of(library) or name


def _path_of(library: Any) -> Optional[str]:
    """The path of a loaded library, from the link map of the dynamic loader."""
    with suppress(AttributeError, OSError):
        address = ctypes.c_void_p()
        request_link_map = 2
        if ctypes.CDLL(None).dlinfo(
            ctypes.c_void_p(library._handle), request_link_map, ctypes.byref(address)
        ):
            return None
        # The link map begins with the base address, followed by the path.
        _, path = ctypes.cast(address, ctypes.POINTER(ctypes.c_char_p * 2)).contents
        return os.fsdecode(path) if path else None
    return None


def packages() -> Dict[str, str]:
    """The installed packages that contain MXNet: name and version, such as mxnet-cu112, 1.9.1."""
    found: Dict[str, str] = {}
    for distribution in metadata.distributions():
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        if re.fullmatch(r"mxnet(-cu\d+(mkl)?|-mkl|-native)?", name):
            found.setdefault(name, distribution.version)
    return found


def remedies(names: List[str]) -> List[Tuple[str, str]]:
    """Why libraries of CUDA cannot be loaded, and the commands that mend it."""
    build = next((name for name in packages() if name != "mxnet"), "mxnet")
    found = []
    on_pypi = [name for name in names if name in PACKAGES]
    if on_pypi:
        requirements = " ".join(f'"{PACKAGES[name]}"' for name in on_pypi)
        damaged = "--force-reinstall --no-deps " if set(on_pypi) & set(installed()) else ""
        text = f"{build} needs {', '.join(on_pypi)}, which cannot be loaded."
        found.append((text, f"pip install {damaged}{requirements}"))
    others = [name for name in names if name not in PACKAGES and name != DRIVER]
    if others:
        text = f"{build} needs {', '.join(others)}, which no package on PyPI has."
        found.append((text, f"pip uninstall -y {build} && pip install --no-deps {GPU_BUILD}"))
    if DRIVER in names:
        text = (
            f"{DRIVER} cannot be loaded: the NVIDIA driver is missing, without which {build} does "
            "not even run on the CPU. Install the driver (for a container: docker run --gpus all), "
            "or MXNet for the CPU."
        )
        found.append((text, f"pip uninstall -y {build} && {CPU_BUILD}"))
    return found


def driver() -> Dict[str, Any]:
    """What the NVIDIA driver says about itself and the GPUs.

    Returns
    -------
    dict
        "version", the driver's, or None. "cuda", the latest version of CUDA that the driver can
        run, such as [12, 2], or None. "gpus", for each GPU its "name" and "capability", such as
        [8, 6]. "error", the driver's error, or None. If the driver is missing, that is the error.
    """
    report: Dict[str, Any] = {"version": _driver_version(), "cuda": None, "gpus": [], "error": None}
    try:
        library = ctypes.CDLL(DRIVER)
    except OSError as error:
        report["error"] = str(error)
        return report

    def call(function, *arguments):
        code = getattr(library, function)(*arguments)
        if code == _NO_DEVICE:
            raise OSError("the driver finds no GPU")
        if code:
            raise OSError(f"{function} of the driver returns error {code}")

    value = ctypes.c_int()
    number = ctypes.byref(value)
    try:
        call("cuInit", 0)
        call("cuDriverGetVersion", number)
        report["cuda"] = [value.value // 1000, value.value % 1000 // 10]
        call("cuDeviceGetCount", number)
        for i in range(value.value):
            device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
            call("cuDeviceGet", ctypes.byref(device), i)
            call("cuDeviceGetName", name, len(name), device)
            capability = []
            for attribute in (75, 76):  # the major and the minor number
                call("cuDeviceGetAttribute", number, attribute, device)
                capability.append(value.value)
            report["gpus"].append({"name": name.value.decode(), "capability": capability})
    except (OSError, AttributeError) as error:
        report["error"] = str(error)
    return report


def _driver_version():
    with suppress(OSError), open("/proc/driver/nvidia/version") as file:
        match = re.search(r"\s(\d+\.\d+(?:\.\d+)?)\s", file.read())
        return match and match[1]
    return None


def needed(path: str) -> List[str]:
    """The names of the libraries that a library needs itself; none if it is no 64-bit ELF file."""
    dynamic, need = 6, 1  # the type of a section, and the tag of an entry
    names = []
    # What is wrong with a damaged file, the dynamic loader says.
    with suppress(*_DAMAGED), _content(path) as data:
        sections = _sections(data)
        for _, kind, start, size, link in sections:
            if kind == dynamic:
                for tag, value in struct.iter_unpack("<QQ", data[start : start + size]):
                    if tag == need:
                        names.append(_text(data, sections[link][2] + value))
    return names


def code_of(path: str) -> Code:
    """For which GPUs a library holds code.

    The section .nv_fatbin holds containers. Each has a header and one entry for each compute
    capability, and each entry has a header and the code. NVIDIA does not document this format.
    """
    found: Dict[int, Set[Tuple[int, int]]] = {1: set(), 2: set()}
    magic = struct.pack("<I", 0xBA55ED50)
    with suppress(*_DAMAGED), _content(path) as data:
        for name, _, start, size, _ in _sections(data):
            end = start + size if name == ".nv_fatbin" else start
            position = data.find(magic, start, end)
            while position >= 0:
                header, length = struct.unpack_from("<HQ", data, position + 6)
                entry, position = position + header, position + max(header + length, 16)
                while entry < position:
                    kind, header, length = struct.unpack_from("<HxxIQ", data, entry)
                    (capability,) = struct.unpack_from("<I", data, entry + 28)
                    found.setdefault(kind, set()).add(divmod(capability, 10))
                    entry += max(header + length, 16)
                position = data.find(magic, position, end)
    return Code(machine=sorted(found[2]), ptx=sorted(found[1]))


@contextmanager
def _content(path):
    """The bytes of a file, of which only those are read that are looked at."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _sections(data):
    """Name, type, offset, size and linked section of each section of an ELF file."""
    if data[:6] != b"\x7fELF\x02\x01":  # 64 bits, little-endian
        return []
    (start,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    headers = [struct.unpack_from("<II16xQQI", data, start + i * size) for i in range(count)]
    return [(_text(data, headers[names][2] + name), *others) for name, *others in headers]


def _text(data, start):
    return data[start : data.find(b"\0", start)].decode()
