"""A process of a job, here or on another host, whose output comes out line by line."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

# A shell reads this from its stdin, which stays open as long as we live; when it closes, the
# shell's whole process group ends.
SCRIPT = """\
{{
exec 3<&0
{{ trap '' TERM; read -r line; kill -TERM 0; sleep 3; kill -KILL 0; }} <&3 >/dev/null 2>&1 &
cd {folder} || exit
{variables}
{command} </dev/null 3<&-
exit
}}
"""

OUTPUT = threading.Lock()


class Process:
    """One process of the job, by way of the shell that watches over it."""

    def __init__(self, role, host, variables, command):
        self.role, self.host, self.variables, self.command = role, host, variables, command
        self.name = role

    def start(self, rsh, ended):
        remote = [*rsh, self.host] if rsh else []
        self.shell = subprocess.Popen(
            [*remote, "sh", "-s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a group of its own, out of the terminal's reach
        )
        variables = {**self.variables, "DMLC_ROLE": self.role}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        script = SCRIPT.format(
            folder=shlex.quote(os.getcwd()),
            variables="\n".join(lines),
            command=shlex.join(self.command),
        )
        with suppress(BrokenPipeError):  # it has ended already, and its status tells why
            self.shell.stdin.write(script.encode())
            self.shell.stdin.flush()
        streams = (self.shell.stdout, sys.stdout), (self.shell.stderr, sys.stderr)
        self.readers = [
            threading.Thread(target=self.relay, args=pair, daemon=True) for pair in streams
        ]
        waiter = threading.Thread(target=lambda: ended.put((self, self.wait())), daemon=True)
        for thread in (*self.readers, waiter):
            thread.start()

    def relay(self, source, target):
        for line in source:
            text = f"{self.name}: ".encode() + line.rstrip(b"\n") + b"\n"
            with OUTPUT, suppress(BrokenPipeError):
                target.buffer.write(text)
                target.buffer.flush()

    def wait(self):
        """The status of its end, as a shell has it: 128 and the signal's number."""
        status = self.shell.wait()
        return status if status >= 0 else 128 - status

    def relayed(self, deadline):
        """Wait until its output is closed: its last lines are out, and all of its group ended."""
        for reader in self.readers:
            reader.join(max(0, deadline - time.monotonic()))

    def end(self):
        with suppress(OSError):
            self.shell.stdin.close()

    def kill(self, deadline):
        """Leave nothing of its group behind that has not ended by then."""
        with suppress(subprocess.TimeoutExpired):
            self.shell.wait(max(0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.wait()
