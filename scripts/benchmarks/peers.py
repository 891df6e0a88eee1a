"""One epoch of linear regression, written as users of several libraries would write it.

Each peer is a function of ``(X, y, w, b, batch_size, learning_rate)``, with NumPy arrays of shape
(n, d), (n,), (d, 1) and (1,). It returns two functions: ``epoch(order=None)`` trains on all rows
in the given order, or in a new random one, and returns the mean loss; ``learned()`` returns w and
b. A peer imports its library itself, so that an environment needs only the libraries of its peers.
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
    """The concise way in MXNet: Dense, L2Loss and Trainer."""
    import mxlinreg  # isort: skip  # noqa: F401
    import mxnet as mx
    from mxnet import autograd, gluon, nd

    train_data = gluon.data.DataLoader(
        gluon.data.ArrayDataset(nd.array(X), nd.array(y)), batch_size=batch_size, shuffle=True
    )
    net = gluon.nn.Dense(1, in_units=X.shape[1])
    net.initialize()
    net.weight.set_data(nd.array(w.T))
    net.bias.set_data(nd.array(b))
    square_loss = gluon.loss.L2Loss()  # It is half the square, so the rate and the loss double.
    optimizer = mx.optimizer.SGD(learning_rate=2 * learning_rate)
    trainer = gluon.Trainer(net.collect_params(), optimizer)

    def epoch(order=None):
        cumulative_loss = 0
        for data, label in train_data:
            with autograd.record():
                loss = square_loss(net(data), label)
            loss.backward()
            trainer.step(len(data))
            cumulative_loss += 2 * float(loss.mean().asscalar())
        return cumulative_loss / len(train_data)

    return epoch, lambda: (net.weight.data().asnumpy().T, net.bias.data().asnumpy())


def pytorch(X, y, w, b, batch_size, learning_rate):
    """The plain loop in PyTorch."""
    import torch

    X, y = torch.from_numpy(X), torch.from_numpy(y)[:, None]
    params = w, b = [torch.from_numpy(param.copy()).requires_grad_() for param in (w, b)]

    def epoch(order=None):
        order = torch.randperm(len(X)) if order is None else torch.from_numpy(order)
        losses = []
        for rows in order.split(batch_size):
            loss = ((X[rows] @ w + b - y[rows]) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                for param in params:
                    param -= learning_rate * param.grad
                    param.grad = None
            losses.append(loss.item())
        return sum(losses) / len(losses)

    return epoch, lambda: (w.detach().numpy(), b.detach().numpy())


def jax(X, y, w, b, batch_size, learning_rate):
    """A scan over the batches in one compiled call. NumPy draws the order, faster than JAX."""
    import jax
    import jax.numpy as jnp

    X, y, params = jnp.asarray(X), jnp.asarray(y)[:, None], (jnp.asarray(w), jnp.asarray(b))
    random = np.random.RandomState(0)
    whole = len(X) // batch_size * batch_size

    def square_loss(params, data, label):
        w, b = params
        return jnp.mean((data @ w + b - label) ** 2)

    def step(params, rows):
        loss, gradients = jax.value_and_grad(square_loss)(params, X[rows], y[rows])
        return jax.tree_util.tree_map(lambda p, g: p - learning_rate * g, params, gradients), loss

    @jax.jit
    def run_batches(params, order):
        params, losses = jax.lax.scan(step, params, order[:whole].reshape(-1, batch_size))
        if whole < len(X):
            params, loss = step(params, order[whole:])
            losses = jnp.append(losses, loss)
        return params, jnp.mean(losses)

    def epoch(order=None):
        nonlocal params
        order = random.permutation(len(X)) if order is None else order
        params, mean_loss = run_batches(params, order.astype(np.int32))
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


def numpy(X, y, w, b, batch_size, learning_rate):
    """The plain loop in NumPy, the gradient by hand."""
    random = np.random.RandomState(0)
    w, b, y = w.copy(), b.copy(), y[:, None]

    def epoch(order=None):
        order = random.permutation(len(X)) if order is None else order
        losses = []
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            data = X[rows]
            error = data @ w + b - y[rows]
            losses.append(float((error**2).mean()))
            step = np.float32(2 * learning_rate / len(rows))
            w[:] -= step * (data.T @ error)
            b[:] -= step * error.sum(axis=0)
        return sum(losses) / len(losses)

    return epoch, lambda: (w, b)


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
