import dataclasses
import hashlib
import pickle

import numpy as np
import pytest

from sigbench import (
    Blur,
    Denoising,
    Folder,
    Gaussian,
    GaussianProcess,
    InputError,
    Photos32,
    SparseSpikes,
    Subsample,
)
from sigbench.core.fingerprint import identity
from sigbench.core.rng import item_rng
from sigbench.problems.kernels import Box
from sigbench.scoring.metrics import METRICS
from sigbench.transforms.operators import as_kernel


def spikes(sigma=3.0, **more):
    return Denoising("p", SparseSpikes(), Gaussian(sigma=sigma), **{"items": 10, **more})


def all_of(problem, seed, size):
    blocks = list(problem.blocks(seed, size))
    return np.concatenate([b.clean for b in blocks]), np.concatenate([b.noisy for b in blocks])


def test_items_do_not_depend_on_the_blocks_or_the_number_of_items():
    for one, two in zip(all_of(spikes(), 1, 3), all_of(spikes(items=12), 1, 12), strict=True):
        np.testing.assert_array_equal(one, two[:10])


def test_seeds_and_items_differ_and_are_reproducible():
    clean, noisy = all_of(spikes(), 1, 10)
    again, _ = all_of(spikes(), 1, 10)
    other, _ = all_of(spikes(), 2, 10)
    np.testing.assert_array_equal(clean, again)
    assert not np.array_equal(clean, other)
    assert len(np.unique(noisy[:, 0, 0])) == 10


def test_the_stream_of_an_item_is_philox_keyed_by_its_name():
    """NumPy's Philox, keyed by the digest of the name, with the item in the high counter word."""
    digest = hashlib.blake2b(b"spikes\x1f1\x1ftest", digest_size=16).digest()
    philox = np.random.Philox(key=int.from_bytes(digest, "little"), counter=5 << 192)
    expected = np.random.Generator(philox).standard_normal(10)
    rng = item_rng(5, "spikes", 1, "test")
    np.testing.assert_array_equal(rng.standard_normal(10), expected)


def test_levels_share_the_clean_item_and_the_draw():
    clean, noisy = all_of(spikes(3.0), 1, 10)
    clean6, noisy6 = all_of(spikes(6.0), 1, 10)
    np.testing.assert_array_equal(clean, clean6)
    np.testing.assert_allclose(2 * (noisy - clean), noisy6 - clean6)


def test_the_noise_is_independent_of_the_clean_item():
    """Clean items and noise have different streams."""
    clean, noisy = all_of(spikes(items=2000), 1, 2000)
    noise = (noisy - clean).ravel()
    assert abs(np.corrcoef(noise, clean.ravel())[0, 1]) < 4 / np.sqrt(noise.size)
    assert noise.std() == pytest.approx(3, rel=0.01)


def test_sigma_is_passed_only_if_given():
    seen = []

    def method(noisy, *, sigma=None):
        seen.append(sigma)
        return noisy

    problem = spikes()
    block = next(problem.blocks(1, 10))
    problem.apply(method, block, sigma_given=False)
    problem.apply(method, block, sigma_given=True)
    assert seen[0] is None
    np.testing.assert_array_equal(seen[1], np.full(10, 3.0))


def test_training_does_not_contain_test_items():
    problem = spikes(items=50, train_items=50)
    train = problem.training(sigma_given=True)
    test, _ = all_of(problem, 0, 50)
    assert len(train.pairs.noisy) + len(train.validation.noisy) == 50
    both = np.concatenate([train.pairs.target, train.validation.target])
    assert not {x.tobytes() for x in test} & {x.tobytes() for x in both}
    np.testing.assert_array_equal(train.pairs.sigma, np.full(40, 3.0))
    assert problem.training(sigma_given=False).pairs.sigma is None


def test_fresh_draws(rng):
    train = spikes().training(sigma_given=False)
    one, two = train.draw(5, rng), train.draw(5, rng)
    assert not np.array_equal(one.noisy, two.noisy)
    noisy = train.draw(2000, rng, target="noisy")
    first, second = noisy.noisy - noisy.noisy.mean(), noisy.target - noisy.noisy
    assert second.std() == pytest.approx(3 * np.sqrt(2), rel=0.02)  # two independent views
    assert first.std() > 3
    with pytest.raises(InputError, match="target='x' must be one of: clean, noisy"):
        train.draw(1, rng, target="x")


def test_subsampling_makes_the_clean_item_and_has_no_level():
    photos = Photos32(window=128, stride=64, scales=1, min_std=0)
    problem = Denoising("p", photos, Subsample(4), items=3)
    (block,) = problem.blocks(1, 10)
    assert block.clean.shape == block.noisy.shape == (3, 3, 32, 32)
    assert block.sigma is None
    assert not problem.sigma_known
    source = photos.item("test", 1, 0)
    np.testing.assert_allclose(block.clean[0, 1, 0, 0], source[1, :4, :4].mean(), rtol=1e-6)


def test_problem_information_is_computed_once(monkeypatch):
    problem, same = (
        Denoising("p", GaussianProcess(n=32), Blur(Box(5), sigma=0.1), items=6) for _ in range(2)
    )
    item, made = GaussianProcess.item, []
    monkeypatch.setattr(
        GaussianProcess, "item", lambda self, *which: made.append(which) or item(self, *which)
    )
    assert len(list(problem.blocks(1, 2))) == 3
    assert problem.sigma_known
    assert problem.problem_info is problem.problem_info
    assert made.count(("test", 0, 0)) == 1
    # The cached value changes neither the identity nor copies of the problem.
    assert (problem, hash(problem), identity(problem)) == (same, hash(same), identity(same))
    assert pickle.loads(pickle.dumps(problem)) == same
    other = dataclasses.replace(problem, degradation=Blur(Box(3), sigma=0.1))
    assert other.problem_info["kernel"] == as_kernel(Box(3).taps((32,)))


def test_a_blur_needs_items_of_equal_size(tmp_path):
    for i, n in enumerate((8, 6)):
        np.save(tmp_path / f"{i}.npy", np.arange(1.0, n + 1))
    problem = Denoising("p", Folder(str(tmp_path), peak=8.0), Blur(Box(3), sigma=1.0), items=2)
    with pytest.raises(InputError, match="p: blur needs items of equal size"):
        list(problem.blocks(1, 2))


def test_estimates_are_clipped_only_if_the_problem_says_so():
    estimate = np.full((10, 1, 100), 99.0)
    for clip, value in ((False, 99.0), (True, 10.0)):
        problem = spikes(clip_estimates=clip)
        block = next(problem.blocks(1, 10))
        expected = METRICS["rmse"](block.clean, np.full_like(block.clean, value), 10.0)
        np.testing.assert_array_equal(problem.score(METRICS["rmse"], block, estimate), expected)


def test_a_block_has_items_of_one_length(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        for i, n in enumerate((8, 8, 6, 8)):
            np.save(tmp_path / split / f"{i}.npy", np.arange(n, dtype=float))
    problem = Denoising("p", Folder(str(tmp_path), peak=8.0), Gaussian(sigma=1.0), items=4)
    assert [b.clean.shape for b in problem.blocks(1, 10)] == [(2, 1, 8), (1, 1, 6), (1, 1, 8)]
    assert problem.training(sigma_given=False).pairs.noisy.shape == (3, 1, 6)


@pytest.mark.parametrize(
    ("more", "message"),
    [({"items": 0}, "items=0 must be >= 1"), ({"train_items": 1}, "train_items=1 must be >= 2")],
)
def test_bad_numbers_are_refused(more, message):
    with pytest.raises(InputError, match=message):
        spikes(**more)
    with pytest.raises(InputError, match=r"items=9999 must be >= 1 and <= 1061"):
        Denoising("p", Photos32(), Gaussian(sigma=1.0), items=9999)


def test_a_folder_without_training_split_cannot_tune(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(8))
    problem = Denoising("p", Folder(str(tmp_path), peak=1.0), Gaussian(sigma=1.0), items=1)
    with pytest.raises(InputError, match="folder has no training split"):
        problem.training(sigma_given=False)
