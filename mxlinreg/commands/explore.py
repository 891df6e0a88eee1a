"""Write the chapter as a page to play with."""

import sys
from pathlib import Path

from .parsing import Parser, run


def main(argv):
    run(make_parser(), lambda given: explore(**vars(given)), argv)


def make_parser():
    parser = Parser(
        prog="mxlinreg explore",
        description="Write the chapter as a page to play with. The chapter's training is run and "
        "recorded step by step, which takes half a minute. The page is one file that loads "
        "nothing; open it in a browser.",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE.html",
        help="HTML file to write",
    )
    return parser


def explore(*, output):
    from .._files import check_writable, write_bytes
    from .train import start_mxnet

    check_writable("--output", output)
    start_mxnet("cpu", ["cpu"])
    from ..lesson.page import make_page
    from ..lesson.recorder import record

    page = make_page(record(progress=sys.stderr.isatty()))
    write_bytes(output, page.encode())
    print(f"open {output} in a browser")
