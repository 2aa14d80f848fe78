"""Progress of long work: a bar on a terminal, otherwise a line at least every 30 seconds."""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO

from tqdm import tqdm

from sigbench.core.durations import duration

LINE_EVERY_S = 30.0
REDRAW_EVERY_S = 1.0
BAR = "{n_fmt}/{total_fmt} |{bar:10}| {elapsed}<{remaining} {desc}"


class Progress:
    """Reports on standard error how much of a long task is done.

    A background thread reports even if nothing advances, so a single long step is visible too.

    Parameters
    ----------
    total : int, optional
        Number of steps, if it is known.
    unit : str
        Name of one step; the unit "B" stands for bytes.
    quiet : bool
        Report nothing but `message`.

    Examples
    --------
    >>> with Progress(2, "cell", quiet=True) as progress:
    ...     progress.describe("the first cell")
    ...     progress.advance()
    """

    def __init__(self, total: int | None, unit: str, *, quiet: bool = False) -> None:
        terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=total,
            unit=unit,
            unit_scale=unit == "B",
            disable=quiet or not terminal,
            leave=False,
            dynamic_ncols=True,
            bar_format=BAR if total else None,
        )
        self._prints_lines = not quiet and not terminal
        self._total, self._unit, self._done = total, unit, 0
        self._text = ""
        self._start = time.monotonic()
        self._ended = threading.Event()
        report = self._print_lines if self._prints_lines else self._redraw
        self._thread = None if quiet else threading.Thread(target=report, daemon=True)

    def __enter__(self) -> Progress:
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()
        self._bar.close()

    def describe(self, text: str) -> None:
        """Set the description of what is being done."""
        self._text = text
        self._bar.set_description_str(text, refresh=False)

    def advance(self, steps: int = 1) -> None:
        """Count steps as done."""
        self.set_done(self._done + steps, self._total)

    def set_done(self, done: int, total: int | None) -> None:
        """Set how many steps are done, and how many there are."""
        self._done, self._total = done, total
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def message(self, text: str, file: TextIO | None = None) -> None:
        """Print a line above the bar, even if ``quiet``; by default on standard error."""
        self._bar.write(text, file=file or sys.stderr)

    def print_line(self) -> None:
        """Print the progress now, unless there is a bar."""
        if self._prints_lines:
            print(self._line(), file=sys.stderr, flush=True)

    def _line(self) -> str:
        count = self._count(self._done)
        if self._total:
            count = f"{count.partition(' ')[0]} of {self._count(self._total)}"
        text = f": {self._text}" if self._text else ""
        return f"{duration(time.monotonic() - self._start)}, {count}{text}"

    def _count(self, steps: int) -> str:
        if self._unit == "B":
            return str(tqdm.format_sizeof(steps, "B"))
        return f"{steps:,} {self._unit}{'s' * (steps != 1)}"

    def _redraw(self) -> None:
        while not self._ended.wait(REDRAW_EVERY_S):
            self._bar.refresh()

    def _print_lines(self) -> None:
        while not self._ended.wait(LINE_EVERY_S):
            self.print_line()
