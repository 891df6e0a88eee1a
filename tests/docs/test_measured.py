"""The measured tables of the pages are those of the stored JSON. Nothing is measured here."""

import json
import re

import pytest
from helpers import ROOT, SCRIPTS
from pages import PAGES


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))


def stored(name):
    return json.loads((ROOT / "docs" / name).read_text(encoding="utf-8"))


def text_of(name):
    return PAGES[name].read_text(encoding="utf-8")


def test_accuracy():
    import accuracy

    results = stored("accuracy.json")
    assert accuracy.page(results) == text_of("accuracy.md")
    (axes,) = accuracy.picture(results).axes
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    for bars, library in zip(heights, ("mxlinreg", "NumPy", "scikit-learn", "statsmodels")):
        assert bars == [case[library] for case in results["coefficients"].values()]


def test_scale(capsys):
    from benchmarks.scale import print_results

    print_results(stored("scale.json"))
    section = re.search(r"^## Measured\n\n(.*?)\n## ", text_of("scale.md"), re.M | re.S)[1]
    assert capsys.readouterr().out == section


def test_the_packages_on_the_page_are_those_that_are_run():
    from clients import CLIENTS

    section = text_of("mxnet.md").partition("| package | what was tried |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\S+ \d\S*) \| ([^|]+) \| works", section, re.M)
    assert rows == [(f"{each.name} {each.version}", each.what) for each in CLIENTS]
    scripts = {path.name for path in (SCRIPTS / "clients").glob("*.py")}
    assert scripts == {each.script for each in CLIENTS}


def cells(name):
    """What the cells of a page's tables begin with: "794" of "794 (567 – 1021)"."""
    rows = re.findall(r"^\|.*\|$", text_of(name), re.M)
    return {cell.split()[0] for row in rows for cell in row.split("|") if cell.strip()}


def test_the_readmes_figures_are_those_of_the_pages():
    section = text_of("README.md").partition("| measured | command |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| [^|]+ \| ([^|]*\d[^|]*) \| `python ([^ `]+)", section, re.M)
    assert len(rows) == 3
    for figures, script in rows:
        page = {"scripts/accuracy.py": "accuracy.md", "scripts/benchmark.py": "performance.md"}
        numbers = re.findall(r"[\d.]+\d", figures)
        assert len(numbers) == 2 and set(numbers) <= cells(page[script]), figures


def test_reliability():
    from attacks.page import page

    assert page(stored("reliability.json")) == text_of("reliability.md")


def test_every_promise_has_its_tests():
    from attacks.page import PROMISES

    named = [test.split("::") for tests in PROMISES.values() for test in tests]
    assert len(named) > 20 and all(PROMISES.values())
    for path, name in named:
        assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8"), name


def test_the_last_attack_was_long_and_nothing_failed():
    parts = stored("reliability.json")["parts"]
    assert not any(record["failures"] or record["skipped"] for record in parts.values())
    files = [n for kind, n in parts["files"]["tried"].items() if not kind.startswith("readings")]
    kills = [n for kind, n in parts["kills"]["tried"].items() if kind.startswith("of these")]
    assert sum(files) >= 5000 and sum(kills) >= 200, (sum(files), sum(kills))
