"""Saved models."""

import json

import mxnet as mx
import numpy as np
import pytest

from mxlinreg import checkpoint, files


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.params"
    params = mx.nd.array([[1.0], [2.0]], dtype="float64"), mx.nd.array([3.0], dtype="float64")
    checkpoint.save_model(path, params, {"columns": ["a", "b"]})
    return path


def test_there_and_back(saved):
    (w, b), description = checkpoint.load_model(saved)
    assert w.asnumpy().tolist() == [[1], [2]] and b.asnumpy().tolist() == [3]
    assert w.dtype == np.float64 and description["columns"] == ["a", "b"]


def test_mxnet_reads_the_file_itself(saved):
    assert sorted(mx.nd.load(str(saved))) == ["b", "w"]
    assert json.loads(saved.with_suffix(".json").read_text())["columns"] == ["a", "b"]
    assert sorted(p.name for p in saved.parent.iterdir()) == ["model.json", "model.params"]


def test_a_failure_leaves_the_old_model(saved):
    before = saved.read_bytes(), saved.with_suffix(".json").read_bytes()
    params = mx.nd.ones((1, 1)), mx.nd.ones((1,))
    with pytest.raises(ValueError):
        checkpoint.save_model(saved, params, {"loss": float("nan")})
    assert (saved.read_bytes(), saved.with_suffix(".json").read_bytes()) == before
    assert len(list(saved.parent.iterdir())) == 2


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "foreign"])
def test_damaged_params(saved, damage):
    content = saved.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    new = {"flip": flipped, "cut": content[:-5], "empty": b"", "foreign": b"hello"}[damage]
    saved.write_bytes(new)
    with pytest.raises(ValueError, match="does not belong to .*, or is damaged"):
        checkpoint.load_model(saved)


def test_missing_or_foreign_json(saved):
    saved.with_suffix(".json").write_text("[]")
    with pytest.raises(ValueError, match="does not belong"):
        checkpoint.load_model(saved)
    saved.with_suffix(".json").write_text("{")
    with pytest.raises(ValueError, match="not a model's JSON"):
        checkpoint.load_model(saved)
    saved.with_suffix(".json").unlink()
    with pytest.raises(ValueError, match="model.json: cannot be read"):
        checkpoint.load_model(saved)


def test_the_json_has_a_name_of_its_own(tmp_path):
    with pytest.raises(ValueError, match="another name"):
        checkpoint.description_path(tmp_path / "model.json")


def test_check_writable(tmp_path):
    files.check_writable("--save", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    for path in (tmp_path, tmp_path / "missing" / "file", "/dev/null"):
        with pytest.raises(ValueError, match="--save"):
            files.check_writable("--save", path)
