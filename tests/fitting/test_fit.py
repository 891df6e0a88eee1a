"""`fit`: from what people bring to a model, held against NumPy, pandas and arithmetic by hand."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest

import mxlinreg as mlr
from mxlinreg.fitting.fit import NotConverged

polars = pytest.importorskip("polars")

random = np.random.RandomState(3)
N = 90
FRAME = pd.DataFrame(
    {
        "size": random.normal(100, 30, N).round(1),
        "city": random.choice(["Ulm", "Bonn", "Aalen"], N),
        "garden": random.rand(N) < 0.5,
        "built": [
            datetime.date(1990, 1, 1) + datetime.timedelta(int(d))
            for d in random.randint(0, 9999, N)
        ],
    }
)
FRAME["price"] = (
    3 * FRAME["size"]
    + 50 * (FRAME["city"] == "Ulm")
    + 20 * FRAME["garden"]
    + random.normal(0, 5, N)
    + 7
)


def design(frame):
    """The columns as R's lm makes them, with pandas."""
    first = min(frame["built"])
    return np.column_stack(
        [
            frame["size"],
            frame["city"] == "Bonn",
            frame["city"] == "Ulm",
            frame["garden"],
            [(day - first).days for day in frame["built"]],
        ]
    ).astype(float)


def lstsq(X, y, weight=None):
    root = np.sqrt(np.ones(len(y)) if weight is None else weight)
    A = np.column_stack([X, np.ones(len(X))])
    return np.linalg.lstsq(A * root[:, None], y * root, rcond=None)[0]


def close(model, expected, rtol=1e-8):
    np.testing.assert_allclose([*model.w[:, 0], *model.b], expected, rtol=rtol, atol=1e-9)


@pytest.fixture(params=["pandas", "polars", "pyarrow", "csv", "parquet", "stream"])
def data(request, tmp_path):
    """The same table in each form, and what `fit` needs besides."""
    table = polars.from_pandas(FRAME)
    if request.param == "pandas":
        return FRAME, {}
    if request.param == "polars":
        return table, {}
    if request.param == "pyarrow":
        return table.to_arrow(), {}
    path = tmp_path / "table"
    if request.param == "parquet":
        table.write_parquet(path)
    else:
        FRAME.to_csv(path)
    return path, {"stream": True} if request.param == "stream" else {}


@pytest.mark.parametrize("solver", ["exact", "sgd"])
def test_every_form_gives_the_same_model(data, solver):
    table, options = data
    model = mlr.fit(table, "price", solver=solver, **options)
    X, y = design(FRAME), FRAME["price"].to_numpy()
    expected = lstsq(X, y)
    assert model.columns == ["size", "city=Bonn", "city=Ulm", "garden=true", "built"]
    np.testing.assert_allclose(model.solution.coefficients, expected[:-1], rtol=1e-8)
    residuals = np.column_stack([X, np.ones(N)]) @ expected - y
    least = np.mean(residuals**2)
    assert (
        least <= model.metrics["training"]["mse"] <= least * (1 + (solver == "sgd") * 1e-3 + 1e-9)
    )
    off = np.abs(model.w[:, 0] - expected[:-1]) / model.solution.standard_errors
    assert off.max() <= (0.1 if solver == "sgd" else 1e-6)
    assert model.predict(FRAME) == pytest.approx(X @ model.w[:, 0] + model.b[0], rel=1e-12)
    assert model.dates == {"built": str(min(FRAME["built"]))}
    assert bool(model.losses) == (solver == "sgd")


def test_what_was_done_is_told(tmp_path):
    frame = FRAME.assign(id=[f"house {i}" for i in range(N)], empty=np.nan, same="x")
    frame.loc[:3, "size"] = np.nan
    frame.loc[5, "city"] = None
    frame.loc[80:, "price"] = np.nan
    frame.to_csv(tmp_path / "table.csv")
    notes = []
    message = r"left out: 'id' \(holds text with 80 different values\); max_levels=80 keeps it"
    with pytest.warns(UserWarning, match=message):
        model = mlr.fit(tmp_path / "table.csv", "price", on_note=notes.append)
    told = "\n".join(notes)
    assert "the first column, which has no name, is left out: it counts the rows" in told
    assert "10 rows are left out: they have no 'price'" in told
    assert "5 of 80 rows are left out: they have gaps ('size' 4, 'city' 1)" in told
    assert "'empty' (holds no value), 'same' (has only one value)" in told
    assert "75 training and 0 validation rows, 5 columns" in told
    assert set(model.left_out) == {"", "id", "empty", "same"}
    used = frame[:80].dropna(subset=["size", "city"])
    close(model, lstsq(design(used), used["price"].to_numpy()))

    wide = frame[:80].dropna(subset=["size"])
    assert len(mlr.fit(wide, "price", ["id"], max_levels=80).columns) == 75


@pytest.mark.parametrize("stream", [False, True])
def test_gaps_that_are_filled(tmp_path, stream):
    frame = FRAME.copy()
    frame.loc[::2, "size"] = np.nan
    frame.loc[1::6, "city"] = None
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(
        ValueError, match=r"60 of 90 rows have gaps.*'size' 45, 'city' 15.*missing=\"mean\""
    ):
        mlr.fit(path, "price", stream=stream)
    with pytest.raises(
        ValueError, match="missing values in 'size' 45, 'city' 15; missing=\"drop\""
    ):
        mlr.fit(path, "price", missing="error", stream=stream)
    model = mlr.fit(path, "price", missing="mean", stream=stream)
    X = design(FRAME)
    X[::2, 0] = X[1::2, 0].mean()
    X[1::6, 1:3] = 0
    gap = np.zeros(N)
    gap[1::6] = 1
    X = np.column_stack([X[:, :3], gap, X[:, 3:]])
    assert model.columns[:4] == ["size", "city=Bonn", "city=Ulm", "city=(missing)"]
    close(model, lstsq(X, FRAME["price"].to_numpy()), rtol=1e-7)
    np.testing.assert_allclose(
        model.predict(frame), np.column_stack([X, np.ones(N)]) @ [*model.w[:, 0], *model.b]
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("solver", ["exact", "sgd"])
def test_weights(tmp_path, solver, stream):
    weight = random.randint(0, 4, N).astype(float)
    weight[3] = np.nan
    path = tmp_path / "table.csv"
    FRAME.assign(w=weight).to_csv(path, index=False)
    notes = []
    model = mlr.fit(path, "price", weights="w", solver=solver, stream=stream, on_note=notes.append)
    used = weight > 0
    X, y, own = design(FRAME[used]), FRAME["price"][used].to_numpy(), weight[used]
    assert f"{N - used.sum()} rows are left out: their 'w' is 0 or missing" in "\n".join(notes)
    expected = lstsq(X, y, own)
    np.testing.assert_allclose(model.solution.coefficients, expected[:-1], rtol=1e-8)
    errors = np.abs(model.w[:, 0] - expected[:-1]) / model.solution.standard_errors
    assert errors.max() < (0.1 if solver == "sgd" else 1e-6)
    residuals = X @ model.w[:, 0] + model.b[0] - y
    assert model.metrics["training"]["mse"] == pytest.approx(np.average(residuals**2, weights=own))
    FRAME.assign(w=weight - 1).to_csv(path, index=False)
    with pytest.raises(ValueError, match="weights: 'w' holds -1; every weight must be at least 0"):
        mlr.fit(path, "price", weights="w", stream=stream)


def test_terms_references_and_codes():
    frame = FRAME.assign(rooms=random.randint(1, 4, N)).drop(columns=["built", "garden"])
    model = mlr.fit(
        frame, "price", add="size^2, log(size), size*city", categorical=["rooms"],
        reference={"city": "Ulm", "rooms": "2"},
    )  # fmt: skip
    size, city, rooms = frame["size"], frame["city"], frame["rooms"]
    X = np.column_stack(
        [
            size, city == "Aalen", city == "Bonn", rooms == 1, rooms == 3, size**2, np.log(size),
            size * (city == "Aalen"), size * (city == "Bonn"),
        ]
    ).astype(float)  # fmt: skip
    assert model.columns == [
        "size", "city=Aalen", "city=Bonn", "rooms=1", "rooms=3", "size^2", "log(size)",
        "size*city=Aalen", "size*city=Bonn",
    ]  # fmt: skip
    close(model, lstsq(X, frame["price"].to_numpy()), rtol=1e-6)
    assert model.predict(frame) == pytest.approx(X @ model.w[:, 0] + model.b[0])
    with pytest.raises(ValueError, match=r"add: 'log\(size\)' is not a finite number in 1 of 90"):
        mlr.fit(frame.assign(size=[0.0, *size[1:]]), "price", add="log(size)")


@pytest.mark.parametrize("solver", ["exact", "sgd"])
@pytest.mark.parametrize("stream", [False, True])
def test_columns_that_depend_on_others(tmp_path, solver, stream):
    frame = FRAME[["size"]].assign(
        twice=2 * FRAME["size"] + 1, seven=7.0, noise=random.normal(size=N), price=FRAME["price"]
    )
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = mlr.fit(path, "price", solver=solver, stream=stream)
    told = "\n".join(str(warning.message) for warning in caught)
    assert "'twice' depends on earlier columns" in told and "'seven' is constant" in told
    expected = lstsq(frame[["size", "noise"]].to_numpy(), frame["price"].to_numpy())
    assert model.w[1:3, 0].tolist() == [0, 0]
    assert np.isnan(model.solution.coefficients[1:3]).all()
    off = np.abs(model.w[[0, 3], 0] - expected[:2]) / model.solution.standard_errors[[0, 3]]
    assert off.max() <= (0.1 if solver == "sgd" else 1e-6)
    with pytest.raises(ValueError, match="'twice' depends on others: it is 2 'size' \\+ 1"):
        mlr.fit(path, "price", solver=solver, collinear="error", stream=stream)
    least = mlr.fit(path, "price", solver=solver, collinear="minimum-norm", stream=stream)
    assert least.w[1, 0] > 0 and least.predict(frame) == pytest.approx(
        model.predict(frame), rel=0.05
    )


@pytest.mark.parametrize("solver", ["exact", "sgd"])
def test_more_columns_than_rows(solver):
    frame = pd.DataFrame(random.normal(size=(20, 60)), columns=[f"c{i}" for i in range(60)])
    with pytest.warns(UserWarning, match="40 columns depend on earlier columns"):
        model = mlr.fit(frame, "c59", solver=solver)
    assert model.predict(frame) == pytest.approx(frame["c59"].to_numpy(), abs=1e-3)
    assert (model.w[19:] == 0).all() and (model.w[:19] != 0).all()


def test_too_many_of_both():
    frame = pd.DataFrame(np.broadcast_to(np.float64(0), (5001, 5002)))
    with pytest.raises(ValueError, match="features="):
        mlr.fit(frame.assign(y=np.arange(5001.0)), "y")


@pytest.mark.parametrize("stream", [False, True])
def test_validation_rows(tmp_path, stream):
    path = tmp_path / "table.csv"
    frame = pd.concat([FRAME] * 20, ignore_index=True)
    frame.to_csv(path, index=False)
    model = mlr.fit(path, "price", validation=0.25, seed=5, stream=stream)
    rows = {name: own["rows"] for name, own in model.metrics.items()}
    assert sum(rows.values()) == 1800 and abs(rows["validation"] - 450) < (70 if stream else 1)
    again = mlr.fit(path, "price", validation=0.25, seed=5, stream=stream)
    assert again.metrics == model.metrics and (again.w == model.w).all()
    other = mlr.fit(path, "price", validation=0.25, seed=6, stream=stream)
    assert other.metrics["validation"] != model.metrics["validation"]
    if not stream:
        held = np.random.RandomState(5).permutation(1800)[:450]
        errors = model.predict(frame.iloc[held]) - frame["price"][held]
        assert model.metrics["validation"]["mse"] == pytest.approx(np.mean(errors**2))


def test_a_value_that_only_held_out_rows_have():
    city = FRAME["city"].copy()
    held = np.sort(np.random.RandomState(1).permutation(N)[: round(0.2 * N)])
    city[held[0]] = "Mars"
    notes = []
    model = mlr.fit(FRAME.assign(city=city), "price", validation=0.2, on_note=notes.append)
    assert model.metrics["validation"]["rows"] == len(held) - 1
    assert "1 validation row is left out" in "\n".join(notes)
    assert "Mars" not in model.levels["city"]


def test_a_training_that_cannot_end_near():
    with pytest.warns(NotConverged, match="has not converged in 1 epochs"):
        mlr.fit(FRAME, "price", solver="sgd", epochs=1)
    with pytest.raises(
        ValueError, match="learning_rate: after 3 epochs the fit is farther off than the mean"
    ):
        noise = FRAME.assign(price=np.random.RandomState(99).normal(size=N))
        mlr.fit(noise, "price", solver="sgd", epochs=3, learning_rate=0.3, batch_size=5)


@pytest.mark.parametrize(
    "changes, error, text",
    [
        ({"target": "prize"}, ValueError, "target: no column 'prize'; the nearest is 'price'"),
        (
            {"target": "city"},
            ValueError,
            "the target 'city' holds text; a regression needs numbers",
        ),
        ({"target": "built"}, ValueError, "the target 'built' holds dates"),
        ({"features": ["syze"]}, ValueError, "features: no column 'syze'; the nearest is 'size'"),
        ({"features": ["size", "price"]}, ValueError, "'price' is the target"),
        ({"features": ["size", "size"]}, ValueError, "named twice"),
        ({"features": "size"}, TypeError, "must be a list of columns, not 'size'"),
        ({"features": []}, ValueError, "has no column to predict 'price' from"),
        ({"weights": "price"}, ValueError, "weights: 'price' is the target"),
        ({"weights": "city"}, ValueError, "'city' holds text where numbers are needed"),
        ({"solver": "newton"}, ValueError, 'solver: must be "exact" or "sgd"'),
        ({"missing": "zero"}, ValueError, 'missing: must be "drop", "mean" or "error"'),
        ({"collinear": "keep"}, ValueError, 'collinear: must be "drop"'),
        ({"validation": 1.0}, ValueError, "validation: must be below 1"),
        ({"reference": {"city": "Rome"}}, ValueError, "reference: 'Rome' is no value of 'city'"),
        ({"reference": "city"}, TypeError, "reference: must be a dict"),
        ({"add": "size*"}, ValueError, "add: "),
        ({"add": "price^2"}, ValueError, "add: 'price' is the target"),
        ({"max_levels": 0}, ValueError, "max_levels"),
        ({"dtype": "int"}, ValueError, "dtype"),
        ({"epochs": -1, "solver": "sgd"}, ValueError, "epochs"),
        ({"data": 3}, TypeError, "data: expected a file or a table, not 3"),
    ],
)
def test_errors(changes, error, text):
    with pytest.raises(error, match=text):
        mlr.fit(**{"data": FRAME, "target": "price", **changes})


def test_infinity_and_nothing_left():
    with pytest.raises(ValueError, match="'size' holds infinity"):
        mlr.fit(FRAME.assign(size=np.inf), "price")
    with pytest.raises(ValueError, match="'price' holds no value"):
        mlr.fit(FRAME.assign(price=np.nan), "price")
    with pytest.raises(ValueError, match="no row has both a target and a weight above 0"):
        mlr.fit(FRAME.assign(w=0), "price", weights="w")
    with pytest.raises(ValueError, match="no column to predict 'price' from; left out: 'a'"):
        mlr.fit(pd.DataFrame({"a": ["x"] * 5, "price": range(5)}), "price")
    counted = pd.DataFrame({"rownames": range(1, 6), "price": [1.0, 3, 2, 5, 4]})
    with pytest.raises(ValueError, match="counts the rows.*features=rownames takes it"):
        mlr.fit(counted, "price")
    assert mlr.fit(counted, "price", ["rownames"]).w[0, 0] == pytest.approx(0.8)
    with pytest.raises(ValueError, match="'id' .holds text with 5 .*; max_levels=5 keeps one"):
        with pytest.warns(UserWarning):
            mlr.fit(pd.DataFrame({"id": list("abcde"), "price": range(5)}), "price")


def test_a_model_that_is_saved_and_read_makes_the_same(tmp_path):
    model = mlr.fit(FRAME, "price", add="size*garden, size^2", missing="mean", validation=0.2)
    mlr.save_model(tmp_path / "m.params", model)
    loaded = mlr.load_model(tmp_path / "m.params")
    assert (loaded.predict(FRAME) == model.predict(FRAME)).all()
    for name in ("dates", "added", "fill", "levels", "left_out", "metrics", "features"):
        assert getattr(loaded, name) == getattr(model, name)
    assert loaded.solution is None
    row = FRAME[7:8].assign(size=np.nan)
    filled = FRAME[7:8].assign(size=model.fill["size"])
    assert loaded.predict(row) == loaded.predict(filled)
    strange = FRAME[:3].assign(city=["Ulm", "Rome", None])
    assert np.isnan(loaded.predict(strange, invalid="nan")).tolist() == [False, True, True]
    with pytest.raises(ValueError, match="'city' holds 'Rome', which the model does not know"):
        loaded.predict(strange)
