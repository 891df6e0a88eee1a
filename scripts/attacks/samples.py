"""Sound files of each kind, and how they are damaged or forged."""

import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Callable, Dict, NamedTuple, Sequence

import numpy as np

import mxlinreg as mlr
from mxlinreg.models.checkpoint import read_checkpoint
from mxlinreg.models.params_file import params_bytes, params_from, read_params

from . import readers
from .mutations import mutated, mutated_array, mutated_json

DATA = Path(__file__).resolve().parent.parent.parent / "tests/data"


class Sample(NamedTuple):
    kind: str
    files: Dict[str, bytes]
    """The content of each file by its name. The readers get the first."""
    readers: Sequence[str]
    change: Callable[..., Dict[str, bytes]]
    """`change(files, rng)` makes the files of an attack from the sound ones."""
    expected: str = ""
    """The only results that are right: "sound" for those of the sound file, "MXNet's" or "cells"
    for what other readers find. With "any" errors need not name the file, because a forged file
    may hold what is bad for another reason."""


def damaged(files, rng):
    """One of the files damaged, the others sound."""
    name = sorted(files)[rng.integers(len(files))]
    return {**files, name: mutated(files[name], rng)}


def make_samples():
    """All samples. They and the sound files that readers need are made in the working directory."""
    import mxnet as mx

    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2)).round(2)
    y = (3 * X[:, 0] - X[:, 1] + rng.normal(size=30)).round(3)
    plain = "x0,x1,y\n" + "".join(f"{a},{b},{c}\n" for (a, b), c in zip(X.tolist(), y.tolist()))
    towns = ["Rom", '"Paris, ""2e"""', "Köln", '"a\nb"', ""]
    mixed = "x0;x1;town;day;old;y\r\n" + "".join(
        f"{a:.2f};{b};{towns[i % 5]};2020-01-{1 + i % 28:02};{i % 3 == 0};{c:.3f}\r\n"
        for i, ((a, b), c) in enumerate(zip(X, y))
    ).replace(".", ",")
    Path("sound.csv").write_text(plain)
    Path("mixed.csv").write_text(mixed, encoding="utf-8")
    mlr.save_model("sound.params", mlr.fit("sound.csv", "y"))
    mlr.save_model("mixed.params", mlr.fit("mixed.csv", "y", missing="mean"))
    mx.nd.save("plain.params", {"w": mx.nd.array([[1.5], [-2.0]]), "b": mx.nd.array([0.5])})
    mlr.export_symbol(mlr.Model(np.ones((3, 1), "f4"), np.ones(1, "f4")), "sound")
    readers.resume("train.ckpt")
    readers.train("chapter.ckpt", epochs=2)

    def one(kind, name, names, change=damaged, expected=""):
        return Sample(kind, {name: Path(name).read_bytes()}, names, change, expected)

    for name in ("model-0.1.params", "model-0.1.json"):
        shutil.copy(DATA / name, name)
    old = {name: Path(name).read_bytes() for name in ("model-0.1.params", "model-0.1.json")}
    model_readers, tables = ("load", "show", "predict"), ("whole", "fit", "predict_table")
    numbers = (*tables, "blocks", "stream", "fit_stream", "train_table")
    samples = [
        one("saved models", "mixed.params", model_readers, damaged, "sound"),
        one("saved models", "sound.params", model_readers, damaged, "sound"),
        Sample("models of version 0.1", old, ("load", "show"), damaged, "sound"),
        one("models of MXNet", "plain.params", model_readers, damaged, "MXNet's"),
        one("forged models", "mixed.params", model_readers, forged_model, "any"),
        one("forged models", "sound.params", model_readers, forged_model, "any"),
        one("checkpoints", "train.ckpt", ("resume",), damaged, "sound"),
        one("checkpoints", "chapter.ckpt", ("train",), damaged, "sound"),
        one("forged checkpoints", "train.ckpt", ("resume",), forged_checkpoint, "any"),
        one("forged checkpoints", "chapter.ckpt", ("train",), forged_checkpoint, "any"),
        one("CSV files", "sound.csv", numbers, damaged, "cells"),
        one("CSV files", "mixed.csv", tables, damaged, "cells"),
        one("symbol files", "sound-symbol.json", ("convert_symbol",), damaged_symbol),
        one("symbol files", "sound-0000.params", ("convert_params",)),
    ]
    for i, options in enumerate(PARQUET):
        name = f"table{i}.parquet"
        write_parquet(name, X, y, options)
        samples.append(one("Parquet files", name, numbers[:-1], damaged, "cells"))
    return samples


PARQUET = [
    {"compression": "none", "use_dictionary": False},
    {"compression": "snappy", "data_page_version": "2.0", "row_group_size": 10},
    {"compression": "zstd", "write_page_checksum": True},
]


def write_parquet(name, X, y, options):
    import pyarrow
    from pyarrow import parquet

    columns = {"x0": X[:, 0], "x1": X[:, 1].astype("f4"), "y": y}
    columns["town"] = pyarrow.array([["Rom", "Köln", None][i % 3] for i in range(len(y))])
    if options["compression"] == "snappy":
        columns["town"] = columns["town"].dictionary_encode()
    parquet.write_table(pyarrow.table(columns), name, **options)


def forged_model(files, rng):
    """Another model or description, whose checksum is right."""
    ((name, content),) = files.items()
    Path("forged").write_bytes(content)
    arrays = dict(read_params("forged"))
    description = json.loads(arrays.pop("description").tobytes())
    del description["sha256"]
    if rng.integers(3):
        description = mutated_json(description, rng)
    else:
        changed = "wb"[rng.integers(2)]
        arrays[changed] = mutated_array(arrays[changed], rng)
    text = json.dumps(description, sort_keys=True)
    digest = hashlib.sha256(params_bytes(arrays) + text.encode()).hexdigest()
    text = json.dumps({**description, "sha256": digest})
    content = params_bytes({**arrays, "description": np.frombuffer(text.encode(), np.uint8)})
    return {name: content}


def forged_checkpoint(files, rng):
    """Another state, whose checksum is right."""
    ((name, content),) = files.items()
    Path("forged").write_bytes(content)
    state, params = read_checkpoint("forged")
    if rng.integers(3):
        state = mutated_json(state, rng)
    elif rng.integers(2):
        params = mutated(params, rng)
    else:
        arrays = dict(params_from(io.BytesIO(params)))
        changed = "wb"[rng.integers(2)]
        arrays[changed] = mutated_array(arrays[changed], rng)
        params = params_bytes(arrays)
    content = json.dumps(state).encode() + b"\n" + params
    digest = hashlib.sha256(content).hexdigest().encode()
    return {name: b"mxlinreg checkpoint 1\n" + digest + b"\n" + content}


def damaged_symbol(files, rng):
    """The JSON file with other bytes, or with other values."""
    if rng.integers(2):
        return damaged(files, rng)
    ((name, content),) = files.items()
    return {name: json.dumps(mutated_json(json.loads(content), rng)).encode()}
