"""docs/chapter.html, and the recording in it."""

import base64
import json
import re

import numpy as np
from helpers import ROOT

PAGE = ROOT / "docs" / "chapter.html"


def recording():
    """What the page holds as JSON; its arrays are base64."""
    found = re.search(r'id="recording">(.*?)</script>', PAGE.read_text(encoding="utf-8"))
    return json.loads(found[1])


def array(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)
