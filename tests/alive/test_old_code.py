"""``python -m mxlinreg.alive`` runs a script as ``python`` does, with NumPy 1.23's names."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

OLD = (sys.executable, "-m", "mxlinreg.alive")
NEW = (sys.executable,)


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{name.replace('__in__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def run(folder, *command, env=None):
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, **(env or {})}
    )


def output(folder, *command):
    done = run(folder, *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_old_names_in_the_script_and_its_modules(tmp_path):
    write(
        tmp_path,
        old="from __future__ import division\n"
        "import numpy as np, numpy.linalg, helper, package.inner, spread.part\n"
        "from numpy import float as number, linalg as la\n"
        "def later():\n"
        "    import numpy\n"
        "    return numpy.int\n"
        "class Late:\n"
        "    from numpy import NaN\n"
        "assert np.float is float is number and later() is int and Late.NaN != Late.NaN\n"
        "assert numpy.asscalar(np.array([3])) == 3 and la.norm([3, 4]) == 5\n"
        "print(helper.seen(), package.inner.seen, spread.part.seen)\n",
        helper="def seen():\n    import numpy.linalg\n    return numpy.object is object\n",
        package__in__inner="from numpy import *\nimport numpy\nseen = (float_(1), int('2'), Inf)\n",
        spread__in__part="import numpy as np\nseen = np.str('text')\n",
    )
    (tmp_path / "package/__init__.py").write_text("")
    assert output(tmp_path, *OLD, "old.py").split("True ")[1].endswith("2, inf) text\n")


def test_nobody_else_sees_them(tmp_path):
    """Neither NumPy itself nor packages that are not named."""
    (tmp_path / "site").mkdir()
    (tmp_path / "own").mkdir()
    seen = "import numpy\nseen = hasattr(numpy, 'asscalar'), hasattr(numpy, 'object')\n"
    write(tmp_path / "site", installed=seen, other=seen)
    write(
        tmp_path / "own",
        old="import sys, installed, other\n"
        "print(*installed.seen, *other.seen, *(hasattr(sys.modules['numpy'], n) for n in"
        " ('asscalar', 'object')))\n",
    )
    env = {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    }
    hidden = run(tmp_path, *NEW, "-W", "ignore", "own/old.py", env=env).stdout.split()
    done = run(tmp_path, *OLD, "own/old.py", env=env)
    assert done.stdout.split() == hidden, done.stderr
    done = run(tmp_path, *OLD, "--also", "installed,nowhere", "own/old.py", env=env)
    assert done.stdout.split() == ["True", "True", *hidden[2:]], done.stderr


def test_modules_in_a_folder_that_the_script_adds(tmp_path):
    write(tmp_path, lib__in__helper="import numpy as np\nseen = np.float\n")
    write(tmp_path, old="import sys\nsys.path.append('lib')\nimport helper\nprint(helper.seen)\n")
    assert output(tmp_path, *OLD, "old.py") == "<class 'float'>\n"


def test_tostring(tmp_path):
    write(
        tmp_path,
        old='"""Text."""\n'
        "from __future__ import annotations\n"
        "import numpy as np\n"
        "from xml.etree import ElementTree\n"
        "class Own:\n"
        "    def tostring(self, *args): return args\n"
        "pixels = np.array([1, 2], dtype=np.uint8)\n"
        "assert pixels.tostring() == pixels[:].tostring(order='C') == b'\\x01\\x02'\n"
        "assert np.float32(1).tostring() == np.float32(1).tobytes()\n"
        "assert ElementTree.tostring(ElementTree.Element('a')) == b'<a />'\n"
        "method = Own().tostring\n"
        "assert method(3) == (3,) and __doc__ == 'Text.'\n"
        "try:\n"
        "    (3).tostring()\n"
        "except AttributeError as error:\n"
        "    print(error)\n",
    )
    assert output(tmp_path, *OLD, "old.py") == "'int' object has no attribute 'tostring'\n"


def test_numbers_of_arrays(tmp_path):
    """NumPy 2.4 converts arrays to Python's numbers only if they have no dimensions."""
    write(
        tmp_path,
        old="import numpy as np, helper\n"
        "print(float(np.array([2.5])), int(np.array([[3.7]])), complex(np.array([1j])),"
        " helper.number(np.float32([0.25])))\n"
        "assert int('11', 2) == int('11', base=2) == 3\n"
        "assert float() == 0 and int(*['7']) == 7 and float('1.5') == 1.5\n"
        "assert float(np.array(4)) == int(np.float32(4)) == 4\n"
        "for wrong in (np.ones(2), np.ones(0), [1]):\n"
        "    try:\n"
        "        float(wrong)\n"
        "    except TypeError as error:\n"
        "        continue\n"
        "    raise AssertionError(wrong)\n",
        helper="def number(x): return float(x)\n",
    )
    assert output(tmp_path, *OLD, "old.py") == "2.5 3 1j 0.25\n"


STATE = """\
import __main__, sys
if __name__ == "__main__":
    print(__name__, sys.argv, sys.path[0], __main__.__file__, __main__.__dict__ is globals())
    print(__doc__, __package__, __spec__ and __spec__.name, __builtins__, sorted(globals()))
    print(__loader__.get_source(__loader__.name) is not None)
"""


@pytest.mark.parametrize(
    "command", [["folder/old.py", "-x", "--also", "y"], ["-m", "folder.old", "-m", "z"]]
)
def test_the_script_finds_itself_as_ever(tmp_path, command):
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder", old="# numpy\n" + STATE)
    assert output(tmp_path, *OLD, *command) == output(tmp_path, *NEW, *command)


ENDS = {
    "falling through": "print('done')",
    "a status": "import sys; print('out'); sys.exit(7)",
    "a message": "raise SystemExit('that was it')",
    "atexit": "import atexit; atexit.register(print, 'last'); 1 / 0",
    "an error": "def f(x):\n    return 1 / x\n\nf(0)",
    "a chain": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise ValueError('second')",
    "an error in a module": "import helper\nhelper.f()",
    "an error as a module loads": "import broken",
    "a module's syntax": "import unreadable",
    "no such module": "import nowhere_to_be_found",
    "its own syntax": "x = = 3",
    "a hook": "import sys\nsys.excepthook = lambda *error: print(error)\n1 / 0",
    "Ctrl-C": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time; time.sleep(9)",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("numpy", ["", "# numpy\n"])
def test_the_end_is_as_ever(tmp_path, end, numpy):
    write(
        tmp_path,
        old=numpy + ENDS[end] + "\n",
        helper=numpy + "def f():\n    raise KeyError('no key')\n",
        broken=numpy + "import helper\nhelper.f()\n",
        unreadable=numpy + "def f(:\n    pass\n",
    )
    new, old = (run(tmp_path, *command, "old.py") for command in (NEW, OLD))
    if end == "a hook":
        new.stdout, old.stdout = (each.stdout.split(", <traceback")[0] for each in (new, old))
    assert (old.stderr, old.stdout, old.returncode) == (new.stderr, new.stdout, new.returncode)


def test_ctrl_c_from_outside(tmp_path):
    write(tmp_path, old="import time\nprint('started', flush=True)\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [*OLD, "old.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "started\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert error.startswith("Traceback") and error.endswith("\nKeyboardInterrupt\n")
    assert "mxlinreg" not in error


WORKERS = """\
import multiprocessing, sys
import numpy as np
import helper

def job(x):
    import numpy
    return numpy.float(x), np.asscalar(np.array([x])), helper.seen(x)

if __name__ == "__main__":
    for method in sys.argv[1:]:
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(pool.map(job, [2]))
"""


@pytest.mark.parametrize("command", [["old.py"], ["-m", "old"]])
def test_multiprocessing(tmp_path, command):
    write(tmp_path, old=WORKERS, helper="import numpy as np\ndef seen(x): return np.int(x)\n")
    found = output(tmp_path, *OLD, *command, "fork", "spawn", "forkserver")
    assert found == "[(2.0, 2, 2)]\n" * 3


TRAINING = """\
import mxnet as mx
import numpy as np
from mxnet import gluon, nd, recordio

class Squares(gluon.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, i):
        return np.float(i), nd.array([i], dtype=np.float32)

if __name__ == "__main__":
    batches = gluon.data.DataLoader(Squares(), batch_size=4, num_workers=2)
    print([np.asarray(label).sum() for _, label in batches])
    record = recordio.pack((0, [1, 2], 7, 0), np.ones(2, np.uint8).tostring())
    print(recordio.unpack(record))
"""


def test_a_data_loaders_workers_and_records(tmp_path):
    write(tmp_path, old=TRAINING)
    sums, record = output(tmp_path, *OLD, "old.py").splitlines()
    assert sums.replace("np.float32(", "").replace(")", "") == "[6.0, 22.0]"
    assert "id=7" in record and record.endswith("b'\\x01\\x01')")


EXPORT = """\
import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd, recordio

class Line(gluon.data.Dataset):
    def __init__(self, path):
        self.records = recordio.MXIndexedRecordIO(path + ".idx", path + ".rec", "r")

    def __len__(self):
        return 40

    def __getitem__(self, i):
        header, content = recordio.unpack(self.records.read_idx(i))
        return np.fromstring(content, dtype=np.float32), np.float(header.label[0])

if __name__ == "__main__":
    writer = recordio.MXIndexedRecordIO("line.idx", "line.rec", "w")
    for i in range(40):
        x = np.array([i / 40, 1 - i % 5], dtype=np.float32)
        header = recordio.IRHeader(0, [2 * x[0] - 3.4 * x[1] + 4.2, i], i, 0)
        writer.write_idx(i, recordio.pack(header, x.tostring()))
    writer.close()
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Dense(1))
    net.initialize()
    net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    batches = gluon.data.DataLoader(Line("line"), batch_size=8, num_workers=2)
    for epoch in range(40):
        for x, y in batches:
            with autograd.record():
                loss = gluon.loss.L2Loss()(net(x.as_in_context(mx.cpu())), y.astype("float32"))
            loss.backward()
            trainer.step(8)
    print(float(np.abs(np.asarray(loss)).mean(keepdims=True)) < 1e-3)
    net.export("net")
    mx.onnx.export_model("net-symbol.json", "net-0000.params", [(1, 2)], np.float32, "net.onnx")
"""


def test_records_workers_training_and_onnx_in_one_script(tmp_path):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    write(tmp_path, old=EXPORT)
    assert output(tmp_path, *OLD, "old.py").split()[0] == "True"
    session = onnxruntime.InferenceSession(
        str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"data": np.array([[0.5, -1]], np.float32)})
    assert found[0, 0] == pytest.approx(2 * 0.5 + 3.4 + 4.2, abs=0.1)


def test_files_and_their_bytecode_are_left_alone(tmp_path):
    write(
        tmp_path,
        old="import helper\n",
        helper="import numpy\nseen = numpy.__name__, hasattr(numpy, 'asscalar')\n",
        new="import helper\nprint(helper.seen)\n",
    )
    output(tmp_path, *OLD, "old.py")
    assert output(tmp_path, *NEW, "-W", "ignore", "new.py") == "('numpy', False)\n"


def test_what_cannot_run_is_named(tmp_path):
    done = run(tmp_path, *OLD, "nowhere.py")
    assert done.returncode == 2 and "'nowhere.py'" in done.stderr and "-m" in done.stderr
    done = run(tmp_path, *OLD)
    assert done.returncode == 2 and "SCRIPT" in done.stderr
    done = run(tmp_path, *OLD, "-m", "nowhere_at_all")
    assert done.returncode == 1 and done.stderr.endswith("No module named nowhere_at_all\n")


def test_in_jupyter(tmp_path):
    pytest.importorskip("IPython")
    write(
        tmp_path,
        helper="import numpy\nseen = numpy.int\n",
        notebook="from IPython.core.interactiveshell import InteractiveShell\n"
        "import numpy\n"
        "shell = InteractiveShell.instance()\n"
        "for cell in ('import numpy as before', '%load_ext mxlinreg.alive',\n"
        "             'import numpy as np, helper\\nnp.float(3), before.int, helper.seen',\n"
        "             'np.array([1], np.uint8).tostring()'):\n"
        "    result = shell.run_cell(cell)\n"
        "    result.raise_error()\n"
        "    print(result.result)\n"
        "print(hasattr(numpy, 'asscalar'))\n",
    )
    shown = output(tmp_path, *NEW, "-W", "ignore", "notebook.py").splitlines()
    assert "(3.0, <class 'int'>, <class 'int'>)" in shown and "b'\\x01'" in shown
    assert shown[-1] == "False"
