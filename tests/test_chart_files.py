"""The charts of runs, and their files."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest

from sigbench.benchmark.report import chart_files, run_charts
from sigbench.benchmark.report.level_charts import level_charts, series
from sigbench.benchmark.report.run_charts import KINDS, limit_row, problem_charts
from sigbench.benchmark.run_suite import run_suite
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.benchmark.suites.suite import load
from sigbench.cli.main import main
from sigbench.scoring.leaderboard import from_csv, leaderboard, to_csv
from sigbench.scoring.scores import MissingValues, Scores

LABEL = re.compile(r">(?:<title>[^<]*</title>)?([^<]+)</text>")


def made_scores(rng, *, methods=5, items=40, limit=True, metric="psnr"):
    """Return values of methods that differ by 0.5, and of the limit."""
    names = [f"m{i}" for i in range(methods)] + ["limit"] * limit
    noise = rng.normal(0, 0.1, (len(names), items))
    levels = np.append(0.5 * np.arange(methods), [methods] * limit)
    return Scores(
        "s",
        "p",
        "d",
        "g",
        metric,
        tuple(names),
        ("",) * len(names),
        ("none",) * methods + ("prior",) * limit,
        np.ones(items, int),
        np.arange(items),
        np.arange(items),
        20 + levels[:, None] + noise,
    )


def timings(scores):
    return [
        {"problem": "p", "method": m, "time_s": 1.0 + i, "items": 40, "contended": False}
        for i, m in enumerate(scores.methods)
    ]


def board_of(scores):
    return leaderboard([scores], timings(scores))


class TestProblemCharts:
    def test_all_kinds_and_those_of_the_board_alone(self, rng):
        scores = made_scores(rng)
        rows = board_of(scores)
        assert tuple(problem_charts(rows, scores)) == KINDS
        assert tuple(problem_charts(rows)) == ("intervals", "over_time")
        read = from_csv(to_csv(rows))
        assert tuple(problem_charts(read, scores)) == KINDS

    def test_pairs_are_tested_once(self, rng, monkeypatch):
        calls = []

        def counted(*args):
            calls.append(args)
            return compare_all(*args)

        compare_all = run_charts.compare_all
        monkeypatch.setattr(run_charts, "compare_all", counted)
        scores = made_scores(rng)
        problem_charts(board_of(scores), scores)
        assert len(calls) == 1

    def test_one_method_has_no_comparisons(self, rng):
        scores = made_scores(rng, methods=1)
        assert tuple(problem_charts(board_of(scores), scores)) == ("intervals", "over_time", "ecdf")

    def test_the_limit_is_that_of_the_gaps(self, rng):
        scores = made_scores(rng)
        assert limit_row(board_of(scores))["method"] == "limit"
        assert limit_row(board_of(made_scores(rng, limit=False))) is None
        # A bound is known by its gap of 0; other oracles are none.
        oracles = dataclasses.replace(
            scores, knowledge=(*scores.knowledge[:-2], "oracle", "oracle")
        )
        rows = leaderboard([oracles], timings(oracles), ["m4"])
        assert limit_row(from_csv(to_csv(rows)))["method"] == "m4"

    def test_distances_are_those_to_the_limit(self, rng):
        scores = made_scores(rng)
        chart = problem_charts(board_of(scores), scores)["ecdf"]
        median = np.sort(scores.values[5] - scores.values[4])[19]
        assert f"m4 {median:.4g}," in chart.description
        assert "psnr below the limit (dB)" in chart.body

    def test_without_a_limit_the_reference_is_the_best_and_said(self, rng):
        scores = made_scores(rng, limit=False)
        chart = problem_charts(board_of(scores), scores)["ecdf"]
        best = scores.values.max(axis=0)
        median = np.sort(best - scores.values[3])[19]
        assert f"m3 {median:.4g}," in chart.description
        assert "psnr below the best ranked method on the item (dB)" in chart.body

    def test_a_metric_of_which_less_is_better(self, rng):
        scores = made_scores(rng, metric="rmse")
        found = problem_charts(board_of(scores), scores)
        assert "rmse above the limit<" in found["ecdf"].body
        assert "← better" in found["critical_difference"].body
        # The limit has the largest rmse here, so every distance is negative.
        assert "m0 −" in found["ecdf"].description

    def test_groups_and_differences_are_those_of_the_ranks(self, rng):
        scores = made_scores(rng)
        values = scores.values.copy()
        values[1] = values[0] + rng.normal(0, 0.01, 40)
        scores = dataclasses.replace(scores, values=values)
        rows = board_of(scores)
        ranks = {row["method"]: (row["rank_low"], row["rank_high"]) for row in rows}
        assert ranks["m0"] == ranks["m1"] == (4, 5)
        found = problem_charts(rows, scores)
        assert "5 methods in 1 group" in found["critical_difference"].description
        assert (
            found["differences"].description == "9 of 10 pairs of 5 methods differ significantly."
        )

    def test_a_mean_over_some_items_is_not_on_the_front(self, rng):
        scores = made_scores(rng)
        assert "m4 (" in problem_charts(board_of(scores), scores)["over_time"].description
        values = scores.values.copy()
        values[4, 5:] = np.nan  # computed for five items, which may be the easy ones
        missing = {"m4": MissingValues(5, {"the estimate is silent": 35})}
        scores = dataclasses.replace(scores, values=values, missing=missing)
        chart = problem_charts(board_of(scores), scores)["over_time"]
        assert "m4" not in chart.description + chart.body
        assert "m3 (" in chart.description
        assert "1 without a time, or a finite mean over all items" in chart.description

    def test_infinite_and_missing_values(self, rng):
        scores = made_scores(rng)
        values = scores.values.copy()
        values[0, 3], values[1, 4], values[2] = np.inf, -np.inf, np.nan
        values[3, :20] = np.nan
        missing = {"m2": MissingValues(0, {"the estimate is silent": 40})}
        scores = dataclasses.replace(scores, values=values, missing=missing)
        for chart in problem_charts(board_of(scores), scores).values():
            assert "<svg" in chart.standalone()


def problem(kind="white", items=10, **params):
    return {
        "is": "Denoising",
        "name": "any",
        "dataset": {"is": "d v1", "n": 8, "clean": True},
        "degradation": {"is": kind, "sigma": None, "clip": False, **params},
        "items": items,
    }


class TestSeries:
    def test_problems_that_differ_in_one_number(self):
        found = series(
            {
                "a-10": problem(snr_db=10.0),
                "a-5": problem(snr_db=5, items=3),
                "b-5": problem("babble", snr_db=5.0),
                "c-5": problem(snr_db=5.0, clip=True),
                "d": problem(snr_db=None),
            }
        )
        assert [(s.name, s.parameter, s.levels) for s in found] == [
            ("a-*", "snr_db", {"a-5": 5.0, "a-10": 10.0})
        ]

    def test_a_grid_has_rows_and_columns(self):
        grid = {
            f"s{snr}-w{width}": problem(snr_db=snr, kernel={"is": "box", "width": width})
            for snr in (0, 10)
            for width in (1, 2, 3)
        }
        found = series(grid)
        assert sorted((s.parameter, len(s.levels)) for s in found) == [
            ("snr_db", 2),
            ("snr_db", 2),
            ("snr_db", 2),
            ("width", 3),
            ("width", 3),
        ]

    def test_a_ratio_is_in_db(self):
        (found,) = series({"r3": problem(snr=3.0), "r7": problem(snr=7.0)})
        assert found.levels == pytest.approx({"r3": 9.542425094, "r7": 16.90196080})

    def test_datasets_are_not_levels_unless_they_are_noisy(self):
        one, two = problem(), problem()
        two["dataset"] = {**two["dataset"], "n": 16}
        assert series({"a": one, "b": two}) == []
        for name, snr in (("a", 0.0), ("b", 5.0)):
            one = {**problem(), "dataset": {"is": "d v1", "snr_db": snr}}
            two = {**one, "dataset": {"is": "d v1", "snr_db": snr + 5}}
            assert [s.parameter for s in series({name: one, f"{name}2": two})] == ["snr_db"]

    def test_the_suites_have_the_series_of_their_names(self):
        def names(suite):
            from sigbench.benchmark.run_suite import shared

            return sorted(s.name for s in series(shared(load(suite))["problems"]))

        assert names("signals") == [
            f"{n}-snr*" for n in ("blocks", "bumps", "doppler", "heavisine")
        ]
        assert names("speech-smoke") == ["white-*dB"]
        assert names("table1") == []


class TestLevelCharts:
    def test_one_chart_per_series_and_metric(self, rng):
        scores = made_scores(rng)
        rows = [
            {**row, "problem": f"white-{snr}dB", "mean": row["mean"] + snr, "metric": metric}
            for snr in (0, 10)
            for metric in ("psnr", "rmse")
            for row in board_of(scores)
        ]
        problems = {f"white-{snr}dB": problem(snr_db=snr) for snr in (0, 10, 20)}
        first, second = level_charts(rows, problems)
        assert first.name == "white-dB.psnr.over_snr_db"
        assert second.title == "white-*dB: rmse over SNR (dB)"
        assert [c.name for c in level_charts(rows, problems, metric="rmse")] == [second.name]
        shown = [word for word in LABEL.findall(first.body) if re.fullmatch("m.|limit", word)]
        assert sorted(shown) == ["limit", "m0", "m1", "m2", "m3", "m4"]
        assert first.description == "5 methods at 2 levels from 0 to 10."


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("charts")
    suite = load("table1").select(
        methods=["noisy", "affine", "l1-tuned", "limit"], seeds=[1], items=20
    )
    run_suite(suite, folder / "run")
    return folder / "run"


@pytest.fixture
def run(made, here):
    shutil.copytree(made, here / "run")
    return here / "run"


class TestFiles:
    def test_file_names_are_safe_and_distinct(self):
        hostile = ["../x", "a/b", "a:b", "a b", "", "ü", "a\0b", "..", ".hidden", "x" * 300]
        taken = set()
        for word in [*hostile, "a_b", "Plain", "plain"]:
            name = chart_files.file_name([word, "psnr", "ecdf"], taken)
            assert re.fullmatch(r"[A-Za-z0-9=_-][A-Za-z0-9=_.-]{,200}|\.psnr.*", name)
            assert "/" not in name
            assert name.casefold() not in taken
            taken.add(name.casefold())

    def test_svg_without_the_converter(self, run, here, monkeypatch, capsys):
        monkeypatch.setattr(chart_files, "find_spec", lambda name: None)
        (here / "out").mkdir()
        (here / "out" / "mine.txt").write_text("kept")
        (here / "out" / "sparse-spikes.psnr.ecdf.svg").write_text("old")
        assert main(["report", "run", "--figures", "out"]) == 0
        line = capsys.readouterr().out.splitlines()[-1]
        assert line == (
            "18 files written to out. PDF and PNG need vl-convert-python: "
            "pip install 'sigbench[figures]'"
        )
        names = sorted(path.name for path in (here / "out").iterdir())
        metrics = RunFolder(run).manifest.require()["suite"]["metrics"]
        assert names == sorted(
            ["mine.txt", *(f"sparse-spikes.{m}.{k}.svg" for m in metrics for k in KINDS)]
        )
        assert (here / "out" / "mine.txt").read_text() == "kept"
        assert (here / "out" / "sparse-spikes.psnr.ecdf.svg").read_text().startswith("<?xml")

    def test_pdf_and_png(self, made):
        pytest.importorskip("vl_convert", reason="PDF and PNG are an extra")
        (_, chart), *_ = chart_files.run_charts(made)
        assert chart_files.convert(chart, "pdf").startswith(b"%PDF-")
        png = chart_files.convert(chart, "png")
        assert png.startswith(b"\x89PNG")
        width = int.from_bytes(png[16:20], "big")
        assert width == chart_files.PNG_SCALE * chart.width

    def test_a_run_without_cells_has_the_charts_of_its_board(self, run):
        shutil.rmtree(run / "cells")
        kinds = {words[-1] for words, _ in chart_files.run_charts(run)}
        assert kinds == {"intervals", "over_time"}

    def test_a_file_is_refused_before_anything_is_written(self, run, here, capsys):
        (here / "out").write_text("mine")
        board = (run / "leaderboard.csv").stat().st_mtime_ns
        assert main(["report", "run", "--figures", "out"]) == 2
        assert "--figures out is a file: it must be a folder" in capsys.readouterr().err
        assert (here / "out").read_text() == "mine"
        assert (run / "leaderboard.csv").stat().st_mtime_ns == board

    def test_several_runs(self, run, here, monkeypatch, capsys):
        monkeypatch.setattr(chart_files, "find_spec", lambda name: None)
        shutil.copytree(run, here / "again")
        assert main(["report", "run", "again", "--figures", "out"]) == 2
        assert "several runs of table1" in capsys.readouterr().err
        manifest = json.loads((here / "again" / "manifest.json").read_text())
        manifest["suite"]["name"] = "other"
        (here / "again" / "manifest.json").write_text(json.dumps(manifest))
        text = chart_files.write_chart_files([run, here / "again"], here / "out")
        assert text.startswith("36 files written")
        assert (here / "out" / "other.sparse-spikes.psnr.ecdf.svg").is_file()
