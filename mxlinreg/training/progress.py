"""Progress bars on stderr, by tqdm."""

import itertools
from contextlib import contextmanager
from typing import Any, Iterator

from ..rows.stream import Stream
from .engines import Engine, name_of


@contextmanager
def with_bars(run_epoch: Engine, train_data: Any, first: int, epochs: int) -> Iterator[Engine]:
    """Give `run_epoch` with a bar: of the rows of a stream, the epochs if compiled, or batches.

    Parameters
    ----------
    run_epoch : Engine
    train_data
        As `train` takes it.
    first : int
        The epoch that is run first.
    epochs : int
        How many there are in all.
    """
    from tqdm import tqdm

    numbers = itertools.count(first)

    def over_rows(params, stream, learning_rate):
        settings = {"desc": f"Epoch {next(numbers)}", "unit": " rows", "total": stream.num_rows}
        with tqdm(None, **settings, unit_scale=True, leave=False) as bar:
            stream.on_rows = bar.update
            try:
                return run_epoch(params, stream, learning_rate)
            finally:
                stream.on_rows = None

    def over_batches(params, batches, learning_rate):
        bar = tqdm(batches, desc=f"Epoch {next(numbers)}", unit=" batches", leave=False)
        return run_epoch(params, bar, learning_rate)

    if isinstance(train_data, Stream):
        yield over_rows
    elif name_of(run_epoch) != "compiled":
        yield over_batches
    else:
        with tqdm(total=epochs - first, unit=" epochs", leave=False) as bar:

            def counted(params, train_data, learning_rate):
                mean_loss = run_epoch(params, train_data, learning_rate)
                bar.update()
                return mean_loss

            yield counted
