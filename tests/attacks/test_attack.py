"""scripts/attack.py notices broken promises, and what a part leaves behind."""

import json
import subprocess
import sys

import numpy as np
import pytest
from helpers import SCRIPTS, environment

START = f"import json, sys\nsys.path.insert(0, {str(SCRIPTS)!r})\nimport attacks, attack\n"


def printed(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", START + code],
        cwd=folder, capture_output=True, text=True, env=environment(), timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


LEAVING = """
import subprocess, tempfile

def attack(tally, rng, seconds):
    tally.tried("thing", 3)
    kept = tally.keep("thing.csv", b"x")
    tally.failed("thing", f"{seconds} {rng.integers(10**9)} {kept}")
    tempfile.mkstemp("left")
    subprocess.Popen(["sh", "-c", "sleep 600 & exit"]).wait()
    raise ValueError("odd")
"""


def test_what_a_part_leaves_is_a_failure(tmp_path):
    (tmp_path / "leaving.py").write_text(LEAVING)
    code = (
        f"attacks.__path__.append({str(tmp_path)!r})\n"
        "for i in range(2):\n"
        f"    print(json.dumps(attack.run_part('leaving', 5, 2.5, {str(tmp_path / 'kept')!r})))\n"
    )
    first, again = map(json.loads, printed(code, tmp_path).splitlines())
    assert first["tried"] == {"thing": 3}
    kinds = [failure["kind"] for failure in first["failures"]]
    assert kinds == ["thing", "the part itself", "left behind", "left behind"]
    thing, odd, file, process = (failure["what"] for failure in first["failures"])
    assert thing.startswith("2.5 ") and thing == again["failures"][0]["what"]
    assert "ValueError: odd" in odd and "left']" in file and "sleep 600" in process
    assert len(again["failures"]) == 4, "the process of before has been ended"
    assert (tmp_path / "kept" / "0-thing.csv").read_bytes() == b"x"


def test_no_such_part(tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPTS / "attack.py", "odd"],
        capture_output=True, text=True, env=environment(),
    )  # fmt: skip
    assert done.returncode == 1 and "no part odd; give some of files, " in done.stderr


# For each part, a change that breaks a promise, and what then is said.
BROKEN = {
    # In two parts, because a kill seldom falls into the microseconds of a single one.
    "kills": (
        "from mxlinreg.models import model\n"
        "import time\n"
        "def write_bytes(path, content):\n"
        "    with open(path, 'wb', buffering=0) as file:\n"
        "        file.write(content[:9])\n"
        "        time.sleep(0.002)\n"
        "        file.write(content[9:])\n"
        "model.write_bytes = write_bytes\n",
        "m.params is neither the older nor the newer file",
    ),
    "disk": (
        "from mxlinreg.models import model\n"
        "from pathlib import Path\n"
        "model.write_bytes = lambda path, content: Path(path).write_bytes(content)\n",
        "m.params has another content",
    ),
    "files": (
        "from mxlinreg.models import model\n"
        "digest = model._digest\n"
        "model._digest = lambda p, d: 'the same' if 'format' in d else digest(p, d)\n",
        "was saved",
    ),
    "command_lines": (
        "from mxlinreg import _files\n_files.check_different = lambda files: None\n",
        "changes its input",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("part", BROKEN)
def test_broken_promises_are_noticed(part, tmp_path):
    for name in ("pyarrow", "onnxruntime", "matplotlib", "numba"):
        pytest.importorskip(name)
    change, text = BROKEN[part]
    code = f"{change}report = attack.run_part({part!r}, 1, 60, 'kept')\nprint(report['failures'])"
    assert text in printed(code, tmp_path)


def test_damage_is_drawn_from_the_generator():
    sys.path.insert(0, str(SCRIPTS))
    from attacks.mutations import mutated, mutated_json

    content, value = bytes(range(256)), {"a": [1, {"b": None}], "c": "x"}
    drawn = []
    for _ in range(2):
        rng = np.random.default_rng(7)
        drawn.append([(mutated(content, rng), repr(mutated_json(value, rng))) for _ in range(200)])
    assert drawn[0] == drawn[1]
    assert len({one for one, _ in drawn[0]} - {content}) > 180
    assert len({other for _, other in drawn[0]}) > 50
    assert content == bytes(range(256)) and value == {"a": [1, {"b": None}], "c": "x"}
    assert all(isinstance(mutated(b"", np.random.default_rng(i)), bytes) for i in range(100))
