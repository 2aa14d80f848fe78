"""Files of a folder that cannot be items: refused by name, or left out, counted and listed."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tifffile
from PIL import Image

from sigbench import METRICS, Denoising, Folder, Gaussian, InputError
from sigbench.benchmark.suites.suite import load
from sigbench.cli.main import main
from sigbench.datasets import survey as survey_module

SUITE = """
metrics = ["psnr"]
seeds = [1]
[[problems]]
dataset = "folder[path=data]"
degradation = "gaussian[sigma=0.1]"
{more}
[[methods]]
method = "gaussian-blur"
"""


@pytest.fixture
def data(here):
    """Three good clips."""
    (here / "data").mkdir()
    for name in ("a.wav", "b.wav", "c.WAV"):
        tone(here / "data" / name)
    return here / "data"


def tone(path, value=0.5, fs=8000, channels=1):
    samples = np.full((100, channels), value)
    samples[::2] /= 2
    soundfile.write(path, samples, fs, "FLOAT", format="WAV")


def picture(path, shape=(8, 8), dtype=np.uint8, value=100):
    tifffile.imwrite(path, np.full(shape, value, dtype), photometric="rgb" if shape[2:] else None)


def two_lines(path):
    path.write_text("1\n2\n")


BAD = {
    "silent.wav": (lambda p: tone(p, 0.0), "is silent: all samples are 0"),
    "nan.wav": (lambda p: tone(p, np.nan), r"contains nan at index \(0, 0, 0\): values must be"),
    "rate.wav": (lambda p: tone(p, fs=8001), r"has fs=8001 Hz, but a\.wav has fs=8000 Hz"),
    "stereo.wav": (lambda p: tone(p, channels=2), r"has 2 channels, but a\.wav has 1 channel"),
    "empty.wav": (lambda p: p.touch(), "is empty: it contains no samples"),
    "text.wav": (lambda p: p.write_text("RIFFRAFF"), "cannot be read as sound: "),
    "link.wav": (lambda p: p.symlink_to("nowhere"), "cannot be read: No such file"),
    "loop.wav": (lambda p: p.symlink_to("loop.wav"), "cannot be read: Too many levels"),
    "pipe.wav": (os.mkfifo, "is not a file"),
    "line\nbreak.wav": (tone, "has an unprintable name"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_by_name_when_the_suite_is_read(data, name):
    make, reason = BAD[name]
    make(data / name)
    Path("own.toml").write_text(SUITE.format(more=""))
    with pytest.raises(InputError, match=f"data/{name} {reason}.*; on_bad_item=.skip. leaves out"):
        load("own.toml")


def test_the_other_bad_files_are_counted(data):
    for name in ("silent.wav", "nan.wav", "rate.wav", "stereo.wav"):
        BAD[name][0](data / name)
    with pytest.raises(InputError, match=r"data/nan\.wav .* \(and 3 more of 7 files\); on_bad"):
        Folder("data")


def test_bad_files_are_left_out_counted_and_listed(data, capsys):
    good = Folder("data").version
    for name, (make, _) in BAD.items():
        make(data / name)
    Path("own.toml").write_text(SUITE.format(more='on_bad_item = "skip"'))
    assert main(["run", "own.toml", "-o", "run", "-j", "1", "--quiet"]) == 0
    assert capsys.readouterr().err.splitlines()[0] == (
        "folder: 10 files left out, listed in leaderboard.md"
    )
    listed = json.loads(Path("run/manifest.json").read_text())["suite"]["left_out"]["folder"]
    assert set(listed) == set(BAD)
    assert listed["silent.wav"] == "is silent: all samples are 0"
    board = Path("run/leaderboard.md").read_text()
    assert "## Items left out\n\n10 files could not be an item." in board
    assert "| silent.wav" in board
    # The items, and so the keys of cells, are those of a folder without the bad files.
    folder = Folder("data", on_bad_item="skip")
    assert (folder.version, folder.size("test")) == (good, 3)
    assert [folder.group("test", i) for i in range(3)] == ["a.wav", "b.wav", "c.WAV"]
    tone(data / "silent.wav")
    assert Folder("data", on_bad_item="skip").version != good


def test_the_odd_file_is_bad_not_the_others(here):
    for name, shape in (("1.tif", (8, 8)), ("2.tif", (8, 8, 3)), ("3.tif", (9, 8, 3))):
        picture(here / name, shape)
    with pytest.raises(InputError, match=r"1\.tif has 1 channel, but 2\.tif has 3 channels"):
        Folder(".")


def test_pictures_of_8_and_16_bits_are_not_mixed(here):
    """As one dataset, their mean PSNR was 0.86 dB, because the peak was that of the first."""
    rng = np.random.default_rng(0)
    scene = rng.integers(20, 236, (64, 64)).astype(np.uint8)
    for name, pixels in (("a.png", scene), ("b.png", scene.astype(np.uint16) * 257)):
        Image.fromarray(pixels).save(here / name)
    with pytest.raises(
        InputError, match=r"b\.png has values up to 65535, but a\.png has values up to 255"
    ):
        Folder(".")
    with pytest.raises(InputError, match="values up to 65535"):
        Folder(".", peak=255.0)
    values = []
    for name, scale in (("a.png", 1), ("b.png", 257)):
        folder = here / name[0]
        folder.mkdir()
        (here / name).rename(folder / name)
        problem = Denoising("p", Folder(str(folder)), Gaussian(sigma=14.43 * scale), items=1)
        (block,) = problem.blocks(1, 1)
        values.append(problem.score(METRICS["psnr"], block, block.noisy)[0])
    # 20 log10(255 / 14.43) = 24.94 dB, for both.
    assert values == [pytest.approx(24.94, abs=0.1)] * 2


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_the_range_of_integer_arrays_is_known(here, dtype):
    np.save("a.npy", np.arange(8, dtype=dtype))
    assert Folder(".").peak == np.iinfo(dtype).max


def test_a_signal_among_images_is_bad(here):
    np.save("a.npy", np.ones((4, 4)))
    np.save("b.npy", np.ones((4, 4)))
    np.save("c.npy", np.ones(4))
    with pytest.raises(
        InputError, match=r"c\.npy is of the kind signal, but a\.npy is of the kind"
    ):
        Folder(".", peak=1.0)


@pytest.mark.parametrize("name", ["._a.wav", ".hidden.wav", "Thumbs.db", "desktop.ini", "b.txt"])
def test_hidden_and_other_files_are_no_data(data, name):
    before = Folder("data").version
    (data / name).write_bytes(b"\0\5\x16\7")
    (data / ".hidden").mkdir()
    (data / "folder.wav").mkdir()
    assert Folder("data").size("test") == 3
    assert Folder("data").version == before


def test_bad_training_files_are_found_too(here):
    for split in ("train", "test"):
        (here / split).mkdir()
        for name in "abc":
            tone(here / split / f"{name}.wav")
    tone(here / "train" / "b.wav", 0.0)
    with pytest.raises(InputError, match=r"^train/b\.wav is silent"):
        Folder(".")
    folder = Folder(".", on_bad_item="skip")
    assert (folder.size("train"), folder.left_out) == (
        2,
        {"train/b.wav": "is silent: all samples are 0"},
    )


def test_nothing_left_is_an_error(here):
    tone(here / "a.wav", 0.0)
    with pytest.raises(InputError, match=r"path=\. has no test item left: a\.wav is silent"):
        Folder(".", on_bad_item="skip")


def test_a_wrong_choice_is_refused(data):
    with pytest.raises(InputError, match="on_bad_item='drop' must be one of: error, skip"):
        Folder("data", on_bad_item="drop")
    Path("own.toml").write_text(SUITE.format(more='on_bad_item = "drop"'))
    with pytest.raises(InputError, match="on_bad_item=drop must be one of: error, skip"):
        load("own.toml")
    Path("own.toml").write_text(
        SUITE.format(more='on_bad_item = "skip"').replace("folder[path=data]", "photos32")
    )
    with pytest.raises(InputError, match="unknown parameter of photos32 'on_bad_item'"):
        load("own.toml")


def test_files_are_read_once_and_again_if_they_change(data, monkeypatch):
    Folder("data")
    read, calls = survey_module.read, []
    monkeypatch.setattr(survey_module, "read", lambda path: calls.append(path.name) or read(path))
    Folder("data")
    assert calls == []
    tone(data / "b.wav", 0.25, fs=16000)
    with pytest.raises(InputError, match=r"b\.wav has fs=16000 Hz"):
        Folder("data")
    assert calls == ["b.wav"]
