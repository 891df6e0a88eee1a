"""Training on several devices, and training and solving on several machines by MXNet's KVStore.

`device_engine` is an engine for `mxlinreg.train` that splits each batch over devices.

For several machines, ``mxlinreg launch`` starts a job of workers. Each worker joins the job with
`connect`, holds its own `Share` of the rows, and calls `train` or `least_squares`; `engine` is the
engine behind `train`. `shard` and `shard_rows` select a worker's rows. `all_reduce`, `all_gather`
and `broadcast` exchange arrays. The KVStore only adds numbers: workers never send code.

`add_up`, `gather`, `own_rows` and `part` are the names of version 0.1 for `all_reduce`,
`all_gather`, `shard` and `shard_rows`. The next version removes them.
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
