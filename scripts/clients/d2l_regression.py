"""The book "Dive into Deep Learning": linear regression from scratch, and by gluon."""

import random

from d2l import mxnet as d2l
from mxnet import autograd, gluon, init, np, npx
from mxnet.gluon import nn

npx.set_np()
random.seed(1)
npx.random.seed(1)
true_w = np.array([2, -3.4])
true_b = 4.2
features, labels = d2l.synthetic_data(true_w, true_b, 1000)
d2l.set_figsize()
d2l.plt.scatter(features[:, 1].asnumpy(), labels.asnumpy(), 1)


def data_iter(batch_size, features, labels):
    num_examples = len(features)
    indices = list(range(num_examples))
    random.shuffle(indices)
    for i in range(0, num_examples, batch_size):
        batch_indices = np.array(indices[i : min(i + batch_size, num_examples)])
        yield features[batch_indices], labels[batch_indices]


w = np.random.normal(0, 0.01, (2, 1))
b = np.zeros(1)
w.attach_grad()
b.attach_grad()
for _ in range(3):
    for X, y in data_iter(10, features, labels):
        with autograd.record():
            loss = d2l.squared_loss(d2l.linreg(X, w, b), y)
        loss.backward()
        d2l.sgd([w, b], 0.03, 10)
assert float(d2l.squared_loss(d2l.linreg(features, w, b), labels).mean()) < 1e-4
assert float(abs(w.reshape(2) - true_w).max()) < 0.01 and abs(float(b) - true_b) < 0.01

net = nn.Sequential()
net.add(nn.Dense(1))
net.initialize(init.Normal(sigma=0.01))
batches = d2l.load_array((features, labels), 10)
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.03})
compute_loss = gluon.loss.L2Loss()
animator = d2l.Animator(xlabel="epoch", xlim=[1, 3])
for epoch in range(3):
    for X, y in batches:
        with autograd.record():
            loss = compute_loss(net(X), y)
        loss.backward()
        trainer.step(10)
    animator.add(epoch + 1, d2l.evaluate_loss(net, batches, compute_loss))
assert d2l.evaluate_loss(net, batches, compute_loss) < 1e-4
assert float(abs(net[0].weight.data() - true_w).max()) < 0.01
