"""`fit`: from what people bring to a model, held against NumPy, pandas and arithmetic by hand."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest

import mxlinreg as mlr
from mxlinreg.fitting.fit import NotConverged
from mxlinreg.rows.table_stream import Split

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
    notes = []
    model = mlr.fit(path, "price", missing="mean", stream=stream, on_note=notes.append)
    filled = "missing values of the training rows are filled in ('size' 45, 'city' 15)"
    assert filled in notes
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
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("y", [[1, 2, 6], [2, 2, 2], [4]])
def test_all_columns_are_constant(tmp_path, y, stream, solver):
    """What is left is the intercept, the mean of the target."""
    frame = pd.DataFrame({"a": 7, "b": 0, "y": y})
    frame.to_csv(tmp_path / "a.csv", index=False)
    with pytest.warns(UserWarning, match="2 columns are constant in the training rows"):
        model = mlr.fit(tmp_path / "a.csv", "y", solver=solver, stream=stream)
    np.testing.assert_allclose([*model.w[:, 0], *model.b], [0, 0, np.mean(y)], atol=1e-12)
    assert np.isnan(model.solution.coefficients).all()


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


@pytest.mark.parametrize("stream", [False, True])
def test_no_row_is_left_to_train_on(tmp_path, stream):
    pd.DataFrame({"a": [1.0, 2], "y": [3.0, 4]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match="^validation: 0.99 leaves none of 2 rows to train on"):
        mlr.fit(tmp_path / "a.csv", "y", validation=0.99, stream=stream)


def test_a_value_that_only_held_out_rows_have():
    city = FRAME["city"].copy()
    held = np.sort(np.random.RandomState(1).permutation(N)[: round(0.2 * N)])
    city[held[0]] = "Mars"
    notes = []
    model = mlr.fit(FRAME.assign(city=city), "price", validation=0.2, on_note=notes.append)
    assert model.metrics["validation"]["rows"] == len(held) - 1
    assert "1 validation row is left out" in "\n".join(notes)
    assert "Mars" not in model.levels["city"]


def test_held_out_rows_of_a_stream_that_cannot_be_used(tmp_path):
    frame = pd.DataFrame({"a": np.arange(20.0), "y": np.arange(20.0) ** 2})
    path, notes = tmp_path / "a.csv", []
    frame.to_csv(path, index=False)
    model = mlr.fit(path, "y", validation=0.3, stream=True, on_note=notes.append)
    held = Split("y", None, 0.3, seed=1).held_out(0, 20)
    assert model.metrics["validation"]["rows"] == held.sum() and len(notes) == 1
    frame.loc[held, "a"] = np.nan
    frame.to_csv(path, index=False)
    again = mlr.fit(path, "y", validation=0.3, stream=True, on_note=notes.append)
    assert again.metrics == {"training": model.metrics["training"]}
    assert notes[-1] == (
        f"{held.sum()} validation rows are left out: no training row has their values, or they "
        "have gaps"
    )


def test_a_training_that_cannot_end_near():
    with pytest.warns(NotConverged, match="has not converged in 1 epoch:") as told:
        mlr.fit(FRAME, "price", solver="sgd", epochs=1)
    assert "learning_rate" not in str(told[-1].message)
    with pytest.warns(NotConverged, match="give more epochs, leave learning_rate out, or") as told:
        model = mlr.fit(FRAME, "price", solver="sgd", epochs=1, learning_rate=1e-9)
    times = model.metrics["training"]["mse"] / (mlr.fit(FRAME, "price").metrics["training"]["mse"])
    assert f"the training MSE is {times:.3g} times the least possible" in str(told[-1].message)
    with pytest.raises(
        ValueError, match="learning_rate: after 3 epochs the fit is farther off than the mean"
    ):
        noise = FRAME.assign(price=np.random.RandomState(99).normal(size=N))
        mlr.fit(noise, "price", solver="sgd", epochs=3, learning_rate=0.3, batch_size=5)
    noise = pd.DataFrame(np.random.default_rng(10).normal(size=(30, 6)), columns=list("abcdef"))
    with pytest.raises(ValueError, match="epochs: after 1 epoch the fit .*; give more epochs$"):
        mlr.fit(noise, "f", solver="sgd", epochs=1)


@pytest.mark.parametrize(
    "changes, error, text",
    [
        (
            {"target": "prize"},
            ValueError,
            "target: no column 'prize' in the table; the nearest is 'price'",
        ),
        (
            {"target": "city"},
            ValueError,
            "the target 'city' holds text; a regression needs numbers",
        ),
        ({"target": "built"}, ValueError, "the target 'built' holds dates"),
        ({"features": ["syze"]}, ValueError, "features: no column 'syze' in the table; the near"),
        ({"features": ["size", "price"]}, ValueError, "'price' is the target"),
        ({"features": ["size", "size"]}, ValueError, "named twice"),
        ({"features": "size"}, TypeError, "must be a list of names, not 'size'"),
        ({"features": []}, ValueError, "has no column to predict 'price' from"),
        ({"weights": "price"}, ValueError, "weights: 'price' is the target"),
        ({"weights": "city"}, ValueError, "'city' holds text where numbers are needed"),
        (
            {"reference": {"size": "3"}},
            ValueError,
            "reference: 'size' is not encoded as a category; give categorical=size as well",
        ),
        (
            {"reference": {"built": "1990-01-01"}},
            ValueError,
            "reference: 'built' is not encoded as a category; leave it out",
        ),
        (
            {"reference": {"city": "Ulm"}, "features": ["size"]},
            ValueError,
            "reference: 'city' is not among the features; add it to them",
        ),
        (
            {"categorical": ["city"], "features": ["size"]},
            ValueError,
            "categorical: 'city' is not among the features; add it to them",
        ),
        ({"categorical": ["price"]}, ValueError, "categorical: 'price' is the target; leave it"),
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


@pytest.mark.parametrize("stream", [False, True])
def test_the_words_for_one(tmp_path, stream):
    notes, path = [], tmp_path / "a.csv"
    frame = pd.DataFrame({"a": [1.0, 2, np.nan, 4], "y": [3.0, 3, 3, 3]})
    frame.to_csv(path, index=False)
    mlr.fit(path, "y", solver="sgd", stream=stream, on_note=notes.append)
    assert notes[0] == "1 of 4 rows is left out: it has gaps ('a' 1)"
    assert notes[1].endswith("3 training rows, 1 column" if stream else "rows, 1 column")
    assert notes[2].startswith("converged after 1 epoch: ")
    mlr.fit(frame[:2], "y", solver="sgd", on_note=notes.append)
    assert notes[-1].endswith(" % above the least possible")  # without degrees of freedom


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("missing", ["drop", "mean"])
def test_booleans_of_few_rows_stay(tmp_path, missing, stream):
    """Two values are more than a third of five rows, but that rule is for text."""
    frame = pd.DataFrame({"b": [True, False, None, False, True], "y": [1.0, 2, 9, 4, 2]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    model = mlr.fit(tmp_path / "a.csv", "y", missing=missing, stream=stream)
    close(model, [-1.5, 3.0] if missing == "drop" else [-1.5, 6.0, 3.0])


@pytest.mark.parametrize("stream", [False, True])
def test_a_term_without_a_finite_value(tmp_path, stream):
    """It is an error in a training row. Rows that are left out for a gap do not matter."""
    frame = pd.DataFrame({"a": [1.0, 2, 4, 0, 5, 3], "b": [3.0, 1, 4, 1, 5, 9]})
    frame["y"] = [2.0, 7, 1, 8, 2, 8]
    frame.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(
        ValueError, match=r"^add: 'log\(a\)' is not a finite number in (1 of|row 4)"
    ):
        mlr.fit(tmp_path / "a.csv", "y", add="log(a)", stream=stream)
    frame.loc[3, "b"] = np.nan
    frame.to_csv(tmp_path / "a.csv", index=False)
    model = mlr.fit(tmp_path / "a.csv", "y", add="log(a)", stream=stream)
    kept = frame.dropna()
    close(model, lstsq(np.column_stack([kept["a"], kept["b"], np.log(kept["a"])]), kept["y"]))


def test_columns_of_pandas_that_cannot_be_used():
    """Intervals, as `pandas.cut` makes them, and values of several types."""
    frame = pd.DataFrame({"a": np.arange(20.0), "y": np.arange(20.0) ** 2})
    cut = frame.assign(c=pd.cut(frame["y"], 3))
    with pytest.raises(ValueError, match="column 'c' holds dictionary<.*write it as .* text"):
        mlr.fit(cut, "y")
    close(mlr.fit(cut, "y", ["a"]), lstsq(frame[["a"]], frame["y"]))
    assert mlr.fit(cut.assign(c=cut["c"].astype(str)), "y").columns[0] == "a"
    with pytest.raises(ValueError, match="the table: [^(]*column c with type object; give each"):
        mlr.fit(frame.assign(c=[1, "a"] * 10), "y")


def test_infinity_and_nothing_left():
    with pytest.raises(ValueError, match="the table: column 'size' holds infinity"):
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


@pytest.mark.parametrize("solver", ["exact", "sgd"])
def test_a_stream_is_used_as_it_is(tmp_path, solver):
    numbers = pd.DataFrame(random.normal(size=(500, 4)), columns=list("abcy"))
    numbers["y"] += numbers["a"] - 3 * numbers["b"]
    numbers.to_csv(tmp_path / "table.csv", index=False)
    rows = mlr.stream(tmp_path / "table.csv", "y", ["b", "a"], batch_size=7)
    model = mlr.fit(rows, "y", solver=solver)
    expected = lstsq(numbers[["b", "a"]].to_numpy(), numbers["y"].to_numpy())
    off = np.abs(model.w[:, 0] - expected[:2]) / model.solution.standard_errors
    assert model.columns == ["b", "a"] and off.max() < (0.1 if solver == "sgd" else 1e-9)
    np.random.seed(9)
    before = np.random.get_state()[1].tolist()
    assert (mlr.fit(rows, "y", solver=solver).w == model.w).all(), "by its own seed"
    assert np.random.get_state()[1].tolist() == before
    assert rows.batch_size == 7 and model.metrics["training"]["rows"] == 500
    for options, text in (({"features": ["a"]}, "features"), ({"validation": 0.2}, "validation")):
        with pytest.raises(ValueError, match=f"{text}: goes with a table or a file only"):
            mlr.fit(rows, "y", **options)
    with pytest.raises(ValueError, match="target: 'a' is not 'y', the stream's target"):
        mlr.fit(rows, "a")


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_about_a_name_names_the_file(tmp_path, stream):
    path = tmp_path / "houses.csv"
    path.write_text("size,price\n1,2\n2,4\n3,7\n")
    for arguments in (("prize",), ("price", ["syze"])):
        with pytest.raises(ValueError, match=f": no column '\\w+' in {path}; the nearest is"):
            mlr.fit(path, *arguments, stream=stream)


def test_an_interrupt_is_not_taken_for_a_bad_fit():
    """After one epoch this fit is worse than the mean, which is an error if it ends by itself."""
    noise = pd.DataFrame(np.random.default_rng(10).normal(size=(30, 6)), columns=list("abcdef"))

    def interrupt(epoch, mean_loss):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        mlr.fit(noise, "f", solver="sgd", epochs=1, on_epoch=interrupt)
    assert not hasattr(raised.value, "model")
