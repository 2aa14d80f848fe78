"""Gains over the noisy input in families of metrics, control methods, and the table of cost."""

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from sigbench import METRICS, load, run_suite
from sigbench.benchmark.merge import merge
from sigbench.benchmark.methods.resolve import Method
from sigbench.benchmark.report.cost import cost_table
from sigbench.benchmark.report.gains import gain_columns, in_families, preferences
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.core.protocols import Info
from sigbench.scoring.aggregate import average
from sigbench.scoring.gains import gains
from sigbench.scoring.inference import mean_interval
from sigbench.scoring.leaderboard import leaderboard
from sigbench.scoring.scores import MissingValues, Scores

SUITE = """
name = "own"
seeds = [1]
metrics = ["si_sdr", "louder", "roughness", "rmse"]
[[problems]]
name = "white-{snr_db}dB"
dataset = "speech-smoke"
degradation = "gaussian[snr_db=[0,10]]"
items = 6
[[methods]]
method = "noisy"
[[methods]]
method = "local-wiener"
[[methods]]
name = "blur"
method = "gaussian-blur[width=0.5]"
"""


@dataclass(frozen=True)
class Louder:
    """A control method for a metric that prefers loud estimates; two samples are needed ahead."""

    gain: float
    info: ClassVar[Info] = Info("louder", "control", "a test")
    latency_ms: ClassVar[float] = 0.125
    n_params: ClassVar[int] = 1234

    def __call__(self, noisy, *, sigma=None):
        return self.gain * noisy


def loudness(clean, estimate, peak):
    return 10 + np.log10(np.mean(estimate**2, axis=1) + 1e-9)


def roughness(clean, estimate, peak):
    """Return a distance, of which lower values are better."""
    return np.sqrt(np.mean(np.diff(estimate - clean, axis=1) ** 2, axis=1))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    here = tmp_path_factory.mktemp("gains")
    own = {
        "louder": dataclasses.replace(
            METRICS["psnr"], function=loudness, unit="", family="intelligibility"
        ),
        "roughness": dataclasses.replace(
            METRICS["rmse"], function=roughness, unit="", family="perception"
        ),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, metric in own.items():
            patch.setitem(METRICS, name, metric)
        (here / "own.toml").write_text(SUITE)
        suite = load(str(here / "own.toml"))
        controls = (Method("silence", Louder(0.0)), Method("gamer", Louder(2.0)))
        suite = dataclasses.replace(suite, methods=(*suite.methods, *controls))
        yield run_suite(suite, here / "run")


@pytest.fixture(scope="module")
def text(run):
    return (run.path / "leaderboard.md").read_text()


def cells(text, method, table):
    """Return the cells of a method in the table under a heading, without those before its name."""
    lines = text[text.index(table) :].splitlines()
    rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line)
    row = next(row for row in rows if method in row)
    return row[row.index(method) + 1 :]


def some_scores(metric, values, methods=("noisy", "a")):
    items = np.arange(values.shape[1])
    return Scores(
        "s", "p", "d", "n", metric, methods, ("",) * len(methods), ("none",) * len(methods),
        np.ones(len(items), int), items, items // 2, values,
    )  # fmt: skip


def test_a_gain_is_the_paired_difference_in_the_direction_of_the_metric(rng):
    values = 20 + rng.standard_normal((2, 30))
    for metric, sign in (("psnr", 1), ("rmse", -1)):
        found = gains(some_scores(metric, values))
        assert found["a"] == mean_interval(sign * (values[1] - values[0]), np.arange(30) // 2)
        assert (found["noisy"].mean, found["noisy"].low) == (0, 0)


def test_gains_use_the_items_that_both_have(rng):
    values = 20 + rng.standard_normal((3, 6))
    values[0, 0] = values[1, 1] = np.nan
    values[2] = np.nan
    found = gains(some_scores("psnr", values, ("noisy", "a", "b")))
    assert found["a"].n == 4
    assert found["a"].mean == pytest.approx(np.mean(values[1, 2:] - values[0, 2:]))
    assert "b" not in found
    assert gains(some_scores("psnr", values[1:], ("a", "b"))) == {}


def test_the_gain_of_a_mean_of_errors_is_the_difference_of_the_means(rng):
    values = 20 + rng.standard_normal((2, 30))
    metric = METRICS["psnr_global"]
    own, noisy = (average(metric, row, np.arange(30)).mean for row in values[::-1])
    assert gains(some_scores("psnr_global", values))["a"].mean == pytest.approx(own - noisy)


def test_metrics_without_families_are_shown_as_they_were(tmp_path):
    assert in_families(["psnr", "rmse"]) == {}
    suite = load("table1").select(methods=["affine"], seeds=[1], items=3)
    run_suite(suite, tmp_path / "run")
    text = (tmp_path / "run" / "leaderboard.md").read_text()
    assert "gains" not in text
    assert "## Cost" not in text  # no sampling rate


def test_a_problem_has_gains_under_its_families(run, text):
    header, _, names = text[text.index("## white-0dB") :].split("\n| ")[1:4]
    families = ["waveform", "intelligibility", "perception", "other"]
    assert [cell.strip() for cell in header.split("|")[2:6]] == families
    shown = ["*si_sdr (dB)*", "*louder*", "*roughness*", "*rmse*"]
    assert [cell.strip() for cell in names.split("|")[2:6]] == shown
    scores = run.scores.query("problem == 'white-0dB'").pivot(
        index=["item", "group"], columns=["metric", "method"], values="value"
    )
    row = cells(text, "local-wiener", "## white-0dB")
    for cell, metric, sign in zip(row, ["si_sdr", "louder", "roughness"], [1, 1, -1], strict=False):
        difference = sign * (scores[metric]["local-wiener"] - scores[metric]["noisy"])
        mean, _, half = cell.strip("*").partition(" ± ")
        assert float(mean) == pytest.approx(difference.mean(), abs=0.006)
        interval = mean_interval(difference.to_numpy(), scores.index.get_level_values("group"))
        assert float(half) == pytest.approx((interval.high - interval.low) / 2, abs=0.006)
        assert mean[0] in "+-"


def test_the_noisy_input_has_its_absolute_values(run, text):
    board = run.leaderboard.set_index(["problem", "method", "metric"])["mean"]
    for problem in ("white-0dB", "white-10dB"):
        row = cells(text, "noisy", f"## {problem}")
        for cell, metric in zip(row, ["si_sdr", "louder"], strict=False):
            mean = float(cell.strip("*").partition(" ± ")[0])
            assert mean == pytest.approx(board[problem, "noisy", metric], abs=0.006)


def test_the_summary_is_the_mean_over_problems(run, text):
    folder = RunFolder(run.path)
    for number, metric in enumerate(["si_sdr", "louder", "roughness"]):
        of = [gains(folder.scores(p, metric))["blur"] for p in ("white-0dB", "white-10dB")]
        mean, _, above = cells(text, "blur", "Mean gain")[number].partition(" ")
        assert float(mean) == pytest.approx(sum(gain.mean for gain in of) / 2, abs=0.006)
        assert above == f"({sum(gain.low > 0 for gain in of)})"
    summary = text[text.index("| method ") : text.index("Some metrics")].strip()
    assert max(map(len, summary.splitlines())) <= 80
    assert "| noisy" not in summary
    assert cells(text, "silence (control)", "Mean gain")[0] == "-"


def test_metrics_that_prefer_a_control_method_are_named(text):
    sentence = "- louder prefers the control method gamer to {} in all 2 problems\n"
    assert sentence.format("the noisy input") in text
    assert sentence.format("every other method") in text
    assert "si_sdr prefers" not in text  # a gain does not change it
    assert "louder prefers the control method silence" not in text


def test_gains_over_a_partial_noisy_input_are_marked(rng):
    """Its gains leave out the same items for every method, which the ranks do not."""
    values = rng.standard_normal((2, 6)) + np.array([[0.0], [9.0]])
    values[0, 0] = np.nan
    missing = {"noisy": MissingValues(5, {"too short": 1})}
    scores = dataclasses.replace(some_scores("si_sdr", values), missing=missing)
    board = leaderboard([scores], [cost(method=name) for name in scores.methods])
    of_metric, summaries = {"si_sdr": gains(scores)}, {"si_sdr": scores.summary()}
    columns = gain_columns(board, ["si_sdr"], of_metric, summaries)
    assert all(columns.cells[name, "si_sdr"].endswith(" †") for name in ("noisy", "a"))
    of = {("p", "si_sdr"): of_metric["si_sdr"]}
    assert [found.rival for found in preferences(board, of, ["a"], set())] == ["the noisy input"]
    incomplete = {("p", "noisy", "si_sdr")}
    assert list(preferences(board, of, ["a"], incomplete)) == []


def test_without_the_noisy_input_there_are_no_gains(tmp_path):
    suite = load("speech-smoke").select(
        methods=["sure"], problems=["white-0dB"], seeds=[1], items=2
    )
    methods = tuple(method for method in suite.methods if method.name != "noisy")
    run = run_suite(dataclasses.replace(suite, methods=methods), tmp_path / "run")
    text = (run.path / "leaderboard.md").read_text()
    assert "gains" not in text
    assert "| sure " in text


def test_one_problem_has_no_summary_and_merging_keeps_the_controls(run, tmp_path):
    merge([run.path], tmp_path / "copy")
    manifest = RunFolder(tmp_path / "copy").manifest.require()["suite"]
    assert manifest["controls"] == ["gamer", "silence"]
    assert (tmp_path / "copy" / "leaderboard.md").read_text() == (
        run.path / "leaderboard.md"
    ).read_text()
    suite = dataclasses.replace(load("speech-smoke"), full=None)
    suite = suite.select(methods=["affine"], problems=["white-0dB"], seeds=[1], items=2)
    one = run_suite(suite, tmp_path / "one")
    text = (one.path / "leaderboard.md").read_text()
    assert "Mean gain" not in text
    assert "gains over the noisy input" in text


def test_the_cost_of_every_method_is_listed(run, text):
    timings = run.timings.set_index(["problem", "method"])
    # 6 clips of 35,200 samples at 16 kHz
    assert (timings["audio_s"] == 6 * 35_200 / 16_000).all()
    assert timings["latency_ms"].groupby("method").first().to_dict() == pytest.approx(
        {
            "blur": math.nan,
            "gamer": 0.125,
            "local-wiener": math.nan,
            "noisy": 0.0,
            "silence": 0.125,
        },
        nan_ok=True,
    )
    latency, factor, memory, parameters = cells(text, "gamer", "## Cost")
    assert (latency, parameters) == ("0.125 ms", "1,234")
    own = timings.xs("gamer", level="method")
    assert float(factor) == pytest.approx((own["time_s"] / own["audio_s"]).median(), rel=0.06)
    assert float(memory) == pytest.approx(own["peak_rss_mb"].max(), abs=1)
    assert cells(text, "blur", "## Cost")[0] == "whole item"


def cost(**values):
    default = {
        "problem": "p", "seed": 1, "method": "a", "time_s": 1.0, "items": 2, "contended": False,
        "peak_rss_mb": math.nan, "n_params": 0, "audio_s": 4.0, "latency_ms": 8.0,
    }  # fmt: skip
    return {**default, **values}


def test_contended_times_and_data_without_audio_do_not_count():
    text = cost_table([cost(), cost(seed=2, time_s=9.0, contended=True)])
    assert cells(text, "a", "") == ["8 ms", "0.25", "", "0"]
    assert cells(cost_table([cost(contended=True)]), "a", "")[1] == "0.25"
    assert cost_table([cost(audio_s=math.nan)]) == ""
    one = [cost(), cost(problem="q", latency_ms=math.nan)]
    assert cells(cost_table(one), "a", "")[0] == "whole item"


@pytest.mark.parametrize("latency", [-1.0, math.nan, "8 ms"])
def test_an_invalid_latency_is_an_error(tmp_path, latency):
    @dataclass(frozen=True)
    class Wrong:
        latency_ms = latency

        def __call__(self, noisy, *, sigma=None):
            return noisy.copy()

    suite = load("speech-smoke").select(
        methods=["noisy"], problems=["white-0dB"], seeds=[1], items=1
    )
    suite = dataclasses.replace(suite, methods=(Method("wrong", Wrong()),))
    run = run_suite(suite, tmp_path / "run")
    assert run.failures["error"].tolist() == [
        f"BadEstimate: latency_ms={latency!r} must be a number >= 0, or None"
    ]
