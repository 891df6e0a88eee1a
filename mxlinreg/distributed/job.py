"""Join and leave a job as a worker, and check that its servers keep float64."""

import os
import socket
import sys
import time
from contextlib import contextmanager
from threading import Timer
from typing import Iterator

import numpy as np

from .._checks import check_number
from .._mxnet import mx
from .collectives import all_reduce

_PAUSE = 0.2  # seconds between two attempts to reach the scheduler
_JOB = "PS_ROOT_URI", "PS_ROOT_PORT", "NUM_WORKER", "NUM_SERVER", "ROLE"


@contextmanager
def connect(timeout: float = 60.0) -> Iterator[mx.kv.KVStore]:
    """Join a job as a worker, as a context manager that leaves the job at its end.

    If the body raises, the KVStore does not wait for the other workers. The process can then end,
    and the launcher notices and ends the job.

    Parameters
    ----------
    timeout : float
        The number of seconds within which all processes of the job must have connected.

    Yields
    ------
    KVStore
        MXNet's KVStore of type "dist_sync", with the attributes `rank` and `num_workers`.

    Raises
    ------
    ValueError
        If this process was not started as a worker of a job, the scheduler cannot be reached in
        time, or a server rounds float64. If the scheduler is reached but other processes are
        missing, the process exits with status 1 and a message, because MXNet's waiting cannot be
        interrupted.
    """
    timeout = check_number("timeout", timeout)
    try:
        host, port, num_workers, num_servers, _ = (os.environ[f"DMLC_{name}"] for name in _JOB)
    except KeyError as error:
        raise ValueError(
            f"kvstore: this process is not a worker of a job, as the environment lacks {error}; "
            "start it with mxlinreg launch"
        ) from None
    end = time.monotonic() + timeout
    _reach(host, int(port), end, timeout)
    message = (
        f"kvstore: not all of {num_workers} workers and {num_servers} servers connected to the "
        f"scheduler at {host}:{port} within {timeout:g} s"
    )
    give_up = Timer(max(0.1, end - time.monotonic()), _give_up, [message])
    give_up.daemon = True
    give_up.start()
    try:
        kv = mx.kv.create("dist_sync")
    finally:
        give_up.cancel()
    try:
        _check_servers(kv, int(num_servers))
        yield kv
    except BaseException:
        mx.base.check_call(mx.base._LIB.MXKVStoreSetBarrierBeforeExit(kv.handle, 0))
        raise
    finally:
        # The KVStore's threads must end before Python does.
        mx.base.check_call(mx.base._LIB.MXKVStoreFree(kv.handle))
        kv.handle = None


def _reach(host, port, end, timeout):
    """Wait until something listens at the scheduler's address."""
    while True:
        try:
            wait = max(0.1, end - time.monotonic())
            socket.create_connection((host, port), timeout=wait).close()
            return
        except OSError as error:
            if time.monotonic() + _PAUSE > end:
                raise ValueError(
                    f"kvstore: the scheduler at {host}:{port} could not be reached "
                    f"within {timeout:g} s: {error.strerror or error}"
                ) from None
        time.sleep(_PAUSE)


def _give_up(message):
    print(f"error: {message}", file=sys.stderr, flush=True)
    os._exit(1)


def _check_servers(kv, num_servers):
    """Raise if one of the servers rounds float64 to float32.

    MXNet 1.9.1 leaves a server's float64 flag uninitialised. The first keys go to successive
    servers, so one key tests each.
    """
    for i in range(num_servers):
        third = 1 / 3 if kv.rank == 0 else 0.0
        if float(all_reduce(kv, np.array([third]), f"check {i}")[0]) != 1 / 3:
            raise ValueError(
                "kvstore: a server rounds float64 to float32, because MXNet 1.9.1 leaves a flag "
                "uninitialised; start the servers with mxlinreg launch, or with GLIBC_TUNABLES="
                "glibc.malloc.perturb=255:glibc.malloc.tcache_count=0 in their environment"
            )
