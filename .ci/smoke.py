"""Import, the chapter's bits beside a plain interpreter's, and the installed command.

Usage: smoke.py CHAPTER_JSON, which tests/chapter/plain_loop.py has written in that interpreter.
"""

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import mxlinreg as mlr

import mxnet as mx  # isort: skip  (only now can it be imported)

ROOT = Path(__file__).resolve().parent.parent


def chapter(seed, batch_size, epochs):
    mx.random.seed(seed)
    np.random.seed(seed)
    X, y = mlr.synthetic()
    params = w, b = mlr.init_params()
    losses = mlr.train(params, mlr.ArrayLoader(X, y, batch_size=batch_size), epochs)
    return losses, w.asnumpy().ravel().tolist(), b.asnumpy().tolist()


assert Path(mlr.__file__).parent.parent != ROOT, "not the installed package"
runs = json.loads(Path(sys.argv[1]).read_text())["runs"]
for run in runs:
    if run["batch_size"] == 64:
        assert chapter(run["seed"], 64, 10) == (run["losses"], run["w"], run["b"]), run["seed"]
first = next(run for run in runs if (run["seed"], run["batch_size"]) == (1, 4))
assert chapter(1, 4, 1)[0] == first["losses"][:1]

with tempfile.TemporaryDirectory() as folder:  # where no clone is at hand
    mxlinreg = Path(sys.executable).parent / "mxlinreg"
    table = ROOT / "tests/data/diabetes.csv"
    model = "--target", "progression", "--epochs", "20", "--save", "diabetes.params"
    for arguments in (
        ["train", "--data", table, *model],
        ["predict", "diabetes.params", table, "--output", "predictions.csv"],
        ["train", "--num-examples", "400", "--engine", "compiled"],
    ):
        command = [mxlinreg, *arguments]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    lines = Path(folder, "predictions.csv").read_text().splitlines()
    assert lines[0] == '"predicted progression"' and len(lines) == 443, lines[:2]
print(f"Python {platform.python_version()}, NumPy {np.__version__}: the same bits, and a fit")
