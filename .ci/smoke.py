"""Import, the chapter's bits beside a plain interpreter's, and a fit of a CSV file.

Usage: smoke.py CHAPTER_JSON, the file that tests/chapter/plain_loop.py has written in that interpreter.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

import mxlinreg as mlr

import mxnet as mx  # isort: skip  (only now can it be imported)

ROOT = Path(__file__).parent.parent


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

fit = [sys.executable, ROOT / "scripts/train.py", "--target", "progression", "--epochs", "20"]
subprocess.run(
    [*fit, "--quiet", "--data", ROOT / "tests/data/diabetes.csv"],
    check=True,
    stdout=subprocess.DEVNULL,
)
print(f"Python {platform.python_version()}, NumPy {np.__version__}: the same bits, and a fit")
