"""Tables, commands, code blocks and links of the documentation are correct."""

import csv
import re
import shlex
from pathlib import Path

import pytest

import sigbench
from sigbench import Tuned
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.suites.suite import load, suite_names
from sigbench.cli.main import build_parser
from sigbench.networks.training.recipe import load_recipe

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/methods").glob("*.md")),
]


def commands():
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            for line in block.splitlines():
                if line.startswith("sigbench "):
                    yield line.partition(" #")[0]


USERS = re.compile(r"\w+:\w|network\[weights=\"?my")  # modules and weights of the reader


@pytest.mark.parametrize("line", list(commands()))
def test_commands_parse_and_their_names_exist(line):
    args = build_parser().parse_args(shlex.split(line)[1:])
    if hasattr(args, "suite") and not args.suite.endswith(".toml"):
        known = [m for m in args.method or [] if not USERS.match(m)]
        load(args.suite).select(methods=known or None, problems=args.problem)
    elif hasattr(args, "source") and args.method != "auto":
        assert USERS.match(args.method) or resolve(args.method)
    elif hasattr(args, "recipe"):
        assert args.recipe.endswith(".toml") or load_recipe(args.recipe)


def test_the_table_in_the_readme_matches_the_committed_run():
    with open(ROOT / "results/table1/leaderboard.csv", encoding="utf-8") as file:
        board = {(r["method"], r["metric"]): r for r in csv.DictReader(file)}
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text[text.index("<!-- table1 -->") : text.index("<!-- /table1 -->")]
    rows = re.findall(r"^\| `(\S+)` \|.*\| (\S+) ± (\S+) \| (\S+) \|$", table, re.M)
    assert len(rows) >= 8
    for method, mean, half, rmse in rows:
        psnr = board[(method, "psnr_table1")]
        assert mean == f"{float(psnr['mean']):.2f}"
        assert half == f"{(float(psnr['ci_high']) - float(psnr['ci_low'])) / 2:.2f}"
        assert rmse == f"{float(board[(method, 'rmse')]['mean']):.3f}"


# The data of these suites can be fetched, but not in CI; users run them.
USERS_DATA = {"speech-vbd"}
RUN_SUITES = [name for name in suite_names() if name not in USERS_DATA]


@pytest.mark.parametrize("name", RUN_SUITES)
def test_every_suite_has_a_committed_run(name):
    with open(ROOT / "results" / name / "leaderboard.csv", encoding="utf-8") as file:
        rows = {r["method"] for r in csv.DictReader(file)}
    assert rows == {m.name for m in load(name).methods}


# Ends of a grid that cannot be extended: L1, the smallest window, the whole signal, ...
NATURAL_ENDS = {
    ("gamma", 0.0),
    ("window", 3.0),
    ("window", 199.0),
    ("order", 0.0),
    ("order", 2.0),
    ("iterations", 1.0),
    ("iterations", 100.0),  # converged
    ("segment", 2.0),
    ("floor", 0.0),
}


@pytest.mark.parametrize("name", RUN_SUITES)
def test_no_tuned_setting_is_at_an_end_of_its_grid(name):
    with open(ROOT / "results" / name / "leaderboard.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for method in load(name).methods:
        if not isinstance(method.entry, Tuned):
            continue
        numeric = {k: v for k, v in method.entry.grid if isinstance(v[0], int | float)}
        for row in rows:
            for key, value in re.findall(r"(\w+)=([\d.e-]+)(?:,|$)", row["params"]):
                if row["method"] != method.name or key not in numeric:
                    continue
                end = float(value) in (float(min(numeric[key])), float(max(numeric[key])))
                natural = (key, float(value)) in NATURAL_ENDS
                assert not end or natural, f"{method.name} on {row['problem']}: {key}={value}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_links_point_to_existing_files(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_table_of_bias_free_networks_matches_the_committed_run():
    with open(ROOT / "results/bias-free/leaderboard.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "psnr"]
    board = {(row["problem"], row["method"]): float(row["mean"]) for row in rows}
    text = (ROOT / "docs/jacobian.md").read_text(encoding="utf-8")
    table = text[text.index("<!-- bias-free -->") : text.index("<!-- /bias-free -->")]
    found = re.findall(r"^\| `(\S+)`[^|]*\|(.*)\|$", table, re.M)
    assert len(found) >= 10
    for method, figures in found:
        wanted = [f"{board[(f'sigma-{s}', method)]:.2f}" for s in (10, 30, 50, 70, 90)]
        assert figures.replace("|", " ").split() == wanted


def test_the_table_of_filters_matches_the_committed_run():
    with open(ROOT / "results/signals/leaderboard.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "psnr"]
    board = {(row["problem"], row["method"]): row for row in rows}
    text = (ROOT / "docs/choose.md").read_text(encoding="utf-8")
    table = text[text.index("<!-- choose -->") : text.index("<!-- /choose -->")]
    found = re.findall(r"^\| `(\S+)` \|(.*)\|$", table, re.M)
    assert len(found) >= 9
    problems = [f"{name}-snr3" for name in ("blocks", "bumps", "heavisine", "doppler")]
    ranked = {key: float(r["mean"]) for key, r in board.items() if r["rank_low"]}
    for method, figures in found:
        *gains, times = (cell.strip() for cell in figures.split("|"))
        for problem, shown in zip(problems, gains, strict=True):
            mean = ranked[problem, method]
            best = mean == max(value for (p, _), value in ranked.items() if p == problem)
            gain = f"{mean - ranked[problem, 'noisy']:.1f}"
            assert shown == (f"**{gain}**" if best else gain), (method, problem)
        ms = [float(board[problem, method]["ms_per_item"]) for problem in problems]
        assert times == f"{min(ms):.2g} to {max(ms):.2g}", method


def test_methods_to_choose_from_exist():
    text = (ROOT / "docs/choose.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| [^|`]+ \| (.*) \|$", text, re.M)
    names = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    assert len(names) >= 12
    for name in names:
        if not name.startswith("sigbench.") and name != "auto":
            assert resolve(name)
        elif name != "auto":
            assert hasattr(sigbench, name.removeprefix("sigbench."))
