"""A signal is never lost."""

import ctypes
import os
import signal
import time

import pytest

from mxlinreg.commands.parsing import status_of
from mxlinreg.commands.signals import Stopped, stopping_on_signals

sort = ctypes.CDLL(None).qsort
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_c_code_calls_python(number):
    """Python drops what is raised there."""
    called = []

    def compare(a, b):
        called.append(1)
        os.kill(os.getpid(), number)
        return 0

    end = time.monotonic() + 10
    with pytest.raises(Stopped) as caught, stopping_on_signals():
        sort((ctypes.c_int * 2)(2, 1), 2, 4, COMPARE(compare))
        assert called, "and the program goes on"
        time.sleep(10)
    assert caught.value.status == 128 + number
    assert time.monotonic() < end


def test_a_signal_that_is_handled_is_not_raised_again():
    with stopping_on_signals():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Stopped as stopped:
            kept = stopped
        time.sleep(1.2)
    assert kept.number == signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_library_is_loaded(number, capsys):
    """Libraries in C++ raise an ImportError then, and the package one that says what is missing."""

    def load():
        try:
            try:
                os.kill(os.getpid(), number)
                time.sleep(10)
            except KeyboardInterrupt as interrupt:
                raise ImportError("initialization failed") from interrupt
        except ImportError:
            raise ImportError("this needs a library") from None

    with stopping_on_signals():
        assert status_of("mxlinreg train", load) == 128 + number
    assert capsys.readouterr().err == "mxlinreg train: interrupted\n"


def test_a_library_that_is_missing(capsys):
    def load():
        raise ImportError("this needs a library") from ImportError("no module")

    assert status_of("mxlinreg train", load) == 1
    assert capsys.readouterr().err == "mxlinreg train: error: this needs a library\n"
