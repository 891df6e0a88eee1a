"""What the workers of test_distributed.py's jobs run: all ways to train, small, and the results
of each rank as JSON."""

import json
import sys
from pathlib import Path

import numpy as np

import mxlinreg as mlr
from mxlinreg import distributed
from mxlinreg._mxnet import mx
from mxlinreg.fitting.descent import Settings, descend
from mxlinreg.moments import gathered, no_rows, triangular_moments
from mxlinreg.rows.arrays import ArrayRows


def data(num_rows):
    random = np.random.RandomState(5)
    X = random.normal(size=(num_rows, 3))
    return X, X @ [2.0, -3.4, 1.0] + 4.2 + 0.1 * random.normal(size=num_rows)


def begin(dtype):
    mx.random.seed(7)
    np.random.seed(7)
    return mlr.init_params(3, 1, dtype=dtype)


def ill_conditioned():
    """Powers up to the fifth, of which y is the sum: every coefficient is 1 (NIST's Wampler1)."""
    powers = np.vander(range(21), 6, increasing=True).astype(float)
    return powers[:, 1:], powers.sum(axis=1)


def numbers(params, losses):
    return [*losses, *(value for param in params for value in param.asnumpy().ravel().tolist())]


def descents(kv, X, y, folder):
    """`descend` with a Share of arrays, in both ways, and of streams; then killed and resumed."""
    path = Path(folder, f"{len(X)}.csv")
    if kv.rank == 0:
        np.savetxt(path, np.column_stack([X, y]), "%.17g", ",", header="a,b,c,y", comments="")
    distributed.broadcast(kv, b"written")

    def descent(rows, sync, **settings):
        np.random.seed(7)
        share = distributed.Share(kv, rows)
        own = triangular_moments(share.blocks()) or no_rows(4, triangular=True)
        settings = Settings(sync=sync, **settings)
        done = descend(share, gathered(own, share.gather), settings)
        return [*done.coefficients[:, 0], *done.intercept, *done.losses, *done[3:-1]]

    def killed(epoch, mean_loss):
        if epoch == 2:
            raise KeyboardInterrupt

    arrays = ArrayRows(*distributed.shard(kv, X, y))
    stream = mlr.stream(path, "y", batch_size=None, part=(kv.rank, kv.num_workers))
    results = {}
    for name, rows, sync in (
        ("batch", arrays, "batch"), ("epoch", arrays, "epoch"), ("stream", stream, "epoch"),
    ):  # fmt: skip
        results[f"descent {name}"] = descent(rows, sync)
        checkpoint = Path(folder, f"{len(X)} {name}.ckpt")
        try:
            descent(rows, sync, checkpoint=checkpoint, on_epoch=killed)
        except KeyboardInterrupt:
            pass
        results[f"resumed {name}"] = descent(rows, sync, checkpoint=checkpoint, resume=True)
    return results


def results_for(kv, num_rows, folder):
    results = {}
    X, y = data(num_rows)
    for dtype in ("float32", "float64"):
        for sync in ("batch", "epoch"):
            own = distributed.shard(kv, X.astype(dtype), y.astype(dtype))
            share = distributed.Share(kv, *own, batch_size=8)
            params = begin(dtype)
            if kv.rank > 0:
                np.random.seed(kv.rank)  # rank 0's state is what counts
                params[0][:] = 9
            losses = distributed.train(kv, params, share, 3, 0.05, sync)
            results[f"{sync} {dtype}"] = numbers(params, losses)
            results["rows"] = list(share.rows)
    results["generator"] = np.random.standard_normal()
    for name, whole in {"exact": (X, y), "powers": ill_conditioned()}.items():
        own = distributed.shard(kv, *whole)
        some = distributed.least_squares(kv, *own, rank_deficient="minimum_norm")
        results[name] = [
            *some.coefficients.tolist(), *some.standard_errors.tolist(), some.intercept,
            some.intercept_standard_error, some.num_rows, some.r_squared,
        ]  # fmt: skip
    results.update(descents(kv, X, y, folder))
    results["bytes"] = distributed.broadcast(kv, bytes([kv.rank, 255])).hex()
    return results


if __name__ == "__main__":
    folder, *sizes = sys.argv[1:]
    with distributed.connect() as kv:
        results = [results_for(kv, int(num_rows), folder) for num_rows in sizes]
        Path(folder, f"{kv.rank}.json").write_text(json.dumps(results))
