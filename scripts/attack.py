#!/usr/bin/env python
"""Try to break the package: broken files, odd arguments and command lines, kills, full disks.

Each part prints what it tried, how often, and what failed. The files that failed are kept. The exit
status is 1 if anything failed.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
from attacks.page import page
from attacks.tally import Tally

from mxlinreg._files import replacing
from mxlinreg.commands.parsing import Parser, count, run

# The share of the time that each part takes of a process. Two parts run at once.
PARTS = {
    "files": 4,
    "arguments": 4,
    "command_lines": 3,
    "kills": 3,
    "disk": 2,
    "surroundings": 3,
}
JOBS = 2
PR_SET_CHILD_SUBREAPER = 36


def make_parser():
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help=f"parts to run: {', '.join(PARTS)} (default: all)")
    add("--seed", type=count(0), default=1, metavar="N", help="seed of what is drawn (default: 1)")
    add("--seconds", type=count(1), default=600, metavar="N", help="time for all (default: 600)")
    add("--json", type=Path, metavar="FILE", help="JSON file to write (default: none)")
    add("--output", type=Path, metavar="FILE", help="Markdown file to write (default: none)")
    return parser


def attack(args):
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        raise ValueError(f"no part {', '.join(sorted(unknown))}; give some of {', '.join(PARTS)}")
    parts = {name: PARTS[name] for name in args.parts or PARTS}
    kept = Path(tempfile.gettempdir()) / f"mxlinreg-attack-{os.getpid()}"
    records = {}

    def run_named(name):
        seconds = args.seconds * min(1, JOBS * parts[name] / sum(parts.values()))
        return name, in_process(name, args.seed, seconds, kept / name)

    with ThreadPool(JOBS) as threads:
        for name, record in threads.imap_unordered(run_named, parts):
            print_record(name, record, args)
            records[name] = record
    records = {name: records[name] for name in parts}
    record = {"seed": args.seed, "seconds": args.seconds, "parts": records}
    for path, content in (
        (args.json, json.dumps(record, indent=1) + "\n"),
        (args.output, page(record)),
    ):
        if path is not None:
            with replacing(path) as temporary:
                Path(temporary).write_text(content, encoding="utf-8")
    failures = sum(len(record["failures"]) for record in records.values())
    if failures:
        sys.exit(1)


def in_process(*arguments):
    """Run a part in a process of its own, which it may end."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        try:
            return process.submit(run_part, *arguments).result()
        except Exception as error:
            tally = Tally()
            tally.failed("the part itself", repr(error))
            return tally.report()


def run_part(name, seed, seconds, kept):
    """Run one part in this process, and return its report."""
    adopt_orphans()
    tally, begin = Tally(kept), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        try:
            importlib.import_module(f"attacks.{name}").attack(tally, rng, seconds)
        except Exception:
            tally.failed("the part itself", traceback.format_exc(limit=-3))
        if os.listdir(folder):
            tally.failed("left behind", f"files: {sorted(os.listdir(folder))}")
        tempfile.tempdir = None
        del os.environ["TMPDIR"]
    left = kill_children()
    if left:
        tally.failed("left behind", f"processes: {left}")
    return {**tally.report(), "seconds": round(time.monotonic() - begin)}


def adopt_orphans():
    """Make processes whose parents have ended children of this one, so that none is overlooked."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_children():
    """Kill the children of this process that have not ended, and return their commands."""
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        for pid in path.read_text().split():
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z":
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                os.kill(int(pid), signal.SIGKILL)
                found.append(f"{pid} {command.replace(bytes(1), b' ').decode(errors='replace')}")
    return found


def print_record(name, record, args):
    print(f"{name}, {record.get('seconds', 0)} s")
    for kind, number in record["tried"].items():
        failed = sum(failure["kind"] == kind for failure in record["failures"])
        print(f"  {number:7} {kind}" + (f", {failed} failed" if failed else ""))
    for kind, reason in record["skipped"].items():
        print(f"  skipped {kind}: {reason}")
    for failure in record["failures"]:
        print(f"  FAILED {failure['kind']}: {failure['what']}")
    if record["failures"]:
        print(
            f"  again: python scripts/attack.py {name} --seed {args.seed} --seconds {args.seconds}"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    run(make_parser(), attack)
