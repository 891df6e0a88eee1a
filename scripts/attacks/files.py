"""Damaged and forged files: each reader gives what is in them, or an error that names the file."""

import shutil
import time
import traceback
from pathlib import Path

from . import readers
from .children import Child
from .folders import own_folder
from .samples import make_samples

CASE = Path("case")  # the folder of the damaged file


def attack(tally, rng, seconds):
    end = time.monotonic() + seconds
    with own_folder():
        samples = make_samples()
        sound = [sound_values(sample) for sample in samples]
        with Child(lambda i, name: examine(samples[i], name, sound[i][name])) as child:
            while time.monotonic() < end:
                for i, sample in enumerate(samples):
                    try_files(tally, child, i, sample, sample.change(sample.files, rng))


def sound_values(sample):
    values = {}
    for name in sample.readers:
        lay_out(sample.files)
        values[name] = readers.READERS[name](path_of(sample))
    return values


def try_files(tally, child, i, sample, files):
    tally.tried(sample.kind)
    for name in sample.readers:
        lay_out(files)
        value, error = child.call(i, name)
        outcome, complaint = value or ("wrong", error)
        tally.tried(f"readings: {outcome}")
        if complaint:
            lay_out(files)
            kept = tally.keep(sample.kind.replace(" ", "-"), CASE)
            tally.failed(sample.kind, f"{name}: {complaint} ({kept})")


def lay_out(files):
    shutil.rmtree(CASE, ignore_errors=True)
    CASE.mkdir()
    for name, content in files.items():
        (CASE / name).write_bytes(content)


def path_of(sample):
    return CASE / next(iter(sample.files))


def examine(sample, name, sound):
    """Read the files of the case; return what came of it in a word, and what is wrong or ""."""
    path = path_of(sample)
    try:
        value = readers.READERS[name](path)
    except (ValueError, OSError) as error:
        known = (*sample.files, *readers.ADVICE) if sample.expected else readers.SYMBOL_FILES
        named = sample.expected == "any" or any(own in str(error) for own in known)
        return "an error", "" if named else f"an error without the file's name: {error!r}"
    except AssertionError as error:
        return "wrong", str(error)
    except BaseException:
        return "wrong", traceback.format_exc(limit=-3)
    if value == sound:
        return "as of the sound file", ""
    complaint = ""
    if sample.expected == "sound":
        complaint = f"reads {value!r:.300} where {sound!r:.300} was saved"
    elif sample.expected == "MXNet's":
        found = readers.mxnets(path)
        if name == "load" and value != found:
            complaint = f"reads {value!r:.300} where MXNet reads {found!r:.300}"
    elif sample.expected == "cells" and isinstance(value, dict):
        complaint = readers.differing(value, readers.cells(path))
    return ("wrong" if complaint else "as of another sound file"), complaint
