"""Files are written to a temporary name and renamed, so that none is ever half-written."""

import glob
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, Union


def check_writable(name: str, path: Union[str, Path]) -> Path:
    """Find out whether a file can be written at `path`, and leave nothing there.

    Parameters
    ----------
    name : str
        What an error calls the argument.
    path : str or Path

    Raises
    ------
    TypeError, ValueError
        If `path` is no path; if it exists and is no ordinary file, or its folder is missing or
        read-only.
    """
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise TypeError(f"{name}: must be the name of a file, not {path!r}")
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"{name}: {path} is not an ordinary file; give the name of a file")
    try:
        # Without a name, so that a kill leaves nothing.
        with tempfile.TemporaryFile(dir=path.resolve().parent):
            pass
    except OSError as error:
        raise ValueError(f"{name}: cannot write {path}: {error.strerror}") from None
    return path


@contextmanager
def replacing(path: Union[str, Path]) -> Iterator[str]:
    """Give a temporary name beside `path`; on success, rename it to `path`.

    On an error the temporary file is removed, and what was at `path` is still there. Both the
    file and its new name are on the disk when this ends. A link stays, and its file is replaced.
    """
    path = Path(path).resolve()
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield str(temporary)
        _flush(temporary)
        os.replace(temporary, path)
        with suppress(OSError):  # not every file system can flush a folder
            _flush(path.parent)
    finally:
        if temporary.exists():
            temporary.unlink()


def remove_stale(path: Union[str, Path]) -> None:
    """Remove the temporary files that processes, killed while they wrote `path`, have left."""
    path = Path(path).resolve()
    before, after = f"{path.stem}.", f".tmp{path.suffix}"
    for stale in path.parent.glob(f"{glob.escape(before)}*{glob.escape(after)}"):
        pid = stale.name[len(before) : -len(after)]
        if pid.isdigit() and not _is_alive(int(pid)):
            with suppress(OSError):
                stale.unlink()


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # another user's process; or no number of ours
    return True


def _flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
