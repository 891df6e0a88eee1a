"""Networks of gluoncv's model zoo, with random parameters: a batch goes forward."""

import mxnet as mx
import numpy as np
from gluoncv.model_zoo import get_model

# The numbers of parameters that torchvision states for the same networks.
NETS = {
    "alexnet": 61100840,
    "densenet121": 7978856,
    "resnet18_v1b": 11689512,
    "resnet50_v1b": 25557032,
    "resnext50_32x4d": 25028904,
    "squeezenet1.1": 1235496,
}

mx.random.seed(1)
images = mx.nd.random.normal(shape=(2, 3, 224, 224))
for name, parameters in NETS.items():
    net = get_model(name, pretrained=False)
    net.initialize(mx.init.Xavier())
    net.hybridize()
    scores = net(images).asnumpy()
    assert scores.shape == (2, 1000) and np.isfinite(scores).all(), name
    assert not np.allclose(scores[0], scores[1]), name
    trained = [each for each in net.collect_params().values() if each.grad_req != "null"]
    assert np.sum([np.product(each.shape) for each in trained]) == parameters, name
