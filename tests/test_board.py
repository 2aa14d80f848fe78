"""The board on the terminal, the notes of leaderboard.md, and results as data frames."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

import sigbench
from sigbench import GaussianBlur, InputError, Tuned, load, run_suite
from sigbench.benchmark.methods.resolve import Method
from sigbench.benchmark.report import board
from sigbench.benchmark.report.board import board_text
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.main import main
from sigbench.core.escape import printable
from sigbench.scoring.leaderboard import COLUMNS, from_csv, leaderboard, to_csv
from sigbench.scoring.scores import Scores


def timing(method):
    return {"problem": "p", "method": method, "time_s": 1.0, "items": 40, "contended": False}


MINE = "import numpy as np\ndef f(noisy, sigma): return np.maximum(noisy - 2.6, 0)\n"
SMALL = ["--seeds", "1,2", "--items", "40", "-o", "out", "-m", "noisy", "affine", "l1-tuned"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    suite = load("table1").select(methods=["affine", "l1-tuned"], seeds=[1, 2], items=40)
    return run_suite(suite, tmp_path_factory.mktemp("board") / "run")


class TestBoard:
    def test_an_added_method_has_a_sentence(self, here, capsys):
        (here / "mine.py").write_text(MINE)
        assert main(["run", "table1", *SMALL, "mine:f"]) == 0
        out = capsys.readouterr().out
        sentence = (
            r"mine:f: rank 1 of 4, 0\.\d\d dB below the limit, "
            r"\d\.\d+ dB \[\d\.\d+, \d\.\d+\] above l1-tuned"
        )
        assert re.search(f"^{sentence}$", out, re.M)
        assert max(map(len, out.splitlines())) <= 100
        assert main(["report", "out"]) == 0
        assert re.search(f"^{sentence}$", capsys.readouterr().out, re.M)

    def test_the_last_method_is_compared_with_the_one_above(self, here, capsys):
        (here / "bad.py").write_text("def f(noisy): return -noisy\n")
        assert main(["run", "table1", *SMALL, "bad:f"]) == 0
        assert re.search(r"^bad:f: rank 4 of 4, .* below noisy$", capsys.readouterr().out, re.M)

    def test_the_difference_is_the_paired_mean(self, run):
        text = board_text(RunFolder(run.path), ["l1-tuned"])
        wide = run.scores.query("metric == 'psnr_table1'").pivot(
            index=["seed", "item"], columns="method", values="value"
        )
        difference = (wide["l1-tuned"] - wide["affine"]).mean()
        assert f"{difference:.2f} dB [" in text

    def test_a_narrow_or_short_terminal_cuts_names_and_the_middle(self, tmp_path):
        names = [f"gaussian-blur-with-a-long-name-{i:02}" for i in range(30)]
        suite = load("table1").select(seeds=[1], items=5, methods=["noisy"])
        methods = [Method(n, GaussianBlur(0.1 * (i + 1))) for i, n in enumerate(names)]
        suite = dataclasses.replace(suite, methods=(*suite.methods, *methods))
        run_suite(suite, tmp_path / "run")
        whole = board_text(RunFolder(tmp_path / "run")).splitlines()
        assert sum("gaussian-blur" in line for line in whole) == 30
        text = board_text(RunFolder(tmp_path / "run"), [names[29]], columns=72, lines=24)
        lines = text.splitlines()
        assert max(map(len, lines)) <= 72
        assert len(lines) <= 24
        assert any("gauss…me-06 " in line for line in lines)
        assert re.search(r"\.\.\. \d+ more methods", text)
        assert "limit " in text
        assert "noisy " in text

    def test_bold_is_for_the_best(self, run):
        text = board_text(RunFolder(run.path), bold=True)
        (line,) = [line for line in text.splitlines() if "\x1b[1m" in line]
        assert "l1-tuned" in line

    def test_failed_cells_are_listed(self, here):
        source = "def make(i):\n    def f(noisy): raise OSError(f'not today {i}')\n    return f\n"
        (here / "bad.py").write_text(source + "".join(f"f{i} = make({i})\n" for i in range(12)))
        wanted = ["noisy", *(f"bad:f{i}" for i in range(12))]
        run_suite(load("table1").select(methods=wanted, seeds=[1, 2], items=2), here / "run")
        lines = board_text(RunFolder(here / "run")).splitlines()
        assert "failed: bad:f0 on sparse-spikes, seed 1, 2: OSError: not today 0" in lines
        assert lines[-1] == "... and 2 more: see leaderboard.md"
        assert "failed" not in board_text(RunFolder(here / "run"), failures=False)

    def test_overlapping_rank_ranges_need_not_be_a_tie(self, tmp_path):
        """A beats C; B ties with both, so that all ranges overlap: A 1-2, B 1-3, C 2-3."""
        shifts = {"a": 1.0, "b": 0.5, "c": 0.0}
        rng = np.random.default_rng(3)
        noise = rng.normal(size=(3, 40)) * [[0.01], [3.0], [0.01]]
        values = noise + np.array(list(shifts.values()))[:, None]
        items = np.arange(40)
        scores = Scores(
            "s", "p", "d", "n", "psnr", tuple(shifts), ("",) * 3, ("none",) * 3,
            np.ones(40, int), items, items, values,
        )  # fmt: skip
        rows = leaderboard([scores], [timing(name) for name in shifts])
        assert [(row["rank_low"], row["rank_high"]) for row in rows] == [(1, 2), (1, 3), (2, 3)]
        tests = board._tests(scores)
        assert tests.pairs.better(0, 2)
        assert not any(tests.pairs.better(*pair) for pair in [(0, 1), (1, 0), (1, 2), (2, 1)])
        two = [row for row in rows if row["method"] != "b"]
        assert " above c" in board._sentence("a", two, scores, tests)
        assert "tied with b" in board._sentence("a", rows, scores, tests)

    def test_a_tie_is_never_next_to_an_interval_without_zero(self):
        """B is significantly above C alone, but not with Holm's correction over 3 pairs."""
        rng = np.random.default_rng(0)
        c, noise, much = rng.standard_normal((3, 20))
        noise = (noise - noise.mean()) / noise.std(ddof=1)  # t = 0.5·√20 = 2.24, p = 0.038
        items = np.arange(20)
        scores = Scores(
            "s", "p", "d", "n", "psnr", ("a", "b", "c"), ("",) * 3, ("none",) * 3,
            np.ones(20, int), items, items, np.stack([c + 9 * much, c + 0.5 + noise, c]),
        )  # fmt: skip
        rows = leaderboard([scores], [timing(name) for name in "abc"])
        assert {(row["rank_low"], row["rank_high"]) for row in rows} == {(1, 3)}
        two = [row for row in rows if row["method"] != "a"]
        sentence = board._sentence("b", two, scores, board._tests(scores))
        # 0.5 ± 2.093/√20
        assert sentence.endswith(
            ", 0.50 dB [0.03, 0.97] above c (significant alone, not after Holm over 3 pairs)"
        )

    def test_control_characters_do_not_reach_the_terminal(self):
        assert printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"


class TestNotes:
    def report(self, path):
        return (path / "leaderboard.md").read_text()

    def test_a_partial_run_is_marked(self, run):
        text = self.report(run.path)
        assert "**Partial run: 5 of 28 methods, 2 of 3 seeds, 40 of 1,000 items per seed.**" in text
        assert "Partial run: 5 of 28 methods" in board_text(RunFolder(run.path))

    def test_a_complete_run_is_not_marked(self, tmp_path):
        suite = load("table1").select(methods=["noisy"], seeds=[1], items=3)
        run_suite(dataclasses.replace(suite, full=None), tmp_path / "run")
        assert "Partial" not in self.report(tmp_path / "run")

    def test_missing_problems_are_counted(self, tmp_path):
        suite = load("signals").select(methods=["noisy"], problems=["doppler-snr7"], items=2)
        run_suite(suite, tmp_path / "run")
        assert "Partial run: 1 of 8 problems" in self.report(tmp_path / "run")

    def test_with_too_few_items_nothing_is_bold(self, tmp_path):
        suite = load("table1").select(methods=["affine", "sure"], seeds=[1], items=2)
        run_suite(suite, tmp_path / "run")
        text = self.report(tmp_path / "run")
        table = text[text.index("## sparse-spikes") :]
        assert "**" not in table
        assert "With 2 items, no method is significantly better" in table

    def test_one_group_has_no_intervals(self, tmp_path):
        run_suite(load("table1").select(methods=["affine"], seeds=[1], items=1), tmp_path / "run")
        text = self.report(tmp_path / "run")
        assert "Too few for confidence intervals and tests: 1 item." in text

    def test_the_best_is_bold_if_there_is_one(self, run):
        text = self.report(run.path)
        assert re.search(r"l1-tuned +\| +\*\*", text)
        assert "no method is significantly better" not in text

    @pytest.mark.parametrize(
        ("widths", "edge"),
        [([0.1, 0.7, 3.0], False), ([2.0, 3.0, 4.0], True), ([0.1, 0.2, 0.3], True)],
    )
    def test_a_value_at_the_edge_of_its_grid_is_marked(self, tmp_path, widths, edge):
        suite = load("table1").select(methods=["noisy"], seeds=[1], items=5)
        tuned = Method("blur", Tuned(GaussianBlur(), {"width": widths}))
        run_suite(dataclasses.replace(suite, methods=(*suite.methods, tuned)), tmp_path / "run")
        text = self.report(tmp_path / "run")
        assert ("at the edge of their grid: blur (width). " in text) == edge
        assert bool(re.search(r"` \(at the edge of its grid\) +\|", text)) == edge

    def test_zero_is_the_bound_of_a_parameter_not_of_the_grid(self):
        tuned = Tuned(GaussianBlur(), {"width": [0.0, 1.0, 2.0]})
        assert tuned.grid_edges(GaussianBlur(0.0)) == ()
        assert tuned.grid_edges(GaussianBlur(2.0)) == ("width",)


class TestFrames:
    def test_run_suite_returns_what_it_wrote(self, run):
        assert (run.computed, run.cached, run.failed) == (10, 0, 0)
        again = sigbench.read_run(run.path)
        assert again == sigbench.Run(run.path)
        for name in ("scores", "leaderboard", "timings", "failures"):
            pd.testing.assert_frame_equal(getattr(again, name), getattr(run, name))

    def test_scores_are_the_cells(self, run):
        scores = run.scores
        assert len(scores) == 5 * 2 * 40 * 3  # methods, seeds, items, metrics
        assert set(scores["method"]) == {"noisy", "affine", "l1-tuned", "limit", "limit-samplewise"}
        mean = scores.query("method == 'affine' and metric == 'rmse'")["value"].mean()
        board = run.leaderboard.set_index(["method", "metric"])
        assert board.loc[("affine", "rmse"), "mean"] == pytest.approx(mean, rel=1e-5)

    def test_the_leaderboard_has_the_types_of_its_columns(self, run):
        board = run.leaderboard
        assert tuple(board.columns) == COLUMNS
        assert board["rank_low"].dtype == "Int64"
        assert board["mean"].dtype == np.float64
        assert board["higher_is_better"].dtype == bool
        assert board.loc[board["method"] == "limit", "rank_low"].isna().all()

    def test_text_that_looks_like_a_formula_is_restored(self):
        row = dict.fromkeys(COLUMNS, "")
        row |= {"method": "=1+1", "n": 3, "mean": 1.5, "rank_low": None, "higher_is_better": True}
        (restored,) = from_csv(to_csv([row]))
        assert restored["method"] == "=1+1"
        assert (restored["n"], restored["mean"], restored["rank_low"]) == (3, 1.5, None)
        assert restored["higher_is_better"] is True

    def test_failures_are_listed(self, here):
        (here / "bad.py").write_text("def f(noisy): raise OSError('not today')\n")
        run = run_suite(load("table1").select(methods=["noisy", "bad:f"], items=2), here / "run")
        assert run.failed == 3
        assert set(run.failures["error"]) == {"OSError: not today"}
        assert sigbench.read_run(here / "run").failures["seed"].tolist() == [1, 2, 3]

    def test_a_folder_without_a_run_is_refused(self, tmp_path):
        with pytest.raises(InputError, match=f"{tmp_path.name} is not a run folder"):
            sigbench.read_run(tmp_path)


def test_compare_reports_a_difference_only_if_test_and_interval_agree(run):
    from sigbench.benchmark.compare import compare

    for one in compare(run.path, "l1-tuned", "affine").pairs:
        certain = not one.test.difference.low <= 0 <= one.test.difference.high
        assert (one.better != "tie") == certain == (one.test.p_value < 0.05)
    with pytest.raises(InputError, match="unknown problem of the run 'no'"):
        compare(run.path, "l1-tuned", "affine", problems=["no"])


def test_a_method_for_images_is_refused_on_signals(capsys):
    assert main(["run", "table1", "-m", "bm3d", "-o", "out"]) == 2
    err = capsys.readouterr().err
    assert "bm3d is a method for image data, but table1 has signal data" in err


def test_an_error_cannot_change_the_terminal(capsys):
    assert main(["run", "\x1b[2J"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_a_method_of_another_suite_is_reported_with_its_definition():
    with pytest.raises(
        InputError, match=r"'resnet' is not defined here; in the suite images32 it is network\[weig"
    ):
        load("table1").select(methods=["resnet"])
