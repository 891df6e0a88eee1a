"""Tables of files that may be larger than memory: typed, summarized and encoded pass by pass."""

from __future__ import annotations

from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import numpy as np

from .columns import joined_kind, quoted
from .encoding import Encoding, encode, has_value, numbers_of
from .stream import WINDOW, Stream
from .units import kinds_of, kth_part, opened, paths_of, read_tables, units_of

_KINDS = "empty", "number", "boolean", "date", "text"


class Split(NamedTuple):
    """Which rows of a table are used, and which of them are held out."""

    target: str
    weights: Optional[str]
    share: float
    """The share of the rows that is held out."""
    seed: int

    def usable(self, table: Any) -> np.ndarray:
        """Whether each row has a target and a weight above 0, shape (n,)."""
        usable = ~np.isnan(numbers_of(self.target, table[self.target]))
        if self.weights is not None:
            usable &= numbers_of(self.weights, table[self.weights]) > 0
        return usable

    def held_out(self, first: int, count: int) -> np.ndarray:
        """Whether each of `count` rows is held out, of which the first has the number `first`."""
        return _uniform(np.arange(first, first + count, dtype=np.uint64), self.seed) < self.share


def _uniform(numbers, seed):
    """A number from 0 to 1 for each row number, by the mixing of bits of SplitMix64.

    (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014.)
    """
    with np.errstate(over="ignore"):
        z = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z ^= np.uint64(seed) * np.uint64(0xD1342543DE82EF95)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)) * 2.0**-53


class TableFiles:
    """The rows of files as tables, one unit after another.

    Parameters
    ----------
    source : str or Path
        As for `stream`.
    decimal : {".", ","}, optional
    part : (int, int)
        ``(k, n)`` reads only the k-th of n parts of the rows.
    gather : callable
        Returns all workers' arrays, as `Rows.gather`.

    Attributes
    ----------
    names : list of str
        The columns of the first file.
    """

    def __init__(
        self,
        source: Any,
        decimal: Optional[str],
        part: Tuple[int, int],
        gather: Callable[[np.ndarray], np.ndarray],
    ):
        self.name, self.part, self.gather = str(source), part, gather
        self.files = [opened(path, decimal) for path in paths_of(source)]
        self.names = self.files[0].names
        self.units = kth_part([unit for file in self.files for unit in units_of(file)], *part)
        self.firsts: List[int] = []
        self.kinds: Dict[str, str] = {}

    def find_kinds(self, names: Sequence[str]) -> None:
        """Find the kinds of columns, and the number of each unit's first row.

        CSV files are read for this. Parquet files know both.

        Raises
        ------
        ValueError
            If a file lacks a column, or a column holds true or false among numbers.
        """
        for file in self.files:
            present = set(file.names)
            missing = [name for name in names if name not in present]
            if missing:
                raise ValueError(
                    f"{file.path}: lacks {quoted(missing)}, which {self.files[0].path} has"
                )
        kinds, rows = dict.fromkeys(names, "empty"), []
        for unit in self.units:
            count, own = kinds_of(unit, names)
            rows.append(count)
            kinds = {name: joined_kind(self.name, name, kinds[name], own[name]) for name in names}
        codes = np.array([float(_KINDS.index(kinds[name])) for name in names])
        for others in self.gather(codes).astype(int).tolist():
            own = {name: _KINDS[code] for name, code in zip(names, others)}
            kinds = {name: joined_kind(self.name, name, kinds[name], own[name]) for name in names}
        counts = self.gather(np.array(float(sum(rows))))
        if not counts.any():
            raise ValueError(f"{self.name}: has no rows")
        before = int(counts[: self.part[0]].sum())
        self.firsts = (before + np.cumsum([0, *rows])).tolist()
        self.kinds = kinds

    def tables(self, i: int, names: Sequence[str]) -> Iterator[Tuple[int, Any]]:
        """The columns `names` of unit i, block by block, each with the number of its first row."""
        first = self.firsts[i]
        for table in read_tables(self.units[i], names, self.kinds):
            yield first, table
            first += table.num_rows

    def head(self, name: str) -> Any:
        """The first rows of a column; all workers read the same."""
        first = next(iter(units_of(self.files[0])))
        return next(read_tables(first, [name], self.kinds))[name]


def encoded_stream(
    files: TableFiles,
    encoding: Encoding,
    fill: Optional[Mapping[str, float]],
    split: Split,
    held_out: bool,
    shuffle_buffer: Optional[int] = None,
) -> Stream:
    """The training rows or the held-out rows of files, as numbers, without those that have gaps.

    Parameters
    ----------
    files : TableFiles
    encoding, fill
        As for `encode`.
    split : Split
    held_out : bool
    shuffle_buffer : int, optional
        As for `stream`.

    Returns
    -------
    Stream
        With weights if `split` names a column of them.
    """
    names = [*encoding.features, split.target, *([split.weights] if split.weights else [])]
    names = [*dict.fromkeys(names)]

    def read(i):
        for first, table in files.tables(i, names):
            rows = split.usable(table) & (split.held_out(first, table.num_rows) == held_out)
            encoded = encode(table, encoding, fill)
            X, lacking = encoded.X, np.isnan(encoded.X).any(axis=1)
            if encoded.not_finite and not held_out:
                without = rows & lacking
                for name in encoded.gaps:
                    without &= has_value(table[name])
                _check_finite(files.name, encoded, first + np.flatnonzero(without))
            rows &= ~lacking
            columns = [*X.T, numbers_of(split.target, table[split.target])]
            if split.weights is not None:
                columns.append(numbers_of(split.weights, table[split.weights]))
            yield columns if rows.all() else [column[rows] for column in columns]

    if shuffle_buffer is None:
        shuffle_buffer = WINDOW // (len(encoding.columns) + 1)
    described = [(file.path, *file.stamp[:2]) for file in files.files]
    return Stream(
        read=read,
        num_units=len(files.units),
        columns=encoding.columns,
        target=split.target,
        batch_size=None,
        shuffle_buffer=max(shuffle_buffer, 0),
        dtype="float64",
        source={
            "name": files.name,
            "files": described,
            "part": list(files.part),
            "split": list(split),
            "encoding": list(encoding),
        },
    )


def _check_finite(where, encoded, rows):
    """Raise ValueError if there are training rows without a finite value of a term."""
    if len(rows):
        raise ValueError(
            f"add: {quoted(list(encoded.not_finite))} is not a finite number in row {rows[0] + 1} "
            f"of {where}; leave the term out, or such rows"
        )
