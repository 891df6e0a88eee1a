"""What mypy and pyright make of a user's script."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mxlinreg as mlr

SCRIPT = Path(__file__).parent / "every_name.py"
PLACE = Path(mlr.__file__).parent.parent


WRONG = [
    "losses: int = mlr.train(mlr.init_params(), [])",
    "mlr.train(mlr.init_params(), [], epochs='ten')",
    "mlr.least_squares([[1.0]], [1.0]).no_such_field",
    "mlr.nonsense",
]


def mypy(folder, *scripts):
    pytest.importorskip("mypy")
    environment = dict(os.environ)
    if "site-packages" not in PLACE.parts:  # an editable install, which mypy does not find
        environment["MYPYPATH"] = str(PLACE)
    options = "--follow-imports=silent", f"--cache-dir={folder / 'cache'}"
    return subprocess.run(
        [sys.executable, "-m", "mypy", *options, *scripts],
        cwd=folder, capture_output=True, text=True, env=environment,
    )  # fmt: skip


def pyright(folder, *scripts):
    pytest.importorskip("pyright")
    (folder / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(PLACE)]}))
    return subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "-p", "."],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip


def test_the_script_uses_every_public_name():
    used = set(re.findall(r"mlr\.(\w+)", SCRIPT.read_text()))
    assert set(mlr.__all__) <= used


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_every_name_has_its_type_and_wrong_ones_are_found(tmp_path, checker):
    (tmp_path / "right.py").write_text(SCRIPT.read_text())
    (tmp_path / "wrong.py").write_text("\n".join(["import mxlinreg as mlr", *WRONG]) + "\n")
    done = checker(tmp_path, "right.py", "wrong.py")
    errors = re.findall(r"(\w+)\.py:(\d+):.* error", done.stdout)
    assert sorted(errors) == [("wrong", str(2 + i)) for i in range(len(WRONG))], (
        done.stdout + done.stderr
    )
