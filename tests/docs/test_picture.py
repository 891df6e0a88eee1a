"""The README's picture: the recorded training, and nothing that is not in the recording."""

import re
import sys
from xml.etree import ElementTree

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


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", text)]


def test_the_stored_picture_is_drawn_by_this_program(training, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["training.py", str(tmp_path / "training.svg")])
    training.main()
    drawn, stored = (tmp_path / "training.svg").read_text("utf-8"), STORED.read_text("utf-8")
    # Another NumPy may round a last digit differently.
    assert re.sub(r"[\d.]+", "#", drawn) == re.sub(r"[\d.]+", "#", stored)
    np.testing.assert_allclose(numbers(drawn), numbers(stored), atol=0.02)
    assert len(stored.encode()) <= 500_000


def test_it_shows_the_recorded_training(training):
    X, y, params, losses = training.recording()
    tree = ElementTree.fromstring(STORED.read_text("utf-8"))
    parts = {}
    for element in tree.iter():
        for name in element.get("class", "").split():
            parts.setdefault(name, []).append(element)
    # The axis tells where the line is: two labels give the scale.
    heights = [numbers(grid.get("d"))[1] for grid in parts["grid"]]
    values = np.poly1d(np.polyfit(heights, (-5, 0, 5, 10, 15), 1))
    _, first, _, last = numbers(parts["model"][0].get("d"))
    _, w1, b = params[-1]
    assert values([first, last]) == pytest.approx([b - 3 * w1, b + 3 * w1], abs=0.05)
    _, first, _, last = numbers(parts["true"][0].get("d"))
    assert values([first, last]) == pytest.approx([4.2 + 3 * 3.4, 4.2 - 3 * 3.4], abs=0.05)
    rows = [numbers(mark) for mark in parts["rows"][0].get("d").split("M")[1:]]
    near = (np.abs(X[:, 0]) < 0.2) & (np.abs(X[:, 1]) < 3)
    assert [values(row[1]) for row in rows] == pytest.approx(y[near], abs=0.05)
    texts = ["".join(element.itertext()) for element in parts["numbers"]]
    for epoch, (text, loss) in enumerate(zip(texts, losses)):
        assert text.startswith(f"epoch {epoch}: mean loss {loss:.3g}w₀ ")
        w0 = params[2500 * (epoch + 1)][0]
        assert float(text.split("w₀ ")[1].split(",")[0]) == pytest.approx(w0, abs=0.0051)
    # The rings are contours, so the ball rests in the smallest one.
    inner = np.array(numbers(parts["ring"][-1].get("d"))).reshape(-1, 2)
    ball = float(parts["ball"][0].get("cx")), float(parts["ball"][0].get("cy"))
    assert (inner.min(axis=0) < ball).all() and (ball < inner.max(axis=0)).all()


def test_it_stands_still_where_animation_is_off():
    text = STORED.read_text("utf-8")
    style = text[text.index("<style>") : text.index("</style>")]
    still, moving = style.split("@media (prefers-reduced-motion: no-preference)")
    assert "animation" not in still and "animation: ball" in moving
    assert "<animate" not in text and "<script" not in text
