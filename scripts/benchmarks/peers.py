"""One epoch of linear regression, written as experienced users of several libraries write it.

Each peer is a function of ``(X, y, w, b, batch_size, learning_rate)``, with float32 arrays of
shape (n, d), (n,), (d, 1) and (1,). It returns two functions. ``epoch(order=None)`` trains on all
rows in the given order, or in a new random one, and returns the mean loss. ``learned()`` returns w
and b. A peer imports its library itself, so an environment needs only its own peers' libraries.

A batch of random rows can be gathered when its turn comes, or all rows can be gathered once at the
start of the epoch. Which is faster depends on the shape, so NumPy, PyTorch and JAX have a peer for
each.
"""

import numpy as np


def chapter(X, y, w, b, batch_size, learning_rate):
    """The chapter's plain loop."""
    import mxlinreg  # isort: skip  # noqa: F401  (it makes `import mxnet` work)
    import mxnet as mx
    from mxnet import autograd, gluon, nd

    train_data = gluon.data.DataLoader(
        gluon.data.ArrayDataset(nd.array(X), nd.array(y)), batch_size=batch_size, shuffle=True
    )
    params = w, b = nd.array(w), nd.array(b)
    for param in params:
        param.attach_grad()
    model_ctx = mx.cpu()

    def net(X):
        return nd.dot(X, w) + b

    def square_loss(yhat, y):
        return nd.mean((yhat - y) ** 2)

    def SGD(params, lr):
        for param in params:
            param[:] = param - lr * param.grad

    def epoch(order=None):
        cumulative_loss = 0
        for data, label in train_data:
            data = data.as_in_context(model_ctx)
            label = label.as_in_context(model_ctx).reshape((-1, 1))
            with autograd.record():
                output = net(data)
                loss = square_loss(output, label)
            loss.backward()
            SGD(params, learning_rate)
            cumulative_loss += float(loss.asscalar())
        return cumulative_loss / len(train_data)

    return epoch, lambda: (w.asnumpy(), b.asnumpy())


def gluon(X, y, w, b, batch_size, learning_rate):
    """Dense, L2Loss and Trainer in MXNet, hybridized, on rows that are gathered once."""
    import mxlinreg  # isort: skip  # noqa: F401
    import mxnet as mx
    from mxnet import autograd, gluon, nd

    X, y, random = nd.array(X), nd.array(y), np.random.default_rng(0)
    net = gluon.nn.Dense(1, in_units=X.shape[1])
    net.initialize()
    net.weight.set_data(nd.array(w.T))
    net.bias.set_data(nd.array(b))
    square_loss = gluon.loss.L2Loss()  # It is half the square, so the rate and the loss double.
    for block in net, square_loss:
        block.hybridize(static_alloc=True)
    optimizer = mx.optimizer.SGD(learning_rate=2 * learning_rate)
    trainer = gluon.Trainer(net.collect_params(), optimizer)

    def epoch(order=None):
        order = nd.array(_order(random, len(X), order), dtype="int32")
        rows, labels = nd.take(X, order), nd.take(y, order)
        losses = []
        for start in range(0, len(X), batch_size):
            data, label = rows[start : start + batch_size], labels[start : start + batch_size]
            with autograd.record():
                loss = square_loss(net(data), label)
            loss.backward()
            trainer.step(len(data))
            losses.append(loss.mean())
        return 2 * float(nd.concat(*losses, dim=0).mean().asscalar())

    return epoch, lambda: (net.weight.data().asnumpy().T, net.bias.data().asnumpy())


def pytorch_gathered(X, y, w, b, batch_size, learning_rate):
    """PyTorch's autograd on rows that are gathered once."""
    return _pytorch(X, y, w, b, batch_size, learning_rate, gather_once=True)


def pytorch_within(X, y, w, b, batch_size, learning_rate):
    """PyTorch's autograd, each batch gathered when its turn comes."""
    return _pytorch(X, y, w, b, batch_size, learning_rate, gather_once=False)


def _pytorch(X, y, w, b, batch_size, learning_rate, gather_once):
    import torch

    torch.set_num_threads(1)  # Several would wait for one another at every small batch.
    X, y = torch.from_numpy(X), torch.from_numpy(y)[:, None]
    params = w, b = [torch.from_numpy(param.copy()).requires_grad_() for param in (w, b)]

    def batches(order):
        if gather_once:
            return zip(X[order].split(batch_size), y[order].split(batch_size))
        return ((X[rows], y[rows]) for rows in order.split(batch_size))

    def epoch(order=None):
        order = torch.randperm(len(X)) if order is None else torch.from_numpy(order)
        losses = []
        for data, label in batches(order):
            loss = torch.nn.functional.mse_loss(torch.addmm(b, data, w), label)
            gradients = torch.autograd.grad(loss, params)
            with torch.no_grad():
                for param, gradient in zip(params, gradients):
                    param.sub_(gradient, alpha=learning_rate)
            losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    return epoch, lambda: (w.detach().numpy(), b.detach().numpy())


def jax_gathered(X, y, w, b, batch_size, learning_rate):
    """JAX: one compiled call gathers all rows, then scans over the batches."""
    return _jax(X, y, w, b, batch_size, learning_rate, gather_once=True)


def jax_within(X, y, w, b, batch_size, learning_rate):
    """JAX: one compiled call scans over the batches, and gathers each within the scan."""
    return _jax(X, y, w, b, batch_size, learning_rate, gather_once=False)


def _jax(X, y, w, b, batch_size, learning_rate, gather_once):
    from functools import partial

    import jax
    import jax.numpy as jnp

    X, y, params = jnp.asarray(X), jnp.asarray(y)[:, None], (jnp.array(w), jnp.array(b))
    random = np.random.default_rng(0)  # It draws an order faster than JAX.
    whole = len(X) // batch_size * batch_size

    def square_loss(params, data, label):
        w, b = params
        return jnp.mean((data @ w + b - label) ** 2)

    def step(params, batch):
        loss, gradients = jax.value_and_grad(square_loss)(params, *batch)
        return jax.tree_util.tree_map(lambda p, g: p - learning_rate * g, params, gradients), loss

    def gather(rows, X, y):
        # JAX need not check the rows.
        return [a.at[rows].get(mode="promise_in_bounds", unique_indices=True) for a in (X, y)]

    @partial(jax.jit, donate_argnums=0)
    def run_batches(params, order, X, y):
        def gather_and_step(params, rows):
            return step(params, gather(rows, X, y))

        batches = order[:whole].reshape(-1, batch_size)
        if gather_once:
            rows = gather(order[:whole], X, y)
            batches = [a.reshape(-1, batch_size, a.shape[1]) for a in rows]
        params, losses = jax.lax.scan(step if gather_once else gather_and_step, params, batches)
        if whole < len(X):
            params, loss = gather_and_step(params, order[whole:])
            losses = jnp.append(losses, loss)
        return params, jnp.mean(losses)

    def epoch(order=None):
        nonlocal params
        order = _order(random, len(X), order).astype(np.int32)
        params, mean_loss = run_batches(params, order, X, y)
        return float(mean_loss)

    return epoch, lambda: tuple(np.asarray(param) for param in params)


def sklearn(X, y, w, b, batch_size, learning_rate):
    """SGDRegressor.partial_fit, which has only batches of one row, and returns no mean loss."""
    from sklearn.linear_model import SGDRegressor

    model = SGDRegressor(
        penalty=None, learning_rate="constant", eta0=2 * learning_rate, shuffle=True
    )
    model.partial_fit(X[:1], y[:1])
    model.coef_, model.intercept_ = w[:, 0].astype(model.coef_.dtype), b.astype("float64")

    def epoch(order=None):
        if order is None:
            model.partial_fit(X, y)
        else:
            model.set_params(shuffle=False).partial_fit(X[order], y[order])
            model.set_params(shuffle=True)

    return epoch, lambda: (model.coef_, model.intercept_)


def numpy_gathered(X, y, w, b, batch_size, learning_rate):
    """The loop in NumPy, the gradient by hand, on rows that are gathered once."""
    return _numpy(X, y, w, b, batch_size, learning_rate, gather_once=True)


def numpy_within(X, y, w, b, batch_size, learning_rate):
    """The loop in NumPy, the gradient by hand, each batch gathered when its turn comes."""
    return _numpy(X, y, w, b, batch_size, learning_rate, gather_once=False)


def _numpy(X, y, w, b, batch_size, learning_rate, gather_once):
    random = np.random.default_rng(0)
    w, b = w[:, 0].copy(), b.copy()

    def batches(order):
        if gather_once:
            data, label = X[order], y[order]
            for start in range(0, len(X), batch_size):
                yield data[start : start + batch_size], label[start : start + batch_size]
        else:
            for start in range(0, len(X), batch_size):
                rows = order[start : start + batch_size]
                yield X[rows], y[rows]

    def epoch(order=None):
        cumulative_loss = num_batches = 0
        for data, label in batches(_order(random, len(X), order)):
            error = data @ w
            error += b
            error -= label
            cumulative_loss += float(error @ error) / len(label)
            num_batches += 1
            error *= 2 * learning_rate / len(label)
            w[:] -= error @ data
            b[:] -= error.sum()
        return cumulative_loss / num_batches

    return epoch, lambda: (w[:, None], b)


def _order(random, rows, order):
    """The order given, or else a new one."""
    return random.permutation(rows) if order is None else order


def autograd(X, y, w, b, batch_size, learning_rate):
    """mxlinreg's engine "autograd"."""
    import mxlinreg as mlr

    return _of_mxlinreg(mlr.train_epoch, X, y, w, b, batch_size, learning_rate)


def compiled(X, y, w, b, batch_size, learning_rate):
    """mxlinreg's engine "compiled"."""
    import mxlinreg as mlr

    return _of_mxlinreg(mlr.compiled.train_epoch, X, y, w, b, batch_size, learning_rate)


def sequential(X, y, w, b, batch_size, learning_rate):
    """A limit of the compiled engine: its epoch on the rows as they lie in memory."""
    import mxlinreg as mlr

    engine = mlr.compiled.train_epoch
    return _of_mxlinreg(engine, X, y, w, b, batch_size, learning_rate, shuffle=False)


def _of_mxlinreg(engine, X, y, w, b, batch_size, learning_rate, shuffle=True):
    import mxlinreg as mlr  # isort: skip
    import mxnet as mx

    loader = mlr.ArrayLoader(mx.nd.array(X), mx.nd.array(y), batch_size, shuffle)
    params = w, b = mx.nd.array(w), mx.nd.array(b)
    for param in params:
        param.attach_grad()

    def epoch(order=None):
        return engine(params, loader, learning_rate)

    return epoch, lambda: (w.asnumpy(), b.asnumpy())


def sum_of_X(X, y, w, b, batch_size, learning_rate):
    """A limit for all: reading the data once."""

    def epoch(order=None):
        return float(X.sum())

    return epoch, lambda: (w, b)
