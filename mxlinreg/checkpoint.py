"""Save and load a fitted model."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, Sequence, Tuple, Union

from ._mxnet import mx, nd
from .files import replacing


def save_model(
    path: Union[str, Path], params: Sequence["nd.NDArray"], description: Dict[str, Any]
) -> None:
    """Write a model as MXNet's `.params` file, and what describes it as JSON beside it.

    Parameters
    ----------
    path : str or Path
        The JSON takes its name, with the ending ``.json``.
    params : [w, b]
        NDArrays of shape (d, k) and (k,).
    description : dict
        What JSON can hold; `load_model` gives it back.
    """
    path = Path(path)
    with replacing(path) as params_file, replacing(description_path(path)) as json_file:
        nd.save(params_file, dict(zip("wb", params)))
        digest = hashlib.sha256(Path(params_file).read_bytes()).hexdigest()
        text = json.dumps({**description, "sha256": digest}, indent=2, allow_nan=False)
        Path(json_file).write_text(text + "\n", encoding="utf-8")


def load_model(path: Union[str, Path]) -> Tuple[Sequence["nd.NDArray"], Dict[str, Any]]:
    """Read what `save_model` has written.

    Returns
    -------
    params : [w, b]
    description : dict

    Raises
    ------
    ValueError
        If one of the two files is missing or not what `save_model` writes, or if they do not
        belong together.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        description = json.loads(description_path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{error.filename}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{description_path(path)}: is not a model's JSON file") from None
    # MXNet's loader can take damaged bytes for good numbers, so the digest comes first.
    digest = description.get("sha256") if isinstance(description, dict) else None
    if digest != hashlib.sha256(content).hexdigest():
        raise ValueError(f"{path}: does not belong to {description_path(path)}, or is damaged")
    try:
        saved = nd.load(str(path))
        return [saved["w"], saved["b"]], description
    except (mx.MXNetError, KeyError, TypeError):
        raise ValueError(f"{path}: is not a model's .params file") from None


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
