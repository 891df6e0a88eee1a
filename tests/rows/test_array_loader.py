"""Arrays as the chapter's DataLoader."""

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mxlinreg as mlr


@given(
    rows=st.integers(1, 40),
    num_inputs=st.integers(1, 5),
    outputs=st.sampled_from([(), (1,), (3,)]),
    batch_size=st.integers(1, 50),
    shuffle=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)
@settings(deadline=None, max_examples=30)
def test_batches_hold_every_row_once(rows, num_inputs, outputs, batch_size, shuffle, dtype):
    X = np.arange(rows * num_inputs, dtype=dtype).reshape(rows, num_inputs)
    y = np.arange(rows * int(np.prod(outputs)), dtype=dtype).reshape(rows, *outputs)
    loader = mlr.ArrayLoader(X, y, batch_size=batch_size, shuffle=shuffle)
    batches = [(data.asnumpy(), label.asnumpy()) for data, label in loader]
    assert len(batches) == len(loader) == -(-rows // batch_size)
    assert all(len(data) == batch_size for data, _ in batches[:-1])
    data = np.concatenate([data for data, _ in batches])
    label = np.concatenate([label for _, label in batches])
    order = (data[:, 0] / num_inputs).astype(int)
    assert sorted(order) == list(range(rows))
    assert shuffle or list(order) == list(range(rows))
    assert (data == X[order]).all() and (label == y[order]).all()
    assert data.dtype == label.dtype == np.dtype(dtype)


def test_order_is_drawn_from_numpys_global_generator(seed):
    loader = mlr.ArrayLoader(np.arange(8.0)[:, None], np.arange(8.0), batch_size=3)
    for _ in range(2):
        seed(9)
        order = np.concatenate([label.asnumpy() for _, label in loader])
        np.random.seed(9)
        expected = np.arange(8)
        np.random.shuffle(expected)
        assert order.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "given_type, kept",
    [
        ("float32", "float32"),
        ("float64", "float64"),
        ("int16", "float32"),
        ("int64", "float64"),
        ("bool", "float32"),
    ],
)
def test_number_types(given_type, kept):
    X = np.ones((3, 2), dtype=given_type)
    assert mlr.ArrayLoader(X, np.ones(3, dtype=kept)).X.dtype == np.dtype(kept)
    if given_type != "bool":
        X = mx.nd.ones((3, 2), dtype=given_type) if given_type != "int16" else X
        assert mlr.ArrayLoader(X, np.ones(3, dtype=kept)).X.dtype == np.dtype(kept)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "X, y, error, text",
    [
        ([[1.0], [2.0]], [1.0], ValueError, "y: has 1 rows and X has 2"),
        (np.ones((0, 2)), [], ValueError, "X: is empty"),
        (np.ones((2, 0)), [1.0, 2.0], ValueError, "X: is empty"),
        ([[1.0], [2.0]], [], ValueError, "y: is empty"),
        ([[1.0], [NAN]], [1.0, 2.0], ValueError, "X: holds NaN"),
        ([[1.0], [INF]], [1.0, 2.0], ValueError, "X: holds NaN or infinity"),
        ([[1.0], [2.0]], [1.0, NAN], ValueError, "y: holds NaN"),
        (mx.nd.array([[1.0], [-INF]]), [1.0, 2.0], ValueError, "X: holds NaN"),
        ([1.0, 2.0], [1.0, 2.0], ValueError, "X: must have 2 dimensions"),
        (np.ones((2, 1, 1)), [1.0, 2.0], ValueError, "X: must have 2 dimensions"),
        ([[1.0], [2.0]], np.ones((2, 1, 1)), ValueError, "y: must have 1 or 2 dimensions"),
        ([[1.0], [2.0]], 3.0, ValueError, "y: must have 1 or 2 dimensions"),
        ([["a"], ["b"]], [1.0, 2.0], TypeError, "X: must hold real numbers"),
        ([[1.0], [2.0]], ["a", "b"], TypeError, "y: must hold real numbers"),
        ([[1j], [2j]], [1.0, 2.0], TypeError, "X: must hold real numbers"),
        ([[None], [2]], [1.0, 2.0], TypeError, "X: must hold real numbers"),
        ([[1.0], [2.0, 3.0]], [1.0, 2.0], (TypeError, ValueError), "X: "),
    ],
)
def test_bad_data(X, y, error, text):
    with pytest.raises(error, match=text):
        mlr.ArrayLoader(X, y)


@pytest.mark.parametrize("position", [0, 65535, 65536, 199_999])
def test_nan_is_found_anywhere(position):
    y = np.zeros(200_000, dtype="float32")
    y[position] = NAN
    with pytest.raises(ValueError, match="y: holds NaN"):
        mlr.ArrayLoader(np.zeros((200_000, 1), dtype="float32"), y)


@pytest.mark.parametrize(
    "batch_size, error", [(0, ValueError), (-4, ValueError), (4.0, TypeError), ("4", TypeError)]
)
def test_bad_batch_size(batch_size, error):
    with pytest.raises(error, match="batch_size"):
        mlr.ArrayLoader([[1.0]], [1.0], batch_size=batch_size)


def test_take():
    """MXNet itself would take the last row for a number that is too large."""
    loader = mlr.ArrayLoader(np.arange(6.0).reshape(3, 2), np.arange(3.0))
    data, label = loader.take([2, 0])
    assert data.asnumpy().tolist() == [[4, 5], [0, 1]] and label.asnumpy().tolist() == [2, 0]
    for rows, error in (
        ([3], ValueError),
        ([-1], ValueError),
        ([], ValueError),
        ([0.0], TypeError),
    ):
        with pytest.raises(error, match="^rows: "):
            loader.take(rows)
    with pytest.raises(TypeError, match="^order: must be a function, not 3"):
        loader.blocks(3)
    with pytest.raises(ValueError, match=r"^w: must have shape \(inputs, outputs\), not \(2,\)"):
        loader.check(np.ones(2))
