"""The rows of a gluon DataLoader, as its options select them."""

from __future__ import annotations

import sys
from typing import Any, Iterator, Optional, Tuple

import numpy as np

from .._checks import check_function
from .arrays import ArrayRows


class LoaderRows(ArrayRows):
    """Rows of a DataLoader.

    Only the DataLoader itself can honour some options: a sampler or batchify function of the
    user's own, ``last_batch="rollover"``, another dataset. With these, iterating over the rows
    yields batches, but `blocks` and `fingerprint` raise.
    """

    refused: Optional[str] = None

    def take_options(self, loader: Any) -> None:
        """Set `batch_size`, `shuffle` and `last_batch`.

        If only the DataLoader can honour one of its options, set `refused` to the option instead.
        """
        data = sys.modules["mxnet"].gluon.data
        self.refused = _refused(loader, data)
        self.in_memory = self.refused is None
        if self.in_memory:
            sampler = loader._batch_sampler
            self.batch_size, self.last_batch = sampler._batch_size, sampler._last_batch
            self.shuffle = isinstance(sampler._sampler, data.RandomSampler)

    def blocks(self, order: Any = None) -> Iterator[Tuple[np.ndarray, ...]]:
        """As `ArrayRows.blocks`.

        Raises
        ------
        ValueError
            If the loader has an option that only the DataLoader itself can honour.
        """
        check_function("order", order)
        if self.refused is not None and order is None:
            raise ValueError(
                f"X: only the DataLoader itself can honour {self.refused}; give its arrays X and y"
            )
        self._check_options()
        return super().blocks(order)

    def check(self, w: Any) -> None:
        """Raise unless the rows fit `w`, if the loader's arrays are known."""
        if self.refused is None:
            super().check(w)

    def fingerprint(self) -> str:
        """As `ArrayRows.fingerprint`. Raises as `blocks` does."""
        self._check_options()
        return super().fingerprint()

    def _check_options(self):
        if self.refused is not None:
            raise ValueError(
                f"train_data: only the DataLoader itself can honour {self.refused}; the engine "
                '"autograd" takes it, without a checkpoint'
            )


def _refused(loader, data):
    """The option that only the DataLoader itself can honour, in words, or None."""
    dataset, sampler = loader._dataset, loader._batch_sampler
    arrays = getattr(dataset, "_data", [])
    if type(dataset) is not data.ArrayDataset or not all(hasattr(a, "shape") for a in arrays):
        return f"its {type(dataset).__name__}, which is not an ArrayDataset of arrays"
    if len(arrays) != 2:
        return f"an ArrayDataset of {len(arrays)} arrays in place of X and y"
    if type(loader).__iter__ is not data.DataLoader.__iter__:
        return f"the iteration of a {type(loader).__name__}"
    if type(sampler) is not data.BatchSampler:
        return "its batch_sampler"
    if not _takes_all_rows(sampler._sampler, len(dataset), data):
        return "its sampler"
    if sampler._last_batch not in ("keep", "discard"):
        return f'last_batch="{sampler._last_batch}"'
    defaults = data.dataloader.default_batchify_fn, data.dataloader.default_mp_batchify_fn
    if loader._batchify_fn not in defaults:
        return "its batchify_fn"
    return None


def _takes_all_rows(sampler, num_rows, data):
    """Whether a sampler takes each row once, in stored order or as NumPy shuffles them."""
    if type(sampler) is data.RandomSampler:
        return sampler._length == num_rows
    first_last = getattr(sampler, "_start", 0), getattr(sampler, "_length", None)
    return type(sampler) is data.SequentialSampler and first_last == (0, num_rows)
