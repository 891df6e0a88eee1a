"""The walk-through notebook runs, and its stored outputs are what it prints."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_walkthrough():
    stored = nbformat.read(DOCS / "walkthrough.ipynb", as_version=4)
    fresh = nbformat.read(DOCS / "walkthrough.ipynb", as_version=4)
    NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(DOCS)}}).execute()
    assert losses(fresh) == pytest.approx(losses(stored), rel=1e-5)
    assert kinds(fresh) == kinds(stored)


def losses(notebook):
    text = "".join(output.get("text", "") for cell in codes(notebook) for output in cell.outputs)
    values = [float(value) for value in re.findall(r"Mean loss: ([\d.]+)", text)]
    assert len(values) == 10
    return values


def kinds(notebook):
    """The kinds of outputs of each cell; a stream may come in several parts."""
    return [
        {kind for output in cell.outputs for kind in output.get("data", {"text": None})}
        for cell in codes(notebook)
    ]


def codes(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
