"""gluoncv's detectors: SSD and YOLO are trained for some steps on boxes that are drawn here."""

import mxnet as mx
import numpy as np
from gluoncv.data.batchify import Pad, Stack, Tuple
from gluoncv.data.transforms.presets.ssd import SSDDefaultTrainTransform
from gluoncv.data.transforms.presets.yolo import YOLO3DefaultTrainTransform
from gluoncv.loss import SSDMultiBoxLoss
from gluoncv.model_zoo import get_model
from gluoncv.utils.metrics.voc_detection import VOC07MApMetric, VOCMApMetric
from mxnet import autograd, gluon


class Boxes(gluon.data.Dataset):
    """White boxes on grey, each with its corners and class."""

    def __len__(self):
        return 16

    def __getitem__(self, i):
        image = np.full((100, 120, 3), 100, np.uint8)
        x, y = 10 + 2 * i, 20 + i
        image[y : y + 40, x : x + 50] = 255
        return mx.nd.array(image, dtype="uint8"), np.array([[x, y, x + 50, y + 40, 0]], np.float32)


def batches(transform, batchify, workers):
    data = Boxes().transform(transform)
    for batch in gluon.data.DataLoader(data, 4, batchify_fn=batchify, num_workers=workers):
        yield [each.as_in_context(mx.cpu()) for each in batch]


def train_ssd():
    net = get_model("ssd_512_mobilenet1.0_custom", classes=["box"], pretrained_base=False)
    net.initialize()
    with autograd.train_mode():
        _, _, anchors = net(mx.nd.zeros((1, 3, 256, 256)))
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.001})
    compute_loss = SSDMultiBoxLoss()
    transform = SSDDefaultTrainTransform(256, 256, anchors)
    losses = []
    for _ in range(3):
        for images, classes, boxes in batches(transform, Tuple(Stack(), Stack(), Stack()), 2):
            assert images.shape == (4, 3, 256, 256) and boxes.shape == (4, anchors.shape[1], 4)
            assert ((classes == 1).sum(axis=1) > 0).asnumpy().all()  # anchors on each box
            with autograd.record():
                total, _, _ = compute_loss(*net(images)[:2], classes, boxes)
            autograd.backward(total)
            trainer.step(1)
            losses.append(float(total[0].mean().asnumpy()))
    return losses


def train_yolo():
    net = get_model("yolo3_mobilenet0.25_custom", classes=["box"], pretrained_base=False)
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.001})
    batchify = Tuple(*[Stack() for _ in range(6)], Pad(axis=0, pad_val=-1))
    transform = YOLO3DefaultTrainTransform(320, 320, net)
    losses = []
    for _ in range(3):
        for images, *targets, boxes in batches(transform, batchify, 2):
            # An image of 320 pixels has 10, 20 and 40 cells a side, each with three anchors.
            assert targets[0].shape == (4, 3 * (10**2 + 20**2 + 40**2), 1)
            with autograd.record():
                parts = net(images, boxes, *targets)
                loss = sum(parts)
            autograd.backward(loss)
            trainer.step(4)
            losses.append(np.asscalar(loss.mean().asnumpy()))
    return losses


def precision(metric):
    """The average precision of three boxes: one is right, one finds it again, one is right."""
    found = [[[0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60]]]
    real = [[[0, 0, 10, 10], [50, 50, 60, 61]]]
    metric.update(
        *(
            [mx.nd.array(each)]
            for each in (
                found, [[[0]] * 3], [[[0.9], [0.8], [0.7]]], real, [[[0]] * 2], [[[0]] * 2]
            )
        )
    )  # fmt: skip
    return metric.get()[1][0]


if __name__ == "__main__":
    mx.random.seed(1)
    np.random.seed(1)
    for losses in (train_ssd(), train_yolo()):
        assert np.isfinite(losses).all() and np.mean(losses[-4:]) < np.mean(losses[:4]), losses
    # Precision is 1 up to a recall of 1/2, then 2/3. VOC 2007 takes it at recalls 0, 0.1, ..., 1.
    assert abs(precision(VOCMApMetric(class_names=["box"])) - (1 + 2 / 3) / 2) < 1e-6
    assert abs(precision(VOC07MApMetric(class_names=["box"])) - (6 + 5 * 2 / 3) / 11) < 1e-6
