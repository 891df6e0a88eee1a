"""An epoch of both engines beside the same epoch in other libraries, on data of four shapes."""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from .children import ask, serving
from .output import digits, quartiles, ratios, spread, table

# Rows, inputs and batch size.
SHAPES = {
    "chapter": (10000, 2, 4),
    "middle": (100000, 100, 64),
    "long": (1000000, 10, 32),
    "wide": (20000, 1000, 128),
}
# The fits in threads run on this shape: its epochs are long enough to spend little in Python.
THREADED = SHAPES["middle"]
LEARNING_RATE = 1e-4
# Peers that share a process, with the module that its interpreter must have.
PROCESSES = [
    ("mxnet", ["chapter", "autograd"]),
    ("mxnet", ["gluon"]),
    ("torch", ["pytorch_gathered", "pytorch_within"]),
    ("jax", ["jax_gathered", "jax_within"]),
    ("sklearn", ["sklearn"]),
    ("numpy", ["numpy_gathered", "numpy_within"]),
    ("mxlinreg", ["compiled", "sequential", "sum_of_X"]),
]
LABELS = {
    "chapter": "the chapter's loop, MXNet",
    "autograd": "mxlinreg, autograd",
    "gluon": "MXNet Gluon, hybridized",
    "pytorch_gathered": "PyTorch, rows gathered once",
    "pytorch_within": "PyTorch, gathered by batch",
    "jax_gathered": "JAX, rows gathered once, then a scan",
    "jax_within": "JAX, gathered by batch in the scan",
    "sklearn": "scikit-learn SGDRegressor, batch 1",
    "numpy_gathered": "NumPy, rows gathered once",
    "numpy_within": "NumPy, gathered by batch",
    "compiled": "mxlinreg, compiled",
    "sequential": "limit: compiled, not shuffled",
    "sum_of_X": "limit: X.sum()",
}
LIMITS = "sequential", "sum_of_X"
# These may be installed for another interpreter, which the peers' option names.
PEER_MODULES = "jax", "torch", "sklearn"
# mxlinreg comes first, because it makes `import mxnet` work.
OWN_MODULES = "mxlinreg", "mxnet", "numpy", "numba", "scipy", "statsmodels"
# On the shape "long", MXNet's loops are timed on a tenth of the rows. A whole epoch takes half a
# minute, too long for the peers of one turn to meet the same conditions.
TENTHS = {"long": ("chapter", "gluon")}


def find_modules(peers_python):
    """The versions of the installed modules, and for each missing one the reason to print."""
    python = {
        **dict.fromkeys(OWN_MODULES, sys.executable),
        **dict.fromkeys(PEER_MODULES, peers_python),
    }
    versions = {
        **_versions(sys.executable, *OWN_MODULES),
        **_versions(peers_python, *PEER_MODULES),
    }
    missing = {
        module: f"it is not installed for {Path(python[module]).name}"
        for module in python
        if module not in versions
    }
    return versions, missing


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


def measure_shape(name, settings):
    """Check each peer on one shape, then time all of them in turns.

    After each peer the compiled engine is timed, so that both times of a ratio are neighbours.
    """
    rows, num_inputs, batch_size = SHAPES[name]
    rows //= settings.divisor
    tenths = TENTHS.get(name, ())
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        cases = {}
        for divisor in (1, 10) if tenths else (1,):
            own, size = Path(folder, str(divisor)), (rows // divisor, num_inputs, batch_size)
            cases[divisor] = write_case(own, *size, settings.least_seconds)
        children, divisors = {}, {}
        for module, names in PROCESSES:
            if name != "chapter":
                # The engine does the same operations as the plain loop. One comparison is enough.
                names = [peer for peer in names if peer != "autograd"]
            if module not in settings.missing:
                divisor = 10 if names[0] in tenths else 1
                python = settings.peers_python if module in PEER_MODULES else sys.executable
                process = stack.enter_context(serving(python, Path(folder, str(divisor)), names))
                children.update(dict.fromkeys(names, process))
                divisors.update(dict.fromkeys(names, divisor))
        first = {peer: ask(process, "check", peer) for peer, process in children.items()}
        expected = {divisor: epoch_in_float64(case, batch_size) for divisor, case in cases.items()}
        for peer, answer in first.items():
            if peer == "sklearn":
                check(peer, answer, epoch_in_float64(cases[1], 1))
            elif peer not in LIMITS:
                check(peer, answer, expected[divisors[peer]])
        seconds, compiled = ({peer: [] for peer in children} for _ in range(2))
        for _ in range(settings.runs):
            for peer, process in children.items():
                seconds[peer].append(divisors[peer] * ask(process, "time", peer))
                compiled[peer].append(ask(children["compiled"], "time", "compiled"))
    return {
        "rows": rows,
        "inputs": num_inputs,
        "batch_size": batch_size,
        "peers": {
            peer: {
                "first": divisors[peer] * first[peer]["seconds"],
                "seconds": seconds[peer],
                "compiled": compiled[peer],
            }
            for peer in children
        },
        "tenths": [peer for peer in tenths if peer in children],
    }


def measure_autograd(settings):
    """Pairs of seconds, of the chapter's loop and of the engine autograd, on 1000 rows.

    The two do the same operations, so their ratio is near 1. Many short
    turns average out the changes in the machine's speed.
    """
    names = ["chapter", "autograd"]
    with tempfile.TemporaryDirectory() as folder:
        write_case(Path(folder), 1000, 2, 4, settings.least_seconds)
        with serving(sys.executable, folder, names) as process:
            return [ask(process, "pair", *names) for _ in range(6 * settings.runs)]


def measure_threads(settings):
    """Pairs of seconds, of one compiled fit, and of two at the same time in threads."""
    rows, num_inputs, batch_size = THREADED
    with tempfile.TemporaryDirectory() as folder:
        rows //= settings.divisor
        write_case(Path(folder), rows, num_inputs, batch_size, settings.least_seconds)
        with serving(sys.executable, folder, ["compiled"]) as process:
            ask(process, "check", "compiled")  # It compiles.
            return [ask(process, "threads", "compiled") for _ in range(2 * settings.runs)]


def write_case(folder, rows, num_inputs, batch_size, least_seconds):
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
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    settings = {
        "batch_size": batch_size,
        "learning_rate": LEARNING_RATE,
        "least_seconds": least_seconds,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    return arrays


def epoch_in_float64(case, batch_size):
    """The mean loss, w and b after an epoch by the chapter's formulas."""
    X, y, order = case["X"], case["y"], case["order"]
    w, b = case["w"][:, 0].astype("float64"), float(case["b"][0])
    losses = []
    for start in range(0, len(X), batch_size):
        rows = order[start : start + batch_size]
        data = X[rows].astype("float64")
        error = data @ w + b - y[rows]
        losses.append(error @ error / len(rows))
        step = 2 * LEARNING_RATE / len(rows)
        w, b = w - step * (error @ data), b - step * error.sum()
    return {"loss": sum(losses) / len(losses), "w": w, "b": b}


def check(name, answer, expected):
    """Raise unless a peer's first epoch agrees with the expected one to 1e-4."""
    import numpy as np

    for key in ("loss", "w", "b"):
        if answer[key] is not None:
            scale = np.abs(expected[key]).max()
            error = np.abs(np.subtract(answer[key], expected[key])).max() / scale
            if not error < 1e-4:
                raise ValueError(f"{LABELS[name]}: {key} is off the chapter's by {error:.1e}")


def median_of(peer):
    return quartiles(peer["seconds"])[1]


def fastest(shape, library):
    """The peer that is the fastest of a library's on this shape, or None if it is missing."""
    peers = [peer for name, peer in shape["peers"].items() if name.split("_")[0] == library]
    return min(peers, key=median_of, default=None)


def times_compiled(peer):
    """How many times the compiled engine's seconds a peer takes, in each turn."""
    return ratios(peer["seconds"], peer["compiled"])


def shape_tables(shape):
    rows = []
    for name, peer in sorted(shape["peers"].items(), key=lambda item: -median_of(item[1])):
        label = LABELS[name]
        if name in shape["tenths"]:
            label = f"{label} (a tenth of the rows, × 10)"
        times = spread(times_compiled(peer))
        rows.append([label, *spread(peer["seconds"], 1e3), *times, peer["first"]])
    head = ["one epoch", "ms", "quartiles", "times the compiled", "quartiles", "first epoch, s"]
    return table(head, rows)


def pairs_tables(pairs, what):
    """The ratio of two seconds in many pairs."""
    middle, quarters = spread([second / first for first, second in pairs])
    return f"{what}: {middle} (quartiles {quarters})."


def autograd_tables(pairs):
    return pairs_tables(pairs, 'Times the chapter\'s loop that the engine "autograd" takes')


def threads_tables(pairs):
    return pairs_tables(pairs, "Times one compiled fit that two take at the same time in threads")


def plot_shapes(shapes):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8), layout="constrained")
    for axes, shape in zip(figure.subplots(2, 2).flat, shapes):
        peers = sorted(shape["peers"].items(), key=lambda item: median_of(item[1]))
        for position, (name, peer) in enumerate(peers):
            low, middle, high = (1e3 * value for value in quartiles(peer["seconds"]))
            colour = "gray" if name in LIMITS else "tab:blue"
            colour = "tab:green" if name == "compiled" else colour
            axes.barh(position, middle, color=colour)
            axes.plot([low, high], [position, position], color="black")
            axes.text(1.1 * high, position, digits(middle), va="center", fontsize=8)
        axes.set_yticks(range(len(peers)), [LABELS[name] for name, _ in peers], fontsize=8)
        axes.set_xscale("log")
        axes.set_xlim(right=1e4 * median_of(peers[-1][1]))
        axes.set_xlabel("ms per epoch, with quartiles")
        title = f"{shape['rows']} × {shape['inputs']}, batch {shape['batch_size']}"
        axes.set_title(title, fontsize=10)
    return figure
