#!/usr/bin/env python
"""Time an epoch of both engines beside the same epoch in other libraries.

Prints a table, and writes it as benchmark.json, benchmark.png and growth.png. With --scale it
measures streams of files and several workers instead, and writes scale.json and scale.png.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from _command import Parser, count, run
from _scale import digits, scale
from _streams import verdict

HERE = Path(__file__).parent
# rows, inputs, batch size; the first is the chapter's
SHAPES = [(10000, 2, 4), (100000, 100, 64), (1000000, 10, 32), (20000, 1000, 128)]
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
LARGE = 10_000_000, 10, 64
EXACT = [(100000, 100), (1000000, 10)]
GROWTH_ROWS = [10**3, 10**4, 10**5, 10**6, 10**7]
GROWTH_INPUTS = [1, 3, 10, 30, 100, 200, 500, 1000]
PEER_MODULES = {"jax": "jax", "pytorch": "torch", "sklearn": "sklearn"}


def make_parser():
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add(
        "--runs",
        type=count(1),
        default=7,
        metavar="N",
        help="how often each is timed, in turns with the others (default: 7)",
    )
    add(
        "--peers-python",
        default=sys.executable,
        metavar="PYTHON",
        help="interpreter that has JAX, PyTorch and scikit-learn (default: this one)",
    )
    add(
        "--output",
        type=Path,
        default=Path("benchmark"),
        metavar="FOLDER",
        help="where the files go (default: benchmark)",
    )
    add(
        "--quick",
        action="store_true",
        help="a hundredth of the rows, to see that everything runs; "
        "the figures say nothing (default: all rows)",
    )
    add(
        "--scale",
        action="store_true",
        help="measure streams of files, and measure and model several workers, and nothing else",
    )
    return parser


def benchmark(args):
    if args.scale:
        return scale(args)
    from mxlinreg._files import check_writable, replacing
    from mxlinreg.plotting import plot_network, save_figure

    plot_network(1)  # is matplotlib there?
    args.output.mkdir(parents=True, exist_ok=True)
    check_writable("--output", args.output / "benchmark.json")
    part = 100 if args.quick else 1
    versions, missing = find_peers(args.peers_python)
    if "numba" not in versions:
        raise ImportError('the compiled engine needs Numba: pip install "mxlinreg[bench]"')
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}; {', '.join(f'{name} {version}' for name, version in versions.items())}")
    for name, reason in missing.items():
        print(f"left out: {LABELS[name]}; {reason}")
    shapes = []
    for rows, num_inputs, batch_size in SHAPES:
        shape = rows // part, num_inputs, batch_size
        shapes.append(measure_shape(shape, args, missing, first=not shapes))
        print_shape(shapes[-1])
    results = {
        "machine": machine,
        "versions": versions,
        "runs": args.runs,
        "shapes": shapes,
        "autograd": measure_autograd(args.runs),
        "process": measure_process(args.runs),
        "large": measure_large(LARGE[0] // part, *LARGE[1:]),
        "growth": measure_growth(part),
        "exact": [measure_exact(rows // part, inputs, args.runs) for rows, inputs in EXACT],
        "descent": {} if "sklearn" in missing else answer_of("descent"),
    }
    results["targets"] = targets(results)
    print_growth(results["growth"])
    print_exact(results["exact"])
    print_descent(results["descent"])
    print_targets(results["targets"])
    with replacing(args.output / "benchmark.json") as path:
        Path(path).write_text(json.dumps(results, indent=1) + "\n")
    save_figure(plot_shapes(shapes), args.output / "benchmark.png")
    save_figure(plot_growth(results["growth"]), args.output / "growth.png")
    print(f"\nwrote benchmark.json, benchmark.png and growth.png to {args.output}")


def child(python, *arguments, **options):
    # MXNet with the engine that it has by itself, and JAX, as all others, on the CPU.
    inherited = {k: v for k, v in os.environ.items() if k != "MXNET_ENGINE_TYPE"}
    environment = {**inherited, "JAX_PLATFORMS": "cpu"}
    command = [python, str(HERE / "_peers.py"), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **options)


def answer_of(*arguments):
    with child(sys.executable, *arguments) as process:
        answer = process.stdout.read()
    if process.returncode != 0:
        raise ValueError(f"the process for {arguments[0]!r} failed with {process.returncode}")
    return json.loads(answer)


def find_peers(python):
    """Versions of what is installed, and which peers are not there and why."""
    program = (
        "import importlib, json, sys\n"
        "found = {}\n"
        "for name in sys.argv[1:]:\n"
        "    try: found[name] = importlib.import_module(name).__version__\n"
        "    except ImportError: pass\n"
        "print(json.dumps(found))"
    )

    def versions_in(python, *modules):
        command = [python, "-c", program, *modules]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout)

    ours = versions_in(sys.executable, "numpy", "numba", "mxlinreg", "mxnet")
    theirs = versions_in(python, *PEER_MODULES.values())
    missing = {
        name: f"{module} is not installed for {Path(python).name}"
        for name, module in PEER_MODULES.items()
        if module not in theirs
    }
    return {**ours, **theirs}, missing


def measure_shape(shape, args, missing, first):
    """Check and time each peer on one shape."""
    rows, num_inputs, batch_size = shape
    result = {"rows": rows, "inputs": num_inputs, "batch_size": batch_size, "peers": {}}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        expected_of_single_rows = single_rows(**write_case(folder, *shape))
        children = {}
        for names in PROCESSES:
            # The plain loop and the engine autograd are the same operations: once is enough.
            names = [name for name in names if first or name != "autograd"]
            if names[0] not in missing:
                python = args.peers_python if names[0] in PEER_MODULES else sys.executable
                process = stack.enter_context(serving(python, folder, names))
                children.update(dict.fromkeys(names, process))
        expected = None
        for name, process in children.items():
            answer = ask(process, "check", name)
            if name == "chapter":
                expected = answer
            if name == "sklearn":
                check(name, answer, expected_of_single_rows)
            elif name not in ("sequential", "sum_of_X"):
                check(name, answer, expected)
            result["peers"][name] = {"first": answer["seconds"], "seconds": []}
        for _ in range(args.runs):
            for name, process in children.items():
                result["peers"][name]["seconds"].append(ask(process, "time", name))
        if num_inputs == 100:
            process = children["compiled"]
            pairs = [ask(process, "threads", "compiled") for _ in range(args.runs)]
            result["side_by_side"] = pairs
    for peer in result["peers"].values():
        peer["median"] = median(peer["seconds"])
    return result


def measure_autograd(runs):
    """Seconds of the chapter's loop and of the engine autograd, in turns on 1000 rows.

    Short turns, as the operations are the same and the machine's pace changes.
    """
    names = ["chapter", "autograd"]
    with tempfile.TemporaryDirectory() as folder:
        write_case(folder, 1000, 2, 4)
        with serving(sys.executable, folder, names) as process:
            return [ask(process, "pair", *names) for _ in range(6 * runs)]


def write_case(folder, rows, num_inputs, batch_size):
    """Write what the peers are to do: the data, the start and the order of the first epoch."""
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


@contextmanager
def serving(python, folder, names):
    """A process that answers for these peers."""
    with child(python, "serve", folder, *names, stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(process, command, *names):
    try:
        process.stdin.write(f"{command} {' '.join(names)}\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass
    answer = process.stdout.readline()
    if not answer:
        raise ValueError(f"{LABELS[names[0]]}: its process has ended; see its message above")
    return json.loads(answer)


def single_rows(X, y, w, b, order):
    """The chapter's epoch with batches of one row, in float64: what scikit-learn does."""
    w, b = w[:, 0].astype("float64"), float(b[0])
    for row in order:
        data = X[row].astype("float64")
        step = 2 * LEARNING_RATE * (data @ w + b - y[row])
        w, b = w - step * data, b - step
    return {"loss": None, "w": w, "b": b}


def check(name, answer, expected):
    """Before it is timed, a peer's first epoch must agree with the chapter's to 1e-4."""
    import numpy as np

    for key in ("loss", "w", "b"):
        if answer[key] is not None:
            scale = np.abs(expected[key]).max()
            error = np.abs(np.subtract(answer[key], expected[key])).max() / scale
            if not error < 1e-4:
                raise ValueError(f"{LABELS[name]}: {key} is off the chapter's by {error:.1e}")


def measure_process(runs):
    """Seconds of whole processes: the import alone, and the chapter's job compiled."""
    commands = {
        "import": ["-c", "import mxlinreg"],
        "train.py": [str(HERE / "train.py"), "--engine", "compiled"],
    }
    seconds = {name: [] for name in commands}
    for _ in range(runs + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
            seconds[name].append(time.perf_counter() - start)
    return {name: values[1:] for name, values in seconds.items()}  # the first fills the caches


def measure_large(rows, num_inputs, batch_size):
    answer = answer_of("large", rows, num_inputs, batch_size)
    size = rows * (num_inputs + 1) * 4 + rows * 4
    return {**answer, "rows": rows, "rows_per_second": rows / answer["seconds"], "size": size}


def measure_growth(part):
    import numpy as np

    growths = {
        "rows": [[rows // part, 10] for rows in GROWTH_ROWS],
        "inputs": [[100000 // part, num_inputs] for num_inputs in GROWTH_INPUTS],
    }
    result = {}
    for column, (name, shapes) in enumerate(growths.items()):
        points = answer_of("growth", json.dumps(shapes), 64)
        # Past fixed cost: the points that take four times as long as the smallest.
        past = [point for point in points if point[2] > 4 * points[0][2]]
        past = past if len(past) > 1 else points[-2:]
        sizes = np.log([point[column] for point in past])
        result[name] = {
            "points": points,
            "from": past[0][column],
            "exponents": [
                float(np.polyfit(sizes, np.log([point[i] for point in past]), 1)[0]) for i in (2, 3)
            ],
        }
    return result


def measure_exact(rows, num_inputs, runs):
    seconds = answer_of("exact", rows, num_inputs, runs)
    return {"rows": rows, "inputs": num_inputs, "seconds": seconds}


def targets(results):
    """What the project has set itself: (what, measured, at least or at most, met)."""

    def times(shape, peer):
        peers = shape["peers"]
        return peers[peer]["median"] / peers["compiled"]["median"] if peer in peers else None

    def name(shape):
        return f"{shape['rows']} x {shape['inputs']}, batch {shape['batch_size']}"

    chapter, *others = results["shapes"]
    rows = [
        ("chapter's loop / compiled, the chapter's shape", times(chapter, "chapter"), ">=", 1e4),
        ("JAX / compiled, the chapter's shape", times(chapter, "jax"), ">=", 1.3),
    ]
    for shape in others:
        rows.append((f"JAX / compiled, {name(shape)}", times(shape, "jax"), ">=", 1.5))
        rows.append((f"scikit-learn / compiled, {name(shape)}", times(shape, "sklearn"), ">=", 3))
    ratio = median(autograd / plain for plain, autograd in results["autograd"])
    rows.append(("autograd / chapter's loop, in turns", ratio, "<=", 1.05))
    seconds = results["process"]
    ratio = median(seconds["train.py"]) / median(seconds["import"])
    rows.append(("train.py --engine compiled / import mxlinreg", ratio, "<=", 1.3))
    pairs = others[0]["side_by_side"]
    ratio = median(two / one for one, two in pairs)
    rows.append(("two compiled fits in threads / one", ratio, "<=", 1.2))
    large = results["large"]
    rows.append(("million rows per second, large", large["rows_per_second"] / 1e6, ">=", 5))
    excess = (large["peak"] - 300e6) / large["size"]
    rows.append(("(peak memory - 300 MB) / (data and order), large", excess, "<=", 1.3))
    for axis in ("rows", "inputs"):
        exponent = results["growth"][axis]["exponents"][0]
        rows.append((f"exponent of the time by {axis}", exponent, "<=", 1.1))
    for case in results["exact"]:
        ours, *theirs = (median(values) for values in case["seconds"].values())
        what = f"fastest other / least_squares, {case['rows']} x {case['inputs']}"
        rows.append((what, min(theirs) / ours, ">=", 1))
    for what, key, bound in (
        ("seconds", "seconds", 1),
        ("excess over the least MSE", "excess", 0.01),
    ):
        worst = max((case[key] for case in results["descent"].values()), default=None)
        rows.append((f"LinearRegressor's most {what}", worst, "<=", bound))
    return [
        {
            "target": what,
            "measured": value,
            "bound": f"{sign} {bound:g}",
            "met": None if value is None else value >= bound if sign == ">=" else value <= bound,
        }
        for what, value, sign, bound in rows
    ]


def print_shape(shape):
    print(f"\n### {shape['rows']} rows, {shape['inputs']} inputs, batch {shape['batch_size']}\n")
    print("| one epoch | ms | from | to | times the compiled | first epoch, s |")
    print("|---|---:|---:|---:|---:|---:|")
    compiled = shape["peers"]["compiled"]["median"]
    for name, peer in sorted(shape["peers"].items(), key=lambda item: -item[1]["median"]):
        times = peer["median"], min(peer["seconds"]), max(peer["seconds"])
        values = [*(1e3 * seconds for seconds in times), peer["median"] / compiled, peer["first"]]
        print(f"| {LABELS[name]} | {' | '.join(map(digits, values))} |")
    sys.stdout.flush()


def print_growth(growths):
    print()
    for axis, growth in growths.items():
        shuffled, sequential = growth["exponents"]
        print(
            f"Exponent of the time by {axis}, from {growth['from']} on: {shuffled:.3f}; "
            f"not shuffled: {sequential:.3f}"
        )


def print_exact(cases):
    labels = {"mxlinreg": "mxlinreg, least_squares", "numpy": "NumPy lstsq"}
    labels["sklearn"] = "scikit-learn LinearRegression"
    for case in cases:
        print(f"\n### The exact solution: {case['rows']} rows, {case['inputs']} inputs, float64\n")
        print("| one solution | ms | from | to |\n|---|---:|---:|---:|")
        for name, seconds in case["seconds"].items():
            values = (1e3 * f(seconds) for f in (median, min, max))
            print(f"| {labels[name]} | {' | '.join(map(digits, values))} |")


def print_descent(cases):
    print("\n### LinearRegressor with its defaults\n")
    print("| data set | above the least MSE, % | s |\n|---|---:|---:|")
    for name, case in cases.items():
        print(f"| {name} | {100 * case['excess']:.3f} | {digits(case['seconds'])} |")


def print_targets(rows):
    print("\n| target | measured | bound | |\n|---|---:|---:|---|")
    for row in rows:
        if row["met"] is None:
            measured, how = "", "not measured"
        else:
            measured, how = digits(row["measured"]), verdict(row["met"])
        print(f"| {row['target']} | {measured} | {row['bound']} | {how} |")


def plot_shapes(shapes):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8), layout="constrained")
    for axes, shape in zip(figure.subplots(2, 2).flat, shapes):
        peers = sorted(shape["peers"].items(), key=lambda item: item[1]["median"])
        for position, (name, peer) in enumerate(peers):
            colour = "gray" if name in ("sequential", "sum_of_X") else "tab:blue"
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


def plot_growth(growths):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    for column, (axes, (name, growth)) in enumerate(zip(figure.subplots(ncols=2), growths.items())):
        sizes = [point[column] for point in growth["points"]]
        for i, label in enumerate(("shuffled", "as the rows lie in memory")):
            exponent = growth["exponents"][i]
            axes.loglog(
                sizes,
                [1e3 * point[2 + i] for point in growth["points"]],
                "o-",
                label=f"{label}: exponent {exponent:.2f} from {growth['from']} on",
            )
        last = growth["points"][-1]
        axes.loglog(
            [growth["from"], sizes[-1]],
            [1e3 * last[2] * growth["from"] / sizes[-1], 1e3 * last[2]],
            "--",
            color="gray",
            label="linear",
        )
        axes.set_ylim(top=30e3 * last[2])
        axes.set(xlabel=name, ylabel="ms per epoch")
        axes.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    run(make_parser(), benchmark)
