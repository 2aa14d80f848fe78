"""SURE compared with the true error, and tuning by SURE compared with tuning by the true error."""

import dataclasses

import numpy as np
import pytest

from sigbench import (
    GMC,
    L1,
    DemoSignals,
    GaussianBlur,
    InputError,
    LocalWiener,
    Photos32,
    SureTuned,
    TotalVariation,
    Tuned,
    WaveletShrink,
)
from sigbench.benchmark.methods.describe import describe
from sigbench.benchmark.methods.resolve import Method
from sigbench.benchmark.methods.sure import sure
from sigbench.benchmark.suites.suite import load
from sigbench.denoisers.noise_level import estimate_sigma
from sigbench.transforms import DCT, Wavelet

METHODS = [
    GaussianBlur(1.0),
    LocalWiener(9, noise_over_sigma=1.2),
    L1(DCT(), lam_over_sigma=1.0),
    L1(Wavelet("haar"), lam_over_sigma=1.0),
    GMC(DCT(), lam_over_sigma=1.5, gamma=0.5),
    WaveletShrink("haar", level=3, scale=0.4),
    WaveletShrink("haar", level=3, scale=0.4, shifts=2),
    WaveletShrink("haar", level=3, rule="bayes"),
    WaveletShrink("haar", level=3, shrink="garrote", scale=0.5),
    WaveletShrink("haar", level=3, shrink="firm", scale=0.4),
    TotalVariation(lam_over_sigma=0.6),
]


def signals(count, seed=1, name="doppler", snr=3.0):
    clean = np.repeat(DemoSignals(name).item("test", 1, 0)[None], count, axis=0)
    sigma = float(clean[0].std() / snr)
    noise = np.random.default_rng(seed).standard_normal(clean.shape)
    return clean, clean + sigma * noise, sigma


def photos(count, seed=2, sigma=25.0):
    data = Photos32()
    clean = np.stack([data.item("test", 1, i) for i in range(count)]).astype(np.float64)
    return clean, clean + sigma * np.random.default_rng(seed).standard_normal(clean.shape), sigma


@pytest.fixture(scope="module", params=["signals", "photos"])
def problem(request):
    return signals(600) if request.param == "signals" else photos(200)


@pytest.mark.parametrize("method", METHODS, ids=describe)
def test_its_mean_is_the_mean_true_error(problem, method):
    """Within 2 %. The noise power is replaced by its known mean, a control variate."""
    clean, noisy, sigma = problem
    judged = sure(method, noisy, sigma)
    true = np.mean((judged.estimate - clean) ** 2)
    surplus = np.mean((noisy - clean) ** 2) - sigma**2
    assert judged.mse.mean() - surplus == pytest.approx(true, rel=0.02)


@pytest.mark.parametrize("shape", [(1, 40), (3, 6, 5)])
@pytest.mark.parametrize("more", [0, 7])
def test_a_linear_filter_has_the_trace_of_its_matrix(rng, shape, more):
    """One probe per sample is exact."""
    y = rng.standard_normal((2, *shape))
    n = y[0].size
    blur = GaussianBlur(1.5)
    trace = np.trace(blur(np.eye(n).reshape(n, *shape)).reshape(n, n))
    expected = np.mean((blur(y) - y) ** 2, axis=tuple(range(1, y.ndim))) - 4 + 2 * 4 * trace / n
    np.testing.assert_allclose(sure(blur, y, 2.0, probes=n + more).mse, expected, rtol=1e-9)


def test_few_probes_are_unbiased(rng):
    """Samples at a distance of eight do not influence each other."""
    y = rng.standard_normal((1, 1, 4096))
    one, eight, all_ = (sure(GaussianBlur(1.0), y, 1.0, probes=k).mse[0] for k in (1, 8, 4096))
    assert eight == pytest.approx(all_, abs=1e-6)
    assert 1e-4 < abs(one - all_) < 0.05


def test_sure_of_the_identity_is_the_noise_power():
    from sigbench import Noisy

    y = np.random.default_rng(0).standard_normal((3, 2, 16, 16)).astype(np.float32)
    judged = sure(Noisy(), y, np.array([0.0, 1.0, 3.0]), probes=1)
    np.testing.assert_allclose(judged.mse, [0, 1, 9], atol=1e-9)
    assert judged.mse.dtype == judged.estimate.dtype == np.float64


def test_sure_of_a_hard_threshold_is_too_low():
    clean, noisy, sigma = signals(200)
    judged = sure(WaveletShrink(shrink="hard", scale=0.5), noisy, sigma, epsilon=1e-6)
    assert judged.mse.mean() < 0.97 * np.mean((judged.estimate - clean) ** 2)


def test_an_item_does_not_depend_on_its_batch():
    _, noisy, sigma = signals(5)
    whole = sure(LocalWiener(9), noisy, sigma)
    alone = sure(LocalWiener(9), noisy[3:4], sigma)
    assert alone.mse[0] == pytest.approx(whole.mse[3], rel=1e-9)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"sigma": None}, "sigma is None: SURE needs the noise level"),
        ({"sigma": -1.0}, "sigma=-1.0 must be finite and >= 0"),
        ({"sigma": 1.0, "probes": 0}, "probes=0 must be >= 1"),
        ({"sigma": 1.0, "epsilon": 0.0}, "epsilon=0.0 must be > 0"),
    ],
)
def test_bad_calls_are_refused(more, message):
    with pytest.raises(InputError, match=message):
        sure(GaussianBlur(), np.ones((1, 1, 8)), **more)


def test_units_are_kept():
    _, noisy, sigma = signals(2)
    one, scaled = sure(LocalWiener(9), noisy, sigma), sure(LocalWiener(9), 100 * noisy, 100 * sigma)
    np.testing.assert_allclose(scaled.mse, 1e4 * one.mse, rtol=1e-9)


WIDTHS = {"width": [0.1, 0.5, 1.0, 2.0, 4.0, 8.0]}


def test_sure_tuned_chooses_for_each_item():
    noisy = np.concatenate([signals(3, name=name)[1] for name in ("heavisine", "bumps")])
    tuned = SureTuned(GaussianBlur(), WIDTHS)
    levels = estimate_sigma(noisy)
    risks = np.array([sure(c, noisy, levels, probes=tuned.probes).mse for c in tuned.candidates()])
    best = [list(tuned.candidates())[i] for i in risks.argmin(axis=0)]
    assert best[0] != best[-1]
    for given in (None, levels):
        out = tuned(noisy, sigma=given)
        for i, one in enumerate(best):
            np.testing.assert_allclose(out[i], one(noisy[i : i + 1])[0], atol=1e-12)
            np.testing.assert_array_equal(tuned(noisy[i : i + 1])[0], out[i])


def test_pooled_chooses_one_setting_by_the_mean():
    noisy = np.concatenate([signals(3, name=name)[1] for name in ("heavisine", "bumps")])
    tuned = SureTuned(GaussianBlur(), WIDTHS, pooled=True)
    levels = np.array([*estimate_sigma(noisy)[:-1], 0.0])
    risks = [sure(c, noisy, levels, probes=tuned.probes).mse for c in tuned.candidates()]
    best = list(tuned.candidates())[int(np.argmin(np.mean(np.array(risks)[:, :-1], axis=1)))]
    out = tuned(noisy, sigma=levels)
    np.testing.assert_allclose(out[:-1], best(noisy)[:-1], atol=1e-12)
    np.testing.assert_array_equal(out[-1], noisy[-1])
    np.testing.assert_array_equal(tuned(noisy, sigma=0.0), noisy)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sure_tuned_is_a_plain_denoiser(dtype):
    one, two = (SureTuned(LocalWiener(), {"window": [3, 9]}) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    noisy = np.random.default_rng(0).standard_normal((3, 3, 16, 12)).astype(dtype)
    before = noisy.copy()
    out = one(noisy, sigma=np.array([1.0, 0.0, 0.5]))
    assert (out.shape, out.dtype) == (noisy.shape, dtype)
    np.testing.assert_array_equal(out[1], noisy[1])
    np.testing.assert_array_equal(noisy, before)
    assert not np.shares_memory(out, noisy)


def test_sure_tuned_describes_itself():
    tuned = SureTuned(LocalWiener(border="zero"), {"window": [3, 5, 9], "noise": [1.0, 4.0]})
    assert describe(tuned).startswith("window=3..9, noise=1..4, border=zero")
    assert Method("x", tuned).knowledge(sigma_known=True) == "blind"
    assert Method("x", tuned, sigma_given=True).knowledge(sigma_known=True) == "sigma"
    bases = SureTuned(L1(lam_over_sigma=1.0), {"transform": [DCT(), Wavelet("haar")]})
    assert describe(bases).startswith("transform=dct/wavelet")


@pytest.mark.parametrize("count", [0, 65])
def test_the_budget_is_the_same_as_for_tuned(count):
    with pytest.raises(
        InputError, match=f"the grid has {count} combinations: it must have 1 to 64"
    ):
        SureTuned(GaussianBlur(), {"width": list(np.linspace(1, 2, count))})


def test_a_value_that_is_not_finite_is_an_error():
    @dataclasses.dataclass(frozen=True)
    class Broken:
        by: float = 1.0

        def __call__(self, noisy, *, sigma=None):
            return np.full_like(noisy, np.nan)

    with pytest.raises(FloatingPointError, match="SURE that is not finite"):
        SureTuned(Broken(), {"by": [1.0]})(np.ones((1, 1, 8)), sigma=1.0)


SUITE = """
metrics = ["psnr"]
[[problems]]
dataset = "demo-signals[n=128]"
degradation = "gaussian[snr=3]"
items = 4
train_items = 5
[[methods]]
method = "gaussian-blur"
tune = { width = [0.5, 1.0, 2.0] }
"""


def test_a_suite_chooses_how_a_method_is_tuned(here):
    (here / "s.toml").write_text(SUITE + 'tuned_by = "sure"\nsigma = "given"\n')
    row = load("s.toml").methods[-1]
    assert row.name == "gaussian-blur-sure-tuned"
    assert row.entry == SureTuned(GaussianBlur(0.5), {"width": [0.5, 1.0, 2.0]})
    (here / "s.toml").write_text(SUITE + 'tuned_by = "sure-pooled"\n')
    assert load("s.toml").methods[-1].entry.pooled
    (here / "s.toml").write_text(SUITE + 'tuned_by = "truth"\n')
    assert isinstance(load("s.toml").methods[-1].entry, Tuned)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SUITE + 'tuned_by = "luck"\n', "tuned_by='luck' must be one of: truth, sure, sure-pooled"),
        (SUITE.partition("tune =")[0] + 'tuned_by = "sure"\n', "tuned_by='sure' needs the key"),
    ],
)
def test_invalid_entries_are_refused(here, text, message):
    (here / "s.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        load("s.toml")


GRIDS = {
    "blur": SureTuned(GaussianBlur(), {"width": [0.3, 0.5, 0.8, 1.3, 2.0, 3.0, 5.0, 8.0, 13.0]}),
    "wiener": SureTuned(
        LocalWiener(), {"window": [3, 9, 21, 45], "noise_over_sigma": [1.0, 1.2, 1.4, 1.7, 2.0]}
    ),
    "wavelet": SureTuned(WaveletShrink(), {"scale": [0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.1]}),
    "l1": SureTuned(
        L1(Wavelet("sym8"), lam_over_sigma=1.0), {"lam_over_sigma": [0.8, 1.2, 1.6, 2.0, 2.4, 3.0]}
    ),
}


@pytest.fixture(scope="module")
def shortfalls():
    """The loss in dB to the best setting of a problem: chosen for all items, and for each item."""
    found = {}
    for method, tuned in GRIDS.items():
        for name in ("blocks", "bumps", "heavisine", "doppler"):
            for snr in (3.0, 7.0):
                clean, noisy, sigma = signals(100, seed=3, name=name, snr=snr)
                judged = [sure(c, noisy, sigma) for c in tuned.candidates()]
                true = np.array([np.mean((j.estimate - clean) ** 2, axis=(1, 2)) for j in judged])
                risk = np.array([j.mse for j in judged])
                db = -10 * np.log10(true)
                best = db.mean(axis=1).max()
                together = best - db[risk.mean(axis=1).argmin()].mean()
                each = best - np.take_along_axis(db, risk.argmin(axis=0)[None], 0).mean()
                found[method, name, snr] = (together, each)
    return found


def test_pooled_sure_chooses_nearly_the_best_setting(shortfalls):
    """For all items together, within 0.1 dB of the best setting on every problem."""
    assert max(together for together, _ in shortfalls.values()) <= 0.1


def test_sure_of_a_single_item_loses_a_known_amount(shortfalls):
    """The mean over the problems. Longer items would reduce it, more probes would not."""
    for method in GRIDS:
        each = {key: value for key, (_, value) in shortfalls.items() if key[0] == method}
        assert np.mean(list(each.values())) <= 0.2
        assert np.mean([v for k, v in each.items() if k[1] != "heavisine"]) <= 0.15
