"""Shared by the commands: types of arguments, one-line error messages, exit statuses."""

import argparse
import math
import os
import sys


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")


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
        print(f"{prog}: {str(interrupt) or 'interrupted'}", file=sys.stderr)
        return getattr(interrupt, "status", 130)
    except BrokenPipeError:
        # The reader of stdout has closed it. Python would fail once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, TypeError, ImportError, OSError, MemoryError, RuntimeError) as error:
        message = str(error) or type(error).__name__
        if isinstance(error, RuntimeError):  # MXNet's errors have the cause on their last line
            message = message.strip().splitlines()[-1]
        message = " ".join(message.split())
        print(f"{prog}: error: {message}", file=sys.stderr)
        return 1
    return 0
