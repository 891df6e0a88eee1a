"""Pipes, which can be read only once, as files."""

import os
import shutil
import stat
import tempfile
from typing import Any


class Spooled:
    """A temporary file with all that has come from a pipe, whose name it has in messages."""

    def __init__(self, name: str, file: Any):
        self.name, self.file = name, file

    def __fspath__(self) -> str:
        name = self.file.name
        return f"/proc/self/fd/{name}" if isinstance(name, int) else name

    def __str__(self) -> str:
        return self.name

    def __del__(self) -> None:
        self.file.close()


def as_file(path: Any) -> Any:
    """Return `path`, or a `Spooled` if it leads to a pipe or a terminal.

    Raises
    ------
    ValueError
        If the content of the pipe does not fit into a temporary file.
    """
    try:
        if not isinstance(path, (str, os.PathLike)) or stat.S_ISREG(os.stat(path).st_mode):
            return path
        source = open(path, "rb")
    except (OSError, ValueError):
        return path  # whose reader says what is wrong
    with source:
        if source.seekable():
            return path
        try:
            spooled = Spooled(str(path), _temporary_file())
            shutil.copyfileobj(source, spooled.file)
            spooled.file.flush()
        except OSError as error:
            raise ValueError(
                f"{path}: cannot be copied to a temporary file: {error.strerror}; the variable "
                "TMPDIR names the folder for it"
            ) from None
        return spooled


def _temporary_file():
    # A file without a name is gone when the process is killed.
    if os.path.isdir("/proc/self/fd"):
        return tempfile.TemporaryFile()
    return tempfile.NamedTemporaryFile()
