"""The command `mxlinreg`, which is also ``python -m mxlinreg``."""

import os
import sys
from importlib import import_module

from . import __version__

COMMANDS = "train", "predict", "launch"
HELP = """\
usage: mxlinreg COMMAND [OPTIONS]

Linear regression from scratch, on MXNet.

  mxlinreg train      train the chapter's model, on its synthetic data or on a table of your own
  mxlinreg predict    predict from a table with a model that mxlinreg train has saved
  mxlinreg launch     run a training as several worker processes, here or on several machines

mxlinreg COMMAND --help lists the options of a command, mxlinreg --version tells the version."""


def main(argv=None):
    """Run the command that `argv`, or else the command line, begins with."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed before the start
            setattr(sys, stream, open(os.devnull, "w"))
    name, *arguments = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in COMMANDS:
        import_module(f"{__package__}.commands.{name}").main(arguments)
    elif name in ("-h", "--help"):
        print(HELP)
    elif name == "--version":
        print(f"mxlinreg {__version__}")
    else:
        message = f"no command {name!r}; choose from {', '.join(COMMANDS)}"
        print(f"mxlinreg: error: {message} (see --help)", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
