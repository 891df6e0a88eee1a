"""``python -m mxlinreg.alive old.py ARGS``: run old MXNet code unchanged."""

import argparse
import sys

from .old_code import run_module, run_script


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m mxlinreg.alive",
        usage="%(prog)s [--also PACKAGES] (-m MODULE | SCRIPT) [ARGS ...]",
        description="Run old code unchanged: the script, its own modules, MXNet and the packages "
        "of --also see a NumPy with the names of version 1.23. Nobody else does.",
    )
    parser.add_argument(
        "--also",
        metavar="PACKAGES",
        default="",
        help="installed packages that need the old names, too, such as gluoncv,gluonts",
    )
    parser.add_argument(
        "-m", dest="module", metavar="MODULE", nargs=argparse.REMAINDER, help="a module to run"
    )
    parser.add_argument("script", metavar="SCRIPT", nargs="?", help="a Python file")
    parser.add_argument("args", metavar="ARGS", nargs=argparse.REMAINDER, help="its arguments")
    given = parser.parse_args()
    packages = [name.strip() for name in given.also.split(",") if name.strip()]
    if given.module:
        run_module(given.module[0], given.module[1:], packages)
    elif given.script is not None:
        run_script(given.script, given.args, packages)
    else:
        parser.print_usage(sys.stderr)
        raise SystemExit(2)


if __name__ == "__main__":
    main()
