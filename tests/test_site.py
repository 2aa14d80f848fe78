"""The documentation site: its generated pages, the bibliography, and the check of built pages."""

import ast
import doctest
import re
from pathlib import Path

import check_site
import pytest
import sigbench_site
from sigbench_site import docstrings, links, runs, suites, works
from sigbench_site import pages as pages_module
from sigbench_site.pages import Pages, public_name

from sigbench import run_suite
from sigbench.benchmark.methods.resolve import METHODS
from sigbench.benchmark.suites.suite import load, suite_names
from sigbench.core.protocols import info_of

ROOT = Path(__file__).parents[1]

# Methods that no publication describes.
UNPUBLISHED = {
    "noisy",
    "silence",
    "metric-gamer",
    "affine",
    "gaussian-blur",
    "spikes-posterior-mean",  # docs/table1.md derives it
    "network",
    "trained",
    "with-noise",
    "whitened",
    "level-normalized",
    "varying",
    "smooth-spectrum",
}
YEAR = re.compile(r"\b(?:19|20)\d\d\b")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    sigbench_site.write(Pages(folder))
    return folder


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_has_a_page_with_its_problems_and_methods(pages, name):
    text = (pages / f"suites/{name}.md").read_text(encoding="utf-8")
    suite = load(name)
    assert f"# {name}\n" in text
    assert all(f"`{problem.name}`" in text for problem in suite.problems)
    for method in suite.methods:
        assert f"(../methods/{suites.registered_name(method)}.md)" in text


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_page_with_its_source_and_documentation(pages, name):
    text = (pages / f"methods/{name}.md").read_text(encoding="utf-8")
    assert f":Family: {info_of(METHODS[name]).family}" in text
    assert ":Source: " in text
    assert f".. autoclass:: {public_name(METHODS[name])}\n" in text


@pytest.mark.parametrize("name", sorted(METHODS.keys() - UNPUBLISHED))
def test_every_published_method_has_its_source_in_the_bibliography(pages, name):
    text = (pages / f"methods/{name}.md").read_text(encoding="utf-8")
    assert ":Bibliography: {cite:t}" in text


def test_a_board_has_the_values_of_the_leaderboard(pages):
    text = (pages / "suites/table1.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if "| l1-nonneg-tuned" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    # results/table1/leaderboard.md: rank 4, 11.29 ± 0.08, gap 0.53, 15.64, 1.665
    assert cells[:5] == ["4", "l1-nonneg-tuned", "11.29 ± 0.08", "0.53", "fitted"]
    assert cells[6:] == ["15.64", "1.665"]


def test_pages_of_earlier_builds_are_deleted(tmp_path):
    old = tmp_path / "methods/old.md"
    old.parent.mkdir()
    old.write_text("old")
    pages = Pages(tmp_path)
    pages.add("methods/new", "# New")
    pages.delete_others()
    assert [path.name for path in old.parent.iterdir()] == ["new.md"]


def test_every_method_of_a_guide_is_in_one_guide():
    listed = [name for names in links.page_of_methods().values() for name in names]
    assert len(listed) == len(set(listed))


def docstrings_with_references():
    for path in sorted((ROOT / "sigbench").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.Module):
                text = works.references(ast.get_docstring(node, clean=False) or "")
                if YEAR.search(text):
                    yield pytest.param(text, id=f"{path.stem}-{getattr(node, 'name', 'module')}")


@pytest.mark.parametrize("text", list(docstrings_with_references()))
def test_every_reference_of_a_docstring_is_in_the_bibliography(text):
    years = {work.year for work in works.works() if work.key in works.cited(text)}
    assert set(YEAR.findall(text)) <= years


def test_keys_of_the_bibliography_are_surname_and_year():
    for work in works.works():
        assert work.key.rstrip("abcdefghijklmnopqrstuvwxyz").endswith(work.year), work


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Martin 2001", ["martin2001"]),
        ("Martin, Fowlkes, Tal and Malik, ICCV 2001", ["martin2001segmented"]),
        ("Buades, Coll, Morel 2005, 2011 (scikit-image)", ["buades2005", "buades2011"]),
        ("De Oliveira et al., Interspeech 2024", ["deoliveira2024"]),
        ("2001: nobody", []),
    ],
)
def test_works_are_found_by_surname_and_year(text, keys):
    assert works.cited(text) == keys


@pytest.mark.parametrize(
    ("line", "expected"),
    [("|x| and ``|y|``", r"\|x\| and ``|y|``"), ("plain", "plain")],
)
def test_bars_are_escaped_outside_of_literals(line, expected):
    assert docstrings.escaped(line) == expected


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(runs, "FOLDER", tmp_path / "runs")
    return tmp_path / "results"


def test_runs_without_cells_have_no_page_and_lose_an_old_one(results, tmp_path):
    (results / "table1").mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/table1.html").write_text("old")
    runs.write(["table1"])
    assert not list((tmp_path / "runs").iterdir())


def test_a_run_with_cells_has_a_page_that_is_not_written_again(results, tmp_path):
    suite = load("table1").select(methods=["noisy"], seeds=[1], items=3)
    run_suite(suite, results / "table1")
    runs.write(["table1"])
    page = tmp_path / "runs/table1.html"
    written = page.stat().st_mtime_ns
    assert "table1" in page.read_text(encoding="utf-8")
    runs.write(["table1"])
    assert page.stat().st_mtime_ns == written


def test_a_run_that_cannot_be_read_is_an_error(results):
    (results / "table1/cells").mkdir(parents=True)
    with pytest.raises(RuntimeError, match=r"report .*table1 ended with 2: sigbench: error: "):
        runs.write(["table1"])


@pytest.mark.parametrize("module", [docstrings, pages_module, works], ids=lambda m: m.__name__)
def test_examples_of_the_extension_are_correct(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


SITE = {
    "index.html": '<a href="a.html#here">a</a><a href="https://example.org">b</a><p id="top">',
    "a.html": '<h1 id="here"></h1><img src="b.png"><link rel="stylesheet" href="c.css">',
    "b.png": "",
    "c.css": "a { background: url(b.png) }",
}


def problems(tmp_path, files):
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return list(check_site.problems(tmp_path))


def test_a_correct_site_has_no_problems(tmp_path):
    assert problems(tmp_path, SITE) == []


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<a href="no.html">', "d.html: no.html does not exist"),
        ('<a href="a.html#no">', "d.html: a.html#no: the page has no anchor 'no'"),
        ('<a href="#no">', "d.html: #no: the page has no anchor 'no'"),
        ('<img src="no.png">', "d.html: requests no.png, which does not exist"),
        ('<script src="https://x.org/a.js">', "d.html: requests https://x.org/a.js"),
        ('<script src="//x.org/a.js">', "d.html: requests //x.org/a.js"),
        ('<link rel="preload" href="http://x.org/f">', "d.html: requests http://x.org/f"),
        ('<p style="background: url(http://x.org/p)">', "d.html: requests http://x.org/p"),
        ('<img srcset="http://x.org/p 2x">', "d.html: requests http://x.org/p"),
        ("<style>@import 'http://x.org/s'</style>", "d.html: requests http://x.org/s"),
    ],
)
def test_a_problem_of_a_page_is_found(tmp_path, page, problem):
    assert problems(tmp_path, {**SITE, "d.html": page}) == [problem]


def test_a_request_of_a_style_sheet_is_found(tmp_path):
    files = {**SITE, "c.css": '@font-face { src: url("https://x.org/f.woff2") }'}
    assert problems(tmp_path, files) == ["c.css: requests https://x.org/f.woff2"]


def test_an_empty_folder_is_no_site(tmp_path):
    assert problems(tmp_path, {}) == [f"{tmp_path}: no pages"]
