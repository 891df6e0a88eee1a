"""Saved models: there and back, damaged, forged."""

import hashlib
import json
import random

import mxnet as mx
import numpy as np
import pytest
from helpers import mutations

from mxlinreg.models import checkpoint


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
    for text in ("{", "[" * 100000):
        saved.with_suffix(".json").write_text(text)
        with pytest.raises(ValueError, match="not a model's JSON"):
            checkpoint.load_model(saved)
    saved.with_suffix(".json").unlink()
    with pytest.raises(ValueError, match="model.json: cannot be read"):
        checkpoint.load_model(saved)


def test_damaged_json(saved):
    path = saved.with_suffix(".json")
    path.write_text(path.read_text().replace('"a"', '"c"'))
    with pytest.raises(ValueError, match="does not belong to .*, or is damaged"):
        checkpoint.load_model(saved)


def test_forged_models(saved):
    """Even with a checksum that fits, the parameters cannot do harm."""
    whole, path = saved.read_bytes(), saved.with_suffix(".json")
    description = json.loads(path.read_text())
    del description["sha256"]

    def refused(content, described):
        text = json.dumps(described, sort_keys=True)
        digest = hashlib.sha256(content + text.encode()).hexdigest()
        saved.write_bytes(content)
        path.write_text(json.dumps({**described, "sha256": digest}))
        try:
            checkpoint.load_model(saved)
        except ValueError as error:
            assert str(saved) in str(error)
            return True
        return False

    assert not refused(whole, description)
    for damaged in mutations(whole, random.Random(2), 500):
        refused(damaged, description)
    for shapes in ([], [[2, 1]], [[2, 1], [2**70]], [[2, 1], ["1"]], 3, [[2, 2], [1]]):
        assert refused(whole, {**description, "shapes": shapes})
    for dtype in ("float32", "object", "none", 3):
        assert refused(whole, {**description, "dtype": dtype})


def test_the_json_has_a_name_of_its_own(tmp_path):
    with pytest.raises(ValueError, match="another name"):
        checkpoint.description_path(tmp_path / "model.json")
