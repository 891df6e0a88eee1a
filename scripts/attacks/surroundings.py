"""Run the commands where people run them: without a terminal, a home, a right, room or memory.

In each of the surroundings a command must do what it does elsewhere, or say in one line why not.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

import mxlinreg as mlr
from mxlinreg.models.checkpoint import read_checkpoint

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds
LOCALE = "de_DE.UTF-8"
# Runs a command as another user, who can use this Python even if it is in a folder of root's.
OTHER = (
    'unshare -m bash -c \'if [ "$CLOSED" ]; then mkdir -p "$BASE/python" && '
    'mount --bind "$PREFIX" "$BASE/python" && mount -t tmpfs -o mode=755 none "$CLOSED" && '
    'mkdir -p "$PREFIX" && mount --bind "$BASE/python" "$PREFIX"; fi; exec "$@"\' - '
    'env PYTHONPATH="$BASE/package" '
    "setpriv --reuid {0} --regid {0} --clear-groups --inh-caps=-all"
)
# Runs a command in a folder that it cannot write, as are all folders for temporary files.
NO_TEMPORARY = (
    "unshare -m bash -c 'for i in /tmp /var/tmp /usr/tmp /dev/shm; do [ -L $i ] || [ ! -d $i ] || "
    "{{ mount --bind $i $i && mount -o remount,ro,bind $i; }}; done; "
    'mount --bind "$PWD" "$PWD" && mount -o remount,rw,bind "$PWD" && cd /proc && exec "$@"\' '
    '- env TMPDIR=/proc/nonexistent {} "$@"'
)
NOBODY, NAMELESS = OTHER.format(65534), OTHER.format(12345)

# Runs a command in a locale, and without PYTHONPATH, where Python does not read that.
RUN = """
import locale, os, runpy, sys
locale.setlocale(locale.LC_ALL, "")
sys.path.insert(0, os.environ["PYTHONPATH"])
del sys.argv[0]
if sys.argv[0] == "-m":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__")
else:
    runpy.run_path(sys.argv[0], run_name="__main__")
"""
PROGRAM = """
import sys
import mxlinreg as mlr

table, model = sys.argv[1:]
mlr.save_model(model, mlr.fit(table, "价格", solver="sgd", progress=True, epochs=5, seed=1))
data = mlr.ArrayLoader(*mlr.synthetic(num_examples=40), batch_size=4, shuffle=True)
mlr.train(mlr.init_params(), data, epochs=2, progress=True)
"""

# The arguments of each job, and the files that it writes. {model} and {table} are there before.
CHAPTER = "train --num-examples=200 --epochs=3"
TABLE = "train --data={table} --target=价格 --save={saved}"
JOBS = {
    "chapter": f"{CHAPTER} --save={{saved}} --checkpoint={{checkpoint}}",
    "pictures": f"{CHAPTER} --save={{saved}} --plot={{picture}}",
    "fit": f"{TABLE} --categorical=é --checkpoint={{checkpoint}}",
    "exact": f"{TABLE} --solver=exact --plot={{picture}}",
    "stream": f"{TABLE} --solver=exact --stream",
    "output": "predict --output={predicted} -- {model} {table}",
    "predict": "predict -- {model} {table}",
    "show": "show -- {model}",
    "doctor": "doctor",
    "library": "{table} {saved}",
}
FILES = {
    "table": "table.csv",
    "model": "model.params",
    "saved": "saved.params",
    "checkpoint": "saved.checkpoint",
    "picture": "picture.png",
    "predicted": "predicted.csv",
}
COMMANDS = tuple(name for name in JOBS if name != "library")
WITH_TABLE = ("fit", "exact", "output", "predict", "library")
WITHOUT_MXNET = ("output", "predict", "show")


class Place(NamedTuple):
    """Surroundings, as a script of bash whose "$@" is the command: Python and its arguments."""

    script: str
    jobs: tuple = tuple(JOBS)
    says: Optional[str] = ""
    """A pattern of the line that the command must end with; "" if it must succeed; None for either.
    """
    shows: bool = True
    """Whether stdout must be what it is elsewhere."""
    prefix: bytes = b""
    """What the names of files begin with."""
    table: Optional[str] = None
    """The table's name, if it is another."""
    saves: bool = False
    """Whether the files must be there even if the command fails."""


FULL = r"error: .*No space left on device$"
PRINTING = tuple(name for name in JOBS if name not in ("output", "library"))
PLACES = {
    "stdin closed": Place('"$@" <&-'),
    "stdout closed": Place('"$@" >&-', shows=False),
    "stderr closed": Place('"$@" 2>&-'),
    "stdin, stdout and stderr closed": Place('"$@" <&- >&- 2>&-', shows=False),
    "stdout and stderr closed": Place('"$@" >&- 2>&-', shows=False),
    "stdout a full disk": Place('"$@" >/dev/full', PRINTING, FULL, saves=True),
    "stderr a full disk": Place('"$@" 2>/dev/full'),
    "stdout a pipe that is closed": Place(
        '"$@" | true; exit ${PIPESTATUS[0]}', PRINTING, None, shows=False, saves=True
    ),
    "stderr a pipe that is closed": Place('"$@" 2> >(true)'),
    "stdout a pipe to head": Place(
        '"$@" | head -n 1; exit ${PIPESTATUS[0]}', PRINTING, None, shows=False, saves=True
    ),
    "stdout that knows ASCII only": Place('PYTHONIOENCODING=ascii "$@"', shows=False),
    "the locale C": Place('LC_ALL=C PYTHONCOERCECLOCALE=0 PYTHONUTF8=0 "$@"', shows=False),
    "the locale POSIX": Place('LC_ALL=POSIX "$@"'),
    "a locale that does not exist": Place('LC_ALL=xx_YY.UTF-8 "$@"', shows=False),
    "a locale with a decimal comma": Place(
        f'LOCPATH=$BASE/locales LC_ALL={LOCALE} "$1" -c "$RUN" "${{@:2}}"', shows=False
    ),
    "file names that are no UTF-8": Place('"$@"', prefix=b"\xff\xe9", shows=False),
    "file names with a line break": Place('"$@"', prefix=b"a\nb", shows=False),
    "file names with a leading dash": Place('"$@"', prefix=b"-", shows=False),
    "file names with a space": Place('"$@"', prefix=b"a [b] *", shows=False),
    "file names with letters, in the locale C": Place(
        'LC_ALL=C PYTHONCOERCECLOCALE=0 PYTHONUTF8=0 "$@"', prefix="é中".encode(), shows=False
    ),
    "data from a pipe": Place('cat "$TABLE" | "$@"', WITH_TABLE, shows=False, table="/dev/stdin"),
    "data from /dev/stdin": Place('"$@" <"$TABLE"', WITH_TABLE, shows=False, table="/dev/stdin"),
    "data from a process": Place(
        '"$@" 3< <(cat "$TABLE")', WITH_TABLE, shows=False, table="/dev/fd/3"
    ),
    "data from a FIFO": Place(
        'mkfifo fifo; cat "$TABLE" >fifo & "$@"; s=$?; rm fifo; exit $s',
        WITH_TABLE,
        shows=False,
        table="fifo",
    ),
    "a stream from a pipe": Place(
        'cat "$TABLE" | "$@"',
        ("stream",),
        "--data: /dev/stdin is .* read all at once",
        table="/dev/stdin",
    ),
    "no home": Place('unset HOME; "$@"'),
    "a home that does not exist": Place('HOME=/proc/nonexistent "$@"'),
    "a read-only home and package": Place(
        'unshare -m bash -c \'mount -t tmpfs -o ro none "$HOME" && mount --bind "$BASE/package" '
        '"$BASE/package" && mount -o remount,ro,bind "$BASE/package" && exec "$@"\' - '
        'env PYTHONPATH="$BASE/package" "$@"'
    ),
    "another user": Place(f'chown 65534 . tmp; {NOBODY} "$@"', shows=False),
    "another user, without a name or a home": Place(
        f'chown 12345 . tmp; unset HOME USER LOGNAME; {NAMELESS} "$@"', shows=False
    ),
    "another user, in a folder of others": Place(
        f'{NOBODY} "$@"',
        ("chapter", "pictures", "exact", "output"),
        "error: --(save|output): cannot write .*: Permission denied",
    ),
    "TMPDIR that does not exist": Place('TMPDIR=/proc/nonexistent "$@"'),
    "no folder for temporary files": Place(
        NO_TEMPORARY.format("HOME=$HOME"),
        tuple(name for name in JOBS if name not in ("pictures", "exact")),
    ),
    "no folder for matplotlib's caches": Place(
        NO_TEMPORARY.format("HOME=/proc"), ("pictures", "exact"), "error: .*MPLCONFIGDIR"
    ),
    "no space for files": Place(
        "unshare -m bash -c 'mount -t tmpfs -o size=4k none full && "
        'head -c 4k /dev/zero >full/a; exec "$@"\' - "$@"',
        ("chapter", "exact", "output"),
        None,
    ),
    "files of at most 0 bytes": Place(
        'ulimit -f 0; "$@"', ("chapter", "pictures", "fit", "exact", "output"), "File too large"
    ),
    "few file descriptors": Place('ulimit -n $((20 + DRAW % 45)); "$@"'),
    "very few file descriptors": Place('ulimit -n $((6 + DRAW % 10)); "$@"', says=None),
    "a working directory that is removed": Place('mkdir a; cd a; rmdir ../a; "$@"'),
    "a working directory without rights": Place(
        f'mkdir a; chmod 0 a; chown 65534 . tmp; cd a; {NOBODY} "$@"; s=$?; rmdir ../a; exit $s',
        shows=False,
    ),
    "python -O": Place('"$1" -O "${@:2}"'),
    "python -OO": Place('"$1" -OO "${@:2}"'),
    "python -X dev": Place('"$1" -X dev -W ignore "${@:2}"'),
    "python -B -u": Place('"$1" -B -u "${@:2}"'),
    "python -I": Place('"$1" -I -c "$RUN" "${@:2}"', PRINTING),
    "python -S": Place(
        '"$1" -S "${@:2}"', PRINTING[:-1], r"error: .*No module named '(numpy|mxnet)'"
    ),
    "an empty environment": Place('env -i PYTHONPATH="$PYTHONPATH" TMPDIR="$TMPDIR" "$@"'),
    "a package in a zip file": Place(
        'PYTHONPATH="$BASE/package.zip" "$@"', PRINTING, r"zip file .*; .*pip install"
    ),
    "odd time zones": Place('TZ=:nonsense "$@"'),
    "a time zone of quarters": Place('TZ="<+1245>-12:45" "$@"'),
    "a terminal one column wide": Place('COLUMNS=1 LINES=1 TERM=dumb "$@"'),
    "SIGPIPE and SIGCHLD ignored": Place('trap "" PIPE CHLD; "$@"'),
    "one thread": Place('OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 "$@"'),
    "no /proc": Place(
        'unshare -m bash -c \'mount -t tmpfs none /proc; exec "$@"\' - "$@"', says=None
    ),
    "a table larger than memory": Place(
        'ulimit -v 1800000; "$@"',
        ("exact",),
        "error: not enough memory: .* --stream needs less$",
        table="$BASE/large.parquet",
    ),
    "little memory": Place('ulimit -v $((300000 + DRAW * 50)); "$@"', COMMANDS, says=None),
}


PLAIN = Place('"$@"')


class Done(NamedTuple):
    status: Optional[int]  # None if the command did not end
    stdout: str
    stderr: str
    results: dict  # what is in each file that the command has written
    left: list  # the files that it has left behind


def attack(tally, rng, seconds):
    """Try a job in each of the surroundings, again and again, but each once in any case."""
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        prepare(base)
        reasons = obstacles(base)
        plain = {job: run(base, PLAIN, job, 0) for job in JOBS}
        for job, done in plain.items():
            if done.status or done.left:
                tally.failed("plain surroundings", f"{job}: {done}")
        places = {}
        for kind, place in PLACES.items():
            why = [reason for word, reason in reasons.items() if word in place.script]
            if why:
                tally.skipped(kind, why[0])
            else:
                places[kind] = place
        first = True
        while first or time.monotonic() < end:
            for kind in map(str, rng.permutation(list(places))):
                if first or time.monotonic() < end:
                    place, draw = places[kind], int(rng.integers(1 << 15))
                    job = str(rng.choice(place.jobs))
                    tally.tried(kind)
                    done = run(base, place, job, draw)
                    for problem in problems(place, job, done, plain[job]):
                        tally.failed(kind, f"{job}, DRAW={draw}: {problem}; {done}")
            first = False


def prepare(base):
    """Make what the jobs and the surroundings need: a table, a model, the package, a locale."""
    for folder in (base, base.parent):  # for other users
        with suppress(PermissionError):
            folder.chmod(folder.stat().st_mode | 0o011)
    random = np.random.default_rng(1)
    lines = ["é,颜色,day,价格"]
    for i in range(80):
        color = ("红", "grün", "blue")[i % 3]
        x, noise = random.normal(size=2)
        lines.append(f"{i % 4},{color},2026-03-{i % 28 + 1:02} 01:30,{x + i % 3 + 0.1 * noise:.6f}")
    (base / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    mlr.save_model(base / "model.params", mlr.fit(base / "table.csv", "价格"))
    (base / "library.py").write_text(PROGRAM, encoding="utf-8")
    large(base / "large.parquet")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "mxlinreg", base / "package" / "mxlinreg", ignore=ignored)
    shutil.make_archive(str(base / "package"), "zip", base / "package")
    (base / "locales").mkdir()
    works(["localedef", "-i", "de_DE", "-f", "UTF-8", str(base / "locales" / LOCALE)])


def large(path):
    """Write a table that needs half a gigabyte of memory, and little space on the disk."""
    import pyarrow
    from pyarrow import parquet

    column = np.zeros(3_000_000)
    column[::2] = 1
    names = ["价格", *"abcdefghijklmnopqrst"]
    parquet.write_table(pyarrow.table({name: column for name in names}), path)


def obstacles(base):
    """For words in scripts, why they cannot be run on this machine."""
    environment = {**os.environ, **constants(base)}
    program = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', '']))"
    commands = {
        "unshare": ["unshare", "-m", "true"],
        "setpriv": ["bash", "-c", f'{NOBODY} "$@"', "-", sys.executable, "-c", program],
        LOCALE: ["test", "-d", str(base / "locales" / LOCALE)],
    }
    reasons = {
        "unshare": "no mount namespace: needs root",
        "setpriv": "another user cannot run this Python",
        LOCALE: "no locale de_DE, from the package locales",
    }
    return {word: reasons[word] for word in reasons if not works(commands[word], environment)}


def works(command, environment=None):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.run(command, env=environment, **quiet).returncode == 0
    except OSError:
        return False


def constants(base):
    """The variables that the scripts use."""
    closed = [path for path in Path(sys.base_prefix).parents if not path.stat().st_mode & 1]
    return {
        "PYTHONPATH": str(ROOT),
        "BASE": str(base),
        "PREFIX": sys.base_prefix,
        "CLOSED": str(closed[-1]) if closed else "",
        "RUN": RUN,
    }


def run(base, place, job, draw):
    """Run a job in some surroundings, in a folder of its own."""
    folder = base / "run"
    for name in ("home", "tmp", "full"):
        (folder / name).mkdir(parents=True)
    paths = {
        key: os.fsencode(folder) + b"/" + place.prefix + name.encode()
        for key, name in FILES.items()
    }
    for key in ("table", "model"):
        shutil.copy(base / FILES[key], paths[key])
    given = dict(paths)
    if place.prefix.startswith(b"-"):
        given = {key: os.path.basename(path) for key, path in paths.items()}
    if "full/a" in place.script:
        given["saved"] = given["predicted"] = os.fsencode(folder / "full" / "b")
    if place.table is not None:
        given["table"] = os.fsencode(place.table.replace("$BASE", str(base)))
    named = {key: os.fsdecode(path) for key, path in given.items()}
    program = [str(base / "library.py")] if job == "library" else ["-m", "mxlinreg"]
    arguments = [text.format(**named) for text in JOBS[job].split()]
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ},
        **constants(base),
        "TABLE": os.fsdecode(paths["table"]),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "DRAW": str(draw),
    }
    with subprocess.Popen(
        ["bash", "-c", place.script, "bash", sys.executable, *program, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=folder, env=environment, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            out, err = process.communicate(timeout=PATIENCE)
            status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            status = None
    texts = [text.decode(errors="replace").replace(str(folder), "") for text in (out, err)]
    results = {}
    for key in ("saved", "checkpoint", "picture", "predicted"):
        if os.path.exists(paths[key]):
            results[key] = result_of(key, Path(os.fsdecode(paths[key])))
    known = {os.path.basename(path) for path in paths.values()} | {b"home", b"tmp", b"full"}
    left = [str(path) for path in (folder / "tmp").iterdir()]
    left += [name for name in os.listdir(os.fsencode(folder)) if name not in known]
    shutil.rmtree(folder)
    return Done(status, *texts, results, left)


def result_of(key, path):
    """What is in a file: the numbers of a model, the bytes of predictions."""
    try:
        if key == "saved":
            model = mlr.load_model(path)
            return model.columns, model.w.tobytes(), model.b.tobytes()
        if key == "checkpoint":
            return read_checkpoint(path)[0]["losses"]
        if key == "picture":
            return path.read_bytes()[:4] == b"\x89PNG"
        return path.read_bytes()
    except ValueError as error:
        return f"damaged: {error}"


def problems(place, job, done, plain):
    """What is wrong with what a command has done in some surroundings."""
    # Bash says that a program was killed, and that a locale does not exist.
    said = [line for line in done.stderr.splitlines() if not line.startswith("bash:")]
    if done.status is None:
        yield f"did not end in {PATIENCE} s"
        return
    if done.left:
        yield "left files behind"
    if "Traceback" in done.stderr or "Exception ignored" in done.stderr:
        yield "printed a traceback"
    if done.results != plain.results and (done.status == 0 or place.saves):
        yield "wrote other files than elsewhere"
    elif any(plain.results.get(key) != result for key, result in done.results.items()):
        yield "failed, and wrote a part of a file"
    if done.status == 0:
        if place.shows and printed(done, job) != printed(plain, job):
            yield "printed something else than elsewhere"
        if job != "library" and not all(line.startswith("mxlinreg") for line in said):
            yield "warned in other words than its own"
        if place.says:
            yield "did not fail"
    elif done.status == 134 and "ulimit -v" in place.script and job not in WITHOUT_MXNET:
        pass  # MXNet ends so without memory.
    elif done.status == 120 and job == "library":
        pass  # Python ends so where stderr cannot be written.
    elif place.says == "":
        yield "failed"
    elif done.status not in (1, 2):
        yield "ended with another status"
    else:
        *warnings, last = said or [""]
        if not re.search(place.says or "", last) or not all(": warning: " in w for w in warnings):
            yield "said something else"


def printed(done, job):
    """What a command has printed; of the doctor's findings only the words, without the figures."""
    return re.sub(r"[0-9.]+", "", done.stdout) if job == "doctor" else done.stdout
