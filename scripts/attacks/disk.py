"""Full disks, read-only ones, links, and several writers at once: no file is damaged or left."""

import contextlib
import ctypes
import itertools
import os
import resource
import shutil
import threading
import time
import traceback
from functools import partial
from pathlib import Path
from typing import Callable, Dict, NamedTuple

from mxlinreg.models.checkpoint import read_checkpoint

from . import checks, readers
from .children import Child
from .folders import own_folder
from .writers import COMMANDS, OUT, content_of_out, fill_out, writers

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE = 1, 32, 16384, 1 << 18
DISK = 1 << 20  # bytes
NOBODY = 65534
ELSEWHERE = Path("elsewhere")
libc = ctypes.CDLL(None, use_errno=True)


class Writer(NamedTuple):
    name: str
    write: Callable
    """`write(i)` writes the older files (0) or the newer ones (1); a command only newer ones."""
    older: Dict[str, bytes]
    newer: Dict[str, bytes]


class NotPermitted(Exception):
    """This machine does not let us make a situation."""


def attack(tally, rng, seconds):
    end = time.monotonic() + seconds
    with own_folder() as folder:
        for path in (folder, folder.parent):
            os.chmod(path, 0o711)  # another user, who is tried as well, must find the files
        for situation, writer in itertools.cycle(itertools.product(SITUATIONS, make_writers())):
            if time.monotonic() > end:
                break
            if writer.name not in UNABLE.get(situation, ()) and situation not in tally.reasons:
                try_case(tally, situation, writer, float(rng.random()))


def try_case(tally, situation, writer, number):
    shutil.rmtree(ELSEWHERE, ignore_errors=True)
    ELSEWHERE.mkdir()
    fill_out({})
    with Child(lambda: examine(SITUATIONS[situation], writer, number)) as child:
        answer = child.call()
    reason, complaints = answer.value or ("", [answer.error])
    if reason:
        tally.skipped(situation, reason)
        return
    tally.tried(situation)
    for complaint in complaints:
        tally.failed(situation, f"{writer.name} (drawn: {number}): {complaint}")


def examine(situate, writer, number):
    try:
        return "", list(situate(writer, number))
    except NotPermitted as reason:
        return str(reason), []
    except BaseException:
        return "", [traceback.format_exc(limit=-3)]


def make_writers():
    made = []
    for name, write in writers().items():
        contents = []
        for i in range(2):
            fill_out({})
            write(i)
            contents.append(content_of_out())
        made.append(Writer(name, write, *contents))
    for name, (argv, older) in COMMANDS.items():
        older = {name: content for name, content in older.items() if content is not None}
        fill_out(older)
        write = partial(run_command, argv)
        write(1)
        made.append(Writer(name, write, older, content_of_out()))
    return made


def run_command(argv, i):
    readers.command(*argv)


def full_disk(writer, number):
    with mounted("size=1m"):
        yield from without_space(writer, number, lambda room: fill_disk(room))


def fill_disk(room):
    left = os.statvfs(OUT)
    (OUT / "filler").write_bytes(bytes(max(0, left.f_bavail * left.f_bsize - room)))


def largest_file(writer, number):
    """A limit to the size of files, which ends a writing as a full disk does."""

    def limit(room):
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))

    yield from without_space(writer, number, limit)


def without_space(writer, number, take_space):
    fill_out(writer.older)
    take_space(int(1.2 * number * sum(map(len, writer.newer.values()))))
    error = error_of(writer)
    found = content_of_out()
    found.pop("filler", None)
    if error is not None:
        if not any(text in str(error) for text in ("No space left", "File too large")):
            yield f"another error: {error!r}"
        if not any(name in str(error) for name in writer.newer):
            yield f"an error without the file's name: {error!r}"
        # A training that cannot write a later checkpoint leaves the earlier one.
        if "m.ckpt" in found.keys() - writer.older.keys() and not checks.error_of(
            read_checkpoint, OUT / "m.ckpt"
        ):
            del found["m.ckpt"]
    yield from differences(found, writer.newer if error is None else writer.older)


def read_only(writer, number):
    with mounted("size=1m"):
        fill_out(writer.older)
        mount("remount", MS_REMOUNT | MS_RDONLY, "")
        yield from refusal(writer, "Read-only")


def no_rights(writer, number):
    fill_out(writer.older)
    os.chmod(OUT, 0o555)
    if os.getuid() == 0:
        os.setuid(NOBODY)
    yield from refusal(writer, "Permission denied")


def refusal(writer, reason):
    error = error_of(writer)
    if error is None or reason not in str(error):
        yield f"no error about it: {error!r}"
    yield from differences(content_of_out(), writer.older)


def links(writer, number):
    """One of the files is a link."""
    name = sorted(writer.newer)[0]
    kinds = ["symbolic", "hard", "dangling", "loop", "to a folder"]
    if writer.name == "train --plot":
        del kinds[-1]  # all pictures are written to a folder
    kind = kinds[int(number * len(kinds))]
    fill_out(writer.older)
    target, link = ELSEWHERE / name, OUT / name
    older = writer.older.get(name, b"older")
    with contextlib.suppress(FileNotFoundError):
        link.unlink()
    if kind in ("symbolic", "hard"):
        target.write_bytes(older)
    if kind == "hard":
        os.link(target, link)
    else:
        os.symlink({"loop": name, "to a folder": "../elsewhere"}.get(kind, f"../{target}"), link)
    error = error_of(writer)
    found = {path.name: path.read_bytes() for path in ELSEWHERE.iterdir()}
    refused = kind in ("loop", "to a folder")
    if writer.name == "train --checkpoint" and kind in ("symbolic", "hard"):
        refused = True  # there is a file that is no checkpoint
    if refused != (error is not None):
        yield f"{kind}: {error!r}"
    if kind != "hard" and not link.is_symlink():
        yield f"{kind}: the link is gone"
    if kind in ("symbolic", "dangling") and not refused and found != {name: writer.newer[name]}:
        yield f"{kind}: the link leads to {sorted(found)}"
    if kind == "hard" and found != {name: older}:
        yield "hard: the file's other name has another content"
    own = set(os.listdir(OUT)) - {name}
    expected = set(writer.older if refused else writer.newer) - {name}
    if own != expected:
        yield f"{kind}: beside the link there are {sorted(own)}"


def threads(writer, number):
    """Three threads write the same files, and one reads them."""
    errors, running = [], []

    def write_often():
        try:
            for i in (0, 1, 0, 1, 0, 1):
                writer.write(i)
        except BaseException:
            errors.append(traceback.format_exc(limit=-3))

    fill_out(writer.older)
    running = [threading.Thread(target=write_often) for _ in range(3)]
    for thread in running:
        thread.start()
    yield from reading(writer, lambda: any(thread.is_alive() for thread in running))
    yield from errors


def processes(writer, number):
    """Three processes write the same files, and one reads them."""
    fill_out(writer.older)
    children = [Child(writer.write) for _ in range(3)]
    try:
        for child in children:
            child.start()
        for _ in range(3):
            for i in (0, 1):
                for child in children:
                    child.pipe.send((i,))
                yield from reading(writer, lambda: not all(child.pipe.poll() for child in children))
                for child in children:
                    child.pipe.recv()
    finally:
        for child in children:
            child.stop()


def reading(writer, is_going_on):
    """Read the files as long as others write them; then see that nothing else is left."""
    while is_going_on():
        for name in writer.newer:
            content = (OUT / name).read_bytes()
            if content not in (writer.older[name], writer.newer[name]):
                yield f"{name} was not complete: {len(content)} bytes"
                return
        time.sleep(0.001)
    found = content_of_out()
    expected = {name: (writer.older[name], writer.newer[name]) for name in writer.newer}
    if found.keys() != expected.keys():
        yield f"there are {sorted(found)}"
    for name in expected.keys() & found.keys():
        if found[name] not in expected[name]:
            yield f"{name} is none of those that were written"


def error_of(writer):
    try:
        writer.write(1)
    except (OSError, ValueError) as error:
        return error
    return None


def differences(found, expected):
    if found.keys() != expected.keys():
        yield f"there are {sorted(found)} and not {sorted(expected)}"
    for name in found.keys() & expected.keys():
        if found[name] != expected[name]:
            yield f"{name} has another content"


@contextlib.contextmanager
def mounted(options):
    """A small disk at `OUT`, which nobody but this process and its children sees."""
    fill_out({})
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNS | (CLONE_NEWUSER if user else 0)):
        raise NotPermitted(f"unshare: {os.strerror(ctypes.get_errno())}")
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise NotPermitted(f"mount: {os.strerror(ctypes.get_errno())}")
    mount("tmpfs", 0, options)
    yield


def mount(kind, flags, options):
    if libc.mount(b"tmpfs", bytes(OUT), b"tmpfs", flags, options.encode()):
        raise NotPermitted(f"mount: {os.strerror(ctypes.get_errno())}")


SITUATIONS = {
    "a full disk": full_disk,
    "a limit to the size of files": largest_file,
    "a read-only disk": read_only,
    "a folder without rights": no_rights,
    "links": links,
    "threads that write one file": threads,
    "processes that write one file": processes,
}
# Commands handle signals, which the main thread alone can do. matplotlib's figures are not for
# several threads.
UNABLE = {
    "threads that write one file": {*COMMANDS, "save_figure"},
    "processes that write one file": {*COMMANDS},
}
