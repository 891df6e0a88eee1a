"""Files that are written completely or not at all."""

import pytest

from mxlinreg import _files as files


def test_check_writable(tmp_path):
    files.check_writable("--save", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    for path in (tmp_path, tmp_path / "missing" / "file", "/dev/null"):
        with pytest.raises(ValueError, match="--save"):
            files.check_writable("--save", path)
