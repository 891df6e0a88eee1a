"""NumPy with the names of version 1.23, under a name that a rewritten import statement can give."""

import sys

from .names import numpy_with_removed_names

sys.modules[__name__] = numpy_with_removed_names
