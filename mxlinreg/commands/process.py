"""A process of a job, on this machine or another host, whose output is relayed line by line."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

# A shell reads this script from its stdin, which the launcher keeps open as long as it lives. When
# stdin closes, the shell ends its whole process group.
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
    """One process of the job, and the shell that runs it and ends it with the launcher."""

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
            start_new_session=True,  # a process group of its own, which Ctrl-C does not reach
        )
        variables = {**self.variables, "DMLC_ROLE": self.role}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        script = SCRIPT.format(
            folder=shlex.quote(os.getcwd()),
            variables="\n".join(lines),
            command=shlex.join(self.command),
        )
        with suppress(BrokenPipeError):  # the shell has ended already; its status is reported
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
            with OUTPUT, suppress(OSError):  # the job goes on without its output
                target.buffer.write(text)
                target.buffer.flush()

    def wait(self):
        """Wait for the end; return the status as a shell does: 128 + n after signal n."""
        status = self.shell.wait()
        return status if status >= 0 else 128 - status

    def relayed(self, deadline):
        """Wait until the output has been relayed to its end, which is when the group has ended."""
        for reader in self.readers:
            reader.join(max(0, deadline - time.monotonic()))

    def end(self):
        with suppress(OSError):
            self.shell.stdin.close()

    def kill(self, deadline):
        """Kill what remains of the process group at the deadline."""
        with suppress(subprocess.TimeoutExpired):
            self.shell.wait(max(0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.wait()
