"""The Berkeley photographs: what is fetched, its splits, and fresh crops of it."""

import numpy as np
import pytest

from sigbench import Gaussian, InputError
from sigbench.cli.data import fetch
from sigbench.cli.main import main
from sigbench.datasets import Bsd68, Bsd400, bsd
from sigbench.datasets.source import listed
from sigbench.problems.denoising import Denoising


def test_the_cards_list_all_files():
    assert [len(listed(name)) for name in ("bsd400", "bsd68")] == [400, 68]
    file = Bsd68.source.files[0]
    assert file.url.startswith("https://raw.githubusercontent.com/LabForComputationalVision/")
    assert file.url.endswith("/data/Test/Set68/test001.png")


def test_the_real_ones(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("SIGBENCH_DATA", str(tmp_path))
    assert len(fetch("bsd400", str(real_data / "bsd400"))) == 400
    data = Bsd400()
    assert data.item("train", 1, 0).shape == (1, 180, 180)
    assert (data.group("train", 0), data.group("test", 31)) == ("test_001.png", "test_400.png")
    crops = data.draw(20, np.random.default_rng(0))
    assert (crops.shape, crops.dtype) == ((20, 1, 50, 50), np.float32)
    assert 60 < crops.mean() < 160


def test_what_is_not_here_is_told(tiny_bsd, capsys):
    with pytest.raises(
        InputError, match="bsd400 has not been fetched: run sigbench data fetch bsd400"
    ):
        Bsd400().item("train", 1, 0)
    fetch("bsd68", str(tiny_bsd / "bsd68-copy"))
    assert Bsd68().item("test", 1, 0).shape == (1, 321, 481)
    with pytest.raises(InputError, match="bsd400 has not been fetched"):
        Bsd68().item("train", 1, 0)


def test_crops_are_of_the_training_images_alone(tiny_bsd, rng, monkeypatch):
    fetch("bsd400", str(tiny_bsd / "bsd400-copy"))
    monkeypatch.setattr(bsd, "SCALES", (1.0,))
    data = Bsd400(window=20)
    assert (data.size("train"), data.size("test")) == (3, 3)
    train = np.concatenate([data.item("train", 1, i) for i in range(3)])
    rows = np.lib.stride_tricks.sliding_window_view(train, 20, axis=2)
    for crop in data.draw(5, rng)[:, 0]:
        turned = [np.rot90(one, k)[0] for one in (crop, crop.T) for k in range(4)]
        assert any((rows == row).all(axis=-1).any() for row in turned)


def test_crops_are_of_four_sizes(tiny_bsd):
    fetch("bsd400", str(tiny_bsd / "bsd400-copy"))
    bsd._scaled.cache_clear()
    assert Bsd400().draw(1, np.random.default_rng(0)).shape == (1, 1, 50, 50)
    sizes = {
        image.shape for image in bsd._scaled(tuple(Bsd400()._file("train", i) for i in range(3)))
    }
    assert sizes == {(1, n, n) for n in (180, 162, 144, 126)}


def test_images_of_both_orientations_make_a_problem(tiny_bsd):
    fetch("bsd68", str(tiny_bsd / "bsd68-copy"))
    problem = Denoising("bsd", Bsd68(), Gaussian(sigma=25.0), 4)
    shapes = [block.noisy.shape for block in problem.blocks(1, 4)]
    assert shapes == [(1, 1, 321, 481), (1, 1, 481, 321)] * 2


def test_what_is_no_such_image_is_refused(tiny_bsd, capsys):
    from PIL import Image

    folder = tiny_bsd / "bsd400-copy"
    Image.new("RGB", (180, 180)).save(folder / "0.png")
    assert main(["data", "fetch", "bsd400", "--from", str(folder)]) == 2
    assert "not the declared sha256" in capsys.readouterr().err
    for content, error in (
        (b"no image", "is not a PNG image"),
        ((folder / "0.png").read_bytes(), r"mode and size \('RGB', \(180, 180\)\)"),
    ):
        path = tiny_bsd / "one.png"
        path.write_bytes(content)
        with pytest.raises(InputError, match=error):
            Bsd400.source.check(Bsd400.source.files[0], path)


def test_the_window_must_fit():
    with pytest.raises(InputError, match="window=127 must be >= 8 and < 127"):
        Bsd400(window=127)
