"""The chapter's loop in compiled code: the engine "compiled"."""

from .epoch import train_epoch

__all__ = ["train_epoch"]
