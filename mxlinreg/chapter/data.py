"""The chapter's data."""

from typing import Tuple, Union

from .._checks import MOST_NUMBERS, check_count, check_dtype, check_number
from .._mxnet import mx, nd
from .contexts import context
from .scratch import real_fn


def synthetic(
    num_examples: int = 10000,
    noise: float = 0.1,
    ctx: Union[str, mx.Context] = "cpu",
    dtype: str = "float32",
) -> Tuple[nd.NDArray, nd.NDArray]:
    """Draw the chapter's data: X from N(0, 1), and ``y = real_fn(X) + noise * N(0, 1)``.

    Parameters
    ----------
    num_examples : int
    noise : float
        The standard deviation of the noise, at least 0.
    ctx : str or mx.Context
        The chapter's `data_ctx`; anything that `context` takes.
    dtype : {"float32", "float64"}

    Returns
    -------
    X : NDArray of shape (num_examples, 2)
    y : NDArray of shape (num_examples,)

    Raises
    ------
    TypeError, ValueError
        If `num_examples` is not a positive int, `noise` is negative or not finite, or `dtype` is
        invalid.
    """
    num_examples = check_count("num_examples", num_examples, maximum=MOST_NUMBERS // 2)
    noise = check_number("noise", noise)
    check_dtype(dtype)
    ctx = context(ctx)
    X = nd.random_normal(shape=(num_examples, 2), ctx=ctx, dtype=dtype)
    y = real_fn(X) + noise * nd.random_normal(shape=(num_examples,), ctx=ctx, dtype=dtype)
    return X, y
