"""The same training on several devices, and on several machines over MXNet's KVStore.

Both are engines for `train`. `device_engine` splits each batch over devices. With `engine`, each
worker of a job that ``mxlinreg launch`` has started computes with its own `Share` of the rows,
between `connect` and its end; `train` and `least_squares` are the whole job. `add_up`, `gather`
and `broadcast` bring numbers together; `part` and `own_rows` cut shares. The KVStore only adds
numbers up: no worker sends code, or makes a server run any.
"""

from .collectives import add_up, broadcast, gather
from .devices import device_engine
from .job import connect
from .share import Share, own_rows, part
from .workers import engine, least_squares, train

__all__ = [
    "Share",
    "add_up",
    "broadcast",
    "connect",
    "device_engine",
    "engine",
    "gather",
    "least_squares",
    "own_rows",
    "part",
    "train",
]
