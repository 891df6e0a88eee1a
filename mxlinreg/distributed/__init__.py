"""The same training on several devices, and over the workers of MXNet's KVStore."""

from .workers import (
    Share,
    add_up,
    broadcast,
    connect,
    device_engine,
    engine,
    gather,
    least_squares,
    own_rows,
    part,
    train,
)

__all__ = [
    "Share",
    "add_up",
    "broadcast",
    "connect",
    "device_engine",
    "engine",
    "gather",
    "least_squares",
    "own_rows",
    "part",
    "train",
]
