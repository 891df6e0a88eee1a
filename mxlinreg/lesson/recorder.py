"""The chapter's training, with every step noted."""

from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from .._mxnet import gluon, mx, nd
from ..chapter.data import synthetic
from ..chapter.scratch import init_params, net, square_loss
from ..training.run import train

SETTINGS = {"seed": 1, "num_examples": 10000, "noise": 0.1, "batch_size": 4, "epochs": 10,
            "learning_rate": 1e-4}  # fmt: skip


class Recording(NamedTuple):
    """The chapter's data and each step of the training on them, of n rows and s steps."""

    X: np.ndarray  # (n, 2), float32
    y: np.ndarray  # (n,), float32
    order: np.ndarray  # (epochs, n), uint16: the numbers of the rows as the epochs visit them
    params: np.ndarray  # (s + 1, 3), float32: w0, w1 and b, before each step and at the end
    losses: np.ndarray  # (s,), float32: the loss of each batch before its step
    mean_losses: List[float]  # of the epochs


class Noted:
    """The batches of `train_data`, each noted before the training loop uses it.

    Parameters
    ----------
    train_data : DataLoader
        Over a dataset of data, labels and the numbers of the rows. The numbers are left out of
        the batches that this gives.
    params : [w, b]
    """

    def __init__(self, train_data: gluon.data.DataLoader, params: Sequence[nd.NDArray]):
        self.train_data = train_data
        self.params = params
        self.before: List[np.ndarray] = []
        self.losses: List[np.float32] = []
        self.rows: List[np.ndarray] = []

    def __len__(self) -> int:
        return len(self.train_data)

    def __iter__(self) -> Iterator[Tuple[nd.NDArray, nd.NDArray]]:
        for data, label, rows in self.train_data:
            loss = square_loss(net(data, *self.params), label.reshape((-1, 1)))
            self.before.append(flat(self.params))
            self.losses.append(loss.asscalar())
            self.rows.append(rows.asnumpy())
            yield data, label


def record(progress: bool = False) -> Recording:
    """Train the chapter's model with `SETTINGS`, and note each step.

    The loop is the chapter's own and knows nothing of this: before each batch its parameters are
    copied, and its loss is computed by `net` and `square_loss`.

    Parameters
    ----------
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Recording
    """
    given: Dict[str, Any] = SETTINGS
    mx.random.seed(given["seed"])
    np.random.seed(given["seed"])
    X, y = synthetic(given["num_examples"], given["noise"])
    dataset = gluon.data.ArrayDataset(X, y, nd.arange(given["num_examples"]))
    params = init_params()
    noted = Noted(
        gluon.data.DataLoader(dataset, batch_size=given["batch_size"], shuffle=True), params
    )
    mean_losses = train(params, noted, given["epochs"], given["learning_rate"], progress=progress)
    return Recording(
        X.asnumpy(),
        y.asnumpy(),
        np.concatenate(noted.rows).astype("<u2").reshape(given["epochs"], -1),
        np.stack([*noted.before, flat(params)]),
        np.array(noted.losses, np.float32),
        mean_losses,
    )


def flat(params: Sequence[nd.NDArray]) -> np.ndarray:
    """w0, w1 and b in one array."""
    return np.concatenate([param.asnumpy().ravel() for param in params])
