"""Read and write MXNet's `.params` files, the format of ``mx.nd.save``, with NumPy alone.

A file is a header, a list of arrays and a list of names, all little-endian. An array is a word that
names one of four layouts, the shape, the device, the number of the dtype, and the values. A sparse
array stores its nonzero values and their positions.

A file may be damaged or forged, so each length is compared with the rest of the file before
anything is read or allocated.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from pathlib import Path
from typing import BinaryIO, Dict, List, Mapping, Sequence, Union

import numpy as np

_FILE = 0x112
# The words that begin an array in the three later layouts. In the first layout an array begins with
# its number of dimensions.
_SIGNED_SHAPE, _STORAGE, _NUMPY_SHAPE = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE, _ROW_SPARSE, _CSR = range(3)
_CPU = 1
_DEVICES = {_CPU, 2, 3, 5}  # CPU, GPU, pinned memory, shared memory
_MOST_DIMENSIONS = 32  # NumPy's limit before version 2

# In the order of MXNet's dtype numbers. MXNet 1.9.1 reads the first eight, and bfloat16.
_DTYPES = [np.dtype(f"<{code}") for code in "f4 f8 f2 u1 i4 i1 i8 ? i2 u2 u4 u8".split()]
_WRITABLE = _DTYPES[:8]
_BFLOAT16 = len(_DTYPES)
_INT64 = 6

# The dense form of a file's sparse arrays may take up the larger of these two sizes.
_DENSE_BYTES = 2**24
_DENSE_TIMES_FILE = 100


def read_params(path: Union[str, Path]) -> Union[Dict[str, np.ndarray], List[np.ndarray]]:
    """Read a `.params` file, as ``mx.nd.load`` does.

    All layouts that MXNet 1.9.1 reads are supported, as are files of ``mx.npx.save``. bfloat16
    becomes float32, and sparse arrays become dense. Values are read directly into the arrays, so
    dense arrays take as much memory as the file and a few hundred bytes each.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict of str to array, or list of array
        A list if the arrays have no names. The arrays own their memory.

    Raises
    ------
    ValueError
        If the file cannot be read, or is not a `.params` file from its first byte to its last; if
        an array has no values, or two have the same name; if the file's sparse arrays would take
        up more than 100 times its size as dense arrays, and more than 16 MiB. MXNet is more
        lenient: it accepts extra bytes at the end, any device number, sparse arrays that its own
        `check_format` rejects, and several arrays of one name, of which it returns the last.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # opening a pipe could block forever
            raise ValueError("is not an ordinary file")
        with open(path, "rb") as file:
            return params_from(file)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def params_from(file: BinaryIO) -> Union[Dict[str, np.ndarray], List[np.ndarray]]:
    """Read an open file from its current position to its end, as `read_params` does.

    Raises
    ------
    ValueError
        As `read_params`, but the message does not name the file.
    """
    content = _Content(file)
    if content.left < 8 or content.number("Q") != _FILE:
        raise ValueError("is not a .params file of MXNet")
    content.number("Q")  # reserved
    arrays = []
    for i in range(content.number("Q")):
        try:
            arrays.append(_read_array(content))
        except ValueError as error:
            raise ValueError(f"array {i}: {error}") from None
    names = [_read_name(content) for _ in range(content.number("Q"))]
    if content.left:
        raise ValueError(f"has {content.left} extra bytes at its end")
    if not names:
        return arrays
    if len(names) != len(arrays):
        raise ValueError(f"has {len(names)} names for {len(arrays)} arrays")
    named = dict(zip(names, arrays))
    if len(named) != len(names):
        ((name, _),) = Counter(names).most_common(1)
        raise ValueError(f"has more than one array named {name[:100]!r}")
    return named


def params_bytes(arrays: Union[Mapping[str, np.ndarray], Sequence[np.ndarray]]) -> bytes:
    """Make the bytes that ``mx.nd.save`` writes for dense arrays.

    Parameters
    ----------
    arrays : dict of str to array, or sequence of array
        Arrays with at least one dimension and one value, of float16, float32, float64, uint8,
        int8, int32, int64 or bool. ``mx.nd.load`` reads no others.

    Returns
    -------
    bytes
        The content of the file.

    Raises
    ------
    TypeError, ValueError
        If ``mx.nd.load`` could not read an array or a name.
    """
    named = isinstance(arrays, Mapping)
    parts = [struct.pack("<QQQ", _FILE, 0, len(arrays))]
    for key, array in arrays.items() if named else enumerate(arrays):
        dtype = array.dtype.newbyteorder("<")
        if dtype not in _WRITABLE:
            raise TypeError(f"array {key!r}: MXNet's .params files hold no {array.dtype}")
        if not array.size or not 1 <= array.ndim <= _MOST_DIMENSIONS:
            raise ValueError(f"array {key!r}: .params files hold no array of shape {array.shape}")
        head = _STORAGE, _DENSE, array.ndim, *array.shape, _CPU, 0, _WRITABLE.index(dtype)
        parts.append(struct.pack(f"<IiI{array.ndim}qiii", *head))
        parts.append(np.ascontiguousarray(array, dtype))
    parts.append(struct.pack("<Q", len(arrays) if named else 0))
    for name in arrays if named else ():
        if "\0" in name:
            raise ValueError(f"array {name!r}: MXNet's names cannot hold a zero character")
        encoded = name.encode()
        parts += [struct.pack("<Q", len(encoded)), encoded]
    return b"".join(parts)


class _Content:
    """An open file. Its methods read and allocate at most as many bytes as remain in it."""

    def __init__(self, file):
        start = file.tell()
        self.file = file
        self.left = file.seek(0, 2) - start
        self.left_for_dense = max(_DENSE_BYTES, _DENSE_TIMES_FILE * self.left)
        file.seek(start)

    def take(self, size):
        if size > self.left:
            raise ValueError(f"is cut off: {size} bytes should follow, not {self.left}")
        self.left -= size

    def bytes(self, size):
        self.take(size)
        read = self.file.read(size)
        if len(read) != size:
            raise ValueError("became shorter while it was read")
        return read

    def numbers(self, count, code):
        return struct.unpack(f"<{count}{code}", self.bytes(count * struct.calcsize(f"<{code}")))

    def number(self, code):
        return self.numbers(1, code)[0]

    def shape(self):
        return self.dimensions(self.number("i"), "q")

    def dimensions(self, ndim, code):
        if not 0 <= ndim <= _MOST_DIMENSIONS:
            raise ValueError(f"has {ndim} dimensions; 0 to {_MOST_DIMENSIONS} are possible")
        shape = self.numbers(ndim, code)
        # NumPy cannot make such an array of 2**63 bytes, even if another dimension is 0.
        if min(shape, default=0) < 0 or math.prod(filter(None, shape)) >= 2**59:
            raise ValueError(f"has the impossible shape {shape}")
        return shape

    def array(self, dtype, shape):
        if not 0 <= dtype <= _BFLOAT16:
            raise ValueError(f"has the unknown dtype {dtype}")
        stored = np.dtype("<u2") if dtype == _BFLOAT16 else _DTYPES[dtype]
        size = math.prod(shape) * stored.itemsize
        self.take(size)
        read = np.empty(size, np.uint8)
        if self.file.readinto(read) != size:
            raise ValueError("became shorter while it was read")
        values = read.view(stored)
        if dtype == _BFLOAT16:  # the upper half of a float32
            values = values.astype("<u4")
            values <<= 16
            values = values.view("<f4")
        elif stored.kind == "b":
            values = read != 0  # NumPy's bool allows only the bytes 0 and 1
        return values.reshape(shape)

    def zeros(self, shape, dtype):
        size = math.prod(shape) * dtype.itemsize
        if size > self.left_for_dense:
            raise ValueError(
                f"is sparse, and would take up {size} bytes as a dense array of shape {shape}, far "
                "more than the file"
            )
        self.left_for_dense -= size
        return np.zeros(shape, dtype)


def _read_array(content):
    layout = content.number("I")
    storage = content.number("i") if layout in (_STORAGE, _NUMPY_SHAPE) else _DENSE
    if storage not in (_DENSE, _ROW_SPARSE, _CSR):
        raise ValueError(f"has the unknown storage type {storage}")
    stored_shape = None if storage == _DENSE else content.shape()
    if layout in (_SIGNED_SHAPE, _STORAGE, _NUMPY_SHAPE):
        shape = content.shape()
    else:
        shape = content.dimensions(layout, "I")
    # In the layouts before NumPy's shapes, an array of no dimensions was never given values.
    if not shape and (layout != _NUMPY_SHAPE or storage != _DENSE):
        raise ValueError("has no values")
    device, _, dtype = content.numbers(3, "i")
    if device not in _DEVICES:
        raise ValueError(f"is on the unknown device {device}")
    if storage == _DENSE:
        return content.array(dtype, shape)
    # Row-sparse arrays list their rows. CSR arrays list where each row starts, and their columns.
    heads = [(content.number("i"), content.shape()) for _ in range(storage)]
    for index_dtype, index_shape in heads:
        if index_dtype != _INT64 or len(index_shape) != 1:
            raise ValueError("is sparse, and its indices are not a list of int64")
    values = content.array(dtype, stored_shape)
    indices = [content.array(*head) for head in heads]
    to_dense = _rows_to_dense if storage == _ROW_SPARSE else _csr_to_dense
    return to_dense(content, shape, values, *indices)


def _rows_to_dense(content, shape, values, rows):
    if values.shape != (len(rows), *shape[1:]):
        raise ValueError(f"has {len(rows)} rows, whose values have the shape {values.shape}")
    _check_range(rows, shape[0])
    _check_ascending(rows)
    dense = content.zeros(shape, values.dtype)
    dense[rows] = values
    return dense


def _csr_to_dense(content, shape, values, starts, columns):
    if len(shape) != 2 or len(starts) != shape[0] + 1 or values.shape != columns.shape:
        raise ValueError("is a CSR array whose parts do not fit its shape")
    if starts[0] != 0 or starts[-1] != len(values) or (starts[1:] < starts[:-1]).any():
        raise ValueError("is a CSR array whose rows do not follow each other")
    _check_range(columns, shape[1])
    dense = content.zeros(shape, values.dtype)
    places = np.repeat(np.arange(shape[0]) * shape[1], np.diff(starts)) + columns
    _check_ascending(places)
    dense.reshape(-1)[places] = values
    return dense


def _check_range(indices, end):
    if len(indices) and not 0 <= indices.min() <= indices.max() < end:
        raise ValueError(f"is sparse, and has an index that is not in 0 to {end - 1}")


def _check_ascending(indices):
    if (indices[1:] <= indices[:-1]).any():
        raise ValueError("is sparse, and its indices are not ascending")


def _read_name(content):
    name = content.bytes(content.number("Q"))
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise ValueError(f"the name {name[:100]!r} is not UTF-8") from None
    if "\0" in text:
        raise ValueError(f"the name {text[:100]!r} holds a zero character")
    return text
