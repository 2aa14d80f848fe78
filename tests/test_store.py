"""The run folder: locking, combining files, damaged files, failures, and merging runs."""

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from sigbench import L1, InputError, load, run_suite
from sigbench.benchmark.merge import merge
from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store.run_folder import MAX_SMALL_FILES_AT_END, RunFolder
from sigbench.cli.main import main
from sigbench.core.atomic import write_atomically
from sigbench.transforms import Identity

TINY = str(Path(__file__).parent / "tiny.toml")


def small(methods=("affine",), seeds=(1, 2), items=20):
    return load(TINY).select(methods=list(methods), seeds=list(seeds), items=items)


def cell_files(path):
    return sorted(p.name for p in (path / "cells").iterdir())


def values(path):
    row = ["problem", "seed", "method", "metric", "item"]
    cells = pd.concat(pd.read_parquet(file) for file in (path / "cells").glob("*.parquet"))
    assert not cells.duplicated(row).any()
    return cells.astype({"method": str}).set_index(row)["value"].sort_index()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of the tiny suite; tests copy it."""
    path = tmp_path_factory.mktemp("made") / "run"
    run_suite(small(), path)
    return path


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def test_only_one_run_writes_to_a_folder(run):
    with (
        RunFolder(run).locked(),
        pytest.raises(InputError, match="run is in use by another run: wait until it has finished"),
    ):
        run_suite(small(seeds=(3,)), run)
    assert run_suite(small(seeds=(3,)), run).computed == 3


def test_a_killed_run_releases_its_lock(here):
    script = (
        "import os, pathlib, signal\n"
        "from sigbench.benchmark.store.run_folder import RunFolder\n"
        "with RunFolder(pathlib.Path('run')).locked(): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    run_suite(small(), here / "run")


def test_reports_can_be_written_during_a_run(run):
    with RunFolder(run).locked():
        write_reports(run)
    assert "affine" in (run / "leaderboard.md").read_text()


def test_small_files_are_combined_at_the_end(tmp_path):
    path = tmp_path / "run"
    for first in range(0, 100, 20):  # many short runs
        run_suite(small(seeds=range(first, first + 20), items=2), path)
    assert len(values(path)) == 100 * 3 * 2 * 2
    assert len(cell_files(path)) <= MAX_SMALL_FILES_AT_END
    manifest = json.loads((path / "manifest.json").read_text())
    assert [f"cells/{name}" for name in cell_files(path)] == [
        f for f in manifest["files"] if f.startswith("cells/")
    ]
    board = pd.read_csv(path / "leaderboard.csv")
    assert (board["n"] == 200).all()
    assert run_suite(small(seeds=range(100), items=2), path).computed == 0


def test_small_files_are_combined_during_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr("sigbench.benchmark.run_suite.MAX_SMALL_FILES", 3)
    most = []
    suite = small(seeds=range(10), items=2)
    path = tmp_path / "run"
    run_suite(suite, path, progress=lambda *_: most.append(len(list((path / "cells").iterdir()))))
    assert max(most) <= 4
    alone = tmp_path / "alone"
    monkeypatch.setattr("sigbench.benchmark.run_suite.MAX_SMALL_FILES", 10**6)
    run_suite(suite, alone)
    pd.testing.assert_series_equal(values(path), values(alone), check_exact=True)


def test_a_run_killed_while_combining_files_loses_no_cell(tmp_path, monkeypatch):
    path, suite = tmp_path / "run", small(seeds=range(4), items=2)
    monkeypatch.setattr("sigbench.benchmark.run_suite.MAX_SMALL_FILES_AT_END", 10**6)
    run_suite(suite, path)
    before = values(path)
    ones = {p: p.read_bytes() for p in (path / "cells").iterdir()}
    monkeypatch.setattr("sigbench.benchmark.run_suite.MAX_SMALL_FILES_AT_END", 2)
    run_suite(suite, path)
    for file, data in ones.items():  # as if the old files had not been deleted yet
        file.write_bytes(data)
    assert len(RunFolder(path).cells.all()) == 12
    assert run_suite(suite, path).computed == 0
    pd.testing.assert_series_equal(values(path), before, check_exact=True)
    assert len(cell_files(path)) == 1


def test_outdated_duplicate_cells_do_not_reappear(here, monkeypatch):
    (here / "mine.py").write_text("def f(noisy): return 0.5 * noisy\n")
    suite = small(["mine:f"], seeds=(1, 2, 3))
    with monkeypatch.context() as patch:
        patch.setattr("sigbench.benchmark.run_suite.MAX_SMALL_FILES_AT_END", 1)
        patch.setattr(
            "pathlib.Path.unlink", lambda *_, **__: None
        )  # killed before the old files are deleted
        run_suite(suite, here / "run")
    assert len(cell_files(here / "run")) > 1
    (here / "mine.py").write_text("def f(noisy): raise OSError('not today')\n")
    outcome = run_suite(small(["mine:f"], seeds=(1, 2, 3)), here / "run")
    assert outcome.failed == 3
    assert "mine:f" not in set(values(here / "run").reset_index()["method"])


def test_outdated_cells_are_removed_from_a_shared_file(tmp_path):
    path, suite = tmp_path / "run", small(seeds=range(4))
    run_suite(suite, path)
    assert len(cell_files(path)) == 1
    before = values(path)
    methods = tuple(
        replace(m, entry=L1(Identity(), lam=9.0)) if m.name == "affine" else m
        for m in suite.methods
    )
    assert run_suite(replace(suite, methods=methods), path).computed == 4
    after = values(path)
    others = before.index.get_level_values("method") != "affine"
    pd.testing.assert_series_equal(after[others], before[others], check_exact=True)
    assert not (after == before)[~others].any()


def test_cells_of_an_older_version_of_a_metric_are_replaced(tmp_path):
    path, suite = tmp_path / "run", small(seeds=range(4))
    run_suite(suite, path)
    assert len(cell_files(path)) == 1
    before = values(path)
    newer = {
        name: replace(metric, version=metric.version + 1) for name, metric in suite.metrics.items()
    }
    assert run_suite(replace(suite, metrics=newer, seeds=(3,)), path).computed == 3
    pd.testing.assert_series_equal(values(path), before, check_exact=True)


@pytest.mark.parametrize("harm", ["cut", "flipped", "foreign"])
def test_an_unreadable_file_is_named_and_nothing_is_lost(run, harm):
    name = cell_files(run)[0]
    file = run / "cells" / name
    data = file.read_bytes()
    others = {n: (run / "cells" / n).read_bytes() for n in cell_files(run) if n != name}
    if harm == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif harm == "flipped":  # one bit of the values
        group = pq.ParquetFile(file).metadata.row_group(0)
        columns = [group.column(i) for i in range(group.num_columns)]
        values = next(c for c in columns if c.path_in_schema == "value")
        start = values.dictionary_page_offset or values.data_page_offset
        at = start + values.total_compressed_size - 1
        file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    else:
        pd.DataFrame({"a": [1]}).to_parquet(file)
    with pytest.raises(InputError, match=rf"{name} cannot be read: .*delete it"):
        run_suite(small(seeds=(1, 2, 3)), run)
    assert {n: (run / "cells" / n).read_bytes() for n in cell_files(run) if n in others} == others
    file.unlink()
    assert run_suite(small(seeds=(1, 2)), run).computed == 1


def test_a_full_disk_is_reported_and_nothing_is_lost(run, monkeypatch, capsys):
    before = values(run)
    sync = os.fsync

    def full(descriptor):
        if os.fstat(descriptor).st_size > 3000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*run/"):
        run_suite(small(seeds=(1, 2, 3)), run)
    pd.testing.assert_series_equal(values(run), before, check_exact=True)
    assert not list(run.rglob(".*parquet*"))
    monkeypatch.undo()
    assert run_suite(small(seeds=(1, 2, 3)), run).computed == 3


def test_a_full_disk_ends_the_command_in_one_line(here, capsys, monkeypatch):
    run = [
        "run",
        TINY,
        "--items",
        "4000",
        "--seeds",
        "1",
        "-m",
        "noisy",
        "-o",
        "run",
        "--quiet",
    ]
    limit = "import resource, signal; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
    script = limit + f"from sigbench.cli.main import main; raise SystemExit(main({run!r}))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "sigbench: error: [Errno 27] File too large: 'run/cells/" in done.stderr
    assert done.stderr.count("\n") == 1
    assert main(run) == 0


def test_the_log_contains_the_tracebacks(here):
    (here / "bad.py").write_text("def f(noisy): raise OSError('not today')\n")
    run_suite(small(["bad:f"]), here / "run")
    record = [json.loads(line) for line in (here / "run/failures.jsonl").read_text().splitlines()]
    assert [f["error"] for f in record] == ["OSError: not today"] * 2
    assert all(
        set(f) == {"suite", "problem", "seed", "method", "error", "cell_key"} for f in record
    )
    log = (here / "run/failures.log").read_text()
    assert log.count("raise OSError('not today')") == 2
    assert "UTC  bad:f on sparse-spikes, seed 2\nTraceback" in log


def test_failures_are_listed_until_their_cell_finishes(here):
    (here / "bad.py").write_text("def f(noisy): raise OSError('not today')\n")
    run_suite(small(["bad:f"]), here / "run")
    (here / "bad.py").write_text("def f(noisy): return 0.5 * noisy\n")

    def stop_after_seed_1(cell, out):
        if out is not None and cell.seed == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_suite(small(["bad:f"]), here / "run", progress=stop_after_seed_1)
    assert [f["seed"] for f in RunFolder(here / "run").failures()] == [2]
    assert (here / "run/failures.jsonl").read_text().count("\n") == 1
    assert run_suite(small(["bad:f"]), here / "run").failed == 0
    assert not (here / "run/failures.jsonl").exists()


@pytest.mark.parametrize("text", [b"\xff\n", b"[1]\n", b"{}\n", b"{\n"])
def test_an_invalid_failures_file_is_named(run, text):
    (run / "failures.jsonl").write_bytes(text)
    with pytest.raises(InputError, match=r"failures\.jsonl cannot be read .*: delete it"):
        write_reports(run)


def test_temporary_files_of_a_killed_run_are_deleted(run, monkeypatch):
    def dies(*_, **__):
        raise KeyboardInterrupt

    (run / "cells" / ".mine.parquet.bak").write_bytes(b"mine")
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", dies)
        patch.setattr("pathlib.Path.unlink", dies)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(run / "cells" / "a.parquet", b"PAR1")
    assert len(list((run / "cells").glob(".*"))) == 2
    run_suite(small(), run)
    assert [p.name for p in (run / "cells").glob(".*")] == [".mine.parquet.bak"]


def test_an_incomplete_last_line_of_failures_is_ignored(run, here):
    (run / "failures.jsonl").write_text('{"problem": "sparse-spikes", "seed": 1, "meth')
    assert RunFolder(run).failures() == []
    (here / "bad.py").write_text("def f(noisy): raise OSError('not today')\n")
    assert run_suite(small(["bad:f"]), run).failed == 2
    assert [f["seed"] for f in RunFolder(run).failures()] == [1, 2]
    assert (run / "failures.jsonl").read_text().count("\n") == 2


class TestMerge:
    def test_seeds_and_methods_are_merged(self, tmp_path):
        a, b, c, whole = (tmp_path / name for name in ("a", "b", "c", "whole"))
        run_suite(small(["affine"], seeds=(1, 2)), a)
        run_suite(small(["affine"], seeds=(3,)), b)
        run_suite(small(["blur"], seeds=(1, 2, 3)), c)
        run_suite(small(["affine", "blur"], seeds=(1, 2, 3)), whole)
        assert merge([a, b, c], tmp_path / "merged") == 12
        pd.testing.assert_series_equal(values(tmp_path / "merged"), values(whole), check_exact=True)
        boards = [
            pd.read_csv(path / "leaderboard.csv").drop(columns="ms_per_item")
            for path in (tmp_path / "merged", whole)
        ]
        pd.testing.assert_frame_equal(*boards)
        manifest = json.loads((tmp_path / "merged/manifest.json").read_text())
        assert manifest["seeds"] == [1, 2, 3]
        assert manifest["versions"]["numpy"] == np.__version__
        assert (
            run_suite(small(["affine", "blur"], seeds=(1, 2, 3)), tmp_path / "merged").computed == 0
        )

    def test_failures_are_kept_unless_another_run_has_the_cell(self, here):
        (here / "bad.py").write_text("def f(noisy): raise OSError('not today')\n")
        run_suite(small(["bad:f"], seeds=(1,)), here / "a")
        run_suite(small(["affine"], seeds=(1,)), here / "b")
        merge([here / "a", here / "b"], here / "merged")
        assert [f["method"] for f in RunFolder(here / "merged").failures()] == ["bad:f"]
        assert "OSError: not today" in (here / "merged/leaderboard.md").read_text()
        assert "raise OSError('not today')" in (here / "merged/failures.log").read_text()

    def test_contradicting_runs_are_refused(self, tmp_path):
        a, b = tmp_path / "a", tmp_path / "b"
        suite = small()
        run_suite(suite, a)
        run_suite(small(items=30), b)
        with pytest.raises(InputError, match=r"a contains problem .* items=20, not 30: .*b cannot"):
            merge([a, b], tmp_path / "out")
        changed = tuple(
            replace(m, entry=L1(Identity(), lam=9.0)) if m.name == "affine" else m
            for m in suite.methods
        )
        run_suite(replace(suite, methods=changed), b, fresh=True)
        with pytest.raises(InputError, match=r"method 'affine' differs between .*a and .*b"):
            merge([a, b], tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_different_values_of_a_cell_are_refused(self, tmp_path, monkeypatch):
        a, b = tmp_path / "a", tmp_path / "b"
        run_suite(small(), a)
        from sigbench.denoisers import Noisy

        monkeypatch.setattr(Noisy, "__call__", lambda self, noisy, *, sigma=None: 0.99 * noisy)
        run_suite(small(), b)
        match = r"'noisy' on 'sparse-spikes', seed 1: the values differ between .*a and .*b"
        with pytest.raises(InputError, match=match):
            merge([a, b], tmp_path / "out")

    def test_an_existing_run_is_not_overwritten(self, run, tmp_path):
        with pytest.raises(InputError, match="already contains a run"):
            merge([run], run)
        with pytest.raises(InputError, match="is not a run folder"):
            merge([run, tmp_path / "nothing"], tmp_path / "out")

    def test_the_command(self, run, tmp_path, capsys):
        assert main(["merge", str(run), "-o", str(tmp_path / "out")]) == 0
        assert "6 cells" in capsys.readouterr().err
        assert main(["merge", str(run), "-o", str(tmp_path / "out")]) == 2
