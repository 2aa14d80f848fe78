"""Floors are checked on fresh runs."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pytest_sessionstart(session):
    """Delete earlier runs: sigbench's own methods are known by their version, not their source."""
    if not hasattr(session.config, "workerinput"):  # once, before pytest-xdist starts its workers
        shutil.rmtree(ROOT / ".sigbench", ignore_errors=True)
