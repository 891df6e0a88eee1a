"""Signals while files are written: the older file or the new one is there, and complete.

SIGKILL may leave a temporary file, which the next writing of the same file removes. So may SIGTERM
and SIGHUP in a program of one's own, where they end the process at once. A command that one of
them interrupts leaves nothing.
"""

import itertools
import os
import signal
import time
from pathlib import Path

from panels.commands import in_process

from mxlinreg import __main__ as door

from .checks import CHECKS, error_of
from .children import TIMEOUT
from .folders import own_folder
from .writers import COMMANDS, OUT, TEMPORARY, content_of_out, fill_out, writers

SIGNALS = signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP
CAUGHT = signal.SIGTERM, signal.SIGINT, signal.SIGHUP


def attack(tally, rng, seconds):
    end = time.monotonic() + seconds
    with own_folder():
        cases = {name: Loop(write) for name, write in writers().items()}
        cases.update((name, Command(*given)) for name, given in COMMANDS.items())
        for number, (name, case) in itertools.cycle(itertools.product(SIGNALS, cases.items())):
            if time.monotonic() > end:
                break
            tally.tried(name)
            tally.tried(f"of these: {signal.Signals(number).name}")
            delay = float(rng.uniform(0, 1.1 * case.seconds))
            for complaint in case.complaints(number, delay):
                kept = tally.keep("out", OUT)
                tally.failed(name, f"{number!r} after {delay:.4f} s: {complaint} ({kept})")


class Loop:
    """A process that writes the same files again and again until a signal comes."""

    def __init__(self, write):
        self.write, self.contents = write, []
        for i in range(2):
            fill_out({})
            begin = time.monotonic()
            write(i)
            self.seconds = 5 * (time.monotonic() - begin)
            self.contents.append(content_of_out())

    def complaints(self, number, delay):
        fill_out(self.contents[0])
        # Python drops the KeyboardInterrupt that is raised in a callback of the garbage collector.
        status = signalled(self.write_for_ever, number, delay, again=number == signal.SIGINT)
        if status not in (-number, 130 if number == signal.SIGINT else -number):
            yield f"ends with {status}"
        found = content_of_out()
        for name in self.contents[0]:
            if found.pop(name, None) not in [content[name] for content in self.contents]:
                yield f"{name} is neither the older nor the newer file"
        for name in found:
            if number == signal.SIGINT or not TEMPORARY(name):
                yield f"{name} is left"
        self.write(1)
        if content_of_out() != self.contents[1]:
            yield f"after the next writing there are {sorted(content_of_out())}"

    def write_for_ever(self, ready):
        ready()
        for i in itertools.cycle((1, 0)):
            self.write(i)


class Command:
    """A command that is interrupted, and then run again."""

    def __init__(self, argv, older):
        self.argv = argv
        self.older = {name: content for name, content in older.items() if content is not None}
        for _ in range(2):
            fill_out(self.older)
            begin = time.monotonic()
            status = signalled(self.run, 0, 0)
            self.seconds, self.newer = time.monotonic() - begin, content_of_out()
        assert status == 0 and set(self.newer) == set(older), (argv, Path("stderr").read_text())

    def complaints(self, number, delay):
        fill_out(self.older)
        status = signalled(self.run, number, delay)
        said = Path("stderr").read_text().splitlines()
        if number == signal.SIGKILL:
            expected = 0, -number
        else:
            expected = 0, 128 + number
            interrupted = [line for line in said if "interrupted" in line]
            others = [line for line in said if ": warning: " not in line]
            if status > 0 and not interrupted == others == said[-1:]:
                yield f"writes to stderr: {said}"
        if status not in expected:
            yield f"ends with {status}: {said}"
        found = content_of_out()
        for name in self.newer:
            if name in found and found[name] not in (self.older.get(name), self.newer[name]):
                # A training that is interrupted saves what it has reached.
                wrong = error_of(CHECKS[Path(name).suffix], OUT / name)
                if wrong or "train" not in self.argv:
                    yield f"{name} is neither the older nor the newer file {wrong}"
            if name not in found and name in self.older:
                yield f"{name} is gone"
        for name in found.keys() - self.newer.keys():
            if number != signal.SIGKILL or not TEMPORARY(name):
                yield f"{name} is left"
        status = signalled(self.run, 0, 0)
        if status != 0 or content_of_out() != self.newer:
            yield f"when it is run again it ends with {status}, and the files are others"

    def run(self, ready):
        """Run the command. From its end on signals do not end the process."""

        def run(argv):
            ready()
            try:
                own(argv)
            finally:
                for number in CAUGHT:
                    signal.signal(number, signal.SIG_IGN)

        own, door.run = door.run, run
        return in_process(self.argv, Path.cwd())


def signalled(function, number, delay, again=False):
    """Call `function(ready)` in a fork, which gets a signal some time after it is ready.

    With `again` it gets the signal each second until it ends.
    Returns the status as `subprocess` does, or a text if the fork hangs.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for own in CAUGHT:
                signal.signal(own, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            status = function(lambda: os.write(write, b"."))
        except KeyboardInterrupt:
            status = 130
        finally:
            os._exit(status)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    if number:
        time.sleep(delay)
        os.kill(child, number)
    sent, deadline = time.monotonic(), time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        if again and time.monotonic() > sent + 1:
            os.kill(child, number)
            sent = time.monotonic()
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return f"no end within {TIMEOUT} s"
