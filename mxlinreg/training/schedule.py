"""A schedule of learning rates: the rate of each epoch, and the end of a training."""

import math
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np

from .._mxnet import nd
from ..chapter.training import DivergenceError, diverged
from .engines import Engine, name_of

# Where an epoch diverges or comes no nearer, the learning rate is divided by this.
RATE_DIVISOR = 5


class Schedule:
    """Lower the learning rate until a training has reached its goal.

    The rate is lowered after some epochs in a row that came no nearer, and after an epoch that
    diverged, which is then repeated. In both cases the training continues from the nearest
    parameters so far. `train` runs its epochs by `around`, and keeps `state` in its checkpoints.

    Parameters
    ----------
    rate : float
        The learning rate of the first epoch.
    start : pair of arrays
        The first parameters, of shape (d, k) and (k,).
    distance_of : callable
        ``distance_of(w, b)`` returns the distance of parameters, NumPy arrays, from the goal. It
        has an attribute `excess`, a number, and a method ``is_within(tol)``.
    limit : float
        An epoch that ends with a larger excess, or with numbers that are not finite, has diverged.
    tol : float, optional
        The training ends at the first distance that ``is_within(tol)``. None runs all epochs, of
        which the first counts as progress even if the start was nearer.
    patience : int, optional
        The number of epochs in a row without progress after which the rate is lowered. With None,
        only divergence lowers it.
    train_bias : bool
        Whether to train b. With False it must stay 0.
    before_epoch : callable
        Called as ``before_epoch(epoch)`` before each attempt at an epoch.
    settings : dict
        The settings that a training must share to resume from a checkpoint, in types that JSON can
        hold.

    Attributes
    ----------
    rate : float
        The learning rate of the next epoch.
    losses : list of float
        The mean loss of each finished epoch. `train` appends to it.
    best : list of arrays
        The nearest parameters so far.
    distance
        Their distance from the goal.
    ended : bool
        Whether the training has reached its goal.
    """

    def __init__(
        self,
        rate: float,
        start: Sequence[np.ndarray],
        distance_of: Callable[[np.ndarray, np.ndarray], Any],
        limit: float,
        tol: Optional[float],
        patience: Optional[int],
        train_bias: bool,
        before_epoch: Callable[[int], Any],
        settings: Dict[str, Any],
    ):
        self.rate, self.settings = rate, settings
        self.losses: List[float] = []
        self.best, self.distance, self.ended = list(start), distance_of(*start), False
        self._distance_of, self._limit = distance_of, limit
        self._tol, self._patience, self._waited = tol, patience, 0
        self._train_bias, self._before_epoch = train_bias, before_epoch

    def around(self, run_epoch: Engine) -> Engine:
        """An engine that runs one epoch by `run_epoch` at the rate of this schedule.

        Raises
        ------
        TypeError
            If `run_epoch` changes b although it is not to be trained.
        DivergenceError
            If `run_epoch` diverges at a rate of 0.
        """
        options = {} if self._train_bias else {"train_bias": False}

        def run_scheduled(params, rows, _):
            while True:
                self._before_epoch(len(self.losses))
                try:
                    mean_loss = run_epoch(params, rows, self.rate, **options)
                    if not self._train_bias and params[1].asnumpy().any():
                        raise TypeError(
                            f"engine: {name_of(run_epoch)} changes b, although train_bias is False"
                        )
                    self._look_at(params)
                    return mean_loss
                except DivergenceError:
                    if self.rate == 0:
                        raise
                    self._lower(params)

        run_scheduled.name = name_of(run_epoch)  # type: ignore[attr-defined]
        run_scheduled.iterates = getattr(run_epoch, "iterates", True)  # type: ignore[attr-defined]
        return run_scheduled

    def _look_at(self, params):
        """Measure the parameters after an epoch."""
        values = [param.asnumpy() for param in params]
        with np.errstate(over="ignore", invalid="ignore"):
            distance = self._distance_of(*values)
        if not distance.excess <= self._limit:
            raise diverged("the distance from the least-squares fit")
        self.ended = self._tol is not None and distance.is_within(self._tol)
        first = self._tol is None and not self.losses
        self._waited += 1
        if distance.excess < self.distance.excess or self.ended or first:
            self.distance, self.best, self._waited = distance, values, 0
        elif self._waited == self._patience:
            self._lower(params)

    def _lower(self, params):
        """Lower the rate, and return to the nearest parameters."""
        self.rate, self._waited = self.rate / RATE_DIVISOR, 0
        for param, value in zip(params, self.best):
            param[:] = nd.array(value, ctx=param.context, dtype=param.dtype)

    def state(self) -> Dict[str, Any]:
        """What a checkpoint keeps, in types that JSON can hold."""
        return {
            "rate": self.rate,
            "waited": self._waited,
            "best": [value.tolist() for value in self.best],
            "ended": self.ended,
        }

    def restore(self, state: Dict[str, Any]) -> None:
        """Continue from what `state` returned.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the state is damaged.
        """
        rate, waited, ended = float(state["rate"]), state["waited"], state["ended"]
        best = [np.array(values, dtype=was.dtype) for values, was in zip(state["best"], self.best)]
        valid = (
            [value.shape for value in best] == [value.shape for value in self.best]
            and all(np.isfinite(value).all() for value in best)
            and (type(waited), type(ended)) == (int, bool)
            and math.isfinite(rate)
            and rate >= 0
        )
        if not valid:
            raise ValueError("the state of the schedule is damaged")
        self.rate, self._waited = rate, waited
        self.best, self.distance, self.ended = best, self._distance_of(*best), ended
