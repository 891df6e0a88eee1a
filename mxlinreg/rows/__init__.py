"""Where rows come from.

`stream` reads files block by block, in each pass anew, as a `Stream`. `tables` reads a file whole.
`array_loader.ArrayLoader` holds arrays; its module is imported only when the name is asked for,
as it is a DataLoader of gluon's, and so loads MXNet.
"""

from . import tables
from .files import stream
from .stream import Stream

__all__ = ["Stream", "stream", "tables"]
