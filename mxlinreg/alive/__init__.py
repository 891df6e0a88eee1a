"""MXNet 1.9.1 on today's Python and NumPy.

MXNet was retired in 2023. Its compiled library still runs, but its Python modules take names from
NumPy that NumPy has since removed, so a plain ``import mxnet`` fails on NumPy 1.24 and later.
`hook.install` makes the import succeed: only MXNet's modules see a copy of NumPy's namespace that
has those names (`names`), and they are repaired as they load (`mends`). NumPy itself is unchanged.
`later` defers the import of libraries that MXNet rarely needs. `diagnosis` explains why MXNet or a
GPU does not work. `old_code` runs old scripts, which then see the removed names, too. Nothing in
this room imports MXNet.
"""


def load_ipython_extension(shell: object) -> None:
    """``%load_ext mxlinreg.alive``: the cells see a NumPy with the names of version 1.23."""
    from .old_code import load_ipython_extension

    load_ipython_extension(shell)
