"""The files of examples of a run folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from fuzz.formats.npy import DTYPES, SHAPES, with_header
from fuzz.formats.run_folder import run_files
from fuzz.target import Target
from fuzz.trees import random_files
from sigbench.benchmark.store.examples import read_estimates, read_originals

ORIGINALS, ESTIMATES = "estimates/sparse-spikes.npz", "estimates/sparse-spikes.blur.npz"
VALUES: tuple[Any, ...] = (
    np.array("image"),
    np.array("../x"),
    np.array(b"image"),
    np.array(np.nan),
    np.array(np.inf),
    np.array(-1.0),
    np.array(2**62),
    np.array([]),
    np.array(["psnr"] * 3),
    np.zeros((1, 100), np.float32),
    np.full((1, 100), np.nan, np.float32),
    np.zeros((0, 100), np.float32),
    np.zeros((1, 1, 1, 1), np.float32),
    np.array([None]),
    np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    np.zeros((1, 100), np.complex64),
    np.array(["2026-01-01"], "datetime64[D]"),
)


def _member(value: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, value)
    return buffer.getvalue()


def _random(name: str) -> Callable[[Random], bytes]:
    """Return a function that makes archives with missing, foreign or malformed members."""

    def make(rng: Random) -> bytes:
        with np.load(io.BytesIO(run_files()[name]), allow_pickle=False) as file:
            members = {key: _member(file[key]) for key in file.files}
        for _ in range(rng.choice((1, 1, 2))):
            key = rng.choice(list(members))
            action = rng.choice(("value", "value", "drop", "swap", "header", "bytes", "bomb"))
            if action == "value":
                members[key] = _member(rng.choice(VALUES))
            elif action == "drop" and len(members) > 1:
                del members[key]
            elif action == "swap":
                members[key] = members[rng.choice(list(members))]
            elif action == "header":
                descr, shape = rng.choice(DTYPES), rng.choice(SHAPES)
                header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"
                members[key] = with_header(header, rng.choice((1, 2, 3)))
            elif action == "bytes":
                members[key] = bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
            else:
                members[key] = _member(np.zeros(10**6))
        buffer = io.BytesIO()
        method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for key, data in members.items():
                archive.writestr(f"{key}.npy", data)
        return buffer.getvalue()

    return make


def _target(name: str, read: Callable[[Path], Any]) -> Target:
    return Target(
        "case.npz",
        read,
        lambda: [run_files()[name]],
        tokens=(b"PK\x01\x02", b"PK\x03\x04", b"\x93NUMPY", b"'shape'", b"items.npy", b"|O"),
        strategy=random_files(_random(name)),
    )


ORIGINALS_FILE = _target(ORIGINALS, read_originals)
ESTIMATES_FILE = _target(ESTIMATES, read_estimates)
