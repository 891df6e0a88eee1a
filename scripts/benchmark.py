#!/usr/bin/env python
"""Time the engines and the exact solution beside other libraries.

Prints tables, and writes benchmark.json, benchmark.png and growth.png. With --only scale it
measures streams of files and several workers instead, and writes scale.json and scale.png.
"""

import argparse
import json
import math
import sys
from functools import partial
from pathlib import Path
from typing import Callable, Dict, NamedTuple

from benchmarks.fits import descent_tables, exact_tables, measure_descent, measure_exact
from benchmarks.growth import (
    growth_tables,
    large_tables,
    measure_growth,
    measure_large,
    plot_growth,
)
from benchmarks.output import machine, write_json
from benchmarks.page import tables_of, tables_of_part, update
from benchmarks.reference import TOLERANCE, compare_loops, reference_loop, slowdown
from benchmarks.scale import scale
from benchmarks.shapes import (
    SHAPES,
    autograd_tables,
    find_modules,
    measure_autograd,
    measure_shape,
    measure_threads,
    plot_shapes,
    shape_tables,
    threads_tables,
)
from benchmarks.startup import measure_startup, startup_tables

from mxlinreg.commands.parsing import Parser, count, run


class Part(NamedTuple):
    what: str
    measure: Callable
    tables: Callable


class Settings(NamedTuple):
    """What the parts are measured with."""

    runs: int
    divisor: int
    """Rows are divided by this."""
    least_seconds: float
    """How long the epochs of one timing take together, or one epoch if it takes longer."""
    peers_python: str
    missing: Dict[str, str]
    """Modules that are not installed, with the reason to print."""


PARTS = {
    **{
        name: Part(
            f"an epoch on {rows} x {inputs}, batch {batch_size}, beside other libraries",
            partial(measure_shape, name),
            shape_tables,
        )
        for name, (rows, inputs, batch_size) in SHAPES.items()
    },
    "autograd": Part(
        "the engine autograd beside the chapter's loop", measure_autograd, autograd_tables
    ),
    "threads": Part("two compiled fits in threads", measure_threads, threads_tables),
    "large": Part("a compiled epoch on ten million rows", measure_large, large_tables),
    "growth": Part("how the time grows with rows and inputs", measure_growth, growth_tables),
    "exact": Part("the exact solution beside other libraries", measure_exact, exact_tables),
    "regressor": Part("LinearRegressor trained by SGD", measure_descent, descent_tables),
    "import": Part("imports and start-up of the commands", measure_startup, startup_tables),
}


def make_parser():
    names = "\n".join(f"  {name:<10}{part.what}" for name, part in PARTS.items())
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"parts for --only:\n{names}\n  scale     streams of files, and several workers",
    )
    add = parser.add_argument
    add(
        "--only",
        choices=[*PARTS, "scale"],
        metavar="NAME",
        help="measure this part alone, and keep what the folder has of the others; see below "
        "(default: all but scale)",
    )
    add(
        "--runs",
        type=count(1),
        default=7,
        metavar="N",
        help="how often each is timed, in turns with the others (default: 7)",
    )
    add(
        "--peers-python",
        default=sys.executable,
        metavar="PYTHON",
        help="interpreter that has JAX, PyTorch and scikit-learn (default: this one)",
    )
    add(
        "--output",
        type=Path,
        default=Path("benchmark"),
        metavar="FOLDER",
        help="where the files go (default: benchmark)",
    )
    add(
        "--page",
        type=Path,
        metavar="FILE",
        help="Markdown page whose tables, between <!-- NAME --> and <!-- end of NAME -->, are "
        "replaced by those of the folder (default: none)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--quick",
        action="store_true",
        help="use a hundredth of the rows, to see that everything runs; "
        "the figures say nothing (default: all rows)",
    )
    how.add_argument(
        "--stored",
        action="store_true",
        help="measure nothing; draw and print what the folder's benchmark.json holds",
    )
    return parser


def benchmark(args):
    from mxlinreg._files import check_writable, replacing
    from mxlinreg.plotting import plot_network

    # Raise now what would end the run in its last step: no Matplotlib, or no place to write.
    plot_network(1)
    args.output.mkdir(parents=True, exist_ok=True)
    divisor = 100 if args.quick else 1
    if args.only == "scale":
        check_writable("--output", args.output / "scale.json")
        scale(args.output, args.runs, divisor)
        return
    path = check_writable("--output", args.output / "benchmark.json")
    stored = json.loads(path.read_text()) if path.exists() else {}
    if args.stored:
        print("\n\n".join(tables_of(stored, PARTS).values()))
    else:
        names = [args.only] if args.only else list(PARTS)
        compare(names, args.runs, divisor, args.peers_python, stored, args.output)
    draw(stored, args.output)
    if args.page:
        text = args.page.read_text(encoding="utf-8")
        with replacing(args.page) as temporary:
            Path(temporary).write_text(update(text, tables_of(stored, PARTS)), encoding="utf-8")
    print(f"\nthe results are in {args.output}")


def compare(names, runs, divisor, peers_python, stored, output):
    """Measure the parts of these names, print them, and put them into `stored` and the folder."""
    versions, missing = find_modules(peers_python)
    if "numba" in missing:
        raise ImportError('the compiled engine needs Numba: pip install "mxlinreg[bench]"')
    for module, reason in missing.items():
        print(f"left out: {module}; {reason}")
    settings = Settings(runs, divisor, 0.2 / divisor, peers_python, missing)
    before, fastest = reference_loop(), math.inf
    for name in names:
        results = PARTS[name].measure(settings)
        after = reference_loop()
        reference = compare_loops(before, after, fastest)
        stored[name] = {
            "machine": machine(),
            "versions": versions,
            "runs": runs,
            "quick": divisor > 1,
            "reference": reference,
            "busy": slowdown(reference) > TOLERANCE,
            "results": results,
        }
        print(f"\n## {PARTS[name].what}\n", flush=True)
        print(tables_of_part(stored[name], PARTS[name].tables), flush=True)
        before, fastest = after, reference["fastest"]
    tables = tables_of(stored, PARTS)
    print(f"\n## Targets\n\n{tables['targets']}\n\n{tables['environment']}")
    write_json(stored, output / "benchmark.json")


def draw(stored, output):
    """Draw the pictures of the parts that are stored."""
    from mxlinreg.plotting import save_figure

    shapes = [stored[name]["results"] for name in SHAPES if name in stored]
    if shapes:
        save_figure(plot_shapes(shapes), output / "benchmark.png")
    if "growth" in stored:
        save_figure(plot_growth(stored["growth"]["results"]), output / "growth.png")


if __name__ == "__main__":
    run(make_parser(), benchmark)
