"""The table of targets: a line per format."""

from __future__ import annotations

from fuzz.formats import npy
from fuzz.target import Target

TARGETS: dict[str, Target] = {
    "npy": npy.TARGET,
}
