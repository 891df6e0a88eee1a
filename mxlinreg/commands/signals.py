"""Ctrl-C, SIGTERM and SIGHUP end a command in the same way: it saves its results and says so."""

import os
import signal
import sys
import weakref
from contextlib import contextmanager

AGAIN = 0.01  # seconds until a postponed signal is tried again
LOST = 0.5  # seconds until it is checked that an exception was not lost


class Stopped(KeyboardInterrupt):
    """Raised in the running command when a signal arrives."""

    model = None  # that `fit` has reached, if it had begun to train

    def __init__(self, number, message=""):
        super().__init__(message)
        self.number = number

    @property
    def status(self):
        return 128 + self.number


@contextmanager
def stopping_on_signals():
    """Raise `Stopped` at a signal. Signals that were ignored before, as by nohup, stay ignored.

    Python drops an exception that is raised in a `__del__` method, so the signal is postponed
    until the method ends. It also drops one that is raised while C code, such as a compiler, calls
    Python. The exception is then soon gone, and another one is raised. In a worker of a job
    SIGTERM and SIGHUP keep their default action: a worker that waits for the others could not
    respond, and its checkpoint is always complete.
    """
    numbers = [signal.SIGINT]
    if "DMLC_ROLE" not in os.environ:
        numbers += [signal.SIGTERM, signal.SIGHUP]
    waiting, raised = [], []

    def stop(number, frame):
        if number != signal.SIGALRM:
            waiting[:] = [number]
        elif raised and raised[-1]() is not None:
            signal.setitimer(signal.ITIMER_REAL, LOST)
            return
        while frame is not None:
            if frame.f_code.co_name == "__del__":
                signal.setitimer(signal.ITIMER_REAL, AGAIN)
                return
            frame = frame.f_back
        sys.unraisablehook = lambda _: None  # no messages about half-made objects
        stopped = Stopped(waiting[0])
        raised[:] = [weakref.ref(stopped)]
        signal.setitimer(signal.ITIMER_REAL, LOST)
        try:
            raise stopped
        finally:
            del stopped  # this frame, to which the traceback refers, must not keep it

    unraisable = sys.unraisablehook
    before = {number: signal.getsignal(number) for number in (*numbers, signal.SIGALRM)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        if not raised:  # else the traceback may keep half-made objects until the process ends
            sys.unraisablehook = unraisable
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)


def end_undisturbed():
    """Ignore Ctrl-C while Python shuts down, where it would print a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
