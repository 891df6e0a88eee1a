"""Every public name, as a user writes it: what mypy and pyright read in test_types.py."""

from typing import List

import mxnet as mx  # type: ignore[import-untyped]
import numpy as np
from mxnet import gluon  # type: ignore[import-untyped]

import mxlinreg as mlr
from mxlinreg.plotting import plot_data, plot_errors, plot_network, plot_training, save_figure

data_ctx, model_ctx = mlr.context("cpu"), mlr.context("cpu")
X, y = mlr.synthetic(num_examples=100, noise=0.1, ctx=data_ctx)
dataset = gluon.data.ArrayDataset(X, y)
train_data = gluon.data.DataLoader(dataset, batch_size=4, shuffle=True)
loader = mlr.ArrayLoader(X, y, batch_size=4, shuffle=True)
params = w, b = mlr.init_params(num_inputs=2, num_outputs=1, ctx=model_ctx)
losses: List[float] = mlr.train(params, train_data, epochs=2, learning_rate=1e-4)
losses = mlr.train(params, loader, engine="compiled", on_epoch=lambda epoch, loss, params: None)
yhat = mlr.net(X, w, b)
loss = mlr.square_loss(yhat, y.reshape((-1, 1)))
mlr.SGD(params, 1e-4)
mean_loss: float = mlr.train_epoch(params, train_data, 1e-4)
mean_loss = mlr.compiled.train_epoch(params, loader, 1e-4)
real = mlr.real_fn(X)
try:
    mlr.train(params, loader, learning_rate=1e9)
except mlr.DivergenceError as error:
    print(error.args)
table = np.eye(3)
try:
    result: mlr.LeastSquares = mlr.least_squares(table, np.ones(3), rank_deficient="minimum_norm")
    print(result.coefficients, result.p_values, result.intervals, result.rank + 1)
except mlr.RankError as error:
    print(error.args)
rows = mlr.stream("rows.parquet", target="y", batch_size=64)
for data, label in rows:
    print(data.shape, label.shape)
for block in rows.blocks():
    print(block[0].mean())
fitted: mlr.Model = mlr.fit("rows.csv", "y", solver="sgd", validation=0.2, add="a*b")
print(fitted.metrics, fitted.solution)
model = mlr.LinearRegressor(random_state=0).fit(table, np.ones(3))
prediction: np.ndarray = model.predict(table)
mlr.export_onnx(model, "model.onnx")
mlr.save_model("model.params", params)
loaded: mlr.Model = mlr.load_model("model.params")
print(loaded.predict(table), loaded.w.shape, loaded.b.shape, loaded.columns[0])
mlr.train(mlr.as_params(loaded, model_ctx), loader)
mlr.export_symbol(params, "model")
engine = mlr.distributed.device_engine(["cpu(0)", mx.cpu(1)])
mlr.train(params, loader, engine=engine)
save_figure(plot_data(X, y), "data.png")
save_figure(plot_training(losses, X, params), "training.png")
save_figure(plot_errors(np.arange(3.0), np.arange(3.0), 1.0, 0.0), "errors.png")
save_figure(mlr.plotting.plot_network(2), "network.png")
print(plot_network, mlr.exact.least_squares)
