"""`compare`: the paired comparison of two methods of a run."""

import shutil

import numpy as np
import pandas as pd
import pytest

from sigbench import InputError, load, run_suite
from sigbench.benchmark.compare import compare
from sigbench.benchmark.store.manifest import FOLDERS
from sigbench.cli.main import main


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("compare") / "run"
    suite = load("table1").select(
        methods=["l1-tuned", "gmc-tuned", "affine", "sure"], seeds=[1, 2], items=100
    )
    run_suite(suite, path)
    return path


def test_the_difference_uses_paired_items(run):
    cells = pd.read_parquet(next((run / "cells").glob("*.parquet")))
    for one in compare(run, "l1-tuned", "affine"):
        own = cells[cells["metric"] == one.metric]
        wide = own.pivot(index=["seed", "item"], columns="method", values="value")
        difference = wide["l1-tuned"] - wide["affine"]
        assert one.difference.mean == pytest.approx(difference.mean())
        assert one.mean_a == pytest.approx(wide["l1-tuned"].mean())
        assert one.difference.low < one.difference.mean < one.difference.high
        unpaired = 2 * 1.96 * np.sqrt((wide[["l1-tuned", "affine"]].var() / 200).sum())
        assert one.difference.high - one.difference.low < unpaired
        assert one.better == "l1-tuned"
        assert one.p_value < 1e-4
        assert one.difference.n == one.groups == 200


def test_it_agrees_with_the_ranks(run):
    board = pd.read_csv(run / "leaderboard.csv").set_index(["metric", "method"])
    for other in ("affine", "sure", "gmc-tuned"):
        for one in compare(run, "l1-tuned", other):
            mine, theirs = (board.loc[(one.metric, m), "rank_low"] for m in ("l1-tuned", other))
            assert (one.better == "tie") == (mine == theirs)


def test_equal_methods_tie(run):
    for one in compare(run, "l1-tuned", "gmc-tuned"):
        assert (one.better, one.p_value, one.difference.mean) == ("tie", 1.0, 0.0)


def test_groups_are_resampled(tmp_path):
    suite = load("speech-smoke").select(
        methods=["wiener", "visu"], seeds=[1], problems=["white-0dB"]
    )
    run_suite(suite, tmp_path / "run")
    first = compare(tmp_path / "run", "wiener", "visu")[0]
    assert first.difference.n == 18
    assert first.groups == 6


def test_the_command_prints_a_table(run, capsys):
    assert main(["compare", str(run), "affine", "sure"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("| problem ")
    assert "Holm's correction over 3 comparisons" in out
    assert main(["compare", str(run), "affine", "sur"]) == 2
    assert "unknown method of the run 'sur': did you mean 'sure'?" in capsys.readouterr().err


def test_methods_without_common_items_cannot_be_compared(tmp_path):
    from dataclasses import replace

    suite = load("table1").select(methods=["affine", "sure"], seeds=[1], items=5)
    by_name = {m.name: m for m in suite.methods}
    run_suite(replace(suite, methods=(by_name["affine"],)), tmp_path)
    run_suite(replace(suite, methods=(by_name["sure"],), seeds=(2,)), tmp_path)
    with pytest.raises(InputError, match="affine and sure have no items in common"):
        compare(tmp_path, "affine", "sure")


def test_a_run_without_cells_is_refused(run, tmp_path):
    """Committed results have no cells."""
    shutil.copytree(run, tmp_path / "copy")
    for folder in FOLDERS:
        shutil.rmtree(tmp_path / "copy" / folder, ignore_errors=True)
    with pytest.raises(InputError, match="copy has no finished cells to compare"):
        compare(tmp_path / "copy", "affine", "sure")
