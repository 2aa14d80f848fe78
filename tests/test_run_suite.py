"""The run folder: its files, resuming and extending a run, and folders that are refused."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from sigbench import InputError, load, run_suite
from sigbench.benchmark.engine.evaluate import Cell
from sigbench.benchmark.engine.scheduler import Failure
from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store.cells import COLUMNS, TIMINGS
from sigbench.scoring.leaderboard import COLUMNS as LEADERBOARD


def small(methods=("l1-nonneg-tuned", "affine"), seeds=(1, 2), items=20):
    return load("table1").select(methods=list(methods), seeds=list(seeds), items=items)


def read(path):
    return pd.concat(pd.read_parquet(file) for file in sorted((path / "cells").glob("*.parquet")))


def values(path):
    cells = read(path)
    row = ["problem", "seed", "method", "metric", "item"]
    return cells.astype({"method": str}).set_index(row)["value"].sort_index()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of two methods of table1; tests copy it."""
    path = tmp_path_factory.mktemp("made") / "run"
    run_suite(small(), path)
    return path


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def test_the_folder_contains_the_documented_files_and_columns(run):
    names = {p.name for p in run.iterdir()}
    assert names == {
        ".lock",
        "cells",
        "estimates",
        "leaderboard.csv",
        "leaderboard.md",
        "manifest.json",
        "timings.parquet",
    }
    cells = pd.concat(pd.read_parquet(p) for p in (run / "cells").glob("*.parquet"))
    assert tuple(cells.columns) == COLUMNS
    # noisy, affine, l1-nonneg-tuned and the two limits, 2 seeds, 3 metrics, 20 items
    assert len(cells) == 5 * 2 * 3 * 20
    assert set(cells["seed"]) == {1, 2}
    assert cells["value"].dtype == np.float64
    timings = pd.read_parquet(run / "timings.parquet")
    assert tuple(timings.columns) == TIMINGS
    assert len(timings) == 10
    assert (timings["items"] == 20).all()
    board = pd.read_csv(run / "leaderboard.csv")
    assert tuple(board.columns) == LEADERBOARD
    assert len(board) == 5 * 3


def test_the_manifest_describes_the_run_without_paths_or_host_names(run):
    text = (run / "manifest.json").read_text()
    manifest = json.loads(text)
    assert manifest["suite"]["name"] == "table1"
    assert manifest["seeds"] == [1, 2]
    assert manifest["block"] == 500
    assert manifest["wall_time_s"] > 0
    assert {"numpy", "scipy", "python", "sigbench"} <= set(manifest["versions"])
    assert str(run.parent) not in text
    assert os.uname().nodename not in text
    for file in manifest["files"]:
        assert not file.startswith(("/", ".."))


def test_the_leaderboard_agrees_with_the_cells(run):
    board = pd.read_csv(run / "leaderboard.csv").set_index(["method", "metric"])
    cells = read(run)
    for (method, metric), own in cells.groupby(["method", "metric"], observed=True):
        row = board.loc[(method, metric)]
        assert row["mean"] == pytest.approx(own["value"].mean(), rel=1e-5)
        assert row["ci_low"] < row["mean"] < row["ci_high"]
        assert row["n"] == 40
    limit = board.loc[("limit", "psnr")]
    assert limit["gap_to_limit"] == 0
    assert np.isnan(limit["rank_low"])
    noisy = board.loc[("noisy", "psnr")]
    assert noisy["gap_to_limit"] == pytest.approx(limit["mean"] - noisy["mean"], rel=1e-4)
    assert (noisy["rank_low"], noisy["rank_high"]) == (3, 3)
    rmse = board.loc[("noisy", "rmse")]  # smaller is better, but the gap is still >= 0
    assert rmse["gap_to_limit"] == pytest.approx(
        rmse["mean"] - board.loc[("limit", "rmse")]["mean"], rel=1e-4
    )
    assert not rmse["higher_is_better"]


def test_a_finished_cell_is_never_run_again(run):
    before = {p.name: p.stat().st_mtime_ns for p in (run / "cells").iterdir()}
    outcome = run_suite(small(), run)
    assert (outcome.computed, outcome.cached, outcome.failed) == (0, 10, 0)
    assert {p.name: p.stat().st_mtime_ns for p in (run / "cells").iterdir()} == before


def test_a_run_is_extended(run):
    outcome = run_suite(small(methods=["wiener-printed"], seeds=(1, 2, 3)), run)
    assert (outcome.computed, outcome.cached) == (6, 6)
    board = pd.read_csv(run / "leaderboard.csv")
    assert set(board["method"]) >= {"affine", "wiener-printed", "limit"}
    assert json.loads((run / "manifest.json").read_text())["seeds"] == [1, 2, 3]


def test_values_do_not_depend_on_the_order_or_on_cached_cells(run, tmp_path):
    other = tmp_path / "other"
    run_suite(small(methods=["affine"], seeds=(2,)), other)
    run_suite(small(methods=["l1-nonneg-tuned", "affine"], seeds=(2, 1)), other)
    pd.testing.assert_series_equal(values(run), values(other), check_exact=True)


def test_an_interrupted_run_keeps_finished_cells_and_resumes(tmp_path):
    path, started = tmp_path / "run", []

    def stop_at_the_fourth(cell, out):
        if out is None and isinstance(cell, Cell):
            started.append(cell)
            if len(started) == 4:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_suite(small(), path, progress=stop_at_the_fourth)
    assert len(list((path / "cells").glob("*.parquet"))) == 2
    write_reports(path)
    report = (path / "leaderboard.md").read_text()
    assert all(f"| {cell.method.name} " in report for cell in started[:2])
    outcome = run_suite(small(), path)
    assert (outcome.computed, outcome.cached) == (8, 2)


def test_a_failed_cell_is_recorded_and_tried_again(here):
    (here / "flaky.py").write_text("def f(noisy): raise OSError('not today')\n")
    suite = small(methods=["affine", "flaky:f"])
    outcome = run_suite(suite, here / "run")
    assert (outcome.computed, outcome.failed) == (8, 2)
    lines = (here / "run" / "failures.jsonl").read_text().splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [1, 2]
    assert "OSError: not today" in lines[0]
    assert "| flaky:f | OSError: not today |" in (here / "run" / "leaderboard.md").read_text()
    tried = []
    run_suite(
        suite, here / "run", progress=lambda cell, out: tried.append((cell.method.name, type(out)))
    )
    assert [t for t in tried if t[1] is not type(None)] == [("flaky:f", Failure)] * 2
    assert len((here / "run" / "failures.jsonl").read_text().splitlines()) == 2


def test_cells_of_a_changed_method_are_computed_again(run):
    suite = load("table1").select(methods=["affine"], seeds=[1, 2], items=20)
    from dataclasses import replace

    from sigbench import L1
    from sigbench.transforms import Identity

    changed = tuple(
        replace(m, entry=L1(Identity(), lam=9.0)) if m.name == "affine" else m
        for m in suite.methods
    )
    outcome = run_suite(replace(suite, methods=changed), run)
    assert outcome.computed == 2
    cells = read(run)
    affine = cells[cells["method"] == "affine"]
    assert affine["cell_key"].nunique() == 2
    assert set(affine["params"]) == {
        "transform=identity, lam=9, nonneg=false, solver=exact[tol=1e-06]"
    }


def test_methods_with_equal_settings_are_separate(run):
    suite = load("table1").select(methods=["noisy", "noisy[sigma=given]"], seeds=[1, 2], items=20)
    assert run_suite(suite, run).computed == 2
    assert {"noisy", "noisy[sigma=given]"} <= set(pd.read_csv(run / "leaderboard.csv")["method"])


def test_extra_seeds_of_one_method_do_not_change_the_others(run):
    before = pd.read_csv(run / "leaderboard.csv").set_index(["method", "metric"])
    suite = load("table1").select(methods=["wiener-printed"], seeds=[7], items=20)
    from dataclasses import replace

    run_suite(replace(suite, methods=suite.methods[1:2]), run)
    after = pd.read_csv(run / "leaderboard.csv").set_index(["method", "metric"])
    for row in before.index:
        for column in ("mean", "gap_to_limit"):
            assert after.loc[row, column] == pytest.approx(before.loc[row, column], nan_ok=True)
        if not np.isnan(before.loc[row, "rank_low"]):
            assert after.loc[row, "rank_low"] == before.loc[row, "rank_low"]
    assert np.isnan(after.loc[("wiener-printed", "psnr"), "gap_to_limit"])


def test_another_spelling_of_a_dataset_path_keeps_the_cells(here):
    (here / "data").mkdir()
    for i in range(3):
        np.save(here / "data" / f"{i}.npy", np.arange(16.0) + i)
    text = """
        metrics = ["rmse"]
        seeds = [1]
        [[problems]]
        dataset = "folder[path=PATH,peak=20]"
        degradation = "gaussian[sigma=1]"
        [[methods]]
        method = "gaussian-blur"
    """
    for path, done in (("data", 2), ("./data", 0)):
        (here / "own.toml").write_text(text.replace("PATH", path))
        assert run_suite(load("own.toml"), here / "run").computed == done
    np.save(here / "data" / "0.npy", np.zeros(16))
    with pytest.raises(InputError, match="problem 'folder' with dataset="):
        run_suite(load("own.toml"), here / "run")


def test_learners_without_a_training_split_are_refused(here):
    np.save(here / "0.npy", np.arange(16.0))
    (here / "own.toml").write_text("""
        metrics = ["rmse"]
        [[problems]]
        dataset = "folder[path=.,peak=20]"
        degradation = "gaussian[sigma=1]"
        [[methods]]
        method = "affine"
    """)
    with pytest.raises(InputError, match="folder has no training split, which is needed by affine"):
        run_suite(load("own.toml"), here / "run")


def test_an_invalid_failures_file_is_named(run):
    (run / "failures.jsonl").write_text('{"problem": "spa\n')
    with pytest.raises(InputError, match=r"failures\.jsonl cannot be read .*: delete it"):
        run_suite(small(), run)


def test_other_runs_are_refused_and_kept(run):
    before = sorted(p.name for p in run.rglob("*"))
    with pytest.raises(InputError, match=r"contains a run with name 'table1', not 'signals'"):
        run_suite(load("signals").select(items=1), run)
    with pytest.raises(InputError, match=r"problem 'sparse-spikes' with items=20, not 30"):
        run_suite(small(items=30), run)
    assert sorted(p.name for p in run.rglob("*")) == before


def test_foreign_files_are_never_overwritten(tmp_path):
    (tmp_path / "leaderboard.csv").write_text("mine")
    with pytest.raises(InputError, match=r"contains leaderboard.csv but no manifest"):
        run_suite(small(), tmp_path)
    assert (tmp_path / "leaderboard.csv").read_text() == "mine"
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match="is not the manifest of a run"):
        run_suite(small(), tmp_path)


def test_fresh_deletes_only_what_the_manifest_lists(run):
    (run / "notes.txt").write_text("mine")
    (run / "cells" / "own.txt").write_text("mine")
    (run.parent / "outside.txt").write_text("mine")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["files"].append("../outside.txt")
    (run / "manifest.json").write_text(json.dumps(manifest))
    outcome = run_suite(small(items=5), run, fresh=True)
    assert (outcome.computed, outcome.cached) == (10, 0)
    for mine in (run / "notes.txt", run / "cells" / "own.txt", run.parent / "outside.txt"):
        assert mine.read_text() == "mine"


def test_a_damaged_cell_file_is_named(run):
    broken = next((run / "cells").glob("*.parquet"))
    broken.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"part-0000\.parquet cannot be read"):
        write_reports(run)


def test_a_report_needs_a_run(tmp_path):
    with pytest.raises(InputError, match="is not a run folder"):
        write_reports(tmp_path)


def test_keys_cover_what_changes_values_and_nothing_else():
    def keys(suite):
        return {(c.seed, c.method.name): c.key for c in suite.cells()}

    base = keys(small())
    assert keys(small()) == base
    assert set(keys(small(methods=["noisy"])).items()) <= set(base.items())
    assert not set(keys(small(items=21)).values()) & set(base.values())
    from dataclasses import replace

    assert not set(keys(replace(small(), block=100)).values()) & set(base.values())


# From a run of this suite. If a key changes here, the finished cells of all users become outdated.
KNOWN_KEY = "bbc5ce2ef76eb0aa2667fa82d00559c3"


def test_keys_are_stable():
    (cell,) = [c for c in small(seeds=(1,)).cells() if c.method.name == "l1-nonneg-tuned"]
    assert cell.key == KNOWN_KEY
