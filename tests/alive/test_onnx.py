"""MXNet's ONNX exporter and importer with today's onnx: other programs compute what NumPy does."""

import subprocess
import sys

import mxnet as mx
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

X = np.array([[[1, -2, 3.5], [0.25, 0, -1]], [[-4, 0.5, 2], [8, -0.75, 1]]], np.float32)


def export(symbol, path, params=None, dtype=np.float32):
    mx.onnx.export_model(symbol, params or {}, [X.shape], dtype, str(path))
    return path


def outputs(path, data=X):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"data": data})


def test_a_network_is_exported(tmp_path):
    w, b = np.array([[1, 2, 3], [-1, 0.5, 0]], np.float32), np.array([0.5, -0.5], np.float32)
    symbol = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, flatten=False, name="fc")
    params = {"fc_weight": mx.nd.array(w), "fc_bias": mx.nd.array(b)}
    (found,) = outputs(export(symbol, tmp_path / "m.onnx", params))
    np.testing.assert_allclose(found, X @ w.T + b, rtol=1e-6)


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("mean", X.mean(axis=1)),  # its axes are an attribute up to the operator set 17
        ("max", X.max(axis=1)),
        ("min", X.min(axis=1)),
    ],
)
def test_the_exporter_s_operators_are_those_of_the_set_it_states(tmp_path, name, wanted):
    symbol = getattr(mx.sym, name)(mx.sym.var("data"), axis=1)
    path = export(symbol, tmp_path / "m.onnx")
    np.testing.assert_allclose(outputs(path)[0], wanted, rtol=1e-6)
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 13)]
    assert model.ir_version == 7  # which onnxruntime 1.6 and later read


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "symbol, wanted",
    [
        (lambda data: data * 1.5 + 2.25, X * 1.5 + 2.25),
        (lambda data: mx.sym.maximum(data, 0.25), np.maximum(X, 0.25)),
        (lambda data: data > 0.25, X > 0.25),
    ],
)
def test_constants_have_their_values_in_every_type(tmp_path, dtype, symbol, wanted):
    path = export(symbol(mx.sym.var("data")), tmp_path / "m.onnx", dtype=np.dtype(dtype))
    (found,) = outputs(path, X.astype(dtype))
    assert found.dtype == dtype and (found == wanted).all()


def test_several_outputs_and_shape_inference(tmp_path):
    parts = mx.sym.split(mx.sym.var("data"), num_outputs=3, axis=2, squeeze_axis=True)
    path = str(tmp_path / "m.onnx")
    mx.onnx.export_model(parts, {}, [X.shape], np.float32, path, run_shape_inference=True)
    assert [found.tolist() for found in outputs(path)] == [X[:, :, i].tolist() for i in range(3)]


def test_a_dynamic_batch(tmp_path):
    path = str(tmp_path / "m.onnx")
    mx.onnx.export_model(
        mx.sym.var("data") * 2, {}, [X.shape], np.float32, path,
        dynamic=True, dynamic_input_shapes=[(None, 2, 3)],
    )  # fmt: skip
    assert (outputs(path, X[:1])[0] == 2 * X[:1]).all()


def test_a_model_of_onnx_is_imported(tmp_path, capsys):
    from onnx import numpy_helper

    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("MatMul", ["data", "w"], ["product"]),
        helper.make_node("Cast", ["product"], ["double"], to=onnx.TensorProto.DOUBLE),
        helper.make_node("Cast", ["double"], ["y"], to=number),
    ]
    w = np.array([[1, 2], [3, 4], [5, 6.5]], np.float32)
    shapes = {"data": [2, 3], "w": [3, 2]}
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info(name, number, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info("y", number, [2, 2])],
        [numpy_helper.from_array(w, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=7)
    onnx.save(model, str(tmp_path / "m.onnx"))
    symbol, arguments, states = mx.contrib.onnx.import_model(str(tmp_path / "m.onnx"))
    assert states == {} and (arguments["w"].asnumpy() == w).all()
    (found,) = symbol.eval(data=mx.nd.array(X[0]), **arguments)
    np.testing.assert_allclose(found.asnumpy(), X[0] @ w, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Cannot decide type")
@pytest.mark.parametrize("num_inputs", [1, 2, 3])  # parameters need not be among the inputs
def test_parameters_of_an_imported_model(tmp_path, num_inputs):
    from onnx import numpy_helper

    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    w, b = np.array([[1, 2, 3], [-1, 0.5, 0]], np.float32), np.array([0.5, -0.5], np.float32)
    shapes = [("data", [2, 3]), ("w", [2, 3]), ("b", [2])][:num_inputs]
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["data", "w", "b"], ["y"], transB=1)],
        "layer",
        [helper.make_tensor_value_info(name, number, shape) for name, shape in shapes],
        [helper.make_tensor_value_info("y", number, [2, 2])],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    path = str(tmp_path / "m.onnx")
    onnx.save(model, path)
    symbol, arguments, _ = mx.contrib.onnx.import_model(path)
    assert sorted(arguments) == ["b", "w"] and (arguments["w"].asnumpy() == w).all()
    (found,) = symbol.eval(data=mx.nd.array(X[0]), **arguments)
    np.testing.assert_allclose(found.asnumpy(), X[0] @ w.T + b, rtol=1e-6)
    net = mx.contrib.onnx.import_to_gluon(path, ctx=mx.cpu())
    np.testing.assert_allclose(net(mx.nd.array(X[1])).asnumpy(), X[1] @ w.T + b, rtol=1e-6)
    metadata = mx.contrib.onnx.get_model_metadata(path)
    assert metadata["input_tensor_data"] == [("data", (2, 3), number)]


@pytest.mark.filterwarnings("ignore:Cannot decide type")
def test_a_network_goes_to_onnx_and_back(tmp_path, capsys):
    net = mx.gluon.nn.HybridSequential()
    net.add(
        mx.gluon.nn.Conv2D(3, 3), mx.gluon.nn.BatchNorm(), mx.gluon.nn.Activation("relu"),
        mx.gluon.nn.MaxPool2D(), mx.gluon.nn.Dense(2),
    )  # fmt: skip
    net.initialize(mx.init.Normal(1))
    net.hybridize()
    data = mx.nd.array(np.random.RandomState(0).normal(size=(2, 3, 6, 6)))
    wanted = net(data).asnumpy()
    net.export(str(tmp_path / "net"))
    files = [str(tmp_path / name) for name in ("net-symbol.json", "net-0000.params", "net.onnx")]
    mx.onnx.export_model(*files[:2], [data.shape], np.float32, files[2])
    again = mx.contrib.onnx.import_to_gluon(files[2], ctx=mx.cpu())
    np.testing.assert_allclose(again(data).asnumpy(), wanted, rtol=1e-4, atol=1e-5)


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_onnx_is_left_as_found():
    done = run(
        "import onnx, onnx.helper, onnx.checker, onnx.defs, onnx.numpy_helper\n"
        "import onnx.shape_inference\n"
        "modules = onnx, onnx.helper, onnx.checker, onnx.defs\n"
        "before = [dict(vars(module)) for module in modules]\n"
        "import mxlinreg, mxnet as mx, numpy as np, tempfile\n"
        "with tempfile.NamedTemporaryFile() as file:\n"
        "    mx.onnx.export_model(mx.sym.var('x') * 2, {}, [(1,)], np.float32, file.name)\n"
        "assert [dict(vars(module)) for module in modules] == before\n"
    )
    assert done.returncode == 0, done.stderr


def test_without_onnx_mxnet_imports_and_says_that_it_is_missing():
    done = run(
        "import sys\n"
        "sys.modules['onnx'] = None\n"
        "import mxlinreg, mxnet as mx, numpy as np\n"
        "mx.onnx.export_model(mx.sym.var('x') * 2, {}, [(1,)], np.float32, 'never.onnx')\n"
    )
    assert done.returncode == 1
    assert "\nImportError: Onnx and protobuf need to be installed." in done.stderr
