"""The parts of benchmark.py.

Most modules measure one thing, and turn the results into tables and pictures. Some run in
processes of their own: `measuring` with its `peers`, `solvers` and `conditioned`, and `worker`.
They import one another by plain names, because they are started by their path, and the peers'
interpreter may lack mxlinreg.
"""
