"""Which device."""

from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr
from mxlinreg.alive import cuda


@pytest.mark.parametrize(
    "device, expected",
    [
        ("cpu", mx.cpu(0)),
        (" cpu ", mx.cpu(0)),
        ("cpu(0)", mx.cpu(0)),
        ("cpu(1)", mx.cpu(1)),
        (mx.cpu(3), mx.cpu(3)),
    ],
)
def test_cpu(device, expected):
    assert mlr.context(device) == expected
    assert mlr.context() == mx.cpu(0)


@pytest.mark.parametrize("device", ["", "tpu", "cpu1", "cpu(-1)", "cpu(1", "gpu(x)", "CPU(0) "])
def test_unknown_device(device):
    with pytest.raises(ValueError) as caught:
        mlr.context(device)
    expected = f'device: {device!r} is not one of "cpu", "cpu(1)", "gpu", "gpu(1)"'
    assert str(caught.value) == expected


def test_wrong_type():
    with pytest.raises(TypeError, match="^device: expected a str or an mx.Context, not int$"):
        mlr.context(0)


@pytest.mark.skipif(mx.runtime.Features().is_enabled("CUDA"), reason="this MXNet has CUDA")
@pytest.mark.parametrize("device", ["gpu", "gpu(1)", mx.gpu(0)])
def test_gpu_on_a_cpu_build(device):
    name = "gpu(1)" if device == "gpu(1)" else "gpu(0)"
    with pytest.raises(ValueError) as caught:
        mlr.context(device)
    assert str(caught.value) == (
        f"device: {name} asked for, but this MXNet is built for the CPU only; put mxnet-cu102, "
        "mxnet-cu110, mxnet-cu112, mxnet-cu116 or mxnet-cu117 in place of the package mxnet, or "
        "choose cpu"
    )


NO_GPU = (
    "driver: the driver finds no GPU. Try: nvidia-smi lists the GPUs; for a container: docker run "
    "--gpus all"
)


def no_driver():
    raise mx.MXNetError("Check failed: e == cudaSuccess: CUDA: no CUDA-capable device is detected")


@pytest.mark.parametrize(
    "num_gpus, found, choice",
    [
        (lambda: 2, 2, "gpu(0) to gpu(1), or cpu"),
        (lambda: 0, 0, f"cpu. {NO_GPU}"),
        (no_driver, 0, f"cpu. {NO_GPU}"),
    ],
)
def test_gpu_that_is_not_there(monkeypatch, num_gpus, found, choice):
    monkeypatch.setattr(mx.runtime.Features, "is_enabled", lambda self, name: name == "CUDA")
    monkeypatch.setattr(mx.context, "num_gpus", num_gpus)
    monkeypatch.setattr(cuda, "driver", lambda: driver_of([], error="the driver finds no GPU"))
    with pytest.raises(ValueError) as caught:
        mlr.context("gpu(2)")
    assert str(caught.value) == (
        f"device: gpu(2) asked for, but MXNet finds {found} GPU(s) on this machine; choose {choice}"
    )


def driver_of(gpus, error=None):
    return {"version": "535.54", "cuda": [12, 2], "gpus": gpus, "error": error}


# What MXNet says on a GPU that its CUDA code was not built for.
NO_KERNEL = (
    "Traceback (most recent call last):\n"
    '  File "../src/common/random_generator.cu", line 66\n'
    "Name: Check failed: err == cudaSuccess (209 vs. 0) : rand_generator_seed_kernel "
    "ErrStr:no kernel image is available for execution on the device\n"
)


def test_gpu_that_is_too_new(monkeypatch):
    def failing(shape, ctx):
        assert (shape, ctx) == ((1,), mx.gpu(0))
        return SimpleNamespace(asnumpy=asnumpy)

    def asnumpy():  # MXNet runs the operation in the background, so its error comes here
        raise mx.MXNetError(NO_KERNEL)

    monkeypatch.setattr(mx.runtime.Features, "is_enabled", lambda self, name: name == "CUDA")
    monkeypatch.setattr(mx.context, "num_gpus", lambda: 1)
    monkeypatch.setattr(mx.nd, "ones", failing)
    gpus = [{"name": "Hopper", "capability": [9, 0]}]
    monkeypatch.setattr(cuda, "driver", lambda: driver_of(gpus))
    monkeypatch.setattr(cuda, "code_of", lambda library: cuda.Code([(5, 0), (8, 6)], []))
    with pytest.raises(ValueError) as caught:
        mlr.context("gpu")
    assert str(caught.value) == (
        "device: the first operation on gpu(0) failed; MXNet 1.9.1 runs on GPUs of compute "
        "capability 5.0 to 8.9 only, so choose an older GPU (mxnet-cu102, mxnet-cu110, "
        "mxnet-cu112, mxnet-cu116 or mxnet-cu117, to match its driver), or cpu. GPU 0: Hopper, "
        "compute capability 9.0, for which this MXNet has no code: it has that of 5.0, 8.6. Try: "
        "mxlinreg train --ctx cpu. MXNet said: " + NO_KERNEL.splitlines()[2]
    )
    assert isinstance(caught.value.__cause__, mx.MXNetError)


def test_a_gpu_that_works_is_taken(monkeypatch):
    """On a GPU that stands in for one: nothing here has been tried on a real one."""
    monkeypatch.setattr(mx.runtime.Features, "is_enabled", lambda self, name: name == "CUDA")
    monkeypatch.setattr(mx.context, "num_gpus", lambda: 2)
    monkeypatch.setattr(mx.nd, "ones", lambda shape, ctx: SimpleNamespace(asnumpy=lambda: None))
    assert [mlr.context(name) for name in ("gpu", "gpu(1)")] == [mx.gpu(0), mx.gpu(1)]
    assert mlr.context(mx.gpu(1)) == mx.gpu(1)


def test_other_devices_of_mxnet_are_refused():
    with pytest.raises(
        ValueError, match="^device: cpu_pinned.0. is neither a cpu nor a gpu context$"
    ):
        mlr.context(mx.cpu_pinned())


@pytest.mark.parametrize("num_outputs, label_shape", [(1, (3,)), (1, (3, 1)), (2, (3, 2))])
def test_data_and_label_of_each_batch_move_to_model_ctx(monkeypatch, num_outputs, label_shape):
    """MXNet's operators take arrays of two CPU contexts together, so that only a look shows it."""
    data_ctx, model_ctx = mx.cpu(0), mx.cpu(1)
    given = [(nd_range((3, 2), data_ctx), nd_range(label_shape, data_ctx)) for _ in range(2)]
    seen = []

    def net(data, w, b):
        seen.append(data)
        return mlr.net(data, w, b)

    def square_loss(yhat, label):
        seen.extend([yhat, label])
        return mlr.square_loss(yhat, label)

    monkeypatch.setattr("mxlinreg.chapter.training.net", net)
    monkeypatch.setattr("mxlinreg.chapter.training.square_loss", square_loss)
    mlr.train_epoch(mlr.init_params(2, num_outputs, ctx=model_ctx), given, 0.1)
    assert [array.context for array in seen] == [model_ctx] * 6
    assert [array.shape for array in seen] == [(3, 2), (3, num_outputs), (3, num_outputs)] * 2
    for (data, label), (data_seen, _, label_seen) in zip(given, (seen[:3], seen[3:])):
        assert data.context == label.context == data_ctx and label.shape == label_shape
        assert data_seen.asnumpy().tolist() == data.asnumpy().tolist()
        assert label_seen.asnumpy().ravel().tolist() == label.asnumpy().ravel().tolist()


def nd_range(shape, ctx):
    return mx.nd.arange(np.prod(shape), ctx=ctx).reshape(shape)


def test_data_stay_on_data_ctx_and_batches_move_to_model_ctx(seed):
    data_ctx, model_ctx = mx.cpu(0), mx.cpu(1)
    X, y = mlr.synthetic(100, ctx=data_ctx)
    train_data = mlr.ArrayLoader(X, y, batch_size=10)
    params = w, b = mlr.init_params(ctx=model_ctx)
    start = [param.copy() for param in params]
    seed(7)
    losses = mlr.train(params, train_data, epochs=2, learning_rate=0.01)
    assert X.context == y.context == train_data.X.context == data_ctx
    assert all(data.context == data_ctx for data, _ in train_data)
    assert w.context == b.context == w.grad.context == model_ctx

    on_one = [param.as_in_context(data_ctx) for param in start]
    for param in on_one:
        param.attach_grad()
    seed(7)
    assert mlr.train(on_one, train_data, epochs=2, learning_rate=0.01) == losses
    assert on_one[0].asnumpy().tobytes() == w.asnumpy().tobytes()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_on_a_gpu_equals_the_cpu(seed, dtype):
    X, y = mlr.synthetic(1000, dtype=dtype)
    on_cpu = mlr.init_params(dtype=dtype)
    on_gpu = [param.as_in_context(mlr.context("gpu")) for param in on_cpu]
    for param in on_gpu:
        param.attach_grad()
    losses = []
    for params in (on_cpu, on_gpu):
        seed(3)
        losses.append(mlr.train(params, mlr.ArrayLoader(X, y, batch_size=10), 5, 0.01))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    for cpu, gpu in zip(on_cpu, on_gpu):
        np.testing.assert_allclose(cpu.asnumpy(), gpu.asnumpy(), rtol=1e-4)
