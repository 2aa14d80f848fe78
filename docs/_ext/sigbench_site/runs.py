"""The pages that `sigbench report --html` writes about the runs in the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sigbench_site.pages import REFERENCE, ROOT

RESULTS = ROOT / "results"
REPORT = ROOT / "sigbench/benchmark/report"
EXTRA = REFERENCE / "extra"  # what is in it is copied to the root of the site
FOLDER = EXTRA / "runs"


def write(suites: Iterable[str]) -> None:
    """Write a page for each run whose cells are in the repository, unless it is up to date.

    Raises
    ------
    RuntimeError
        If a page cannot be written.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = [suite for suite in suites if has_page(suite)]
    for page in FOLDER.glob("*.html"):
        if page.stem not in wanted:
            page.unlink()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_write_one, [suite for suite in wanted if not _is_current(suite)]))


def has_page(suite: str) -> bool:
    """Return whether the cells of a run are in the repository."""
    return (RESULTS / suite / "cells").is_dir()


def _write_one(suite: str) -> None:
    page = FOLDER / f"{suite}.html"
    command = [sys.executable, "-m", "sigbench", "report", str(RESULTS / suite)]
    done = subprocess.run(
        [*command, "--html", str(page)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")


def _is_current(suite: str) -> bool:
    page = FOLDER / f"{suite}.html"
    sources = [*_files(RESULTS / suite), *_files(REPORT)]
    newest = max(path.stat().st_mtime for path in sources)
    return page.is_file() and page.stat().st_mtime > newest


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
