"""`mxlinreg convert`: the ONNX file computes what MXNet does, or there is none."""

import json
import os
import sys

import mxnet as mx
import numpy as np
import pytest
from helpers import call, fail, run, succeed

onnxruntime = pytest.importorskip("onnxruntime")
nn = mx.gluon.nn


def predict(path, **inputs):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def files(folder, name="net"):
    return folder / f"{name}-symbol.json", folder / f"{name}-0000.params", folder / "net.onnx"


def save(folder, symbol, arguments=None, states=None):
    """Save a symbol with arrays for its parameters, as ``mx.model.save_checkpoint`` does."""
    kinds = {"arg": arguments or {}, "aux": states or {}}
    arrays = {
        f"{kind}:{name}": mx.nd.array(value, dtype=np.asarray(value).dtype)
        for kind, values in kinds.items()
        for name, value in values.items()
    }
    symbol_file, params_file, output = files(folder)
    symbol.save(str(symbol_file))
    mx.nd.save(str(params_file), arrays)
    return symbol_file, params_file, output


@pytest.fixture
def network(tmp_path):
    """A network with all the usual layers, trained for a step so that its averages are not 0."""
    mx.random.seed(3)
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(4, 3), nn.BatchNorm(), nn.Activation("relu"), nn.MaxPool2D(),
        nn.Conv2D(3, 2), nn.BatchNorm(scale=False), nn.Activation("tanh"), nn.AvgPool2D(),
        nn.Flatten(), nn.Dense(5, activation="sigmoid"), nn.Dropout(0.5), nn.Dense(2),
    )  # fmt: skip
    net.initialize(mx.init.Normal(0.5))
    net.hybridize()
    with mx.autograd.record():
        net(mx.nd.random.normal(1, 2, shape=(8, 3, 9, 9)))
    net.export(str(tmp_path / "net"))
    return net


def test_a_network_of_gluon(tmp_path, network):
    done = succeed("convert", *files(tmp_path), "--shape", "2,3,9,9")
    X = np.random.RandomState(1).normal(size=(2, 3, 9, 9)).astype(np.float32)
    wanted = network(mx.nd.array(X)).asnumpy()
    (found,) = predict(tmp_path / "net.onnx", data=X)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    first, second, third = done.stdout.splitlines()
    assert first.split(": ") == ["input   data", "float32, 2 x 3 x 9 x 9"]
    assert second.startswith("output ") and second.endswith(": float32, 2 x 2")
    assert third.startswith("onnxruntime's output is MXNet's, up to ")
    assert done.stderr == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "net-0000.params", "net-symbol.json", "net.onnx",
    ]  # fmt: skip


def test_in_a_process_of_its_own_it_prints_the_same_and_nothing_else(tmp_path, network):
    arguments = "convert", *files(tmp_path), "--shape", "2,3,9,9"
    done, same = succeed(*arguments, how=run), succeed(*arguments)
    notice = "MXNet start using engine"  # if the environment chooses an engine
    assert done.stdout.splitlines()[:2] == same.stdout.splitlines()[:2]
    assert all(notice in line for line in done.stderr.splitlines())


W = np.array([[1, -2, 0.5], [3, 0, -1]], np.float32)
X = np.array([[1, 2, 4], [0.5, -1, 0]], np.float32)


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def test_a_module_with_a_loss(tmp_path):
    """The label of the loss is no input of the converted model."""
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, no_bias=True, name="fc")
    net = mx.sym.SoftmaxOutput(net, name="softmax")
    succeed("convert", *save(tmp_path, net, {"fc_weight": W}), "--shape", "2,3")
    np.testing.assert_allclose(predict(tmp_path / "net.onnx", data=X)[0], softmax(X @ W.T), 1e-5)


def test_several_inputs_and_outputs_in_any_order(tmp_path):
    a, b = mx.sym.var("first"), mx.sym.var("other")
    net = mx.sym.Group([mx.sym.dot(a, b, name="z"), mx.sym.broadcast_add(a, a, name="c")])
    shapes = "--shape", "other=3,4", "--shape", "first=2,3"
    done = succeed("convert", *save(tmp_path, net), *shapes)
    other = np.arange(12, dtype=np.float32).reshape(3, 4)
    found = predict(tmp_path / "net.onnx", first=X, other=other)
    assert [values.tolist() for values in found] == [(X @ other).tolist(), (X + X).tolist()]
    assert [line.split(":")[0] for line in done.stdout.splitlines()[:4]] == [
        "input   first", "input   other", "output  z", "output  c",
    ]  # fmt: skip


@pytest.mark.parametrize("dtype, digits", [("float64", 1e-12), ("float32", 1e-5)])
def test_the_inputs_have_the_type_of_the_parameters(tmp_path, dtype, digits):
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, no_bias=True, name="fc")
    w = W.astype(dtype) + dtype.startswith("float64") * 1e-9
    done = succeed("convert", *save(tmp_path, net, {"fc_weight": w}), "--shape", "2,3")
    (found,) = predict(tmp_path / "net.onnx", data=X.astype(dtype))
    assert found.dtype == dtype and f": {dtype}, 2 x 3" in done.stdout
    np.testing.assert_allclose(found, X.astype(dtype) @ w.T, digits)


def test_an_embedding_is_checked_on_positions(tmp_path):
    net = mx.sym.Embedding(mx.sym.var("data"), input_dim=2, output_dim=3, name="e")
    succeed("convert", *save(tmp_path, net, {"e_weight": W}), "--shape", "4")
    (found,) = predict(tmp_path / "net.onnx", data=np.array([1, 0, 0, 1], np.float32))
    assert found.tolist() == W[[1, 0, 0, 1]].tolist()


def test_the_scales_that_batchnorm_ignores(tmp_path):
    net = mx.sym.BatchNorm(mx.sym.var("data"), fix_gamma=True, eps=1e-3, name="bn")
    mean, variance, beta = np.array([[1, 2, 3], [4, 0.5, 1], [0.5, 0, -1]], np.float32)
    arguments = {"bn_gamma": np.array([7, 8, 9], np.float32), "bn_beta": beta}
    states = {"bn_moving_mean": mean, "bn_moving_var": variance}
    succeed("convert", *save(tmp_path, net, arguments, states), "--shape", "2,3")
    wanted = (X - mean) / np.sqrt(variance + 1e-3) + beta
    np.testing.assert_allclose(predict(tmp_path / "net.onnx", data=X)[0], wanted, 1e-5, 1e-6)


def test_a_model_without_parameters(tmp_path):
    succeed("convert", *save(tmp_path, 1 / (mx.sym.var("data") + 10)), "--shape", "2,3")
    np.testing.assert_allclose(predict(tmp_path / "net.onnx", data=X)[0], 1 / (X + 10), 1e-6)


# What fails leaves everything as it was.


@pytest.fixture
def refused(tmp_path):
    """A function that runs the command, and returns its error message."""

    def message(*arguments, status=1):
        (tmp_path / "net.onnx").write_text("of before")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        error = fail(status, "convert", *arguments)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
        return error

    return message


def test_operators_that_cannot_be_converted_are_listed(tmp_path, refused):
    data = mx.sym.var("data")
    net = mx.sym.round(mx.sym.rsqrt(data) + mx.sym.rsqrt(mx.sym.exp(data)))
    assert refused(*save(tmp_path, net), "--shape", "2,3") == (
        f"mxlinreg convert: error: {tmp_path}/net-symbol.json: MXNet's exporter cannot convert 2 "
        "of the model's 4 operators: round (1x), rsqrt (2x); replace them in the network and "
        "export it again. mxnet.onnx.get_operator_support() lists those that it can convert\n"
    )


def test_a_setting_that_cannot_be_converted_names_its_operator(tmp_path, refused):
    net = mx.sym.L2Normalization(mx.sym.var("data"), mode="instance", name="unit")
    message = refused(*save(tmp_path, net), "--shape", "2,3")
    assert f"error: {tmp_path}/net-symbol.json: MXNet's exporter cannot" in message
    assert "cannot convert the operator L2Normalization ('unit'): AttributeError: " in message
    assert "ONNX currently supports channel mode only" in message


def test_names_in_any_language(tmp_path):
    net = mx.sym.tanh(mx.sym.var("größe"), name="Ausgang-é")
    succeed("convert", *save(tmp_path, net), "--shape", "2,3")
    X = np.array([[0.5, -1, 2], [0, 1, 3]], np.float32)
    (found,) = predict(tmp_path / "net.onnx", größe=X)
    np.testing.assert_allclose(found, np.tanh(X), rtol=1e-5)


def test_a_wrong_conversion_is_found(tmp_path, refused, monkeypatch):
    registry = mx.onnx.mx2onnx._export_onnx.MXNetGraph.registry_[12]
    monkeypatch.setitem(registry, "tanh", registry["sigmoid"])
    message = refused(*save(tmp_path, mx.sym.tanh(mx.sym.var("data"), name="t")), "--shape", "2,3")
    assert "the converted model's output 't' is not MXNet's on random input" in message


def test_a_model_that_onnxruntime_cannot_run(tmp_path, refused):
    """MXNet exports this slope as one per column, not one per channel."""
    net = mx.sym.LeakyReLU(mx.sym.var("data"), act_type="prelu", name="prelu")
    arrays = {"prelu_gamma": np.array([0.5, 0.25, 2], np.float32)}
    message = refused(*save(tmp_path, net, arrays), "--shape", "2,3,4,4")
    assert "onnxruntime cannot run the converted model: " in message and "PRelu" in message
    assert ".tmp" not in message


@pytest.mark.parametrize(
    "given, wanted",
    [
        (["2,3,9"], "--shape: (2, 3, 9) for 'data' does not fit the model: "),
        (["2,3,1,1"], "--shape: (2, 3, 1, 1) for 'data' does not fit the model: "),
        (["image=2,3,9,9"], "--shape: there is no input 'image'; the model's inputs, of which"),
        (["data=2,3,9,9", "2"], "--shape: name the input of each, as in NAME=1,3,224,224; "),
        (["2", "3"], "--shape: two are given for the same input"),
    ],
)
def test_shapes_that_do_not_fit(tmp_path, network, refused, given, wanted):
    options = [option for shape in given for option in ("--shape", shape)]
    message = refused(*files(tmp_path), *options)
    assert wanted in message and "Stack trace" not in message and ".cc:" not in message


def test_every_input_needs_a_shape(tmp_path, refused):
    net = mx.sym.dot(mx.sym.var("a"), mx.sym.var("b"))
    assert "--shape: none is given for 'b'; the model's inputs, of which" in refused(
        *save(tmp_path, net), "--shape", "a=2,3"
    )


@pytest.mark.parametrize("text", ["", "1,x", "0,3", "=1,2", "-1,3", "data=", "1,,2"])
def test_what_is_no_shape(tmp_path, refused, text):
    message = refused(*files(tmp_path), f"--shape={text}", status=2)
    assert "argument --shape: invalid shape, such as 1,3,224,224" in message


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_package_that_is_missing(tmp_path, network, refused, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    message = refused(*files(tmp_path), "--shape", "2,3,9,9")
    assert message.startswith("mxlinreg convert: error: convert needs onnx and onnxruntime (")
    assert message.endswith('): pip install "mxlinreg[onnx]"\n')


def test_files_that_cannot_be_read(tmp_path, network, refused):
    symbol, params, output = files(tmp_path)
    shape = "--shape", "2,3,9,9"
    assert f"{tmp_path}/no.json: cannot be read: No such file" in refused(
        tmp_path / "no.json", params, output, *shape
    )
    assert f"{tmp_path}/no.params: cannot be read: No such file" in refused(
        symbol, tmp_path / "no.params", output, *shape
    )
    for text in (
        "",
        "{}",
        "[1]",
        "3",
        '{"nodes": [], "heads": [[0, 0, 0]]}',
        '{"nodes": 1, "heads": 2}',
        "[" * 100_000,
    ):
        (tmp_path / "bad.json").write_text(text)
        message = refused(tmp_path / "bad.json", params, output, *shape)
        assert f"{tmp_path}/bad.json: is not a MODEL-symbol.json of MXNet" in message
    (tmp_path / "bad.params").write_bytes(params.read_bytes()[:-5])
    assert f"{tmp_path}/bad.params: is cut off" in refused(
        symbol, tmp_path / "bad.params", output, *shape
    )
    assert "MODEL-0000.params" in refused(symbol, params, params, *shape)


def test_parameters_of_another_kind(tmp_path, network, refused):
    symbol, params, output = files(tmp_path)
    network.save_parameters(str(tmp_path / "saved.params"))
    message = refused(symbol, tmp_path / "saved.params", output, "--shape", "2,3,9,9")
    assert (
        "none of its arrays (" in message and "HybridBlock.export, not save_parameters" in message
    )
    mx.nd.save(str(tmp_path / "list.params"), [mx.nd.ones((2,))])
    message = refused(symbol, tmp_path / "list.params", output, "--shape", "2,3,9,9")
    assert "its arrays have no names" in message


def test_averages_that_are_missing(tmp_path, refused):
    net = mx.sym.BatchNorm(mx.sym.var("data"), name="bn")
    arrays = {"bn_gamma": np.ones(3), "bn_beta": np.ones(3), "bn_moving_mean": np.ones(3)}
    assert "net-0000.params: has no values for bn_moving_var" in refused(
        *save(tmp_path, net, arrays), "--shape", "2,3"
    )


def test_an_operator_that_mxnet_does_not_have(tmp_path, network, refused):
    symbol, params, output = files(tmp_path)
    symbol.write_text(symbol.read_text().replace('"Convolution"', '"Convolusion"'))
    assert "Convolusion" in refused(symbol, params, output, "--shape", "2,3,9,9")


def test_a_folder_that_cannot_be_written(tmp_path, network, refused):
    symbol, params, _ = files(tmp_path)
    message = refused(symbol, params, tmp_path / "no" / "m.onnx", "--shape", "2,3,9,9")
    assert "model.onnx: cannot write" in message


def test_an_existing_file_is_replaced_with_its_permissions(tmp_path, network):
    output = tmp_path / "net.onnx"
    output.write_text("of before")
    os.chmod(output, 0o640)
    assert call("convert", *files(tmp_path), "--shape", "2,3,9,9").returncode == 0
    assert output.stat().st_mode & 0o777 == 0o640 and predict(
        output, data=np.zeros((2, 3, 9, 9), np.float32)
    )
    assert json.loads((tmp_path / "net-symbol.json").read_text())["nodes"]


def test_onnxruntime_reports_nothing_and_leaves_nothing(tmp_path, network, monkeypatch):
    """Version 1.32 would, as soon as it is imported."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    succeed("convert", *files(tmp_path), "--shape", "2,3,9,9", how=run)
    assert list((tmp_path / "temporary").iterdir()) == []
