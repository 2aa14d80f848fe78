"""The page of a run: structure, escaping, budgets, determinism, and what is refused."""

import base64
import hashlib
import io
import itertools
import json
import math
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from PIL import Image

import sigbench.benchmark.report.page as package
from sigbench.benchmark.report.charts import __all__ as kinds_of_charts
from sigbench.benchmark.report.page import media, pairs, render, writing
from sigbench.benchmark.report.page.boards import board_data, metric_view
from sigbench.benchmark.report.page.collect import collect
from sigbench.benchmark.report.page.document import MARKER, Section, document
from sigbench.benchmark.report.page.drawings import READING, chosen
from sigbench.benchmark.report.page.images import image_of_error, image_pair
from sigbench.benchmark.report.page.libraries import SLIDER, SORTABLE, UPLOT
from sigbench.benchmark.report.page.packing import INFINITE, MISSING
from sigbench.benchmark.report.page.pairs import comparison_data
from sigbench.benchmark.report.page.render import make_page
from sigbench.benchmark.report.page.rendering import safe
from sigbench.benchmark.report.page.signals import MAX_POINTS, curve_pair
from sigbench.benchmark.report.page.sounds import sound, sound_pair
from sigbench.benchmark.report.page.table import Cell, Column, Row, table
from sigbench.benchmark.report.page.texts import summary_line
from sigbench.benchmark.store.examples import Estimates, Originals
from sigbench.cli.main import main
from sigbench.core import escape
from sigbench.core.errors import InputError
from sigbench.scoring.aggregate import compare_pair
from sigbench.scoring.leaderboard import from_csv
from sigbench.scoring.metrics import METRICS

ROOT = Path(__file__).parents[1]
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of `tiny.toml` with a method whose name is markup."""
    folder = tmp_path_factory.mktemp("page")
    suite = (ROOT / "tests/tiny.toml").read_text()
    suite += f'\n[[methods]]\nname = "{HOSTILE}"\nmethod = "gaussian-blur[width=2]"\n'
    (folder / "tiny.toml").write_text(suite)
    call = ["run", str(folder / "tiny.toml"), "-o", str(folder / "run"), "-j", "1", "--quiet"]
    assert main(call) == 0
    return folder / "run"


class Parsed(HTMLParser):
    """The elements of a page, with the text of scripts by their type."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.inside = [], [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.inside = [dict(attrs).get("type", ""), ""]
            self.scripts.append(self.inside)

    def handle_endtag(self, tag):
        if tag == "script":
            self.inside = None

    def handle_data(self, data):
        if self.inside is not None:
            self.inside[1] += data

    def of(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(run):
    return make_page([collect(run)]).html


def test_the_same_run_gives_the_same_bytes(run, page, tmp_path):
    shutil.copytree(run, tmp_path / "copy")
    assert make_page([collect(tmp_path / "copy")]).html == page


def test_only_scripts_with_a_known_digest_may_run(page):
    parsed = Parsed(page)
    (policy,) = (m["content"] for m in parsed.of("meta") if "http-equiv" in m)
    allowed = re.search(r"script-src ([^;]*);", policy)[1].split()
    own = [text for kind, text in parsed.scripts if not kind]
    digests = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in own]
    assert allowed == [f"'sha256-{digest}'" for digest in digests]
    assert policy.startswith("default-src 'none'; ")
    assert "img-src data:; media-src data:" in policy


def test_nothing_is_requested_and_no_handler_is_inline(page):
    for tag, attrs in Parsed(page).elements:
        for name, value in attrs.items():
            assert not name.startswith("on")
            if name in ("src", "href", "action", "srcset", "data", "poster"):
                assert value.startswith(("#", "data:")), (tag, name)
    assert "@import" not in page
    assert not re.search(r"url\((?!['\"]?data:)", page)
    assert "sourceMappingURL" not in page


def test_names_are_text_everywhere(page):
    parsed = Parsed(page)
    assert not [attrs for attrs in parsed.of("img") if attrs.get("src") == "x"]
    assert "<img src=x" not in page
    data = {kind: text for kind, text in parsed.scripts if kind == "application/json"}
    assert "<" not in data["application/json"]
    assert escape.html(HOSTILE) in page


def test_every_value_of_a_document_is_escaped():
    bad = "<b>" + chr(27) + "&\"'\u2028"
    rows = [Row([Cell(bad, bad, bad), Cell(bad)], bad, bad) for _ in range(6)]
    body = table(bad, [Column(bad, hint=bad, name=bad), Column(bad)], rows, anchor="t", tags=bad)
    html = document(
        bad,
        [Section("a", bad, body, [("b", bad)])],
        lead=bad,
        facts=[(bad, bad)],
        data={"x": bad},
    )
    assert html.startswith(MARKER)
    assert not Parsed(html).of("b")
    assert chr(27) not in html
    assert "\u2028" not in html
    (text,) = (text for kind, text in Parsed(html).scripts if kind == "application/json")
    assert json.loads(text) == bad


def test_html_that_is_not_declared_as_such_is_escaped():
    html = document("t", [Section("a", "A", "<i>")])
    assert "&lt;i&gt;" in html
    assert "<i>" in document("t", [Section("a", "A", safe("<i>"))])


def test_a_table_has_a_caption_scopes_and_a_heading_for_each_row(page):
    parsed = Parsed(page)
    assert len(parsed.of("caption")) == len(parsed.of("table"))
    assert all(attrs.get("scope") in ("col", "row") for attrs in parsed.of("th"))
    ids = [attrs["id"] for _, attrs in parsed.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_libraries_are_unchanged_and_in_the_page_only_if_it_uses_them(page, run):
    readme = (Path(package.__file__).parent / "vendor/README.md").read_text()
    digests = re.findall(r"^([0-9a-f]{64})  (\S+)$", readme, re.MULTILINE)
    assert len(digests) == 5
    for digest, name in digests:
        data = (Path(package.__file__).parent / "vendor" / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest, name
    for library in (SORTABLE, UPLOT, SLIDER):
        assert "</script" not in library.script
        assert f"| {library.name} | {library.version} | {library.license} |" in readme
    assert UPLOT.script in page
    assert "Leon Sorokin" in page
    assert SLIDER.script not in page  # there are no images
    assert "Dmitry Snisarenko" not in page


def test_a_run_folder_is_only_read(run, tmp_path, capsys):
    def state():
        return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in run.rglob("*") if p.is_file()}

    before = state()
    assert main(["report", str(run), "--html", str(tmp_path / "page.html")]) == 0
    assert state() == before
    assert re.search(r"page\.html: 0\.\d MB, 0\.\d MB of them examples", capsys.readouterr().out)


@pytest.fixture
def without_cells(tmp_path):
    """A committed result: the leaderboard and the manifest, without cells."""
    folder = tmp_path / "ablation"
    shutil.copytree(ROOT / "results/ablation", folder, ignore=shutil.ignore_patterns("cells"))
    return folder


def test_a_folder_without_cells_keeps_its_board(without_cells, capsys):
    before = (without_cells / "leaderboard.csv").read_bytes()
    assert main(["report", str(without_cells)]) == 2
    message = capsys.readouterr().err
    assert "ablation has no finished cells: no leaderboard can be computed" in message
    assert message.count("\n") == 1
    assert (without_cells / "leaderboard.csv").read_bytes() == before
    assert not (without_cells / "timings.parquet").exists()


def test_no_board_is_written_if_one_of_the_folders_has_no_cells(run, without_cells):
    (run / "leaderboard.csv").unlink()
    assert main(["report", str(run), str(without_cells)]) == 2
    assert not (run / "leaderboard.csv").exists()
    assert main(["report", str(run)]) == 0


def test_the_page_of_a_folder_without_cells_says_what_is_missing(without_cells):
    html = make_page([collect(without_cells)]).html
    rows = from_csv((without_cells / "leaderboard.csv").read_text())
    assert "but not the values of the items" in html
    assert "compare.js" not in html
    assert 'data-problem="' not in html
    for method in {row["method"] for row in rows}:
        assert escape.html(method) in html


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "its columns must be suite,"),
        ("a,b\n1,2\n", "its columns must be suite,"),
        ("{header}\n", "it has no rows, and there are no finished cells"),
        ("{header}\na,b\n", "its columns must be suite,"),
        ("{header}\ns,p,m,,none,psnr,dB,true,x,1,1,3,1,1,,\n", "could not convert string"),
        ("{header}\ns,p,m,,none,psnr,dB,true,1,1,1,,1,1,,\n", "a row has no number of items"),
    ],
)
def test_a_board_that_is_none_is_refused(without_cells, content, message):
    path = without_cells / "leaderboard.csv"
    header = path.read_text().partition("\n")[0]
    path.write_text(content.format(header=header))
    with pytest.raises(InputError, match=re.escape(message)):
        collect(without_cells)
    path.unlink()
    with pytest.raises(InputError, match="has no finished cells and no leaderboard"):
        collect(without_cells)


def test_a_page_replaces_only_a_page(run, tmp_path, capsys):
    file = tmp_path / "page.html"
    for _ in range(2):
        assert main(["report", str(run), "--html", str(file)]) == 0
    file.write_text("<!DOCTYPE html>\n<p>mine")
    assert main(["report", str(run), "--html", str(file)]) == 2
    assert "exists and is not a page of sigbench" in capsys.readouterr().err
    assert file.read_text() == "<!DOCTYPE html>\n<p>mine"
    assert main(["report", str(run), "--html", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert main(["report", str(run), "--html", str(tmp_path / "no/page.html")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_a_page_that_is_too_large_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="give fewer run folders"):
        writing.write_page(tmp_path / "page.html", "x" * 1001)
    assert not list(tmp_path.iterdir())


def test_open_opens_the_page_of_one_run(run, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert main(["report", str(run), "--open"]) == 0
    assert opened == [(run / "report.html").as_uri()]
    assert (run / "report.html").read_text().startswith(MARKER)
    (run / "report.html").unlink()
    assert main(["report", str(run), str(run), "--open"]) == 2
    assert "--open needs --html FILE" in capsys.readouterr().err
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert main(["report", str(run), "--open"]) == 0
    assert "no browser was found" in capsys.readouterr().err
    (run / "report.html").unlink()


def test_several_runs_are_in_one_page(run, without_cells):
    html = make_page([collect(run), collect(without_cells), collect(run)]).html
    ids = [attrs["id"] for _, attrs in Parsed(html).elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {"r1", "r2", "r3", "r3-p1-board"} <= set(ids)
    links = [attrs["href"][1:] for attrs in Parsed(html).of("a")]
    assert set(links) <= set(ids)


# What is in the page


def test_the_metrics_of_the_run_and_the_kinds_of_charts_are_explained(page, run):
    named = [name for name in METRICS if f"<p>{name}: {METRICS[name].description}</p>" in page]
    assert sorted(named) == sorted({row["metric"] for row in collect(run).board})
    assert set(READING) <= set(kinds_of_charts)
    assert READING["intervals"] in page
    assert READING["ecdf"] in page


def test_the_first_metric_and_all_others_are_those_of_the_board(run):
    data = collect(run)
    views = [metric_view(data.rows("sparse-spikes", m), {}) for m in ("psnr", "rmse")]
    boards = board_data(views)
    json.dumps(boards, allow_nan=False)
    assert [board["name"] for board in boards] == ["psnr", "rmse"]
    methods = views[0].order
    assert [methods[i] for i in boards[1]["order"]] == views[1].order
    for board, view in zip(boards, views, strict=True):
        for method, cell in zip(methods, board["cells"], strict=True):
            (row,) = (r for r in data.rows("sparse-spikes", board["name"]) if r["method"] == method)
            assert cell[3] == row["mean"]
            assert 0 <= cell[7] <= cell[8] <= cell[9] <= 160
            assert view.cells[method][8] == cell[8]


def test_infinite_and_missing_means_are_text_and_not_drawn(run):
    rows = [dict(row) for row in collect(run).rows("sparse-spikes", "psnr")]
    rows[0].update(mean=math.inf, ci_low=math.nan, ci_high=math.inf)
    rows[1].update(mean=math.nan, ci_low=math.nan, ci_high=math.nan)
    (board,) = board_data([metric_view(rows, {})])
    json.dumps(board, allow_nan=False)
    assert board["cells"][0][2:4] == ["inf", "inf"]
    assert board["cells"][1][2:4] == ["-", ""]
    assert board["cells"][0][7:] == board["cells"][1][7:] == [None] * 3


def test_values_and_tests_of_pairs_are_those_of_the_scores(run):
    scores = collect(run).scores["sparse-spikes"]
    methods = list(reversed(scores.methods))
    data = comparison_data(scores, methods, 10**6)
    numbers = np.frombuffer(base64.b64decode(data["values"]), "<i2").reshape(len(methods), -1)
    found = data["low"] + data["step"] * numbers
    np.testing.assert_allclose(found[::-1], scores.values, atol=0.51 * data["step"])
    assert list(zip(data["seed"], data["item"], strict=True)) == list(
        zip(scores.seeds.tolist(), scores.items.tolist(), strict=True)
    )
    both = list(itertools.combinations(methods, 2))
    for (a, b), (mean, low, high, p, _) in zip(both, data["tests"], strict=True):
        one, other = (scores.values[scores.methods.index(name)] for name in (a, b))
        test = compare_pair(METRICS["psnr"], one, other, scores.groups)
        expected = (test.difference.mean, test.difference.low, test.difference.high)
        np.testing.assert_allclose((mean, low, high), expected, rtol=1e-5, atol=1e-12)
        assert (p is None) == ("limit" in (a, b))
        assert p is None or p >= 0.99 * test.p_value


def test_a_p_value_is_not_rounded_over_the_level():
    found = [pairs.shown_p(p) for p in (0.04997, 0.05003, 0.0123456, math.nan)]
    assert found == [0.04997, 0.05, 0.0123, None]


def test_the_first_methods_are_compared_if_the_pairs_are_too_many(run, monkeypatch):
    monkeypatch.setattr(render, "PAIR_BUDGET", 3)
    data = collect(run)
    html = make_page([data]).html
    (text,) = re.findall(r'id="comparisons">(.*?)</script>', html, re.DOTALL)
    (found,) = json.loads(text).values()
    order = [row["method"] for row in data.rows("sparse-spikes", "psnr")]
    assert (found["methods"], found["all"]) == (order[:3], len(order))
    assert len(found["tests"]) == 3
    assert len(order) > 3


def test_charts_are_left_out_of_a_page_that_would_be_too_large(run, monkeypatch):
    full = make_page([collect(run)])
    assert "Left out, to keep the page small" not in full.html
    limit = len(full.html.encode()) - full.media_bytes + render.SPARE - 10_000
    monkeypatch.setattr(render, "MAX_BYTES", limit)
    page = make_page([collect(run)])
    assert "Left out, to keep the page small" in page.html
    assert len(page.html.encode()) <= limit


@pytest.mark.parametrize("room", [100, 5_000, 12_000])
def test_what_frames_the_media_counts_too(run, monkeypatch, room):
    full = make_page([collect(run)])
    assert full.media_bytes > room
    limit = len(full.html.encode()) - full.media_bytes + room
    monkeypatch.setattr(render, "MAX_BYTES", limit)
    monkeypatch.setattr(render, "SPARE", 0)
    assert len(make_page([collect(run)]).html.encode()) <= limit


def summarized(run, *ranks):
    rows = [dict(row) for row in collect(run).rows("sparse-spikes", "psnr")]
    rows = [row for row in rows if row["rank_low"] is not None][: len(ranks)]
    for i, (row, rank) in enumerate(zip(rows, ranks, strict=True)):
        row.update(method=f"m{i}", rank_low=rank, mean=20.0 - i)
    return summary_line(rows)


def test_the_best_methods_are_named_only_if_any_is_better(run):
    assert summarized(run, 1, 1, 3) == "Best: m0 · m1 (20.00 dB)"
    assert summarized(run, 1, 1, 1) == "No significant difference. Best mean: m0 (20.00 dB)"
    assert summarized(run, 1) == "The only method with a rank: m0 (20.00 dB)"


def test_all_folders_are_checked_before_one_is_read(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sigbench.cli.page.collect", None)
    assert main(["report", str(run), str(tmp_path), "--html", str(tmp_path / "a.html")]) == 2
    assert "is not a run folder" in capsys.readouterr().err


def test_values_of_few_items_are_sampled_evenly(run):
    scores = collect(run).scores["sparse-spikes"]
    data = comparison_data(scores, list(scores.methods), 10 * len(scores.methods))
    assert data["items"] == 40
    assert data["item"] == [0, 4, 8, 12, 16, 0, 4, 8, 12, 16]
    assert data["seed"] == [1] * 5 + [2] * 5


def test_infinite_and_missing_values_have_numbers_of_their_own():
    assert {MISSING, INFINITE, -INFINITE} == {-32768, 32767, -32767}
    scores = SimpleNamespace(
        metric="psnr",
        methods=("a", "b"),
        knowledge=("none", "none"),
        missing={},
        values=np.array([[1.0, np.inf, np.nan], [-np.inf, 2.0, 3.0]]),
        seeds=np.ones(3, int),
        items=np.arange(3),
        groups=np.arange(3),
    )
    data = comparison_data(scores, ["a", "b"], 100)
    json.dumps(data, allow_nan=False)
    numbers = np.frombuffer(base64.b64decode(data["values"]), "<i2").tolist()
    assert numbers == [-32766, 32767, -32768, -32767, 0, 32766]


# Media


def originals(domain, items=2, samples=500, fs=None, peak=1.0):
    rng = np.random.default_rng(7)
    shape = (3, 8, 8) if domain == "image" else (1, samples)
    clean = tuple(0.5 * peak * rng.random(shape).astype(np.float32) for _ in range(items))
    noisy = tuple(c + peak * rng.normal(0, 0.1, shape).astype(np.float32) for c in clean)
    return Originals(tuple(range(items)), noisy, clean, peak, domain, fs)


def material(domain, methods, **about):
    first = originals(domain, **about)
    items = first.items
    made = {
        f"m{i}": Estimates(items, first.clean, {"psnr": (20.0,) * len(items)}, "key")
        for i in range(methods)
    }
    return media.Material(first, made, "psnr")


def size(found):
    """Return the bytes of examples in a page."""
    return sum(len(escape.script_json(one.examples)) for one in found.values())


@pytest.fixture(scope="module")
def sources():
    """Two problems with small media, and one with large ones."""
    return {
        "signals": material("signal", 3),
        "sounds": material("speech", 4, samples=8000, fs=8000.0),
        "images": material("image", 2),
    }


def test_all_media_are_in_a_page_if_they_fit(sources):
    found = media.fill(sources, 10**8)
    assert [one.left_out for one in found.values()] == [""] * 3
    assert [len(one.examples) for one in found.values()] == [2, 2, 2]
    assert [len(found["sounds"].examples[i]["estimates"]) for i in (0, 1)] == [4, 4]
    assert found["signals"].examples[0]["estimates"][0]["value"] == "20"


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4, 0.6, 0.9])
def test_media_never_exceed_the_budget(sources, share):
    whole = size(media.fill(sources, 10**8))
    assert size(media.fill(sources, int(share * whole))) <= share * whole + 300  # commas


def test_every_problem_gets_its_first_example_before_any_gets_more(sources):
    whole = media.fill(sources, 10**8)
    first = sum(
        len(escape.script_json({**one.examples[0], "estimates": one.examples[0]["estimates"][:1]}))
        for one in whole.values()
    )
    found = media.fill(sources, first + 10)
    assert [len(one.examples) for one in found.values()] == [1, 1, 1]
    assert [one.examples[0]["estimates"][0]["method"] for one in found.values()] == ["m0"] * 3
    assert found["sounds"].left_out.startswith("1 of 2 items and 1 of 8 estimates are shown")


def test_small_media_are_not_left_out_for_large_ones(sources):
    whole = media.fill(sources, 10**8)
    small = sum(size({name: whole[name]}) for name in ("signals", "images"))
    found = media.fill(sources, 4 * small + size({"sounds": whole["sounds"]}) // 2)
    assert found["signals"].left_out == found["images"].left_out == ""
    assert found["sounds"].left_out


def test_nothing_fits_into_no_budget(sources):
    found = media.fill(sources, 0)
    assert [one.examples for one in found.values()] == [[], [], []]
    assert "0 of 2 items" in found["images"].left_out


def decoded(uri, kind):
    assert uri.startswith(f"data:{kind};base64,")
    return io.BytesIO(base64.b64decode(uri.partition(",")[2]))


def test_a_png_has_the_pixels_of_the_image():
    first = originals("image", peak=255.0)
    image = np.asarray(Image.open(decoded(image_pair(first, 0)["clean"], "image/png")))
    expected = np.clip(np.rint(first.clean[0]), 0, 255).transpose(1, 2, 0)
    np.testing.assert_array_equal(image, expected)


def test_a_map_of_errors_is_signed_and_has_one_range():
    first = originals("image")
    largest = float(image_pair(first, 0)["range"])
    error = np.zeros((3, 8, 8), np.float32)
    error[:, 0, 0], error[:, 0, 1], error[:, 0, 2] = largest, -largest, 100
    uri = image_of_error(first, 0, first.clean[0] + error)["error"]
    levels = np.asarray(Image.open(decoded(uri, "image/png")))
    assert levels[0, :4].tolist() == [62, 0, 62, 31]
    red, _, blue = np.asarray(Image.open(decoded(uri, "image/png")).convert("RGB"))[0, 0]
    assert red > blue  # too bright is orange


def test_maps_of_few_or_infinite_errors_are_finite():
    clean = np.full((3, 32, 32), 100, np.float32)
    noisy = clean.copy()
    noisy[0, 0, 0] = 250  # the 99.5 % quantile of the noise is 0
    first = Originals((0,), (noisy,), (clean,), 255.0, "image", None)
    assert image_pair(first, 0)["range"] == "150"
    estimate = clean.copy()
    estimate[0, 0, 0], estimate[1, 0, 0] = np.inf, -np.inf
    estimate[:, 0, 1] = np.inf
    uri = image_of_error(first, 0, estimate)["error"]
    levels = np.asarray(Image.open(decoded(uri, "image/png")))
    assert levels[0, :3].tolist() == [31, 62, 31]


@pytest.mark.parametrize(("fs", "expected"), [(0.3, 1), (8000.4, 8000), (2e6, 655_350)])
def test_any_sampling_rate_can_be_written(fs, expected):
    assert sound_pair(originals("speech", fs=fs), 0)["fs"] == expected


def test_sounds_of_an_item_have_one_scale_and_are_not_made_louder():
    quiet = originals("speech", fs=8000.0)
    loud = quiet._replace(noisy=tuple(8 * noisy for noisy in quiet.noisy))
    for first, loudest in ((quiet, None), (loud, 0.7)):
        pair = sound_pair(first, 0)
        clean, fs = soundfile.read(decoded(pair["clean"]["flac"], "audio/flac"))
        noisy, _ = soundfile.read(decoded(pair["noisy"]["flac"], "audio/flac"))
        assert fs == 8000
        factor = 1 if loudest is None else loudest / np.abs(first.noisy[0]).max()
        if loudest is None:
            factor = min(1, 0.7 / np.abs(first.noisy[0]).max())
        np.testing.assert_allclose(clean, factor * first.clean[0][0], atol=1e-4)
        np.testing.assert_allclose(noisy, factor * first.noisy[0][0], atol=1e-4)
        assert pair["seconds"] == pytest.approx(500 / 8000, abs=1e-3)


def test_a_spectrogram_shows_low_frequencies_at_the_bottom_and_one_range():
    t = np.arange(8000) / 8000
    tone = (0.5 * np.sin(2 * np.pi * 500 * t)).astype(np.float32)[None]
    first = Originals((0,), (tone,), (tone,), 1.0, "speech", 8000.0)
    shades = np.asarray(Image.open(decoded(sound(first, 0, tone)["spectrogram"], "image/png")))
    brightest = np.argmax(shades[:, shades.shape[1] // 2])
    assert brightest / len(shades) == pytest.approx(1 - 500 / 4000, abs=0.03)
    assert shades.max() == 31
    weaker = sound(first, 0, tone / np.float32(np.sqrt(10**3.5)))["spectrogram"]  # 35 dB of 70
    assert np.asarray(Image.open(decoded(weaker, "image/png"))).max() in (15, 16)


def test_infinite_and_long_signals_are_drawn_as_far_as_they_can_be():
    first = originals("signal", samples=MAX_POINTS + 10)
    first.clean[0][0, 3] = np.inf
    pair = curve_pair(first, 0)
    numbers = np.frombuffer(base64.b64decode(pair["clean"]["values"]), "<i2")
    assert (len(numbers), pair["size"]) == (MAX_POINTS, MAX_POINTS + 10)
    assert np.flatnonzero(numbers == MISSING).tolist() == [3]
    assert curve_pair(originals("system"), 0)["noisy"] is None


def test_charts_are_left_out_in_turns():
    def chart(title, length):
        return SimpleNamespace(name="items", title=title, inline=lambda: "x" * length)

    charts = {"a": [chart("a1", 10), chart("a2", 50)], "b": [chart("b1", 10), chart("b2", 5)]}
    found = chosen(charts, 30)
    assert [c.title for c in found["a"].shown] == ["a1"]
    assert found["a"].left_out == ["a2"]
    assert [c.title for c in found["b"].shown] == ["b1", "b2"]
    assert "Left out, to keep the page small: a2." in found["a"].html()
