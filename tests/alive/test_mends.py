"""Each repair of MXNet: what it does now is what it did with NumPy 1.23, or what NumPy asks for."""

import ast
import io
import json

import mxnet as mx
import numpy as np
import pytest

from mxlinreg.alive.names import numpy_with_removed_names as old

VALUES = [[1.0, 2.0], [3.0, 4.0]]
MAKERS = {"mx.nd": mx.nd.array, "mx.np": mx.np.array}


@pytest.fixture(params=MAKERS)
def array(request):
    return MAKERS[request.param](VALUES)


def test_numpy_converts_mxnets_arrays(array):
    converted = np.asarray(array)
    assert converted.dtype == np.float32 and converted.tolist() == VALUES
    assert np.array([array, array]).tolist() == [VALUES, VALUES]
    assert np.array(array, dtype=np.float64).dtype == np.float64
    assert np.asarray(array, dtype=object).tolist() == VALUES
    assert np.asarray(array[0]).tolist() == [1, 2]
    assert np.asarray(array.astype("int64") + 2**40).tolist()[1] == [2**40 + 3, 2**40 + 4]


def test_conversion_copies(array):
    converted = array.__array__(copy=True)
    converted[:] = 0
    assert array.asnumpy().tolist() == VALUES
    with pytest.raises(ValueError, match="copy=False"):
        array.__array__(copy=False)
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.raises(ValueError, match="copy=False"):
            np.array(array, copy=False)


def test_numpys_functions_take_ndarrays():
    array = mx.nd.array(VALUES)
    assert np.array_equal(array, array) and np.all(array == array)
    assert np.concatenate([array, array]).shape == (4, 2)
    assert np.arange(4)[array[0].astype("int32")].tolist() == [1, 2]
    assert np.where(array > 2)[0].tolist() == [1, 1]
    assert np.linalg.norm(array) == pytest.approx(30**0.5)
    np.testing.assert_allclose(array, VALUES)
    assert mx.nd.array([array, array]).shape == (2, 2, 2)
    sparse = array.tostype("csr"), array.tostype("row_sparse")
    assert [np.asarray(each).tolist() for each in sparse] == [VALUES, VALUES]


def test_masks_of_mxnets_arrays_select_numpys():
    values, array = np.arange(4), mx.np.array([1.0, 2.0, 3.0, 4.0])
    assert values[array > 2].tolist() == [2, 3]
    assert values[mx.nd.array([0, 1, 1, 0], dtype=bool)].tolist() == [1, 2]
    values[array > 2] = 7
    assert values.tolist() == [0, 1, 7, 7]
    assert array[np.array([True, False, False, True])].tolist() == [1, 4]


def test_conversion_leaves_mxnets_own_arithmetic():
    """NumPy's numbers times an NDArray are NDArrays, and mx.np's functions are MXNet's."""
    array = mx.nd.array(VALUES)
    for product in (np.float32(2) * array, np.float64(2) * array, array * np.float64(2)):
        assert type(product) is mx.nd.NDArray and product.asnumpy().tolist() == [[2, 4], [6, 8]]
    assert type(np.exp(mx.np.array(VALUES))) is mx.np.ndarray
    assert type(np.sum(array)) is mx.nd.NDArray


def test_matplotlib_draws_ndarrays():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    (line,) = figure.add_subplot().plot(mx.nd.array([1, 2]), mx.nd.array([3, 5]))
    assert line.get_xydata().tolist() == [[1, 3], [2, 5]]


def test_records_with_several_labels():
    packed = mx.recordio.pack((0, [1, 2.5], 7, 0), b"image")
    # flag, label, two ids; the labels; the image
    assert packed[:8] == b"\x02\0\0\0" + b"\0\0\0\0" and packed[24:] == (
        np.array([1, 2.5], "<f4").tobytes() + b"image"
    )
    header, image = mx.recordio.unpack(packed)
    assert (header.label.tolist(), header.id, image) == ([1, 2.5], 7, b"image")
    header, _ = mx.recordio.unpack(mx.recordio.pack((0, 4, 7, 0), b"image"))
    assert (header.flag, header.label) == (0, 4)


def test_records_with_pictures(monkeypatch):
    class OpenCV:
        IMWRITE_JPEG_QUALITY = IMWRITE_PNG_COMPRESSION = 1

        @staticmethod
        def imencode(form, image, parameters):
            return True, np.frombuffer(b"jpeg", np.uint8)

    monkeypatch.setattr(mx.recordio, "cv2", OpenCV)
    packed = mx.recordio.pack_img((0, 4, 7, 0), np.zeros((2, 2, 3), np.uint8))
    assert packed[24:] == b"jpeg"


def test_integers_wrap():
    assert mx.np.array(1621, dtype="uint8").item() == 1621 % 256
    assert mx.nd.array([300, -1], dtype="uint8").asnumpy().tolist() == [300 - 256, 255]
    assert mx.nd.array([3.7, -1], dtype="uint8").asnumpy().tolist() == [3, 255]
    assert mx.nd.array([2**31 + 5], dtype="int32").asnumpy().tolist() == [5 - 2**31]
    array = mx.nd.zeros((2,), dtype="uint8")
    array[:] = [257, 2]
    assert array.asnumpy().tolist() == [1, 2]
    for value in (2**63, float("inf")):
        with pytest.raises(TypeError):
            mx.np.array([value], dtype="int32")


@pytest.mark.parametrize("name", ["quantile", "percentile", "nanquantile", "nanpercentile"])
def test_quantiles(name):
    array, q = mx.np.array([1.0, 2.0, 4.0]), 0.4 if "quantile" in name else 40
    for method, value in (("lower", 1), ("higher", 2), ("nearest", 2), ("linear", 1.8)):
        found = getattr(mx.np, name)(array, q, interpolation=method)
        assert float(found) == pytest.approx(value)
        found = getattr(old, name)(array.asnumpy(), q, interpolation=method)
        assert float(found) == pytest.approx(value)


def test_numpys_quantiles_of_mxnets_arrays():
    array = mx.np.array([1.0, 2.0, 4.0])
    assert isinstance(np.quantile(array, 0.4), mx.np.ndarray)
    assert np.quantile(array, 0.4, method="lower").item() == 1
    assert np.percentile(array, 40, method="higher").item() == 2


def test_fall_backs_of_mx_np():
    array = mx.np.array([[1.26, 1.26], [3.0, 1.26]])
    assert mx.np.round_(array, 1).asnumpy() == pytest.approx(np.array([[1.3, 1.3], [3, 1.3]]))
    assert mx.np.unique(array, return_inverse=True)[1].tolist() == [0, 0, 1, 0]
    assert mx.np.in1d(array, mx.np.array([3.0])).tolist() == [False, False, True, False]


def test_metrics_sum_in_float64():
    """The sum 0.1f + 2**24 needs 28 bits, and float32 has 24."""
    loss = mx.metric.Loss()
    for value in (0.1, 2.0**24):
        loss.update(None, mx.nd.array([value]))
    assert loss.sum_metric == loss.global_sum_metric == float(np.float32(0.1)) + 2**24
    assert json.loads(json.dumps(loss.get())) == ["loss", loss.sum_metric / 2]
    perplexity = mx.metric.Perplexity(ignore_label=0)
    label, pred = mx.nd.array([0, 1]), mx.nd.array([[0.5, 0.5], [0.75, 0.25]])
    perplexity.update([label], [pred])
    assert perplexity.get()[1] == pytest.approx(4) and perplexity.num_inst == 1
    assert isinstance(perplexity.num_inst, float)


def test_a_metric_of_ones_own_keeps_its_sum():
    def errors(label, pred):
        return float(abs(label - pred).sum())

    metric = mx.metric.np(errors)
    metric.update([mx.nd.array([1, 2])], [mx.nd.array([1, 4])])
    assert type(metric.sum_metric) is float and metric.get() == ("errors", 2)


def test_shapes_of_symbols_may_hold_numpy_integers():
    assert mx.sym.Variable("a", shape=(np.int64(2), 3)).infer_shape()[1] == [(2, 3)]
    net = mx.gluon.nn.Dense(np.int64(3), in_units=np.int64(2))
    net.initialize()
    net.hybridize()
    assert net(mx.nd.ones((1, 2))).shape == (1, 3)


def test_old_aliases():
    assert (old.float, old.int, old.object, old.bool, old.str) == (float, int, object, bool, str)
    assert (old.long, old.unicode, old.complex) == (int, str, complex)
    assert (old.float_, old.complex_, old.bool8) == (np.float64, np.complex128, np.bool_)
    assert (old.string_, old.unicode_) == (np.bytes_, np.str_)
    assert old.infty == old.Infinity == float("inf") and old.math.pi > 3
    assert issubclass(old.VisibleDeprecationWarning, Warning) and old.warnings.warn


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of np.matrix
def test_old_functions():
    assert old.asscalar(np.array([3])) == 3 and old.alen([1, 2]) == 2
    assert old.cumproduct([2, 3]).tolist() == [2, 6]
    assert old.row_stack([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert old.asfarray([1, 2]).dtype == old.asfarray([1], dtype=int).dtype == np.float64
    assert old.asfarray([1], dtype=np.float32).dtype == np.float32
    assert (old.mat("1 2; 3 4") * old.mat("1; 1")).tolist() == [[3], [7]]
    assert old.fromstring(b"\x01\x02", dtype=np.uint8).tolist() == [1, 2]
    assert old.fromstring("1 2", sep=" ").tolist() == [1, 2]
    old.fromstring(b"\x01", np.uint8)[0] = 5  # may be written to
    assert old.array(np.ones(2), copy=False).tolist() == old.array((1, 1), copy=False).tolist()
    same = np.ones(2)
    assert old.array(same, copy=False) is same and old.array(same) is not same
    assert old.array([1, 2], "f4").dtype == np.float32
    assert old.cast["f"](3).dtype == old.cast[np.float32]([3]).dtype == np.float32
    assert old.nbytes["d"] == 8 and np.int32 in old.sctypes["int"]
    assert old.find_common_type([np.float32], [np.int64, np.float64]) == np.float32
    assert old.find_common_type([np.int16], [np.float32]) == np.float32
    assert old.find_common_type([], [np.int16, np.int32]) == np.int32
    assert old.issubclass_(int, object) and not old.issubclass_(3, object)
    assert old.issubsctype("f4", np.floating) and old.issctype(np.int32) and not old.issctype(3)
    assert old.safe_eval("[1]") == ast.literal_eval("[1]") and old.sctype2char("float32") == "f"
    assert old.recfromcsv(io.BytesIO(b"A,B\n1,2\n3,4\n")).b.tolist() == [2, 4]
    assert old.fastCopyAndTranspose(np.array([[1, 2], [3, 4]])).tolist() == [[1, 3], [2, 4]]
    assert old.deprecate(len)([1]) == 1 and old.deprecate(message="m")(len)([1]) == 1


def test_old_star_import():
    assert {"array", "Inf", "in1d", "float_", "product"} <= set(old.__all__)
    assert not {"int", "float", "bool", "object", "str", "long", "warnings"} & set(old.__all__)
    assert all(hasattr(old, name) for name in old.__all__)


def test_submodules_and_unknown_names():
    assert old.random is np.random and old.testing.assert_allclose is np.testing.assert_allclose
    with pytest.raises(AttributeError, match="nowhere"):
        print(old.nowhere)
