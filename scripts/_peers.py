"""One epoch of linear regression, as each of several libraries would have it written.

Each peer is a function of ``(X, y, w, b, batch_size, learning_rate)``, NumPy arrays of shape
(n, d), (n,), (d, 1), (1,). It gives two functions: ``epoch(order=None)`` trains on all rows, in
this order or in one drawn anew, and gives the mean loss; ``learned()`` gives w and b.
benchmark.py runs this file as a child process, so that the peers can live in other environments
than mxlinreg.
"""

import json
import resource
import sys
import threading
import time
from pathlib import Path

import numpy as np

SECONDS_PER_RUN = 0.2


def chapter(X, y, w, b, batch_size, learning_rate):
    """The chapter's plain loop."""
    import mxlinreg  # isort: skip  # noqa: F401  (it makes `import mxnet` work)
    import mxnet as mx
    from mxnet import autograd, gluon, nd

    train_data = gluon.data.DataLoader(
        gluon.data.ArrayDataset(nd.array(X), nd.array(y)), batch_size=batch_size, shuffle=True
    )
    params = w, b = nd.array(w), nd.array(b)
    for param in params:
        param.attach_grad()
    model_ctx = mx.cpu()

    def net(X):
        return nd.dot(X, w) + b

    def square_loss(yhat, y):
        return nd.mean((yhat - y) ** 2)

    def SGD(params, lr):
        for param in params:
            param[:] = param - lr * param.grad

    def epoch(order=None):
        cumulative_loss = 0
        for data, label in train_data:
            data = data.as_in_context(model_ctx)
            label = label.as_in_context(model_ctx).reshape((-1, 1))
            with autograd.record():
                output = net(data)
                loss = square_loss(output, label)
            loss.backward()
            SGD(params, learning_rate)
            cumulative_loss += float(loss.asscalar())
        return cumulative_loss / len(train_data)

    return epoch, lambda: (w.asnumpy(), b.asnumpy())


def gluon(X, y, w, b, batch_size, learning_rate):
    """The concise way: Dense, L2Loss and Trainer."""
    import mxlinreg  # isort: skip  # noqa: F401
    import mxnet as mx
    from mxnet import autograd, gluon, nd

    train_data = gluon.data.DataLoader(
        gluon.data.ArrayDataset(nd.array(X), nd.array(y)), batch_size=batch_size, shuffle=True
    )
    net = gluon.nn.Dense(1, in_units=X.shape[1])
    net.initialize()
    net.weight.set_data(nd.array(w.T))
    net.bias.set_data(nd.array(b))
    square_loss = gluon.loss.L2Loss()  # half the square
    optimizer = mx.optimizer.SGD(learning_rate=2 * learning_rate)
    trainer = gluon.Trainer(net.collect_params(), optimizer)

    def epoch(order=None):
        cumulative_loss = 0
        for data, label in train_data:
            with autograd.record():
                loss = square_loss(net(data), label)
            loss.backward()
            trainer.step(len(data))
            cumulative_loss += 2 * float(loss.mean().asscalar())
        return cumulative_loss / len(train_data)

    return epoch, lambda: (net.weight.data().asnumpy().T, net.bias.data().asnumpy())


def pytorch(X, y, w, b, batch_size, learning_rate):
    """The plain loop in PyTorch."""
    import torch

    X, y = torch.from_numpy(X), torch.from_numpy(y)[:, None]
    params = w, b = [torch.from_numpy(param.copy()).requires_grad_() for param in (w, b)]

    def epoch(order=None):
        order = torch.randperm(len(X)) if order is None else torch.from_numpy(order)
        losses = []
        for rows in order.split(batch_size):
            loss = ((X[rows] @ w + b - y[rows]) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                for param in params:
                    param -= learning_rate * param.grad
                    param.grad = None
            losses.append(loss.item())
        return sum(losses) / len(losses)

    return epoch, lambda: (w.detach().numpy(), b.detach().numpy())


def jax(X, y, w, b, batch_size, learning_rate):
    """A scan over the batches in one compiled call; NumPy draws the order, faster than JAX."""
    import jax
    import jax.numpy as jnp

    X, y, params = jnp.asarray(X), jnp.asarray(y)[:, None], (jnp.asarray(w), jnp.asarray(b))
    random = np.random.RandomState(0)
    whole = len(X) // batch_size * batch_size

    def square_loss(params, data, label):
        w, b = params
        return jnp.mean((data @ w + b - label) ** 2)

    def step(params, rows):
        loss, gradients = jax.value_and_grad(square_loss)(params, X[rows], y[rows])
        return jax.tree_util.tree_map(lambda p, g: p - learning_rate * g, params, gradients), loss

    @jax.jit
    def run_batches(params, order):
        params, losses = jax.lax.scan(step, params, order[:whole].reshape(-1, batch_size))
        if whole < len(X):
            params, loss = step(params, order[whole:])
            losses = jnp.append(losses, loss)
        return params, jnp.mean(losses)

    def epoch(order=None):
        nonlocal params
        order = random.permutation(len(X)) if order is None else order
        params, mean_loss = run_batches(params, order.astype(np.int32))
        return float(mean_loss)

    return epoch, lambda: tuple(np.asarray(param) for param in params)


def sklearn(X, y, w, b, batch_size, learning_rate):
    """SGDRegressor.partial_fit, which knows batches of one row only and tells no mean loss."""
    from sklearn.linear_model import SGDRegressor

    model = SGDRegressor(
        penalty=None, learning_rate="constant", eta0=2 * learning_rate, shuffle=True
    )
    model.partial_fit(X[:1], y[:1])
    model.coef_, model.intercept_ = w[:, 0].astype(model.coef_.dtype), b.astype("float64")

    def epoch(order=None):
        if order is None:
            model.partial_fit(X, y)
        else:
            model.set_params(shuffle=False).partial_fit(X[order], y[order])
            model.set_params(shuffle=True)

    return epoch, lambda: (model.coef_, model.intercept_)


def numpy(X, y, w, b, batch_size, learning_rate):
    """The plain loop in NumPy, the gradient by hand."""
    random = np.random.RandomState(0)
    w, b, y = w.copy(), b.copy(), y[:, None]

    def epoch(order=None):
        order = random.permutation(len(X)) if order is None else order
        losses = []
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            data = X[rows]
            error = data @ w + b - y[rows]
            losses.append(float((error**2).mean()))
            step = np.float32(2 * learning_rate / len(rows))
            w[:] -= step * (data.T @ error)
            b[:] -= step * error.sum(axis=0)
        return sum(losses) / len(losses)

    return epoch, lambda: (w, b)


def autograd(X, y, w, b, batch_size, learning_rate):
    """mxlinreg's engine "autograd"."""
    import mxlinreg as mlr

    return _of_mxlinreg(mlr.train_epoch, X, y, w, b, batch_size, learning_rate)


def compiled(X, y, w, b, batch_size, learning_rate):
    """mxlinreg's engine "compiled"."""
    import mxlinreg as mlr

    return _of_mxlinreg(mlr.compiled.train_epoch, X, y, w, b, batch_size, learning_rate)


def sequential(X, y, w, b, batch_size, learning_rate):
    """The limit of it: the compiled engine on the rows as they lie in memory."""
    import mxlinreg as mlr

    engine = mlr.compiled.train_epoch
    return _of_mxlinreg(engine, X, y, w, b, batch_size, learning_rate, shuffle=False)


def _of_mxlinreg(engine, X, y, w, b, batch_size, learning_rate, shuffle=True):
    import mxlinreg as mlr  # isort: skip
    import mxnet as mx

    loader = mlr.ArrayLoader(mx.nd.array(X), mx.nd.array(y), batch_size, shuffle)
    params = w, b = mx.nd.array(w), mx.nd.array(b)
    for param in params:
        param.attach_grad()

    def epoch(order=None):
        return engine(params, loader, learning_rate)

    return epoch, lambda: (w.asnumpy(), b.asnumpy())


def sum_of_X(X, y, w, b, batch_size, learning_rate):
    """The limit of any: to read the data once."""

    def epoch(order=None):
        return float(X.sum())

    return epoch, lambda: (w, b)


def checked(epoch, learned, order):
    """The mean loss, w and b of the first epoch in this order, and the seconds it took."""
    np.random.seed(0)  # draws this same order for those that shuffle by NumPy's generator
    start = time.perf_counter()
    mean_loss = epoch(order)
    seconds = time.perf_counter() - start
    w, b = learned()
    return {"loss": mean_loss, "w": w.ravel().tolist(), "b": b.tolist(), "seconds": seconds}


def timed(epoch):
    """The seconds of one epoch, in the mean of as many as a short while holds."""
    epochs = 0
    start = time.perf_counter()
    while epochs == 0 or time.perf_counter() - start < SECONDS_PER_RUN:
        epoch()
        epochs += 1
    return (time.perf_counter() - start) / epochs


def side_by_side(fits):
    """The seconds of some epochs of each of `fits`, run at the same time in threads."""

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


def large(rows, num_inputs, batch_size):
    """An epoch over large data: its seconds, and the process's peak memory in bytes."""
    import mxlinreg as mlr  # isort: skip
    from mxnet import nd

    X, y = nd.random_normal(shape=(rows, num_inputs)), nd.random_normal(shape=(rows,))
    loader = mlr.ArrayLoader(X, y, batch_size)
    params = mlr.init_params(num_inputs)
    mlr.compiled.train_epoch(params, loader, 1e-4)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        mlr.compiled.train_epoch(params, loader, 1e-4)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": float(np.median(seconds)), "peak": peak}


def growth(shapes, batch_size):
    """The seconds of an epoch for each shape: shuffled, and as the rows lie in memory."""
    results = []
    for rows, num_inputs in shapes:
        random = np.random.RandomState(0)
        X = random.standard_normal(size=(rows, num_inputs)).astype("float32")
        y, w, b = X[:, 0].copy(), np.zeros((num_inputs, 1), "float32"), np.zeros(1, "float32")
        row = [rows, num_inputs]
        for peer in compiled, sequential:
            epoch, _ = peer(X, y, w, b, batch_size, 1e-5)
            epoch()
            row.append(float(np.median([timed(epoch) for _ in range(3)])))
        results.append(row)
    return results


def exact(rows, num_inputs, runs):
    """The seconds of the exact solution in float64, in turns with NumPy and scikit-learn."""
    import mxlinreg as mlr  # isort: skip

    random = np.random.RandomState(0)
    X = random.standard_normal((rows, num_inputs))
    y = X @ random.standard_normal(num_inputs) + 4.2 + random.standard_normal(rows)
    with_ones = np.column_stack([np.ones(rows), X])
    solvers = {
        "mxlinreg": lambda: mlr.least_squares(X, y).coefficients,
        "numpy": lambda: np.linalg.lstsq(with_ones, y, rcond=None)[0][1:],
    }
    try:
        from sklearn.linear_model import LinearRegression

        solvers["sklearn"] = lambda: LinearRegression().fit(X, y).coef_
    except ImportError:
        pass
    expected = solvers["numpy"]()
    seconds = {name: [] for name in solvers}
    for _ in range(runs + 1):
        for name, solver in solvers.items():
            start = time.perf_counter()
            solution = solver()
            seconds[name].append(time.perf_counter() - start)
            np.testing.assert_allclose(solution, expected, rtol=1e-9, atol=1e-12)
    return {name: values[1:] for name, values in seconds.items()}


def descent():
    """LinearRegressor with its defaults: for each data set how far above the least MSE, seconds."""
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
    mlr.LinearRegressor().fit(*cases["diabetes"])  # compiles
    results = {}
    for name, (X, y) in cases.items():
        X = X * units[: X.shape[1]] if name.startswith("make") else X
        start = time.perf_counter()
        model = mlr.LinearRegressor(random_state=0).fit(X, y)
        seconds = time.perf_counter() - start
        scaled = (X - X.mean(axis=0)) / X.std(axis=0)
        centred = y - y.mean(axis=0)
        residual = centred - scaled @ np.linalg.lstsq(scaled, centred, rcond=None)[0]
        mse = ((model.predict(X) - y) ** 2).mean()
        results[name] = {"excess": mse / (residual**2).mean() - 1, "seconds": seconds}
    return results


def serve(folder, names):
    """Answer, line by line in JSON, what benchmark.py asks of these peers."""
    settings = json.loads((folder / "settings.json").read_text())
    X, y, w, b, order = (np.load(folder / f"{name}.npy") for name in ("X", "y", "w", "b", "order"))
    arguments = w, b, settings["batch_size"], settings["learning_rate"]
    peers = {name: globals()[name](X, y, *arguments) for name in names}
    for line in sys.stdin:
        command, *names = line.split()
        epochs = [peers[name][0] for name in names]
        if command == "check":
            answer = checked(*peers[names[0]], order)
        elif command == "time":
            answer = timed(*epochs)
        elif command == "pair":  # in turns, as their ratio is finer than the machine is steady
            answer = [timed(epoch) for epoch in epochs]
        else:
            other, _ = globals()[names[0]](X, y, *arguments)
            answer = [side_by_side(epochs), side_by_side([*epochs, other])]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "serve":
        serve(Path(arguments[0]), arguments[1:])
    elif command == "large":
        print(json.dumps(large(*map(int, arguments))))
    elif command == "exact":
        print(json.dumps(exact(*map(int, arguments))))
    elif command == "descent":
        print(json.dumps(descent()))
    elif command == "growth":
        print(json.dumps(growth(json.loads(arguments[0]), int(arguments[1]))))
