"""What a training must have in common with the one that it goes on with."""

from typing import Any, Dict, Sequence

import numpy as np

from .._mxnet import nd


def settings_of(
    params: Sequence[nd.NDArray], train_data: Any, learning_rate: float, engine: str
) -> Dict[str, Any]:
    """What a checkpoint describes its training by, of what JSON can hold.

    Raises
    ------
    TypeError
        If `train_data` has no method `fingerprint`.
    ValueError
        If NumPy's global generator is none whose state a checkpoint can keep.
    """
    if not hasattr(train_data, "fingerprint"):
        raise TypeError(
            f"train_data: a {type(train_data).__name__} has no method fingerprint(), by which a "
            "checkpoint knows the data again; give an ArrayLoader or a Stream"
        )
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
        "batch_size": getattr(train_data, "batch_size", None),
        "shuffle": getattr(train_data, "shuffle", None),
        "data": train_data.fingerprint(),
    }
