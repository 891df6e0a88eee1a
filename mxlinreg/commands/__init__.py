"""The commands `mxlinreg train`, `predict` and `launch`: arguments in, library calls, text out.

Each command has a module of its name, with a function `main` that takes the arguments. What they
compute is in the other rooms. NumPy, MXNet, the rest of the package, and the modules here that
need them at once are imported inside of functions, so that `--help` and errors in the arguments
take no time.
"""
