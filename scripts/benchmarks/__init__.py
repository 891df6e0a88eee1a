"""The parts of benchmark.py.

Most modules measure one thing, then print and plot it. Three are programs, or part of one, and
run in processes of their own: `measuring` and its `peers`, and `worker`. They import one another
by plain names, because they are started by their path, and the peers' interpreter may lack
mxlinreg.
"""
