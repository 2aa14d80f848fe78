"""The bias-free residual network."""

import numpy as np
import pytest

from sigbench import InputError, ResNet
from sigbench.networks.models.base import first_weights, n_params, run


@pytest.fixture(scope="module")
def trained():
    """Return weights as after some training, none of them zero."""
    rng = np.random.default_rng(3)
    first = first_weights(ResNet(width=8, blocks=2), seed=1)
    return {name: w + 0.05 * rng.standard_normal(w.shape) for name, w in first.items()}


def estimate(weights, y, engine="numpy"):
    return run(ResNet(width=8, blocks=2), weights, y, engine=engine)


def test_its_size():
    """With additive constants it would have 309,324: 4·128 + 64 + 12 more."""
    assert n_params(ResNet()) == 309_324 - 4 * 128 - 64 - 12


def test_it_begins_at_the_noisy_item(rng):
    y = rng.uniform(0, 255, (2, 3, 8, 8))
    np.testing.assert_array_equal(estimate(first_weights(ResNet(width=8, blocks=2)), y), y)


def test_contrast_and_brightness_pass_through(rng, trained):
    """Definition: x̂(a·y + b) = a·x̂(y) + b for a > 0 and b per channel."""
    y = rng.uniform(0, 255, (2, 3, 8, 12))
    b = rng.uniform(-50, 50, (1, 3, 1, 1))
    x = estimate(trained, y)
    assert np.abs(x - y).max() > 1
    np.testing.assert_allclose(estimate(trained, 0.3 * y + b), 0.3 * x + b, atol=1e-9)


def test_a_flat_item_is_kept(trained):
    y = np.full((1, 3, 8, 8), 77.0)
    np.testing.assert_allclose(estimate(trained, y), y, atol=1e-12)


def test_its_constants_are_none():
    assert all(name.endswith("weight") for name in first_weights(ResNet()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ResNet(width=0), "width=0 must be >= 1"),
        (lambda: ResNet(blocks=-1), "blocks=-1 must be >= 0"),
    ],
)
def test_bad_sizes_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
