"""The process that makes the calls of attack.py's part "arguments".

It reads a number from each line of its input, makes the odd call of this number, and answers with
two lines of JSON: what it calls, and what is wrong with what came of it, or null.
"""

import gc
import json
import os
import re
import sys
import time
import traceback
import warnings
from pathlib import Path

import calls
import numpy as np
import odd_values

import mxlinreg as mlr
from mxlinreg._mxnet import nd

# What a value may differ from NumPy's, as some are float16.
TOLERANCE = 2e-3


def serve(seed, folder, answers):
    os.chdir(folder)
    known = calls.calls(Path(folder))
    names = list(known)
    answer(answers, names)
    for name in names:
        np.random.seed(0)
        _, failure = outcome(known[name], known[name].make(), {})
        if failure is not None and name != "distributed.connect":
            failure = f"the valid call: {failure}"
            answer(answers, {"name": name, "failure": failure})
            return
    gc.freeze()  # gluon's DataLoader collects garbage, which takes long with so many libraries
    answer(answers, "ready")
    for line in sys.stdin:
        number = int(line)
        name = names[number % len(names)]
        try:
            arguments, odd = drawn(known[name], np.random.default_rng([seed, number]))
        except Exception:
            answer(answers, f"{name}: {traceback.format_exc(limit=-3)}")
            raise
        told = ", ".join(f"{argument} = {value.what}" for argument, value in odd.items())
        answer(answers, f"{name}: {told}")
        began = time.monotonic()
        kind, failure = outcome(known[name], arguments, odd)
        taken = time.monotonic() - began
        answer(answers, {"name": name, "kind": kind, "failure": failure, "seconds": taken})


def answer(answers, content):
    answers.write(json.dumps(content, default=str) + "\n")
    answers.flush()


def drawn(call, rng):
    """The arguments of a valid call, one or two of them replaced."""
    arguments = call.make()
    number = min(len(arguments), 2 if rng.random() < 0.2 else 1)
    odd = {}
    # Half of the draws are for the arguments that hold data.
    likely = np.array([1.0 + len(arguments) * (name in call.odd) for name in arguments])
    names = rng.choice(list(arguments), number, replace=False, p=likely / likely.sum())
    for name in names.tolist():
        make = call.odd.get(name)
        if make is None or rng.random() < 0.2 and make is not calls.few:
            odd[name] = odd_values.any_value(rng)
        else:
            odd[name] = make(arguments[name], rng)
        arguments[name] = odd[name].value
    return arguments, odd


def outcome(call, arguments, odd):
    """What came of a call, "returned" or "refused", and what is wrong with that, or None."""
    generator = np.random.get_state()[1:3]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = call.function(**arguments)
            nd.waitall()  # MXNet raises the errors of pending operations here
    except BaseException as error:
        return "refused", wrong_error(error, odd)
    after = np.random.get_state()[1:3]
    if not call.draws and not (after[1] == generator[1] and (after[0] == generator[0]).all()):
        return "returned", "it drew from NumPy's global generator"
    return "returned", wrong_result(call, arguments, odd, result)


def wrong_error(error, odd):
    told = f"{type(error).__name__}: {str(error)[:300]}"
    if isinstance(error, mlr.DivergenceError) or any(
        name in calls.FUNCTIONS and callable(value.value) for name, value in odd.items()
    ):
        return None
    if not isinstance(error, (TypeError, ValueError, ImportError)):
        return told
    if isinstance(error, UnicodeError):
        return told
    given = sum(len(value.value) for value in odd.values() if isinstance(value.value, str))
    if len(str(error)) > 2000 + given:
        return f"{told} … ({len(str(error))} letters)"
    names = [part for name in odd for part in [name, *calls.PARTS.get(name, ())]]
    if any(re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", str(error)) for name in names):
        return None
    for value in odd.values():  # a file is named by its path
        if isinstance(value.value, (str, Path)) and str(value.value)[:50] in str(error):
            return None
    return f"names no argument: {told}"


def wrong_result(call, arguments, odd, result):
    read = [name for name in odd if name in call.read]
    for name in read:
        if odd[name].meaning is odd_values.REFUSED:
            return f"{name} was used"
    if call.result is None or len(read) < len(odd) or not odd:
        return None
    if any(odd[name].meaning is None for name in read):
        return None
    numbers = {}
    for name in call.read:
        if arguments[name] is not None:
            known = odd[name].meaning if name in odd else arguments[name]
            numbers[name] = known if name == "data" else odd_values.numbers_of(known)
    with np.errstate(all="ignore"):
        try:
            right = call.result(**numbers)
        except Exception:  # NumPy cannot compute it
            right = odd_values.REFUSED
    if right is None:
        return None
    if right is odd_values.REFUSED:
        return f"{', '.join(odd)} was used"
    right = right if isinstance(right, tuple) else (right,)
    given = calls.numbers_in(result)
    for own, other in zip(given, right):
        other = np.asarray(other, dtype=np.float64)
        size = max(np.nanmax(np.abs(other), initial=0), 1.0)
        if own.size != other.size or not np.allclose(
            own.ravel(), other.ravel(), rtol=TOLERANCE, atol=TOLERANCE * size, equal_nan=True
        ):
            return f"it returned {own.ravel()[:4]}, not {other.ravel()[:4]}"
    return None


if __name__ == "__main__":
    # What the calls print goes nowhere, also what MXNet prints.
    with os.fdopen(os.dup(1), "w") as answers:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        if len(sys.argv) < 4:
            os.dup2(nowhere, 2)
        serve(int(sys.argv[1]), sys.argv[2], answers)
