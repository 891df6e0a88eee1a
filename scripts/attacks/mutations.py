"""Files as a bad disk, a broken copy or a malicious stranger would change them."""

import copy
import json
import struct

import numpy as np

HUGE = [0, 1, 33, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
WORDS = [
    b'"', b"'", b",", b";", b"\t", b"\r", b"\n", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xc3",
    b"1e999", b"-1e999", b"nan", b"inf", b"1_0", b"0x10", b"9" * 400, b"1e-400", b"true",
    b"2020-01-32", b"null", b"{", b"[" * 5000, b"}", b"\\u0000", b"\\ud800", b'""', b"=", b"`",
    b"\xe2\x80\xa8",
]  # fmt: skip
ODD = [None, True, -1, 0, 1e308, 10**400, 2**63, "", "x", "x" * 3000, "é\n\0", [], {}, [[[]]],
       [None], {"": None}, float("nan"), float("inf"), "\ud800", -0.5]  # fmt: skip


def mutated(content, rng):
    """A copy of the bytes with one to three changes."""
    for _ in range(1 + int(rng.integers(3)) * int(rng.integers(2))):
        change = CHANGES[rng.integers(len(CHANGES))]
        content = bytes(change(bytearray(content), rng))
    return content


def flip_bit(content, rng):
    content[place(content, rng)] ^= 1 << int(rng.integers(8))
    return content


def flip_bytes(content, rng):
    for _ in range(int(rng.integers(1, 9))):
        content[place(content, rng)] = int(rng.integers(256))
    return content


def cut(content, rng):
    return content[: place(content, rng)]


def cut_start(content, rng):
    return content[place(content, rng) :]


def remove(content, rng):
    start, stop = places(content, rng)
    del content[start:stop]
    return content


def double(content, rng):
    start, stop = places(content, rng)
    return content[:stop] + content[start:]


def nest(content, rng):
    """The file within itself."""
    start = place(content, rng)
    return content[:start] + content + content[start:]


def insert(content, rng):
    start = place(content, rng)
    content[start:start] = rng.bytes(int(rng.integers(1, 17)))
    return content


def insert_word(content, rng):
    start = place(content, rng)
    content[start:start] = WORDS[rng.integers(len(WORDS))]
    return content


def zeros(content, rng):
    start, stop = places(content, rng)
    content[start:stop] = bytes(stop - start)
    return content


def huge(content, rng):
    """A number that no length should be, in place of four or eight bytes."""
    number, start = HUGE[rng.integers(len(HUGE))], place(content, rng)
    packed = struct.pack("<Q", number) if rng.integers(2) else struct.pack("<I", number % 2**32)
    content[start : start + len(packed)] = packed
    return content


def swap_lines(content, rng):
    lines = bytes(content).split(b"\n")
    i, j = (int(rng.integers(len(lines))) for _ in range(2))
    lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


CHANGES = [
    flip_bit, flip_bit, flip_bytes, cut, cut_start, remove, double, nest, insert, insert_word,
    insert_word, zeros, huge, huge, swap_lines,
]  # fmt: skip


def place(content, rng):
    if not content:
        content.append(0)
    start = max(0, len(content) - 200) if rng.random() < 0.3 else 0  # short parts at the end
    return int(rng.integers(start, len(content)))


def places(content, rng):
    start, stop = sorted(place(content, rng) for _ in range(2))
    return start, stop + 1


def mutated_json(value, rng):
    """A copy of JSON types with one to three of the values replaced, removed or renamed."""
    value = json.loads(json.dumps(value))
    for _ in range(int(rng.integers(1, 4))):
        holders = list(containers(value))
        holder = holders[rng.integers(len(holders))]
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            continue
        key = keys[rng.integers(len(keys))]
        kind = rng.integers(4)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        else:
            holder[key] = copy.deepcopy(ODD[rng.integers(len(ODD))])
    return value


def containers(value):
    if isinstance(value, (dict, list)):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from containers(item)


def mutated_array(array, rng):
    """A copy of an array with one number, the shape or the dtype changed."""
    kind = rng.integers(4)
    if kind == 0:
        array = array.astype(["f2", "f4", "f8", "u1", "i4", "i8"][rng.integers(6)])
    elif kind == 1:
        array = array.reshape([(-1,), (1, -1), (-1, 1), (1, 1, -1)][rng.integers(4)])
    elif kind == 2:
        array = np.concatenate([array, array])
    else:
        array = array.copy()
        array.flat[rng.integers(array.size)] = [np.nan, np.inf, 1e300, -0.0, 5e-324][
            rng.integers(5)
        ]
    return array
