"""Metrics beside NumPy's formulas."""

import math
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import mxnet as mx
import numpy as np
import pytest

from mxlinreg.fitting.metrics import metrics
from mxlinreg.rows.sources import as_rows

random = np.random.RandomState(0)
X = random.normal(size=(50, 3))
W, B = np.array([[1.0], [-2.0], [0.5]]), np.array([4.0])
Y = X @ W[:, 0] + B[0] + random.normal(size=50)
PARAMS = [mx.nd.array(param, dtype="float64") for param in (W, B)]


def expected(X, y):
    errors = X @ W[:, 0] + B[0] - y
    return {
        "rows": len(y),
        "mse": np.mean(errors**2),
        "rmse": np.sqrt(np.mean(errors**2)),
        "r2": 1 - np.mean(errors**2) / np.var(y),
    }


def test_metrics():
    found = metrics(as_rows(X, Y), PARAMS)
    assert found == pytest.approx(expected(X, Y), rel=1e-13)
    assert [type(value) for value in found.values()] == [int, float, float, float]
    assert list(found) == ["rows", "mse", "rmse", "r2"]


def test_float32_is_measured_in_float64():
    X32, y32 = X.astype("float32"), Y.astype("float32")
    params = [param.astype("float32") for param in PARAMS]
    assert metrics(as_rows(X32, y32), params) == pytest.approx(
        expected(X32.astype("float64"), y32.astype("float64")), rel=1e-13
    )


def test_a_constant_target_has_no_r2():
    found = metrics(as_rows(X, np.full(50, 3.0)), PARAMS)
    assert found["r2"] is None and math.isfinite(found["rmse"])


def test_no_row_is_an_error():
    with pytest.raises(ValueError, match="rows: no row has a weight above 0"):
        metrics(as_rows(X[:0], Y[:0]), PARAMS)
    with pytest.raises(ValueError, match="y: shape .* does not fit"):
        metrics(as_rows(X, Y[:-1]), PARAMS)


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_blocks_have_the_same_metrics(offset):
    """An offset as large as this would leave no digit of a variance from sums of squares."""
    y = Y + offset
    params = [PARAMS[0], PARAMS[1] + offset]
    blocks = [(X[rows], y[rows]) for rows in (slice(0, 20), slice(20, 41), slice(41, 50))]
    whole = metrics(as_rows(X, y), params)
    assert whole == pytest.approx(expected(X, Y), rel=1e-7 if offset else 1e-13)
    assert metrics(as_rows(blocks), params) == pytest.approx(whole, rel=1e-9)


def test_several_workers_have_the_metrics_of_all_rows():
    blocks = [(X[:20], Y[:20])], [(X[20:], Y[20:])], []
    arrays, barrier = [None] * 3, Barrier(3, timeout=60)

    def of_worker(k):
        def gather(own):
            arrays[k] = own
            barrier.wait()
            stacked = np.stack(arrays)
            barrier.wait()
            return stacked

        rows = as_rows(blocks[k])
        rows.gather = gather
        return metrics(rows, PARAMS)

    with ThreadPoolExecutor(3) as workers:
        for found in workers.map(of_worker, range(3)):
            assert found == pytest.approx(expected(X, Y), rel=1e-12)
