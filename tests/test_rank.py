"""`rank`: tables of scores from elsewhere, their tests over items and datasets, and their output."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from test_output import HOSTILE, rendered

from sigbench import InputError
from sigbench.benchmark.rank import page
from sigbench.benchmark.rank.json_output import as_json
from sigbench.benchmark.rank.layout import Columns
from sigbench.benchmark.rank.over_datasets import (
    average_ranks,
    friedman,
    smallest_p,
    units_needed,
    wilcoxon_p,
)
from sigbench.benchmark.rank.page import as_page
from sigbench.benchmark.rank.rank import rank_scores
from sigbench.benchmark.rank.read import read_scores
from sigbench.benchmark.rank.records import told_apart
from sigbench.benchmark.rank.text import as_markdown
from sigbench.cli.main import main
from sigbench.scoring.inference import mean_interval
from sigbench.scoring.ranks import ranks

PAGE = Path(__file__).parents[1] / "docs" / "rank.md"


@pytest.fixture
def table(tmp_path):
    """A function that writes a table and reads it."""

    def read(text, columns=None, name="scores.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_scores(path, columns or Columns(), **options)

    return read


def long_table(values, methods="abcdefgh", items=None, dataset=None):
    """Return the rows of a long table of ``values[method][item]``."""
    own = "" if dataset is None else f"{dataset},"
    return "".join(
        f"{own}{methods[i]},x{j},{value!r}\n"
        for i, row in enumerate(np.asarray(values).tolist())
        for j, value in enumerate(row)
    )


# Layouts


LONG = "method,item,value\na,x,1\na,y,2\nb,x,3\nb,y,5\n"


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        LONG.replace("\n", "\r\n"),
        LONG.replace("\n", "\r"),
        "\ufeff" + LONG,
        LONG.replace(",", "\t"),
        LONG.replace(",", ";"),
        LONG.replace(",", "|"),
        LONG.replace(",", " "),
        LONG.replace("method,item,value", "Model,File_Name,PSNR"),
        '"method","item","value"\n"a","x",1\n"a","y",2\n\n"b","x",3\n"b","y",5',
        "value,item,ignored,method\n1,x,?,a\n2,y,?,a\n3,x,?,b\n5,y,?,b\n",
        "item,a,b\nx,1,3\ny,2,5\n",
        ",a,b\nx,1,3\ny,2,5\n",
        "a,b\nx,1,3\ny,2,5\n",  # as R writes it: no name for the names of rows
        "item,a,b,mean\nx,1,3,2\ny,2,5,3.5\nAverage,1.5,4,9\n",
    ],
)
def test_all_layouts_give_the_same_scores(text, table):
    found = table(text)
    assert found.methods == ("a", "b")
    assert [own.items for own in found.datasets] == [("x", "y")]
    assert found.datasets[0].values.tolist() == [[1, 2], [3, 5]]
    assert found.higher_is_better


def test_rows_without_names_are_numbered(table):
    found = table("a,b\n1.5,3\n2.5,5\n")
    assert (found.methods, found.datasets[0].items) == (("a", "b"), ("line 2", "line 3"))


def test_rows_can_be_datasets_or_methods(table):
    for text in (
        "dataset,a,b\nx,1,3\ny,2,5\n",
        "method,x,y,Average\na,1,2,1.5\nb,3,5,4\n",
        "task,algorithm,score\nx,a,1\nx,b,3\ny,a,2\ny,b,5\n",
    ):
        found = table(text)
        assert found.methods == ("a", "b")
        assert [own.name for own in found.datasets] == ["x", "y"]
        assert [own.values.tolist() for own in found.datasets] == [[[1], [3]], [[2], [5]]]


def test_options_name_columns_in_any_case(table):
    text = "who,what,where,batch,one,two\na,x,d,g,1,9\na,y,d,h,2,9\nb,x,d,g,3,9\nb,y,d,h,5,9\n"
    found = table(text, Columns("who", "WHAT", "where", "batch", "one"), higher_is_better=False)
    (own,) = found.datasets
    assert (own.name, own.groups, own.values.tolist()) == ("d", ("g", "h"), [[1, 2], [3, 5]])
    assert "'two'" in found.read_as
    assert found.read_as.endswith("Lower is better.")


def test_a_pattern_chooses_columns_of_a_wide_table(table):
    text = "model,Avg. WER,size,A WER,B WER\na,9,7,1,2\nb,9,7,3,5\n"
    found = table(text, Columns(value="* WER"), higher_is_better=False)
    assert [own.name for own in found.datasets] == ["A WER", "B WER"]
    assert "'Avg. WER', 'size'" in found.read_as
    assert not found.cautions
    guessed = table(text)
    assert [own.name for own in guessed.datasets] == ["size", "A WER", "B WER"]
    assert any("--value" in caution for caution in guessed.cautions)
    assert any("--lower-is-better" in caution for caution in guessed.cautions)


def test_a_guess_is_never_silent(table):
    rows = "\na1,1,3\na2,2,5\n"
    assert "--dataset 'TESTACC'" in table(f"TESTACC,a,b{rows}").cautions[0]
    assert not table(f"TESTACC,a,b{rows}", Columns(item="TESTACC")).cautions
    assert "'win_rate'" in table(f"item,win_rate,b{rows}").cautions[0]
    assert "lines" not in str(table(f"item,a,b{rows}").cautions)
    skipped = table(f"item,a,b{rows}Mean,1.5,4\n")
    assert skipped.cautions == ("Rows that look like averages are not used: line 4.",)


def test_a_method_with_the_name_of_an_average_is_not_left_out_silently(table):
    columns = table("item,a,b,median\nx,1,3,2\ny,2,5,4\n")
    assert columns.methods == ("a", "b")
    assert any("'median'. If one is a method, rename it" in text for text in columns.cautions)
    rows = table("method,d1,d2\na,1,2\nb,2,3\nmedian,3,4\n")
    assert any("line 4. If one is a method, rename it" in text for text in rows.cautions)
    assert not table("item,a,b,average\nx,1,3,2\ny,2,5,4\n", Columns(item="item")).cautions


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("item,a,b\nx,91.5%,92.5%\ny,93.5%,94.5%\n", "'91.5%'"),
        ("method;item;value\na;x;0,5\nb;x;0,6\n", "'0,5'"),
        ('item,a,b\nx,"1,100","2,100"\n', "'1,100'"),
    ],
)
def test_scores_that_are_no_numbers_are_shown(text, cell, table):
    with pytest.raises(InputError, match=f"contains no numbers such as 0.5, but {cell}: write"):
        table(text)


def test_scores_below_the_least_normal_number_can_be_drawn(rng, table):
    values = (1e-310 * (1 + rng.random((3, 8)))).tolist()
    assert "<svg" in as_page(rank_scores(table(f"method,item,value\n{long_table(values)}")))


@pytest.mark.parametrize("name", ["rmse", "WER", "test_loss", "fid", "error rate"])
def test_the_direction_of_an_error_is_asked_for(name, table):
    text = LONG.replace("value", name)
    assert f"The name '{name}' suggests" in table(text).cautions[0]
    assert table(LONG, name="wer.csv").cautions
    assert not table(text, higher_is_better=True).cautions
    assert not table(text, higher_is_better=False).cautions


# Errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LONG.replace("y,2", "y,'2,5'"), "line 3: 4 cells instead of 3"),
        (LONG.replace("y,2", 'y,"12,5"'), "line 3, column 'value': '12,5' is not a number: use a"),
        (LONG.replace("y,2", "y,"), "line 3, column 'value' is empty"),
        (LONG.replace("y,2", "y,-"), "line 3, column 'value': '-' must be a finite number; leave"),
        (LONG.replace("y,2", "y,n/a"), "line 3, column 'value': 'n/a' must be a finite number"),
        (LONG.replace("y,2", "y,nan"), "line 3, column 'value': 'nan' must be a finite number"),
        (LONG.replace("y,2", "y,1e999"), "line 3, column 'value': '1e999' must be a finite"),
        (LONG.replace("a,y", ",y"), "line 3: the method .column 'method'. is empty"),
        (LONG.replace("y,2", "x,2"), "two scores of method 'a' on item 'x', lines 2 and 3"),
        ("item,a,b\nx,1,2\nx,1,3\n", "two scores of method 'a' on item 'x', lines 2 and 3"),
        ("item,a,a\nx,1,2\n", "the column 'a' occurs twice"),
        ("method,item,value\na,x,1\na,y,2\n", "has 1 method: at least two are needed"),
        ("method,item,value\na,x,1\nb,y,2\n", "no two methods have a common item"),
        ("method,score\na,1\nb,2\n", "has one score per method"),
        ("method,accuracy,f1\na,1,2\nb,2,3\n", "has one score per method"),
        ("item,a,b\nx,1,2\n", "has one score per method"),
        ("method,score\na,1\na,3\nb,2\n", "no column of items or datasets.*--item.*--dataset"),
        ("method,item,psnr,ssim\na,x,1,2\nb,x,1,2\n", "--value; one of: 'psnr', 'ssim'"),
        (
            "method,item,fold,value\na,x,1,2\n",
            "'item' or 'fold' may be the column of the item: .* --item",
        ),
        ("method,item,value\na,x,big\n", "has no column of numbers"),
        ("method,item,group,value\na,x,g,1\nb,x,h,2\n", "'x' is in group 'g' on line 2 and in 'h'"),
        ("method,item,value\na,x," + "9" * 200_000 + "\n", "line 2 cannot be read: field larger"),
        (f"method,item,value\n{'m' * 201},x,1\nb,x,1\n", "has 201 characters: at most 200"),
        ("method,item,value\n", "has 1 line: "),
        ("", "has 0 lines"),
        ('method,item,value\na,x,"1\nb,x,1\n', "cannot be read: unexpected end of data"),
        (b"method,item,value\na,\xff,1\n", "is not UTF-8"),
    ],
)
def test_an_invalid_table_is_refused_in_one_line(text, message, table):
    with pytest.raises(InputError, match=message) as error:
        table(text)
    assert "\n" not in str(error.value)


def test_a_metric_column_explains_duplicates(table):
    text = "method,item,metric,value\na,x,psnr,1\na,x,ssim,2\nb,x,psnr,1\n"
    with pytest.raises(InputError, match="lines differ in 'metric': keep the rows of one value"):
        table(text)


def test_metrics_that_were_read_as_methods_are_explained(table):
    text = "net,clip,PESQ,ESTOI\na,1,2.1,0.7\nb,1,2.3,0.8\n"
    with pytest.raises(InputError, match="name it with --method; it may be 'net'"):
        table(text)


def test_invalid_options_are_refused(table):
    for columns, message in (
        (Columns(item="foo"), "unknown column of .* 'foo': one of: item, method, value"),
        (Columns(item="method", method="METHOD"), "the column 'method' cannot have two roles"),
    ):
        with pytest.raises(InputError, match=message):
            table(LONG, columns)
    with pytest.raises(InputError, match="--value b needs a column of methods"):
        table("item,a,b\nx,1,2\ny,1,2\n", Columns(value="b"))


def test_the_number_of_methods_and_comparisons_is_limited(table):
    header = ",".join(f"m{i}" for i in range(501))
    rows = f"x,{','.join(['1'] * 501)}\ny,{','.join(['1'] * 501)}\n"
    with pytest.raises(InputError, match="501 methods: at most 500"):
        table(f"item,{header}\n{rows}")
    many = "".join(f"d{i % 100},m{i // 100},x,1\n" for i in range(40_000))
    few = "".join(f"d{i},m0,y,1\n" for i in range(100))
    with pytest.raises(InputError, match="400 methods on 200 items of 100 datasets are too many"):
        table(f"dataset,method,item,value\n{many}{few}")


# Statistics within a dataset: sigbench's own rule


def test_ranks_within_a_dataset_are_those_of_the_leaderboard(rng, table):
    values = rng.normal(size=(5, 30)) + np.arange(5)[:, None] / 2
    groups = np.repeat(np.arange(10), 3)
    text = "method,item,group,value\n" + "".join(
        f"{name},x{j},g{groups[j]},{values[i, j]!r}\n"
        for i, name in enumerate("abcde")
        for j in range(30)
    ).replace("np.float64(", "").replace(")", "")
    for higher in (True, False):
        (found,) = rank_scores(table(text, higher_is_better=higher)).datasets
        theirs = ranks(values, groups, higher_is_better=higher)
        assert (found.items, found.groups) == (30, 10)
        order = [row.mean.mean for row in found.methods]
        assert order == sorted(order, reverse=higher)
        for row in found.methods:
            i = "abcde".index(row.method)
            assert (row.rank_low, row.rank_high) == theirs[i]
            assert row.mean == mean_interval(values[i], groups)


def test_pairs_agree_with_scipy_and_statsmodels(rng, table):
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="needs statsmodels")
    values = rng.normal(size=(6, 40)) + np.arange(6)[:, None] / 4
    (found,) = rank_scores(table("method,item,value\n" + long_table(values))).datasets
    p = []
    for pair in found.pairs:
        a, b = values["abcdef".index(pair.a)], values["abcdef".index(pair.b)]
        theirs = scipy.stats.ttest_rel(a, b)
        interval = theirs.confidence_interval(0.95)
        p.append(theirs.pvalue)
        own = pair.test.difference
        assert (pair.test.test, pair.test.p_value) == ("t", pytest.approx(theirs.pvalue, rel=1e-9))
        assert (own.low, own.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    reject, adjusted, *_ = multitest.multipletests(p, method="holm")
    assert [pair.adjusted for pair in found.pairs] == pytest.approx(adjusted.tolist(), rel=1e-9)
    assert [bool(pair.better) for pair in found.pairs] == reject.tolist()
    assert 0 < reject.sum() < len(reject)


def test_missing_items_are_left_out_in_pairs_and_said(rng, table):
    values = rng.normal(size=(3, 20))
    lines = long_table(values).splitlines()
    text = "method,item,value\n" + "\n".join(line for line in lines if "c,x1" not in line)
    (found,) = rank_scores(table(text)).datasets
    kept = [j for j in range(20) if not str(j).startswith("1")]
    rows = {row.method: row.mean for row in found.methods}
    assert (rows["a"].n, rows["c"].n) == (20, len(kept))
    assert rows["c"].mean == pytest.approx(values[2, kept].mean())
    pair = next(pair for pair in found.pairs if {pair.a, pair.b} == {"a", "c"})
    theirs = scipy.stats.ttest_rel(values[0, kept], values[2, kept]).pvalue
    assert (pair.test.difference.n, pair.test.p_value) == (len(kept), pytest.approx(theirs))
    assert f"'c' has {len(kept)} of 20" in found.cautions[0]
    wide = "item,a,b,c\n" + "".join(
        f"x{j},{','.join(repr(float(v)) if i < 2 or j in kept else '' for i, v in enumerate(values[:, j]))}\n"
        for j in range(20)
    )
    assert rank_scores(table(wide)).datasets == (found,)


@pytest.mark.parametrize(
    ("items", "methods", "words"),
    [
        (2, 2, "2 items are too few for a test: nothing is significant. A test needs at least 3"),
        (5, 2, "sign test is 2/2^5 = 0.062, which is not below 5 %; 6 items are needed"),
        (6, 2, None),
        (6, 3, "2/2^6 = 0.031, and 0.094 after Holm over 3 pairs, which is not below 5 %; 7 items"),
        (7, 3, None),
    ],
)
def test_too_few_items_are_said(items, methods, words, rng, table):
    values = rng.normal(size=(methods, items))
    (found,) = rank_scores(table("method,item,value\n" + long_table(values))).datasets
    text = " ".join(found.cautions)
    assert words in text if words else not text


# Statistics over datasets


def test_the_smallest_p_value_is_that_of_scipy():
    for n, pairs in itertools.product((3, 6, 9), (1, 3, 10)):
        all_won = scipy.stats.wilcoxon(np.arange(1.0, n + 1)).pvalue
        assert smallest_p(n, pairs) == pytest.approx(min(1, pairs * all_won))
        assert wilcoxon_p(np.arange(1.0, n + 1))[1] == pytest.approx(all_won)
    for pairs in (1, 3, 45, 1128):
        n = units_needed(pairs)
        assert smallest_p(n, pairs) < 0.05 <= smallest_p(n - 1, pairs)


@pytest.mark.parametrize("n", [1, 5, 12, 30, 50, 51, 120])
def test_it_is_the_wilcoxon_test_of_scipy(n, rng):
    for shift in (0.0, 0.4):
        d = rng.normal(size=n) + shift
        balance, p = wilcoxon_p(d)
        theirs = scipy.stats.wilcoxon(d)
        assert p == pytest.approx(theirs.pvalue, rel=1e-9)
        assert n * (n + 1) / 2 - abs(balance) == pytest.approx(2 * theirs.statistic)


def test_with_ties_it_is_exact(rng):
    """Up to 13 differences, SciPy enumerates all signs; it does not know ties among floats."""
    for n in (4, 8, 10):
        d = rng.integers(1, 4, n) * rng.choice([-1, 1], n)
        theirs = scipy.stats.wilcoxon(d, method=scipy.stats.PermutationMethod()).pvalue
        assert wilcoxon_p(d / 10)[1] == pytest.approx(theirs, rel=1e-9)
        with_zeros = np.concatenate([d, np.zeros(5)])
        assert wilcoxon_p(with_zeros)[1] == pytest.approx(theirs, rel=1e-9)
    signs = np.array(list(itertools.product((-1, 1), repeat=6)))
    ranks_of = scipy.stats.rankdata([1, 1, 2, 2, 2, 3])
    sums = (signs > 0) @ ranks_of
    observed = wilcoxon_p(np.array([0.1, 0.3 - 0.2, -0.2, 0.2, 0.2, 0.3]))
    extreme = min(ranks_of[2], ranks_of.sum() - ranks_of[2])
    assert observed[1] == pytest.approx(2 * (sums <= extreme).mean())


def test_friedman_is_the_test_of_scipy_with_the_correction_of_iman_and_davenport(rng):
    scores = rng.integers(0, 5, (14, 4)).astype(float)
    own = friedman(average_ranks(scores, higher_is_better=True))
    theirs = scipy.stats.friedmanchisquare(*scores.T)
    assert (own.chi2, own.p_chi2) == pytest.approx((theirs.statistic, theirs.pvalue))
    # F is that of a two-way analysis of variance of the ranks.
    r = average_ranks(scores, higher_is_better=True)
    between = 14 * ((r.mean(axis=0) - r.mean()) ** 2).sum() / 3
    rest = (r - r.mean(axis=0) - r.mean(axis=1, keepdims=True) + r.mean()) ** 2
    assert own.f == pytest.approx(between / (rest.sum() / (3 * 13)))
    assert own.p_value == pytest.approx(scipy.stats.f.sf(own.f, 3, 39))
    same = friedman(np.full((5, 3), 2.0))
    assert (same.chi2, same.p_value) == (0.0, 1.0)
    # Of 3! orders, each of the other four datasets has the one of the first by chance.
    equal = friedman(np.tile([1.0, 2.0, 3.0], (5, 1)))
    assert (equal.f, equal.p_value) == (np.inf, pytest.approx(6.0**-4))
    tied = friedman(np.tile([1.5, 1.5, 3.0], (2, 1)))  # the worst of three methods is the same
    assert (tied.f, tied.p_value) == (np.inf, pytest.approx(1 / 3))


def datasets_table(scores, methods="abcdefgh"):
    rows = (f"d{i},{','.join(map(repr, row))}\n" for i, row in enumerate(scores.tolist()))
    return f"dataset,{','.join(methods[: scores.shape[1]])}\n" + "".join(rows)


def test_ranks_over_datasets_agree_with_scipy_statsmodels_and_scikit_posthocs(rng, table):
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="needs statsmodels")
    scores = rng.normal(size=(30, 5)) + np.arange(5) / 3
    found = rank_scores(table(datasets_table(scores), higher_is_better=False)).overall
    p = {}
    for pair in found.pairs:
        d = scores[:, "abcde".index(pair.a)] - scores[:, "abcde".index(pair.b)]
        p[pair.a, pair.b] = scipy.stats.wilcoxon(d).pvalue
        assert (pair.wins, pair.losses, pair.ties) == ((d < 0).sum(), (d > 0).sum(), 0)
    reject, adjusted, *_ = multitest.multipletests(list(p.values()), method="holm")
    assert [pair.adjusted for pair in found.pairs] == pytest.approx(adjusted.tolist())
    assert [bool(pair.better) for pair in found.pairs] == reject.tolist()
    average = scipy.stats.rankdata(scores, axis=1).mean(axis=0)
    assert found.methods[0].method == "abcde"[average.argmin()]
    for row in found.methods:
        won = sum(pair.better == row.method for pair in found.pairs)
        lost = sum(
            pair.better not in ("", row.method) and row.method in (pair.a, pair.b)
            for pair in found.pairs
        )
        assert (row.rank_low, row.rank_high) == (1 + lost, 5 - won)
        assert row.average_rank == pytest.approx(average["abcde".index(row.method)])
    posthocs = pytest.importorskip("scikit_posthocs", reason="needs scikit-posthocs")
    matrix = posthocs.posthoc_wilcoxon(scores.T.tolist(), p_adjust="holm").to_numpy()
    for pair in found.pairs:
        theirs = matrix["abcde".index(pair.a), "abcde".index(pair.b)]
        assert pair.adjusted == pytest.approx(theirs)


def test_a_better_method_is_better_in_the_direction_of_the_scores(table):
    scores = np.arange(1.0, 13.0)[:, None] * [1.0, 1.1] + [0, 0.1]
    for higher, best in ((True, "b"), (False, "a")):
        found = rank_scores(table(datasets_table(scores), higher_is_better=higher)).overall
        first = found.methods[0]
        assert (first.method, first.rank_low, first.best_on) == (best, 1, 12)
        (pair,) = found.pairs
        assert (pair.a, pair.wins, pair.better, found.friedman) == (best, 12, best, None)
        assert pair.p_value == 2 / 2**12


def test_the_score_of_a_dataset_is_the_mean_over_common_items(table):
    text = "dataset,method,item,value\n"
    text += "d,a,x,1\nd,a,y,2\nd,b,x,3\nd,b,y,5\n"
    text += "e,a,x,1\ne,a,y,9\ne,b,x,4\n"  # item y of e is not common
    text += "f,a,x,1\n"  # b lacks f
    found = rank_scores(table(text))
    assert found.overall.datasets == ("d", "e")
    assert [row.method for row in found.overall.methods] == ["b", "a"]
    assert found.overall.scores.tolist() == [[4, 1.5], [4, 1]]
    assert [one.name for one in found.datasets] == ["d", "e"]
    words = " ".join(found.overall.cautions)
    assert "1 of 3 datasets are left out" in words
    assert "1 methods lack some: 'b'" in words
    assert "In 1 datasets, the score is the mean over the items that all methods have" in words
    assert "2/2^2 = 0.5, which is not below 5 %; 6 datasets are needed" in words


def test_without_common_datasets_nothing_is_ranked(table):
    found = rank_scores(table("dataset,a,b,c\nx,1,,3\ny,,2,1\nz,1,2,\n"))
    assert found.overall.datasets == ()
    assert {(row.rank_low, row.rank_high) for row in found.overall.methods} == {(1, 3)}
    assert "3 of 3 datasets are left out" in found.overall.cautions[0]
    assert "0 datasets are too few" in found.overall.cautions[-1]
    assert "Over 0 datasets" in as_markdown(found)
    assert "0 datasets" in as_page(found)


def test_neighbors_are_counted(table):
    steps = np.arange(10.0)[:, None] + [0.0, 0.0, 5.0] + np.cos(np.arange(30.0)).reshape(10, 3)
    found = rank_scores(table(datasets_table(steps))).overall
    assert found.methods[0].method == "c"
    assert told_apart([row.method for row in found.methods], found.pairs) == (1, 2)
    text = as_markdown(rank_scores(table(datasets_table(steps))))
    assert "Significant differences: 2 of 3 pairs, and 1 of 2 pairs of neighbors on this" in text


# Output


def test_markdown_fits_80_columns(rng, table):
    names = [f"method-{i}-{'long' * 12}" for i in range(4)]
    values = rng.normal(size=(4, 9))
    text = "".join(long_table(values + i, names, dataset=f"{'dataset' * 9}{i}") for i in range(3))
    ranking = rank_scores(table(f"dataset,method,item,value\n{text}"))
    lines = as_markdown(ranking).splitlines()
    assert max(len(line) for line in lines if not line.startswith("#")) <= 80
    assert names[0] in as_markdown(ranking, width=None)
    many = "".join(long_table(values + i, names, dataset=f"{'d' * 70}{i}") for i in range(12))
    text = as_markdown(rank_scores(table(f"dataset,method,item,value\n{many}")))
    assert "## Within 12 datasets" in text
    assert max(map(len, text.splitlines())) <= 80


def test_json_has_the_documented_keys_and_no_nan(rng, table):
    text = "".join(long_table(rng.normal(size=(3, 2)), dataset=f"d{i}") for i in range(3))
    ranking = rank_scores(table(f"dataset,method,item,value\n{text}d9,a,x,1\n"))
    found = json.loads(json.dumps(as_json(ranking), allow_nan=False))
    documentation = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w.\[\], `]+)` \| (.*) \|$", documentation, re.M))

    def documented(key):
        return set(re.findall(r"`(\w+)`", rows[key])) - {"null", "t", "sign"}

    assert set(found) == {
        "file", "read_as", "higher_is_better", "level", "methods", "cautions", "overall", "datasets",
    }  # fmt: skip
    assert documented("overall") == set(found["overall"])
    assert documented("overall.methods") == set(found["overall"]["methods"][0])
    assert documented("overall.pairs") == set(found["overall"]["pairs"][0])
    assert documented("overall.friedman") == set(found["overall"]["friedman"])
    one = found["datasets"][0]
    assert documented("datasets") == set(one)
    assert documented("datasets[].methods") == set(one["methods"][0])
    assert documented("datasets[].pairs") == set(one["pairs"][0])
    assert documented("neighbors") == set(one["neighbors"])
    assert one["pairs"][0]["ci_low"] is None  # two items have no interval


def test_hostile_names_are_only_shown(tmp_path, table, capsys):
    utf8 = (name.strip() for name in HOSTILE if "\udc80" not in name)
    names = list(dict.fromkeys(utf8))
    lines = ["method,item,value"]
    for i, name in enumerate(names):
        quoted = name.replace('"', '""')
        lines += [f'"{quoted}",x{j},{i + j / 7}' for j in range(6)]
    ranking = rank_scores(table("\n".join(lines) + "\n"))
    assert len(ranking.table.methods) == len(names)
    html = rendered(as_markdown(ranking, width=None))
    for start in ("<script", "<a ", "<img", "<del", "<em>it", "<code"):
        assert start not in html
    html = as_page(ranking)
    body = html[html.index("<main") : html.index("</main")]
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert" in body
    assert "\x1b" not in html
    assert main(["rank", str(tmp_path / "scores.csv")]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_the_command_writes_a_page_and_replaces_nothing_else(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("scores.csv").write_text(LONG)
    assert main(["rank", "scores.csv", "--html", "ranks.html"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("# Ranks: scores.csv\n")
    assert err == "page: ranks.html\n"
    assert Path("ranks.html").read_text().startswith("<!DOCTYPE html>")
    assert main(["rank", "scores.csv", "--html", "ranks.html", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["methods"] == ["a", "b"]
    assert main(["rank", "scores.csv", "--html", "scores.csv"]) == 2
    assert "scores.csv exists and is not a page" in capsys.readouterr().err
    assert Path("scores.csv").read_text() == LONG
    assert main(["rank", "none.csv"]) == 2
    assert capsys.readouterr().err == "sigbench: error: none.csv: no such file\n"


def test_a_page_of_many_methods_and_datasets_is_bounded(rng, table):
    many = rng.normal(size=(60, 12)) + np.arange(60)[:, None] / 9
    names = [f"m{i}" for i in range(60)]
    html = as_page(rank_scores(table("method,item,value\n" + long_table(many, names))))
    assert html.count('<svg class="chart"') == 3
    assert "the first 40 of 60 methods" in html
    text = "".join(long_table(many[:3, :5], dataset=f"d{i}") for i in range(12))
    html = as_page(rank_scores(table(f"dataset,method,item,value\n{text}")))
    assert html.count('<svg class="chart"') == 2  # over datasets only
    assert html.count('<svg class="bar"') == 36


def test_a_page_that_would_be_too_large_has_no_charts(rng, table, monkeypatch):
    text = "".join(long_table(rng.normal(size=(4, 5)), dataset=f"d{i}") for i in range(3))
    ranking = rank_scores(table(f"dataset,method,item,value\n{text}"))
    assert as_page(ranking).count('<svg class="chart"') == 11  # 2 over datasets, 3 for each
    monkeypatch.setattr(page, "MAX_BYTES", 1000)
    assert '<svg class="chart"' not in as_page(ranking)
    assert as_page(ranking).count('<svg class="bar"') == 12


EXAMPLES = re.findall(
    r"<!-- (\S+) -->\n```csv\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.S
)


@pytest.mark.parametrize(("name", "csv", "output"), EXAMPLES, ids=["long", "wide"])
def test_the_examples_of_the_documentation(name, csv, output, table):
    assert as_markdown(rank_scores(table(csv, name=name)), width=None) + "\n" == output
