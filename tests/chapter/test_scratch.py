"""What the chapter writes by hand, against NumPy."""

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mxlinreg as mlr

sizes = st.integers(1, 6)
dtypes = st.sampled_from(["float32", "float64"])


def test_real_fn():
    X = mx.nd.array([[0, 0], [1, 0], [0, 1], [2, 3]])
    np.testing.assert_allclose(mlr.real_fn(X).asnumpy(), [4.2, 6.2, 0.8, -2.0], rtol=1e-6)


@given(sizes, sizes, dtypes)
@settings(deadline=None, max_examples=20)
def test_init_params_shapes(num_inputs, num_outputs, dtype):
    w, b = mlr.init_params(num_inputs, num_outputs, dtype=dtype)
    assert w.shape == (num_inputs, num_outputs) and b.shape == (num_outputs,)
    assert w.dtype == b.dtype == np.dtype(dtype)
    assert w.grad.shape == w.shape and b.grad.shape == b.shape


def test_init_params_are_where_they_were_asked_to_be():
    for params in (mlr.init_params(ctx="cpu(1)"), mlr.init_params(ctx=mx.cpu(1))):
        assert {array.context for p in params for array in (p, p.grad)} == {mx.cpu(1)}
    w, b = mlr.init_params()
    assert (w.shape, b.shape, w.dtype, w.context) == ((2, 1), (1,), np.float32, mx.cpu(0))


def test_init_params_draws_w_then_b_from_the_normal_distribution(seed):
    seed(5)
    w, b = mlr.init_params(200, 100)
    seed(5)
    expected = mx.nd.random_normal(shape=(200, 100)), mx.nd.random_normal(shape=(100,))
    assert (w == expected[0]).asnumpy().all() and (b == expected[1]).asnumpy().all()
    assert abs(w.asnumpy().mean()) < 0.03 and abs(w.asnumpy().std() - 1) < 0.03


@given(st.integers(1, 9), sizes, sizes, dtypes, st.integers(0, 100))
@settings(deadline=None, max_examples=30)
def test_one_step_is_the_gradient_of_the_mean_square(rows, num_inputs, num_outputs, dtype, seed):
    """net, square_loss, autograd and SGD, against the gradient worked out on paper."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(rows, num_inputs)).astype(dtype)
    y = rng.normal(size=(rows, num_outputs)).astype(dtype)
    params = w, b = mlr.init_params(num_inputs, num_outputs, dtype=dtype)
    w0, b0 = w.asnumpy(), b.asnumpy()
    with mx.autograd.record():
        yhat = mlr.net(mx.nd.array(X, dtype=dtype), w, b)
        loss = mlr.square_loss(yhat, mx.nd.array(y, dtype=dtype))
    loss.backward()
    mlr.SGD(params, 0.1)
    error = X @ w0 + b0 - y
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-10}
    assert loss.shape == (1,)
    np.testing.assert_allclose(yhat.asnumpy(), X @ w0 + b0, **tolerance)
    np.testing.assert_allclose(loss.asscalar(), (error**2).mean(), **tolerance)
    np.testing.assert_allclose(w.asnumpy(), w0 - 0.1 * 2 * X.T @ error / error.size, **tolerance)
    np.testing.assert_allclose(
        b.asnumpy(), b0 - 0.1 * 2 * error.sum(axis=0) / error.size, **tolerance
    )


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ({"num_inputs": 0}, ValueError, "^num_inputs: must be at least 1, not 0"),
        ({"num_outputs": 1.5}, TypeError, "^num_outputs: expected an int"),
        ({"num_inputs": True}, TypeError, "^num_inputs"),
        ({"dtype": "int32"}, ValueError, "^dtype"),
        ({"ctx": "tpu"}, ValueError, "tpu"),
    ],
)
def test_init_params_refuses(arguments, error, text):
    with pytest.raises(error, match=text):
        mlr.init_params(**arguments)


def test_square_loss_refuses_shapes_that_would_be_broadcast():
    """`net` gives a column, and the chapter's y is none."""
    yhat, y = mx.nd.zeros((3, 1)), mx.nd.array([1, 2, 3])
    with pytest.raises(ValueError) as caught:
        mlr.square_loss(yhat, y)
    assert str(caught.value) == (
        "square_loss: yhat has shape (3, 1) and y (3,); both must have the same, "
        "as after y.reshape(yhat.shape)"
    )
    np.testing.assert_allclose(mlr.square_loss(yhat, y.reshape(yhat.shape)).asscalar(), 14 / 3)


def test_net_says_which_dtype_the_parameters_need():
    X = np.ones((3, 2))
    with pytest.raises(TypeError, match=r"X: expected an NDArray, not ndarray; nd.array\(X\)"):
        mlr.net(X, *mlr.init_params())
    X = mx.nd.array(X, dtype="float64")
    advice = (
        r'X: float64 does not fit params of float32; draw .*init_params\(\.\.\., dtype="float64"'
    )
    with pytest.raises(ValueError, match=advice):
        mlr.net(X, *mlr.init_params())
    assert mlr.net(X, *mlr.init_params(dtype="float64")).dtype == np.float64
    with pytest.raises(ValueError, match=r'float32; convert it with astype\("float32"\)$'):
        mlr.net(X.astype("int32"), *mlr.init_params())


@pytest.mark.parametrize("engine", ["autograd", "compiled"])
def test_own_arrays_of_float64_say_which_dtype_the_parameters_need(engine):
    random = np.random.RandomState(0)
    X, y = random.normal(size=(20, 2)), random.normal(size=20)
    train_data = mx.gluon.data.DataLoader(mx.gluon.data.ArrayDataset(X, y), batch_size=4)
    with pytest.raises(ValueError, match='data: float64 .*dtype="float64"'):
        mlr.train(mlr.init_params(), train_data, engine=engine)
    assert len(mlr.train(mlr.init_params(dtype="float64"), train_data, 1, engine=engine)) == 1
    with pytest.raises(ValueError, match=r"label: float32 with data of float64; .*label.astype"):
        mlr.train_epoch(
            mlr.init_params(dtype="float64"),
            [(mx.nd.array(X, dtype="float64"), mx.nd.array(y, dtype="float32"))],
            0.1,
        )


def test_train_shows_the_loader_to_write():
    X, y = mlr.synthetic(8)
    params = mlr.init_params()
    with pytest.raises(TypeError) as caught:
        mlr.train(params, (X, y))
    loader = str(caught.value).partition("give ")[2]
    train_data = eval(loader, {"gluon": mx.gluon, "X": X, "y": y})
    assert len(mlr.train(params, train_data, epochs=2)) == 2


def test_pieces_refuse_what_mxnet_would_get_wrong():
    """MXNet takes 3.4 for 3 where the array holds ints, and rounds a mean of ints."""
    X, w, b = mx.nd.ones((4, 2)), *mlr.init_params()
    with pytest.raises(ValueError, match=r'X: holds int32; convert it with X.astype\("float32"\)'):
        mlr.real_fn(X.astype("int32"))
    with pytest.raises(
        ValueError, match=r"X: must have shape \(n, 2\), n at least 1, not \(4, 3\)"
    ):
        mlr.real_fn(mx.nd.ones((4, 3)))
    with pytest.raises(ValueError, match="yhat: holds int32; convert it"):
        mlr.square_loss(X.astype("int32"), X.astype("int32"))
    with pytest.raises(ValueError, match=r"X, w, b: do not fit .*X of shape \(4, 3\) and float32"):
        mlr.net(mx.nd.ones((4, 3)), w, b)
    with pytest.raises(ValueError, match="yhat, y: do not fit .* and float64"):
        mlr.square_loss(X, X.astype("float64"))
    for name, call in (
        ("X", lambda array: mlr.real_fn(array)),
        ("w", lambda array: mlr.net(X, array, b)),
        ("b", lambda array: mlr.net(X, w, array)),
        ("yhat", lambda array: mlr.square_loss(array, X)),
        ("y", lambda array: mlr.square_loss(X, array)),
        ("params", lambda array: mlr.SGD([array], 0.1)),
    ):
        with pytest.raises(TypeError, match=f"^{name}: expected an NDArray, not ndarray"):
            call(np.ones((4, 2), "float32"))
        with pytest.raises(TypeError, match=f"^{name}: is an array of mx.np"):
            call(mx.np.ones((4, 2)))


def test_a_step_needs_gradients_and_a_finite_rate():
    with pytest.raises(ValueError, match=r"params: one has no gradient; call its attach_grad\(\)"):
        mlr.SGD([mx.nd.ones(2)], 0.1)
    with pytest.raises(TypeError, match="params: expected a list of NDArrays, not 3"):
        mlr.SGD(3, 0.1)
    with pytest.raises(ValueError, match="lr: must be finite and at least 0, not nan"):
        mlr.SGD(mlr.init_params(), float("nan"))


@pytest.mark.parametrize("stype", ["row_sparse", "csr"])
def test_a_sparse_bias(stype):
    """MXNet would raise when the result is read."""
    w, b = mlr.init_params(num_outputs=1)
    with pytest.raises(TypeError, match="b: is sparse"):
        mlr.net(mx.nd.ones((4, 2)), w, b.reshape((1, 1)).tostype(stype))


def test_sparse_gradients():
    w, b = mlr.init_params()
    w.attach_grad(stype="row_sparse")
    with pytest.raises(ValueError, match=r"w has a sparse gradient; call w.attach_grad\(\) first"):
        mlr.train_epoch([w, b], [(mx.nd.ones((4, 2)), mx.nd.ones(4))], 0.1)
