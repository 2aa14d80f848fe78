"""Progress of long work, on a terminal and elsewhere."""

import re
import sys
import time

import pytest

from sigbench.core import progress
from sigbench.core.progress import Progress


def lines_of(capsys):
    return [line.partition(", ")[2] for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("total", "unit", "done", "expected"),
    [
        (8, "cell", 0, "0 of 8 cells: fitting"),
        (1, "cell", 1, "1 of 1 cell: fitting"),
        (None, "step", 3, "3 steps: fitting"),
        (2_000_000, "B", 500_000, "500kB of 2.00MB: fitting"),
    ],
)
def test_a_line_says_how_much_is_done(capsys, total, unit, done, expected):
    with Progress(total, unit) as bar:
        bar.describe("fitting")
        bar.set_done(done, total)
        bar.print_line()
    assert lines_of(capsys) == [expected]


def test_work_that_does_not_advance_is_reported_too(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.01)
    with Progress(2, "cell") as bar:
        bar.describe("a long fit")
        end = time.monotonic() + 60
        while not (err := capsys.readouterr().err):
            assert time.monotonic() < end
    assert "0 of 2 cells: a long fit" in err


def test_quiet_prints_messages_alone(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.01)
    with Progress(2, "cell", quiet=True) as bar:
        bar.advance()
        bar.print_line()
        bar.message("failed: a cell")
    assert capsys.readouterr().err == "failed: a cell\n"


def test_on_a_terminal_there_is_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(progress, "REDRAW_EVERY_S", 0.01)
    err, end = "", time.monotonic() + 60
    with Progress(4, "cell") as bar:
        bar.describe("icnn")
        bar.advance(3)
        bar.print_line()
        while not re.search(r"3/4 \|.{10}\| \S+ icnn", err):
            err += capsys.readouterr().err
            assert time.monotonic() < end
    assert "\n" not in err.strip()
