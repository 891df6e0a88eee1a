"""`.params` files in NumPy against those of MXNet itself: both ways, all layouts, any bytes."""

import io
import itertools
import os
import random
import signal
import struct
import subprocess
import sys
import tracemalloc
from contextlib import contextmanager

import mxnet as mx
import numpy as np
import pytest
from helpers import environment, mutations
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from mxlinreg.models.params_file import params_bytes, params_from, read_params

DTYPES = ["float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool"]
LATER_DTYPES = ["int16", "uint16", "uint32", "uint64"]
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA


def shape_bytes(*shape):
    return struct.pack(f"<i{len(shape)}q", len(shape), *shape)


def place(number, device=1):
    """The device, its number, and the number of the dtype."""
    return struct.pack("<iii", device, 0, number)


def v2(values, number, magic=V2):
    head = struct.pack("<Ii", magic, 0) + shape_bytes(*values.shape)
    return head + place(number) + values.tobytes()


def v1(values, number):
    return struct.pack("<I", V1) + shape_bytes(*values.shape) + place(number) + values.tobytes()


def first_layout(values, number):
    shape = struct.pack(f"<I{values.ndim}I", values.ndim, *values.shape)
    return shape + place(number) + values.tobytes()


def row_sparse(shape, values, rows):
    head = struct.pack("<Ii", V2, 1) + shape_bytes(*values.shape) + shape_bytes(*shape)
    indices = struct.pack("<i", 6) + shape_bytes(len(rows))
    return head + place(0) + indices + values.tobytes() + np.array(rows, "i8").tobytes()


def csr(shape, values, starts, columns):
    head = struct.pack("<Ii", V2, 2) + shape_bytes(*values.shape) + shape_bytes(*shape)
    kind = struct.pack("<i", 6)
    indices = kind + shape_bytes(len(starts)) + kind + shape_bytes(len(columns))
    lists = np.array(starts, "i8").tobytes() + np.array(columns, "i8").tobytes()
    return head + place(0) + indices + values.tobytes() + lists


def file_of(*arrays, names=()):
    content = struct.pack("<QQQ", 0x112, 0, len(arrays)) + b"".join(arrays)
    content += struct.pack("<Q", len(names))
    return content + b"".join(struct.pack("<Q", len(name)) + name for name in names)


def ours(content):
    return params_from(io.BytesIO(content))


def mxnets(content):
    """What MXNet itself reads, in NumPy."""
    loaded = mx.nd.load_frombuffer(content)
    if isinstance(loaded, dict):
        return {name: array.asnumpy() for name, array in loaded.items()}
    return [array.asnumpy() for array in loaded]


def is_same(a, b):
    if isinstance(a, (dict, list)):
        keys = list(a) if isinstance(a, dict) else range(len(a))
        kin = type(a) is type(b) and len(a) == len(b)
        return kin and (isinstance(a, list) or keys == list(b)) and all(
            is_same(a[key], b[key]) for key in keys
        )  # fmt: skip
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


some_arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(max_dims=5, max_side=4))
)
names = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
some_params = st.dictionaries(names, some_arrays, max_size=4) | st.lists(some_arrays, max_size=4)


@settings(max_examples=100, deadline=None)
@given(some_params)
def test_there_and_back(params):
    content = params_bytes(params)
    expected = params or []  # a dict of no arrays is a file as that of no list
    assert is_same(ours(content), expected)
    assert is_same(mxnets(content), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("named", [True, False])
def test_the_bytes_are_those_of_mxnet(tmp_path, dtype, named):
    values = np.random.RandomState(0).uniform(0, 99, (3, 4)).astype(dtype)
    params = [values, values[:1, 1:3], values.T, values[0]]
    params = dict(zip(["w", "arg:ä", "", "a b\n"], params)) if named else params
    path = str(tmp_path / "m.params")
    if named:
        mx.nd.save(path, {k: mx.nd.array(v, dtype=dtype) for k, v in params.items()})
    else:
        mx.nd.save(path, [mx.nd.array(v, dtype=dtype) for v in params])
    with open(path, "rb") as file:
        assert params_bytes(params) == file.read()
    assert is_same(read_params(path), params)


def test_a_file_of_nothing(tmp_path):
    path = str(tmp_path / "m.params")
    for nothing in ([], {}):
        mx.nd.save(path, nothing)
        assert read_params(path) == []
        with open(path, "rb") as file:
            assert params_bytes(nothing) == file.read()


def test_the_byte_order_of_what_is_written():
    values = np.array([[1.5, -2.0], [3.0, 4.0]])
    assert params_bytes([values.astype(">f8")]) == params_bytes([values])


def test_arrays_own_their_memory(tmp_path):
    path = tmp_path / "m.params"
    path.write_bytes(params_bytes({"a": np.ones(3, "u1"), "b": np.ones((2, 2))}))
    read = read_params(path)
    for array in read.values():
        assert array.flags.writeable and array.flags.aligned
    read["a"][:] = 2
    assert read["b"].tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("layout", [v2, v1, first_layout])
@pytest.mark.parametrize("number, dtype", enumerate(DTYPES))
def test_the_layouts_by_hand(layout, number, dtype):
    for shape in [(3,), (1, 1), (2, 3), (2, 1, 3, 1, 2), (0, 2)]:
        values = np.random.RandomState(0).uniform(0, 99, shape).astype(dtype)
        content = file_of(layout(values, number), layout(values, number), names=[b"v", b"w"])
        assert is_same(ours(content), {"v": values, "w": values})
        if values.size:
            assert is_same(mxnets(content), {"v": values, "w": values})


@pytest.mark.parametrize("number, dtype", enumerate(LATER_DTYPES, 8))
def test_dtypes_of_later_versions(number, dtype):
    values = np.array([[1, 2], [3, 60000]]).astype(dtype)
    content = file_of(v2(values, number))
    assert is_same(ours(content), [values])
    with pytest.raises(mx.MXNetError, match="Unknown type enum"):
        mxnets(content)
    with pytest.raises(TypeError, match=f"array 0: .*no {dtype}"):
        params_bytes([values])


def test_bfloat16(tmp_path):
    path = str(tmp_path / "m.params")
    bits = np.array([[0x3FC0, 0xC02D, 0x7F80, 0], [0x0001, 0x7F7F, 0x8000, 0x4049]], "<u2")
    halves = mx.nd.load_frombuffer(file_of(v2(bits, 12)))
    mx.nd.save(path, halves)
    (read,) = read_params(path)
    assert read[0].tolist() == [1.5, -2.703125, np.inf, 0] and read[1, 3] == 3.140625
    assert is_same(read, mx.nd.amp_cast(halves[0], dtype="float32").asnumpy())


def test_true_is_any_byte_but_zero():
    content = file_of(v2(np.array([0, 1, 2, 255], "u1"), 7))
    (read,) = ours(content)
    assert read.tolist() == [False, True, True, True] and read.sum() == 3


def test_shapes_of_numpy(tmp_path):
    path = str(tmp_path / "m.params")
    with mx.util.np_shape(True), mx.util.np_array(True):
        saved = {"scalar": mx.np.array(5.5), "none": mx.np.zeros((0, 3)), "a": mx.np.ones((2, 1))}
        mx.npx.save(path, saved)
    read = read_params(path)
    assert is_same(read, {name: array.asnumpy() for name, array in saved.items()})
    assert read["scalar"] == 5.5 and read["none"].shape == (0, 3)


@pytest.mark.parametrize("storage", ["row_sparse", "csr"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8", "int32", "int64"])
def test_sparse_arrays_of_mxnet(tmp_path, storage, dtype):
    path = str(tmp_path / "m.params")
    rng = np.random.RandomState(0)
    for density in (0, 0.1, 0.5, 1):
        values = (rng.uniform(1, 99, (7, 4)) * (rng.uniform(size=(7, 4)) < density)).astype(dtype)
        sparse = mx.nd.array(values, dtype=dtype).tostype(storage)
        mx.nd.save(path, {"dense": mx.nd.array(values, dtype=dtype), "sparse": sparse})
        assert is_same(read_params(path), {"dense": values, "sparse": values})
    mx.nd.save(path, [mx.nd.sparse.zeros(storage, (3, 4), dtype=dtype)])
    assert is_same(read_params(path), [np.zeros((3, 4), dtype)])


def test_rows_of_more_dimensions(tmp_path):
    path = str(tmp_path / "m.params")
    values = np.arange(1, 13, dtype="float32").reshape(2, 3, 2)
    sparse = mx.nd.sparse.row_sparse_array((values, [1, 4]), shape=(5, 3, 2))
    mx.nd.save(path, [sparse])
    assert is_same(read_params(path), [sparse.asnumpy()])


def test_sparse_arrays_by_hand():
    rows = row_sparse((4, 2), np.array([[1, 2], [3, 4]], "f4"), [0, 3])
    cells = csr((2, 5), np.array([1, 2, 3], "f4"), [0, 2, 3], [0, 4, 1])
    expected = [
        np.array([[1, 2], [0, 0], [0, 0], [3, 4]], "f4"),
        np.array([[1, 0, 0, 0, 2], [0, 3, 0, 0, 0]], "f4"),
    ]
    assert is_same(ours(file_of(rows, cells)), expected)
    assert is_same(mxnets(file_of(rows, cells)), expected)


def is_refused(content):
    try:
        ours(content)
    except ValueError:
        return True
    return False


def test_indices_that_mxnet_calls_wrong():
    """MXNet loads any indices, and has `check_format` to tell wrong ones."""

    def is_wrong(content):
        try:
            mx.nd.load_frombuffer(content)[0].check_format(full_check=True)
        except mx.MXNetError:
            return True
        return False

    verdicts = set()
    for rows in itertools.product(range(-1, 4), repeat=2):
        content = file_of(row_sparse((3, 1), np.ones((2, 1), "f4"), rows))
        verdicts.add(is_wrong(content))
        assert is_refused(content) == is_wrong(content), rows
    for columns in itertools.product(range(-1, 4), repeat=3):
        content = file_of(csr((2, 3), np.ones(3, "f4"), [0, 2, 3], columns))
        verdicts.add(is_wrong(content))
        assert is_refused(content) == is_wrong(content), columns
    # MXNet reads outside of the indices for starts beyond their number.
    for starts in itertools.product(range(0, 3), repeat=3):
        content = file_of(csr((2, 3), np.ones(2, "f4"), starts, [0, 1]))
        verdicts.add(is_wrong(content))
        assert is_refused(content) == is_wrong(content), starts
    assert verdicts == {True, False}


FOUR = np.arange(1, 5, dtype="f4").reshape(2, 2)
WHOLE = v2(FOUR, 0)
LIST = np.ones(2, "f4")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is not a .params file"),
        (b"hello", "is not a .params file"),
        (b"PK\3\4" + bytes(100), "is not a .params file"),
        (struct.pack("<QQ", 0x112, 0), "is cut off: 8 bytes should follow, not 0"),
        (struct.pack("<QQQ", 0x112, 0, 2**64 - 1), "array 0: is cut off"),
        (struct.pack("<QQQ", 0x112, 0, 2) + WHOLE, "array 1: is cut off"),
        (file_of(WHOLE)[:-12], "array 0: is cut off: 16 bytes should follow, not 12"),
        (file_of(WHOLE)[:-1], "is cut off: 8 bytes should follow, not 7"),
        (file_of(WHOLE) + b"ab", "has 2 extra bytes at its end"),
        (file_of(WHOLE, names=[b"a", b"b"]), "has 2 names for 1 arrays"),
        (file_of(WHOLE, WHOLE, names=[b"a"]), "has 1 names for 2 arrays"),
        (file_of(WHOLE, WHOLE, names=[b"a", b"a"]), "more than one array named 'a'"),
        (file_of(WHOLE, names=[b"\xff"]), r"the name b'\\xff' is not UTF-8"),
        (file_of(WHOLE, names=[b"a\0b"]), "holds a zero character"),
        (file_of(WHOLE)[:-8] + struct.pack("<QQ", 1, 2**63), "is cut off: 92233720368547758"),
        (file_of(WHOLE)[:-8] + struct.pack("<Q", 2**64 - 1), "is cut off: 8 bytes"),
        (file_of(v2(FOUR, 13)), "array 0: has the unknown dtype 13"),
        (file_of(v2(FOUR, -1)), "array 0: has the unknown dtype -1"),
        (file_of(struct.pack("<Ii", V2, 3)), "has the unknown storage type 3"),
        (file_of(struct.pack("<Ii", V2, -1)), "has the unknown storage type -1"),
        (file_of(struct.pack("<Iii", V2, 0, -1)), "has -1 dimensions"),
        (file_of(struct.pack("<Iii", V2, 0, 33)), "has 33 dimensions"),
        (file_of(struct.pack("<Iii", V2, 0, 0)), "array 0: has no values"),
        (file_of(struct.pack("<Ii", V1, 0)), "array 0: has no values"),
        (file_of(struct.pack("<I", 0)), "array 0: has no values"),
        (file_of(struct.pack("<I", 0xF993FAC7)), "has 4187224775 dimensions"),
        (file_of(struct.pack("<Ii", V2, 0) + shape_bytes(-1, 2) + place(0)), "impossible shape"),
        (file_of(struct.pack("<Ii", V2, 0) + shape_bytes(0, 2**62) + place(0)), "impossible"),
        (file_of(struct.pack("<Ii", V2, 0) + shape_bytes(2**62, 4) + place(0)), "impossible"),
        (file_of(struct.pack("<Ii", V2, 0) + shape_bytes(2**40) + place(0)), "is cut off"),
        (file_of(struct.pack("<II", 1, 2**32 - 1) + place(0)), "is cut off"),
        (file_of(v2(FOUR, 0).replace(place(0), place(0, device=4))), "unknown device 4"),
        (file_of(row_sparse((), FOUR, [0, 1])), "has no values"),
        (
            file_of(struct.pack("<I", V3) + row_sparse((), np.ones(0, "f4"), [])[4:]),
            "has no values",
        ),
        (file_of(row_sparse((2, 3), FOUR, [0, 1])), "has 2 rows, whose values have the shape"),
        (file_of(row_sparse((2, 2), FOUR, [0])), "has 1 rows, whose values have the shape"),
        (file_of(row_sparse((2, 2), FOUR, [0, 2])), "an index that is not in 0 to 1"),
        (file_of(row_sparse((2, 2), FOUR, [-1, 0])), "an index that is not in 0 to 1"),
        (file_of(row_sparse((3, 2), FOUR, [1, 0])), "indices are not ascending"),
        (file_of(row_sparse((3, 2), FOUR, [1, 1])), "indices are not ascending"),
        (file_of(row_sparse((2**40, 2), FOUR, [0, 1])), "is sparse, and would take up 879609302"),
        (file_of(csr((2,), LIST, [0, 1, 2], [0, 1])), "parts do not fit its shape"),
        (file_of(csr((2, 3), LIST, [0, 2], [0, 1])), "parts do not fit its shape"),
        (file_of(csr((2, 3), LIST, [0, 1, 2], [0])), "parts do not fit its shape"),
        (file_of(csr((2, 3), LIST, [0, 3, 2], [0, 1])), "rows do not follow each other"),
        (file_of(csr((2, 3), LIST, [1, 1, 2], [0, 1])), "rows do not follow each other"),
        (file_of(csr((2, 3), LIST, [0, 1, 1], [0, 1])), "rows do not follow each other"),
        (file_of(csr((2, 3), LIST, [0, 2, 2], [1, 0])), "indices are not ascending"),
        (file_of(csr((2, 3), LIST, [0, 1, 2], [0, 3])), "an index that is not in 0 to 2"),
        (file_of(csr((2, 2**40), LIST, [0, 1, 2], [0, 1])), "is sparse, and would take up 879609"),
        (
            file_of(row_sparse((3, 2), FOUR, [0, 1]).replace(*[struct.pack("<iiq", t, 1, 2)
                                                               for t in (6, 4)])),
            "its indices are not a list of int64",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "bytes",
)  # fmt: skip
def test_what_is_no_params_file(tmp_path, content, message):
    path = tmp_path / "m.params"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"m.params: (array 0: )?.*{message}") as caught:
        read_params(path)
    assert str(caught.value).startswith(f"{path}: ")


class CutShort(io.BytesIO):
    """A file that another process truncates as soon as its size is known."""

    def seek(self, place, whence=0):
        result = super().seek(place, whence)
        if whence == 2:
            self.truncate(self.rest)
        return result


def test_a_file_that_becomes_shorter_while_it_is_read():
    content = file_of(WHOLE)
    for rest in range(len(content)):
        file = CutShort(content)
        file.rest = rest
        start = "array 0: " if 24 <= rest < len(content) - 8 else ""
        with pytest.raises(ValueError, match=f"^{start}became shorter"):
            params_from(file)


def test_the_bound_is_for_all_sparse_arrays_together():
    """Each would pass by itself: 16 MiB for 100 bytes."""
    one = row_sparse((2**21, 2), np.ones((0, 2), "f4"), [])
    assert ours(file_of(one))[0].nbytes == 2**24
    with pytest.raises(ValueError, match="array 1: is sparse, and would take up 16777216 bytes"):
        ours(file_of(one, one))
    # This file has 320 kB, so 32 MB are allowed.
    for height, fits in ((19 * 10**5, True), (21 * 10**5, False)):
        rows = row_sparse((height, 2), np.ones((10**4, 2), "f4"), range(10**4))
        assert is_refused(file_of(rows, rows)) != fits


def test_names_of_which_two_are_the_same_are_found_at_once():
    many = 50000
    names = [b"%d" % i for i in range(many - 1)] + [b"49998"]
    content = file_of(*[first_layout(np.ones(1, "u1"), 3)] * many, names=names)
    with time_limit(15), pytest.raises(ValueError, match="named '49998'"):
        ours(content)


@pytest.mark.parametrize(
    "params, error, message",
    [
        ({"a": np.array(1.0)}, ValueError, r"array 'a': .*shape \(\)"),
        ({"a": np.ones((0, 2))}, ValueError, r"array 'a': .*shape \(0, 2\)"),
        ([np.ones(1), np.ones(1, complex)], TypeError, "array 1: .*no complex128"),
        ([np.array(["a"])], TypeError, "array 0: .*no <U1"),
        ([np.array([None])], TypeError, "array 0: .*no object"),
        ({"a\0b": np.ones(1)}, ValueError, "zero character"),
        ({"\udc80": np.ones(1)}, ValueError, "utf-8"),
    ],
)
def test_what_cannot_be_written(params, error, message):
    with pytest.raises(error, match=message):
        params_bytes(params)


def test_paths_that_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in [
        (tmp_path, "is not an ordinary file"),
        (tmp_path / "pipe", "is not an ordinary file"),
        (tmp_path / "missing", "cannot be read: No such file"),
        (os.devnull, "is not an ordinary file"),
    ]:
        with time_limit(20), pytest.raises(ValueError, match=f"{path}: {message}"):
            read_params(path)


def test_reading_and_writing_do_without_mxnet(tmp_path):
    program = (
        "import sys; sys.modules['mxnet'] = None\n"
        "import numpy as np\n"
        "from mxlinreg.models.params_file import params_bytes, read_params\n"
        "path = sys.argv[1]\n"
        "with open(path, 'wb') as file:\n"
        "    file.write(params_bytes({'w': np.array([[2.0], [3.0]])}))\n"
        "print(read_params(path)['w'].tolist())\n"
    )
    path = str(tmp_path / "m.params")
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True,
                          env=environment())  # fmt: skip
    assert done.stdout == "[[2.0], [3.0]]\n", done.stderr
    assert mx.nd.load(path)["w"].asnumpy().tolist() == [[2], [3]]


def peak_of(function, *arguments):
    """The most memory, NumPy's included, that a call takes."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        function(*arguments)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_a_large_file_is_in_memory_once(tmp_path):
    path, values = tmp_path / "m.params", np.ones((1000, 2000))
    path.write_bytes(params_bytes({"a": values, "b": values}))
    assert peak_of(read_params, path) < 1.02 * 2 * values.nbytes


@contextmanager
def time_limit(seconds):
    def stop(*_):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def check_any_bytes(path, content):
    """Arrays or a ValueError with the file's name, soon, and with little memory.

    Returns whether it gave arrays, which MXNet then reads as well, and finds the same in them.
    """
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with time_limit(10):
            read = read_params(path)
    except ValueError as error:
        assert str(path) in str(error)
        read = None
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    is_sparse = any(struct.pack("<Ii", V2, storage) in content for storage in (1, 2))
    # Buffers and tracebacks take 128 KiB in any case.
    assert peak < 8 * len(content) + 2**17 + is_sparse * 2**24
    if read is None:
        return False
    try:
        expected = mxnets(content)
    except mx.MXNetError as error:  # what later versions write, and NumPy's shapes
        assert "Unknown type enum" in str(error) or "np shape semantics" in str(error)
        return True
    values = read.values() if isinstance(read, dict) else read
    if all(array.size for array in values):
        assert is_same(as_mxnet_shows(read, expected), expected)
    return True


def as_mxnet_shows(read, expected):
    """MXNet shows bfloat16 as it is stored, and leaves bools their bytes."""
    if isinstance(read, dict):
        return {name: as_mxnet_shows(array, expected[name]) for name, array in read.items()}
    if isinstance(read, list):
        return [as_mxnet_shows(*pair) for pair in zip(read, expected)]
    if expected.dtype.names == ("bfloat16",):
        return (read.view("<u4") >> 16).astype("<u2").view(expected.dtype)
    if expected.dtype == bool:
        assert is_same(read, expected.view("u1") != 0)
        return expected
    return read


SAMPLES = {
    "model": file_of(v2(np.ones((3, 1)), 1), v2(np.ones(1), 1), names=[b"w", b"b"]),
    "older": file_of(v1(FOUR, 0), first_layout(FOUR, 0), first_layout(np.ones(4, "u1"), 3)),
    "numpy": file_of(v2(np.array(1.0), 1, V3), v2(np.ones((0, 2)), 1, V3), names=[b"a", b"b"]),
    "sparse": file_of(
        row_sparse((4, 2), FOUR, [0, 3]), csr((2, 5), LIST, [0, 1, 2], [1, 4]), names=[b"r", b"c"]
    ),
    "dtypes": file_of(*(v2(np.ones((2, 2), dtype), i) for i, dtype in enumerate(DTYPES)),
                      v2(np.array([[0x3FC0, 0xFF80]], "<u2"), 12)),
}  # fmt: skip


@pytest.mark.parametrize("sample", SAMPLES)
def test_mutated_files(tmp_path, sample):
    content, rng = SAMPLES[sample], random.Random(3)
    assert check_any_bytes(tmp_path / "m.params", content)
    passed = [check_any_bytes(tmp_path / "m.params", m) for m in mutations(content, rng, 100)]
    assert 0 < sum(passed) < 100


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES)
def test_many_mutated_files(tmp_path, sample):
    content, rng = SAMPLES[sample], random.Random(4)
    for damaged in mutations(content, rng, 5000):
        check_any_bytes(tmp_path / "m.params", damaged)


ODD = [0, 3, 33, 2**31 - 1, 2**31, 2**32 - 1, V3]
ODDER = [2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1]


@pytest.mark.parametrize("sample", ["model", "older", "numpy", "sparse"])
def test_odd_numbers_everywhere(tmp_path, sample):
    """Each four and eight bytes of a file in turn become numbers that lengths should not be."""
    content = SAMPLES[sample]
    for size, odd in ((4, ODD), (8, ODDER)):
        for start in range(8, len(content) - size + 1, 4):
            for number in odd:
                packed = number.to_bytes(size, "little")
                damaged = content[:start] + packed + content[start + size :]
                check_any_bytes(tmp_path / "m.params", damaged)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", struct.pack("<QQQ", 0x112, 0, 1),
                     struct.pack("<QQQIi", 0x112, 0, 1, V2, 2)]),
)  # fmt: skip
def test_random_bytes(tmp_path_factory, content, start):
    path = tmp_path_factory.getbasetemp() / "random.params"
    check_any_bytes(path, start + content)


FUZZER = """
import atheris, io, sys
import mxlinreg.models

with atheris.instrument_imports(include=["mxlinreg.models.params_file"]):
    from mxlinreg.models.params_file import params_from

def check(content):
    try:
        read = params_from(io.BytesIO(content))
    except ValueError:
        return
    arrays = read.values() if isinstance(read, dict) else read
    assert sum(array.nbytes for array in arrays) < 2**24 + 2 * len(content)

atheris.Setup(sys.argv, check)
atheris.Fuzz()
"""


@pytest.mark.slow
def test_bytes_that_reach_new_lines(tmp_path):
    """atheris keeps and mutates the inputs that take a way through the code not yet taken."""
    pytest.importorskip("atheris")
    (tmp_path / "fuzzer.py").write_text(FUZZER)
    (tmp_path / "corpus").mkdir()
    for name, content in SAMPLES.items():
        (tmp_path / "corpus" / name).write_bytes(content)
    options = ["-max_total_time=30", "-timeout=10", "-rss_limit_mb=500", "-max_len=2000"]
    done = subprocess.run(
        [sys.executable, "fuzzer.py", "corpus", *options],
        cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and "Done " in done.stderr, done.stderr[-3000:]
