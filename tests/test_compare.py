"""`compare`: the paired comparison of two methods of a run."""

import dataclasses
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from sigbench import InputError, load, run_suite
from sigbench.benchmark.compare import Comparison, Comparisons, as_text, compare
from sigbench.benchmark.store.manifest import FOLDERS
from sigbench.cli.main import main
from sigbench.scoring.inference import Mean, PairedTest


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("compare") / "run"
    suite = load("table1").select(
        methods=["l1-tuned", "gmc-tuned", "affine", "sure"], seeds=[1, 2], items=100
    )
    run_suite(suite, path)
    return path


@pytest.fixture(scope="module")
def signals(tmp_path_factory):
    """Two problems; one method is run on one of them only, another fails on the seed 2."""
    path = tmp_path_factory.mktemp("signals")
    (path / "own.toml").write_text(
        'name = "own"\nmetrics = ["psnr", "rmse"]\nseeds = [1, 2]\n'
        + "".join(
            f'[[problems]]\nname = "{name}"\ndataset = "sparse-spikes"\n'
            f'degradation = "gaussian[sigma={sigma}]"\nitems = 8\n'
            for name, sigma in (("loud", 3), ("quiet", 1))
        )
        + '[[methods]]\nmethod = "noisy"\n[[methods]]\nmethod = "affine"\n'
        '[[methods]]\nmethod = "gaussian-blur"\nproblems = ["quiet"]\n'
    )
    (path / "some.py").write_text(
        "import numpy as np\n"
        "def fails(noisy):\n"
        "    if np.median(abs(noisy)) > 1.4: raise OSError('not today')\n"
        "    return 0.5 * noisy\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        main(["run", "own.toml", "-m", "some:fails", "-o", "run", "--quiet", "-j", "1"])
    return path / "run"


def test_the_difference_uses_paired_items(run):
    cells = pd.read_parquet(next((run / "cells").glob("*.parquet")))
    found = compare(run, "l1-tuned", "affine").pairs
    assert {one.metric for one in found} == {"psnr_table1", "psnr", "rmse"}
    for one in found:
        own = cells[cells["metric"] == one.metric]
        wide = own.pivot(index=["seed", "item"], columns="method", values="value")
        theirs = scipy.stats.ttest_rel(wide["l1-tuned"], wide["affine"])
        interval = theirs.confidence_interval(0.95)
        d = one.test.difference
        assert (d.low, d.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
        assert d.mean == pytest.approx((wide["l1-tuned"] - wide["affine"]).mean())
        assert one.mean_a == pytest.approx(wide["l1-tuned"].mean())
        assert one.test.p_value == pytest.approx(theirs.pvalue, rel=1e-6)
        assert one.better == "l1-tuned"
        assert d.n == one.test.groups == 200


def test_it_agrees_with_the_ranks(run):
    board = pd.read_csv(run / "leaderboard.csv").set_index(["metric", "method"])
    for other in ("affine", "sure", "gmc-tuned"):
        for one in compare(run, "l1-tuned", other).pairs:
            mine, theirs = (board.loc[(one.metric, m), "rank_low"] for m in ("l1-tuned", other))
            assert (one.better == "tie" or one.alone) == (mine == theirs)
            assert one.pairs == (0 if one.better == "tie" else 10)  # of 5 methods, with the noisy


def test_a_limit_has_no_rank_and_so_no_correction(run):
    for one in compare(run, "limit", "affine").pairs:
        assert (one.better, one.pairs, one.alone) == ("limit", 0, False)


def test_equal_methods_tie(run):
    for one in compare(run, "l1-tuned", "gmc-tuned").pairs:
        d = one.test.difference
        assert (one.better, one.test.p_value) == ("tie", 1.0)
        assert (d.mean, d.low, d.high) == (0, 0, 0)


def test_groups_are_the_units(tmp_path):
    suite = load("speech-smoke").select(
        methods=["wiener", "visu"], seeds=[1], problems=["white-0dB"]
    )
    run_suite(suite, tmp_path / "run")
    found = compare(tmp_path / "run", "wiener", "visu")
    assert found.pairs[0].test.difference.n == 18
    assert found.pairs[0].test.groups == 6
    assert "white-0dB: paired t test over 6 groups of 18 items" in as_text(found)


def test_the_command_prints_what_was_compared_and_how(run, capsys):
    assert main(["compare", str(run), "affine", "sure"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("A: affine\nB: sure\n\nsparse-spikes: paired t test over 200 items\n")
    assert main(["compare", str(run), "affine", "sur"]) == 2
    assert "unknown method of the run 'sur': did you mean 'sure'?" in capsys.readouterr().err


@pytest.mark.parametrize("columns", [72, 80, 100])
def test_the_text_fits_the_terminal(run, signals, monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for folder, a, b in ((run, "l1-tuned", "sure"), (signals, "affine", "some:fails")):
        assert main(["compare", str(folder), a, b]) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


def test_long_metrics_and_small_numbers_fit_80_columns():
    rows = [(1e-7, -1e-8, 2e-7), (1e200, -1e190, 3e200), (-123456.0, -123999.0, -122000.0)]
    pairs = [
        Comparison(
            "p", "noise_underestimation", "dB", -12.34, 1e-200,
            PairedTest(Mean(*row, 20), 20, 0.04, "t"), "b", 45, 0.9,
        )
        for row in rows
    ]  # fmt: skip
    text = as_text(Comparisons("a" * 120, "b", tuple(pairs), ()))
    assert max(map(len, text.splitlines())) <= 80
    assert "noise_" in text
    assert "+1e-07 [-1e-08, +2e-07]" in text


def test_problems_are_chosen_by_name_or_pattern(signals, capsys):
    for chosen, expected in (
        (["quiet"], ["quiet"]),
        (["*"], ["loud", "quiet"]),
        (["qui*", "loud"], ["loud", "quiet"]),
        (None, ["loud", "quiet"]),
    ):
        found = compare(signals, "noisy", "affine", problems=chosen).pairs
        assert list(dict.fromkeys(one.problem for one in found)) == expected
    assert main(["compare", str(signals), "noisy", "affine", "-p", "qui*", "--problem", "lod"]) == 2
    err = capsys.readouterr().err
    assert "unknown problem of the run 'lod': did you mean 'loud'? (one of: loud, quiet)" in err
    assert main(["compare", str(signals), "noisy", "affine", "-p", "qui*"]) == 0
    out = capsys.readouterr().out
    assert "quiet: paired t test over 16 items" in out
    assert "loud" not in out


def test_what_is_left_out_is_listed(signals, capsys):
    assert main(["compare", str(signals), "gaussian-blur", "noisy"]) == 0
    assert "gaussian-blur was not run on loud" in capsys.readouterr().out
    found = compare(signals, "some:fails", "noisy")
    assert {one.problem for one in found.pairs} == {"quiet"}
    assert found.left_out == tuple(
        f"some:fails failed on loud, seed {seed}: OSError: not today" for seed in (1, 2)
    )
    expected = r"no items in common \(gaussian-blur was not run on loud\)"
    with pytest.raises(InputError, match=expected):
        compare(signals, "gaussian-blur", "noisy", problems=["loud"])


@pytest.mark.parametrize(("items", "size"), [(1, "1 item"), (2, "2 items")])
def test_too_few_items_are_not_tested(here, capsys, items, size):
    run_suite(
        load("table1").select(methods=["affine", "noisy"], seeds=[1], items=items), here / "r"
    )
    assert main(["compare", "r", "affine", "noisy"]) == 0
    out = capsys.readouterr().out
    assert f"sparse-spikes: {size}, too few for a test" in out
    assert re.search(r"^psnr \(dB\) .* [+-][\d.]+  +-  -$", out, re.M)
    assert "nan" not in out


def test_a_method_is_not_compared_with_itself(run, capsys):
    assert main(["compare", str(run), "affine", "affine"]) == 2
    expected = "'affine' cannot be compared with itself: name two methods"
    assert expected in capsys.readouterr().err


def test_significant_alone_is_said_next_to_the_pairs_of_the_leaderboard():
    pair = Comparison(
        "p", "psnr", "dB", 20.5, 20.0, PairedTest(Mean(0.5, 0.03, 0.97, 20), 20, 0.038, "t"),
        "b", 45, 0.62,
    )  # fmt: skip
    text = as_text(Comparisons("b", "c", (pair,), ()))
    assert re.search(r"\+0\.50 \[\+0\.03, \+0\.97\] +0\.0380  A \(alone\)$", text, re.M)
    line = "p, psnr: significant alone, not after Holm over 45 pairs (p = 0.62): a tie on"
    assert line in text
    two = dataclasses.replace(pair, adjusted=0.04)
    assert "alone" not in as_text(Comparisons("b", "c", (two,), ())).split("A - B: mean")[0]


def test_methods_without_common_items_cannot_be_compared(tmp_path):
    suite = load("table1").select(methods=["affine", "sure"], seeds=[1], items=5)
    by_name = {m.name: m for m in suite.methods}
    run_suite(dataclasses.replace(suite, methods=(by_name["affine"],)), tmp_path)
    run_suite(dataclasses.replace(suite, methods=(by_name["sure"],), seeds=(2,)), tmp_path)
    with pytest.raises(InputError, match="affine and sure have no items in common"):
        compare(tmp_path, "affine", "sure")


def test_a_run_without_cells_is_refused(run, tmp_path):
    """Committed results have no cells."""
    shutil.copytree(run, tmp_path / "copy")
    for folder in FOLDERS:
        shutil.rmtree(tmp_path / "copy" / folder, ignore_errors=True)
    with pytest.raises(InputError, match="copy has no finished cells to compare"):
        compare(tmp_path / "copy", "affine", "sure")


INFINITE = """
import numpy as np

truth = np.load("truth.npz")
noisy0, clean0 = truth["noisy"], truth["clean"]


def with_truth(estimate, noisy, chosen):
    \"\"\"Return the estimate, with the clean item where chosen; the nearest noisy item tells which.\"\"\"
    for k, item in enumerate(noisy):  # slightly scaled in the passes that are only timed
        index = int(((noisy0 - item) ** 2).sum(axis=(1, 2)).argmin())
        if chosen(index):
            estimate[k] = clean0[index]
    return estimate


def perfect(noisy):
    return with_truth(noisy.copy(), noisy, lambda i: True)


def half_perfect(noisy):
    return with_truth(noisy.copy(), noisy, lambda i: i % 2 == 0)


def one_perfect(noisy):
    return with_truth(-noisy, noisy, lambda i: i == 0)


def huge(noisy):
    return np.full_like(noisy, 1e200)
"""


def test_infinite_and_huge_values_in_a_run(here, capsys):
    """Perfect on one of 20 items and bad elsewhere; on half; everywhere; 1e200 everywhere."""
    (here / "own.toml").write_text(
        'name = "own"\nmetrics = ["psnr", "rmse", "psnr_global", "si_sdr"]\nseeds = [1]\n'
        '[[problems]]\nname = "spikes"\ndataset = "sparse-spikes"\n'
        'degradation = "gaussian[sigma=3]"\nitems = 20\n'
        '[[methods]]\nmethod = "noisy"\n[[methods]]\nmethod = "affine"\n'
    )
    (block,) = load("own.toml").problems[0].blocks(1, 20)
    np.savez(here / "truth.npz", noisy=block.noisy, clean=block.clean)
    (here / "cheat.py").write_text(INFINITE)
    names = ["perfect", "half_perfect", "one_perfect", "huge"]
    command = ["run", "own.toml", "-o", "out", "-j", "1", "-m", "noisy", "affine"]
    assert main([*command, *(f"cheat:{name}" for name in names)]) == 0
    capsys.readouterr()
    board = pd.read_csv(here / "out" / "leaderboard.csv").set_index(["metric", "method"])
    for metric in ("psnr", "rmse", "psnr_global", "si_sdr"):
        rows = board.loc[metric]
        rank = {name: tuple(rows.loc[f"cheat:{name}", ["rank_low", "rank_high"]]) for name in names}
        assert rank["perfect"] == (1, 1)
        assert rank["huge"] == (6, 6)
        assert rank["half_perfect"][0] >= 2
        assert rank["one_perfect"][0] >= 3
        assert (rows.index[0], rows.index[-1]) == ("cheat:perfect", "cheat:huge")
    text = (here / "out" / "leaderboard.md").read_text()
    bold = [line for line in text.splitlines() if line.startswith("|") and "**" in line]
    assert [line.split("|")[2].strip() for line in bold] == ["cheat:perfect"]
    for one in compare(here / "out", "cheat:perfect", "cheat:half_perfect").pairs:
        assert (one.better, one.alone) == ("cheat:perfect", False)
        assert one.test.p_value < 0.005
    for one in compare(here / "out", "cheat:one_perfect", "noisy").pairs:
        assert one.better == ("tie" if one.metric == "si_sdr" else "noisy")
