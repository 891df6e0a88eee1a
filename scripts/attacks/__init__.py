"""The parts of attack.py.

Each part is a module here with a function ``attack(tally, rng, seconds)``, which tries things until
the seconds are over. It draws from `rng`, a NumPy Generator that depends on the seed and the part's
name. It runs in a process of its own, whose temporary files are in a folder that must be empty at
the end, and it may leave no process behind.
"""
