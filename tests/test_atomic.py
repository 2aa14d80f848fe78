"""Writing of files: links, modes, other kinds of files, temporary files of killed processes."""

import os
import stat
import subprocess
import sys
import threading

import pytest

from sigbench import InputError
from sigbench.core.atomic import UNFINISHED, remove_unfinished, write_atomically

LEFT = f".a.txt.0123456789ab{UNFINISHED}"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@posix
@pytest.mark.parametrize("bits", [0o600, 0o640, 0o755, 0o444])
def test_an_existing_file_keeps_its_mode(tmp_path, bits):
    file = tmp_path / "a.txt"
    file.write_bytes(b"old")
    file.chmod(bits)
    write_atomically(file, b"new")
    assert (file.read_bytes(), mode(file), names(tmp_path)) == (b"new", bits, ["a.txt"])


@posix
@pytest.mark.parametrize(("mask", "bits"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_gets_the_mode_of_the_umask(tmp_path, mask, bits):
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "a.txt", b"new")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a.txt") == bits


@posix
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("links", [1, 3])
def test_a_link_stays_and_its_target_is_written(tmp_path, relative, links):
    there = tmp_path / "there"
    there.mkdir()
    target = there / "a.txt"
    target.write_bytes(b"old")
    target.chmod(0o600)
    to = "there/a.txt" if relative else target
    for number in range(links):
        link = tmp_path / f"link{number}"
        link.symlink_to(to)
        to = link.name
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (target.read_bytes(), mode(target)) == (b"new", 0o600)
    assert names(there) == ["a.txt"]


@posix
def test_a_dangling_link_gets_its_target(tmp_path):
    (tmp_path / "link").symlink_to("target")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"
    (tmp_path / "link2").symlink_to("nowhere/target")
    with pytest.raises(FileNotFoundError, match="link2"):
        write_atomically(tmp_path / "link2", b"new")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        write_atomically(tmp_path / "loop", b"new")


@posix
def test_hard_links_are_separated(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "b").read_bytes() == b"old"


@posix
def test_only_regular_files_are_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/null")
    for name, what in (("folder", "a folder"), ("pipe", "not a regular"), ("device", "not a reg")):
        with pytest.raises(InputError, match=f"{name} is {what}"):
            write_atomically(tmp_path / name, b"new")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert names(tmp_path) == ["device", "folder", "pipe"]


@posix
@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match=r"a\.txt"):
        write_atomically(tmp_path / "a.txt", b"new")
    tmp_path.chmod(0o700)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["ä" * 120, "x" * 250, "[a]*?.txt", "a\nb"])
def test_any_file_name(tmp_path, name):
    if sys.platform == "win32":
        pytest.skip("Windows does not accept these names")
    write_atomically(tmp_path / name, b"new")
    assert names(tmp_path) == [name]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems accept only Unicode")
def test_a_name_that_is_not_utf8(tmp_path):
    write_atomically(tmp_path / os.fsdecode(b"caf\xe9"), b"new")
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9"]


@posix
def test_temporary_files_that_nobody_writes_are_deleted(tmp_path):
    """Those of other files in the folder too, and nothing else."""
    kept = ["mine.sigbench-unfinished", ".mine", ".a.txt.part", "a.txt"]
    for name in (*kept, LEFT, f".b.csv.ba9876543210{UNFINISHED}"):
        (tmp_path / name).write_bytes(b"torn")
    (tmp_path / f".folder{UNFINISHED}").mkdir()
    (tmp_path / f".link{UNFINISHED}").symlink_to("a.txt")
    write_atomically(tmp_path / "a.txt", b"new")
    assert names(tmp_path) == sorted([*kept, f".folder{UNFINISHED}", f".link{UNFINISHED}"])
    assert (tmp_path / "a.txt").read_bytes() == b"new"


@posix
def test_a_file_that_a_living_process_writes_stays(tmp_path):
    script = (
        "import os, pathlib, sys\n"
        "from sigbench.core.atomic import write_atomically\n"
        "def wait(_):\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.readline()\n"
        "os.fsync = wait\n"
        "write_atomically(pathlib.Path(sys.argv[1]), b'of the child')\n"
    )
    file = tmp_path / "a.txt"
    command = [sys.executable, "-c", script, str(file)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        child.stdout.readline()
        (unfinished,) = names(tmp_path)
        write_atomically(tmp_path / "b.txt", b"other")
        write_atomically(file, b"of the parent")
        remove_unfinished(tmp_path)
        assert names(tmp_path) == sorted([unfinished, "a.txt", "b.txt"])
        child.communicate("\n")
    assert child.returncode == 0
    assert file.read_bytes() == b"of the child"
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        child.stdout.readline()
        child.kill()
    assert len(names(tmp_path)) == 3
    write_atomically(tmp_path / "b.txt", b"again")
    assert names(tmp_path) == ["a.txt", "b.txt"]


def test_many_writers_at_once(tmp_path):
    """Each write is whole, and no writer deletes the file of another."""
    texts = [bytes([65 + i]) * 20_000 for i in range(6)]
    errors = []

    def write(text):
        try:
            for _ in range(30):
                write_atomically(tmp_path / "a.txt", text)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (tmp_path / "a.txt").read_bytes() in texts
    assert names(tmp_path) == ["a.txt"]
