"""The command ``mxlinreg``, which ``python -m mxlinreg`` runs too."""

import sys
from importlib import import_module

from . import __version__
from ._streams import end_streams, ready_streams, say
from .commands.parsing import status_of
from .commands.signals import end_undisturbed, stopping_on_signals

COMMANDS = "train", "predict", "show", "explore", "convert", "launch", "doctor"
HELP = """\
usage: mxlinreg COMMAND [OPTIONS]

Linear regression from scratch, on MXNet.

  mxlinreg train      train the chapter's model, on its synthetic data or on a table of your own
  mxlinreg predict    predict from a table with a saved model
  mxlinreg show       print the contents of a saved model
  mxlinreg explore    write the chapter as a page to play with
  mxlinreg convert    convert a model of MXNet to ONNX, and check the result
  mxlinreg launch     run a training as several worker processes, on one or several machines
  mxlinreg doctor     examine this machine: does MXNet work here, and if not, what mends it

mxlinreg COMMAND --help lists the options of a command; mxlinreg --version prints the version."""


def main(argv=None):
    """Run the command that the first of the arguments `argv` names; by default the process's."""
    ready_streams()
    with stopping_on_signals():
        try:
            status = status_of("mxlinreg", lambda: run(sys.argv[1:] if argv is None else argv))
            if status:
                sys.exit(status)
        finally:
            if argv is None:  # run as a program, which now ends
                end_undisturbed()
                end_streams()


def run(argv):
    name, *arguments = argv or ["--help"]
    if name in COMMANDS:
        import_module(f"{__package__}.commands.{name}").main(arguments)
    elif name in ("-h", "--help"):
        print(HELP)
    elif name == "--version":
        print(f"mxlinreg {__version__}")
    else:
        message = f"no command {name!r}; choose from {', '.join(COMMANDS)}"
        say(f"mxlinreg: error: {message} (see --help)")
        sys.exit(2)


if __name__ == "__main__":
    main()
