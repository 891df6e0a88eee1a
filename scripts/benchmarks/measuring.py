"""What benchmark.py measures in processes of their own.

Started as ``measuring.py serve FOLDER PEER...``, it answers questions about peers. Started as
``measuring.py COMMAND JSON...``, it measures one thing and prints the result as JSON.
"""

import json
import resource
import sys
import threading
import time
import warnings
from pathlib import Path

import conditioned
import numpy as np
import peers
import solvers


def checked(epoch, learned, order):
    """The mean loss, w and b of the first epoch in this order, and the seconds it took."""
    np.random.seed(0)  # Peers that shuffle by NumPy's global generator now draw this same order.
    start = time.perf_counter()
    mean_loss = epoch(order)
    seconds = time.perf_counter() - start
    w, b = learned()
    return {"loss": mean_loss, "w": w.ravel().tolist(), "b": b.tolist(), "seconds": seconds}


def timed(epoch, least_seconds):
    """The mean seconds of one epoch, over at least one epoch and these seconds."""
    epochs = 0
    start = time.perf_counter()
    while epochs == 0 or time.perf_counter() - start < least_seconds:
        epoch()
        epochs += 1
    return (time.perf_counter() - start) / epochs


def side_by_side(fits):
    """The seconds of ten epochs of each of `fits`, which run at the same time in threads."""

    def run(epoch):
        for _ in range(10):
            epoch()

    threads = [threading.Thread(target=run, args=[epoch]) for epoch in fits]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def large(rows, num_inputs, batch_size, runs):
    """The seconds of epochs over large data, and the process's peak memory in bytes."""
    import mxlinreg as mlr  # isort: skip
    from mxnet import nd

    X, y = nd.random_normal(shape=(rows, num_inputs)), nd.random_normal(shape=(rows,))
    loader = mlr.ArrayLoader(X, y, batch_size)
    params = mlr.init_params(num_inputs)
    mlr.compiled.train_epoch(params, loader, 1e-4)
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        mlr.compiled.train_epoch(params, loader, 1e-4)
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": seconds,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def growth(shapes, batch_size, runs, least_seconds):
    """The seconds of epochs for each shape: shuffled, and as the rows lie in memory."""
    results = []
    for rows, num_inputs in shapes:
        random = np.random.RandomState(0)
        X = random.standard_normal(size=(rows, num_inputs)).astype("float32")
        y, w, b = X[:, 0].copy(), np.zeros((num_inputs, 1), "float32"), np.zeros(1, "float32")
        epochs = [
            peer(X, y, w, b, batch_size, 1e-5)[0] for peer in (peers.compiled, peers.sequential)
        ]
        for epoch in epochs:
            epoch()
        turns = [[timed(epoch, least_seconds) for epoch in epochs] for _ in range(runs)]
        results.append([rows, num_inputs, *map(list, zip(*turns))])
    return results


def exact(rows, num_inputs, names, runs):
    """The seconds of the exact solution by each solver, in turns."""
    random = np.random.RandomState(0)
    X = random.standard_normal((rows, num_inputs))
    y = X @ random.standard_normal(num_inputs) + 4.2 + random.standard_normal(rows)
    arguments = X, np.column_stack([np.ones(rows), X]), y
    expected = solvers.numpy(*arguments)
    seconds = {name: [] for name in names}
    for _ in range(runs + 1):
        for name in names:
            start = time.perf_counter()
            solution = getattr(solvers, name)(*arguments)
            seconds[name].append(time.perf_counter() - start)
            np.testing.assert_allclose(solution, expected, rtol=1e-9, atol=1e-12)
    return {name: values[1:] for name, values in seconds.items()}


def digits(condition_number, names):
    """The correct digits of each solver's worst slope, on inputs of this condition number."""
    X, y = conditioned.problem(condition_number)
    slopes = conditioned.exact_slopes(X, y)
    arguments = X, np.column_stack([np.ones(len(X)), X]), y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of the condition number.
        return {
            name: conditioned.correct_digits(getattr(solvers, name)(*arguments), slopes)
            for name in names
        }


def descent(runs):
    """How far LinearRegressor ends above the least MSE of each data set, and the fits' seconds."""
    from sklearn import datasets

    import mxlinreg as mlr

    units = 10.0 ** np.linspace(-6, 6, 10)
    cases = {
        "diabetes": datasets.load_diabetes(return_X_y=True),
        "diabetes, raw": datasets.load_diabetes(return_X_y=True, scaled=False),
        "linnerud": datasets.load_linnerud(return_X_y=True),
        "make_regression": datasets.make_regression(1000, 10, noise=10, random_state=0),
        "make_friedman1": datasets.make_friedman1(1000, 10, noise=1, random_state=0),
        "make_friedman2": datasets.make_friedman2(1000, noise=1, random_state=0),
        "make_friedman3": datasets.make_friedman3(1000, noise=0.1, random_state=0),
    }
    mlr.LinearRegressor("sgd").fit(*cases["diabetes"])  # The first fit compiles.
    results = {}
    for name, (X, y) in cases.items():
        X = X * units[: X.shape[1]] if name.startswith("make") else X
        seconds = []
        for _ in range(runs):
            start = time.perf_counter()
            model = mlr.LinearRegressor("sgd", random_state=0).fit(X, y)
            seconds.append(time.perf_counter() - start)
        scaled = (X - X.mean(axis=0)) / X.std(axis=0)
        centred = y - y.mean(axis=0)
        residual = centred - scaled @ np.linalg.lstsq(scaled, centred, rcond=None)[0]
        mse = ((model.predict(X) - y) ** 2).mean()
        results[name] = {"excess": mse / (residual**2).mean() - 1, "seconds": seconds}
    return results


def pace(path, runs):
    """The seconds of epochs of the stream of a file, in turns with pyarrow's reading alone."""
    from pyarrow import dataset

    import mxlinreg as mlr

    train_data = mlr.stream(path, "y", standardize=True)
    params = mlr.init_params(len(train_data.columns), dtype="float64")
    mlr.compiled.train_epoch(params, train_data, 0.0)
    seconds = {"epoch": [], "scan": []}
    for _ in range(runs):
        start = time.perf_counter()
        mlr.compiled.train_epoch(params, train_data, 0.01)
        end = time.perf_counter()
        seconds["epoch"].append(end - start)
        scan = dataset.dataset(path, format=Path(path).suffix[1:]).to_batches()
        rows = sum(batch.num_rows for batch in scan)
        seconds["scan"].append(time.perf_counter() - end)
    return {"rows": rows, **seconds}


def serve(folder, names):
    """Answer each line of stdin, a command and peers, with a line of JSON."""
    settings = json.loads((folder / "settings.json").read_text())
    X, y, w, b, order = (np.load(folder / f"{name}.npy") for name in ("X", "y", "w", "b", "order"))
    arguments = X, y, w, b, settings["batch_size"], settings["learning_rate"]
    served = {name: getattr(peers, name)(*arguments) for name in names}
    for line in sys.stdin:
        command, *names = line.split()
        epochs = [served[name][0] for name in names]
        if command == "check":
            answer = checked(*served[names[0]], order)
        elif command == "time":
            answer = timed(epochs[0], settings["least_seconds"])
        elif command == "pair":
            answer = [timed(epoch, settings["least_seconds"]) for epoch in epochs]
        else:
            other, _ = getattr(peers, names[0])(*arguments)
            answer = [side_by_side(epochs), side_by_side([*epochs, other])]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "serve":
        serve(Path(arguments[0]), arguments[1:])
    else:
        commands = {
            "large": large,
            "growth": growth,
            "exact": exact,
            "digits": digits,
            "descent": descent,
            "pace": pace,
        }
        print(json.dumps(commands[command](*map(json.loads, arguments))))
