"""Stop a command before each of its changes of a file, in turn, and check what is left.

``python crash_points.py COMMAND kill|full [STRIDE]`` ends the process there, or lets every new file
fail from there on, as on a full disk; only at each STRIDE-th change. The folder must be accepted by
the next command, and the same command again must give what an undisturbed one gives. The last line
is the number of points. It needs ``os.fork``.
"""

import contextlib
import errno
import itertools
import os
import shutil
import sys
from pathlib import Path

WRITES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod"}
UNFINISHED = ".sigbench-unfinished"
CRASHED, FAILED = 9, 2

RECIPE = """
network = "shrinknet[width=4]"
optimizer = "adam[lr=1e-2]"
batch = 4
steps = 3
engine = "numpy"
[data]
dataset = "sparse-spikes"
degradation = "gaussian[sigma=3]"
pairs = 8
validation = 4
metric = "psnr_table1"
"""
FLOORS = """suite = "tiny"
[[floors]]  # a comment
problem = "sparse-spikes"
method = "affine"
metric = "psnr"
"""


def changes(event, args):
    """Return whether an audit event is a change of a file in the working directory."""
    if event == "open":
        path, _, flags = args
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
    else:
        path, writes = (args or (None,))[0], event in WRITES
    if not writes or not isinstance(path, str | bytes | os.PathLike):
        return False
    return os.path.realpath(os.fsdecode(path)).startswith(os.getcwd() + os.sep)


def stop_at(point, mode):
    """End this process, or raise an error of a full disk, at its ``point``-th change of a file."""
    left = point

    def hook(event, args):
        nonlocal left
        if not changes(event, args):
            return
        left -= 1
        if left <= 0 and mode == "kill":
            os._exit(CRASHED)
        new = event == "os.mkdir" or (event == "open" and not os.path.lexists(args[0]))
        if left <= 0 and new:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sys.addaudithook(hook)


def forked(function):
    """Return the exit code of a function in a child process; errors of the input are code 2."""
    from sigbench import InputError

    pid = os.fork()
    if pid == 0:
        try:
            function()
            os._exit(0)
        except (InputError, OSError):
            os._exit(FAILED)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def suite(seeds=(1,), methods=("affine",), items=3):
    from sigbench import load

    path = Path(__file__).parent / "tiny.toml"
    return load(str(path)).select(methods=list(methods), seeds=list(seeds), items=items)


def values(folder):
    """Return the values of a run by cell, as bytes."""
    from sigbench.benchmark.store.cells import read_values
    from sigbench.benchmark.store.run_folder import RunFolder

    cells = RunFolder(Path(folder)).cells.all()
    ids = sorted(cells)
    return {i: v.tobytes() for i, v in zip(ids, read_values(cells[i] for i in ids), strict=True)}


def examples(folder):
    """Return the contents of the files of examples, by name."""
    return {path.name: path.read_bytes() for path in Path(folder, "estimates").glob("*.npz")}


def lost_examples(folder):
    """Return the finished cells of the example seed without estimates: they never would have any."""
    from sigbench.benchmark.store.gallery import example_file
    from sigbench.benchmark.store.run_folder import RunFolder

    run = RunFolder(Path(folder))
    seed = run.manifest.require()["pictured_seed"]
    return [
        (problem, method)
        for problem, own, method in run.cells.all()
        if own == seed and not Path(folder, example_file(problem, method)).exists()
    ]


def left_behind():
    return [path for path in Path().rglob("*") if path.name.endswith((UNFINISHED, ".part"))]


class Run:
    """A run into a new folder."""

    def prepare(self):
        pass

    def work(self):
        from sigbench import run_suite

        run_suite(suite(), "out")

    def check_interrupted(self):
        """The next run of any kind accepts the folder, and ``--fresh`` too."""
        from sigbench import run_suite

        if Path("out/manifest.json").exists():
            assert not lost_examples("out")
        if Path("out").exists():
            shutil.copytree("out", "fresh")
        run_suite(suite(items=2), "fresh", fresh=True)
        assert len(values("fresh")) == 3
        shutil.rmtree("fresh")

    def finished(self):
        """Return whether the same command must not be given again."""
        return False

    def result(self):
        return values("out"), examples("out")


class Fresh(Run):
    """A run that deletes another one."""

    def prepare(self):
        from sigbench import run_suite

        run_suite(suite(items=2), "out")
        Path("out/mine.txt").write_text("mine")

    def work(self):
        from sigbench import run_suite

        run_suite(suite(), "out", fresh=True)

    def check_interrupted(self):
        assert Path("out/mine.txt").read_text() == "mine"
        super().check_interrupted()


class Extend(Run):
    """A run that extends one, with an outdated cell; finished cells stay."""

    def prepare(self):
        from sigbench import run_suite

        run_suite(suite(seeds=(1, 2)), "out")
        self.before = values("out")

    def work(self):
        from sigbench import run_suite

        run_suite(suite(seeds=(1, 3), methods=("affine", "blur")), "out")

    def check_interrupted(self):
        assert self.before.items() <= values("out").items()
        assert not lost_examples("out")


class Report(Extend):
    """A report of a run."""

    def work(self):
        from sigbench.benchmark.run_suite import write_reports

        write_reports(Path("out"))

    def result(self):
        board = Path("out/leaderboard.csv").read_text()
        return values("out"), board, Path("out/leaderboard.md").read_text()


class Merge(Run):
    """A merge of two runs."""

    def prepare(self):
        from sigbench import run_suite

        run_suite(suite(seeds=(1,)), "a")
        run_suite(suite(seeds=(2,)), "b")
        self.sources = values("a"), values("b")

    def work(self):
        from sigbench.benchmark.merge import merge

        merge([Path("a"), Path("b")], Path("out"))

    def check_interrupted(self):
        """No command takes the folder for a run."""
        import pytest

        from sigbench import InputError
        from sigbench.benchmark.compare import compare
        from sigbench.benchmark.run_suite import run_suite, write_reports

        assert (values("a"), values("b")) == self.sources
        begun = Path("out/unfinished-merge.json").exists()
        why = "contains an unfinished merge: run" if begun else "is not a run folder"
        for use in (
            lambda: write_reports(Path("out")),
            lambda: compare(Path("out"), "affine", "noisy"),
            *([lambda: run_suite(suite(), "out")] if begun else []),
        ):
            with pytest.raises(InputError, match=why):
                use()
        super().check_interrupted()

    def finished(self):
        return Path("out/manifest.json").exists()


class Update(Run):
    """``check --update`` through a link, on a file of mode 0600."""

    def prepare(self):
        from sigbench import run_suite

        run_suite(suite(), "out")
        Path("there").mkdir()
        Path("there/floors.toml").write_text(FLOORS)
        Path("there/floors.toml").chmod(0o600)
        Path("link.toml").symlink_to("there/floors.toml")

    def work(self):
        from sigbench.benchmark.checks.check_floors import update
        from sigbench.benchmark.checks.floors import load_floors

        update(Path("out"), load_floors(Path("link.toml")))

    def finished(self):
        return Path("there/floors.toml").read_text() != FLOORS

    def check_interrupted(self):
        pass

    def result(self):
        assert Path("link.toml").is_symlink()
        assert Path("link.toml").stat().st_mode & 0o777 == 0o600
        return Path("there/floors.toml").read_text()


class Denoise(Run):
    """``denoise --force`` through a link, on a file of mode 0600."""

    def prepare(self):
        import numpy as np

        np.save("in.npy", np.arange(64.0))
        np.save("target.npy", np.zeros(64))
        Path("target.npy").chmod(0o600)
        Path("out.npy").symlink_to("target.npy")
        self.before = Path("target.npy").read_bytes()

    def work(self):
        from sigbench.cli.denoise.file import denoise_file

        denoise_file(Path("in.npy"), Path("out.npy"), "gaussian-blur[width=1]", force=True)

    def finished(self):
        return Path("target.npy").read_bytes() != self.before

    def check_interrupted(self):
        pass

    def result(self):
        assert Path("out.npy").is_symlink()
        assert Path("target.npy").stat().st_mode & 0o777 == 0o600
        return Path("target.npy").read_bytes()


class Train(Run):
    """A training by the NumPy engine."""

    def prepare(self):
        Path("tiny.toml").write_text(RECIPE)

    def work(self):
        from sigbench.cli.train import train_recipe

        train_recipe("tiny.toml", quiet=True)

    def finished(self):
        return {path.suffix for path in Path().glob("*tiny*")} >= {".safetensors", ".md"} and not (
            Path("tiny.checkpoint.safetensors").exists()
        )

    def check_interrupted(self):
        pass

    def result(self):
        from sigbench.networks.pretrained.weights import load

        names = sorted(path.name for path in Path().glob("*tiny*"))
        return load(Path("tiny.safetensors")).digest, names


class Fetch(Run):
    """``data fetch`` of two files whose digests are recorded."""

    def prepare(self):
        Path("copies").mkdir()
        for name in ("a.flac", "b.flac"):
            Path("copies", name).write_bytes(os.urandom(3000))

    def work(self):
        import dataclasses

        from sigbench.cli.data import fetch
        from sigbench.datasets import Esc10
        from sigbench.datasets.source import File

        os.environ["SIGBENCH_DATA"] = "data"
        files = (File("a.flac", most=10**4), File("b.flac", most=10**4))
        Esc10.source = dataclasses.replace(Esc10.source, declared=files, check=lambda *_: None)
        with open(os.devnull, "w") as null, contextlib.redirect_stderr(null):
            fetch("esc10", "copies")

    def check_interrupted(self):
        pass

    def result(self):
        return {
            path.relative_to("data"): path.read_bytes()
            for path in Path("data").rglob("*")
            if path.is_file()
        }


class Analyze(Run):
    """``analyze jacobian`` of two methods."""

    def prepare(self):
        pass

    def work(self):
        from sigbench.analysis.command import analyze

        tiny = str(Path(__file__).parent / "tiny.toml")
        analyze(tiny, ["blur", "noisy"], problems=None, out=Path("out"), quiet=True)

    def check_interrupted(self):
        pass

    def result(self):
        return {
            path.relative_to("out"): path.read_bytes() if path.suffix == ".csv" else b""
            for path in Path("out").rglob("*")
        }


COMMANDS = {
    "run": Run,
    "fresh": Fresh,
    "extend": Extend,
    "report": Report,
    "merge": Merge,
    "update": Update,
    "denoise": Denoise,
    "train": Train,
    "fetch": Fetch,
    "analyze": Analyze,
}


def main(name, mode, stride=1):
    root, command = Path.cwd(), COMMANDS[name]()

    def begin(folder):
        shutil.copytree(root / "template", folder, symlinks=True)
        os.chdir(folder)

    (root / "template").mkdir()
    os.chdir(root / "template")
    command.prepare()
    begin(root / "whole")
    command.work()
    expected = command.result()
    for count in itertools.count():
        begin(root / "stopped")

        def work(point=1 + count * stride):
            stop_at(point, mode)
            command.work()

        code = forked(work)
        if code == 0:
            break
        assert code == (CRASHED if mode == "kill" else FAILED), (count, code)
        if not command.finished():
            command.check_interrupted()
            command.work()
        assert command.result() == expected, count
        assert not left_behind(), (count, left_behind())
        shutil.rmtree(root / "stopped")
    print(count)


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
