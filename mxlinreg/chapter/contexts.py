"""The chapter's "Set the context": which device holds the data, which one the parameters."""

import re
from typing import Union

from .._mxnet import mx
from ..alive.diagnosis import check_gpu


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
            raise ValueError(f'device: {device!r} is not one of "cpu", "cpu(1)", "gpu", "gpu(1)"')
        ctx = mx.Context(match[1], int(match[2] or 0))
    elif isinstance(device, mx.Context):
        ctx = device
    else:
        raise TypeError(f"device: expected a str or an mx.Context, not {type(device).__name__}")
    if ctx.device_type == "gpu":
        check_gpu(mx, ctx)
    elif ctx.device_type != "cpu":
        raise ValueError(f"device: {ctx} is neither a cpu nor a gpu context")
    return ctx
