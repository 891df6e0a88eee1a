"""The options of `mxlinreg train`, their defaults, and which of them can be combined."""

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

from .parsing import Parser, count, names, number, reference, text

_CHAPTER = {"dtype": "float32", "epochs": 10, "batch_size": 4, "learning_rate": 1e-4}
_FILE = {"dtype": "float64", "engine": "auto"}
_OF_A_FILE = (
    "target", "features", "weights", "add", "categorical", "reference", "max_levels", "one_hot",
    "missing", "collinear", "decimal", "validation", "solver", "stream",
)  # fmt: skip


@dataclass(frozen=True)
class TrainOptions:
    """The options of one training, with the defaults filled in.

    None stands for an option that was not given. For a file the defaults of `learning_rate`,
    `epochs` and `batch_size` depend on the data and are chosen once these are read.
    """

    seed: int
    data_ctx: str
    model_ctx: List[str]
    dtype: str
    resume: bool
    quiet: bool
    stream: bool
    categorical: List[str]
    reference: Dict[str, str]
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
    missing: str = "drop"
    weights: Optional[str] = None
    add: Optional[str] = None
    max_levels: Optional[int] = None
    collinear: str = "drop"
    decimal: Optional[str] = None


def parse(argv):
    """The options in `argv`. An error in them exits with status 2."""
    parser = make_parser()
    given = vars(parser.parse_args(argv))
    ctx = given.pop("ctx")
    given["data_ctx"] = given["data_ctx"] or ctx
    given["model_ctx"] = (given["model_ctx"] or ctx).split(",")
    check_usage(parser, given)
    of_kind = _CHAPTER if given["data"] is None else _FILE
    del given["one_hot"]  # text always is encoded so
    given["reference"] = dict(given["reference"])
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
        help="number of passes over the data (default: 10; for a file as many as it takes to be "
        "near the exact solution, at most 1000)",
    )
    add(
        "--batch-size",
        type=count(1),
        metavar="N",
        help="rows in a batch (default: 4; for a file by its size)",
    )
    add(
        "--learning-rate",
        type=number(0),
        metavar="R",
        help="size of a step (default: 0.0001; for a file the largest that is safe, lowered as the "
        "training needs)",
    )
    add(
        "--seed",
        type=count(0, 2**31 - 1),
        default=1,
        metavar="N",
        help="seed of all random numbers (default: 1)",
    )
    add("--ctx", default="cpu", help="device of data and model: cpu, gpu, gpu(1) (default: cpu)")
    add("--data-ctx", metavar="CTX", help="device of the data (default: that of --ctx)")
    add(
        "--model-ctx",
        metavar="CTX,...",
        help="device of the model, or several devices that share each batch "
        "(default: that of --ctx)",
    )
    add(
        "--engine",
        choices=["auto", "autograd", "compiled"],
        help="how to run an epoch: by the chapter's loop (autograd), or by the same loop in "
        "compiled code, which runs on the CPU (compiled); auto is compiled where it can be "
        "(default: autograd; for a file auto)",
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
        help="write a picture of the fit to this .png, .pdf or .svg file, "
        "or all pictures to this folder (default: none)",
    )
    add(
        "--save",
        type=Path,
        metavar="FILE",
        help="write the model to this file, which MXNet can read too (default: none)",
    )
    add(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="save the state of the training in this file after each epoch (default: none)",
    )
    add(
        "--every",
        type=count(1),
        metavar="N",
        help="write the checkpoint after every N-th epoch and after the last (default: 1)",
    )
    add(
        "--resume",
        action="store_true",
        help="continue from the checkpoint if it exists (default: an existing one is an error)",
    )
    add("--quiet", action="store_true", help="print only the result (default: each epoch too)")

    add = parser.add_argument_group("several devices or machines").add_argument
    add(
        "--kvstore",
        choices=["local", "device", "dist_sync"],
        help="add up the gradients of several devices on the CPU (local) or on the devices "
        "(device); or train as one of the workers that mxlinreg launch starts (dist_sync) "
        "(default: local)",
    )
    add(
        "--sync",
        choices=["batch", "epoch"],
        help="with batch, workers add up their gradients after each batch; with epoch, each trains "
        "on its rows with the compiled engine, and w and b are averaged after each epoch "
        "(default: batch)",
    )
    add(
        "--timeout",
        type=number(0.1),
        metavar="S",
        help="seconds to wait for all workers and servers to connect (default: 60)",
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
        help="fit by the chapter's training (sgd), or solve least squares exactly and print a "
        "table with standard errors (exact) (default: sgd)",
    )
    add(
        "--data",
        metavar="FILE",
        help="CSV file with a header, or Parquet file (default: the synthetic data)",
    )
    add(
        "--stream",
        action="store_true",
        help="read the data block by block in each epoch, so that they may be larger than memory; "
        "--data is then a CSV or Parquet file, a folder or a glob (default: read all at once)",
    )
    add(
        "--shuffle-buffer",
        type=count(0),
        metavar="N",
        help="rows in a block of the stream, within which rows are shuffled; 0 keeps the files' "
        "order (default: as many as make a million numbers)",
    )
    add(
        "--target",
        type=text,
        metavar="COLUMN",
        help="column to predict (no default: needed with --data)",
    )
    add(
        "--features",
        type=names,
        metavar="A,B,...",
        help="columns to predict the target from (default: all others)",
    )
    add(
        "--weights",
        type=text,
        metavar="COLUMN",
        help="column of the rows' weights; rows of weight 0 are left out (default: none)",
    )
    add(
        "--add",
        type=text,
        metavar="TERMS",
        help='products, logarithms and powers of columns to add, such as "bmi*sex, log(age), '
        'age^2" (default: none)',
    )
    add(
        "--categorical",
        type=names,
        default=[],
        metavar="A,B,...",
        help="columns of numbers that are codes of categories (default: only text and booleans "
        "are categories)",
    )
    add(
        "--reference",
        type=reference,
        action="append",
        default=[],
        metavar="COLUMN=LEVEL",
        help="value of a category that has no column of its own; can be repeated (default: the "
        "first in alphabetical order)",
    )
    add(
        "--max-levels",
        type=count(1),
        metavar="N",
        help="leave out text columns with more different values (default: 50, or a third of the "
        "rows if that is less)",
    )
    add("--one-hot", action="store_true", help="accepted for older scripts (default: always on)")
    add(
        "--missing",
        choices=["drop", "mean", "error"],
        help="leave out rows with missing values (drop); or fill in the mean of the training rows, "
        "and a level of its own for text (mean); or refuse them (error) (default: drop)",
    )
    add(
        "--collinear",
        choices=["drop", "minimum-norm", "error"],
        help="columns that depend on others: give the later ones no coefficient (drop), take the "
        "smallest coefficients (minimum-norm), or refuse them (error) (default: drop)",
    )
    add(
        "--decimal",
        choices=[".", ","],
        help="decimal sign of a CSV file (default: the one that its first rows have)",
    )
    add(
        "--validation",
        type=number(0, below=1),
        metavar="SHARE",
        help="share of the rows that is held out for validation (default: 0.2)",
    )
    return parser


def check_usage(parser, given):
    """Refuse options that the chosen kind of data would ignore."""
    ignored = {}
    several_devices = len(given["model_ctx"]) > 1
    if given["data"] is None:
        ignored.update(dict.fromkeys(_OF_A_FILE, "--data"))
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
        ignored["plot"] = "data read without --stream"
    else:
        ignored["shuffle_buffer"] = "--stream"
    if given["kvstore"] != "dist_sync":
        ignored.update(dict.fromkeys(["sync", "timeout"], "--kvstore dist_sync"))
    elif several_devices:
        parser.error(
            "--kvstore dist_sync: a worker has one --model-ctx; start a worker for each device"
        )
    elif given["stream"] and given["solver"] != "exact" and given["sync"] != "epoch":
        parser.error("--stream over workers: needs --sync epoch, or --solver exact")
    if given["engine"] == "compiled" and (given["kvstore"] is not None or several_devices):
        parser.error("--engine compiled: needs one device; --sync epoch is compiled without it")
    for name, kind in ignored.items():
        value = given[name]
        if value is not None and value is not False and value != []:
            parser.error(f"--{name.replace('_', '-')} goes with {kind} only")
    if given["checkpoint"] is None and (given["resume"] or given["every"]):
        name = "resume" if given["resume"] else "every"
        parser.error(f"--{name} goes with --checkpoint only")
