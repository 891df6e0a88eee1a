"""Standard streams that are closed, or cannot be written."""

import subprocess
import sys

import pytest
from helpers import environment

from mxlinreg import _streams as streams

# The number of the first file that is opened, once the standard streams are ready.
FIRST_FILE = """
import sys
from mxlinreg._streams import ready_streams

ready_streams()
with open(sys.argv[1], "w") as file:
    file.write(str(file.fileno()))
print("\\u5186", file=sys.stdout)
print("\\u5186", file=sys.stderr)
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_gets_the_number_of_a_closed_stream(closed, tmp_path):
    command = ["bash", "-c", f'"$@" {closed}', "-", sys.executable, "-c", FIRST_FILE]
    done = subprocess.run(
        [*command, tmp_path / "number"],
        capture_output=True, env={**environment(), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (tmp_path / "number").read_text() > "2"
    assert done.returncode == 0
    printed = b"\\u5186\n"
    assert done.stdout == (b"" if " >&-" in f" {closed}" else printed)
    assert done.stderr == (b"" if "2>&-" in closed else printed)


@pytest.fixture
def full():
    with open("/dev/full", "w") as file:
        yield file
        streams.drop_unwritable(file)


def test_a_stream_that_lasts(full, capsys):
    lasting = streams.Lasting(full)
    for _ in range(2):
        assert print("text", file=lasting, flush=True) is None
    assert isinstance(lasting.error, OSError) and not lasting.isatty()
    lasting = streams.Lasting(sys.stdout)
    print("text", file=lasting, flush=True)
    assert lasting.error is None and capsys.readouterr().out == "text\n"


def test_saying_where_stderr_is_missing_or_full(full, monkeypatch, capsys):
    for stderr in (None, full):
        monkeypatch.setattr(sys, "stderr", stderr)
        streams.say("text")
        assert capsys.readouterr().out == ""


def test_what_is_dropped_is_reported(tmp_path):
    with open("/dev/full", "w") as file:
        file.write("text")
        assert "No space" in str(streams.drop_unwritable(file))
        file.write("text")
        assert streams.drop_unwritable(file) is None
