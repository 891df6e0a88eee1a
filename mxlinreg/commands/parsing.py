"""Shared by the commands: types of arguments, one-line error messages, exit statuses."""

import argparse
import csv
import math
import re
import sys

from .._streams import drop_unwritable, say

# The library's parameters that are options of a command.
_OPTIONS = (
    "target|features|weights|add|categorical|reference|max_levels|missing|collinear|decimal|"
    "validation|solver|engine|epochs|batch_size|learning_rate|invalid|data|stream"
)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        say(f"{self.prog}: error: {' '.join(message.split())} (see --help)")
        self.exit(2)


def count(minimum, maximum=math.inf):
    """An argument type: an int from `minimum` to `maximum`."""

    def parse(text):
        value = int(text)
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    parse.__name__ = f"int of at least {minimum}"
    return parse


def number(minimum, below=math.inf):
    """An argument type: a number of at least `minimum` and less than `below`."""

    def parse(text):
        value = float(text)
        if not minimum <= value < below:
            raise ValueError
        return value

    parse.__name__ = f"number of at least {minimum}"
    if below < math.inf:
        parse.__name__ += f" and below {below}"
    return parse


def text(argument):
    """An argument type: text in UTF-8, which Python has left undecoded in a locale of ASCII."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def names(argument):
    """An argument type: names of columns, separated by commas; quotes around a name with commas."""
    (row,) = csv.reader([text(argument)], skipinitialspace=True)
    return [name.strip() for name in row]


def reference(argument):
    """An argument type: COLUMN=LEVEL, with backticks around a column that contains "="."""
    match = re.fullmatch(r"`(.+)`=(.*)|([^=]+)=(.*)", text(argument))
    if not match:
        raise ValueError
    column, level = (value for value in match.groups() if value is not None)
    return column.strip(), level


reference.__name__ = "COLUMN=LEVEL"


def in_options(message):
    """A message of the library with the command's options for its parameters.

    ``missing="mean"`` becomes ``--missing mean``, and ``features:`` at the start ``--features:``.
    """

    def option(name):
        return f"--{name.replace('_', '-')}"

    # The command has another word for this, because a CSV file has no NaN.
    message = message.replace(
        'invalid="nan" to get NaN', "--invalid empty to leave their predictions empty"
    )
    message = re.sub(r"^source(?=: )", "data", message)  # as mxlinreg.stream names it
    message = re.sub(
        rf'\b({_OPTIONS})="?([\w.,|-]*\w)"?', lambda m: f"{option(m[1])} {m[2]}", message
    )
    message = re.sub(rf"^({_OPTIONS})(?=[:,] )", lambda m: option(m[1]), message)
    return re.sub(r"\b(learning_rate|batch_size|max_levels)\b", lambda m: option(m[1]), message)


def run(parser, command, argv=None):
    """Parse the arguments, run `command` on them, and exit with its status."""
    options = parser.parse_args(argv)
    sys.exit(status_of(parser.prog, lambda: command(options)))


def status_of(prog, command):
    """Call `command` and return the exit status: 0, 1 after an error, 128 + n after signal n."""
    try:
        command()
        sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        return _interrupted(prog, interrupt)
    except BrokenPipeError:
        drop_unwritable(sys.stdout)  # whose reader has closed it
        return 1
    except (ValueError, TypeError, ImportError, OSError, MemoryError, RuntimeError) as error:
        cause = _first_cause(error)
        if isinstance(error, ImportError) and isinstance(cause, KeyboardInterrupt):
            return _interrupted(prog, cause)  # libraries in C++ do not load if a signal comes then
        message = str(error) or type(error).__name__
        if isinstance(error, RuntimeError):  # MXNet's errors have the cause on their last line
            message = message.strip().splitlines()[-1]
        if isinstance(error, MemoryError):
            message = f"not enough memory{': ' * bool(str(error))}{error}"
        message = in_options(" ".join(message.split()))
        if drop_unwritable(sys.stdout) and getattr(error, "filename", "") is None:
            message = f"standard output: {error.strerror}"
        say(f"{prog}: error: {message}")
        return 1
    return 0


def _interrupted(prog, interrupt):
    say(f"{prog}: {str(interrupt) or 'interrupted'}")
    return getattr(interrupt, "status", 130)


def _first_cause(error):
    """The first of the exceptions that led to this one."""
    while error.__context__ is not None:
        error = error.__context__
    return error
