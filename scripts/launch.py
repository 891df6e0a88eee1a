#!/usr/bin/env python
"""The command `mxlinreg launch`."""

import sys

from mxlinreg.__main__ import main

main(["launch", *sys.argv[1:]])
