"""Print the contents of a saved model."""

from pathlib import Path

from .parsing import Parser, run


def main(argv):
    run(make_parser(), lambda given: show(**vars(given)), argv)


def make_parser():
    parser = Parser(prog="mxlinreg show", description="Print the contents of a saved model.")
    parser.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="model file written by mxlinreg train or mxlinreg.save_model",
    )
    return parser


def show(*, model):
    from ..models.model import load_model

    print(load_model(model))
