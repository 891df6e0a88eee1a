"""The walk-through notebook runs and prints what it shows, and its pieces are the package's."""

import ast
import base64
import inspect
import io
import re

import nbformat
import numpy as np
import pytest
from helpers import ROOT
from matplotlib import image
from nbclient import NotebookClient

DOCS = ROOT / "docs"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")
# The code of an exercise's answer, and what it prints.
ANSWER = re.compile(r"^```python\n(.*?)^```\n\n^```text\n(.*?)^```$", re.M | re.S)


def read():
    return nbformat.read(DOCS / "walkthrough.ipynb", as_version=4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_walkthrough():
    stored, fresh = read(), read()
    answers = [answer for cell in texts(stored) for answer in ANSWER.findall(cell.source)]
    fresh.cells += [nbformat.v4.new_code_cell(code) for code, _ in answers]
    NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(DOCS)}}).execute()
    printed, shown = 0, 0
    for before, now in zip(codes(stored), codes(fresh)):
        compare(printed_by(now), printed_by(before), now)
        assert len(pictures(now)) == len(pictures(before)), now.source
        for picture, expected in zip(pictures(now), pictures(before)):
            # Another matplotlib may set its letters otherwise; what is drawn keeps its place.
            assert np.abs(np.subtract(picture.shape, expected.shape)).max() <= 20, now.source
            assert np.abs(coarse(picture) - coarse(expected)).max() < 0.1, now.source
        printed, shown = printed + bool(printed_by(now)), shown + len(pictures(now))
    assert printed > 30 and shown > 10 and len(answers) > 5
    for (_, output), now in zip(answers, codes(fresh)[-len(answers) :]):
        compare(printed_by(now), output, now)


def test_the_pieces_are_those_of_the_package():
    """Each stands in one cell, with the package's arguments and statements, but without checks."""
    from mxlinreg.chapter import scratch

    package = {function.name: function for function in functions(inspect.getsource(scratch))}
    sources = [re.sub("^%.*", "", cell.source, flags=re.M) for cell in codes(read())]
    shown = [function for source in sources for function in functions(source)]
    pieces = [function for function in shown if function.name in package]
    assert sorted(piece.name for piece in pieces) == sorted(package)
    for piece in pieces:
        assert essence(piece) == essence(package[piece.name]), piece.name


def functions(source):
    return [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]


def essence(function):
    """The names of the arguments, and the statements without docstring and checks of arguments."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    statements = [ast.dump(statement) for statement in body if not checks(statement)]
    return [argument.arg for argument in function.args.args], statements


def checks(statement):
    """Whether it only raises errors or, as `ctx = context(ctx)`, sets an argument to its check."""
    if isinstance(statement, ast.If):
        return [type(inner) for inner in statement.body] == [ast.Raise] and not statement.orelse
    if not isinstance(statement, (ast.Expr, ast.Assign)):
        return False
    called = getattr(statement.value, "func", None)
    return isinstance(called, ast.Name) and re.match("check_|context$", called.id) is not None


def texts(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def codes(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def compare(printed, expected, cell):
    """The same text and, unless the cell measures time, the same numbers."""
    printed, expected = " ".join(printed.split()), " ".join(expected.split())
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", expected), cell.source
    if "measured" not in cell.metadata.get("tags", ()):
        numbers = [list(map(float, NUMBER.findall(text))) for text in (printed, expected)]
        np.testing.assert_allclose(*numbers, rtol=1e-4, err_msg=cell.source)


def printed_by(cell):
    """All that the cell prints to stdout; a stream may come in several parts."""
    outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    return "".join(out.get("text") or out.get("data", {}).get("text/plain", "") for out in outputs)


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
