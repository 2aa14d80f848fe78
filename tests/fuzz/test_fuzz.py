"""A fixed number of cases of every format; ``make fuzz`` runs more."""

import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.targets import TARGETS

CASES = 150

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits need Linux")


@pytest.mark.parametrize("name", TARGETS)
def test_no_case_fails(name, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=":")
    command = [sys.executable, "-m", "fuzz", name, "--cases", str(CASES)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{name}: {CASES} cases: ")
    assert done.stdout.endswith(", 0 failed\n")
