"""Compute the items of a generator ahead of their use, in a thread."""

from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, Generator, Iterator

_AHEAD = 2  # items


def prefetch(items: Generator) -> Iterator[Any]:
    """Yield the items, which a thread computes ahead of their use.

    Closing the iterator early ends the thread.
    """
    queue, stopped = Queue(_AHEAD), Event()

    def put(item):
        while not stopped.is_set():
            try:
                return queue.put(item, timeout=0.1)
            except Full:
                pass

    def make():
        try:
            for item in items:
                put((item, None))
                if stopped.is_set():
                    return
            put((None, None))
        except BaseException as error:
            put((None, error))
        finally:
            items.close()

    thread = Thread(target=make, daemon=True)
    thread.start()
    try:
        while True:
            item, error = queue.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stopped.set()
        try:
            while True:
                queue.get_nowait()
        except Empty:
            thread.join()
