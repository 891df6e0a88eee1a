#!/usr/bin/env python
"""The command `mxlinreg predict`."""

import sys

from mxlinreg.__main__ import main

main(["predict", *sys.argv[1:]])
