"""Run a command as the workers of a job, with the scheduler and the servers they need.

The command, after --, joins the job by `mx.kv.create("dist_sync")`, as mxlinreg train does with
--kvstore dist_sync. Without --hosts all processes run on this machine and listen on the loopback
address only. MXNet connects them without authentication, so use --hosts only in a private network.
"""

import argparse
import ipaddress
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from .._streams import say
from .parsing import Parser, count, status_of
from .process import OUTPUT, Process

LOOPBACK = "127.0.0.1"
SSH = "ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=3 -o ServerAliveCountMax=3"
PORTS = range(10000, 32768)  # below the ephemeral ports, which the system assigns itself
# Environment variables with these prefixes are passed on to processes on other hosts.
INHERITED = "MXNET_", "PS_", "OMP_", "PYTHON", "PATH", "LD_LIBRARY_PATH"
PATIENCE = 5  # seconds; a process that has not ended by then is killed


def main(argv):
    parser = make_parser()
    given = vars(parser.parse_args(argv))
    if given["rsh"] and not given["hosts_file"]:
        parser.error("--rsh goes with --hosts only")
    sys.exit(status_of(parser.prog, lambda: launch(**given)))


def make_parser():
    parser = Parser(
        prog="mxlinreg launch",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    number = {"type": count(1), "default": 1}
    add("-n", dest="num_workers", **number, metavar="N", help="number of workers (default: 1)")
    add("-s", dest="num_servers", **number, metavar="N", help="number of servers (default: 1)")
    add(
        "--hosts",
        dest="hosts_file",
        type=Path,
        metavar="FILE",
        help="file with one host per line; the processes go to the hosts in turn, the scheduler "
        "to the first; each host needs this folder and this Python (default: this machine)",
    )
    add(
        "--rsh",
        type=shlex.split,
        metavar="COMMAND",
        help="program that runs a command on a host; the host and the command are appended to it "
        "(default: ssh)",
    )
    add("command", nargs="+", metavar="COMMAND", help="the command of a worker, after --")
    return parser


def launch(*, command, num_workers, num_servers, hosts_file, rsh):
    """Run the job and exit with its status.

    `hosts_file` and `rsh` are None for a job on this machine.
    """
    hosts = read_hosts(hosts_file) if hosts_file else [LOOPBACK]
    rsh = (rsh or SSH.split()) if hosts_file else []
    addresses = {host: address_of(host, rsh) for host in hosts}
    ports = free_ports(num_workers + num_servers + 1, local=not rsh)
    processes = plan(command, num_workers, num_servers, hosts, addresses, ports)
    ended = SimpleQueue()  # unlike Queue, safe to fill from a signal's handler
    # A signal is queued, because an exception could lose a process that is just being started.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: ended.put((None, 128 + number)))
    started = []
    try:
        for process in processes:
            process.start(rsh, ended)
            started.append(process)
        status = first_failure(ended, num_workers)
    finally:
        deadline = time.monotonic() + PATIENCE
        for process in started:
            process.end()
        for process in started:
            process.kill(deadline)
        for process in started:
            process.relayed(deadline + PATIENCE)
    raise SystemExit(status)


def read_hosts(path):
    lines = path.read_text(errors="replace").splitlines()
    hosts = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    for host in hosts:
        if len(host.split()) > 1:
            raise ValueError(f"--hosts: {path} has {host!r}, which is not one host")
    if not hosts:
        raise ValueError(f"--hosts: {path} names no host")
    return list(dict.fromkeys(hosts))


def address_of(host, rsh):
    """The address by which other hosts reach this one."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(host))
    with suppress(OSError):
        address = socket.gethostbyname(host.rpartition("@")[2])
        if not ipaddress.ip_address(address).is_loopback:
            return address
    # Only `rsh` knows the name, or it means loopback on this machine, so ask the host itself.
    asked = subprocess.run(
        [*rsh, host, "hostname", "-I"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    addresses = [text for text in asked.stdout.split() if ":" not in text]
    if asked.returncode != 0 or not addresses:
        raise ValueError(f"--hosts: the address of {host} is unknown; write its IP address instead")
    return addresses[0]


def free_ports(number, local):
    """Ports that are free on this machine. On other hosts ps-lite replaces a port that is taken."""
    ports = random.sample(PORTS, len(PORTS))
    if not local:
        free = ports[:number]
    else:
        free = []
        while ports and len(free) < number:
            with socket.socket() as probe, suppress(OSError):
                port = ports.pop()
                probe.bind((LOOPBACK, port))
                free.append(port)
    if len(free) < number:
        raise ValueError(f"-n, -s: {number} processes need a port each; only {len(free)} are free")
    return free


def plan(command, num_workers, num_servers, hosts, addresses, ports):
    """The processes in the order in which they start, each with its environment variables."""
    root, *ports = ports
    common = {
        **{name: value for name, value in os.environ.items() if name.startswith(INHERITED)},
        "DMLC_PS_ROOT_URI": addresses[hosts[0]],
        "DMLC_PS_ROOT_PORT": str(root),
        "DMLC_NUM_WORKER": str(num_workers),
        "DMLC_NUM_SERVER": str(num_servers),
    }
    # MXNet 1.9.1's server leaves the flag that keeps values in float64 uninitialised. With these
    # settings glibc fills all memory that it allocates with zeros.
    for_server = {"GLIBC_TUNABLES": "glibc.malloc.perturb=255:glibc.malloc.tcache_count=0"}
    # With DMLC_ROLE set to one of these two, importing MXNet runs it until the job ends.
    serve = [sys.executable, "-c", "import mxlinreg, mxnet"]
    roles = [("scheduler", 0)]
    roles += [("server", i) for i in range(num_servers)]
    roles += [("worker", i) for i in range(num_workers)]
    processes = []
    for (role, turn), port in zip(roles, [root, *ports]):
        host = hosts[turn % len(hosts)]
        variables = {**common, "DMLC_NODE_HOST": addresses[host], "PORT": str(port)}
        if role == "server":
            variables.update(for_server)
        program = command if role == "worker" else serve
        processes.append(Process(role, host, variables, program))
    # ps-lite ranks the nodes by address, in descending alphabetical order, and then by port.
    for role in ("server", "worker"):
        of_role = [process for process in processes if process.role == role]
        of_role.sort(key=lambda process: int(process.variables["PORT"]))
        of_role.sort(key=lambda process: process.variables["DMLC_NODE_HOST"], reverse=True)
        for rank, process in enumerate(of_role):
            process.name = f"{role} {rank}"
    return processes


def what_ended(process, status):
    """The message that says why the job ends.

    `process` is the process that failed, or None if the launcher received a signal.
    """
    try:
        name = signal.Signals(status - 128).name
    except ValueError:
        name = None
    if process is None:
        return f"interrupted by {name}; ending all"
    where = "" if process.host == LOOPBACK else f" on {process.host}"
    how = f"was killed by {name}" if name else f"failed with status {status}"
    return f"{process.name}{where} {how}; ending the others"


def first_failure(ended, num_workers):
    """Wait until all workers have succeeded, any process fails or a signal comes.

    Returns the exit status.
    """
    while num_workers > 0:
        process, status = ended.get()
        if status != 0:
            if process is not None:
                process.relayed(time.monotonic() + 1)
            with OUTPUT:
                say(f"mxlinreg launch: {what_ended(process, status)}")
            return status
        num_workers -= process.role == "worker"
    return 0
