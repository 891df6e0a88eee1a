"""What the scripts share: arguments that are checked, one line for an error, the exit status."""

import argparse
import math
import os
import sys


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")


def count(minimum, maximum=math.inf):
    """An argument type: an int within these bounds."""

    def parse(text):
        value = int(text)
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    parse.__name__ = f"int of at least {minimum}"
    return parse


def number(minimum, below=math.inf):
    """An argument type: a number from `minimum` on and less than `below`."""

    def parse(text):
        value = float(text)
        if not minimum <= value < below:
            raise ValueError
        return value

    parse.__name__ = f"number of at least {minimum}"
    if below < math.inf:
        parse.__name__ += f" and below {below}"
    return parse


def run(parser, command):
    """Parse the arguments, run `command` on them, and exit: 0, 1 on an error, 130 on Ctrl-C."""
    args = parser.parse_args()
    try:
        command(args)
        sys.stdout.flush()
        status = 0
    except KeyboardInterrupt as interrupt:
        print(f"{parser.prog}: {str(interrupt) or 'interrupted'}", file=sys.stderr)
        status = 130
    except BrokenPipeError:
        # Whatever read our output has had enough; nothing more can be written to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except (ValueError, TypeError, ImportError, OSError, MemoryError, RuntimeError) as error:
        message = str(error) or type(error).__name__
        if isinstance(error, RuntimeError):  # MXNet's, which end with what went wrong
            message = message.strip().splitlines()[-1]
        message = " ".join(message.split())
        print(f"{parser.prog}: error: {message}", file=sys.stderr)
        status = 1
    sys.exit(status)
