"""What users' methods print while a run calls them."""

from __future__ import annotations

from pathlib import Path

from sigbench.benchmark.engine.evaluate import Cell
from sigbench.benchmark.store.gallery import log_file

MAX_BYTES = 2**20  # of a file; the oldest lines are deleted


def write_log(folder: Path, cell: Cell, text: str) -> None:
    """Append what a method printed in a cell to its log; if it printed nothing, do nothing.

    Parameters
    ----------
    folder : Path
        The run folder.
    cell : Cell
        The cell.
    text : str
        The output.
    """
    if not text:
        return
    path = folder / log_file(cell.method.name)
    path.parent.mkdir(exist_ok=True)
    before = path.read_bytes() if path.is_file() else b""
    end = "" if text.endswith("\n") else "\n"
    added = f"--- {cell.problem.name}, seed {cell.seed}\n{text}{end}".encode(errors="replace")
    content = before + added
    if len(content) > MAX_BYTES:
        _, _, content = content[-MAX_BYTES:].partition(b"\n")
        path.write_bytes(content)
    else:
        with path.open("ab") as file:
            file.write(added)
