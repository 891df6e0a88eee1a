"""Progress bars on stderr, by tqdm."""

import itertools
from contextlib import contextmanager
from typing import Any, Iterator

from .engines import Engine


@contextmanager
def with_bars(run_epoch: Engine, rows: Any, first: int, epochs: int) -> Iterator[Engine]:
    """Give `run_epoch` with a bar: of the rows of a stream, the epochs if compiled, or batches.

    The rows are as `as_rows` gives them. The first epoch to run is `first`, of `epochs` in all.
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

    if rows.counts_rows:
        yield over_rows
    elif getattr(run_epoch, "iterates", True):
        yield over_batches
    else:
        with tqdm(total=epochs - first, unit=" epochs", leave=False) as bar:

            def counted(params, train_data, learning_rate):
                mean_loss = run_epoch(params, train_data, learning_rate)
                bar.update()
                return mean_loss

            yield counted
