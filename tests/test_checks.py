"""Odd arguments: the right result, or an error that names the argument and what would do."""

import decimal
import re
from fractions import Fraction

import mxnet as mx
import numpy as np
import pytest

import mxlinreg as mlr
from mxlinreg import distributed, plotting
from mxlinreg._checks import check_count, check_number, shown

random = np.random.RandomState(0)
X = random.normal(size=(30, 2)) * [1.0, 10.0]
y = X @ [2.0, -3.4] + 4.2 + random.normal(size=30)
COEFFICIENTS = np.linalg.lstsq(np.column_stack([X, np.ones(30)]), y, rcond=None)[0]


def masked(array):
    """The array with a wrong value behind a mask."""
    mask = np.zeros(array.shape, bool)
    mask.flat[3] = True
    hiding = array.copy()
    hiding.flat[3] = 999.0
    return np.ma.array(hiding, mask=mask)


def with_first(array, value):
    array = array.astype(object)
    array.flat[0] = value
    return array


def regression(X, y, sample_weight=None):
    from mxlinreg import LinearRegressor

    return LinearRegressor().fit(X, y, sample_weight)


model = mlr.Model([[2.0], [-3.4]], [4.2])
FITS = {"least_squares": mlr.least_squares, "LinearRegressor": regression}
USES = {
    **FITS,
    "ArrayLoader": mlr.ArrayLoader,
    "Share": lambda X, y: distributed.Share(mx.kv.create("local"), X, y),
}


@pytest.fixture(params=USES)
def use(request):
    if request.param == "LinearRegressor":
        pytest.importorskip("sklearn")
    return USES[request.param]


HIDDEN = [
    (masked, r"(is a masked array that hides 1 of its values.*\.filled\(...\))"),
    (lambda array: list(masked(array)), "holds masked arrays; leave the rows with hidden values"),
    (lambda array: array.astype("datetime64[s]"), "must hold real numbers, not datetime64"),
    (lambda array: array.astype(np.longdouble), r'give .\.astype\("float64"\)'),
    (lambda array: with_first(array, 1j), "complex|real number"),
    (lambda array: with_first(array, None), "must hold real numbers only, not NoneType|NaN"),
    (lambda array: with_first(array, 10**400), "float64 cannot hold|too large"),
    (lambda array: with_first(array, "a"), "must hold real numbers only, not str|convert"),
]


@pytest.mark.parametrize("hide, message", HIDDEN)
def test_what_is_not_plain_numbers_is_refused(use, hide, message):
    with pytest.raises((TypeError, ValueError), match=f"X.*({message})"):
        use(hide(X), y)
    with pytest.raises((TypeError, ValueError), match=f"y.*({message})"):
        use(X, hide(y))


@pytest.mark.parametrize("hide, message", HIDDEN)
def test_predictions_from_what_is_not_plain_numbers(hide, message):
    message = message.replace("|NaN", "|missing")
    with pytest.raises((TypeError, ValueError), match=f"X.*({message})"):
        model.predict(hide(X))


def test_weights_behind_a_mask():
    for name, fit in FITS.items():
        if name == "LinearRegressor":
            pytest.importorskip("sklearn")
        with pytest.raises(ValueError, match="sample_weight: is a masked array that hides 1 of"):
            fit(X, y, sample_weight=masked(np.ones(30)))


def test_weights_too_small_to_add_up():
    pytest.importorskip("sklearn")
    for solver in ("exact", "sgd"):
        with pytest.raises(ValueError, match="^sample_weight: every weight is below 1e-300; scale"):
            mlr.LinearRegressor(solver).fit(X, y, sample_weight=np.full(30, 1e-320))


def test_gaps_of_nullable_columns(use):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=["a", "b"]).astype("Float64")
    use(table, y)
    table.loc[3, "b"] = pandas.NA
    with pytest.raises((TypeError, ValueError), match="X.*(NaN|NAType)"):
        use(table, y)
    with pytest.raises((TypeError, ValueError), match="y.*(NaN|NAType)"):
        use(X, table["b"])


@pytest.mark.parametrize("stype", ["csr", "row_sparse"])
def test_sparse_arrays_of_mxnet(use, stype):
    """Read number by number, so many would take minutes."""
    many = mx.nd.ones((100_000, 2)).tostype(stype)
    with pytest.raises(TypeError, match=rf'X: is sparse \({stype}\); give X.tostype\("default"\)'):
        use(many, np.ones(100_000))
    with pytest.raises(TypeError, match="X: is sparse"):
        model.predict(many)


def test_sparse_matrices_of_scipy(use):
    sparse = pytest.importorskip("scipy.sparse")
    for matrix in (sparse.csr_matrix(X), sparse.coo_matrix(X)):
        with pytest.raises(TypeError, match=r"X: is sparse; give X.toarray\(\)"):
            use(matrix, y)


def test_lists_of_ndarrays(use):
    """NumPy would read them number by number."""
    with pytest.raises(TypeError, match=r"X: is a list of NDArrays; nd.stack\(\*X\) makes one"):
        use([mx.nd.array(row) for row in X], y)


@pytest.mark.parametrize(
    "plain",
    [
        np.ma.array,
        lambda array: array.tolist(),
        lambda array: array.astype(">f8"),
        lambda array: np.repeat(array, 2, axis=0)[::2],
        lambda array: memoryview(np.ascontiguousarray(array)),
        lambda array: array.astype(object),
        lambda array: np.vectorize(decimal.Decimal, otypes=[object])(array),
        lambda array: mx.nd.array(array, dtype="float64"),
        lambda array: mx.nd.array(array, dtype="float64", ctx=mx.cpu(1)),
    ],
)
@pytest.mark.parametrize("fit", FITS)
def test_plain_numbers_in_any_form(fit, plain):
    if fit == "LinearRegressor":
        pytest.importorskip("sklearn")
    found = FITS[fit](plain(X), plain(y))
    found = getattr(found, "coef_", None) if fit == "LinearRegressor" else found.coefficients
    np.testing.assert_allclose(found, COEFFICIENTS[:2], rtol=1e-9)
    loader = mlr.ArrayLoader(plain(X), plain(y))
    np.testing.assert_allclose(loader.X.asnumpy(), X, rtol=1e-15)


def test_counts():
    assert (check_count("n", np.int8(3)), check_count("n", np.array(3))) == (3, 3)
    for count in (10**40, 10**5000, 2**63):
        with pytest.raises(ValueError, match=r"^n: must be at most 9223372036854775807, not [a19]"):
            check_count("n", count)
    for count in (mx.nd.array([1.5]), mx.sym.var("n"), np.timedelta64(3), "3", None, 3.0):
        with pytest.raises(TypeError, match="^n: expected an int of at least 1, not "):
            check_count("n", count)


def test_numbers():
    for given in (0.5, np.float16(0.5), Fraction(1, 2)):
        assert check_number("lr", given) == 0.5
    for number in (10**400, Fraction(10**400), np.longdouble("1e4000"), float("nan"), -1):
        with pytest.raises(ValueError, match="^lr: must be finite and at least 0, not "):
            check_number("lr", number)
    with pytest.raises(ValueError, match="^lr: must be 0 or at least 2.23e-308, as MXNet"):
        check_number("lr", 1e-320)
    for number in (np.timedelta64(3), True, decimal.Decimal(1), mx.nd.array([1]), 1j, "1"):
        with pytest.raises(TypeError, match="^lr: expected a number of at least 0, not "):
            check_number("lr", number)


def test_values_in_messages():
    class Nameless:
        def __repr__(self):
            raise RuntimeError

    assert (shown("a"), shown(Nameless())) == ("'a'", "a Nameless")
    assert shown("a" * 100) == f"'{'a' * 78}…" and "\n" not in shown(np.ones((3, 3)))


def float64():
    return mlr.init_params(dtype="float64")


LOADER = mlr.ArrayLoader(X, y)
HUGE = [
    ("num_examples", lambda n: mlr.synthetic(n)),
    ("num_inputs", lambda n: mlr.init_params(n)),
    ("num_outputs", lambda n: mlr.init_params(2, n)),
    ("num_inputs", lambda n: plotting.plot_network(n)),
    ("batch_size", lambda n: mlr.ArrayLoader(X, y, n)),
    ("epochs", lambda n: mlr.train(float64(), LOADER, n)),
    ("every", lambda n: mlr.train(float64(), LOADER, every=n)),
    ("n", lambda n: distributed.shard_rows(10, 0, n)),
    ("seed", lambda n: mlr.fit("rows.csv", "y", seed=n)),
    ("device", lambda n: mlr.context(f"cpu({n})")),
]


@pytest.mark.parametrize("name, call", HUGE)
def test_huge_numbers(name, call):
    for number in (10**40, 2**63):
        with pytest.raises(ValueError, match=f"^{name}: "):
            call(number)


def test_no_more_numbers_than_mxnet_has():
    with pytest.raises(ValueError, match="^num_outputs: must be at most 1073741823, not 10737"):
        mlr.init_params(2, 2**30)
    with pytest.raises(ValueError, match="^num_examples: must be at most 1073741823, not"):
        mlr.synthetic(2**30)


PARAMS = {
    "NumPy arrays": lambda w, b: [w.asnumpy(), b.asnumpy()],
    "mx.np arrays": lambda w, b: [w.as_np_ndarray(), b.as_np_ndarray()],
    "sparse": lambda w, b: [w.tostype("row_sparse"), b],
    "Symbols": lambda w, b: [mx.sym.var("w"), mx.sym.var("b")],
}


@pytest.mark.parametrize("kind", PARAMS)
def test_other_parameters(kind):
    params = PARAMS[kind](*float64())
    expected = {
        "NumPy arrays": "params: w must be an NDArray with a gradient, as from init_params, not nd",
        "Symbols": "params: w must be an NDArray with a gradient, as from init_params, not Symbol",
        "mx.np arrays": r"w: is an array of mx.np; w.as_nd_ndarray\(\) makes",
        "sparse": r'w: is sparse \(row_sparse\); give w.tostype\("default"\)',
    }[kind]
    engine = distributed.device_engine(["cpu", "cpu(1)"])
    for train in (mlr.train, mlr.train_epoch, mlr.compiled.train_epoch, engine):
        with pytest.raises(TypeError, match=expected):
            train(params, LOADER, learning_rate=0.1)


BATCHES = [
    ("batches: expected an iterable", 3),
    (r"batches: expected pairs \(data, label\), not None", [None]),
    ("data: expected an NDArray, not ndarray", [(X, y)]),
    ("label: expected an NDArray, not list", [(mx.nd.array(X, dtype="float64"), [1.0])]),
]


@pytest.mark.parametrize("message, batches", BATCHES)
def test_other_batches(message, batches):
    params = float64()
    before = [param.asnumpy() for param in params]
    for train in (mlr.train_epoch, distributed.device_engine(["cpu"])):
        with pytest.raises(TypeError, match=message):
            train(params, batches, 0.1)
    assert all((param.asnumpy() == old).all() for param, old in zip(params, before))


FLAGS = [
    ("shuffle", lambda flag: mlr.ArrayLoader(X, y, shuffle=flag)),
    ("intercept", lambda flag: mlr.least_squares(X, y, intercept=flag)),
    ("progress", lambda flag: mlr.train(float64(), LOADER, progress=flag)),
    ("resume", lambda flag: mlr.train(float64(), LOADER, resume=flag)),
    ("train_bias", lambda flag: mlr.train_epoch(mlr.init_params(), LOADER, 0.1, flag)),
    ("stream", lambda flag: mlr.fit("rows.csv", "y", stream=flag)),
    ("fit_intercept", lambda flag: mlr.LinearRegressor(fit_intercept=flag).fit(X, y)),
]


@pytest.mark.parametrize("name, call", FLAGS)
def test_flags_that_are_neither_true_nor_false(name, call):
    """Of a text, "False" is true as well."""
    if name == "fit_intercept":
        pytest.importorskip("sklearn")
    for flag in ("False", None, 2, np.ones(2)):
        with pytest.raises(TypeError, match=f"^{name}: must be True or False, not"):
            call(flag)


def test_names():
    for columns in ({"a", "b"}, "ab", iter(["a", "b"]), range(10**40), 3):
        with pytest.raises(TypeError, match="^columns: must be a list of names, not "):
            mlr.least_squares(X, y, columns=columns)
    with pytest.raises(TypeError, match="^columns: every name must be a str, not 1"):
        mlr.least_squares(X, y, columns=["a", 1])
    with pytest.raises(TypeError, match="^levels: must be a dict, not 3"):
        mlr.Model([[1.0]], [1.0], levels=3)
    with pytest.raises(ValueError, match="^largest: 2 values do not fit 1 inputs"):
        mlr.Model([[1.0]], [1.0], largest=[1.0, 2.0])


CALLS = [
    ("on_epoch", lambda: mlr.train(float64(), LOADER, on_epoch=3)),
    ("on_note", lambda: mlr.fit("rows.csv", "y", on_note=3)),
    ("schedule", lambda: mlr.train(float64(), LOADER, schedule=3)),
    ("engine", lambda: mlr.train(float64(), LOADER, engine=lambda *_: None)),
    ("num_workers", lambda: mlr.ArrayLoader(X, y, num_workers="many")),
    ("sampler", lambda: mlr.ArrayLoader(X, y, shuffle=False, sampler=3)),
    ("model", lambda: mlr.as_params([X, y])),
    ("w", lambda: mlr.save_model("model", [mx.sym.var("w"), mx.sym.var("b")])),
    ("path", lambda: mlr.load_model(3)),
    ("prefix", lambda: mlr.export_symbol(model, None)),
    ("data", lambda: mlr.fit(3, "y", stream=True)),
    ("kv", lambda: distributed.all_reduce(3, [1.0])),
    ("content", lambda: distributed.broadcast(mx.kv.create("local"), "text")),
]


@pytest.mark.parametrize("name, call", CALLS)
def test_values_of_another_kind(name, call):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: "):
        call()


def test_names_of_files_that_cannot_be():
    for name in ("a\0b", "\ud800"):
        for call in (lambda name: mlr.save_model(name, model), lambda name: mlr.fit(name, "y")):
            with pytest.raises(ValueError, match=f"^(path|data): .*{re.escape(ascii(name)[1:-1])}"):
                call(name)
