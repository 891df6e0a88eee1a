"""Predict with a model that `mxlinreg train` has saved, and write the predictions as CSV."""

import sys
from pathlib import Path

from .parsing import Parser, run


def main(argv):
    run(make_parser(), lambda given: predict(**vars(given)), argv)


def make_parser():
    parser = Parser(
        prog="mxlinreg predict",
        description="Predict with a model that mxlinreg train has saved, "
        "and write the predictions as CSV.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="the .params file")
    parser.add_argument("data", metavar="FILE", help="CSV file with the model's columns, by name")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="CSV file to write (default: standard output)"
    )
    return parser


def predict(*, model, data, output):
    from .._files import check_writable, replacing
    from ..models.table_model import load_table_model, predict_table
    from ..rows import tables

    if output is not None:
        check_writable("--output", output)
    params, description = load_table_model(model)
    yhat = predict_table(params, description, data)
    table = {f"predicted {description['target']}": yhat}
    if output is None:
        tables.write_csv(sys.stdout.buffer, table)
    else:
        with replacing(output) as temporary:
            tables.write_csv(temporary, table)
