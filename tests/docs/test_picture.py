"""The README's picture of a fit."""

import re
import sys

import numpy as np
import pytest
from helpers import ROOT

STORED = ROOT / "docs" / "training.svg"


@pytest.fixture
def training(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import training

    yield training
    del sys.modules["training"]


def test_it_shows_a_line_that_comes_to_fit_the_data(training):
    x, y, lines = training.fit()
    assert len(lines) == 11
    errors = [np.mean((x * w + b - y) ** 2) for w, b in lines]
    least = np.mean((np.polyval(np.polyfit(x, y, 1), x) - y) ** 2)
    assert errors[0] > 20 * least and errors[-1] < 1.1 * least
    assert errors == sorted(errors, reverse=True)
    before, after = training.draw(x, y, lines).axes
    for axes, (w, b), title in (
        (before, lines[0], "before training"),
        (after, lines[-1], "after ten epochs"),
    ):
        assert axes.get_title() == title
        np.testing.assert_allclose(axes.collections[0].get_offsets(), np.stack([x, y], axis=1))
        ends, heights = axes.lines[-1].get_data()
        np.testing.assert_allclose(heights, ends * w + b)
    assert len(after.lines) == 11


def coordinates(svg):
    """Where the points and lines are. Another NumPy rounds their last digits otherwise."""
    texts = re.findall(r' (?:x|y|d)="([^"]+)"', svg)
    return [float(number) for text in texts for number in re.findall(r"-?\d+\.?\d*", text)]


def test_the_stored_picture_is_drawn_by_this_program(training, tmp_path, monkeypatch):
    import matplotlib

    stored = STORED.read_text()
    if re.search(r"Matplotlib v([\d.]+)", stored)[1] != matplotlib.__version__:
        pytest.skip("drawn with another matplotlib")
    monkeypatch.setattr(sys, "argv", ["training.py", str(tmp_path / "fit.svg")])
    training.main()
    drawn = (tmp_path / "fit.svg").read_text()
    np.testing.assert_allclose(coordinates(drawn), coordinates(stored), atol=0.01)
