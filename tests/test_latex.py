"""Boards as LaTeX tables."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sigbench import InputError, load, run_suite
from sigbench.benchmark.report.latex import MARKER, latex_tables, write_latex
from sigbench.benchmark.report.tables import is_best
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.main import main
from sigbench.core.escape import latex
from sigbench.scoring.leaderboard import LIMITS, from_csv, to_csv

TINY = str(Path(__file__).parent / "tiny.toml")
HOSTILE = "[a] *b* \\input{/etc/passwd} $x^2$ & 5% #1 ~ `'\" <b> {c --- λ \u4e2d \x1b[2J |, ,,"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "run"
    run_suite(load(TINY), path)
    return path


@pytest.fixture
def run(made, here):
    return shutil.copytree(made, here / "run")


def board(run):
    return from_csv((run / "leaderboard.csv").read_text())


def change(run, **changes):
    """Change the rows of a leaderboard, and delete the cells from which it is computed."""
    rows = [{**row, **changes} for row in board(run)]
    (run / "leaderboard.csv").write_text(to_csv(rows))
    shutil.rmtree(run / "cells")


def parts(text):
    """Return the header, the ranked rows and the limits of the only table, each a list of cells."""
    inside = text.partition(r"\toprule")[2].partition(r"\bottomrule")[0]
    found = []
    for part in inside.split(r"\midrule"):
        lines = [line.removesuffix(r" \\") for line in part.strip().splitlines()]
        found.append([re.split(r"(?<!\\) ?& ?", line) for line in lines])
    return found


def test_the_table_has_the_rows_of_the_board(run):
    (header,), ranked, limits = parts(latex_tables([RunFolder(run)]))
    assert header == ["Method", r"psnr (dB) $\uparrow$", r"rmse $\downarrow$", "Rank"]
    psnr = {row["method"]: row for row in board(run) if row["metric"] == "psnr"}
    assert [row[0] for row in ranked] == [m for m, r in psnr.items() if r["rank_low"] is not None]
    assert [row[0] for row in limits] == [r"\textit{limit}"]
    assert [row[-1] for row in limits] == [""]
    for method, text, _, rank in ranked:
        row = psnr[method]
        half = (row["ci_high"] - row["ci_low"]) / 2
        mean = f"{row['mean']:.2f}"
        mean = rf"\mathbf{{{mean}}}" if is_best(row) else mean
        assert text == rf"${mean} \pm {half:.2f}$"
        low, high = row["rank_low"], row["rank_high"]
        assert rank == (str(low) if low == high else f"{low}--{high}")
    assert sum("mathbf" in row[1] for row in ranked) >= 1


def test_the_caption_and_the_label_describe_the_data(run):
    text = latex_tables([RunFolder(run)])
    assert r"\caption{sparse-spikes (suite tiny): 40 items, seeds 1, 2. Means $\pm$ half" in text
    assert r"\label{tab:tiny-sparse-spikes}" in text
    assert "Ranks are by psnr." in text
    assert "Italics: the method uses the clean item or the true prior and is not ranked." in text
    first, second = text.splitlines()[:2]
    assert first.startswith(MARKER)
    assert re.fullmatch("% sigbench .*, suite tiny, 4 methods, seeds 1-2, run sha256:.*", second)


def test_tied_methods_have_a_range_of_ranks_and_no_bold(run):
    change(run, rank_low=1, rank_high=3)
    text = latex_tables([RunFolder(run)])
    assert r"\mathbf" not in text
    assert "No method is significantly better than another in psnr." in text
    assert [row[-1] for row in parts(text)[1]] == ["1--3"] * 3


@pytest.mark.parametrize(
    ("mean", "text"), [("inf", r"$\infty$"), ("-inf", r"$-\infty$"), ("nan", "--")]
)
def test_values_without_a_finite_mean(run, mean, text):
    nan = float("nan")
    change(run, mean=float(mean), ci_low=nan, ci_high=nan, rank_low=None, rank_high=None)
    rows = parts(latex_tables([RunFolder(run)]))[1]
    assert {row[1] for row in rows} == {text}


def test_values_that_could_not_be_computed_are_marked(run, monkeypatch):
    from sigbench.scoring.scores import MissingValues

    scores = RunFolder.scores

    def with_missing(self, problem, metric, seeds=None):
        found = scores(self, problem, metric, seeds)
        found.missing["blur"] = MissingValues(39, {"silent": 1})
        return found

    monkeypatch.setattr(RunFolder, "scores", with_missing)
    text = latex_tables([RunFolder(run)])
    (blur,) = [row for row in parts(text)[1] if row[0] == "blur"]
    assert all(cell.endswith(r"$$^\dagger$") for cell in blur[1:3])
    assert r"$^\dagger$ Could not be computed for every item; not ranked.}" in text


def test_several_runs_have_different_labels(run, here):
    shutil.copytree(run, here / "other")
    text = latex_tables([RunFolder(run), RunFolder(here / "other")])
    labels = re.findall(r"\\label\{(.*)\}", text)
    assert labels == ["tab:tiny-sparse-spikes", "tab:tiny-sparse-spikes-2"]


def test_a_folder_without_cells_shows_its_leaderboard(run):
    shutil.rmtree(run / "cells")
    text = latex_tables([RunFolder(run)])
    assert "no digest" in text.splitlines()[1]
    assert "(suite tiny): 40 items. Means" in text
    assert len(parts(text)[1]) == 3


def with_hostile_names(run):
    rows = [
        {**row, **{key: HOSTILE + row[key] for key in ("suite", "problem", "method")}}
        for row in board(run)
    ]
    (run / "leaderboard.csv").write_text(to_csv(rows))
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["suite"]["name"] = HOSTILE
    (run / "manifest.json").write_text(json.dumps(manifest))
    shutil.rmtree(run / "cells")


def test_hostile_names_are_text(run):
    with_hostile_names(run)
    text = latex_tables([RunFolder(run)])
    outside = [line for line in text.splitlines() if not line.startswith("%")]
    assert r"\input" not in "\n".join(outside)
    (label,) = re.findall(r"\\label\{(.*)\}", text)
    assert re.fullmatch("tab:[A-Za-z0-9-]+", label)
    assert text.isprintable() or set(filter(lambda c: not c.isprintable(), text)) == {"\n"}
    for line in outside:
        assert line.count("{") == line.count("}"), line
        assert not re.match(r"[\[*]", line)  # after \\, it would be an argument
    header, ranked, limits = parts(text)
    assert {len(row) for row in [*header, *ranked, *limits]} == {4}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("hostile", [False, True])
def test_the_tables_can_be_compiled(run, here, hostile):
    if hostile:
        with_hostile_names(run)
    write_latex([run], here / "tables.tex")
    (here / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\n"
        "\\begin{document}\\input{tables}\\end{document}\n"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=here)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b", r"a\_b"),
        ("a---b", "a-{}-{}-b"),
        ("a,,b", "a,{},b"),
        ("10^-3", r"10\textasciicircum{}-3"),
        ("Pérez Müller", "Pérez Müller"),
        ("σ±1", r"$\sigma$$\pm$1"),
        ("\u4e2dð", "{[}U+4E2D{]}{[}U+00F0{]}"),
        ("a\nb", r"a\textbackslash{}nb"),
    ],
)
def test_text_is_escaped(text, escaped):
    assert latex(text) == escaped


class TestCommand:
    def test_the_file_is_written_and_replaced(self, run, capsys):
        assert main(["report", "run", "--latex", "tables.tex"]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "tables.tex: 1 table"
        text = Path("tables.tex").read_text()
        assert text == latex_tables([RunFolder(run)])
        Path("tables.tex").write_text(MARKER + "\nold")
        assert main(["report", "run", "--latex", "tables.tex"]) == 0
        assert Path("tables.tex").read_text() == text

    @pytest.mark.parametrize(
        "content", ["", "\\documentclass{article}", "x" + MARKER, "\n" + MARKER]
    )
    def test_another_file_is_refused_before_anything_is_written(self, run, capsys, content):
        Path("paper.tex").write_text(content)
        (run / "leaderboard.md").unlink()
        assert main(["report", "run", "--latex", "paper.tex"]) == 2
        error = capsys.readouterr().err
        assert "paper.tex exists and was not written by report --latex" in error
        assert error.count("\n") == 1
        assert Path("paper.tex").read_text() == content
        assert not (run / "leaderboard.md").exists()

    def test_a_folder_is_refused(self, run):
        with pytest.raises(InputError, match="run is a folder"):
            write_latex([run], Path("run"))

    def test_a_run_without_a_leaderboard_is_refused(self, run):
        shutil.rmtree(run / "cells")
        (run / "leaderboard.csv").unlink()
        with pytest.raises(InputError, match=r"run has no finished cells and no leaderboard\.csv"):
            write_latex([run], Path("tables.tex"))
        assert not Path("tables.tex").exists()

    def test_the_numbers_are_those_of_the_cells(self, run):
        text = latex_tables([RunFolder(run)])
        (run / "leaderboard.csv").write_text("older than the cells")
        assert latex_tables([RunFolder(run)]) == text

    @pytest.mark.parametrize("cell", ["mean", "n", "rank_low"])
    def test_a_leaderboard_edited_by_hand_is_refused_in_one_line(self, run, capsys, cell):
        text = to_csv([{**row, cell: "x"} for row in board(run)])
        shutil.rmtree(run / "cells")
        for edited in (text, text.partition("\n")[2], text + "a,b\n"):
            (run / "leaderboard.csv").write_text(edited)
            assert main(["report", "run", "--latex", "tables.tex"]) == 2
            error = capsys.readouterr().err
            assert "is not the leaderboard of a run" in error
            assert error.count("\n") == 1


def test_limits_are_those_of_the_board(run):
    assert {row["method"] for row in board(run) if row["knowledge"] in LIMITS} == {"limit"}
