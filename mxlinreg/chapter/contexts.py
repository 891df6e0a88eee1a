"""The chapter's "Set the context": which device holds the data, which one the parameters."""

import re
from typing import Union

from .._checks import shown
from .._mxnet import mx
from ..alive.diagnosis import check_gpu

# No device has this number or a larger one; MXNet would wrap around.
_TOO_LARGE = 2**15


def context(device: Union[str, mx.Context] = "cpu") -> mx.Context:
    """Return the context of a device, after checking that it works.

    Parameters
    ----------
    device : str or mx.Context
        "cpu", "cpu(1)", "gpu", "gpu(1)", or an MXNet context on cpu or gpu.

    Returns
    -------
    mx.Context

    Raises
    ------
    TypeError
        If `device` is neither a str nor an `mx.Context`.
    ValueError
        If `device` names no device, or a GPU that cannot be used: because the installed MXNet is
        built for the CPU only, because there is no such GPU, or because the GPU cannot run MXNet's
        CUDA code (1.9.1 holds machine code for compute capability 5.0 to 8.6).
    """
    if isinstance(device, str):
        match = re.fullmatch(r"(cpu|gpu)(?:\((\d+)\))?", device.strip())
        if match is None:
            raise ValueError(
                f'device: {shown(device)} is not one of "cpu", "cpu(1)", "gpu", "gpu(1)"'
            )
        number = match[2] or "0"
        ctx = mx.Context(match[1], min(int(number[:10]), _TOO_LARGE))
    elif isinstance(device, mx.Context):
        ctx = device
    else:
        raise TypeError(f"device: expected a str or an mx.Context, not {type(device).__name__}")
    if ctx.device_type == "gpu":
        check_gpu(mx, ctx)
    elif ctx.device_type != "cpu":
        raise ValueError(f"device: {ctx} is neither a cpu nor a gpu context")
    if not 0 <= ctx.device_id < _TOO_LARGE:
        raise ValueError(f"device: {ctx} does not exist; numbers go from 0 to {_TOO_LARGE - 1}")
    return ctx
