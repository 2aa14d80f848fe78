"""Progress of long work: a bar on a terminal, otherwise a line at least every 30 seconds."""

from __future__ import annotations

import sys
import threading
import time

from tqdm import tqdm

from sigbench.core.durations import duration

LINE_EVERY_S = 30.0
REDRAW_EVERY_S = 1.0


class Progress:
    """Reports on standard error how much of a long task is done.

    A background thread reports while nothing advances, so a single long step is visible too.

    Parameters
    ----------
    total : int
        Number of steps.
    unit : str
        Name of one step.
    quiet : bool
        Report nothing but `message`.
    initial : int
        Number of steps that are already done.

    Examples
    --------
    >>> with Progress(2, "cell", quiet=True) as progress:
    ...     progress.describe("the first cell")
    ...     progress.advance()
    """

    def __init__(self, total: int, unit: str, *, quiet: bool = False, initial: int = 0) -> None:
        terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=total,
            unit=unit,
            initial=initial,
            disable=quiet or not terminal,
            leave=False,
            dynamic_ncols=True,
        )
        self._total, self._unit, self._done = total, unit, initial
        self._text = ""
        self._start = time.monotonic()
        self._ended = threading.Event()
        report = self._redraw if terminal else self._print_lines
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
        self._bar.set_description(text)

    def advance(self, steps: int = 1) -> None:
        """Count steps as done."""
        self._done += steps
        self._bar.update(steps)

    def message(self, text: str) -> None:
        """Print a line above the bar, even if ``quiet``."""
        self._bar.write(text, file=sys.stderr)

    def _redraw(self) -> None:
        while not self._ended.wait(REDRAW_EVERY_S):
            self._bar.refresh()

    def _print_lines(self) -> None:
        while not self._ended.wait(LINE_EVERY_S):
            elapsed = duration(time.monotonic() - self._start)
            text = f": {self._text}" if self._text else ""
            line = f"{elapsed}: {self._done} of {self._total} {self._unit}s done{text}"
            print(line, file=sys.stderr, flush=True)
