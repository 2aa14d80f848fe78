"""Signals that end a command: SIGINT (Ctrl-C), SIGTERM and SIGHUP.

Each ends it in the same way: one line, exit code 128 + the number of the signal, no child process
left behind. This module imports only small modules, so that it can be imported first.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

TYPE_CHECKING = False  # importing typing would take longer than the rest
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))
IMPORTER = "<frozen importlib._bootstrap>"
RESUME = "run the same command again to resume"
_advice = RESUME


class Interrupted(KeyboardInterrupt):
    """A command was interrupted by a signal.

    Parameters
    ----------
    number : int
        The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def install() -> None:
    """Raise `Interrupted` on each of the signals; one that is ignored stays ignored (``nohup``).

    For the main program only, before it imports anything large.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    sys.unraisablehook = _unraisable
    atexit.register(_ignore)


def finish(code: int) -> None:
    """Let a signal end the process silently with this exit code, because its work is done."""
    for number in SIGNALS:
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, lambda *_: os._exit(code))


def number_of(stop: KeyboardInterrupt) -> int:
    """Return the signal that an exception stands for; Python raises its own for SIGINT."""
    return stop.number if isinstance(stop, Interrupted) else signal.SIGINT


def message(number: int) -> str:
    """Return the line that a command prints when a signal ends it.

    Examples
    --------
    >>> message(signal.SIGTERM)
    'interrupted by SIGTERM; run the same command again to resume'
    """
    by = "" if number == signal.SIGINT else f" by {signal.Signals(number).name}"
    return f"interrupted{by}; {_advice}"


def set_advice(text: str) -> None:
    """Set what `message` says after "interrupted", for the command that runs now."""
    global _advice
    _advice = text


def how_it_ended(code: int) -> str:
    """Return how a process ended, from its exit code, which is negative for a signal.

    Examples
    --------
    >>> how_it_ended(1), how_it_ended(-15)
    ('exit code 1', 'signal SIGTERM')
    """
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


@contextmanager
def deferred() -> Iterator[Callable[[], int]]:
    """Defer the signals: yield a function that returns the one received, or 0.

    A second signal raises `Interrupted` at once. Signals that would not raise an exception are not
    deferred, nor are any outside the main thread.
    """
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            raise Interrupted(number)
        received.append(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    if threading.current_thread() is not threading.main_thread():
        before = {}
    raising = (_interrupt, signal.default_int_handler)
    before = {number: handler for number, handler in before.items() if handler in raising}
    for number in before:
        signal.signal(number, handle)
    try:
        yield lambda: received[0] if received else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def blocked() -> Iterator[None]:
    """Block the signals; a process that is started meanwhile inherits this, even while it imports."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_to_parent() -> None:
    """Ignore Ctrl-C in a worker process: its parent handles it. Other signals end the worker.

    Its own child processes need the default for those, because that is how they are stopped.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # of `blocked`
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _ignore() -> None:
    """Ignore the signals while the interpreter is torn down, where Python would reset them."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise `Interrupted`; during an import, end the process.

    C code that imports a module, and callbacks of the import system, can lose an exception. The
    process can be ended at any moment: no file is lost, and its workers end too.
    """
    while frame is not None:
        if frame.f_code.co_filename == IMPORTER:
            _end(number)
        frame = frame.f_back
    raise Interrupted(number)


def _unraisable(lost: Any) -> None:
    """End the process if the exception was raised where Python can only print it."""
    if isinstance(lost.exc_value, Interrupted):
        _end(lost.exc_value.number)
    sys.__unraisablehook__(lost)


def _end(number: int) -> None:
    with suppress(OSError):  # standard error may be closed
        os.write(2, f"{message(number)}\n".encode())
    os._exit(128 + number)
