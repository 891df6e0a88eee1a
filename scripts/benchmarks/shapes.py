"""An epoch of both engines beside the same epoch in other libraries, on data of four shapes."""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from .children import ask, serving
from .output import digits, print_table

# Rows, inputs and batch size. The first shape is the chapter's.
SHAPES = [(10000, 2, 4), (100000, 100, 64), (1000000, 10, 32), (20000, 1000, 128)]
# The fits in threads run on this shape: its epochs are long enough to spend little in Python.
THREADED = SHAPES[1]
LEARNING_RATE = 1e-4
# Peers that share a process, so that their times are compared under the same conditions.
PROCESSES = [
    ["chapter", "autograd"],
    ["gluon"],
    ["pytorch"],
    ["jax"],
    ["sklearn"],
    ["numpy"],
    ["compiled", "sequential", "sum_of_X"],
]
LABELS = {
    "chapter": "the chapter's loop, MXNet",
    "autograd": "mxlinreg, autograd",
    "gluon": "MXNet Gluon",
    "pytorch": "PyTorch loop",
    "jax": "JAX, jit of a scan",
    "sklearn": "scikit-learn SGDRegressor, batch 1",
    "numpy": "NumPy loop",
    "compiled": "mxlinreg, compiled",
    "sequential": "limit: compiled, not shuffled",
    "sum_of_X": "limit: X.sum()",
}
LIMITS = "sequential", "sum_of_X"
PEER_MODULES = {"jax": "jax", "pytorch": "torch", "sklearn": "sklearn"}


def find_peers(python):
    """The versions of all installed modules, and the missing peers with the reason."""
    ours = _versions(sys.executable, "numpy", "numba", "mxlinreg", "mxnet")
    theirs = _versions(python, *PEER_MODULES.values())
    missing = {
        name: f"{module} is not installed for {Path(python).name}"
        for name, module in PEER_MODULES.items()
        if module not in theirs
    }
    return {**ours, **theirs}, missing


def _versions(python, *modules):
    program = (
        "import importlib, json, sys\n"
        "found = {}\n"
        "for name in sys.argv[1:]:\n"
        "    try: found[name] = importlib.import_module(name).__version__\n"
        "    except ImportError: pass\n"
        "print(json.dumps(found))"
    )
    command = [python, "-c", program, *modules]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def measure_shape(shape, runs, peers_python, missing, divisor):
    """Check each peer on one shape, then time all of them in turns."""
    rows, num_inputs, batch_size = shape
    rows //= divisor
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        arrays = write_case(folder, rows, num_inputs, batch_size)
        children = {}
        for names in PROCESSES:
            if shape != SHAPES[0]:
                # The engine does the same operations as the plain loop. One comparison is enough.
                names = [name for name in names if name != "autograd"]
            if names[0] not in missing:
                python = peers_python if names[0] in PEER_MODULES else sys.executable
                process = stack.enter_context(serving(python, folder, names))
                children.update(dict.fromkeys(names, process))
        first = {name: ask(process, "check", name) for name, process in children.items()}
        for name, answer in first.items():
            if name == "sklearn":
                check(name, answer, single_rows(**arrays))
            elif name not in LIMITS:
                check(name, answer, first["chapter"])
        seconds = {name: [] for name in children}
        for _ in range(runs):
            for name, process in children.items():
                seconds[name].append(ask(process, "time", name))
        result = {"rows": rows, "inputs": num_inputs, "batch_size": batch_size}
        if shape == THREADED:
            process = children["compiled"]
            result["side_by_side"] = [ask(process, "threads", "compiled") for _ in range(runs)]
    result["peers"] = {
        name: {
            "first": first[name]["seconds"],
            "seconds": seconds[name],
            "median": median(seconds[name]),
        }
        for name in children
    }
    return result


def measure_autograd(runs):
    """Pairs of seconds, of the chapter's loop and of the engine autograd, on 1000 rows.

    The two do the same operations, so their ratio is near 1. Many short
    turns average out the changes in the machine's speed.
    """
    names = ["chapter", "autograd"]
    with tempfile.TemporaryDirectory() as folder:
        write_case(folder, 1000, 2, 4)
        with serving(sys.executable, folder, names) as process:
            return [ask(process, "pair", *names) for _ in range(6 * runs)]


def write_case(folder, rows, num_inputs, batch_size):
    """Write the data, the initial parameters and the first epoch's order for the peers."""
    import numpy as np

    random = np.random.RandomState(1)
    X = random.standard_normal((rows, num_inputs)).astype("float32")
    real_w = random.standard_normal(num_inputs)
    y = (X @ real_w + 4.2 + 0.1 * random.standard_normal(rows)).astype("float32")
    order = np.arange(rows)
    np.random.RandomState(0).shuffle(order)
    arrays = {
        "X": X,
        "y": y,
        "w": random.standard_normal((num_inputs, 1)).astype("float32"),
        "b": random.standard_normal(1).astype("float32"),
        "order": order,
    }
    for name, array in arrays.items():
        np.save(Path(folder) / f"{name}.npy", array)
    settings = {"batch_size": batch_size, "learning_rate": LEARNING_RATE}
    (Path(folder) / "settings.json").write_text(json.dumps(settings))
    return arrays


def single_rows(X, y, w, b, order):
    """The chapter's epoch with batches of one row, in float64, as scikit-learn runs it."""
    w, b = w[:, 0].astype("float64"), float(b[0])
    for row in order:
        data = X[row].astype("float64")
        step = 2 * LEARNING_RATE * (data @ w + b - y[row])
        w, b = w - step * data, b - step
    return {"loss": None, "w": w, "b": b}


def check(name, answer, expected):
    """Raise unless a peer's first epoch agrees with the expected one to 1e-4."""
    import numpy as np

    for key in ("loss", "w", "b"):
        if answer[key] is not None:
            scale = np.abs(expected[key]).max()
            error = np.abs(np.subtract(answer[key], expected[key])).max() / scale
            if not error < 1e-4:
                raise ValueError(f"{LABELS[name]}: {key} is off the chapter's by {error:.1e}")


def print_shape(shape):
    print(f"\n### {shape['rows']} rows, {shape['inputs']} inputs, batch {shape['batch_size']}\n")
    compiled = shape["peers"]["compiled"]["median"]
    rows = []
    for name, peer in sorted(shape["peers"].items(), key=lambda item: -item[1]["median"]):
        times = peer["median"], min(peer["seconds"]), max(peer["seconds"])
        milliseconds = [1e3 * seconds for seconds in times]
        rows.append([LABELS[name], *milliseconds, peer["median"] / compiled, peer["first"]])
    head = ["one epoch", "ms", "from", "to", "times the compiled", "first epoch, s"]
    print_table(head, rows)


def plot_shapes(shapes):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8), layout="constrained")
    for axes, shape in zip(figure.subplots(2, 2).flat, shapes):
        peers = sorted(shape["peers"].items(), key=lambda item: item[1]["median"])
        for position, (name, peer) in enumerate(peers):
            colour = "gray" if name in LIMITS else "tab:blue"
            colour = "tab:green" if name == "compiled" else colour
            axes.barh(position, 1e3 * peer["median"], color=colour)
            text = f" {digits(1e3 * peer['median'])}"
            axes.text(1e3 * peer["median"], position, text, va="center", fontsize=8)
        labels = [LABELS[name] for name, _ in peers]
        axes.set_yticks(range(len(peers)), labels, fontsize=8)
        axes.set_xscale("log")
        axes.set_xlim(right=1e4 * peers[-1][1]["median"])
        axes.set_xlabel("ms per epoch")
        title = f"{shape['rows']} × {shape['inputs']}, batch {shape['batch_size']}"
        axes.set_title(title, fontsize=10)
    return figure
