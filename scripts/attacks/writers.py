"""All that writes a file: functions of the library, and commands."""

import re
from pathlib import Path

import numpy as np

import mxlinreg as mlr
from mxlinreg.commands.predict import predict
from mxlinreg.models.checkpoint import save_checkpoint

# The names of temporary files, which a killed process leaves.
TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.\d+\.[0-9a-f]{8}\.tmp(\..*)?").fullmatch
OUT = Path("out")
TRAIN = ["train", "--data", "table.csv", "--target", "y", "--epochs", "20", "--batch-size", "20",
         "--learning-rate", "0.05"]  # fmt: skip
# The files that a command makes, each with the content that is there before.
COMMANDS = {
    "train --save": ([*TRAIN, "--save", "out/m.params"], {"m.params": b"older"}),
    "train --checkpoint": (
        [*TRAIN, "--checkpoint", "out/m.ckpt", "--resume", "--save", "out/m.params"],
        {"m.ckpt": None, "m.params": None},
    ),
    "train --plot": ([*TRAIN, "--plot", "out/fit.png"], {"fit.png": b"older"}),
    "predict --output": (
        ["predict", "model0", "table.csv", "--output", "out/yhat.csv"],
        {"yhat.csv": b"older"},
    ),
    "convert": (
        ["convert", "net-symbol.json", "net-0000.params", "out/m.onnx", "--shape", "2,3"],
        {"m.onnx": b"older"},
    ),
}


def writers():
    """Functions that write one of two contents to the same files, by the number 0 or 1."""
    import mxnet as mx

    rng = np.random.default_rng(0)
    rows = "".join("{:.3f},{:.3f},{:.3f}\n".format(*row) for row in rng.normal(size=(400, 3)))
    Path("table.csv").write_text("x0,x1,y\n" + rows)
    models = [mlr.Model(np.full((2, 1), i), np.ones(1)) for i in (1.0, 2.0)]
    large = [mlr.Model(np.full((20_000, 1), i), np.ones(1)) for i in (1.0, 2.0)]
    params = [mlr.as_params(model) for model in large]
    figures = [mlr.plotting.plot_network(i) for i in (2, 3)]
    for i, model in enumerate(models):
        mlr.save_model(f"model{i}", model)
    mlr.export_symbol(mlr.Model(np.ones((3, 1), "f4"), np.ones(1, "f4")), "net")
    random = np.random.get_state()

    def write_checkpoint(i):
        np.random.set_state(random)
        save_checkpoint(OUT / "m.ckpt", params[i], [1.0], {"i": i})

    def write_symbol(i):
        with mx.name.NameManager():  # numbers the operators from 0 again
            mlr.export_symbol(large[i], OUT / "m")

    def write_predictions(i):
        predict(
            model=Path(f"model{i}"),
            data=Path("table.csv"),
            output=OUT / "yhat.csv",
            invalid="error",
            decimal=None,
        )

    return {
        "save_model": lambda i: mlr.save_model(OUT / "m.params", large[i]),
        "checkpoints": write_checkpoint,
        "predictions": write_predictions,
        "export_symbol": write_symbol,
        "export_onnx": lambda i: mlr.export_onnx(large[i], OUT / "m.onnx"),
        "save_figure": lambda i: mlr.plotting.save_figure(figures[i], OUT / "m.png"),
    }


def fill_out(contents):
    OUT.mkdir(exist_ok=True)
    for path in OUT.iterdir():
        path.unlink()
    for name, content in contents.items():
        (OUT / name).write_bytes(content)


def content_of_out():
    return {path.name: path.read_bytes() for path in OUT.iterdir()}
