"""Which device."""

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr

gpus = mx.context.num_gpus() if mx.runtime.Features().is_enabled("CUDA") else 0


@pytest.mark.parametrize(
    "device, expected",
    [
        ("cpu", mx.cpu(0)),
        ("cpu(0)", mx.cpu(0)),
        ("cpu(1)", mx.cpu(1)),
        (mx.cpu(3), mx.cpu(3)),
    ],
)
def test_cpu(device, expected):
    assert mlr.context(device) == expected


@pytest.mark.parametrize("device", ["", "tpu", "cpu1", "cpu(-1)", "cpu(1", "gpu(x)", "CPU(0) "])
def test_unknown_device(device):
    with pytest.raises(ValueError, match="is not one of"):
        mlr.context(device)


def test_wrong_type():
    with pytest.raises(TypeError, match="int"):
        mlr.context(0)


@pytest.mark.skipif(mx.runtime.Features().is_enabled("CUDA"), reason="this MXNet has CUDA")
@pytest.mark.parametrize("device", ["gpu", "gpu(1)", mx.gpu(0)])
def test_gpu_on_a_cpu_build(device):
    with pytest.raises(ValueError, match="built for the CPU only; put mxnet-cu102"):
        mlr.context(device)


def test_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr(mx.runtime.Features, "is_enabled", lambda self, name: True)
    monkeypatch.setattr(mx.context, "num_gpus", lambda: 1)
    with pytest.raises(ValueError, match=r"gpu\(1\) asked for, but MXNet finds 1 GPU"):
        mlr.context("gpu(1)")


def test_gpu_that_is_too_new(monkeypatch):
    """On a CPU build, too, the first operation on a GPU fails."""
    monkeypatch.setattr(mx.runtime.Features, "is_enabled", lambda self, name: True)
    monkeypatch.setattr(mx.context, "num_gpus", lambda: gpus + 1)
    with pytest.raises(ValueError, match="first operation on gpu.* compute capability 5.0 to 8"):
        mlr.context(f"gpu({gpus})")


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
