"""Bundles of runs, which strangers hand in."""

from __future__ import annotations

import functools
import io
import json
import tempfile
import zipfile
from pathlib import Path
from random import Random

from fuzz.formats.run_folder import planned, run_files
from fuzz.target import MB, Target
from fuzz.trees import as_json, changed, random_files
from sigbench.benchmark.bundle.archive import archive, opened
from sigbench.benchmark.bundle.contents import Contents

NAMES = ("../x", "/x", "work/../../x", "work/.x", "run", "work//x", "C:/x", "work/a\\b", "work/\0")


@functools.cache
def good() -> bytes:
    files = {f"run/{name}": data for name, data in run_files().items()}
    return archive(Contents({**files, "README.md": b"x", "work/mine.py": b"1/0"}, ["work/mine.py"]))


def read(path: Path) -> None:
    """Open a bundle and verify all but the values; nothing is written outside."""
    mine = path.parent / "mine.txt"
    mine.write_text("mine")
    temporary = path.parent / "temporary"
    temporary.mkdir()
    tempfile.tempdir = str(temporary)  # the only folder in which a case may write is its own
    try:
        with opened(path, trust_code=False) as target:
            assert not list((target.work or path).rglob("*.py"))
            planned(target.run)
    finally:
        tempfile.tempdir = None
        assert {one.name for one in path.parent.iterdir()} == {path.name, mine.name, "temporary"}
        assert not list(temporary.iterdir())
        assert mine.read_text() == "mine"


def _random_bundle(rng: Random) -> bytes:
    """Return a bundle with a changed index, or with other names."""
    with zipfile.ZipFile(io.BytesIO(good())) as file:
        files = {name: file.read(name) for name in file.namelist()}
    index = json.loads(files["bundle.json"])
    if rng.random() < 0.5:
        old, new = rng.choice(sorted(index["files"])), rng.choice(NAMES)
        index["files"][new] = index["files"].pop(old)
        files[new] = files.pop(old)
        files["bundle.json"] = json.dumps(index).encode()
    else:
        files["bundle.json"] = as_json(changed(index, rng))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


TARGET = Target(
    "case.zip",
    read,
    lambda: [good()],
    tokens=(b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"../x", b"run/", b"work/"),
    strategy=random_files(_random_bundle),
    memory=256 * MB,
    per_byte=1000,
)
