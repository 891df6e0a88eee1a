"""The chapter's page, in one HTML file that loads nothing."""

import ast
import base64
import html
import inspect
import json
import re
import textwrap
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np

from .. import __version__
from .._mxnet import mx
from ..chapter import SGD, init_params, net, real_fn, square_loss, train_epoch
from .recorder import SETTINGS, Recording

FOLDER = Path(__file__).parent
SCRIPTS = "arithmetic.js", "drawing.js", "hand.js", "player.js", "lab.js"
PIECES = real_fn, init_params, net, square_loss, train_epoch, SGD


def make_page(recording: Recording) -> str:
    """Put a recording, the code of the chapter's functions and the scripts into one HTML page.

    Parameters
    ----------
    recording : Recording
        From `recorder.record`.

    Returns
    -------
    str
        The page. It refers to no other file.
    """
    return fill_page(packed(recording), {"mxnet": mx.__version__, "numpy": np.__version__})


def fill_page(recording: Dict[str, Any], versions: Dict[str, str]) -> str:
    """The page with a recording as `packed` gives it, and the versions that made it."""
    scripts = [f"<script>\n{_file(name)}</script>" for name in SCRIPTS]
    parts = {
        "style": _file("style.css"),
        "version": html.escape(__version__),
        **{name: html.escape(version) for name, version in versions.items()},
        # "<" could end the element; in JSON it has another spelling.
        "recording": json.dumps(recording).replace("<", "\\u003c"),
        "scripts": "\n".join(scripts),
        **{f"code {piece.__name__}": _listing(piece) for piece in PIECES},
    }
    return re.sub(r"\{\{([\w ]+)\}\}", lambda match: parts[match[1]], _file("page.html"))


def packed(recording: Recording) -> Dict[str, Any]:
    """A recording for JSON: the arrays as base64 of their little-endian numbers."""

    def text(array, dtype):
        return base64.b64encode(np.ascontiguousarray(array, dtype).tobytes()).decode()

    return {
        **SETTINGS,
        "x0": text(recording.X[:, 0], "<f4"),
        "x1": text(recording.X[:, 1], "<f4"),
        "y": text(recording.y, "<f4"),
        "order": text(recording.order, "<u2"),
        "params": text(recording.params, "<f4"),
        "losses": text(recording.losses, "<f4"),
        "mean_losses": recording.mean_losses,
    }


def _listing(function: Callable[..., Any]) -> str:
    """The source of a function without its docstring."""
    source = textwrap.dedent(inspect.getsource(function))
    docstring = ast.parse(source).body[0].body[0]  # type: ignore[attr-defined]
    lines = source.splitlines()
    code = "\n".join(lines[: docstring.lineno - 1] + lines[docstring.end_lineno :])
    region = f'tabindex="0" role="region" aria-label="The code of {function.__name__}"'
    return f"<pre {region}><code>{html.escape(code)}</code></pre>"


def _file(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
