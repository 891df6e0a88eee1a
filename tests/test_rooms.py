"""The rooms of the package: which may import which, and what importing them loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mxlinreg as mlr

PACKAGE = Path(mlr.__file__).parent
# A room may import those before it. The underscored files are as good as rooms.
ROOMS = [
    "_checks", "_files", "_streams", "_text", "alive", "_mxnet", "chapter", "moments", "rows",
    "models", "compiled", "training", "exact", "distributed", "fitting", "plotting", "lesson",
    "commands",
]  # fmt: skip
FILES = [path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py"]
FILES.remove(PACKAGE / "__init__.py")


def imports(path):
    """The full names of the modules, and of what is taken from them, in a file of the package."""
    package = ("mxlinreg", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_no_test_module_imports_another():
    tests = list(Path(__file__).parent.rglob("test_*.py"))
    names = {path.stem for path in tests}
    for path in tests:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert not names & {alias.name for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert node.module not in names, path


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].replace(".py", "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_rooms_before_it(path):
    own = ROOMS.index(room_of(path))
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "mxnet":
            assert path == PACKAGE / "_mxnet.py", name
        elif top == "mxlinreg" and rest != ["__version__"]:
            assert rest and rest[0] in ROOMS[: own + 1], f"{room_of(path)} imports {name}"


def test_the_files_are_the_rooms():
    assert {room_of(path) for path in FILES} <= set(ROOMS)
    assert all((PACKAGE / room / "__init__.py").read_text() for room in map(room_of, FILES)
               if (PACKAGE / room).is_dir())  # fmt: skip


def loaded_by(program, *names):
    """Which of these modules a fresh process has imported after this program."""
    program += f"\nimport sys; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout.splitlines()[-1])


def test_importing_the_package_loads_neither_mxnet_nor_numpy():
    assert loaded_by("import mxlinreg", "numpy", "mxnet") == []
    assert loaded_by("import mxlinreg; dir(mxlinreg)", "numpy", "mxnet") == []
    assert loaded_by("import mxlinreg; mxlinreg.synthetic", "numpy", "mxnet") == ["numpy", "mxnet"]


@pytest.mark.parametrize(
    "program",
    [
        "import mxlinreg.models",
        "import mxlinreg.exact",
        "import mxlinreg.moments",
        "import mxlinreg.rows",
        "import mxlinreg.fitting",
        "import mxlinreg as mlr; mlr.least_squares, mlr.stream, mlr.export_onnx, mlr.RankError",
        "import numpy as np\nfrom mxlinreg import moments\n"
        "scaled, mean, scale = moments.standardize(np.eye(3))\n"
        "params, one = [np.ones((3, 1)), np.ones(1)], np.ones(1)\n"
        "moments.unstandardize(params, mean, scale, one, one)\n"
        "moments.whitening(moments.triangular_moments([(np.eye(3), None, None)]), 2)",
        "import numpy as np, mxlinreg as mlr\n"
        "X = np.random.RandomState(0).normal(size=(50, 3))\n"
        "print(mlr.least_squares(X, X.sum(axis=1), sample_weight=np.ones(50)))\n"
        "mlr.least_squares([(X, X), (X, X)], rank_deficient='minimum_norm')",
    ],
)
def test_rooms_that_do_without_mxnet(program):
    assert loaded_by(program, "mxnet") == []


def test_reading_tables_does_without_mxnet(data):
    pytest.importorskip("pyarrow")
    program = (
        f"path = {str(data / 'diabetes.csv')!r}\n"
        "import mxlinreg as mlr\n"
        "assert mlr.fit(path, 'progression').w.shape == (10, 1)\n"
        "stream = mlr.stream(path, 'progression', standardize=True)\n"
        "assert sum(len(X) for X, *_ in stream.blocks()) == 442\n"
    )
    assert loaded_by(program, "mxnet") == []
