"""Files are written to a temporary name and renamed, so that none is ever half-written."""

import os
import tempfile
from contextlib import contextmanager
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
    ValueError
        If `path` exists and is no ordinary file, or its folder is missing or read-only.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"{name}: {path} is not an ordinary file; give the name of a file")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name[:100]}."):
            pass
    except OSError as error:
        raise ValueError(f"{name}: cannot write {path}: {error.strerror}") from None
    return path


@contextmanager
def replacing(path: Union[str, Path]) -> Iterator[str]:
    """Give a temporary name beside `path`; on success, rename it to `path`.

    On an error the temporary file is removed, and what was at `path` is still there.
    """
    path = Path(path)
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield str(temporary)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        if temporary.exists():
            temporary.unlink()
