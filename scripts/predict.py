#!/usr/bin/env python
"""Predict with a model that train.py has saved, and write the predictions as CSV."""

import sys
from pathlib import Path

import _report
from _command import Parser, run


def make_parser():
    parser = Parser(description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL", help="the .params file")
    parser.add_argument("data", metavar="FILE", help="CSV file with the model's columns, by name")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="CSV file to write (default: standard output)"
    )
    return parser


def predict(args):
    import numpy as np

    from mxlinreg._files import check_writable, replacing
    from mxlinreg.models.checkpoint import load_model
    from mxlinreg.rows import tables

    if args.output is not None:
        check_writable("--output", args.output)
    params, model = load_model(args.model)
    unknown = {"features", "levels", "fill", "target"} - set(model)
    if unknown:
        raise ValueError(f"{args.model}: is not a model of train.py; its JSON lacks {unknown}")
    table = tables.read_table(args.data, text=model["levels"])
    X, columns = tables.encode(table, model["features"], model["levels"])
    if model["fill"] is not None:
        X = tables.fill_missing(X, np.array(model["fill"]))
    missing = np.isnan(X).sum(axis=0)
    if missing.any():
        listed = ", ".join(f"{name!r} {n}" for name, n in zip(columns, missing) if n)
        raise ValueError(f"{args.data}: missing values ({listed}); fill them in, or drop the rows")
    table = {f"predicted {model['target']}": _report.predict(X, params)}
    if args.output is None:
        tables.write_csv(sys.stdout.buffer, table)
    else:
        with replacing(args.output) as temporary:
            tables.write_csv(temporary, table)


if __name__ == "__main__":
    run(make_parser(), predict)
