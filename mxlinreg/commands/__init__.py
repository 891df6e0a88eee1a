"""The commands `mxlinreg train`, `predict`, `show`, `explore`, `convert`, `launch` and `doctor`.

Each command has a module of its name, whose function `main` parses the arguments, calls the other
rooms and prints the results. NumPy, MXNet, the other rooms, and the modules here that import them
at the top, are imported inside functions, so that `--help` and errors in the arguments are fast.
"""
