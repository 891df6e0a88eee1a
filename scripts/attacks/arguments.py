"""Odd arguments of each public function: a right result, or an error that names the argument."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

CALLEE = Path(__file__).with_name("callee.py")
# A call that takes longer hangs.
SECONDS = 20
# The first calls of a process load the libraries, and may compile the loop.
SECONDS_TO_START = 300


class Callee:
    """A process that makes the calls; see callee.py."""

    def __init__(self, seed, folder):
        temporary = tempfile.mkdtemp(dir=folder)  # what a killed process leaves there goes with it
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": temporary}
        command = [sys.executable, str(CALLEE), str(seed), folder]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment)
        self._read = b""
        self.names = self._line(SECONDS_TO_START)
        self.state = self._line(SECONDS_TO_START)

    def call(self, number):
        """Make a call. Returns it in words, and a dict with its "failure" or None.

        If the process has died or hangs, the dict has no key "name".
        """
        self._process.stdin.write(b"%d\n" % number)
        self._process.stdin.flush()
        try:
            told = self._line(SECONDS)
            if told is None:
                return f"call {number}", {"failure": "the call could not be made"}
            return told, self._line(SECONDS) or {"failure": f"died: {self._process.wait()}"}
        except TimeoutError:
            return told, {"failure": f"hangs: more than {SECONDS} s"}

    def _line(self, seconds):
        """The next line of the process, or None if it has died."""
        end = time.monotonic() + seconds
        while b"\n" not in self._read:
            ready = select.select([self._process.stdout], [], [], max(0, end - time.monotonic()))
            if not ready[0]:
                raise TimeoutError
            content = os.read(self._process.stdout.fileno(), 1 << 16)
            if not content:
                return None
            self._read += content
        line, self._read = self._read.split(b"\n", 1)
        return json.loads(line)

    def end(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def attack(tally, rng, seconds):
    """Call the public functions with odd arguments, one after the other, until the time is over."""
    end, seed = time.monotonic() + seconds, int(rng.integers(2**32))
    callee, number, counts = None, 0, Counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            while time.monotonic() < end:
                if callee is None:
                    callee = Callee(seed, folder)
                    if callee.state != "ready":
                        tally.failed("arguments", f"a valid call failed: {callee.state}")
                        return
                told, record = callee.call(number)
                tally.tried("argument sets")
                counts[number % len(callee.names)] += 1
                if record["failure"] is not None:
                    tally.failed("arguments", f"{told}: {record['failure']} ({seed}, {number})")
                if "name" not in record:
                    callee.end()
                    callee = None
                number += 1
        finally:
            if callee is not None:
                callee.end()
    if counts:
        tally.tried("argument sets of the function tried least", min(counts.values()))
