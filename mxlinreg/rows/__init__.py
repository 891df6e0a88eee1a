"""Where rows come from.

`stream` makes a `Stream`, which reads files block by block in each pass. `tables` reads a file
into memory. `array_loader.ArrayLoader` holds arrays. Its module is imported only when the name is
asked for, because it subclasses gluon's DataLoader and so loads MXNet.
"""

from . import tables
from .files import stream
from .stream import Stream

__all__ = ["Stream", "stream", "tables"]
