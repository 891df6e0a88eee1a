"""Random command lines: a status of 0, 1 or 2, an error in one line, and no file damaged."""

import glob
import os
import shutil
import time
from importlib import import_module
from pathlib import Path

from panels.commands import in_process

from mxlinreg.__main__ import COMMANDS
from mxlinreg.commands.outputs import PICTURES

from .checks import CHECKS, error_of
from .children import Child
from .folders import own_folder
from .samples import make_samples

# Launch starts several processes, doctor examines the machine, and train has the most options.
# Explore takes half a minute.
SHARES = {
    "train": 0.48,
    "predict": 0.18,
    "show": 0.1,
    "convert": 0.18,
    "launch": 0.04,
    "doctor": 0.02,
}
INPUTS = "--data", "model", "data", "symbol", "params"
OUTPUTS = "--save", "--checkpoint", "--output", "--plot", "output"
ODD = [
    "", " ", "-", "--", "-1", "0", "1", "2", "3", "2.5", "1e-3", "nan", "inf", "-inf", "1e400",
    "0x10", "1_0", "٣", " 3 ", "x0", "y", "x0,x1", "x0,", '"', "a\nb", "é", "\udcff", "[", "=",
    "x0=1", "%s", "{}", "x" * 300, "0" * 5000, "'", "None", "*", "?", "$HOME", "\\", "x0*x1",
    "x0^", "log(x0)", "(" * 2000, "\x1b[31m", "-h", "--quiet",
]  # fmt: skip
LARGE = "99999999999999999999"
USUAL = {
    "--epochs": ["0", "1", "3"],
    "--batch-size": ["1", "7", LARGE],
    "--learning-rate": ["0", "0.01", "1", "1e300"],
    "--seed": ["0", "5", "2147483647"],
    "--num-examples": ["1", "30", "1000000000000000", LARGE],
    "--noise": ["0", "0.5", "1e308"],
    "--every": ["1", "2", LARGE],
    "--shuffle-buffer": ["0", "1", LARGE],
    "--max-levels": ["1", "3"],
    "--validation": ["0", "0.3", "0.999"],
    "--timeout": ["0.1"],
    "--target": ["y", "y", "y", "town"],
    "--features": ["x0,x1", "town", "x0", "y,x0"],
    "--weights": ["x0", "x1"],
    "--categorical": ["x0", "town"],
    "--reference": ["town=Rom", "x0=1"],
    "--add": ["x0*x1", "x0^2", "log(x0)", "x0*town"],
    "--shape": ["2,3", "data=2,3", "1"],
    "--ctx": ["cpu", "gpu", "gpu(1)", "cpu(1)"],
    "--data-ctx": ["cpu"],
    "--model-ctx": ["cpu", "cpu(0),cpu(1)"],
    "--rsh": ["true", "false"],
    "--data": ["sound.csv", "mixed.csv", "table0.parquet", "folder", "*.csv"],
    "model": ["sound.params", "mixed.params"],
    "data": ["sound.csv", "mixed.csv", "table0.parquet"],
    "symbol": ["sound-symbol.json"],
    "params": ["sound-0000.params"],
    "--save": ["new", "sound.params"],
    "--checkpoint": ["new.ckpt"],
    "--plot": ["new.png", "new", "folder"],
    "--output": ["new", "new.csv", "dangling"],
    "output": ["new.onnx"],
    "-n": ["1", "30000"],
    "-s": ["1"],
    "command": ["true", "false", "missing"],
}
NAMES = [
    "sound.csv", "mixed.csv", "table0.parquet", "table2.parquet", "empty", "sound.params",
    "mixed.params", "plain.params", "sound-symbol.json", "sound-0000.params", "train.ckpt",
    "chapter.ckpt", "folder", "folder/a.csv", "missing", "missing/new", "link.csv", "hard.csv",
    "dangling", "loop", "to-folder", "/dev/null", "/dev/full", ".", "folder/..", "", "*.csv",
    "folder/*", "new", "new.png", "new.svg", "new.pdf", "new.onnx", "new.params", "a b", "a\nb",
    "é", "\udcff", "-", "x" * 300, "~", "sound.csv/", "./sound.csv", "sound.csv/x", "link.csv",
]  # fmt: skip


def attack(tally, rng, seconds):
    end = time.monotonic() + seconds
    parsers = {name: parser_of(name) for name in COMMANDS}
    with own_folder() as folder:
        (folder / "sound").mkdir()
        os.chdir(folder / "sound")
        make_files()
        while time.monotonic() < end:
            argv, given = command_line(parsers, rng)
            tally.tried(argv[0])
            shutil.rmtree(folder / "work", ignore_errors=True)
            shutil.copytree(folder / "sound", folder / "work", symlinks=True)
            os.chdir(folder / "work")
            os.link("sound.csv", "hard.csv")
            for complaint in try_command(argv, given, folder):
                tally.failed(argv[0], f"{argv}: {complaint}")


def parser_of(name):
    module = "train_options" if name == "train" else name
    return import_module(f"mxlinreg.commands.{module}").make_parser()


def make_files():
    make_samples()
    Path("folder").mkdir()
    shutil.copy("sound.csv", "folder/a.csv")
    Path("empty").touch()
    for name, target in (
        ("link.csv", "sound.csv"),
        ("dangling", "missing"),
        ("loop", "loop"),
        ("to-folder", "folder"),
    ):
        os.symlink(target, name)


def command_line(parsers, rng):
    """A random command line, and the options and arguments in it with their values."""

    def one_of(values):
        return values[rng.integers(len(values))]

    def value_of(name, action):
        kind = rng.random()
        if kind < 0.05:
            return one_of(ODD)
        if kind < (0.3 if name in INPUTS + OUTPUTS else 0.1):
            return one_of(NAMES)
        return one_of(list(action.choices or USUAL.get(name, ODD)))

    command = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    actions = [action for action in parsers[command]._actions if action.dest != "help"]
    options = [action for action in actions if action.option_strings]
    several = rng.integers(len(options), size=rng.integers(4)) if options else []
    chosen = [options[i] for i in several]
    given = [(action.option_strings[-1], action) for action in chosen]
    given += [(action.dest, action) for action in actions if not action.option_strings]
    if command == "train" and rng.random() < 0.8:
        by_name = {action.option_strings[-1]: action for action in options}
        given += [(name, by_name[name]) for name in ("--data", "--target", "--save")]
    if command == "convert":
        given.append(("--shape", options[0]))
    order = rng.permutation(len(given))
    words, values = [], []
    for name, action in (given[i] for i in order):
        if rng.random() < 0.03:
            continue
        value = value_of(name, action) if action.nargs != 0 else ""
        read = [given for option, given in values if option in INPUTS]
        if name in OUTPUTS and read and rng.random() < 0.2:
            value = one_of(read)
        values.append((name, value))
        if name.startswith("-"):
            words += [name] if action.nargs == 0 else [name, value]
            if action.nargs != 0 and rng.random() < 0.2:
                words[-2:] = [f"{name}={value}"]
        else:
            words.append(value)
    if command == "train" and "--data" not in dict(values):
        words = ["--num-examples", "30", *words]  # the chapter's 10000 take too long
    if any(value in ("folder", "*.csv") for value in words) and rng.random() < 0.7:
        words.append("--stream")
    if command == "launch":  # processes start for nothing else
        words = [word for word in words if word not in NAMES]
    if rng.random() < 0.02:
        words.append(one_of(ODD))
    return [command, *words], values


def try_command(argv, given, folder):
    """Run a command in a fork within folder/work; yield what is wrong with it."""
    given = dict(given)  # of an option that is repeated the last counts
    inputs = {path for name in INPUTS if name in given for path in sources(given[name])}
    outputs = {}
    for name, value in given.items():
        if name in OUTPUTS:
            outputs.setdefault(real(value), []).append(name)
    before = snapshot()
    with Child(run) as child:
        answer = child.call(argv, folder)
    if answer.error:
        yield answer.error
    else:
        yield from complaints(argv[0], *answer.value)
    after = snapshot()
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            yield from complaints_of_file(path, inputs, outputs, path in after)


def run(argv, folder):
    status = in_process(argv, folder)
    texts = ((folder / name).read_text(errors="replace") for name in ("stdout", "stderr"))
    return (status, *texts)


def complaints(command, status, stdout, stderr):
    lines = stderr.splitlines()
    known = ("mxlinreg", "worker", "server", "scheduler") if command == "launch" else ("mxlinreg",)
    odd = [line for line in lines if not line.startswith(known)]
    errors = [line for line in lines if line.startswith(f"mxlinreg {command}: error: ")]
    if odd:
        yield f"writes to stderr: {odd[:1] + odd[-3:]}"
    if status not in (0, 1, 2) and command != "launch":
        yield f"ends with status {status}"
    if command not in ("launch", "doctor") and len(errors) != (status != 0):
        yield f"ends with status {status} and {len(errors)} errors: {lines[-3:]}"


def complaints_of_file(path, inputs, outputs, exists):
    """What is wrong with a file that a command has changed, made or removed."""
    if path in inputs:
        yield f"changes its input {path}"
    if not exists:
        yield f"removes {path}"
        return
    if os.path.isdir(path):
        plots = [own for own, names in outputs.items() if "--plot" in names]
        if not any(f"{own}/".startswith(f"{path}/") for own in plots):
            yield f"leaves the folder {path}"
        return
    roles = outputs.get(path, [])
    if "--plot" in outputs.get(os.path.dirname(path), []) and Path(path).stem in PICTURES:
        roles = [*roles, "--plot"]
    if not roles:
        yield f"leaves {path}"
    wrong = [error for error in (error_of(BY_OPTION[role], Path(path)) for role in roles) if error]
    if roles and len(wrong) == len(roles):
        yield f"leaves a file that is not complete: {path}: {wrong[0]}"


BY_OPTION = {
    "--save": CHECKS[".params"],
    "--checkpoint": CHECKS[".ckpt"],
    "--output": CHECKS[".csv"],
    "--plot": CHECKS[".png"],
    "output": CHECKS[".onnx"],
}


def sources(value):
    """The real paths of the files that an input stands for."""
    paths = [value] if os.path.lexists(value) else glob.glob(value)
    for path in paths:
        yield real(path)
        if os.path.isdir(path):
            yield from (real(os.path.join(path, name)) for name in os.listdir(path))


def real(path):
    return os.path.realpath(os.fsencode(path)).decode(errors="surrogateescape")


def snapshot():
    """The content, or the target of a link, and the permissions of all that is in the folder."""
    found = {}
    for folder, folders, names in os.walk(os.getcwd()):
        for path in (os.path.join(folder, name) for name in folders + names):
            status = os.lstat(path)
            content = None
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                content = Path(path).read_bytes()
            found[path] = status.st_mode, content
    return found
