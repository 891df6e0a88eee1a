"""A fork of this process in which a call may crash, hang or ask for all memory."""

import os
import resource
import signal
from multiprocessing import get_context
from typing import Any, NamedTuple

TIMEOUT = 20  # seconds; a call that takes longer hangs
MOST_CALLS = 2000  # of one fork, whose memory grows with them
MEMORY = 2 << 30  # bytes that the fork may allocate in addition to those it begins with


class Answer(NamedTuple):
    value: Any = None
    error: str = ""
    """Why there is no value: how the fork ended."""


class Child:
    """Calls `function` in a fork, which is replaced by a new one if it ends or hangs."""

    def __init__(self, function):
        self.function, self.process, self.calls = function, None, 0

    def call(self, *arguments):
        if self.calls == MOST_CALLS:
            self.stop()
        if self.process is None:
            self.start()
        self.calls += 1
        self.pipe.send(arguments)
        try:
            if self.pipe.poll(TIMEOUT):
                return Answer(self.pipe.recv())
            error = f"hangs: no result after {TIMEOUT} s"
        except (EOFError, ConnectionResetError):
            self.process.join()
            error = f"ends the process: {ending(self.process.exitcode)}"
        self.stop()
        return Answer(error=error)

    def start(self):
        context = get_context("fork")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(self.function, other, self.pipe))
        self.process.start()
        self.calls = 0
        other.close()

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def ending(status):
    return f"status {status}" if status >= 0 else f"{signal.Signals(-status).name}"


def serve(function, pipe, other):
    """Answer calls until the other end of the pipe is closed."""
    other.close()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    limit_memory()
    while True:
        try:
            arguments = pipe.recv()
        except EOFError:
            os._exit(0)
        pipe.send(function(*arguments))


def limit_memory():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
