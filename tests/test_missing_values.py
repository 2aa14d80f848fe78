"""Values that cannot be computed: counted with their reasons, and never replaced by a number."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

import sigbench
from sigbench import METRICS, InputError, load, run_suite
from sigbench.benchmark.checks.check_floors import check, update
from sigbench.benchmark.checks.floors import load_floors
from sigbench.benchmark.compare import as_text, compare
from sigbench.benchmark.engine import evaluate
from sigbench.benchmark.engine.executors.base import ExecutorConfig, Serial
from sigbench.benchmark.merge import merge
from sigbench.benchmark.methods.functions import Function
from sigbench.benchmark.methods.resolve import Method
from sigbench.benchmark.report.board import board_text
from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store.cells import read_cells
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.main import main
from sigbench.scoring.inference import paired_test
from sigbench.scoring.leaderboard import leaderboard
from sigbench.scoring.scores import MissingValues, Scores

SUITE = """
name = "own"
seeds = [1, 2]
metrics = ["si_sdr", "rmse"]
block = 4
[[problems]]
name = "spikes"
dataset = "sparse-spikes"
degradation = "gaussian[sigma=3]"
items = 6
[[methods]]
name = "noisy"
method = "noisy"
[[methods]]
name = "blur"
method = "gaussian-blur"
"""
REASON = "the estimate is silent: SI-SDR is undefined"


def some_silent(noisy):
    """Return zeros for the second item of every block, otherwise the input: items 1 and 5 of 6."""
    estimate = 0.9 * noisy
    estimate[1:2] = 0
    return estimate


def all_silent(noisy):
    return 0 * noisy


def suite(here, *functions, seeds=(1, 2)):
    (here / "own.toml").write_text(SUITE)
    own = load(str(here / "own.toml")).select(seeds=list(seeds))
    added = [Method(f.__name__, Function(f)) for f in functions]
    return dataclasses.replace(own, methods=(*own.methods, *added))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    here = tmp_path_factory.mktemp("missing")
    return run_suite(suite(here, some_silent, all_silent), here / "run")


def test_other_items_and_metrics_keep_their_values(run):
    assert (run.computed, run.failed) == (8, 0)
    assert run.failures.empty
    scores = run.scores.set_index(["method", "metric", "seed", "item"])["value"]
    own = scores["some_silent"]
    assert np.flatnonzero(own["si_sdr"][1].isna()).tolist() == [1, 5]
    assert own["rmse"].notna().all()
    # 0.9·noisy has the SI-SDR of the noisy input.
    present = own["si_sdr"].notna()
    expected = scores["noisy"]["si_sdr"][present]
    np.testing.assert_allclose(own["si_sdr"][present], expected, rtol=1e-10)
    assert scores["all_silent"]["si_sdr"].isna().all()


def test_the_reasons_are_kept_with_the_cells(run):
    cells = RunFolder(run.path).cells
    for seed in (1, 2):
        assert cells.all()["spikes", seed, "some_silent"].missing == {"si_sdr": {REASON: [1, 5]}}
        assert cells.all()["spikes", seed, "blur"].missing == {}
    assert cells.missing_values() == 2 * (2 + 6)
    scores = RunFolder(run.path).scores("spikes", "si_sdr")
    assert scores.missing["some_silent"] == MissingValues(8, {REASON: 4})
    assert RunFolder(run.path).scores("spikes", "rmse").missing == {}


def test_the_leaderboard_counts_what_was_computed_and_gives_no_rank(run):
    board = run.leaderboard.set_index(["method", "metric"])
    assert board.loc[("some_silent", "si_sdr"), "n"] == 8
    assert board.loc[("all_silent", "si_sdr"), "n"] == 0
    assert np.isnan(board.loc[("all_silent", "si_sdr"), "mean"])
    for method in ("some_silent", "all_silent"):
        assert board.loc[(method, "si_sdr"), ["rank_low", "rank_high"]].isna().all()
        assert board.loc[(method, "rmse"), ["rank_low", "rank_high"]].notna().all()
    assert board.loc[("noisy", "si_sdr"), "rank_high"] <= 2  # two ranked methods
    values = run.scores.query("method == 'some_silent' and metric == 'si_sdr'")["value"]
    assert board.loc[("some_silent", "si_sdr"), "mean"] == pytest.approx(values.mean(), rel=1e-5)
    order = run.leaderboard.query("metric == 'si_sdr'")["method"].tolist()
    assert order[-2:] == ["some_silent", "all_silent"]


def test_a_method_that_leaves_out_the_hard_items_is_not_the_best():
    """Without the item at -50 dB, its mean would be the best; it does not count as a method."""
    items = np.arange(40)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 40)) * 0.01 + [[9.0], [8.0], [5.0]]
    values[0, 0] = np.nan
    scores = Scores(
        "s", "p", "d", "n", "psnr", ("partial", "good", "bad"), ("",) * 3, ("none",) * 3,
        np.ones(40, int), items, items, values, {"partial": MissingValues(39, {"silent": 1})},
    )  # fmt: skip
    timings = [
        {"problem": "p", "method": m, "time_s": 1.0, "items": 40, "contended": False}
        for m in scores.methods
    ]
    rows = leaderboard([scores], timings)
    assert [(row["method"], row["rank_low"], row["rank_high"]) for row in rows] == [
        ("good", 1, 1),
        ("bad", 2, 2),
        ("partial", None, None),
    ]


@pytest.mark.parametrize("limit", ["oracle", "prior"])
def test_neither_a_limit_nor_a_gap_is_taken_from_partial_values(limit):
    items = np.arange(4)
    values = np.array([[9.0, 9, 9, np.nan], [8, 8, 8, 8], [5, 5, 5, np.nan]])
    scores = Scores(
        "s", "p", "d", "n", "psnr", ("partial limit", "limit", "method"), ("",) * 3,
        (limit, limit, "none"), np.ones(4, int), items, items, values,
        {m: MissingValues(3, {"silent": 1}) for m in ("partial limit", "method")},
    )  # fmt: skip
    timings = [
        {"problem": "p", "method": m, "time_s": 1.0, "items": 4, "contended": False}
        for m in scores.methods
    ]
    gaps = {
        row["method"]: row["gap_to_limit"]
        for row in leaderboard([scores], timings, ["partial limit", "limit"])
    }
    assert gaps["limit"] == 0
    assert np.isnan([gaps["partial limit"], gaps["method"]]).all()


def test_the_reports_say_how_many_and_why(run):
    text = (run.path / "leaderboard.md").read_text()
    assert f"- some_silent, si_sdr, in spikes: computed for 8 of 12 items: {REASON} (4)" in text
    assert f"all_silent, si_sdr, in spikes: computed for 0 of 12 items: {REASON} (12)" in text
    lines = {
        line.split("|")[2].strip(): line.split("|") for line in text.splitlines() if "|" in line
    }
    assert lines["all_silent"][3].strip() == "- †"
    assert lines["some_silent"][1].strip() == ""
    assert lines["some_silent"][3].strip().endswith(" †")
    assert "**" not in lines["some_silent"][3]
    assert "nan" not in text
    board = board_text(RunFolder(run.path), ["all_silent"])
    assert "\n16 values could not be computed: see leaderboard.md" in board
    reason = f"not ranked, because si_sdr is computed for 0 of 12 items: {REASON} (12)"
    assert f"all_silent: {reason}" in " ".join(board.split())
    assert "Fewer than" not in board


def test_a_run_with_all_values_says_nothing_of_it(tmp_path):
    run = run_suite(suite(tmp_path), tmp_path / "run")
    text = (run.path / "leaderboard.md").read_text() + board_text(RunFolder(run.path))
    assert "computed" not in text
    assert "†" not in text
    (path, *_) = (run.path / "cells").glob("*.parquet")
    assert all("missing" not in cell.about for cell in read_cells(path))


def test_the_exit_code_is_that_of_success(here, capsys):
    (here / "own.toml").write_text(SUITE)
    (here / "zeros.py").write_text("def f(noisy): return 0 * noisy\n")
    command = ["run", "own.toml", "-m", "noisy", "zeros:f", "-o", "out", "-j", "1"]
    assert main(command) == 0
    assert "12 values could not be computed: see leaderboard.md" in capsys.readouterr().out
    assert main(command) == 0
    assert "0 cells run, 4 cached" in capsys.readouterr().err


def test_nan_without_a_reason_is_an_error(tmp_path, monkeypatch):
    def undefined(clean, estimate, peak):
        return np.where(estimate.any(axis=1), 1.0, np.nan)

    monkeypatch.setitem(METRICS, "own", dataclasses.replace(METRICS["rmse"], function=undefined))
    own = dataclasses.replace(suite(tmp_path, some_silent), metrics={"own": METRICS["own"]})
    run = run_suite(own, tmp_path / "run")
    assert run.failures["error"].tolist() == ["BadEstimate: own of item 1 is nan"] * 2


def test_compare_uses_the_items_that_both_have_and_says_so(run):
    found = compare(run.path, "some_silent", "blur")
    pairs = {pair.metric: pair for pair in found.pairs}
    assert pairs["si_sdr"].test.difference.n == 8
    assert pairs["si_sdr"].missing == (f"some_silent computed for 8 of 12 items: {REASON} (4)",)
    assert (pairs["rmse"].test.difference.n, pairs["rmse"].missing) == (12, ())
    text = as_text(found, 200)
    assert f"spikes, si_sdr: some_silent computed for 8 of 12 items: {REASON} (4)" in text
    assert " over 8 items\n" in text
    assert " over 12 items\n" in text


def test_a_method_without_values_is_neither_better_nor_tied(run, capsys):
    pairs = {pair.metric: pair for pair in compare(run.path, "all_silent", "blur").pairs}
    assert (pairs["si_sdr"].test.difference.n, pairs["si_sdr"].better) == (0, "")
    assert pairs["si_sdr"].test.p_value == 1
    scores = RunFolder(run.path).scores("spikes", "rmse")
    silent, blur = (scores.of(method)[0] for method in ("all_silent", "blur"))
    assert pairs["rmse"].test == paired_test(silent, blur, scores.groups, higher_is_better=False)
    assert main(["compare", str(run.path), "all_silent", "blur"]) == 0
    out = capsys.readouterr().out
    assert "nan" not in out
    assert "spikes: no items with both values" in out


def floors(here, **entry):
    path = here / "own.floors.toml"
    lines = {"problem": "spikes", "metric": "si_sdr", **entry}
    path.write_text(
        'suite = "own.toml"\n[[floors]]\n'
        + "".join(f"{k} = {json.dumps(v)}\n" for k, v in lines.items())
    )
    (here / "own.toml").write_text(SUITE)
    return load_floors(path)


def test_a_floor_on_partial_values_is_broken(run, tmp_path):
    written = floors(tmp_path, method="some_silent", floor=-100.0)
    (result,) = check(run.path, written)
    expected = f"si_sdr computed for 8 of 12 items: {REASON} (4)"
    assert (result.state, result.text) == ("broken", expected)
    assert update(run.path, written, allow_lower=True) == [
        f"kept     {written.floors[0].name}: {expected}"
    ]
    (result,) = check(run.path, floors(tmp_path, method="all_silent", floor=-100.0))
    assert result.state == "broken"
    (result,) = check(run.path, floors(tmp_path, method="some_silent", metric="rmse", floor=1e6))
    assert result.state == "holds"


def test_a_reference_with_partial_values_cannot_be_compared(run, tmp_path):
    reference = {"reference": str(run.path), "reference_method": "some_silent"}
    with pytest.raises(InputError, match="'some_silent' on 'spikes' computed for 8 of 12 items"):
        check(run.path, floors(tmp_path, method="blur", **reference))


def test_runs_with_equal_missing_values_can_be_merged(tmp_path):
    one = run_suite(suite(tmp_path, some_silent), tmp_path / "one")
    run_suite(suite(tmp_path, some_silent, seeds=(2,)), tmp_path / "two")
    merge([tmp_path / "one", tmp_path / "two"], tmp_path / "both")
    both = sigbench.read_run(tmp_path / "both")
    row = ["method", "metric", "seed", "item"]
    pd.testing.assert_series_equal(
        both.scores.set_index(row)["value"].sort_index(),
        one.scores.set_index(row)["value"].sort_index(),
    )
    scores = RunFolder(both.path).scores("spikes", "si_sdr")
    assert scores.missing == {"some_silent": MissingValues(8, {REASON: 4})}


def test_a_cell_with_another_value_missing_contradicts(tmp_path, monkeypatch):
    run_suite(suite(tmp_path, some_silent), tmp_path / "one")
    original = evaluate._scored

    def other(*args):
        measured = original(*args)
        return dataclasses.replace(measured, missing=dict.fromkeys(measured.missing, "other"))

    monkeypatch.setattr(evaluate, "_scored", other)
    monkeypatch.setattr(ExecutorConfig, "open", lambda self, own: Serial())  # not in a worker
    run_suite(suite(tmp_path, some_silent), tmp_path / "two")
    with pytest.raises(InputError, match="the values differ between"):
        merge([tmp_path / "one", tmp_path / "two"], tmp_path / "both")


def test_cells_of_older_versions_are_read(run, tmp_path, monkeypatch):
    """They have neither reasons nor the duration of the audio."""
    from sigbench.benchmark.store import cells

    original = cells._about

    def older(name, result):
        about = original(name, result)
        for key in ("audio_s", "latency_ms"):
            del about["timing"][key]
        return about

    monkeypatch.setattr(cells, "_about", older)
    old = run_suite(suite(tmp_path), tmp_path / "old")
    monkeypatch.undo()
    write_reports(old.path)
    assert old.timings[["audio_s", "latency_ms"]].isna().all(axis=None)
    assert "## Cost" not in (old.path / "leaderboard.md").read_text()
    assert run_suite(suite(tmp_path), tmp_path / "old").computed == 0


def test_partial_trainings_are_not_averaged(tmp_path):
    own = suite(tmp_path, some_silent)
    methods = [
        dataclasses.replace(m, trainings="net") if m.name in ("blur", "some_silent") else m
        for m in own.methods
    ]
    run = run_suite(dataclasses.replace(own, methods=tuple(methods)), tmp_path / "run")
    text = (run.path / "leaderboard.md").read_text()
    (line,) = [ln for ln in text.splitlines() if ln.startswith("| net ")]
    assert [cell.strip() for cell in line.split("|")[2:4]] == ["2", "-"]
