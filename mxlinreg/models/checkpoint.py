"""Save the state of a training in a file, and resume the training from it.

A resumed training ends with the same bits as one that was never interrupted. For that the file
holds the parameters, the mean loss of each finished epoch, and the state of NumPy's global
generator, from which each epoch's row order is drawn. The state of MXNet's generator cannot be
read. It is not needed, because only the data and the first parameters are drawn from it, before
the training. (If an engine or `on_epoch` of your own draws from MXNet's or another generator, the
resumed training differs.)

Reading such a file executes nothing in it: the parameters are in MXNet's `.params` format, the
rest is JSON.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from .._files import write_bytes
from .params_file import params_bytes, params_from

if TYPE_CHECKING:
    from .._mxnet import nd

_FIRST_LINE = b"mxlinreg checkpoint 1\n"


def save_checkpoint(
    path: Union[str, Path],
    params: Sequence[nd.NDArray],
    losses: Sequence[float],
    settings: Dict[str, Any],
    schedule: Optional[Dict[str, Any]] = None,
) -> None:
    """Write the state of a training, including NumPy's global generator, to one file.

    The file consists of a line that names the format, a line with the SHA-256 of the rest, a line
    of JSON, and the parameters in MXNet's `.params` format. It is flushed to the disk under a
    temporary name and then renamed, so there is a complete file at any moment.

    Parameters
    ----------
    path : str or Path
    params : [w, b]
        NDArrays of shape (d, k) and (k,).
    losses : sequence of float
        The mean loss of each finished epoch.
    settings : dict
        The settings that a training must share to resume from the file, in types that JSON can
        hold.
    schedule : dict, optional
        The state of the schedule of learning rates, in types that JSON can hold.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    _, key, pos, has_gauss, cached_gaussian = np.random.get_state()
    random = {"key": key.tolist(), "pos": pos}
    random.update(has_gauss=has_gauss, cached_gaussian=cached_gaussian)
    state = {"settings": settings, "losses": losses, "random": random}
    if schedule is not None:
        state["schedule"] = schedule
    arrays = {name: param.asnumpy() for name, param in zip("wb", params)}
    content = json.dumps(state).encode() + b"\n" + params_bytes(arrays)
    write_bytes(path, _FIRST_LINE + _digest(content).encode() + b"\n" + content)


def load_checkpoint(
    path: Union[str, Path],
    params: Sequence[nd.NDArray],
    settings: Dict[str, Any],
    epochs: int,
    schedule: Any = None,
) -> List[float]:
    """Restore the state of a training that `save_checkpoint` wrote.

    Parameters
    ----------
    path : str or Path
    params : [w, b]
        Set in place to the parameters in the file.
    settings : dict
        The settings of the present training, which must equal those in the file.
    epochs : int
        The total number of epochs of the training.
    schedule : object, optional
        The schedule of learning rates. Its method ``restore(state)`` is called with the state in
        the file, and raises a KeyError, TypeError or ValueError if that is damaged.

    Returns
    -------
    list of float
        The mean loss of each finished epoch.

    Raises
    ------
    ValueError
        If the file is not a complete checkpoint, has other settings, or has more than `epochs`
        epochs. The parameters are then unchanged.
    """
    state, content = read_checkpoint(path)
    saved, losses = state["settings"], state["losses"]
    differing = [
        "the data" if name == "data" else f"{name} ({saved.get(name)}, now {value})"
        for name, value in settings.items()
        if saved.get(name) != value
    ]
    if differing:
        raise ValueError(
            f"{path}: is the checkpoint of a training that differs in {', '.join(differing)}"
        )
    if len(losses) > epochs:
        raise ValueError(
            f"epochs: {path} has {len(losses)} epochs already, more than the {epochs} asked for"
        )
    try:
        arrays = params_from(io.BytesIO(content))
        if [(arrays[name].shape, arrays[name].dtype) for name in "wb"] != [
            (param.shape, param.dtype) for param in params
        ]:
            raise ValueError
        random = state["random"]
        key = np.array(random["key"], dtype=np.uint32)
        # NumPy does not check that the position lies within the key.
        if key.shape != (624,) or random["pos"] not in range(625):
            raise ValueError
        if schedule is not None:
            schedule.restore(state["schedule"])
        np.random.set_state(
            ("MT19937", key, random["pos"], random["has_gauss"], random["cached_gaussian"])
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise _foreign(path) from None
    for name, param in zip("wb", params):
        param[:] = arrays[name]
    return losses


def read_checkpoint(path: Union[str, Path]) -> Tuple[Dict[str, Any], bytes]:
    """Read a checkpoint without restoring its state.

    Returns
    -------
    state : dict
        The "settings" and "losses" that were saved, and the generator's state as "random".
    content : bytes
        The parameters, as the content of a `.params` file.

    Raises
    ------
    ValueError
        If the file cannot be read, is not a checkpoint, is damaged, or is from a later version.
    """
    try:
        with open(path, "rb") as file:
            first = re.fullmatch(rb"mxlinreg checkpoint ([1-9]\d*)\n", file.readline(40))
            if not first:
                raise _foreign(path)
            if first[0] != _FIRST_LINE:
                raise ValueError(
                    f"{path}: is a checkpoint of format {first[1].decode()}, from a later version "
                    "of mxlinreg; this one reads format 1"
                )
            digest, content = file.readline(65), file.read()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    if digest != _digest(content).encode() + b"\n":
        raise ValueError(
            f"{path}: is a damaged checkpoint; its checksum does not match its content"
        )
    text, _, content = content.partition(b"\n")
    try:
        state = json.loads(text)
        settings, losses = state["settings"], state["losses"]
        if not isinstance(settings, dict) or not all(map(math.isfinite, losses)):
            raise ValueError
        state["losses"] = [float(loss) for loss in losses]
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise _foreign(path) from None
    return state, content


def _foreign(path):
    return ValueError(f"{path}: is not a checkpoint of mxlinreg, or is damaged")


def _digest(content):
    return hashlib.sha256(content).hexdigest()
