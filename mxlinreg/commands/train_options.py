"""What `mxlinreg train` can be told, which of it goes together, and the defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from .parsing import Parser, count, number

_CHAPTER = {"dtype": "float32", "epochs": 10, "batch_size": 4, "learning_rate": 1e-4}
_STREAM = {"dtype": "float64", "epochs": 5, "batch_size": 64}
_TABLE = {"dtype": "float64"}


@dataclass(frozen=True)
class TrainOptions:
    """What a training has been told, with the defaults filled in.

    None stands for what is not asked for, and for what follows from the data once they are read:
    of a table `epochs` and `batch_size`, of any file `learning_rate`.
    """

    seed: int
    data_ctx: str
    model_ctx: List[str]
    dtype: str
    resume: bool
    quiet: bool
    stream: bool
    one_hot: bool
    epochs: Optional[int] = None
    batch_size: Optional[int] = None
    learning_rate: Optional[float] = None
    engine: str = "autograd"
    plot: Optional[Path] = None
    save: Optional[Path] = None
    checkpoint: Optional[Path] = None
    every: int = 1
    kvstore: Optional[str] = None
    sync: str = "batch"
    timeout: float = 60.0
    num_examples: int = 10000
    noise: float = 0.1
    solver: str = "sgd"
    data: Optional[str] = None
    shuffle_buffer: Optional[int] = None
    target: Optional[str] = None
    features: Optional[List[str]] = None
    validation: float = 0.2
    missing: str = "error"


def parse(argv):
    """The options that `argv` gives; an error in them exits with status 2."""
    parser = make_parser()
    given = vars(parser.parse_args(argv))
    ctx = given.pop("ctx")
    given["data_ctx"] = given["data_ctx"] or ctx
    given["model_ctx"] = (given["model_ctx"] or ctx).split(",")
    check_usage(parser, given)
    of_kind = _CHAPTER if given["data"] is None else _STREAM if given["stream"] else _TABLE
    given = {name: value for name, value in given.items() if value is not None}
    return TrainOptions(**{**of_kind, **given})


def make_parser():
    parser = Parser(
        prog="mxlinreg train",
        description="Train the chapter's linear regression, on its synthetic data or on a file.",
    )
    add = parser.add_argument
    add(
        "--epochs",
        type=count(0),
        metavar="N",
        help="how often to go through the data "
        "(default: 10; for a file as many as make 2400 batches, but 5 to 400)",
    )
    add(
        "--batch-size",
        type=count(1),
        metavar="N",
        help="rows in a batch (default: 4; for a file about 64, in batches of equal size)",
    )
    add(
        "--learning-rate",
        type=number(0),
        metavar="R",
        help="size of a step (default: 0.0001; for a file 0.5 / (number of columns + 1))",
    )
    add(
        "--seed",
        type=count(0, 2**31 - 1),
        default=1,
        metavar="N",
        help="of all that is random (default: 1)",
    )
    add("--ctx", default="cpu", help="device of data and model: cpu, gpu, gpu(1) (default: cpu)")
    add("--data-ctx", metavar="CTX", help="device of the data (default: that of --ctx)")
    add(
        "--model-ctx",
        metavar="CTX,...",
        help="device of the model, or several, over which each batch is split "
        "(default: that of --ctx)",
    )
    add(
        "--engine",
        choices=["autograd", "compiled"],
        help="what runs an epoch: the chapter's loop, or the same in compiled code, "
        "on the CPU (default: autograd)",
    )
    add(
        "--dtype",
        choices=["float32", "float64"],
        help="type of data and model (default: float32; for a file float64)",
    )
    add(
        "--plot",
        type=Path,
        metavar="PATH",
        help="write the picture of the fit to this .png, .pdf or .svg file, "
        "or all pictures to this folder (default: none)",
    )
    add(
        "--save",
        type=Path,
        metavar="FILE",
        help="write w and b to this .params file, and a JSON beside it (default: none)",
    )
    add(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="keep the state of the training in this file, from epoch to epoch (default: none)",
    )
    add(
        "--every",
        type=count(1),
        metavar="N",
        help="write the checkpoint after each N-th epoch, and the last (default: 1)",
    )
    add(
        "--resume",
        action="store_true",
        help="go on from the checkpoint, if it is there (default: an existing one is an error)",
    )
    add("--quiet", action="store_true", help="print the result only (default: each epoch too)")

    add = parser.add_argument_group("several devices or machines").add_argument
    add(
        "--kvstore",
        choices=["local", "device", "dist_sync"],
        help="where the gradients of several devices are added up, on the CPU or on the devices; "
        "or dist_sync, as one of the workers that mxlinreg launch starts (default: local)",
    )
    add(
        "--sync",
        choices=["batch", "epoch"],
        help="whether workers add up their gradients after each batch, or train on their rows "
        "with the compiled engine and average w and b after each epoch (default: batch)",
    )
    add(
        "--timeout",
        type=number(0.1),
        metavar="S",
        help="seconds for all workers and servers to find each other (default: 60)",
    )

    add = parser.add_argument_group("synthetic data").add_argument
    add("--num-examples", type=count(1), metavar="N", help="number of rows (default: 10000)")
    add(
        "--noise",
        type=number(0),
        metavar="S",
        help="standard deviation of the noise (default: 0.1)",
    )

    add = parser.add_argument_group("real data").add_argument
    add(
        "--solver",
        choices=["sgd", "exact"],
        help="the chapter's training, or the least-squares solution itself with its table of "
        "standard errors (default: sgd)",
    )
    add("--data", metavar="FILE", help="CSV file with a header (default: the synthetic data)")
    add(
        "--stream",
        action="store_true",
        help="read the data block by block in each epoch, as they may be larger than memory; "
        "--data is then a CSV or Parquet file, a folder or a glob (default: read them whole)",
    )
    add(
        "--shuffle-buffer",
        type=count(0),
        metavar="N",
        help="rows of a block of the stream, within which they are shuffled; 0 keeps the files' "
        "order (default: as many as make a million numbers)",
    )
    add("--target", metavar="COLUMN", help="column to predict (no default: needed with --data)")
    add(
        "--features",
        type=lambda text: text.split(","),
        metavar="A,B,...",
        help="columns to predict it from (default: all others)",
    )
    add(
        "--validation",
        type=number(0, below=1),
        metavar="SHARE",
        help="share of the rows that is held out (default: 0.2)",
    )
    add(
        "--one-hot",
        action="store_true",
        help="encode text columns, each value but the first as a column of 0 and 1 "
        "(default: text is an error)",
    )
    add(
        "--missing",
        choices=["drop", "mean"],
        help="drop rows with missing values, or fill in the mean of the training rows "
        "(default: missing values are an error)",
    )
    return parser


def check_usage(parser, given):
    """Refuse options that the chosen kind of data would ignore."""
    ignored = {}
    several_devices = len(given["model_ctx"]) > 1
    if given["data"] is None:
        names = "target", "features", "validation", "one_hot", "missing", "solver", "stream"
        ignored.update(dict.fromkeys(names, "--data"))
    else:
        ignored.update(dict.fromkeys(["num_examples", "noise"], "the synthetic data"))
        if given["target"] is None:
            parser.error("--data needs --target COLUMN")
    if given["solver"] == "exact":
        names = "epochs", "batch_size", "learning_rate", "engine", "sync"
        ignored.update(dict.fromkeys([*names, "checkpoint"], "--solver sgd"))
        if several_devices or given["kvstore"] in ("local", "device"):
            parser.error("--solver exact: has no batches to split over devices")
    if given["stream"]:
        names = "validation", "one_hot", "missing", "plot"
        ignored.update(dict.fromkeys(names, "data that are read whole"))
    else:
        ignored["shuffle_buffer"] = "--stream"
    if given["kvstore"] != "dist_sync":
        ignored.update(dict.fromkeys(["sync", "timeout"], "--kvstore dist_sync"))
    elif several_devices:
        parser.error("--kvstore dist_sync: a worker has one --model-ctx; start one for each device")
    elif given["stream"] and given["solver"] != "exact" and given["sync"] != "epoch":
        parser.error("--stream over workers: needs --sync epoch, or --solver exact")
    if given["engine"] == "compiled" and (given["kvstore"] is not None or several_devices):
        parser.error("--engine compiled: goes with one device; --sync epoch is compiled by itself")
    for name, kind in ignored.items():
        value = given[name]
        if value is not None and value is not False:
            parser.error(f"--{name.replace('_', '-')} goes with {kind} only")
    if given["checkpoint"] is None and (given["resume"] or given["every"]):
        name = "resume" if given["resume"] else "every"
        parser.error(f"--{name} goes with --checkpoint only")
