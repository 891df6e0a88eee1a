"""Standard output and standard error where they are closed, full, or know few characters."""

import os
import sys
from contextlib import suppress
from typing import Any, Optional, TextIO


class Lasting:
    """A stream that takes text without an error, also when it cannot be written any more.

    Attributes
    ----------
    error : OSError or None
        The first error, after which the text is dropped.
    """

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.error: Optional[OSError] = None

    def write(self, text: str) -> int:
        self._try(lambda: self.stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self.stream.flush)

    def _try(self, action):
        if self.error is None:
            try:
                action()
            except OSError as error:
                self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def say(text: str) -> None:
    """Print a line on stderr, if that is possible."""
    if sys.stderr is not None:  # print would take stdout in its place
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def ready_streams() -> None:
    """Open the standard streams that are closed, and let the others print any character.

    The next file that a process opens gets the number of a closed stream. If it were another, C++
    code would print into it.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # this open gets its number
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8", errors="backslashreplace"))
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def drop_unwritable(stream: TextIO) -> Optional[OSError]:
    """Flush a stream. If this fails, discard its text, now and later, and return the error.

    Python would flush it again when the process ends, and print a traceback.
    """
    try:
        stream.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return error
    return None


def end_streams() -> None:
    """Flush the standard streams before the process ends; exit with status 1 if output is lost."""
    lost = drop_unwritable(sys.stdout)
    if lost is not None and not isinstance(lost, BrokenPipeError):
        say(f"mxlinreg: error: standard output: {lost.strerror}")
    drop_unwritable(sys.stderr)
    if lost is not None:
        sys.exit(1)
