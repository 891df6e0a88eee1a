"""mxboard writes TensorBoard's files, which are read here record by record."""

import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import mxnet as mx
import numpy as np
from mxboard import SummaryWriter
from mxboard.proto.event_pb2 import Event

LOSSES = [4.0, 2.0, 0.5]


def records(path):
    """The records of a file. Their lengths are 8 bytes; checksums of 4 follow both."""
    content = path.read_bytes()
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        yield content[12 : 12 + length]
        content = content[16 + length :]


mx.random.seed(1)
net = mx.gluon.nn.HybridSequential()
net.add(mx.gluon.nn.Dense(2))
net.initialize()
net.hybridize()
net(mx.nd.ones((1, 3)))
with TemporaryDirectory() as folder:
    with SummaryWriter(logdir=folder) as writer:
        for step, loss in enumerate(LOSSES):
            writer.add_scalar("loss", loss, global_step=step)
        writer.add_histogram("weights", net[0].weight.data(), global_step=0, bins=10)
        writer.add_image("image", mx.nd.random.uniform(shape=(2, 3, 8, 8)), global_step=0)
        writer.add_text("text", "words", global_step=0)
        writer.add_audio("sound", mx.nd.random.uniform(-1, 1, shape=(1, 1000)))
        writer.add_embedding("points", mx.nd.ones((4, 3)), labels=mx.nd.array([0, 1, 2, 3]))
        writer.add_graph(net)
    (path,) = Path(folder).glob("events.*")
    events = [Event.FromString(record) for record in records(path)]
values = [value for event in events for value in event.summary.value]
assert [value.simple_value for value in values if value.tag == "loss"] == LOSSES
assert [value.histo.num for value in values if value.tag.startswith("weights")] == [6]
assert np.sum([value.HasField("image") for value in values]) == 1
assert any(event.graph_def for event in events)
