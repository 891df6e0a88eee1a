import json
import os
import sys
from pathlib import Path

# The engine that `mxlinreg train` chooses too: the same bits, in less time.
os.environ.setdefault("MXNET_ENGINE_TYPE", "NaiveEngine")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

import mxlinreg  # noqa: E402, F401  (before any test's own `import mxnet`)

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def seed():
    """A function that seeds both generators that a run draws from."""
    import mxnet as mx

    def seed_both(number=1):
        mx.random.seed(number)
        np.random.seed(number)

    seed_both()
    return seed_both


@pytest.fixture
def data():
    return Path(__file__).parent / "data"


@pytest.fixture
def frozen(data):
    """A function that gives the chapter's own loop's numbers, from a plain interpreter."""
    runs = json.loads((data / "chapter.json").read_text())["runs"]
    by_settings = {(run["seed"], run["batch_size"], run["dtype"]): run for run in runs}

    def numbers(seed, batch_size, dtype="float32"):
        return by_settings[seed, batch_size, dtype]

    return numbers


def pytest_collection_modifyitems(items):
    """Tests marked `gpu` skip, and say why, where MXNet finds no GPU."""
    import mxnet as mx

    if mx.runtime.Features().is_enabled("CUDA") and mx.context.num_gpus():
        return
    skip = pytest.mark.skip(reason="no GPU that MXNet can use: num_gpus() is 0")
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(skip)
