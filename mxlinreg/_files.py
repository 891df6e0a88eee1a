"""Write files completely or not at all: under a temporary name that is then renamed."""

import errno
import os
import re
import secrets
import stat
import tempfile
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, Mapping, Union

from ._checks import check_path, shown

# A temporary name contains at most this many letters of the file's name and of its ending, because
# file systems limit names to 255 bytes.
_MOST_LETTERS = 40
_MOST_OF_ENDING = 10


def check_writable(name: str, path: Union[str, Path]) -> Path:
    """Check that a file can be written at `path`, without creating it.

    Parameters
    ----------
    name : str
        The name of the argument, for error messages.
    path : str or Path

    Returns
    -------
    Path

    Raises
    ------
    TypeError, ValueError
        If `path` is not a path, or exists and is not an ordinary file; if its name is too long, or
        its folder is missing or read-only.
    """
    check_path(name, path)
    if not os.fspath(path):
        raise TypeError(f"{name}: must be the name of a file, not {shown(path)}")
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ValueError(f"{name}: {path} is not an ordinary file; give the name of a file")
        # This file has no name, so that nothing remains if the process is killed.
        with tempfile.TemporaryFile(dir=_target(path).parent):
            pass
    except OSError as error:
        raise ValueError(f"{name}: cannot write {path}: {error.strerror}") from None
    return path


def check_different(files: Mapping[str, Union[str, Path, None]]) -> None:
    """Raise if two of a command's files are the same, so that writing one would destroy the other.

    Parameters
    ----------
    files : dict of str to path
        Maps the name of each argument to its path, or to None if it was not given.

    Raises
    ------
    ValueError
        If two paths lead to the same file, also through links.
    """
    given = [(name, Path(path)) for name, path in files.items() if path is not None]
    for i, (name, path) in enumerate(given):
        for earlier, other in given[:i]:
            if _is_same_file(path, other):
                raise ValueError(f"{name}: {path} is the same file as {earlier}; give another name")


def _is_same_file(path, other):
    with suppress(OSError):
        return os.path.samefile(path, other)
    with suppress(OSError, RuntimeError):
        return path.resolve() == other.resolve()
    return False


@contextmanager
def replacing(path: Union[str, Path]) -> Iterator[str]:
    """Yield the name of a new, empty file beside `path`; on success, rename it to `path`.

    On an error the new file is removed, and an existing file at `path` is unchanged. When the
    context ends, the file and its name have been flushed to the disk. The file has the permissions
    of the one that it replaces, and also its owner if the user is allowed to change owners. If
    `path` is a link, the file to which it leads is replaced. Temporary files that killed processes
    left behind are removed.

    Raises
    ------
    OSError
        If the file cannot be written completely. The error names `path`.
    """
    temporary = None
    try:
        path = _target(path)
        replaced = path.stat() if path.exists() else None
        _remove_stale(path)
        while temporary is None:
            temporary = _new_name(path)  # before the file exists, so that an interrupt leaves none
            if not _create(temporary, 0o666 if replaced is None else 0o600):
                temporary = None
        yield temporary
        if replaced is not None:
            with suppress(OSError):
                os.chown(temporary, replaced.st_uid, replaced.st_gid)
            os.chmod(temporary, stat.S_IMODE(replaced.st_mode))
        _flush(temporary)
        os.replace(temporary, path)
        with suppress(OSError):  # not every file system can flush a folder
            _flush(path.parent)
    except OSError as error:
        if error.errno is None:  # raised by pyarrow
            raise OSError(f"{path}: {error}") from None
        if error.filename in (None, temporary):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def write_bytes(path: Union[str, Path], content: bytes) -> None:
    """Write a file completely or not at all, as `replacing` does."""
    with replacing(path) as temporary:
        Path(temporary).write_bytes(content)


def _target(path):
    """The file to which a path leads through links. It need not exist."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():  # where circular links end
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


def _new_name(path):
    return str(path.with_name(f"{_before(path)}{os.getpid()}.{secrets.token_hex(4)}{_after(path)}"))


def _create(name, mode):
    """Create a file, and return whether there was none of this name."""
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    except FileExistsError:
        return False
    return True


def _remove_stale(path):
    """Remove temporary files of `path` that killed processes of this machine left behind."""
    pattern = re.escape(_before(path)) + r"(\d+)\.[0-9a-f]{8}" + re.escape(_after(path))
    with os.scandir(path.parent) as entries:
        found = [(re.fullmatch(pattern, entry.name), entry.path) for entry in entries]
    for match, stale in found:
        if match and not _is_alive(int(match[1])):
            with suppress(OSError):
                os.unlink(stale)


def _before(path):
    machine = zlib.crc32(os.uname().nodename.encode())  # process ids are valid on one machine only
    return f".{path.name[:_MOST_LETTERS]}.{machine:08x}."


def _after(path):
    return f".tmp{path.suffix if len(path.suffix) <= _MOST_OF_ENDING else ''}"


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # another user's process, or not a valid process id
    return True


def _flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
