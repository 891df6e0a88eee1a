"""Progress bars on stderr, drawn by tqdm."""

import itertools
import sys
from contextlib import contextmanager
from typing import Any, Iterator

from .._streams import Lasting
from .engines import Engine


@contextmanager
def with_bars(run_epoch: Engine, rows: Any, first: int, epochs: int) -> Iterator[Engine]:
    """Yield `run_epoch` with a progress bar around it.

    For a stream the bar counts rows. Otherwise it counts epochs if the engine is compiled, and the
    batches of each epoch if not.

    Parameters
    ----------
    run_epoch : callable
    rows : Rows
        The training data, from `as_rows`.
    first : int
        The number of the first epoch to run, counted from 0.
    epochs : int
        The total number of epochs.
    """
    if sys.stderr is None:  # as under pythonw
        yield run_epoch
        return
    from tqdm import tqdm

    stderr = Lasting(sys.stderr)
    numbers = itertools.count(first)

    def over_rows(params, stream, learning_rate):
        settings = {"desc": f"Epoch {next(numbers)}", "unit": " rows", "total": stream.num_rows}
        with tqdm(None, **settings, file=stderr, unit_scale=True, leave=False) as bar:
            stream.on_rows = bar.update
            try:
                return run_epoch(params, stream, learning_rate)
            finally:
                stream.on_rows = None

    def over_batches(params, batches, learning_rate):
        settings = {"desc": f"Epoch {next(numbers)}", "unit": " batches"}
        bar = tqdm(batches, **settings, file=stderr, leave=False)
        return run_epoch(params, bar, learning_rate)

    if rows.counts_rows:
        yield over_rows
    elif getattr(run_epoch, "iterates", True):
        yield over_batches
    else:
        with tqdm(total=epochs - first, unit=" epochs", file=stderr, leave=False) as bar:

            def counted(params, train_data, learning_rate):
                mean_loss = run_epoch(params, train_data, learning_rate)
                bar.update()
                return mean_loss

            yield counted
