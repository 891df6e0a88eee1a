"""`train`: the chapter's loop with additions for long runs.

These are a choice of engines (`engines`), progress bars (`progress`) and checkpoints to resume
from (`resuming`).
"""

from .engines import Engine
from .run import train

__all__ = ["Engine", "train"]
