"""Ordinary files come back as they were: each goes through the command line unchanged."""

import json

import pytest
from ordinary_files import ARRAYS, SOUNDS, TABLES
from test_picture_files import FILES as PICTURES

from sigbench.cli.main import main

FILES = {**TABLES, **SOUNDS, **ARRAYS, **PICTURES}

# What is denoised of each file: items, channels and samples. All other parts are kept.
SHAPES = {
    "plain.csv": (2, 1, 12),
}


def test_there_are_ordinary_files_of_every_format():
    counts = [len(files) for files in (TABLES, SOUNDS, PICTURES)]
    assert all(n >= least for n, least in zip(counts, (25, 8, 8), strict=True))
    assert sum(counts) == len({**TABLES, **SOUNDS, **PICTURES}) >= 40


@pytest.mark.parametrize("name", FILES)
def test_a_file_comes_back_byte_for_byte(here, capsys, name):
    (here / name).write_bytes(FILES[name])
    assert main(["denoise", name, "-o", f"out-{name}", "-m", "noisy", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)["files"]
    assert (here / f"out-{name}").read_bytes() == FILES[name]
    assert record["cautions"] == []
