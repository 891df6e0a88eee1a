"""Odd arguments: what stands in place of an array, a number, a name or anything else."""

import array
import datetime
import decimal
import fractions
import itertools
import pathlib
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse

from mxlinreg._mxnet import mx

REFUSED = "refused"


class Odd(NamedTuple):
    what: str
    value: Any
    meaning: Any = None
    """The numbers that it stands for, as a float64 array; `REFUSED` if it stands for none, so that
    nothing may be computed from it; None if a call may do as it likes."""


class Text(str):
    """A subclass of str."""


class Nameless:
    """An object that cannot be shown."""

    def __repr__(self):
        raise RuntimeError("no repr")


class Unreadable:
    """An object that claims to be an array."""

    shape = (20, 2)

    def __array__(self, *args, **kwargs):
        raise RuntimeError("no array")


# Numbers that are an honest wish for work without end are left out: epochs=10**9 takes a week.
INTEGERS = [0, 1, -1, 3, 7, 64, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**40, 10**400, 10**5000]
INTEGERS += [-(2**31), -(10**40), -(10**5000)]
FLOATS = [0.0, -0.0, 0.5, 1.0, 2.5, 1e-320, 1e300, -1e300, np.nan, np.inf, -np.inf]
NUMBERS = [
    *(kind(x) for x in (1, 2.5, np.nan) for kind in (np.float16, np.float32, np.longdouble)),
    *(kind(2) for kind in (np.int8, np.uint64, np.bool_, np.complex64, np.float64)),
    *(decimal.Decimal(x) for x in ("2.5", "NaN", "sNaN", "1E+999999")),
    *(fractions.Fraction(x) for x in (2, "1/3", 10**400)),
    *(True, False, 1 + 2j, pd.NA, pd.NaT, np.ma.masked, np.datetime64("NaT"), np.timedelta64(3)),
]
TEXTS = ["", " ", "1", "x1", "y", "é", "cpu", "gpu", "cpu(1)", "cpu(99999999999999999999)", "error"]
TEXTS += ["sgd", "float32", "float16", "a\0b", "\ud800", "y" * 100_000, "no/such/file", "."]
TEXTS += ["auto", "False", "[", "~", "a.csv", "%s", "$x_1", "{}", "\n"]
OTHERS = {
    "None": lambda: None,
    "...": lambda: ...,
    "NotImplemented": lambda: NotImplemented,
    "object()": object,
    "no repr": Nameless,
    "no array": Unreadable,
    "a class": lambda: dict,
    "len": lambda: len,
    "a module": lambda: datetime,
    "a function": lambda: lambda *args, **kwargs: 0.5,
    "a function of None": lambda: lambda *args, **kwargs: None,
    "a function of text": lambda: lambda *args, **kwargs: "x",
    "a function of an array": lambda: lambda *args, **kwargs: np.ones(3),
    "an exception": lambda: ValueError("x"),
    "bytes": lambda: b"ab",
    "bytearray": lambda: bytearray(b"ab"),
    "memoryview": lambda: memoryview(b"ab"),
    "a str subclass": lambda: Text("x1"),
    "np.str_": lambda: np.str_("x1"),
    "Path": lambda: pathlib.Path("no/such"),
    "Path of y": lambda: pathlib.Path("y"),
    "date": lambda: datetime.date(2020, 1, 1),
    "()": tuple,
    "[]": list,
    "{}": dict,
    "set()": set,
    "[None]": lambda: [None],
    "[nan]": lambda: [float("nan")],
    "[[]]": lambda: [[]],
    "ragged": lambda: [[1.0, 2.0], [3.0]],
    "[1, 2, 3]": lambda: [1, 2, 3],
    "['a', 1]": lambda: ["a", 1],
    "['x0', 'x0']": lambda: ["x0", "x0"],
    "['x1', 'x0']": lambda: ["x1", "x0"],
    "[[1], [2]]": lambda: [[1], [2]],
    "{'x0': 'a'}": lambda: {"x0": "a"},
    "{1: 2}": lambda: {1: 2},
    "{'x0': [1]}": lambda: {"x0": [1]},
    "{'a': {'b': object()}}": lambda: {"a": {"b": object()}},
    "{'a', 1}": lambda: {"a", 1},
    "deep list": lambda: deep(2000),
    "a list in itself": lambda: endless_list(),
    "(0, 10**40)": lambda: (0, 10**40),
    "(1, 0)": lambda: (1, 0),
    "(nan, 1)": lambda: (np.nan, 1),
    "(x, y)": lambda: ("x", "y"),
    "range(3)": lambda: range(3),
    "range(10**40)": lambda: range(10**40),
    "slice": lambda: slice(None),
    "generator": lambda: (i for i in range(3)),
    "iterator of text": lambda: iter(["x0", "x1"]),
    "count()": itertools.count,
    "0-d": lambda: np.array(3.0),
    "0-d int": lambda: np.array(3),
    "array of 1": lambda: np.array([2]),
    "array of 3": lambda: np.array([1.0, 2.0, 3.0]),
    "no rows": lambda: np.empty((0, 2)),
    "no columns": lambda: np.empty((20, 0)),
    "array of str": lambda: np.array(["x0", "x1"]),
    "array of objects": lambda: np.array([None, {}], dtype=object),
    "structured": lambda: np.zeros(20, [("a", float), ("b", int)]),
    "Series": lambda: pd.Series([1.0, 2.0]),
    "Index": lambda: pd.Index(["x0", "x1"]),
    "DataFrame": lambda: pd.DataFrame({"x0": [1.0], "x1": ["a"]}),
    "polars Series": lambda: pl.Series([1, None]),
    "pyarrow scalar": lambda: pa.scalar(3),
    "NDArray of 1": lambda: mx.nd.array([2]),
    "NDArray": lambda: mx.nd.ones((2, 3)),
    "mx.np array": lambda: mx.np.ones((2, 1)),
    "Symbol": lambda: mx.sym.var("x"),
    "row_sparse": lambda: mx.nd.zeros((2, 1), stype="row_sparse"),
    "cpu_pinned": lambda: mx.Context("cpu_pinned", 0),
    "cpu(-1)": lambda: mx.Context("cpu", -1),
    "cpu(2)": lambda: mx.cpu(2),
    "gpu(0)": lambda: mx.gpu(0),
    "dtype": lambda: np.dtype("float32"),
    "np.float16": lambda: np.float16,
    "big-endian dtype": lambda: np.dtype(">f8"),
}


def deep(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def endless_list():
    value = []
    value.append(value)
    return value


def any_value(rng):
    """Any object at all."""
    kind = rng.integers(5)
    if kind == 0:
        value = INTEGERS[rng.integers(len(INTEGERS))]
        return Odd(f"int of {value.bit_length()} bits" if abs(value) > 2**64 else f"{value}", value)
    if kind == 1:
        value = FLOATS[rng.integers(len(FLOATS))]
        return Odd(repr(value), value)
    if kind == 2:
        place = rng.integers(len(NUMBERS))
        return Odd(f"{type(NUMBERS[place]).__name__}, number {place}", NUMBERS[place])
    if kind == 3:
        value = TEXTS[rng.integers(len(TEXTS))]
        return Odd(repr(value[:30]), value)
    what = list(OTHERS)[rng.integers(len(OTHERS))]
    return Odd(what, OTHERS[what]())


def odd_array(valid, rng):
    """An odd array, of the values of a valid one or of some of them."""
    a = np.ones(20) if valid is None else numbers_of(valid)
    makers = {**BY_VALUES, **BY_KIND, **(BY_COLUMNS if a.ndim == 2 else {})}
    what = list(makers)[rng.integers(len(makers))]
    value, meaning = makers[what](a)
    if rng.random() < 0.1 and isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        with np.errstate(all="ignore"):
            return Odd(f"NDArray of {what}", mx.nd.array(value))
    return Odd(what, value, meaning)


def numbers_of(valid):
    return np.array(valid.asnumpy() if hasattr(valid, "asnumpy") else valid, dtype=np.float64)


def with_first(a, value, dtype=None):
    """The values with another one in the first place."""
    a = a.astype(a.dtype if dtype is None else dtype)
    a[(0,) * a.ndim] = value
    return a


def without_first(a, column=False):
    """The values with NaN in the first place or, of a table, in the first column."""
    if column and a.ndim == 2:
        return np.column_stack([np.full(len(a), np.nan), a[:, 1:]])
    return with_first(a, np.nan)


def with_mask(a, cells=1):
    mask = np.zeros(a.shape, bool)
    mask.flat[:cells] = True
    return np.ma.array(with_first(a, 999.0), mask=mask)


def frame_of(a, first=None):
    """A pandas table or column of the values."""
    if a.ndim != 2:
        return pd.Series(a.ravel()) if first is None else first(pd.Series(a.ravel()))
    table = pd.DataFrame(a, columns=[f"x{i}" for i in range(a.shape[1])])
    if first is not None:
        table["x0"] = first(table["x0"])
    return table


def nullable(column):
    column = column.astype("Float64")
    column[0] = pd.NA
    return column


def polars_of(a, null=False):
    if a.ndim != 2:
        column = pl.Series(a.ravel())
        return pl.Series([None, *column[1:].to_list()]) if null else column
    table = pl.DataFrame({f"x{i}": a[:, i] for i in range(a.shape[1])})
    return table.with_columns(pl.lit(None, pl.Float64).alias("x0")) if null else table


def sparse_of(a, kind):
    return mx.nd.array(np.atleast_2d(a)).tostype(kind)


def big_objects(a, number):
    return with_first(a, number, object)


# Other values, of which each makes the array useless.
BY_VALUES = {
    "NaN": lambda a: (with_first(a, np.nan), with_first(a, np.nan)),
    "infinity": lambda a: (with_first(a, -np.inf), with_first(a, -np.inf)),
    "1e300": lambda a: (with_first(a, 1e300), None),
    "1e-320": lambda a: (with_first(a, 1e-320), None),
    "0-d": lambda a: (np.array(3.0), np.array(3.0)),
    "scalar": lambda a: (2.0, np.array(2.0)),
    "3-d": lambda a: (np.ones((2, 2, 2)), np.ones((2, 2, 2))),
    "one dimension more": lambda a: (a[..., None], None),
    "flat": lambda a: (a.ravel(), None),
    "no rows": lambda a: (a[:0], a[:0]),
    "one row": lambda a: (a[:1], None),
    "a row less": lambda a: (a[1:], None),
    "no columns": lambda a: (np.empty((len(a), 0)), np.empty((len(a), 0))),
    "turned": lambda a: (a.T, None),
    "zeros": lambda a: (np.zeros_like(a), None),
}
# Other kinds of arrays.
BY_KIND = {
    "masked": lambda a: (with_mask(a), REFUSED),
    "masked everywhere": lambda a: (with_mask(a, a.size), REFUSED),
    "masked nowhere": lambda a: (np.ma.array(a), a),
    "list with masked": lambda a: ([np.ma.masked, *a[1:].tolist()], REFUSED),
    "Float64 of pandas": lambda a: (frame_of(a, lambda c: c.astype("Float64")), a),
    "pandas with NA": lambda a: (frame_of(a, nullable), without_first(a)),
    "pandas with None": lambda a: (
        frame_of(a, lambda c: c.where(c.index > 0, None)),
        without_first(a),
    ),
    "pandas": lambda a: (frame_of(a), a),
    "pandas objects": lambda a: (frame_of(a, lambda c: c.astype(object)), a),
    "pandas text": lambda a: (frame_of(a, lambda c: c.astype(str)), a),
    "pandas dates": lambda a: (frame_of(a, pd.to_datetime), REFUSED),
    "pandas categories": lambda a: (frame_of(a, lambda c: c.astype("category")), None),
    "pandas sparse": lambda a: (frame_of(a, lambda c: pd.arrays.SparseArray(c)), None),
    "pandas complex": lambda a: (frame_of(a, lambda c: c.astype(complex)), REFUSED),
    "polars": lambda a: (polars_of(a), a),
    "polars with null": lambda a: (polars_of(a, null=True), without_first(a, column=True)),
    "pyarrow": lambda a: (pa.array(a.ravel()), None),
    "pyarrow with null": lambda a: (
        pa.array([None, *a.ravel().tolist()[1:]]),
        without_first(a.ravel()),
    ),
    "csr of MXNet": lambda a: (sparse_of(a, "csr"), a if a.ndim == 2 else None),
    "row_sparse": lambda a: (sparse_of(a, "row_sparse"), a if a.ndim == 2 else None),
    "objects": lambda a: (a.astype(object), a),
    "None among objects": lambda a: (big_objects(a, None), REFUSED),
    "text among objects": lambda a: (big_objects(a, "1.5"), with_first(a, 1.5)),
    "NA among objects": lambda a: (big_objects(a, pd.NA), REFUSED),
    "complex among objects": lambda a: (big_objects(a, 1j), REFUSED),
    "10**400 among objects": lambda a: (big_objects(a, 10**400), REFUSED),
    "10**40 among objects": lambda a: (big_objects(a, 10**40), None),
    "Decimals": lambda a: (np.vectorize(decimal.Decimal, otypes=[object])(a), None),
    "list of 10**400": lambda a: (big_objects(a, 10**400).tolist(), REFUSED),
    "complex": lambda a: (a.astype(complex), REFUSED),
    "dates": lambda a: (a.astype("datetime64[s]"), REFUSED),
    "durations": lambda a: (a.astype("timedelta64[s]"), REFUSED),
    "text": lambda a: (a.astype(str), a),
    "bytes": lambda a: (a.astype("S"), a),
    "structured": lambda a: (np.rec.fromarrays([a.ravel()] * 2), REFUSED),
    "void": lambda a: (np.zeros(a.shape, "V8"), REFUSED),
    "longdouble": lambda a: (a.astype(np.longdouble), a),
    "float16": lambda a: (a.astype(np.float16), a.astype(np.float16).astype(float)),
    "float32": lambda a: (a.astype(np.float32), a.astype(np.float32).astype(float)),
    "int8": lambda a: (a.astype(np.int8), a.astype(np.int8).astype(float)),
    "uint64": lambda a: (abs(a).astype(np.uint64), abs(a).astype(np.uint64).astype(float)),
    "bool": lambda a: (a > 0, (a > 0).astype(float)),
    "big-endian": lambda a: (a.astype(">f8"), a),
    "big-endian ints": lambda a: (a.astype(">i2"), a.astype(">i2").astype(float)),
    "backwards": lambda a: (a[::-1].copy()[::-1], a),
    "Fortran": lambda a: (np.asfortranarray(a), a),
    "every second": lambda a: (np.repeat(a, 2, axis=0)[::2], a),
    "read-only": lambda a: (read_only(a), a),
    "broadcast": lambda a: (np.broadcast_to(a[:1], a.shape), np.broadcast_to(a[:1], a.shape)),
    "list": lambda a: (a.tolist(), a),
    "tuple": lambda a: (tuple(a.tolist()), a),
    "memoryview": lambda a: (memoryview(np.ascontiguousarray(a)), a),
    "array.array": lambda a: (array.array("d", a.ravel()), None),
    "generator": lambda a: ((row for row in a), None),
    "dict": lambda a: (dict(enumerate(a.tolist())), REFUSED),
    "NDArray": lambda a: (mx.nd.array(a), a),
    "NDArray of float64": lambda a: (mx.nd.array(a, dtype="float64"), a),
    "NDArray of ints": lambda a: (mx.nd.array(a, dtype="int32"), a.astype(int).astype(float)),
    "NDArray of float16": lambda a: (mx.nd.array(a, dtype="float16"), a.astype(np.float16) * 1.0),
    "NDArray of bytes": lambda a: (mx.nd.array(abs(a), dtype="uint8"), abs(a).astype("u1") * 1.0),
    "NDArray of bool": lambda a: (mx.nd.array(a > 0, dtype="bool"), (a > 0) * 1.0),
    "NDArray elsewhere": lambda a: (mx.nd.array(a, ctx=mx.cpu(1)), a),
    "NDArray of NaN": lambda a: (mx.nd.array(with_first(a, np.nan)), with_first(a, np.nan)),
    "mx.np array": lambda a: (mx.np.array(a), a),
}
# Of two dimensions only.
BY_COLUMNS = {
    "csr of SciPy": lambda a: (scipy.sparse.csr_matrix(a), REFUSED),
    "coo array of SciPy": lambda a: (scipy.sparse.coo_array(a), REFUSED),
    "np.matrix": lambda a: (np.asmatrix(a), a),
    "ragged": lambda a: ([a[0].tolist(), a[1, :1].tolist()], REFUSED),
    "pandas, equal names": lambda a: (frame_of(a).set_axis(["x"] * a.shape[1], axis=1), None),
    "pandas, names 0 and 1": lambda a: (pd.DataFrame(a), a),
    "pandas, names of two": lambda a: (
        pd.DataFrame(a, columns=pd.MultiIndex.from_product([["a"], range(a.shape[1])])),
        None,
    ),
    "pyarrow table": lambda a: (pa.table({f"x{i}": a[:, i] for i in range(a.shape[1])}), a),
}


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def odd_params(params, rng):
    """Odd parameters [w, b]."""
    w, b = params
    makers = {
        "NumPy arrays": lambda: [w.asnumpy(), b.asnumpy()],
        "no gradients": lambda: [w.copy(), b.copy()],
        "a tuple": lambda: (w, b),
        "only w": lambda: [w],
        "three": lambda: [w, b, b],
        "an iterator": lambda: iter([w, b]),
        "a dict": lambda: {"w": w, "b": b},
        "b as a number": lambda: [w, 1.0],
        "turned around": lambda: [b, w],
        "w without columns": lambda: [grown(w.reshape((-1,))), b],
        "two outputs": lambda: [grown(mx.nd.ones((2, 2))), grown(mx.nd.ones(2))],
        "three inputs": lambda: [grown(mx.nd.ones((3, 1))), b],
        "NaN": lambda: [grown(w * np.nan), b],
        "infinity": lambda: [grown(w / 0), b],
        "int32": lambda: [grown(mx.nd.ones((2, 1), dtype="int32")), b],
        "float64 and float32": lambda: [grown(w.astype("float64")), b.astype("float32")],
        "float64": lambda: [grown(w.astype("float64")), grown(b.astype("float64"))],
        "float16": lambda: [grown(w.astype("float16")), grown(b.astype("float16"))],
        "on other contexts": lambda: [grown(w.copyto(mx.cpu(1))), b],
        "on cpu(1)": lambda: [grown(w.copyto(mx.cpu(1))), grown(b.copyto(mx.cpu(1)))],
        "row_sparse": lambda: [mx.nd.zeros((2, 1), stype="row_sparse"), b],
        "mx.np arrays": lambda: [w.as_np_ndarray(), b.as_np_ndarray()],
        "sparse gradients": lambda: [grown(w.copy(), "row_sparse"), b],
        "grad_req null": lambda: [grown(w.copy(), req="null"), b],
        "grad_req add": lambda: [grown(w.copy(), req="add"), b],
        "equal": lambda: [w, w],
        "Symbols": lambda: [mx.sym.var("w"), mx.sym.var("b")],
        "gluon Parameter": lambda: [mx.gluon.Parameter("w", shape=(2, 1)), b],
        "objects": lambda: np.array([w.asnumpy(), None], dtype=object),
    }
    what = list(makers)[rng.integers(len(makers))]
    return Odd(what, makers[what]())


def grown(array, stype=None, req="write"):
    array.attach_grad(req, stype)
    return array


def odd_batches(batches, rng):
    """Odd batches of (data, label)."""
    batches = list(batches)
    data, label = batches[0]
    member = odd_array((data, label)[rng.integers(2)], rng)
    dataset = mx.gluon.data
    makers = {
        "odd data": lambda: [(odd_array(data, rng).value, label)],
        "odd label": lambda: [(data, odd_array(label, rng).value)],
        "later odd data": lambda: [*batches, (odd_array(data, rng).value, label)],
        "both odd": lambda: [(member.value, member.value)],
        "three": lambda: [(data, label, label)],
        "data only": lambda: [data],
        "strings": lambda: ["ab"],
        "numbers": lambda: [1, 2],
        "None": lambda: [None],
        "a later None": lambda: [*batches, None],
        "none": list,
        "an iterator": lambda: iter(batches),
        "a spent iterator": lambda: iter([]),
        "a dict": lambda: {"data": data, "label": label},
        "a dict in a list": lambda: [{"data": data, "label": label}],
        "a pair of arrays": lambda: (data, label),
        "a loader of one array": lambda: dataset.DataLoader(dataset.ArrayDataset(data), 4),
        "a loader of numbers": lambda: dataset.DataLoader(dataset.SimpleDataset([1.0] * 9), 4),
        "a loader of NumPy arrays": lambda: dataset.DataLoader(
            dataset.ArrayDataset(data.asnumpy(), label.asnumpy()), 4
        ),
        "a loader of ints": lambda: dataset.DataLoader(
            dataset.ArrayDataset(data.astype("int32"), label.astype("int32")), 4
        ),
        "a loader of odd arrays": lambda: dataset.DataLoader(
            dataset.ArrayDataset(data, list(range(len(data)))), 4
        ),
        "a loader of NaN": lambda: dataset.DataLoader(
            dataset.ArrayDataset(data * np.nan, label), 4
        ),
        "a loader that leaves all out": lambda: dataset.DataLoader(
            dataset.ArrayDataset(data, label), 999, last_batch="discard"
        ),
    }
    what = list(makers)[rng.integers(len(makers))]
    return Odd(f"{what} ({member.what})" if "odd" in what else what, makers[what]())


def odd_table(table, rng):
    """A table of which one column, x1, is odd, or which is odd as a whole."""
    x1, n = table["x1"], len(table)
    columns = {
        "NA": lambda: nullable(x1),
        "ints with NA": lambda: pd.array([None, *range(n - 1)], "Int64"),
        "booleans with NA": lambda: pd.array([None, *[True, False] * n][:n], "boolean"),
        "mixed objects": lambda: [1, "a", None, {}] * (n // 4),
        "Nones": lambda: [None] * n,
        "complex": lambda: x1 + 1j,
        "dates": lambda: pd.date_range("2020-01-01", periods=n),
        "dates with NaT": lambda: pd.to_datetime([None, *pd.date_range("2020", periods=n - 1)]),
        "durations": lambda: pd.to_timedelta(x1, "s"),
        "periods": lambda: pd.period_range("2020", periods=n, freq="D"),
        "intervals": lambda: pd.interval_range(0, n),
        "categories": lambda: pd.Categorical(["a", "b", None, "c"] * (n // 4)),
        "lists": lambda: [[1, 2]] * n,
        "dicts": lambda: [{"a": 1}] * n,
        "bytes": lambda: [b"a", b"b"] * (n // 2),
        "text": lambda: ["a", "b"] * (n // 2),
        "odd text": lambda: pd.Series(["\ud800", "b"] * (n // 2), dtype=object),
        "longdouble": lambda: x1.to_numpy().astype(np.longdouble),
        "float16": lambda: x1.to_numpy().astype(np.float16),
        "big ints": lambda: [10**40 + i for i in range(n)],
        "uint64": lambda: np.full(n, 2**64 - 1, np.uint64) - np.arange(n, dtype=np.uint64),
        "infinity": lambda: with_first(x1.to_numpy(), np.inf),
        "Decimals": lambda: [decimal.Decimal(i) for i in range(n)],
        "sparse": lambda: pd.arrays.SparseArray(x1),
        "masked": lambda: with_mask(x1.to_numpy()),
        "constant": lambda: np.ones(n),
        "a copy": lambda: table["x0"],
        "huge": lambda: x1 * 1e300,
        "tiny": lambda: x1 * 1e-310,
    }
    wholes = {
        "no rows": lambda: table[:0],
        "one row": lambda: table[:1],
        "no columns": lambda: table[[]],
        "the target only": lambda: table[["y"]],
        "equal names": lambda: table.set_axis(["x0", "x0", "y"], axis=1),
        "names that are numbers": lambda: table.set_axis([0, 1, "y"], axis=1),
        "names of two": lambda: table.set_axis(
            pd.MultiIndex.from_tuples([("a", 0), ("a", 1), ("y", 0)]), axis=1
        ),
        "name None": lambda: table.set_axis([None, "x1", "y"], axis=1),
        "polars": lambda: polars_of(table.to_numpy()).rename({"x2": "y"}),
        "polars with odd kinds": lambda: pl.DataFrame(
            {"y": table["y"].to_numpy(), "x0": [[1]] * n, "x1": [{"a": 1}] * n}
        ),
        "polars with durations": lambda: pl.DataFrame(
            {"y": table["y"].to_numpy(), "x0": [datetime.timedelta(i) for i in range(n)]}
        ),
        "polars objects": lambda: pl.DataFrame(
            {"y": table["y"].to_numpy(), "x0": pl.Series([object()] * n, dtype=pl.Object)}
        ),
        "polars, lazy": lambda: pl.DataFrame({"y": [1.0], "x0": [2.0]}).lazy(),
        "pyarrow": lambda: pa.table({"y": [1.0, 2.0], "x0": [None, 2.0]}),
        "pyarrow, nested": lambda: pa.table({"y": [1.0, 2.0], "x0": [[1], [2]]}),
        "pyarrow, dictionary": lambda: pa.table(
            {"y": [1.0, 2.0], "x0": pa.array(["a", "b"]).dictionary_encode()}
        ),
        "pyarrow, damaged dictionary": lambda: pa.table(
            {
                "y": [1.0, 2.0],
                "x0": pa.DictionaryArray.from_arrays(pa.array([0, 9]), ["a", "b"], safe=False),
            }
        ),
        "pyarrow, no rows": lambda: pa.table({"y": pa.array([], "f8"), "x0": pa.array([], "f8")}),
        "pyarrow, null": lambda: pa.table({"y": [1.0, 2.0], "x0": pa.nulls(2)}),
        "pyarrow, union": lambda: pa.table(
            {
                "y": [1.0, 2.0],
                "x0": pa.UnionArray.from_sparse(
                    pa.array([0, 0], "int8"), [pa.array([1, 2]), pa.array(["a", "b"])]
                ),
            }
        ),
        "Series": lambda: table["y"],
        "groupby": lambda: table.groupby("x0"),
        "array": table.to_numpy,
        "dict": lambda: {name: table[name].tolist() for name in table},
    }
    if rng.random() < 0.6:
        what = list(columns)[rng.integers(len(columns))]
        column = columns[what]()
        where = "y" if rng.random() < 0.3 else "x1"
        odd = table.assign(**{where: column})
        return Odd(f"{where} of {what}", odd, odd if what == "NA" else None)
    what = list(wholes)[rng.integers(len(wholes))]
    return Odd(what, wholes[what]())
