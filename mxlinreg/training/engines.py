"""Engines: functions that run one epoch. Each carries its name as an attribute."""

import math
from importlib import import_module
from typing import Any, Callable, Sequence, Union

from .._checks import shown
from .._mxnet import nd
from ..chapter.training import diverged, last_finite

Engine = Callable[[Sequence[nd.NDArray], Any, float], float]

# The room and the function of each engine, which are imported when the engine is chosen.
_ENGINES = {"autograd": ("chapter", "train_epoch"), "compiled": ("compiled", "compiled_epoch")}


def find_engine(engine: Union[str, Engine]) -> Engine:
    """Return the engine of a name, or the given function made safe against divergence.

    If the function leaves a mean loss or a parameter that is not finite, the parameters are reset
    to their values before the epoch and a `DivergenceError` is raised.

    Raises
    ------
    ValueError
        If `engine` is neither a known name nor a function.
    """
    if isinstance(engine, str) and engine in _ENGINES:
        room, function = _ENGINES[engine]
        return getattr(import_module(f"..{room}", __package__), function)
    if not callable(engine):
        raise ValueError(
            f"engine: {shown(engine)} is neither a function nor one of {sorted(_ENGINES)}"
        )

    def watched(params, batches, learning_rate, **options):
        with last_finite(params):
            mean_loss = engine(params, batches, learning_rate, **options)
            try:
                mean_loss = float(mean_loss)
            except (TypeError, ValueError, OverflowError):
                raise TypeError(
                    f"engine: {name_of(engine)} must return a mean loss, not {shown(mean_loss)}"
                ) from None
            if not math.isfinite(mean_loss):
                raise diverged("the mean loss")
        return mean_loss

    watched.name = name_of(engine)  # type: ignore[attr-defined]
    watched.iterates = getattr(engine, "iterates", True)  # type: ignore[attr-defined]
    return watched


def name_of(engine: Engine) -> str:
    """An engine's name for checkpoints and messages: its attribute `name`, else the function's."""
    return getattr(engine, "name", None) or getattr(engine, "__name__", type(engine).__name__)
