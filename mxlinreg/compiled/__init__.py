"""The chapter's loop in compiled code: the engine "compiled".

`train_epoch` is its public name; in the package it is called `compiled_epoch`.
"""

from .epoch import compiled_epoch

train_epoch = compiled_epoch

__all__ = ["train_epoch"]
