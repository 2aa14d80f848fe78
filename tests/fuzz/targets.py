"""The table of targets: a line per format."""

from __future__ import annotations

from fuzz.formats import (
    archive,
    bundle,
    examples,
    image,
    npy,
    run_folder,
    scores,
    sound,
    table,
    texts,
    weights,
)
from fuzz.target import Target

TARGETS: dict[str, Target] = {
    "npy": npy.TARGET,
    "png": image.PNG,
    "jpeg": image.JPEG,
    "tiff": image.TIFF,
    "wav": sound.WAV,
    "flac": sound.FLAC,
    "csv": table.TARGET,
    "scores": scores.TARGET,
    "tar.gz": archive.TAR,
    "tar": archive.PLAIN_TAR,
    "zip": archive.ZIP,
    "torch": archive.TORCH,
    "pickle": archive.PICKLE,
    "spec": texts.SPEC,
    "suite": texts.SUITE_FILE,
    "floors": texts.FLOORS_FILE,
    "recipe": texts.RECIPE_FILE,
    "manifest": run_folder.MANIFEST,
    "failures": run_folder.FAILURES,
    "cells": run_folder.CELLS,
    "cell-folder": run_folder.CELL_FOLDER,
    "originals": examples.ORIGINALS_FILE,
    "estimates": examples.ESTIMATES_FILE,
    "bundle": bundle.TARGET,
    "weights": weights.WEIGHTS,
    "checkpoint": weights.CHECKPOINT,
}
