"""The page as a file: whole, self-contained, and with the code as it is now."""

import ast
import html
import inspect
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers import fail, run, succeed
from stored import PAGE, array, recording

import mxlinreg as mlr
from mxlinreg.lesson.page import fill_page

TEXT = PAGE.read_text(encoding="utf-8")


class Elements(HTMLParser):
    """All elements, and the texts of those named pre."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.listings, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "pre":
            self.inside = True
            self.listings.append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "pre"

    def handle_data(self, data):
        if self.inside:
            self.listings[-1] += data


def test_it_is_one_file_that_loads_nothing():
    assert len(TEXT.encode()) <= 2_000_000
    for tag, attributes in Elements(TEXT).elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            if name in attributes:
                assert attributes[name].startswith("#") or attributes[name] == "data:,", tag
    for word in ("http://", "https://", "//cdn", "@import", "url(", "fetch(", "XMLHttpRequest"):
        allowed = {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}
        for match in re.finditer(re.escape(word), TEXT):
            assert any(TEXT.startswith(name, match.start()) for name in allowed), word


def test_the_code_is_that_of_the_package():
    listings = Elements(TEXT).listings
    names = "real_fn", "init_params", "net", "square_loss", "train_epoch", "SGD"
    assert len(listings) == len(names)
    for name, listing in zip(names, listings):
        shown, source = (
            ast.parse(text).body[0] for text in (listing, inspect.getsource(getattr(mlr, name)))
        )
        assert source.body.pop(0).value.value.startswith(inspect.getdoc(getattr(mlr, name))[:20])
        assert ast.dump(shown) == ast.dump(source), name


def test_the_stored_page_is_made_by_todays_package():
    mxnet, numpy = re.search(r"with MXNet ([\d.]+) and NumPy ([\d.]+)", TEXT).groups()
    assert TEXT == fill_page(recording(), {"mxnet": mxnet, "numpy": numpy})
    assert f"Recorded by mxlinreg {html.escape(mlr.__version__)} " in TEXT


def test_the_stored_recording_has_the_chapters_numbers(frozen):
    stored, expected = recording(), frozen(1, 4)
    params = array(stored["params"], "<f4").reshape(-1, 3)
    assert params.shape == (25001, 3) and len(array(stored["losses"], "<f4")) == 25000
    np.testing.assert_allclose(stored["mean_losses"], expected["losses"], rtol=1e-5)
    np.testing.assert_allclose(params[-1], [*expected["w"], *expected["b"]], rtol=1e-5)


def test_what_is_recorded_cannot_end_the_script():
    text = fill_page({"name": "</script><b>&"}, {"mxnet": "<i>", "numpy": "&"})
    assert "</script><b>" not in text and '"\\u003c/script>\\u003cb>&"' in text
    assert "MXNet &lt;i&gt; and NumPy &amp;" in text


@pytest.mark.slow
def test_the_command_writes_the_page(tmp_path):
    path = tmp_path / "chapter.html"
    done = succeed("explore", "--output", path, how=run)
    assert done.stdout == f"open {path} in a browser\n" and done.stderr == ""
    written = re.sub(r'id="recording">.*?</script>|NumPy [\d.]+', "", path.read_text("utf-8"))
    assert written == re.sub(r'id="recording">.*?</script>|NumPy [\d.]+', "", TEXT)
    assert list(tmp_path.iterdir()) == [path]


def test_the_command_checks_the_file_first(tmp_path):
    assert "--output: cannot write" in fail(1, "explore", "--output", tmp_path / "no" / "a.html")
    assert "required: --output" in fail(2, "explore")
