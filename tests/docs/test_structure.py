"""What must be true of the README and the pages besides their commands."""

import configparser
import re

import pytest
from helpers import ROOT
from pages import PAGES, blocks

TEXTS = {name: path.read_text(encoding="utf-8") for name, path in PAGES.items()}
TEXTS["CONTRIBUTING.md"] = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def path_of(name):
    return PAGES.get(name, ROOT / name)


def anchors(text):
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short():
    assert len(TEXTS["README.md"].splitlines()) <= 150


def test_the_readme_links_to_every_page():
    linked = set(re.findall(r"\]\((docs/\w+\.md)", TEXTS["README.md"]))
    assert linked == {f"docs/{name}" for name in PAGES if name != "README.md"}


def test_the_gate_finds_the_test_command():
    line = next(line for line in TEXTS["README.md"].splitlines() if "-m pytest" in line)
    assert re.fullmatch(
        r"python -m venv \.venv && \S+pip install \S+ && \S+python -m pytest .*", line
    )


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name):
    links = re.findall(r"\]\(([^)\s]+)\)", TEXTS[name])
    for link in links:
        target, _, anchor = link.partition("#")
        if target.startswith("http"):
            continue
        path = (path_of(name).parent / target).resolve() if target else path_of(name)
        assert path.exists(), link
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), link


def test_pictures_are_shown():
    shown = {
        (path_of(name).parent / picture).resolve()
        for name, text in TEXTS.items()
        for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    }
    assert shown == {path for path in (ROOT / "docs").iterdir() if path.suffix in (".png", ".svg")}


def test_extras_exist():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    known = set(config["options.extras_require"])
    code = "".join(block.code for name in PAGES for block in blocks(name))
    named = {extra for group in re.findall(r"\.\[([\w,]+)\]", code) for extra in group.split(",")}
    assert named and named <= known


def test_a_gpu_package_is_installed_last():
    """pip would put the package for the CPU back in place of it."""
    for name in PAGES:
        code = "".join(block.code for block in blocks(name))
        before, found, after = code.partition("pip install mxnet-cu")
        assert "pip install" not in after, name


def test_parentheses_of_contexts_are_quoted():
    """bash takes parentheses for its own, so `gpu(1)` needs quotes on every command line."""
    for name, text in TEXTS.items():
        commands = (
            [block.code for block in blocks(name) if block.language == "sh"]
            if name in PAGES
            else []
        )
        for command in [*commands, *re.findall(r"`(mxlinreg [^`]*|--[^`]*)`", text)]:
            assert re.search(r'(?<!["\w(,])[cg]pu\(', command) is None, (name, command)
