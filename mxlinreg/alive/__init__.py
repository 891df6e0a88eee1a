"""MXNet 1.9.1 on today's Python and NumPy.

MXNet was retired in 2023. Its compiled library still runs, but its Python modules take names from
NumPy that NumPy has since removed, so a plain ``import mxnet`` fails on NumPy 1.24 and later.
`hook.install` makes the import succeed: only MXNet's modules see a copy of NumPy's namespace that
has those names (`names`), and they are repaired as they load (`mends`). NumPy itself is unchanged.
`later` defers the import of libraries that MXNet rarely needs. `diagnosis` explains why MXNet or a
GPU does not work. Nothing in this room imports MXNet.
"""
