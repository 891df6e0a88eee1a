"""The only file of this package that imports MXNet.

``from .._mxnet import nd`` loads MXNet at once. ``from .. import _mxnet`` loads it when a function
first reads ``_mxnet.nd``. The package's import hook (`mxlinreg.alive`) is in place by then.
"""

import sys
from typing import TYPE_CHECKING, Any

from .alive.diagnosis import RAISE_LIMIT, address_space_problem, import_remedy

if TYPE_CHECKING:
    import mxnet as mx
    from mxnet import autograd, gluon, nd

__all__ = ["autograd", "gluon", "mx", "nd"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    problem = "" if "mxnet" in sys.modules else address_space_problem()
    if problem:
        raise ImportError(f"{problem}; raise the limit: {RAISE_LIMIT}")
    try:
        import mxnet as mx
        from mxnet import autograd, gluon, nd
    except Exception as error:
        raise ImportError(import_remedy(error)) from error
    globals().update(autograd=autograd, gluon=gluon, mx=mx, nd=nd)
    return globals()[name]
