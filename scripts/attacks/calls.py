"""A valid call of each public function, and what is right."""

import inspect
import io
import os
from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy as np
import odd_values
import pandas as pd

import mxlinreg as mlr
from mxlinreg._mxnet import mx, nd

ROWS = 20
# The names that an error may give to what an argument holds.
PARTS = {
    "blocks": ["X", "y"],
    "sample_weight": ["weights", "weight", "X"],
    "timeout": ["kvstore"],
    "w": ["params", "columns", "largest", "fill"],
    "params": ["w", "b"],
    "train_data": ["data", "label", "batches", "X", "y"],
    "batches": ["data", "label", "X", "y"],
    "share": ["train_data", "data", "label", "X", "y"],
    "data": ["table", "column", "weights", "target"],
    "model": ["w", "b", "columns", "path"],
    "X": ["y", "data", "train_data", "the table", "'x0'", "'x1'"],
    "y": ["X", "label", "train_data"],
    "yhat": ["y"],
    "columns": ["names"],
    "prefix": ["path"],
    "add": ["term"],
    "left_out": ["columns"],
    "levels": ["columns"],
    "target": ["columns"],
    "features": ["columns"],
    "kv": ["train_data"],
    "model_ctx": ["device"],
    "ctx": ["device"],
    "k": ["n"],
}
# What a caller's own function raises goes to the caller.
FUNCTIONS = "engine", "on_epoch", "on_note", "on_invalid", "order", "batchify_fn", "schedule"


class Call(NamedTuple):
    function: Callable
    make: Callable[[], Dict[str, Any]]
    """Makes the arguments of a valid call."""
    odd: Dict[str, Callable]
    """What makes an odd value in place of a valid one, where it is not any odd value."""
    read: Tuple[str, ...] = ()
    """The arguments whose numbers decide the result."""
    result: Any = None
    """``result(numbers of each argument that is read)``: the right result."""
    draws: bool = False
    """Whether the call may draw from NumPy's global generator."""


def calls(folder):
    """A `Call` for each public function, by its name."""
    files = make_files(folder)
    array, params = odd_values.odd_array, odd_values.odd_params
    batches, table = odd_values.odd_batches, odd_values.odd_table
    arrays = {"X": array, "y": array, "sample_weight": array}
    plotting, distributed, exact = mlr.plotting, mlr.distributed, mlr.exact
    kv = mx.kv.create("local")
    X, y, weight = data()
    model = mlr.Model(np.array([[1.0], [2.0]]), np.array([3.0]), columns=["x0", "x1"])

    def trained(**more):
        return lambda: {"params": parameters(), "train_data": pairs(), **more}

    def of_files(**more):
        return lambda: {"path": files["csv"], **more}

    return {
        "context": Call(mlr.context, lambda: {"device": "cpu"}, {}),
        "synthetic": Call(
            mlr.synthetic,
            lambda: {"num_examples": 20, "noise": 0.1, "ctx": "cpu", "dtype": "float32"},
            {},
        ),
        "init_params": Call(
            mlr.init_params,
            lambda: {"num_inputs": 2, "num_outputs": 1, "ctx": "cpu", "dtype": "float32"},
            {},
        ),
        "net": Call(
            mlr.net,
            lambda: dict(zip("Xwb", (nd.array(X), *parameters()))),
            {"X": array, "w": array, "b": array},
            ("X", "w", "b"),
            lambda X, w, b: X @ w + b,
        ),
        "real_fn": Call(
            mlr.real_fn,
            lambda: {"X": nd.array(X)},
            arrays,
            ("X",),
            lambda X: 2 * X[:, 0] - 3.4 * X[:, 1] + 4.2,
        ),
        "square_loss": Call(
            mlr.square_loss,
            lambda: {"yhat": nd.array(y), "y": nd.array(y * 2)},
            {"yhat": array, "y": array},
            ("yhat", "y"),
            lambda yhat, y: ((yhat - y) ** 2).mean(),
        ),
        "SGD": Call(mlr.SGD, lambda: {"params": parameters(), "lr": 0.1}, {"params": params}),
        "train_epoch": Call(
            mlr.train_epoch,
            lambda: {
                "params": parameters(),
                "batches": pairs(),
                "learning_rate": 0.01,
                "train_bias": True,
            },
            {"params": params, "batches": batches},
        ),
        "train": Call(
            mlr.train,
            trained(
                epochs=2,
                learning_rate=0.01,
                engine="autograd",
                on_epoch=None,
                progress=False,
                checkpoint=None,
                every=1,
                resume=False,
                schedule=None,
            ),
            {"params": params, "train_data": batches, "epochs": few},
            draws=True,
        ),
        "train, compiled": Call(
            mlr.train,
            lambda: {
                **{"params": parameters(), "train_data": loader()},
                **{"epochs": 2, "learning_rate": 0.01, "engine": "compiled", "progress": True},
                **{"checkpoint": absent("checkpoint"), "every": 1, "resume": True},
            },
            {"params": params, "train_data": batches, "epochs": few},
            draws=True,
        ),
        "compiled.train_epoch": Call(
            mlr.compiled.train_epoch,
            lambda: {
                "params": parameters(),
                "train_data": loader(),
                "learning_rate": 0.01,
                "train_bias": True,
            },
            {"params": params, "train_data": batches},
            draws=True,
        ),
        "ArrayLoader": Call(
            lambda **arguments: loaded(mlr.ArrayLoader(**arguments)),
            lambda: {
                **{"X": X, "y": y, "batch_size": 4, "shuffle": False},
                **{"last_batch": "keep", "sampler": None, "batch_sampler": None},
                **{"batchify_fn": None, "num_workers": 0, "pin_memory": False, "timeout": 120},
                **{"prefetch": None, "thread_pool": False, "pin_device_id": 0},
            },
            {**arrays, "num_workers": few, "prefetch": few},
            ("X", "y"),
            of_finite(lambda X, y: (X, y)),
            draws=True,
        ),
        "ArrayLoader.take": Call(
            lambda rows: mlr.ArrayLoader(X, y).take(rows), lambda: {"rows": np.arange(3)}, {}
        ),
        "ArrayLoader.check": Call(
            lambda w: loader().check(w), lambda: {"w": parameters()[0]}, {"w": array}
        ),
        "ArrayLoader.blocks": Call(
            lambda order: list(mlr.ArrayLoader(X, y).blocks(order)),
            lambda: {"order": None},
            {},
            draws=True,
        ),
        "stream": Call(
            lambda **arguments: [block[0] for block in mlr.stream(**arguments).blocks()],
            lambda: {
                **{"source": files["csv"], "target": "y", "features": ["x0", "x1"]},
                **{"batch_size": 4, "shuffle_buffer": None, "standardize": False},
                **{"dtype": "float64", "part": (0, 1)},
            },
            {},
        ),
        "least_squares": Call(
            lambda **arguments: looked_at(mlr.least_squares(**arguments)),
            lambda: {
                **{"X": X, "y": y, "intercept": True, "sample_weight": weight},
                **{"rank_deficient": "error", "columns": ["a", "b"]},
            },
            arrays,
            ("X", "y", "sample_weight"),
            of_finite(solved),
        ),
        "exact.least_squares": Call(
            exact.least_squares,
            lambda: {"X": X, "y": y, "rank_deficient": "drop"},
            arrays,
            ("X", "y"),
            of_finite(solved),
        ),
        "least_squares of blocks": Call(
            lambda blocks: exact.least_squares(blocks),
            lambda: {"blocks": pairs()},
            {"blocks": batches},
        ),
        "Model": Call(
            lambda **arguments: str(mlr.Model(**arguments)),
            lambda: {
                **{"w": np.ones((2, 1)), "b": np.ones(1), "columns": ["x0", "x1"], "target": "y"},
                **{"features": ["x0", "x1"], "levels": {}, "dates": {}, "added": []},
                **{"fill": {"x0": 1.0}, "metrics": {"training": {"mse": 1.0}}, "losses": [1.0]},
                **{"left_out": {"x9": "a reason"}, "largest": [1.0, 2.0], "versions": None},
                **{"solution": None},
            },
            {"w": array, "b": array},
        ),
        "Model.predict": Call(
            model.predict,
            lambda: {"X": X, "invalid": "error"},
            {"X": array_or_table},
            ("X",),
            of_finite(lambda X: (X @ model.w + model.b)[:, 0], least=0),
        ),
        "Model.predict_file": Call(
            lambda **arguments: list(model.predict_file(**arguments)),
            of_files(invalid="nan", decimal=None, on_invalid=None),
            {},
        ),
        "save_model": Call(
            mlr.save_model, lambda: {"path": "model", "model": parameters()}, {"model": params}
        ),
        "load_model": Call(mlr.load_model, lambda: {"path": files["model"]}, {}),
        "as_params": Call(mlr.as_params, lambda: {"model": model, "ctx": "cpu"}, {}),
        "export_onnx": Call(
            mlr.export_onnx,
            lambda: {"model": parameters(), "path": "onnx"},
            {"model": params},
        ),
        "export_symbol": Call(
            mlr.export_symbol,
            lambda: {"model": parameters(), "prefix": "symbol"},
            {"model": params},
        ),
        "fit": Call(
            fitted,
            lambda: {"data": frame(), **defaults_of(mlr.fit)},
            {"data": table},
            ("data",),
            of_table,
        ),
        "fit by sgd": Call(
            mlr.fit,
            lambda: {"data": frame(), **defaults_of(mlr.fit), "solver": "sgd", "batch_size": 4},
            {"data": table, "epochs": few},
        ),
        "fit of a stream": Call(
            mlr.fit,
            lambda: {"data": files["csv"], **defaults_of(mlr.fit), "stream": True},
            {"epochs": few},
        ),
        "LinearRegressor.fit": Call(
            lambda X, y, sample_weight, **settings: mlr.LinearRegressor(**settings).fit(
                X, y, sample_weight
            ),
            lambda: {
                **{"X": X, "y": y, "sample_weight": None},
                **defaults_of(mlr.LinearRegressor, 0),
                "random_state": 1,
            },
            arrays,
            ("X", "y"),
            of_finite(regressed),
            draws=True,
        ),
        "LinearRegressor.fit by sgd": Call(
            lambda X, y, sample_weight, **settings: mlr.LinearRegressor(**settings).fit(
                X, y, sample_weight
            ),
            lambda: {
                **{"X": X, "y": y, "sample_weight": weight},
                **defaults_of(mlr.LinearRegressor, 0),
                **{"random_state": 1, "solver": "sgd", "epochs": 20},
            },
            {**arrays, "epochs": few},
            draws=True,
        ),
        "LinearRegressor.partial_fit": Call(
            lambda X, y, sample_weight, **settings: (
                mlr.LinearRegressor(**settings).partial_fit(X, y).partial_fit(X, y, sample_weight)
            ),
            lambda: {
                **{"X": X, "y": y, "sample_weight": weight},
                **defaults_of(mlr.LinearRegressor, 0),
                **{"random_state": 1, "solver": "sgd"},
            },
            arrays,
            draws=True,
        ),
        "LinearRegressor.predict": Call(
            mlr.LinearRegressor().fit(X, y).predict,
            lambda: {"X": X},
            arrays,
            ("X",),
            of_finite(lambda X: X @ regressed(*data()[:2])[0] + regressed(*data()[:2])[1]),
        ),
        "LinearRegressor.score": Call(
            mlr.LinearRegressor().fit(X, y).score, lambda: {"X": X, "y": y}, arrays
        ),
        "distributed.Share": Call(
            lambda **arguments: distributed.Share(**arguments).num_rows,
            lambda: {"kv": kv, "X": X, "y": y, "batch_size": 4, "shuffle": True},
            arrays,
            ("X", "y"),
            of_finite(lambda X, y: len(X)),
        ),
        "distributed.all_gather": Call(
            distributed.all_gather,
            lambda: {"kv": kv, "array": y},
            {"array": array},
            ("array",),
            lambda array: array[None],
        ),
        "distributed.all_reduce": Call(
            distributed.all_reduce,
            lambda: {"kv": kv, "array": y, "name": "sum"},
            {"array": array},
            ("array",),
            lambda array: array,
        ),
        "distributed.broadcast": Call(
            distributed.broadcast, lambda: {"kv": kv, "content": b"ab"}, {}
        ),
        "distributed.connect": Call(
            lambda timeout: distributed.connect(timeout).__enter__(), lambda: {"timeout": 1.0}, {}
        ),
        "distributed.device_engine": Call(
            distributed.device_engine,
            lambda: {"model_ctx": ["cpu", "cpu(1)"], "kvstore": "local"},
            {},
        ),
        "distributed.device_engine's function": Call(
            distributed.device_engine(["cpu", "cpu(1)"]),
            lambda: {"params": parameters(), "batches": pairs(), "learning_rate": 0.1},
            {"params": params, "batches": batches},
        ),
        "distributed.engine": Call(distributed.engine, lambda: {"kv": kv, "sync": "batch"}, {}),
        "distributed.engine's function": Call(
            lambda **arguments: distributed.engine(kv)(**arguments),
            lambda: {
                **{"params": parameters("float64"), "share": distributed.Share(kv, X, y)},
                **{"learning_rate": 0.1, "train_bias": True},
            },
            {"params": params, "share": batches},
            draws=True,
        ),
        "distributed.least_squares": Call(
            distributed.least_squares,
            lambda: {"kv": kv, "X": X, "y": y, "rank_deficient": "drop"},
            arrays,
            ("X", "y"),
            of_finite(solved),
        ),
        "distributed.shard": Call(
            distributed.shard,
            lambda: {"kv": kv, "X": X, "y": y},
            arrays,
            ("X", "y"),
            lambda X, y: (X, y),
        ),
        "distributed.shard_rows": Call(
            distributed.shard_rows, lambda: {"num_rows": 10, "k": 0, "n": 2}, {}
        ),
        "distributed.train": Call(
            distributed.train,
            lambda: {
                **{"kv": kv, "params": parameters("float64"), "share": distributed.Share(kv, X, y)},
                **{"epochs": 2, "learning_rate": 0.01, "sync": "batch", "on_epoch": None},
                **{"checkpoint": None, "every": 1, "resume": False, "schedule": None},
            },
            {"params": params, "share": batches, "epochs": few},
            draws=True,
        ),
        "plot_coefficients": Call(
            drawn(plotting.plot_coefficients),
            lambda: {"columns": ["a", "b"], "w": y[:2]},
            {"w": array},
        ),
        "plot_data": Call(
            drawn(plotting.plot_data), lambda: {"X": nd.array(X), "y": nd.array(y)}, arrays
        ),
        "plot_errors": Call(
            drawn(plotting.plot_errors),
            lambda: {"x": y, "y": y * 2, "w": 1.0, "b": 2.0},
            {"x": array, "y": array},
        ),
        "plot_losses": Call(
            drawn(plotting.plot_losses), lambda: {"losses": [2.0, 1.0]}, {"losses": array}
        ),
        "plot_network": Call(drawn(plotting.plot_network), lambda: {"num_inputs": 3}, {}),
        "plot_predictions": Call(
            drawn(plotting.plot_predictions),
            lambda: {"y": y, "yhat": y * 2, "target": "y"},
            {"y": array, "yhat": array},
        ),
        "plot_residuals": Call(
            drawn(plotting.plot_residuals),
            lambda: {"y": y, "yhat": y * 2, "target": "y"},
            {"y": array, "yhat": array},
        ),
        "plot_training": Call(
            drawn(plotting.plot_training),
            lambda: {
                **{"losses": [2.0, 1.0], "X": nd.array(X), "params": parameters()},
                "sample_size": 10,
            },
            {"losses": array, "X": array, "params": params},
        ),
        "save_figure": Call(
            plotting.save_figure,
            lambda: {"figure": plotting.plot_losses([1.0]), "path": "figure.svg"},
            {},
        ),
    }


def data():
    random = np.random.RandomState(0)
    X = random.normal(size=(ROWS, 2)) * 4
    return X, X @ [1.0, 2.0] + 3 + random.normal(size=ROWS), random.uniform(1, 2, ROWS)


def frame():
    X, y, _ = data()
    return pd.DataFrame({"x0": X[:, 0], "x1": X[:, 1], "y": y})


def make_files(folder):
    files = {name: str(folder / f"valid.{name}") for name in ("csv", "model")}
    frame().to_csv(files["csv"], index=False)
    mlr.save_model(files["model"], parameters())
    return files


def parameters(dtype="float32"):
    params = [nd.array([[1.0], [2.0]], dtype=dtype), nd.array([3.0], dtype=dtype)]
    for param in params:
        param.attach_grad()
    return params


def pairs():
    X, y, _ = data()
    return [(nd.array(X[i : i + 4]), nd.array(y[i : i + 4])) for i in range(0, ROWS, 4)]


def loader():
    X, y, _ = data()
    return mlr.ArrayLoader(X.astype("float32"), y.astype("float32"))


def drawn(function):
    """The function of a picture, which is drawn, too."""

    def draw(**arguments):
        function(**arguments).savefig(io.BytesIO(), format="png", dpi=20)

    return draw


def absent(name):
    if os.path.exists(name):
        os.unlink(name)
    return name


def few(valid, rng):
    """Anything but a number that is an honest wish for work without end."""
    while True:
        odd = odd_values.any_value(rng)
        if not isinstance(odd.value, int) or not 100 < odd.value < 2**63:
            return odd


def array_or_table(valid, rng):
    """An odd array, or an odd table."""
    if rng.random() < 0.5:
        return odd_values.odd_array(valid, rng)
    return odd_values.odd_table(frame(), rng)._replace(meaning=None)


def defaults_of(function, first=1):
    defaults = {
        name: parameter.default
        for name, parameter in list(inspect.signature(function).parameters.items())[first:]
    }
    return {**defaults, "target": "y"} if function is mlr.fit else defaults


def loaded(loader):
    for _ in loader:
        pass
    return loader.X.asnumpy(), loader.y.asnumpy()


def looked_at(result):
    """The solution, all of whose numbers have been asked for."""
    str(result)
    for name in dir(type(result)):
        getattr(result, name)
    return result


def of_finite(function, least=1):
    """The function, but of numbers that are not finite, from which nothing may be computed."""

    def result(**numbers):
        if not all(
            array.size >= least and array.ndim < 3 and np.isfinite(array).all()
            for array in numbers.values()
        ):
            return odd_values.REFUSED
        return function(**numbers)

    return result


def solved(X, y, sample_weight=None):
    """The coefficients, the intercept and the residual standard deviation."""
    root = np.sqrt(np.ones(len(X)) if sample_weight is None else sample_weight)
    A = np.column_stack([X, np.ones(len(X))]) * root[:, None]
    if np.linalg.matrix_rank(A) < A.shape[1]:
        return None
    right = (y.T * root).T
    solution = np.linalg.lstsq(A, right, rcond=None)[0]
    squares = ((right - A @ solution) ** 2).sum(axis=0)
    return solution[:-1], solution[-1], np.sqrt(squares / (len(X) - 3))


def regressed(X, y):
    if solved(X, y) is None:
        return None
    coefficients, intercept, _ = solved(X, y)
    return coefficients.T, intercept


def fitted(**arguments):
    return mlr.fit(**arguments).solution


def of_table(data):
    if not hasattr(data, "dropna"):
        return None
    data = data.dropna()
    return solved(data[["x0", "x1"]].to_numpy(float), data["y"].to_numpy(float))


def numbers_in(result):
    """The numbers of a result, as a tuple of arrays."""
    if isinstance(result, mlr.LeastSquares):
        deviation = result.residual_standard_deviation
        result = result.coefficients, result.intercept, deviation
    elif hasattr(result, "coef_"):
        result = result.coef_, result.intercept_
    elif not isinstance(result, (tuple, list)):
        result = (result,)
    return tuple(odd_values.numbers_of(part) for part in result)
