"""The same training on several devices, and on several machines over MXNet's KVStore.

Both are engines for `train`. `device_engine` splits each batch over devices. With `engine`, each
worker of a job that ``mxlinreg launch`` has started computes with its own `Share` of the rows,
between `connect` and its end; `train` and `least_squares` are the whole job. `all_reduce`,
`all_gather` and `broadcast` bring numbers together; `shard` and `shard_rows` give a worker its
rows. The KVStore only adds numbers up: no worker sends code, or makes a server run any.

`add_up`, `gather`, `own_rows` and `part` are the names that version 0.1 had for `all_reduce`,
`all_gather`, `shard` and `shard_rows`; they go with the next version.
"""

from .collectives import all_gather, all_reduce, broadcast
from .devices import device_engine
from .job import connect
from .share import Share, shard, shard_rows
from .workers import engine, least_squares, train

add_up, gather, own_rows, part = all_reduce, all_gather, shard, shard_rows

__all__ = [
    "Share",
    "all_gather",
    "all_reduce",
    "broadcast",
    "connect",
    "device_engine",
    "engine",
    "least_squares",
    "shard",
    "shard_rows",
    "train",
]
