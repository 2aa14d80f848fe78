import dataclasses

import numpy as np
import pytest

from sigbench import GMC, L1, Denoising, Gaussian, InputError, SparseSpikes, Tuned
from sigbench.benchmark.suites.suite import load, suite_names
from sigbench.core.protocols import Learner
from sigbench.transforms import DFT, Identity


@pytest.fixture
def train():
    problem = Denoising("p", SparseSpikes(), Gaussian(sigma=3.0), items=1, train_items=200)
    return problem.training(sigma_given=False)


def test_it_chooses_the_smallest_mean_squared_error(train):
    grid = {"transform": [DFT(), Identity()], "lam": [1.0, 3.4, 8.0]}
    best = Tuned(L1(lam=1.0), grid).fit(train, rng=None)
    errors = {
        (t, lam): np.mean((L1(t, lam=lam)(train.pairs.noisy) - train.pairs.target) ** 2)
        for t in grid["transform"]
        for lam in grid["lam"]
    }
    assert (best.transform, best.lam) == min(errors, key=errors.get) == (Identity(), 3.4)


def test_fit_does_not_modify_it_and_it_compares_by_value(train):
    one, two = (Tuned(L1(lam=1.0), {"lam": [1.0, 3.0]}) for _ in range(2))
    one.fit(train, rng=None)
    assert one == two
    assert hash(one) == hash(two)


def test_other_parameters_are_kept(train):
    best = Tuned(GMC(Identity(), lam=1.0, gamma=0.3), {"lam": [3.0]}).fit(train, rng=None)
    assert best == GMC(Identity(), lam=3.0, gamma=0.3)


@pytest.mark.parametrize("count", [0, 65])
def test_the_budget_is_the_same_for_every_method(count):
    with pytest.raises(
        InputError, match=f"the grid has {count} combinations: it must have 1 to 64"
    ):
        Tuned(L1(lam=1.0), {"lam": list(np.linspace(1, 2, count))})


@dataclasses.dataclass(frozen=True)
class Scale:
    by: float = 1.0

    def __call__(self, noisy, *, sigma=None):
        return self.by * noisy


def test_a_user_class_can_be_tuned(train):
    assert Tuned(Scale(), {"by": [0.1, 0.5, 0.9]}).fit(train, rng=None) == Scale(0.5)
    assert Tuned(Scale(), {"by": [0.1]}).info.name == "tuned-user"


def test_a_failure_is_not_a_number(train):
    class Broken(L1):
        def __call__(self, noisy, *, sigma=None):
            return np.full_like(noisy, np.nan)

    with pytest.raises(FloatingPointError, match="mean squared error of nan"):
        Tuned(Broken(lam=1.0), {"lam": [1.0]}).fit(train, rng=None)


@pytest.mark.parametrize("name", suite_names())
def test_every_tuned_method_of_the_suites_has_a_real_choice(name):
    tuned = [m.entry for m in load(name).methods if isinstance(m.entry, Tuned)]
    # Trained networks only; blind methods only; trackers; a dataset without a training split.
    assert tuned or name in (
        "ablation",
        "bias-free",
        "estimate-noise",
        "noise-tracking",
        "speech-vbd",
    )
    assert all(isinstance(t, Learner) and 8 <= t.evaluations <= 64 for t in tuned)


def test_the_grid_of_gamma_contains_zero():
    for name in suite_names():
        for method in load(name).methods:
            if isinstance(method.entry, Tuned) and isinstance(method.entry.denoiser, GMC):
                assert 0.0 in dict(method.entry.grid)["gamma"]
