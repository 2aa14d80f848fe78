"""Shared fixtures. A seed names every random draw of a test."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


def pytest_sessionstart(session):
    """Run the floors anew: sigbench's own methods are known by their version, not their source."""
    shutil.rmtree(ROOT / ".sigbench", ignore_errors=True)


@pytest.fixture
def rng():
    return np.random.default_rng(20210601)


@pytest.fixture
def real_data():
    """The folder of real recordings and photographs; they are not part of the project."""
    folder = Path(os.environ.get("SIGBENCH_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data here: SIGBENCH_TEST_DATA names no folder ({folder.name})")
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory, whose modules are gone after the test."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
