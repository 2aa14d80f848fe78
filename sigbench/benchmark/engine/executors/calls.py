"""Calls that are sent to a worker, and their results."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cloudpickle

import sigbench
from sigbench.benchmark.isolation.process import MethodFailed
from sigbench.core.cautions import cautions
from sigbench.core.escape import cut

MAX_TRACE = 20_000  # characters
MAX_CAUTIONS = 3  # of one call


@dataclass(frozen=True)
class CallResult:
    """The result of a call: its value, or the error in one line and the traceback.

    ``lost`` means that its worker died, and ``contended`` that other calls ran at the same time.
    ``log`` is what a user's method printed, and ``cautions`` are the texts of `Caution` warnings.
    """

    value: Any = None
    error: str = ""
    trace: str = ""
    lost: bool = False
    contended: bool = False
    number: int = -1
    log: str = ""
    cautions: tuple[str, ...] = ()


def attempt(work: Callable[[], Any]) -> CallResult:
    """Run a call and return its value or error; KeyboardInterrupt is not caught.

    A call may return a `CallResult` itself.
    """
    with cautions() as found:
        ended = _ended(work)
    return replace(ended, cautions=tuple(found[:MAX_CAUTIONS])) if found else ended


def _ended(work: Callable[[], Any]) -> CallResult:
    try:
        value = work()
        return value if isinstance(value, CallResult) else CallResult(value)
    except MethodFailed as failed:
        return CallResult(error=failed.error, trace=failed.trace, lost=failed.lost)
    except (Exception, SystemExit) as error:
        return CallResult(
            error=one_line(error), trace=_printable(cut(traceback.format_exc(), MAX_TRACE))
        )


def one_line(error: BaseException) -> str:
    """Return the type and message of an error on one line, without its middle if it is long."""
    try:
        message = cut(str(error))
    except BaseException as broken:
        message = f"its message raises {type(broken).__name__}"
    return _printable(" ".join(f"{type(error).__name__}: {message}".split()))


def _printable(text: str) -> str:
    """Escape characters that UTF-8 cannot encode, such as bytes of a file name."""
    return text.encode("utf-8", "backslashreplace").decode()


def pack(work: Callable[[], Any]) -> bytes:
    """Return a call as bytes; functions defined in a script or notebook are included.

    Raises
    ------
    Exception
        If part of it cannot be serialized.
    """
    return cloudpickle.dumps((sigbench.__version__, str(Path.cwd()), cloudpickle.dumps(work)))


def answer(packed: bytes) -> bytes:
    """Run a packed call, in a worker, and return its packed result."""
    ended = attempt(lambda: _unpack(packed)())
    try:
        return cloudpickle.dumps(ended)
    except Exception as error:
        what = f"the worker cannot send its result: {one_line(error)}"
        return cloudpickle.dumps(CallResult(error=what, trace=traceback.format_exc()))


def _unpack(packed: bytes) -> Any:
    version, here, work = cloudpickle.loads(packed)
    if version != sigbench.__version__:
        raise RuntimeError(f"the worker has sigbench {sigbench.__version__}, not {version}")
    if here not in sys.path and Path(here).is_dir():
        sys.path.insert(0, here)  # the modules of the user
    return cloudpickle.loads(work)
