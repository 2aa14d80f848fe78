"""Commands that are killed, or meet a full disk, at any change of a file: see crash_points.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
SCRIPT = str(Path(__file__).parent / "crash_points.py")


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
    assert int(done.stdout.splitlines()[-1]) >= 3
