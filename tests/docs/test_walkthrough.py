"""The walk-through notebook runs, and its stored outputs are what it prints, cell by cell."""

import base64
import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib import image
from nbclient import NotebookClient

DOCS = Path(__file__).parent.parent.parent / "docs"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_walkthrough():
    stored = nbformat.read(DOCS / "walkthrough.ipynb", as_version=4)
    fresh = nbformat.read(DOCS / "walkthrough.ipynb", as_version=4)
    NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(DOCS)}}).execute()
    printed, shown = 0, 0
    for before, now in zip(codes(stored), codes(fresh)):
        assert NUMBER.sub("#", text(now)) == NUMBER.sub("#", text(before)), now.source
        np.testing.assert_allclose(numbers(now), numbers(before), rtol=1e-4, err_msg=now.source)
        assert len(pictures(now)) == len(pictures(before)), now.source
        for picture, expected in zip(pictures(now), pictures(before)):
            # Another matplotlib may set its letters otherwise; what is drawn keeps its place.
            assert np.abs(np.subtract(picture.shape, expected.shape)).max() <= 20, now.source
            assert np.abs(coarse(picture) - coarse(expected)).max() < 0.1, now.source
        printed, shown = printed + bool(text(now)), shown + len(pictures(now))
    assert printed > 10 and shown > 5


def codes(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text(cell):
    """All that the cell prints; a stream may come in several parts."""
    parts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs]
    return " ".join("".join(parts).split())


def numbers(cell):
    return [float(number) for number in NUMBER.findall(text(cell))]


def pictures(cell):
    """As arrays of shape (height, width, colours), from 0 to 1."""
    encoded = [out.get("data", {}).get("image/png") for out in cell.outputs]
    return [image.imread(io.BytesIO(base64.b64decode(png))) for png in encoded if png]


def coarse(picture):
    """The mean colours of 8 × 12 parts of a picture."""
    rows = np.array_split(picture[..., :3], 8)
    return np.array(
        [[cell.mean(axis=(0, 1)) for cell in np.array_split(row, 12, axis=1)] for row in rows]
    )
