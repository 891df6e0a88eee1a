"""Explain why MXNet or a GPU does not work on this machine, and what to do about it."""

import platform
from typing import Any

_CUDA_PACKAGES = "mxnet-cu102, mxnet-cu110, mxnet-cu112, mxnet-cu116 or mxnet-cu117"
_BUILDS = ("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64")


def import_remedy(error: BaseException) -> str:
    """The one-line message for an `error` that ``import mxnet`` raised, with a remedy."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    system, machine = platform.system(), platform.machine()
    if missing == "mxnet" and (system, machine) not in _BUILDS:
        return (
            f"MXNet 1.9.1 was not built for {system} on {machine}, only for Linux on x86-64 and "
            "arm64 and for Macs with Intel processors. Saved models and the exact solution do not "
            "need it"
        )
    if missing == "mxnet":
        remedy = 'pip install "mxnet==1.9.1"'
    elif missing == "distutils":
        remedy = "pip install setuptools"
    elif missing is not None:
        remedy = f"pip install {missing}"
    else:
        remedy = 'for the CPU build: pip install --force-reinstall --no-deps "mxnet==1.9.1"'
    return (
        f"MXNet cannot be imported ({type(error).__name__}: {error}). Try: {remedy}. "
        'More is in the section "MXNet won\'t import" of the README of mxlinreg'
    )


def check_gpu(mx: Any, ctx: Any) -> None:
    """Raise unless a GPU can be used.

    Parameters
    ----------
    mx : module
        The module mxnet.
    ctx : mx.Context
        The context of the GPU.

    Raises
    ------
    ValueError
        If the installed MXNet is built for the CPU only, there is no such GPU, or the GPU cannot
        run MXNet's CUDA code.
    """
    if not mx.runtime.Features().is_enabled("CUDA"):
        raise ValueError(
            f"device: {ctx} asked for, but this MXNet is built for the CPU only; put "
            f"{_CUDA_PACKAGES} in place of the package mxnet, or choose cpu"
        )
    try:
        found = mx.context.num_gpus()
    except mx.MXNetError:
        found = 0
    if ctx.device_id >= found:
        raise ValueError(
            f"device: {ctx} asked for, but MXNet finds {found} GPU(s) on this machine; choose "
            + (f"gpu(0) to gpu({found - 1}), or cpu" if found else "cpu, or check the driver")
        )
    try:
        mx.nd.ones((1,), ctx=ctx).asnumpy()
    except mx.MXNetError as error:
        raise ValueError(
            f"device: the first operation on {ctx} failed; MXNet 1.9.1 runs on GPUs of compute "
            f"capability 5.0 to 8.9 only, so choose an older GPU ({_CUDA_PACKAGES}, to match its "
            f"driver), or cpu. MXNet said: {str(error).strip().splitlines()[-1]}"
        ) from error
