#!/usr/bin/env python
"""The command `mxlinreg train`."""

import sys

from mxlinreg.__main__ import main

main(["train", *sys.argv[1:]])
