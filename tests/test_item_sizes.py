"""Training items of different sizes: one small item does not decide the size of all."""

import csv
import warnings

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from sigbench import InputError
from sigbench.cli.main import main
from sigbench.core.errors import Caution
from sigbench.datasets.crops import fresh_crops
from sigbench.problems.degradations import Gaussian
from sigbench.problems.denoising import Denoising
from sigbench.problems.sizes import small_items

pytestmark = pytest.mark.usefixtures("here")

SUITE = """
seeds = [1]
metrics = ["psnr"]
[[problems]]
dataset = "folder[path=pictures]"
degradation = "gaussian[sigma=20]"
items = 5
[[methods]]
name = "blur-tuned"
method = "gaussian-blur"
tune = { width = [0.5, 1, 2, 4] }
"""


class Sized:
    """A dataset whose training items have given sizes; item i is made of the value i + 1."""

    kind, domain, peak, problem_info, version = "sized", "image", 1.0, {}, "1"

    def __init__(self, *sizes):
        self.sizes = sizes

    def size(self, split):
        return len(self.sizes)

    def item(self, split, seed, item):
        return np.full((1, *self.sizes[item]), item + 1.0)

    def group(self, split, item):
        return f"picture {item}"


NO_NOISE = Gaussian(sigma=0.0)


def training_of(*sizes, degradation=NO_NOISE):
    problem = Denoising("sized", Sized(*sizes), degradation, 1)
    return problem.training(sigma_given=True)


def picture(rng, side):
    image = gaussian_filter(rng.normal(size=(side, side)), 4)
    return np.clip(128 + 40 * image / (image.std() or 1), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["00-tiny.png", "99-tiny.png"])
def test_one_pixel_does_not_decide_how_a_method_is_tuned(rng, tmp_path, name):
    """With and without it the same setting is best; on crops of one pixel it was width 0.5."""
    for split, count in (("train", 10), ("test", 5)):
        (tmp_path / "pictures" / split).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(picture(rng, 64)).save(tmp_path / f"pictures/{split}/{i:02}.png")
    (tmp_path / "suite.toml").write_text(SUITE)
    found = []
    for out in ("without", "with"):
        assert main(["run", "suite.toml", "-o", out, "-j", "1", "--quiet"]) == 0
        with open(f"{out}/leaderboard.csv") as file:
            (row,) = (r for r in csv.DictReader(file) if r["method"] == "blur-tuned")
        found.append((row["params"], float(row["mean"])))
        Image.fromarray(np.full((1, 1), 77, np.uint8)).save(tmp_path / f"pictures/train/{name}")
    assert found[0][0] == found[1][0] == "width=1"
    assert found[0][1] == pytest.approx(32.6, abs=0.5)  # 22.1 dB without a method
    assert found[1][1] == pytest.approx(found[0][1], abs=0.6)  # other noise; it was 25.9 dB


@pytest.mark.parametrize(
    ("sizes", "small", "space"),
    [
        ([(64, 64)] * 10, [], (64, 64)),
        ([(481, 321), (321, 481)] * 5, [], (321, 321)),
        ([(64, 64)] * 9 + [(32, 64)], [], (32, 64)),  # exactly half
        ([(64, 64)] * 9 + [(31, 64)], [9], (64, 64)),
        ([(64, 64)] * 9 + [(500, 31)], [9], (64, 64)),  # small along one axis
        ([(1, 1)] + [(64, 64)] * 9, [0], (64, 64)),
        ([(1, 1), (2, 2), (3, 3)] + [(64, 64), (60, 60)] * 4, [0, 1, 2], (60, 60)),
        ([(64, 64)] * 9 + [(4000, 4000)], [], (64, 64)),
        ([(1, 1)] * 6 + [(64, 64)] * 4, [], (1, 1)),  # most of them are small
    ],
)
def test_what_is_left_out_and_what_is_cropped(sizes, small, space):
    assert small_items(sizes) == small
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        training = training_of(*sizes)
    assert len(caught) == bool(small)
    if small:
        text = str(caught[0].message)
        assert text.startswith(f"{len(small)} of {len(sizes)} training items ")
        assert all(f"picture {i}" in text for i in small)
    for pairs in (training.pairs, training.validation, training.draw(20, np.random.default_rng(1))):
        assert pairs.noisy.shape == pairs.target.shape
    assert training.pairs.target.shape[2:] == space or training.validation.target.shape[2:] == space
    fixed = [*training.pairs.target[:, 0, 0, 0], *training.validation.target[:, 0, 0, 0]]
    assert fixed == [i + 1 for i in range(len(sizes)) if i not in small]


def test_small_items_are_not_drawn_either():
    sizes = [(1, 1), (64, 64), (64, 64), (48, 80), (2, 64), (64, 64), (64, 64), (64, 64)]
    with pytest.warns(Caution, match=r"2 of 8 training items are left out.* cropped to 48×64"):
        training = training_of(*sizes)
    for target in ("clean", "noisy"):
        drawn = training.draw(60, np.random.default_rng(1), target=target)
        assert drawn.noisy.shape == drawn.target.shape == (60, 1, 48, 64)
        assert {int(x) for x in drawn.target[:, 0, 0, 0]} == {2, 3, 4, 6, 7}  # 8 is for validation
    assert training.second().shape == training.validation.target.shape


def test_draws_of_equal_items_are_as_before():
    """The draw of items and the noise come from one generator, in this order."""
    training = training_of(*[(3, 3)] * 6, degradation=Gaussian(sigma=1.0))
    noisy = training.draw(4, np.random.default_rng(5)).noisy
    rng = np.random.default_rng(5)
    items = rng.integers(5, size=4)
    expected = [i + 1.0 + rng.normal(0, 1, size=(1, 1, 3, 3)) for i in items]
    np.testing.assert_allclose(noisy, np.concatenate(expected))


def test_items_of_no_common_size_are_refused():
    with pytest.raises(InputError, match="of too different sizes, from 1×1 to 64×64"):
        training_of((64, 64), (64, 64), (1, 1))


def test_a_circular_blur_is_not_cropped():
    from sigbench.problems.degradations import Blur
    from sigbench.problems.kernels import Box

    blur = Blur(Box(3), sigma=0.0)
    assert training_of(*[(8, 8)] * 5, degradation=blur).pairs.noisy.shape == (4, 1, 8, 8)
    with pytest.raises(
        InputError, match="blur needs training items of equal size, but there are 8×8"
    ):
        training_of(*[(8, 8)] * 4, (8, 9), degradation=blur)


@pytest.mark.parametrize("side", [1, 7])
def test_a_photograph_smaller_than_a_crop_is_refused(side):
    images = [np.zeros((1, 20, 20), np.float32), np.zeros((1, side, side), np.float32)]
    with pytest.raises(
        InputError, match=f"window=8 is larger than a photograph of {side}×{side} pix"
    ):
        fresh_crops(images, 5, 8, np.random.default_rng(0))
