"""The pieces that the chapter writes by hand: the data's true function, the parameters, the
model, the loss and the optimizer."""

from typing import List, Sequence, Union

from .._checks import (
    MOST_NUMBERS,
    check_columns,
    check_count,
    check_dtype,
    check_gradients,
    check_input,
    check_number,
    check_outputs,
)
from .._mxnet import mx, nd
from .contexts import context


def real_fn(X: nd.NDArray) -> nd.NDArray:
    """The function that the chapter's data follow: ``y = 2 x0 - 3.4 x1 + 4.2``.

    Parameters
    ----------
    X : NDArray of shape (n, 2)

    Returns
    -------
    NDArray of shape (n,)

    Raises
    ------
    TypeError, ValueError
        If X is not an NDArray of floats of this shape.
    """
    check_columns("X", X, 2)
    return 2 * X[:, 0] - 3.4 * X[:, 1] + 4.2


def init_params(
    num_inputs: int = 2,
    num_outputs: int = 1,
    ctx: Union[str, mx.Context] = "cpu",
    dtype: str = "float32",
) -> List[nd.NDArray]:
    """Draw the weights `w`, then the bias `b`, from N(0, 1), and attach gradients to both.

    Parameters
    ----------
    num_inputs, num_outputs : int
        The numbers of columns of the data and of the label.
    ctx : str or mx.Context
        The chapter's `model_ctx`; anything that `context` takes.
    dtype : {"float32", "float64"}

    Returns
    -------
    [w, b] : list of NDArray
        Of shape (num_inputs, num_outputs) and (num_outputs,).

    Raises
    ------
    TypeError, ValueError
        If a number is not a positive int, or `dtype` is invalid.
    """
    num_inputs = check_count("num_inputs", num_inputs, maximum=MOST_NUMBERS)
    num_outputs = check_count("num_outputs", num_outputs, maximum=MOST_NUMBERS // num_inputs)
    check_dtype(dtype)
    ctx = context(ctx)
    w = nd.random_normal(shape=(num_inputs, num_outputs), ctx=ctx, dtype=dtype)
    b = nd.random_normal(shape=num_outputs, ctx=ctx, dtype=dtype)
    params = [w, b]
    for param in params:
        param.attach_grad()
    return params


def net(X: nd.NDArray, w: nd.NDArray, b: nd.NDArray) -> nd.NDArray:
    """The model: ``yhat = X w + b``.

    Parameters
    ----------
    X : NDArray of shape (n, d)
    w : NDArray of shape (d, k)
    b : NDArray of shape (k,)

    Returns
    -------
    NDArray of shape (n, k)

    Raises
    ------
    TypeError
        If X, w or b is not an NDArray.
    ValueError
        If X, w and b differ in their dtype, or their shapes do not fit each other.
    """
    check_input(X, w, b)
    return nd.dot(X, w) + b


def square_loss(yhat: nd.NDArray, y: nd.NDArray) -> nd.NDArray:
    """The mean of ``(yhat - y)**2`` over the batch.

    The chapter's prose defines the sum over all examples; its code averages over the batch,
    and so does this.

    Parameters
    ----------
    yhat, y : NDArray of shape (n, k)

    Returns
    -------
    NDArray of shape (1,)

    Raises
    ------
    TypeError
        If `yhat` or `y` is not an NDArray.
    ValueError
        If the shapes differ. MXNet would broadcast a `y` of shape (n,) to shape (n, n). Also if
        the dtypes differ, or are not those of floats: MXNet would round a mean of ints.
    """
    check_outputs(yhat, y)
    return nd.mean((yhat - y) ** 2)


def SGD(params: Sequence[nd.NDArray], lr: float) -> None:
    """One step of stochastic gradient descent, in place: ``param = param - lr * grad``.

    Parameters
    ----------
    params : sequence of NDArray
        The parameters, each with the gradient that ``loss.backward()`` stored in ``param.grad``.
    lr : float
        The learning rate.

    Raises
    ------
    TypeError, ValueError
        If `params` are not NDArrays with gradients, or `lr` is not a finite number of at least 0.
    """
    lr = check_number("lr", lr)
    check_gradients(params)
    for param in params:
        param[:] = param - lr * param.grad
