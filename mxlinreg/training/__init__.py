"""`train`: the chapter's loop with additions for long runs.

These are a choice of engines (`engines`), progress bars (`progress`), checkpoints to resume from
(`resuming`), and learning rates that fall until a goal is reached (`schedule`).
"""

from .engines import Engine
from .run import train

__all__ = ["Engine", "train"]
