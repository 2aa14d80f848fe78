"""What others wrote (names, errors, settings) is shown, and never interpreted."""

import csv
import html
import io
import json
import re
import shutil
import unicodedata
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from sigbench.benchmark.engine.executors.calls import attempt
from sigbench.benchmark.report.tables import markdown_table
from sigbench.benchmark.run_suite import run_suite
from sigbench.benchmark.suites.suite import load
from sigbench.cli.main import main
from sigbench.core.escape import (
    MAX_ERROR,
    code,
    csv_text,
    cut,
    from_csv_text,
    markdown,
    printable,
    printable_lines,
)

HOSTILE = (
    "<script>alert(1)</script>",
    "[click](http://evil.example)",
    "![x](//evil.example/x.png)",
    "https://evil.example",
    "www.evil.example",
    "@everyone",
    "a|b|c",
    "`code` *bold* _it_ ~~no~~ $x$",
    "back\\slash\\",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "two\nlines",
    "\u2028\u202e\u200b\x9b",
    "=cmd()",
    "\t=cmd()",
    " +1",
    "＝cmd()",
    "'=quoted",
    "&lt;b&gt; &amp;",
    "\udc80\udcff",
    "Ωμέγα 日本語 ±†×",
)


def rendered(source):
    """Return the HTML of GitHub's Markdown, by an independent renderer."""
    from markdown_it import MarkdownIt

    shown = MarkdownIt("gfm-like", {"html": True}).render(source)
    return shown.replace("<!-- -->", "")  # the only HTML that the texts may bring


def without_controls(text):
    """Return a text with its control characters escaped; other characters stay."""
    return "".join(printable(c) if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
class TestHostileText:
    def test_markdown_shows_it(self, text):
        shown = html.unescape(rendered(f"x {markdown(text)} x"))
        assert shown == f"<p>x {printable(text)} x</p>\n"

    def test_a_cell_of_a_table_shows_it(self, text):
        table = markdown_table(["a", "b"], [[markdown(text), code(text)]], right=[])
        cells = re.findall("<td>(.*?)</td>", rendered(table))
        plain, span = map(html.unescape, cells)
        assert plain == printable(text).strip()
        assert span == f"<code>{printable(text)}</code>"

    def test_a_terminal_shows_it(self, text):
        assert printable(text).isprintable()
        assert "\n" not in printable(text)
        assert set(printable_lines(text)) - {"\n"} <= set(printable(text))

    def test_csv_keeps_it_and_no_cell_is_a_formula(self, text):
        file = io.StringIO()
        csv.writer(file).writerow([csv_text(text)])
        (cell,) = next(csv.reader(io.StringIO(file.getvalue())))
        assert from_csv_text(cell) == without_controls(text)
        assert not cell.lstrip().startswith(tuple("=+-@＝＋－＠"))
        assert not re.search("[\0-\x1f\x7f-\x9f]", cell)


def test_every_text_is_shown_as_it_is():
    rng = np.random.default_rng(0)
    alphabet = np.array(list("ab \\`*_{}[]()#+-.!|~<>&$:/@='\"w\n\t\x1b0"))
    for _ in range(3_000):
        text = "".join(rng.choice(alphabet, rng.integers(1, 12)))
        shown = html.unescape(rendered(f"x{markdown(text)}x"))
        assert shown == f"<p>x{printable(text)}x</p>\n", ascii(text)
        assert from_csv_text(csv_text(text)) == without_controls(text), ascii(text)


def test_a_long_error_is_cut():
    ended = attempt(lambda: _fail("x" * 10_000_000))
    assert len(ended.error) < MAX_ERROR + 100
    assert "characters ...]" in ended.error
    assert len(ended.trace) < 25_000
    assert cut("abc") == "abc"


def _fail(message):
    raise ValueError(message)


ENCODINGS = ("cp1252", "cp1251", "cp932", "ascii", "utf-8")
COMMANDS = (
    ("report", "run"),
    ("compare", "run", "noisy", "blur"),
    ("run", "tiny.toml", "-o", "run", "-j", "1"),
    ("run", "tiny.toml", "-o", "run", "--dry-run"),
    ("list", "methods"),
    ("list", "methods", "--json"),
    ("list", "metrics"),
    ("sys-info",),
    ("report", "Ωμέγα日本語"),
    ("run", "table1", "-m", "Ωμέγα\x1b[31m日本語"),
    ("--help",),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a small suite and a run of it."""
    folder = tmp_path_factory.mktemp("output")
    shutil.copy(Path(__file__).with_name("tiny.toml"), folder)
    run_suite(load(str(folder / "tiny.toml")), folder / "run")
    return folder


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: ascii(" ".join(command)))
def test_every_terminal_can_print_it(monkeypatch, folder, command, encoding):
    monkeypatch.chdir(folder)
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding=encoding) for name in ("out", "err")}
    monkeypatch.setattr("sys.stdout", streams["out"])
    monkeypatch.setattr("sys.stderr", streams["err"])
    with suppress(SystemExit):  # of --help
        main(list(command))
    for stream in streams.values():
        stream.flush()
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams.values())
    assert out + err
    assert "Traceback" not in out + err
    assert "\x1b" not in out + err
    if "--json" in command:
        assert json.loads(out)
