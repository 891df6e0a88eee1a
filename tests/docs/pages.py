"""The code blocks of README.md and docs/*.md, and how one page's blocks run."""

import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from typing import NamedTuple

from helpers import ROOT, environment

PAGES = {path.name: path for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]}
FORMULAS = ("scale.md",)  # pages with blocks that are no code, which have no language
# A fence, or a paragraph that is indented by four spaces, which is taken for a command.
BLOCK = re.compile(
    r"^```(?P<language>\w*)\n(?P<fenced>.*?)^```$|(?<=\n\n)(?P<indented>(?:    .*\n)+)", re.M | re.S
)


class Block(NamedTuple):
    place: str  # "README.md:17"
    language: str
    code: str
    output: str  # of the text block that follows, "" without one


def blocks(name):
    """The code blocks of a page in their order, each with the output that the page shows."""
    text, found = PAGES[name].read_text(encoding="utf-8"), []
    for match in BLOCK.finditer(text):
        place = f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        language = "sh" if match["indented"] else match["language"]
        if language not in ("sh", "python", "text") and not (name in FORMULAS and language == ""):
            raise ValueError(f"{place}: a block is sh, python or text, not {language!r}")
        if language == "text":
            if not found or found[-1].output:
                raise ValueError(f"{place}: this output follows no command")
            found[-1] = found[-1]._replace(output=match["fenced"])
        elif language:
            found.append(Block(place, language, match["indented"] or match["fenced"], ""))
    return found


def run_blocks(selected, folder):
    """Run blocks of one page in a folder: Python in one namespace, commands with bash."""
    (folder / "bin").mkdir()
    command = folder / "bin" / "mxlinreg"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mxlinreg "$@"\n')
    command.chmod(0o755)
    shutil.copytree(ROOT / "docs", folder / "docs")
    for name in ("scripts", "tests"):
        (folder / name).symlink_to(ROOT / name)
    namespace = {"__name__": "__main__"}
    for block in selected:
        run = run_python if block.language == "python" else run_shell
        printed = run(block, folder, namespace)
        wanted, checker = block.output, OutputChecker()
        if wanted and not checker.check_output(wanted, printed, ELLIPSIS):
            raise AssertionError(f"{block.place} shows\n{wanted}\nbut it printed\n{printed}")


def run_python(block, folder, namespace):
    place, line = block.place.split(":")
    # Blank lines before the code, so that an error names the page's line.
    code = compile("\n" * int(line) + block.code, place, "exec")
    before, printed = os.getcwd(), io.StringIO()
    os.chdir(folder)
    try:
        with redirect_stdout(printed):
            exec(code, namespace)
    finally:
        os.chdir(before)
    return printed.getvalue()


def run_shell(block, folder, _):
    """What the commands print on stdout; if they fail, as the page must show, also on stderr."""
    places = folder / "bin", Path(sys.executable).parent, os.environ["PATH"]
    path = os.pathsep.join(map(str, places))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code],
        cwd=folder, env={**environment(), "PATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode and "error: " not in block.output:
        raise AssertionError(f"{block.place} fails\n{done.stdout}{done.stderr}")
    return done.stdout + (done.stderr if done.returncode else "")
