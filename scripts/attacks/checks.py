"""Whether a file that the package has written is complete, by the ending of its name."""

import csv

import mxlinreg as mlr
from mxlinreg.models.checkpoint import read_checkpoint


def check_predictions(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    assert path.read_bytes().endswith(b"\n") and len(set(map(len, rows))) == 1, rows[-2:]
    [float(value) for row in rows[1:] for value in row if value]


def check_picture(path):
    ends = {".svg": b"</svg>", ".pdf": b"%%EOF"}
    assert path.read_bytes().rstrip().endswith(ends.get(path.suffix, b"IEND\xaeB`\x82")), "cut off"


def check_onnx(path):
    import onnx

    onnx.checker.check_model(onnx.load(path), full_check=True)


CHECKS = {
    ".params": mlr.load_model,
    ".ckpt": read_checkpoint,
    ".csv": check_predictions,
    ".png": check_picture,
    ".svg": check_picture,
    ".pdf": check_picture,
    ".onnx": check_onnx,
}


def error_of(check, path):
    """What a check says of a file, or ""."""
    try:
        check(path)
    except Exception as error:
        return repr(error)
    return ""
