#!/usr/bin/env python
"""Time an epoch of both engines beside the same epoch in other libraries.

Prints tables, and writes benchmark.json, benchmark.png and growth.png. With --scale it measures
streams of files and several workers instead, and writes scale.json and scale.png.
"""

import sys
from pathlib import Path

from benchmarks.fits import measure_descent, measure_exact, print_descent, print_exact
from benchmarks.growth import measure_growth, measure_large, plot_growth, print_growth
from benchmarks.output import machine, write_json
from benchmarks.scale import scale
from benchmarks.shapes import (
    LABELS,
    SHAPES,
    find_peers,
    measure_autograd,
    measure_shape,
    plot_shapes,
    print_shape,
)
from benchmarks.startup import measure_job, measure_startup, print_startup
from benchmarks.targets import print_targets, targets

from mxlinreg.commands.parsing import Parser, count, run


def make_parser():
    parser = Parser(description=__doc__)
    add = parser.add_argument
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
        "--quick",
        action="store_true",
        help="use a hundredth of the rows, to see that everything runs; "
        "the figures say nothing (default: all rows)",
    )
    add(
        "--scale",
        action="store_true",
        help="measure streams of files, and measure and model several workers, and nothing else",
    )
    return parser


def benchmark(args):
    from mxlinreg._files import check_writable
    from mxlinreg.plotting import plot_network

    # Raise now what would end the run in its last step: no Matplotlib, or no place to write.
    plot_network(1)
    args.output.mkdir(parents=True, exist_ok=True)
    check_writable("--output", args.output / ("scale.json" if args.scale else "benchmark.json"))
    divisor = 100 if args.quick else 1
    if args.scale:
        scale(args.output, args.runs, divisor)
    else:
        compare(args.output, args.runs, divisor, args.peers_python)


def compare(output, runs, divisor, peers_python):
    """Measure everything but --scale, on all rows divided by `divisor`."""
    from mxlinreg.plotting import save_figure

    versions, missing = find_peers(peers_python)
    if "numba" not in versions:
        raise ImportError('the compiled engine needs Numba: pip install "mxlinreg[bench]"')
    print(f"{machine()}; {', '.join(f'{name} {version}' for name, version in versions.items())}")
    for name, reason in missing.items():
        print(f"left out: {LABELS[name]}; {reason}")
    shapes = []
    for shape in SHAPES:
        shapes.append(measure_shape(shape, runs, peers_python, missing, divisor))
        print_shape(shapes[-1])
    results = {
        "machine": machine(),
        "versions": versions,
        "runs": runs,
        "shapes": shapes,
        "autograd": measure_autograd(runs),
        "startup": measure_startup(runs),
        "process": measure_job(runs),
        "large": measure_large(divisor),
        "growth": measure_growth(divisor),
        "exact": measure_exact(runs, divisor),
        "descent": measure_descent(),
    }
    results["targets"] = targets(results)
    print_startup(results["startup"])
    print_growth(results["growth"])
    print_exact(results["exact"])
    print_descent(results["descent"])
    print_targets(results["targets"])
    write_json(results, output / "benchmark.json")
    save_figure(plot_shapes(shapes), output / "benchmark.png")
    save_figure(plot_growth(results["growth"]), output / "growth.png")
    print(f"\nwrote benchmark.json, benchmark.png and growth.png to {output}")


if __name__ == "__main__":
    run(make_parser(), benchmark)
