"""LinearRegressor beside scikit-learn's own checks and its LinearRegression."""

import math
import pickle
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

import joblib  # noqa: E402
from sklearn import datasets  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.linear_model import LinearRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import PolynomialFeatures  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

import mxlinreg as mlr  # noqa: E402
from mxlinreg import LinearRegressor  # noqa: E402

try:
    import numba  # noqa: F401

    ENGINES = ["autograd", "compiled"]
except ImportError:
    ENGINES = ["autograd"]

# What scikit-learn expects of its SGDRegressor too.
EXPECTED = {
    f"check_sample_weight_equivalence_on_{kind}_data": "the rows come in another order"
    for kind in ("dense", "sparse")
}


@parametrize_with_checks(
    [LinearRegressor(solver="exact"), LinearRegressor(solver="sgd")],
    expected_failed_checks=lambda regressor: EXPECTED if regressor.solver == "sgd" else {},
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def in_other_units(X):
    return X * 10.0 ** np.linspace(-6, 6, X.shape[1])


def generated(name, **arguments):
    X, y = getattr(datasets, f"make_{name}")(random_state=3, **arguments)
    return in_other_units(X), y


DATA = {
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "diabetes, raw": lambda: datasets.load_diabetes(return_X_y=True, scaled=False),
    "linnerud": lambda: datasets.load_linnerud(return_X_y=True),
    "friedman1": lambda: generated("friedman1", n_samples=500, noise=1),
    "friedman2": lambda: generated("friedman2", n_samples=500),
    "friedman3": lambda: generated("friedman3", n_samples=500, noise=0.1),
    "regression": lambda: generated("regression", n_samples=500, n_features=10, noise=10),
    "long": lambda: generated("regression", n_samples=3000, n_features=100, noise=10, bias=50),
    "square": lambda: generated("regression", n_samples=50, n_features=40, noise=5),
    "outputs": lambda: generated("regression", n_samples=300, n_targets=3, noise=1),
    "correlated": lambda: generated(
        "regression", n_samples=300, n_features=30, effective_rank=3, tail_strength=0.01, noise=1
    ),
    "outlier": lambda: (lambda X, y: (np.vstack([X, 1e5 * X[:1]]), np.append(y, 0)))(
        *generated("regression", n_samples=300, n_features=5, noise=1)
    ),
}


def mse_of(predictions, y):
    return np.mean((predictions - y) ** 2, axis=0)


def least_mse(X, y):
    """By LAPACK, of centred columns in units of their deviation."""
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), y - y.mean(axis=0)
    return mse_of(X @ np.linalg.lstsq(X, y, rcond=1e-12)[0], y)


# Of these, scikit-learn's solver takes some directions for rounding and leaves them out.
WITHOUT_SCIKIT_LEARN = "outlier", "correlated"


def standard_errors(X, residuals):
    """Of the coefficients, (outputs, columns) or (columns,), by the textbook's formula."""
    centred = X - X.mean(axis=0)
    variance = (residuals**2).sum(axis=0) / (len(X) - X.shape[1] - 1)
    diagonal = np.linalg.inv(centred.T @ centred).diagonal()
    return np.sqrt(np.multiply.outer(variance, diagonal))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", DATA)
def test_real_data_with_defaults(name, engine):
    if engine == "autograd" and name == "long":
        pytest.skip("takes long")
    X, y = DATA[name]()
    model = LinearRegressor("sgd", engine=engine, random_state=0).fit(X, y)
    assert (mse_of(model.predict(X), y) <= 1.01 * least_mse(X, y)).all()
    if name not in WITHOUT_SCIKIT_LEARN:
        scale = X.std(axis=0)
        theirs = LinearRegression().fit(X / scale, y)
        off = np.abs(model.coef_ * scale - theirs.coef_)
        assert (off <= 0.101 * standard_errors(X / scale, y - theirs.predict(X / scale))).all()
    outputs = y.shape[1:]
    assert model.coef_.shape == (*outputs, X.shape[1])
    assert np.shape(model.intercept_) == outputs
    assert len(model.loss_curve_) == model.n_iter_ < 100
    assert all(type(loss) is float for loss in model.loss_curve_)


@pytest.mark.parametrize("name", sorted(set(DATA) - set(WITHOUT_SCIKIT_LEARN)))
def test_the_default_is_scikit_learns_linear_regression(name):
    """On columns of one scale, without which scikit-learn's takes some of them for 0."""
    X, y = DATA[name]()
    scale = X.std(axis=0)
    ours, theirs = LinearRegressor().fit(X, y), LinearRegression().fit(X / scale, y)
    np.testing.assert_allclose(ours.coef_ * scale, theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)
    assert ours.n_iter_ is None and ours.result_.rank == X.shape[1] + 1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("name", ["diabetes, raw", "linnerud", "friedman1", "long", "outputs"])
def test_the_descent_ends_within_a_tenth_of_a_standard_error(name, fit_intercept, weighted):
    X, y = DATA[name]()
    weight = np.random.RandomState(0).exponential(size=len(X)) if weighted else None
    model = LinearRegressor("sgd", random_state=0, fit_intercept=fit_intercept)
    model.fit(X, y, sample_weight=weight)
    exact = mlr.least_squares(X, y, intercept=fit_intercept, sample_weight=weight)
    off = np.abs(model.coef_.T - exact.coefficients) / exact.standard_errors
    assert off.max() <= 0.1 + 1e-6
    if fit_intercept and not weighted:
        off = np.abs(model.intercept_ - exact.intercept) / exact.intercept_standard_error
        assert np.max(off) <= 0.1 + 1e-6


def test_the_bias_is_trained_on_centred_unweighted_rows_only():
    X, y = datasets.load_diabetes(return_X_y=True)
    seen = []

    def engine(params, rows, learning_rate, train_bias=True):
        loss = mlr.train_epoch(params, rows, learning_rate, train_bias=train_bias)
        seen.append((train_bias, float(params[1].asscalar())))
        return loss

    def biases(call):
        seen.clear()
        call(LinearRegressor("sgd", engine=engine, epochs=2, tol=None, random_state=0))
        return {trained for trained, _ in seen}, {bias for _, bias in seen}

    trained, values = biases(lambda model: model.fit(X, y))
    assert trained == {True} and 0.0 not in values
    settings = {"engine": engine, "epochs": 2, "tol": None, "random_state": 0}
    without = LinearRegressor("sgd", fit_intercept=False, **settings)
    for call in (
        lambda model: model.fit(X, y, sample_weight=np.arange(1, len(X) + 1)),
        lambda model: without.fit(X, y),
        lambda model: model.partial_fit(X, y).partial_fit(X, y),
    ):
        assert biases(call) == ({False}, {0.0})


def test_an_engine_that_cannot_keep_the_bias_is_named():
    def my_engine(params, rows, learning_rate):
        return mlr.train_epoch(params, rows, learning_rate)

    X, y = datasets.load_diabetes(return_X_y=True)
    model = LinearRegressor("sgd", engine=my_engine, random_state=0)
    expected = LinearRegressor("sgd", engine="autograd", random_state=0).fit(X, y)
    assert (model.fit(X, y).coef_ == expected.coef_).all()
    with pytest.raises(TypeError, match="my_engine has no keyword train_bias"):
        model.fit(X, y, sample_weight=np.ones(len(X)))


def test_an_engine_that_moves_the_bias_all_the_same_is_named():
    def my_engine(params, rows, learning_rate, train_bias=True):
        return mlr.train_epoch(params, rows, learning_rate)

    X, y = datasets.load_diabetes(return_X_y=True)
    with pytest.raises(TypeError, match="my_engine changes b, although train_bias is False"):
        LinearRegressor("sgd", engine=my_engine).fit(X, y, sample_weight=np.arange(1, 443))


@pytest.mark.parametrize("engine", ENGINES)
def test_fits_in_threads_do_not_disturb_each_other(engine):
    X, y = datasets.make_friedman1(500, 5, random_state=0)

    def fit(_):
        np.random.uniform(size=1000)
        return LinearRegressor("sgd", engine=engine, epochs=4, tol=None, random_state=3).fit(X, y)

    alone = fit(0).coef_
    with ThreadPoolExecutor(4) as threads:
        assert all((model.coef_ == alone).all() for model in threads.map(fit, range(8)))


def test_without_a_random_state_one_seed_is_drawn():
    X, y = datasets.load_linnerud(return_X_y=True)
    np.random.seed(7)
    LinearRegressor("sgd").fit(X, y)
    expected = np.random.RandomState(7)
    expected.randint(2**31 - 1)
    assert np.random.uniform() == expected.uniform()


@pytest.mark.parametrize("shape", [(200, 10), (100, 100), (30, 60)])
def test_data_without_noise(shape):
    X, y = generated("regression", n_samples=shape[0], n_features=shape[1])
    model = LinearRegressor("sgd", random_state=0).fit(X, y)
    assert mse_of(model.predict(X), y) < 1e-18 * y.var()


def test_the_losses_are_those_of_y():
    """The last epoch's mean loss is near the final MSE, in the units of y."""
    X, y = datasets.load_linnerud(return_X_y=True)
    model = LinearRegressor("sgd", random_state=0, batch_size=3).fit(X, y)  # 20 rows
    assert model.loss_curve_[-1] == pytest.approx(mse_of(model.predict(X), y).mean(), rel=0.2)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("solver, tolerance", [("sgd", 5e-3), ("exact", 1e-9)])
@pytest.mark.parametrize("num_outputs", [1, 2])
def test_weights(solver, tolerance, fit_intercept, num_outputs):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 4)) + [0, 5, 0, -3]
    y = X @ rng.normal(size=(4, num_outputs)) + 7 + rng.normal(size=(200, num_outputs))
    y = y[:, 0] if num_outputs == 1 else y
    weight = rng.exponential(size=200) ** 3 * rng.randint(2, size=200)
    settings = {"fit_intercept": fit_intercept}
    model = LinearRegressor(solver, tol=1e-7, random_state=0, **settings)
    model.fit(X, y, sample_weight=weight)
    expected = LinearRegression(**settings).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, rtol=tolerance)
    model.fit(X[weight > 0], y[weight > 0], sample_weight=1e6 * weight[weight > 0])
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=tolerance, atol=tolerance)


def test_no_weight_above_zero():
    with pytest.raises(ValueError, match="zero|0"):
        LinearRegressor().fit(np.eye(3), np.ones(3), sample_weight=np.zeros(3))


@pytest.mark.parametrize("solver", ["sgd", "exact"])
@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_frames(name, solver):
    library = pytest.importorskip(name)
    X, y = datasets.load_diabetes(return_X_y=True)
    columns = [f"c{i}" for i in range(10)]
    frame, target = library.DataFrame(dict(zip(columns, X.T))), library.Series(y)
    model = LinearRegressor(solver, random_state=0).fit(frame, target)
    assert list(model.feature_names_in_) == columns
    assert model.n_features_in_ == 10
    expected = LinearRegressor(solver, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(frame), expected.predict(X), rtol=1e-9)
    if solver == "exact":
        assert model.result_.columns == columns
        np.testing.assert_array_equal(model.result_.coefficients, model.coef_)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"c0": "x"}) if name == "pandas" else frame[:, ::-1])


def test_pipelines_grids_and_folds():
    X, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    model = LinearRegressor("sgd", random_state=0)
    pipeline = make_pipeline(PolynomialFeatures(include_bias=False), model)
    grid = GridSearchCV(
        pipeline,
        {
            "polynomialfeatures__degree": [1, 2],
            "linearregressor__solver": ["sgd", "exact"],
        },
        cv=3,
        n_jobs=2,
    ).fit(X, y)
    assert grid.best_params_["polynomialfeatures__degree"] == 1
    expected = cross_val_score(LinearRegression(), X, y, cv=3).mean()
    np.testing.assert_allclose(grid.cv_results_["mean_test_score"][::2], expected, atol=5e-3)
    np.testing.assert_allclose(cross_val_score(model, X, y, cv=3).mean(), expected, atol=5e-3)


@pytest.mark.parametrize("solver", ["sgd", "exact"])
def test_copies(solver, tmp_path):
    X, y = datasets.load_linnerud(return_X_y=True)
    model = LinearRegressor(solver, random_state=0).fit(X, y)
    joblib.dump(model, tmp_path / "model")
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")):
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))
        np.testing.assert_array_equal(
            copy.partial_fit(X, y).coef_, clone(model).fit(X, y).partial_fit(X, y).coef_
        )
    assert not hasattr(clone(model), "coef_")


def test_random_state():
    X, y = datasets.load_diabetes(return_X_y=True)
    np.random.seed(5)
    expected = np.random.RandomState(5).uniform()
    fits = [LinearRegressor("sgd", random_state=i).fit(X, y).coef_ for i in (0, 0, 1)]
    assert np.random.uniform() == expected
    assert (fits[0] == fits[1]).all() and (fits[0] != fits[2]).any()
    for fit in range(2):
        np.random.seed(5)
        fits[fit] = LinearRegressor("sgd").fit(X, y).coef_
    assert (fits[0] == fits[1]).all()


def test_warns_how_far_it_is_from_convergence():
    X, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    with pytest.warns(ConvergenceWarning, match=r"in 2 epochs: .* % of the training") as caught:
        model = LinearRegressor("sgd", epochs=2, tol=1e-9, random_state=0).fit(X, y)
    (warning,) = (each for each in caught if each.category is ConvergenceWarning)
    part = float(str(warning.message).split("epochs: ")[1].split()[0])
    mse = mse_of(model.predict(X), y)
    assert part == pytest.approx(100 * (1 - least_mse(X, y) / mse), rel=0.05)
    assert warning.filename == __file__
    assert LinearRegressor("sgd", epochs=2, tol=None, random_state=0).fit(X, y).n_iter_ == 2


@pytest.mark.parametrize("learning_rate", [10, 1e6, 1e300])
def test_a_rate_that_diverges_is_lowered(learning_rate):
    X, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    model = LinearRegressor("sgd", learning_rate=learning_rate, random_state=0).fit(X, y)
    assert mse_of(model.predict(X), y) <= 1.01 * least_mse(X, y)


def test_a_warm_start_is_not_made_worse():
    X, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    model = LinearRegressor("sgd", warm_start=True, random_state=0).fit(X, y)
    before = model.score(X, y)
    for _ in range(3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            assert model.set_params(epochs=1).fit(X, y).score(X, y) >= before


def test_without_standardizing_it_goes_on_from_a_warm_start():
    X, y = datasets.load_diabetes(return_X_y=True)
    X = X * np.linspace(10, 30, 10)
    model = LinearRegressor("sgd", standardize=False, epochs=100, warm_start=True, random_state=0)
    for _ in range(2):
        with pytest.warns(ConvergenceWarning):
            model.fit(X, y)
        first = getattr(model, "first_", model.loss_curve_)
        model.first_ = first
    assert model.loss_curve_[0] < 0.9 * first[0]
    assert mse_of(model.predict(X), y) <= 1.02 * least_mse(X, y)
    with pytest.raises(ValueError, match=r"coefficients of shape \(10,\)"):
        model.fit(X[:, :5], y)


@pytest.mark.parametrize("batch_size", [1, 64])
@pytest.mark.parametrize("cuts", [np.arange(100, 1000, 100), [1, 3, 6, 12, 25, 50, 100, 200, 400]])
def test_passes_over_a_stream(cuts, batch_size):
    """20 passes over 10 blocks of badly scaled, correlated columns; the first blocks may be few."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(1000, 10)) @ rng.normal(size=(10, 10))
    y = X @ rng.normal(size=10) + 5 * rng.normal(size=1000) + 100
    X = in_other_units(X) + 10.0 ** rng.uniform(-6, 6, size=10)
    model = LinearRegressor("sgd", batch_size=batch_size, random_state=0)
    for _ in range(20):
        for block in zip(np.split(X, cuts), np.split(y, cuts)):
            model.partial_fit(*block)
    assert mse_of(model.predict(X), y) <= 1.01 * least_mse(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 200


def test_a_stream_solved_exactly():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(300, 4)) + 100, rng.normal(size=(300, 2))
    weight = rng.uniform(size=300) * rng.randint(2, size=300)
    model = LinearRegressor("exact")
    for rows in np.split(np.arange(300), [1, 3, 100]):
        if weight[rows].any():
            model.partial_fit(X[rows], y[rows], sample_weight=weight[rows])
    expected = LinearRegression().fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, rtol=1e-9)


def test_partial_fit_goes_on_from_a_fit_of_fewer_rows_than_columns():
    random = np.random.RandomState(0)
    X = random.normal(size=(90, 20))
    y = X.sum(axis=1) + random.normal(size=90)
    model = LinearRegressor().fit(X[:10], y[:10]).partial_fit(X[10:], y[10:])
    expected = LinearRegression().fit(X, y)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-10)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, rtol=1e-10)


def test_partial_fit_goes_on_from_fit():
    rng = np.random.RandomState(0)
    X = in_other_units(rng.normal(size=(400, 3)))
    y = X @ [1e6, 1, 1e-6] + rng.normal(size=400)
    model = LinearRegressor("sgd", random_state=0).fit(X[:200], y[:200])
    epochs = model.n_iter_
    model.partial_fit(X[200:], y[200:])
    assert model.n_iter_ == epochs + 1
    assert mse_of(model.predict(X), y) <= 1.01 * least_mse(X, y)
    with pytest.raises(ValueError, match="does not fit the present"):
        model.partial_fit(X, np.column_stack([y, y]))


def test_deficient_and_constant_columns():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 2))
    y = X @ [1, 2] + 0.1 * rng.normal(size=60)
    X = np.column_stack([X, 2 * X[:, 0] + 1, np.full(60, 0.1)])
    model = LinearRegressor("sgd", random_state=0, tol=1e-12).fit(X, y)
    assert mse_of(model.predict(X), y) == pytest.approx(
        mse_of(LinearRegression().fit(X[:, :2], y).predict(X[:, :2]), y), rel=1e-9
    )
    assert model.coef_[3] == 0
    # the least norm in units of the columns' deviations: x0 and 2 x0 + 1 share alike
    assert model.coef_[0] == pytest.approx(2 * model.coef_[2])


@pytest.mark.parametrize("power", [-200, 200])
def test_numbers_whose_squares_are_out_of_range(power):
    X, y = datasets.load_diabetes(return_X_y=True)
    expected = LinearRegressor("sgd", random_state=0).fit(X, y)
    model = LinearRegressor("sgd", random_state=0).fit(X * 10.0**power, y)
    np.testing.assert_allclose(model.predict(X * 10.0**power), expected.predict(X), rtol=1e-9)
    model = LinearRegressor("sgd", random_state=0).fit(X, y * 10.0**power)
    np.testing.assert_allclose(model.coef_, expected.coef_ * 10.0**power, rtol=1e-9)
    with pytest.raises(ValueError, match="overflow"):
        LinearRegressor("sgd").fit(X * 1e-200, y * 1e200)


def test_verbose(capsys):
    X, y = datasets.load_diabetes(return_X_y=True)
    model = LinearRegressor("sgd", random_state=0, verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"Epoch {i}. Mean loss: {loss}" for i, loss in enumerate(model.loss_curve_)]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"solver": "lsqr"}, "solver"),
        ({"engine": "fast"}, "engine"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"tol": math.nan}, "tol"),
        ({"n_iter_no_change": 0}, "n_iter_no_change"),
        ({"ctx": "tpu"}, "device"),
    ],
)
def test_bad_parameters(settings, message):
    with pytest.raises(ValueError, match=message):
        LinearRegressor(**{"solver": "sgd", **settings}).fit(np.eye(3), np.arange(3))


def test_auto_is_autograd_without_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "mxlinreg.compiled.kernel", raising=False)
    monkeypatch.delattr("mxlinreg.compiled.kernel", raising=False)
    X, y = datasets.load_diabetes(return_X_y=True)
    auto = LinearRegressor("sgd", random_state=0).fit(X, y)
    autograd = LinearRegressor("sgd", engine="autograd", random_state=0).fit(X, y)
    assert (auto.coef_ == autograd.coef_).all()


def test_names_the_extra_when_scikit_learn_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "mxlinreg.fitting.regressor")
    with pytest.raises(ImportError, match=r"mxlinreg\[sklearn\]"):
        import mxlinreg.fitting.regressor  # noqa: F401
