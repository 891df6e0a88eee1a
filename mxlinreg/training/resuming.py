"""The settings that a training must share with the checkpoint that it resumes from."""

from typing import Any, Dict, Optional, Sequence

import numpy as np

from .._mxnet import nd
from ..rows.interface import Rows
from .schedule import Schedule


def settings_of(
    params: Sequence[nd.NDArray],
    rows: Rows,
    learning_rate: float,
    engine: str,
    schedule: Optional[Schedule] = None,
) -> Dict[str, Any]:
    """The settings of a training, as JSON types, for its checkpoint.

    Raises
    ------
    TypeError
        If the data have no method `fingerprint`.
    ValueError
        If NumPy's global generator is not MT19937, whose state a checkpoint stores.
    """
    generator = np.random.get_state(legacy=False)["bit_generator"]
    if generator != "MT19937":
        raise ValueError(
            f"np.random: draws from {generator}; a checkpoint keeps NumPy's default, MT19937, only"
        )
    w = params[0]
    return {
        "learning_rate": learning_rate,
        "engine": engine,
        "dtype": np.dtype(w.dtype).name,
        "inputs": w.shape[0],
        "outputs": w.shape[1],
        "batch_size": rows.batch_size,
        "shuffle": rows.shuffle,
        # Checkpoints of version 0.1, which knew only "keep", do not have this entry.
        "last_batch": None if rows.last_batch == "keep" else rows.last_batch,
        "data": rows.fingerprint(),
        # Checkpoints of versions 0.1 and 0.2 do not have the entries of schedules.
        "schedule": None,
        **(schedule.settings if schedule is not None else {}),
    }
