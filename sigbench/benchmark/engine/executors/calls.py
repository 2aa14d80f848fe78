"""A call on its way to a worker, and what came of it on its way back."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle

import sigbench


@dataclass(frozen=True)
class CallResult:
    """What came of a call: its value, or the error in one line and the traceback.

    ``lost`` says that its worker died, ``contended`` that other calls ran beside it.
    """

    value: Any = None
    error: str = ""
    trace: str = ""
    lost: bool = False
    contended: bool = False
    number: int = -1


def attempt(work: Callable[[], Any]) -> CallResult:
    """Make a call, and return its value or its error; Ctrl-C passes through."""
    try:
        return CallResult(work())
    except (Exception, SystemExit) as error:
        return CallResult(error=one_line(error), trace=_printable(traceback.format_exc()))


def one_line(error: Exception | SystemExit) -> str:
    """Return an error's type and message on one line."""
    try:
        message = str(error)
    except Exception as broken:
        message = f"its message raises {type(broken).__name__}"
    return _printable(" ".join(f"{type(error).__name__}: {message}".split()))


def _printable(text: str) -> str:
    """Escape what no file could hold, as the bytes of a file name that is not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def pack(work: Callable[[], Any]) -> bytes:
    """Return a call as bytes; functions of a notebook or script go along by value.

    Raises
    ------
    Exception
        Where part of it cannot be sent.
    """
    return cloudpickle.dumps((sigbench.__version__, str(Path.cwd()), cloudpickle.dumps(work)))


def answer(packed: bytes) -> bytes:
    """In a worker: make a packed call and return what came of it, packed."""
    ended = attempt(lambda: _unpack(packed)())
    try:
        return cloudpickle.dumps(ended)
    except Exception as error:
        what = f"the result cannot be sent back by the worker: {one_line(error)}"
        return cloudpickle.dumps(CallResult(error=what, trace=traceback.format_exc()))


def _unpack(packed: bytes) -> Any:
    version, here, work = cloudpickle.loads(packed)
    if version != sigbench.__version__:
        raise RuntimeError(f"the worker has sigbench {sigbench.__version__}, not {version}")
    if here not in sys.path and Path(here).is_dir():
        sys.path.insert(0, here)  # where a user's own modules are
    return cloudpickle.loads(work)
