#!/usr/bin/env python3
"""Mutation testing: change one thing in the package at a time, and see a test fail for it.

    pip install mutmut
    python scripts/mutants.py chapter alive
    python scripts/mutants.py moments exact --sample 200

mutmut makes the mutants in a copy of the package and runs, for each, the tests that call the
changed function. It does not see what a test's subprocesses call, of which `alive` has many, so a
survivor of that room then meets all its tests in a new process. A mutant that survives is an error,
unless tests/accepted_mutants.txt lists it with the reason why a user cannot notice the change.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ACCEPTED = ROOT / "tests" / "accepted_mutants.txt"
# The tests that guard each room.
TESTS = {
    "chapter": ["tests/chapter", "tests/plotting"],
    "alive": ["tests/alive", "tests/chapter/test_contexts.py"],
    "moments": ["tests/moments"],
    "exact": ["tests/exact"],
}
SETTINGS = """
[tool.mutmut]
source_paths = ["mxlinreg"]
only_mutate = {files}
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {tests}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("places", nargs="+", help="rooms, or files such as chapter/scratch.py")
    parser.add_argument("--sample", type=int, help="test this many of the mutants, not all")
    parser.add_argument("--seed", type=int, default=1, help="of the sample; 1 by default")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    tests = [test for place in options.places for test in TESTS[place.split("/")[0]]]
    tests = sorted(set(tests))
    files = [f"mxlinreg/{place}" + ("" if "/" in place else "/*") for place in options.places]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in ("mxlinreg", "tests"):
            shutil.copytree(ROOT / name, name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "setup.cfg", ".")
        Path("pyproject.toml").write_text(SETTINGS.format(files=files, tests=tests))
        # No mutant has this name: mutmut makes them all, times the tests, and stops.
        mutmut("run", "none")
        names = sorted(status_of_mutants())
        if options.sample and options.sample < len(names):
            names = random.Random(options.seed).sample(names, options.sample)
        done = mutmut("run", "--max-children", str(options.processes), *names)
        if done.returncode:
            sys.exit(done.stdout[-5000:] + done.stderr)
        status = status_of_mutants()
        left = [name for name in names if status[name] not in ("killed", "timeout", "segfault")]
        changes = {name: change(name) for name in left}
        listed = accepted()
        left = [name for name in left if changes[name] not in listed]
        if any(place.startswith("alive") for place in options.places):
            with ThreadPoolExecutor(options.processes) as pool:
                passed = list(pool.map(lambda name: passes(name, tests), left))
            left = [name for name, has_passed in zip(left, passed) if has_passed]
        os.chdir(ROOT)  # the folder is about to be removed
    for name in left:
        print(f"\n{changes[name]}")
    number = sum(change in listed for change in changes.values())
    print(
        f"\n{len(names)} mutants: {len(names) - number - len(left)} killed, {number} survive "
        f"and are listed in {ACCEPTED.name}, {len(left)} survive"
    )
    return 1 if left else 0


def mutmut(*arguments):
    """The output of mutmut in this folder, and whether it succeeded."""
    command = Path(sys.executable).with_name("mutmut")
    return subprocess.run([command, *arguments], capture_output=True, text=True, env=environment())


def environment(**more):
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**inherited, "MXNET_ENGINE_TYPE": "NaiveEngine", **more}


def status_of_mutants():
    lines = mutmut("results", "--all", "True").stdout.splitlines()
    return dict(line.strip().split(": ") for line in lines)


def change(name):
    """The function, the line as it is and the line as the mutant has it."""
    lines = mutmut("show", name).stdout.splitlines()
    function = name.rpartition("__mutmut_")[0].replace(".x_", ".").replace(".xǁ", ".")
    changed = [line for line in lines[3:] if line[0] in "-+"]
    return "\n".join(
        [function.replace("ǁ", "."), *(f"{line[0]} {line[1:].strip()}" for line in changed)]
    )


def accepted():
    """The changes that the list has, each without the reason, which follows it."""
    blocks = ACCEPTED.read_text(encoding="utf-8").strip().split("\n\n")
    return {block.partition("\n= ")[0] for block in blocks}


def passes(name, tests):
    """Whether all tests pass with this mutant."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    more = {"MUTANT_UNDER_TEST": name, "PYTHONPATH": "."}
    done = subprocess.run(
        command, cwd="mutants", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=environment(**more), timeout=600,
    )  # fmt: skip
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
