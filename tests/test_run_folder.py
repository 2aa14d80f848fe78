"""Run folders in unusual states: leftovers, unfinished merges, folders in use, odd names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sigbench import InputError, load, read_run, run_suite
from sigbench.benchmark.merge import merge
from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store.manifest import MERGING
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.main import main
from sigbench.core.atomic import UNFINISHED

TINY = str(Path(__file__).parent / "tiny.toml")
LEFT = f".x.parquet.0123456789ab{UNFINISHED}"


def small(seeds=(1,), items=4):
    return load(TINY).select(methods=["affine"], seeds=list(seeds), items=items)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "run"
    run_suite(small(), path)
    return path


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


LEFTOVERS = {
    "an empty folder": [],
    "a lock": [".lock"],
    "cells": ["cells/"],
    "an unfinished manifest": [f".manifest.json.1.{UNFINISHED}", "cells/"],
    "an unfinished cell": [".lock", f"cells/{LEFT}"],
}


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("names", LEFTOVERS.values(), ids=LEFTOVERS)
def test_what_a_killed_run_has_left_is_accepted(tmp_path, names, fresh):
    out = tmp_path / "out"
    out.mkdir()
    for name in names:
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).mkdir() if name.endswith("/") else (out / name).write_bytes(b"torn")
    assert run_suite(small(), out, fresh=fresh).computed == 3
    assert not list(out.rglob(f"*{UNFINISHED}"))


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    "name", ["cells/a.parquet", "cells/.a", "estimates/a.png", "figures/b/c", "leaderboard.md"]
)
def test_foreign_files_are_refused_and_kept(tmp_path, name, fresh):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"contains {name.split('/')[0]} but no manifest"):
        run_suite(small(), tmp_path, fresh=fresh)
    assert (tmp_path / name).read_text() == "mine"


def test_the_manifest_is_the_first_file_of_a_run(tmp_path):
    (tmp_path / "cells").touch()  # so that the folder of cells cannot be made
    with pytest.raises(InputError, match="contains cells but no manifest"):
        run_suite(small(), tmp_path)
    RunFolder(tmp_path / "out").path.mkdir()
    folder = RunFolder(tmp_path / "out")
    folder.open({"name": "tiny", "block": 1, "metrics": [], "problems": {}})
    assert list(folder.path.iterdir()) == []


@pytest.fixture
def unfinished(run, tmp_path):
    """A merge that was killed before its last step."""
    out = tmp_path / "out"
    merge([run], out)
    (out / "manifest.json").rename(out / MERGING)
    next((out / "cells").iterdir()).unlink()
    (out / "cells" / LEFT).write_bytes(b"torn")
    return out


def test_no_command_takes_an_unfinished_merge_for_a_run(unfinished, tmp_path, capsys):
    floors = tmp_path / "floors.toml"
    floors.write_text(
        'suite = "tiny"\n[[floors]]\nproblem = "sparse-spikes"\nmethod = "affine"\n'
        'metric = "psnr"\nfloor = 1\n'
    )
    out = str(unfinished)
    before = sorted(path.name for path in unfinished.rglob("*"))
    for argv in (
        ["report", out],
        ["compare", out, "affine", "noisy"],
        ["check", out, str(floors)],
        ["check", out, str(floors), "--update"],
        ["run", TINY, "-o", out],
        ["run", TINY, "-o", out, "--dry-run"],
        ["merge", out, "-o", str(tmp_path / "other")],
    ):
        assert main(argv) == 2, argv
        err = capsys.readouterr().err
        assert f"{out} contains an unfinished merge: run the same sigbench merge again\n" in err
        assert err.count("\n") == 1
    with pytest.raises(InputError, match="unfinished merge"):
        read_run(unfinished)
    assert sorted(path.name for path in unfinished.rglob("*")) == before


def test_the_same_merge_again_completes(unfinished, run):
    (unfinished / "mine.txt").write_text("mine")
    assert merge([run], unfinished) == 3
    assert read_run(unfinished).scores.equals(read_run(run).scores)
    assert (unfinished / "mine.txt").read_text() == "mine"
    assert not (unfinished / MERGING).exists()
    assert not list(unfinished.rglob(f"*{UNFINISHED}"))
    with pytest.raises(InputError, match="already contains a run"):
        merge([run], unfinished)


def test_fresh_replaces_an_unfinished_merge(unfinished):
    assert run_suite(small(items=5), unfinished, fresh=True).computed == 3
    assert not (unfinished / MERGING).exists()


def test_a_folder_that_a_run_is_writing_is_not_merged(run, tmp_path):
    with (
        RunFolder(run).locked(),
        pytest.raises(InputError, match="run is being written by a run: wait until it has fini"),
    ):
        merge([run], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert merge([run, run], tmp_path / "out") == 3


@pytest.mark.skipif(sys.platform == "win32", reason="an exclusive lock")
def test_two_merges_may_read_a_folder_and_no_run_may_write_it(run, tmp_path):
    from sigbench.benchmark.store.lock import unchanged

    with unchanged(run):
        assert merge([run], tmp_path / "out") == 3
        with pytest.raises(InputError, match="in use by another run"):
            run_suite(small(), run)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_folder_without_a_lock_is_merged(run, tmp_path):
    (run / ".lock").unlink()
    assert merge([run], tmp_path / "out") == 3
    assert not (run / ".lock").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems accept only Unicode")
@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe", b"a\nb", b"[x]*?"])
def test_a_folder_of_any_name(tmp_path, name):
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    assert run_suite(small(), out).computed == 3
    assert run_suite(small(seeds=(1, 2)), out).computed == 3
    write_reports(out)
    run = read_run(out)
    assert len(run.scores) == 2 * 3 * 2 * 4
    assert len(run.timings) == 6
    assert merge([out], out / "merged") == 6
    done = subprocess.run(
        [sys.executable, "-m", "sigbench", "compare", os.fsencode(out), "affine", "noisy"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_report_deletes_what_a_killed_one_has_left(run):
    for folder in (".", "cells", "figures", "trainings", "estimates"):
        (run / folder).mkdir(exist_ok=True)
        (run / folder / LEFT).write_bytes(b"torn")
    write_reports(run)
    assert not list(run.rglob(LEFT))
