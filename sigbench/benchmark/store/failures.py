"""The record of failed cells: ``failures.jsonl``, and their tracebacks in ``failures.log``."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sigbench.benchmark.engine.scheduler import Failure
from sigbench.benchmark.store.cells import CellId
from sigbench.benchmark.store.manifest import LOG
from sigbench.benchmark.store.schemas import FAILURE
from sigbench.core.atomic import append, write_atomically
from sigbench.core.errors import InputError
from sigbench.core.parsing import parse_json, read_text
from sigbench.core.schema import check

MAX_BYTES = 2**28


class FailureLog:
    """The failed cells of a run folder.

    Parameters
    ----------
    folder : Path
        The run folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "failures.jsonl"
        self.log_path = folder / LOG

    def read(self, finished: Container[CellId]) -> list[dict[str, Any]]:
        """Return the cells that failed and have not finished since, in order.

        Parameters
        ----------
        finished : container of (problem, seed, method)
            The finished cells.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        if not self.path.is_file():
            return []
        latest: dict[CellId, dict[str, Any]] = {}
        try:
            # The last line may be incomplete. Names may contain what Unicode calls a line break.
            for number, line in enumerate(read_text(self.path, MAX_BYTES).split("\n")[:-1], 1):
                if line.strip():
                    failure = parse_json(f"line {number}", line)
                    check(f"line {number}", failure, FAILURE)
                    latest[failure["problem"], failure["seed"], failure["method"]] = failure
        except InputError as error:
            raise InputError(f"{self.path} cannot be read ({error}): delete it") from None
        return [latest[cell] for cell in sorted(latest) if cell not in finished]

    def write(self, suite: str, failure: Failure) -> None:
        """Record a failed cell, and its traceback in the log."""
        cell = failure.cell
        record = {
            "suite": suite,
            "problem": cell.problem.name,
            "seed": cell.seed,
            "method": cell.method.name,
            "error": failure.error,
            "cell_key": cell.key,
        }
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        header = f"{now}  {cell.method.name} on {cell.problem.name}, seed {cell.seed}"
        self.add([record], log=f"{header}\n{failure.trace or failure.error}\n\n")

    def add(self, failures: Iterable[Mapping[str, Any]], *, log: str) -> None:
        """Append records, and text to the log."""
        append(self.log_path, log)
        lines = (json.dumps(failure, ensure_ascii=False) + "\n" for failure in failures)
        append(self.path, "".join(lines))

    def tidy(self, finished: Container[CellId]) -> None:
        """Remove records of cells that have finished since, and an incomplete last line."""
        left = self.read(finished)
        if left:
            text = "".join(json.dumps(failure, ensure_ascii=False) + "\n" for failure in left)
            write_atomically(self.path, text.encode())
        else:
            self.path.unlink(missing_ok=True)
            self.log_path.unlink(missing_ok=True)

    def log(self) -> str:
        """Return the tracebacks."""
        if not self.log_path.is_file():
            return ""
        return self.log_path.read_text(encoding="utf-8", errors="backslashreplace")
