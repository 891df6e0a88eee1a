"""A stock DataLoader, arrays and pairs as rows: what each engine and a checkpoint make of them."""

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

import mxlinreg as mlr
from mxlinreg.rows.sources import as_rows

pytest.importorskip("numba")

ENGINES = pytest.mark.parametrize("engine", ["autograd", "compiled"])


def stock(X, y, batch_size=7, shuffle=True, **options):
    return gluon.data.DataLoader(gluon.data.ArrayDataset(X, y), batch_size, shuffle, **options)


def trained(seed, loader, engine="autograd", epochs=3, dtype="float32", outputs=1, **options):
    """Losses, parameters, and the generator's next draw."""
    seed()
    X, y = mlr.synthetic(100, dtype=dtype)
    if outputs == 2:
        y = mx.nd.stack(y, 2 * y, axis=1)
    params = mlr.init_params(2, outputs, dtype=dtype)
    losses = mlr.train(params, loader(X, y), epochs, 0.01, engine=engine, **options)
    return [*losses, *(value for p in params for value in p.asnumpy().ravel().tolist()),
            np.random.randint(1000)]  # fmt: skip


@ENGINES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_stock_loader_gives_the_same_bits_as_ours(seed, engine, dtype, outputs, shuffle):
    results = []
    for loader in (stock, mlr.ArrayLoader):
        results.append(
            trained(
                seed,
                lambda X, y, make=loader: make(X, y, 7, shuffle),
                engine,
                dtype=dtype,
                outputs=outputs,
            )  # fmt: skip
        )
    assert results[0] == results[1]


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-11)])
@pytest.mark.parametrize("last_batch", ["keep", "discard"])
def test_the_engines_agree_on_a_stock_loader(seed, dtype, tolerance, last_batch):
    def loader(X, y):
        return stock(X, y, last_batch=last_batch)

    results = [trained(seed, loader, engine, dtype=dtype) for engine in ("autograd", "compiled")]
    np.testing.assert_allclose(*results, rtol=tolerance)


def test_numpy_arrays_in_a_stock_loader(seed):
    def loader(X, y):
        return stock(np.asfortranarray(X.asnumpy()), y.asnumpy())

    for engine in ("autograd", "compiled"):
        assert trained(seed, loader, engine) == trained(seed, stock, engine)


@ENGINES
def test_a_stock_loader_resumes_from_a_checkpoint(seed, tmp_path, engine):
    plain = trained(seed, stock, engine, epochs=4)
    path = tmp_path / "run.ckpt"
    trained(seed, stock, engine, epochs=2, checkpoint=path)
    assert trained(seed, stock, engine, epochs=4, checkpoint=path, resume=True) == plain
    ours = trained(seed, lambda X, y: mlr.ArrayLoader(X, y, 7), engine, epochs=4, checkpoint=path,
                   resume=True)  # fmt: skip
    assert ours == plain
    with pytest.raises(ValueError, match="the data"):
        trained(seed, lambda X, y: stock(X, y + 1), engine, checkpoint=path, resume=True)


def test_discard_leaves_out_the_rows_that_fill_no_batch(seed):
    def loader(X, y):
        y[98:] = 1e9  # not shuffled, the two that are left out
        return stock(X, y, shuffle=False, last_batch="discard")

    for engine in ("autograd", "compiled"):
        assert max(trained(seed, loader, engine)[:3]) < 100


def test_an_array_loader_takes_the_options_of_a_data_loader(seed):
    ours = trained(seed, lambda X, y: mlr.ArrayLoader(X, y, 7))
    assert trained(seed, lambda X, y: mlr.ArrayLoader(X, y, 7, num_workers=1)) == ours
    discard = [
        trained(seed, lambda X, y: mlr.ArrayLoader(X, y, 7, last_batch="discard"), engine)
        for engine in ("autograd", "compiled")
    ]
    np.testing.assert_allclose(*discard, rtol=1e-5)
    assert discard[0] == trained(seed, lambda X, y: stock(X, y, last_batch="discard"))
    with pytest.raises(TypeError, match="nonsense"):
        mlr.ArrayLoader([[1.0]], [1.0], nonsense=1)


def own_sampler(X, y):
    return stock(X, y, shuffle=False, sampler=gluon.data.FilterSampler(bool, [1] * len(X)))


def own_batch_sampler(X, y):
    sampler = gluon.data.BatchSampler(gluon.data.RandomSampler(len(X)), 7)
    dataset = gluon.data.ArrayDataset(X, y)
    return gluon.data.DataLoader(dataset, batch_sampler=type("Own", (), {
        "__iter__": lambda self: iter(sampler), "__len__": lambda self: len(sampler)
    })())  # fmt: skip


def own_dataset(X, y):
    dataset = gluon.data.ArrayDataset(X, y).transform(lambda data, label: (data, label))
    return gluon.data.DataLoader(dataset, 7)


def own_batchify(batch):
    data, label = zip(*batch)
    return mx.nd.stack(*data), mx.nd.array(label)


@pytest.mark.parametrize(
    "loader, option",
    [
        (own_sampler, "its sampler"),
        (own_batch_sampler, "its batch_sampler"),
        (own_dataset, "its _LazyTransformDataset"),
        (lambda X, y: stock(X, y, last_batch="rollover"), 'last_batch="rollover"'),
        (lambda X, y: stock(X, y, batchify_fn=own_batchify), "its batchify_fn"),
        (lambda X, y: mlr.ArrayLoader(X, y, 7, batchify_fn=own_batchify), "its batchify_fn"),
    ],
)
def test_options_that_only_the_loader_can_honour(seed, tmp_path, loader, option):
    assert len(trained(seed, loader)) == 7
    for refused in ({"engine": "compiled"}, {"checkpoint": tmp_path / "run.ckpt"}):
        with pytest.raises(ValueError, match=f'{option}.*engine "autograd"'):
            trained(seed, loader, **refused)


@ENGINES
@pytest.mark.parametrize(
    "data",
    [
        lambda X, y: (X, y),
        lambda X, y: [X, y],
        lambda X, y: (X.asnumpy(), y.asnumpy()),
        lambda X, y: X,
        lambda X, y: X.asnumpy(),
    ],
)
def test_arrays_are_refused_with_the_loader_to_write(seed, engine, data):
    with pytest.raises(TypeError, match=r"gluon\.data\.DataLoader\(gluon\.data\.ArrayDataset"):
        trained(seed, data, engine)


def test_the_exact_solution_and_rows_as_they_lie(seed):
    X, y = mlr.synthetic(1000)
    expected = mlr.least_squares(X, y)
    seed()
    for rows in (stock(X, y), mlr.ArrayLoader(X, y), [(X[:500], y[:500]), (X[500:], y[500:])]):
        found = mlr.least_squares(rows)
        np.testing.assert_allclose(found.coefficients, expected.coefficients, rtol=1e-12)
        assert as_rows(rows).num_rows in (1000, None)
    assert np.random.standard_normal() == np.random.RandomState(1).standard_normal()


def test_what_has_the_interface_comes_back_unchanged():
    loader = mlr.ArrayLoader(*mlr.synthetic(10))
    assert as_rows(loader) is loader
    rows = as_rows(stock(*mlr.synthetic(10)))
    assert as_rows(rows) is rows and rows.columns == ["x0", "x1"] and rows.batch_size == 7


@pytest.mark.parametrize("data", [3, None, np.eye(2), mx.nd.ones((2, 2))])
def test_what_is_no_source_of_rows(data):
    with pytest.raises(TypeError, match="y: missing"):
        mlr.least_squares(data)


class Counted(gluon.data.DataLoader):
    def __iter__(self):
        return iter(list(super().__iter__())[:2])


@pytest.mark.parametrize(
    "loader, option",
    [
        (lambda X, y: some_rows(X, y, gluon.data.SequentialSampler(50)), "its sampler"),
        (lambda X, y: some_rows(X, y, gluon.data.SequentialSampler(50, start=50)), "its sampler"),
        (lambda X, y: some_rows(X, y, gluon.data.RandomSampler(50)), "its sampler"),
        (lambda X, y: Counted(gluon.data.ArrayDataset(X, y), 7), "iteration of a Counted"),
    ],
)
def test_loaders_that_take_other_rows_than_all(seed, loader, option):
    trained(seed, loader)
    with pytest.raises(ValueError, match=option):
        trained(seed, loader, "compiled")
    with pytest.raises(ValueError, match=f"X: only the DataLoader itself can honour.*{option}"):
        mlr.least_squares(loader(*mlr.synthetic(100)))


def some_rows(X, y, sampler):
    return gluon.data.DataLoader(gluon.data.ArrayDataset(X, y), 7, sampler=sampler)


def test_targets_and_weights_go_with_arrays_only():
    X, y = mlr.synthetic(20)
    for rows in (mlr.ArrayLoader(X, y), as_rows(stock(X, y))):
        with pytest.raises(ValueError, match="sample_weight: goes with an array X only"):
            mlr.least_squares(rows, sample_weight=np.ones(20))
        with pytest.raises(ValueError, match="y: goes with an array X only"):
            mlr.least_squares(rows, y)


def test_a_column_may_have_any_name():
    pandas = pytest.importorskip("pandas")
    X, y = mlr.synthetic(20)
    frame = pandas.DataFrame(X.asnumpy(), columns=["blocks", "batches"])
    result = mlr.least_squares(frame, y)
    assert result.columns == ["blocks", "batches"]
    assert (result.coefficients == mlr.least_squares(X, y).coefficients).all()


def test_another_last_batch_is_not_resumed(seed, tmp_path):
    path = tmp_path / "run.ckpt"
    trained(seed, stock, epochs=1, checkpoint=path)
    with pytest.raises(ValueError, match=r"last_batch \(None, now discard\)"):
        trained(seed, lambda X, y: stock(X, y, last_batch="discard"), checkpoint=path, resume=True)


@pytest.mark.parametrize("data", [None, 5])
def test_what_has_no_batches_is_no_training_data(data):
    with pytest.raises(TypeError, match=r"train_data: a \w+ has no batches; give gluon"):
        mlr.train(mlr.init_params(), data)


def test_a_bad_last_batch_is_found_at_once():
    with pytest.raises(ValueError, match="last_batch: must be"):
        mlr.ArrayLoader(*mlr.synthetic(10), last_batch="x")


def test_the_bar_of_a_list_of_batches_has_its_total(capsys):
    batch = mlr.synthetic(10)
    mlr.train(mlr.init_params(), [batch] * 3, 1, 0.01, progress=True)
    assert "/3" in capsys.readouterr().err
