"""What holds for any data; the scores are in garrote.floors.toml."""

import numpy as np
import pytest
from garrote import Garrote

NOISY = np.random.default_rng(0).normal(size=(3, 1, 50))


def test_without_noise_the_input_is_returned():
    np.testing.assert_array_equal(Garrote()(NOISY, sigma=np.zeros(3)), NOISY)


def test_it_shrinks_and_keeps_signs():
    estimate = Garrote()(NOISY, sigma=np.full(3, 0.5))
    assert (np.abs(estimate) <= np.abs(NOISY)).all()
    assert (estimate * NOISY >= 0).all()


def test_it_commutes_with_scaling():
    estimate = Garrote()(NOISY, sigma=np.full(3, 0.5))
    scaled = Garrote()(4 * NOISY, sigma=np.full(3, 2.0))
    np.testing.assert_allclose(scaled, 4 * estimate, rtol=1e-12)


def test_it_needs_the_noise_level():
    with pytest.raises(ValueError, match="needs the noise level"):
        Garrote()(NOISY)
