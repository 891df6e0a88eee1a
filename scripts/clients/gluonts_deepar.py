"""gluonts' DeepAR forecasts a sine, and is written to a folder and read again."""

from pathlib import Path
from tempfile import TemporaryDirectory

import mxnet as mx
import numpy as np
from gluonts.dataset.common import ListDataset
from gluonts.model.predictor import Predictor
from gluonts.mx import DeepAREstimator, Trainer

LENGTH = 12

mx.random.seed(1)
np.random.seed(1)
series = 10 + 3 * np.sin(2 * np.pi * np.arange(240) / 12)
data = ListDataset([{"start": "2020-01-01", "target": series[:-LENGTH]}], freq="D")
estimator = DeepAREstimator(
    freq="D",
    prediction_length=LENGTH,
    context_length=2 * LENGTH,
    num_layers=1,
    trainer=Trainer(epochs=8, num_batches_per_epoch=50, learning_rate=0.01),
)
predictor = estimator.train(data)
(forecast,) = predictor.predict(data)
assert forecast.samples.shape == (100, LENGTH)
error = np.abs(forecast.mean - series[-LENGTH:]).mean()
assert error < 0.5, error  # the series' mean is off by 1.9
with TemporaryDirectory() as folder:
    predictor.serialize(Path(folder))
    (again,) = Predictor.deserialize(Path(folder)).predict(data)
assert np.abs(again.mean - series[-LENGTH:]).mean() < 0.5
