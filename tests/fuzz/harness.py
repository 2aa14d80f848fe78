"""Run a reader on a case in a child process with limits, and judge what happened.

A case passes if the reader returns or raises `InputError`, within 20 s of processor time and
the memory that its target states, without starting a process, opening a socket, importing by a
pickle, or writing outside the folder of the case.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from fuzz.mutate import mutated
from fuzz.target import MB, Target

MAX_SECONDS = 20  # of processor time
MAX_WAIT = 240  # seconds; only for a reader that waits instead of computing
MAX_MESSAGE = 2000  # characters of an error
SLACK = 128 * MB  # address space for stacks and lazily loaded code
FORBIDDEN = (  # audit events
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
    "socket.__new__",
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "pickle.find_class",
)


@dataclass(frozen=True)
class Outcome:
    """What happened in a case: ``read``, ``refused`` or ``failed``, with the reason."""

    kind: str
    text: str = ""


@dataclass(frozen=True)
class Case:
    """A file, and how it was made."""

    label: str
    data: bytes


def cases(name: str, target: Target, seed: int) -> Iterator[Case]:
    """Yield cases without end; case n depends only on the name, the seed and n."""
    good = target.good()
    n = 0
    while True:
        made: list[bytes] = []
        if target.strategy is not None:
            made = _examples(target.strategy, f"{seed}/{name}/{n}", 25)
        for i in range(100):
            if made and i % 4 == 0:
                yield Case(f"{name}-{seed}-{n}", made[i // 4 % len(made)])
            else:
                rng = Random(f"{seed}/{name}/{n}")
                data = mutated(good, target.tokens, rng)
                if target.repair and rng.random() < 0.7:
                    data = target.repair(data)
                yield Case(f"{name}-{seed}-{n}", data)
            n += 1


def _examples(strategy: Any, seed: str, count: int) -> list[bytes]:
    """Return the first examples of a strategy for a seed."""
    import hypothesis

    found: list[bytes] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def collect(data: bytes) -> None:
        found.append(data)

    collect()
    return found


def run(target: Target, data: bytes) -> Outcome:
    """Read a file in a child process; return what happened."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder).resolve() / target.file
        path.write_bytes(data)
        return _in_child(target, path, target.memory + target.per_byte * len(data))


def _in_child(target: Target, path: Path, memory: int) -> Outcome:
    reader, writer = os.pipe()
    with warnings.catch_warnings():  # Python 3.12 warns of threads, which are idle here
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            outcome = _limited(target, path, memory)
            os.write(writer, f"{outcome.kind}\n{outcome.text}".encode("utf-8", "replace")[:4000])
        finally:
            os._exit(0)
    os.close(writer)
    if not select.select([reader], [], [], MAX_WAIT)[0]:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    if not answer:
        number = os.waitstatus_to_exitcode(status)
        name = signal.Signals(-number).name if number < 0 else f"exit code {number}"
        return Outcome("failed", f"the process ended with {name}")
    kind, _, text = answer.partition("\n")
    return Outcome(kind, text)


def _limited(target: Target, path: Path, memory: int) -> Outcome:
    """Read under limits; only called in the child."""
    from sigbench import InputError

    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    seen: list[str] = []
    sys.addaudithook(lambda event, args: _audit(event, args, path.parent, seen))
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = size + memory + SLACK
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = Outcome("read")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            target.read(path)
        except InputError as error:
            outcome = Outcome("refused", str(error))
        except BaseException:
            outcome = Outcome("failed", traceback.format_exc())
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    if outcome.kind == "failed":
        return outcome
    if seen:
        return Outcome("failed", f"forbidden: {', '.join(sorted(set(seen)))}")
    if used > memory:
        return Outcome("failed", f"{used / MB:.0f} MB used, {memory / MB:.0f} MB allowed")
    if len(outcome.text) > MAX_MESSAGE:
        return Outcome("failed", f"a message of {len(outcome.text)} characters")
    return outcome


def _audit(event: str, args: tuple[Any, ...], folder: Path, seen: list[str]) -> None:
    if event in FORBIDDEN:
        seen.append(event)
    elif event == "open" and isinstance(args[0], str | bytes) and isinstance(args[2], int):
        writes = args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        name = os.fsdecode(args[0])
        if writes and not os.path.realpath(name).startswith(f"{folder}{os.sep}"):
            seen.append(f"open {name} for writing")
