"""Files that are written completely or not at all."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mxlinreg import _files as files


def test_check_writable(tmp_path):
    files.check_writable("--save", tmp_path / "new")
    files.check_writable("--save", tmp_path / ("n" * 240))
    assert list(tmp_path.iterdir()) == []
    bad = tmp_path, tmp_path / "missing" / "file", "/dev/null", tmp_path / ("n" * 256)
    for path in bad:
        with pytest.raises(ValueError, match="--save"):
            files.check_writable("--save", path)


def write(path, content, fail=False):
    with files.replacing(path) as temporary:
        Path(temporary).write_text(content)
        if fail:
            raise RuntimeError


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "file.txt"
    write(path, "old")
    with pytest.raises(RuntimeError):
        write(path, "new", fail=True)
    assert path.read_text() == "old"
    write(path, "new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["n" * 240, "é" * 120, "n." + "s" * 200, ".n", "line\nbreak"])
def test_any_name(tmp_path, name):
    for content in ("old", "new"):
        write(tmp_path / name, content)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(name, "new")]


def test_permissions(tmp_path):
    path = tmp_path / "file"
    previous = os.umask(0o027)
    try:
        write(path, "")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write(path, "")
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(previous)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")
def test_the_owner_stays(tmp_path):
    path = tmp_path / "file"
    path.touch()
    os.chown(path, 1, 2)
    write(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1, 2)


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    file, link = tmp_path / "folder" / "file", tmp_path / "link"
    file.parent.mkdir()
    link.symlink_to(file)
    write(link, "new")
    assert link.is_symlink() and file.read_text() == "new"


def test_names_of_temporary_files_differ_and_are_created_anew(tmp_path):
    path, seen = tmp_path / "file.txt", set()
    for _ in range(20):
        with files.replacing(path) as temporary:
            seen.add(temporary)
    assert len(seen) == 20
    assert all(Path(name).parent == tmp_path and name.endswith(".txt") for name in seen)


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path, monkeypatch):
    """Whoever guesses the name and puts a link there gains nothing."""
    path, victim = tmp_path / "file", tmp_path / "victim"
    victim.write_text("precious")
    guesses = iter(["guessed0", "another0"])
    monkeypatch.setattr(files.secrets, "token_hex", lambda _: next(guesses))
    with monkeypatch.context() as patch:
        patch.setattr(files.secrets, "token_hex", lambda _: "guessed0")
        with files.replacing(path) as guessed:
            pass
    path.unlink()
    Path(guessed).symlink_to(victim)
    write(path, "new")
    assert victim.read_text() == "precious" and path.read_text() == "new"
    assert not path.is_symlink()


def test_what_killed_processes_have_left_is_removed(tmp_path):
    path = tmp_path / "run*.ckpt"
    kill = (
        "import os, sys\n"
        "from mxlinreg._files import replacing\n"
        "with replacing(sys.argv[1]) as temporary:\n"
        "    os._exit(9)\n"
    )
    for name in (path, tmp_path / "other.ckpt"):
        subprocess.run([sys.executable, "-c", kill, name])
    left = list(tmp_path.iterdir())
    assert len(left) == 2
    with files.replacing(path) as alive:
        write(path, "")
        assert Path(alive).exists()
    names = sorted(p.name for p in tmp_path.iterdir())
    assert len(names) == 2 and names[1] == path.name and names[0].startswith(".other.ckpt.")


def test_many_threads_write_one_file(tmp_path):
    path, errors = tmp_path / "file", []

    def writer(number):
        try:
            for _ in range(20):
                write(path, f"{number}" * 10_000)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=writer, args=[i]) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and len(set(path.read_text())) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(OSError, match="No space left") as raised, files.replacing(path) as name:
        raise OSError(28, "No space left on device", name)
    assert raised.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


def test_circular_links(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    path.symlink_to("b")
    other.symlink_to("a")
    with pytest.raises(OSError, match="Too many levels of symbolic links") as raised:
        write(path, "new")
    assert raised.value.filename == str(path)
    with pytest.raises(ValueError, match=f"--save: cannot write {path}: Too many levels of symb"):
        files.check_writable("--save", path)
    assert sorted(tmp_path.iterdir()) == [path, other] and path.is_symlink()


def test_files_that_are_the_same(tmp_path):
    data = tmp_path / "data.csv"
    data.touch()
    os.link(data, tmp_path / "hard")
    (tmp_path / "soft").symlink_to("data.csv")
    (tmp_path / "folder").symlink_to(".")
    (tmp_path / "dangling").symlink_to("new")
    files.check_different({"--data": data, "--save": tmp_path / "new", "--plot": None})
    for other in ("data.csv", "hard", "soft", "folder/data.csv"):
        with pytest.raises(ValueError, match="--save: .* is the same file as --data"):
            files.check_different({"--data": data, "--save": tmp_path / other})
    for other in ("new", "folder/new", "dangling"):
        with pytest.raises(ValueError, match="--checkpoint: .* is the same file as --save"):
            files.check_different({"--save": tmp_path / "new", "--checkpoint": tmp_path / other})
