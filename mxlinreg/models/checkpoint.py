"""Save and load a fitted model, and the state of a training to resume it from.

A training that is resumed from its checkpoint ends with the same bits as one that was never
interrupted. For that it needs the parameters, the losses so far (as many as the epochs that are
done) and NumPy's global generator, from which each epoch's row order is drawn. MXNet's generator
cannot be read out, and need not be: only the data and the first parameters are drawn from it,
before the training. (An engine or `on_epoch` of one's own that draws from MXNet's generator, or
from any other than ``np.random``'s global one, is not repeated exactly.)

Nothing in these files is executed: the parameters are MXNet's `.params` format, the rest is JSON.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Sequence, Tuple, Union

import numpy as np

from .. import _mxnet
from .._files import replacing

if TYPE_CHECKING:
    from .._mxnet import nd

_FIRST_LINE = b"mxlinreg checkpoint 1\n"


def save_model(
    path: Union[str, Path], params: Sequence[nd.NDArray], description: Dict[str, Any]
) -> None:
    """Write a model as MXNet's `.params` file, and what describes it as JSON beside it.

    Parameters
    ----------
    path : str or Path
        The JSON takes its name, with the ending ``.json``.
    params : [w, b]
        NDArrays of shape (d, k) and (k,).
    description : dict
        What JSON can hold; `load_model` gives it back. The file has the parameters' shapes and
        dtype as well, and a SHA-256 of all that is in the two.
    """
    path = Path(path)
    shapes, dtype = _shapes_and_dtype(params)
    description = {**description, "dtype": dtype, "shapes": shapes}
    with replacing(path) as params_file, replacing(description_path(path)) as json_file:
        content = _write_params(params_file, params)
        text = json.dumps(description, allow_nan=False)
        description["sha256"] = _digest_of_model(content, json.loads(text))
        text = json.dumps(description, indent=2)
        Path(json_file).write_text(text + "\n", encoding="utf-8")


def load_model(path: Union[str, Path]) -> Tuple[Sequence[nd.NDArray], Dict[str, Any]]:
    """Read what `save_model` has written.

    Returns
    -------
    params : [w, b]
    description : dict
        As it was given, and "dtype" and "shapes".

    Raises
    ------
    ValueError
        If one of the two files is missing, damaged or not what `save_model` writes, or if they
        do not belong together.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        description = json.loads(description_path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{error.filename}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{description_path(path)}: is not a model's JSON file") from None
    # MXNet's loader can take damaged bytes for good numbers, so the digest comes first.
    digest = description.pop("sha256", None) if isinstance(description, dict) else None
    if digest != _digest_of_model(content, description):
        raise ValueError(f"{path}: does not belong to {description_path(path)}, or is damaged")
    try:
        if not _layout(description["shapes"], description["dtype"]).fullmatch(content):
            raise ValueError
    except (KeyError, TypeError, ValueError, OverflowError, struct.error):
        raise ValueError(f"{path}: is not a model's .params file") from None
    saved = _mxnet.nd.load_frombuffer(content)
    return [saved["w"], saved["b"]], description


def description_path(path: Union[str, Path]) -> Path:
    """Where the JSON of the model at `path` is.

    Raises
    ------
    ValueError
        If that would be `path` itself.
    """
    path = Path(path)
    beside = path.with_suffix(".json")
    if beside == path:
        raise ValueError(f"{path}: the JSON goes there; give the model another name, as .params")
    return beside


def save_checkpoint(
    path: Union[str, Path],
    params: Sequence[nd.NDArray],
    losses: Sequence[float],
    settings: Dict[str, Any],
) -> None:
    """Write the state of a training, that of NumPy's global generator included, into one file.

    The file is a line that says what it is, a line with the SHA-256 of all that follows, a line
    of JSON, and the parameters as MXNet's `.params` file has them. It is flushed to the disk
    under a temporary name and then renamed, so there is always a whole one.

    Parameters
    ----------
    path : str or Path
    params : [w, b]
    losses : sequence of float
        The mean loss of each epoch that is done.
    settings : dict
        What a training that goes on from here must have in common with this one; of what JSON
        can hold.
    """
    _, key, pos, has_gauss, cached_gaussian = np.random.get_state()
    random = {"key": key.tolist(), "pos": pos}
    random.update(has_gauss=has_gauss, cached_gaussian=cached_gaussian)
    state = {"settings": settings, "losses": losses, "random": random}
    with replacing(path) as temporary:
        content = json.dumps(state).encode() + b"\n" + _write_params(temporary, params)
        Path(temporary).write_bytes(_FIRST_LINE + _digest(content).encode() + b"\n" + content)


def load_checkpoint(
    path: Union[str, Path],
    params: Sequence[nd.NDArray],
    settings: Dict[str, Any],
    epochs: int,
) -> List[float]:
    """Go back to the state that `save_checkpoint` has written.

    Parameters
    ----------
    path : str or Path
    params : [w, b]
        Changed in place.
    settings : dict
        Compared with those of the file.
    epochs : int
        How many the training is to have at its end.

    Returns
    -------
    list of float
        The losses of the epochs that are done.

    Raises
    ------
    ValueError
        If the file is not a whole checkpoint, or is of a training with other settings or of
        more epochs. The parameters are then as they were.
    """
    state, content = read_checkpoint(path)
    saved, losses = state["settings"], state["losses"]
    differing = [
        "the data" if name == "data" else f"{name} ({saved.get(name)}, now {value})"
        for name, value in settings.items()
        if saved.get(name) != value
    ]
    if differing:
        raise ValueError(f"{path}: is of a training that differs in {', '.join(differing)}")
    if len(losses) > epochs:
        raise ValueError(f"epochs: {path} has {len(losses)} already, more than {epochs}")
    try:
        if not _layout(*_shapes_and_dtype(params)).fullmatch(content):
            raise ValueError
        random = state["random"]
        key = np.array(random["key"], dtype=np.uint32)
        # NumPy does not look whether the position lies within the key.
        if key.shape != (624,) or random["pos"] not in range(625):
            raise ValueError
        np.random.set_state(
            ("MT19937", key, random["pos"], random["has_gauss"], random["cached_gaussian"])
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise _foreign(path) from None
    arrays = _mxnet.nd.load_frombuffer(content)
    for name, param in zip("wb", params):
        param[:] = arrays[name]
    return losses


def read_checkpoint(path: Union[str, Path]) -> Tuple[Dict[str, Any], bytes]:
    """Read what `save_checkpoint` has written, and change nothing.

    Returns
    -------
    state : dict
        With the "settings" and "losses" that were given, and the "random" state.
    content : bytes
        The parameters, as in a `.params` file.

    Raises
    ------
    ValueError
        If the file cannot be read, is none of these, is damaged, or is of a later version.
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
    # MXNet's loader can take damaged bytes for good numbers, so the digest comes first.
    if digest != _digest(content).encode() + b"\n":
        raise ValueError(f"{path}: is a damaged checkpoint; its content does not fit its checksum")
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


def _digest_of_model(content, description):
    return _digest(content + json.dumps(description, sort_keys=True).encode())


def _shapes_and_dtype(params):
    return [list(param.shape) for param in params], np.dtype(params[0].dtype).name


def _write_params(path, params):
    """Write `params` as MXNet does, and give the bytes of the file."""
    params = [param.as_in_context(_mxnet.mx.cpu()) for param in params]
    with suppress(_mxnet.mx.MXNetError):  # of a full disk it tells only at times; the layout always
        _mxnet.nd.save(path, dict(zip("wb", params)))
    content = Path(path).read_bytes()
    if not _layout(*_shapes_and_dtype(params)).fullmatch(content):
        raise OSError(f"{path}: could not be written as a whole; is the disk full?")
    return content


def _layout(shapes, dtype):
    """A pattern of the file that MXNet makes of w and b, whatever their values.

    MXNet's loader believes what a file says of shapes and lengths, and can crash on it.
    """
    dtype = np.dtype(dtype)
    number = _mxnet.nd.ndarray._DTYPE_NP_TO_MX[dtype.type]
    pattern = re.escape(struct.pack("<QQQ", 0x112, 0, 2))
    for shape in shapes:
        head = struct.pack(f"<IiI{len(shape)}qiii", 0xF993FAC9, 0, len(shape), *shape, 1, 0, number)
        pattern += re.escape(head) + b".{%d}" % (dtype.itemsize * math.prod(shape))
    pattern += re.escape(struct.pack("<QQcQc", 2, 1, b"w", 1, b"b"))
    return re.compile(pattern, re.DOTALL)
