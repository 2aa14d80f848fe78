"""Ordinary files come back as they were: each goes through the command line unchanged."""

import json

import numpy as np
import pytest
from ordinary_files import ARRAYS, SOUNDS, TABLES
from test_picture_files import FILES as PICTURES

from sigbench.cli.main import main
from sigbench.core.media import read

FILES = {**TABLES, **SOUNDS, **ARRAYS, **PICTURES}


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


AUTO = (
    "plain.csv",
    "holes.csv",
    "16-bit.wav",
    "int64.npy",
    "gray-16.png",
    "photo.jpg",
)


def test_auto_denoises_a_folder_of_all_formats(here, capsys):
    (here / "in").mkdir()
    for name in AUTO:
        (here / "in" / name).write_bytes(FILES[name])
    assert main(["denoise", "in", "-o", "out", "-m", "auto", "--json"]) == 0
    out, err = capsys.readouterr()
    records = json.loads(out)["files"]
    assert [record["in"] for record in records] == [f"in/{name}" for name in sorted(AUTO)]
    assert sorted(path.name for path in (here / "out").iterdir()) == sorted(AUTO)
    assert f"all {len(AUTO)} files are written to out" in err
    for record in records:
        before, after = (read(here / record[key]) for key in ("in", "out"))
        assert before.batch.shape == after.batch.shape == tuple(record["shape"])
        assert (before.fs, before.peak, before.notes) == (after.fs, after.peak, after.notes)
        assert np.array_equal(before.missing, after.missing)
