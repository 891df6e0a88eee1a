"""The chapter's loop in compiled code: the engine "compiled".

Its function has the public name `train_epoch`. Within the package it is called `compiled_epoch`.
"""

from .epoch import compiled_epoch

train_epoch = compiled_epoch

__all__ = ["train_epoch"]
