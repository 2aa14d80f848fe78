"""The table of targets: a line per format."""

from __future__ import annotations

from fuzz.formats import archive, image, npy, sound, table
from fuzz.target import Target

TARGETS: dict[str, Target] = {
    "npy": npy.TARGET,
    "png": image.PNG,
    "jpeg": image.JPEG,
    "tiff": image.TIFF,
    "wav": sound.WAV,
    "flac": sound.FLAC,
    "csv": table.TARGET,
    "tar.gz": archive.TAR,
    "tar": archive.PLAIN_TAR,
    "zip": archive.ZIP,
    "torch": archive.TORCH,
    "pickle": archive.PICKLE,
}
