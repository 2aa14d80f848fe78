"""Commands that are killed, or meet a full disk, at any change of a file: see crash_points.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
SCRIPT = str(Path(__file__).parent / "crash_points.py")
KILLS = Path(__file__).parents[1] / "benchmarks/kills.py"


@pytest.mark.parametrize(
    ("command", "mode", "stride"),
    [
        ("run", "kill", 8),
        ("fresh", "kill", 10),
        ("extend", "kill", 15),
        ("report", "kill", 4),
        ("merge", "kill", 6),
        ("update", "kill", 1),
        ("denoise", "kill", 1),
        ("train", "kill", 5),
        ("fetch", "kill", 6),
        ("analyze", "kill", 14),
        ("run", "full", 9),
        ("merge", "full", 8),
    ],
)
def test_a_command_that_is_stopped_anywhere_can_be_repeated(here, command, mode, stride):
    done = subprocess.run(
        [sys.executable, SCRIPT, command, mode, str(stride)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) >= 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.skipif(not KILLS.exists(), reason="not in an installed package")
def test_a_dozen_kills_at_random_moments(tmp_path):
    command = [sys.executable, str(KILLS), "--kills", "12", "--seed", "22"]
    command += ["--commands", "run", "merge", "train-numpy", "update"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines()[2:]]
    assert sum(int(row[1]) for row in rows) == 12
