"""The benchmark compares the same work, counts digits rightly, and its page has its results."""

import json
import sys
from fractions import Fraction
from importlib.util import find_spec

import numpy as np
import pytest
from helpers import ROOT, SCRIPTS, environment

import mxlinreg as mlr

import mxnet as mx  # isort: skip

sys.path.insert(0, str(SCRIPTS))

import benchmark  # noqa: E402
from benchmarks import children, conditioned, page, shapes, solvers  # noqa: E402
from benchmarks.output import ratios, spread  # noqa: E402

RATE = shapes.LEARNING_RATE


def after_chapters_loop(case, batch_size):
    """w and b after the chapter's loop on the batches in the case's order."""
    X, y = (mx.nd.array(case[name][case["order"]]) for name in ("X", "y"))
    params = [mx.nd.array(case[name]) for name in ("w", "b")]
    for param in params:
        param.attach_grad()
    starts = range(0, len(X), batch_size)
    batches = ((X[s : s + batch_size], y[s : s + batch_size]) for s in starts)
    mlr.train_epoch(params, batches, RATE)
    return [param.asnumpy().ravel() for param in params]


@pytest.mark.parametrize("module, names", shapes.PROCESSES)
def test_every_peer_trains_as_the_chapter(tmp_path, monkeypatch, module, names):
    if not find_spec(module):
        pytest.skip(f"{module} is not installed")
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    case = shapes.write_case(tmp_path, 1003, 3, 4, 0.0)  # The last batch has 3 rows.
    expected = after_chapters_loop(case, 1 if module == "sklearn" else 4)
    names = [name for name in names if name not in shapes.LIMITS]
    with children.serving(sys.executable, tmp_path, names) as process:
        for name in names:
            answer = children.ask(process, "check", name)
            for own, chapters in zip((answer["w"], answer["b"]), expected):
                np.testing.assert_allclose(own, chapters, rtol=2e-5, err_msg=name)


def test_an_epoch_in_float64_agrees_with_the_chapters(tmp_path):
    case = shapes.write_case(tmp_path, 103, 3, 4, 0.0)
    w, b = after_chapters_loop(case, 4)
    answer = {"loss": None, "w": w, "b": b}
    shapes.check("chapter", answer, shapes.epoch_in_float64(case, 4))
    with pytest.raises(ValueError, match="off the chapter's"):
        shapes.check("chapter", answer, shapes.epoch_in_float64(case, 5))


def test_exact_slopes():
    X = np.array([[1.0, 0], [2, 1], [3, 5], [4, 2]])
    assert conditioned.exact_slopes(X, X @ [2, -3] + 7) == [2, -3]
    # By hand: the slope of (0, 0), (1, 1), (2, 1) is 1/2.
    assert conditioned.exact_slopes(np.array([[0.0], [1], [2]]), np.array([0.0, 1, 1])) == [
        Fraction(1, 2)
    ]


def test_correct_digits():
    exact = [Fraction(1), Fraction(10**6)]
    assert conditioned.correct_digits([1.0, 1e6], exact) == 15
    assert conditioned.correct_digits([1.0, 1e6 + 1], exact) == pytest.approx(6)
    assert conditioned.correct_digits([3.0, 1e6], exact) == 0


@pytest.mark.parametrize("condition_number", [1e1, 1e4, 1e7])
def test_the_solvers_digits(condition_number):
    X, y = conditioned.problem(condition_number)
    assert np.linalg.cond(X - X.mean(axis=0)) == pytest.approx(condition_number, rel=1e-3)
    exact = conditioned.exact_slopes(X, y)
    arguments = X, np.column_stack([np.ones(len(X)), X]), y
    digits = [
        conditioned.correct_digits(solver(*arguments), exact)
        for solver in (solvers.mxlinreg, solvers.numpy, solvers.normal_equations)
    ]
    # Rounding costs the digits of the condition number, and the normal equations twice as many.
    lost = np.log10(condition_number)
    assert digits[0] > 14.5
    assert 13 - lost < digits[1]
    assert 13 - 2 * lost < digits[2] < 17.5 - 2 * lost


def test_spread_and_ratios():
    assert spread([5, 1, 3, 2, 4], 10) == ["30", "20 – 40"]
    assert ratios([1, 6], [2, 3]) == [0.5, 2]


@pytest.mark.parametrize(
    "before, after, busy",  # Seconds of the loop, and of its computing.
    [
        ((1, 1), (1.14, 1.14), False),
        ((1, 1), (1.16, 1.16), True),
        ((1, 1), (0.86, 0.86), True),
        ((1.2, 1), (1.2, 1), True),
    ],
)
def test_a_busy_machine_shows(tmp_path, monkeypatch, capsys, before, after, busy):
    loops = iter([before, after])
    monkeypatch.setattr(benchmark, "reference_loop", lambda: next(loops))
    monkeypatch.setattr(benchmark, "find_modules", lambda python: ({"numpy": "1"}, {}))
    part = benchmark.PARTS["autograd"]._replace(measure=lambda settings: [[1.0, 2.0], [1.0, 4.0]])
    monkeypatch.setitem(benchmark.PARTS, "autograd", part)
    benchmark.compare(["autograd"], 2, 1, sys.executable, {}, tmp_path)
    stored = json.loads((tmp_path / "benchmark.json").read_text())
    assert stored["autograd"]["busy"] is busy
    printed = capsys.readouterr().out
    assert ("The machine was busy" in printed) is busy
    assert "3 (quartiles 2.5 – 3.5)" in printed
    tables = page.tables_of(stored, benchmark.PARTS)
    assert ("The machine was busy" in tables["autograd"]) is busy
    assert ("on a busy machine:** autograd" in tables["targets"]) is busy


def test_one_part_is_measured_and_the_others_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    stored = json.loads((ROOT / "docs" / "benchmark.json").read_text())
    before = {"threads": stored["threads"]}
    (tmp_path / "benchmark.json").write_text(json.dumps(before))
    text = "<!-- autograd -->\nold\n<!-- end of autograd -->\nafter\n"
    (tmp_path / "page.md").write_text(text)
    arguments = ["--only", "autograd", "--quick", "--runs", "1", "--output", str(tmp_path)]
    options = benchmark.make_parser().parse_args([*arguments, "--page", str(tmp_path / "page.md")])
    benchmark.benchmark(options)
    after = json.loads((tmp_path / "benchmark.json").read_text())
    assert list(after) == ["threads", "autograd"] and after["threads"] == before["threads"]
    assert len(after["autograd"]["results"]) == 6
    written = (tmp_path / "page.md").read_text()
    assert "quick run" in written and "old" not in written and written.endswith("-->\nafter\n")


def test_the_page_shows_what_is_stored():
    text = (ROOT / "docs" / "performance.md").read_text()
    stored = json.loads((ROOT / "docs" / "benchmark.json").read_text())
    tables = page.tables_of(stored, benchmark.PARTS)
    assert set(benchmark.PARTS) <= set(tables)
    for name in tables:
        assert text.count(f"<!-- {name} -->") == text.count(f"<!-- end of {name} -->") == 1, name
    assert page.update(text, tables) == text
