"""`train`: the chapter's loop with what a long run needs around it.

That is an engine to choose (`engines`), a progress bar (`progress`) and a checkpoint to resume
from (`resuming`).
"""

from .engines import Engine
from .run import train

__all__ = ["Engine", "train"]
