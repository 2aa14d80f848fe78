"""Self-ensembles: they commute with flips and rotations, and otherwise act as their denoiser."""

import dataclasses
import itertools
import pickle

import numpy as np
import pytest

from sigbench import (
    Denoising,
    Gaussian,
    GaussianBlur,
    InputError,
    LocalWiener,
    Median,
    Photos32,
    SelfEnsemble,
    SelfEnsembleLearner,
    SparseSpikes,
    Tuned,
    load,
    run_suite,
)
from sigbench.benchmark.methods.describe import bind_problem_info, describe
from sigbench.benchmark.methods.functions import Function
from sigbench.benchmark.methods.resolve import Method, resolve
from sigbench.cli.list import methods
from sigbench.cli.main import main
from sigbench.denoisers import DENOISERS
from sigbench.networks.pretrained.denoiser import Pretrained

WEIGHTS = np.arange(9.0).reshape(3, 3) / 36


def lopsided(noisy, sigma=None):
    """Correlate with weights that no symmetry preserves; signals use one row of them."""
    out = np.zeros_like(noisy)
    if noisy.ndim == 3:
        for j in range(3):
            out += np.roll(noisy, j - 1, axis=-1) * WEIGHTS[2, j].astype(noisy.dtype)
    else:
        for i, j in itertools.product(range(3), repeat=2):
            moved = np.roll(noisy, (i - 1, j - 1), axis=(-2, -1))
            out += moved * WEIGHTS[i, j].astype(noisy.dtype)
    levels = 0 if sigma is None else np.asarray(sigma, noisy.dtype)
    return out + np.reshape(levels, (-1,) + (1,) * (noisy.ndim - 1))


LOPSIDED = Function(lopsided)
SYMMETRIES = {
    (2, 1, 9): [lambda y: y, lambda y: y[..., ::-1]],
    (2, 3, 6, 9): [
        turned
        for base in (lambda y: y, lambda y: y.swapaxes(-1, -2))
        for turned in (
            lambda y, base=base: base(y),
            lambda y, base=base: base(y)[..., ::-1],
            lambda y, base=base: base(y)[..., ::-1, :],
            lambda y, base=base: base(y)[..., ::-1, ::-1],
        )
    ],
}


@pytest.mark.parametrize("shape", SYMMETRIES)
def test_it_commutes_with_every_symmetry(rng, shape):
    y = rng.standard_normal(shape)
    f = SelfEnsemble(LOPSIDED)
    differ = 0
    for turn in SYMMETRIES[shape]:
        np.testing.assert_allclose(f(turn(y)), turn(f(y)), atol=1e-14)
        differ += not np.allclose(lopsided(turn(y)), turn(lopsided(y)))
    assert differ == len(SYMMETRIES[shape]) - 1


def test_for_a_linear_map_it_averages_the_weights(rng):
    y = rng.standard_normal((2, 1, 8, 5))
    turned = [np.rot90(w, k) for w in (WEIGHTS, WEIGHTS[:, ::-1]) for k in range(4)]
    mean = np.mean(turned, axis=0)
    expected = sum(
        mean[i, j] * np.roll(y, (i - 1, j - 1), axis=(-2, -1)) for i in range(3) for j in range(3)
    )
    np.testing.assert_allclose(SelfEnsemble(LOPSIDED)(y), expected, atol=1e-14)


@pytest.mark.parametrize("shape", SYMMETRIES)
@pytest.mark.parametrize("denoiser", [Median(), GaussianBlur(width=1.0), LocalWiener(window=3)])
def test_a_denoiser_that_commutes_is_unchanged(rng, shape, denoiser):
    y = rng.standard_normal(shape)
    np.testing.assert_allclose(SelfEnsemble(denoiser)(y), denoiser(y), atol=1e-13)


def test_the_denoiser_is_called_once_per_symmetry_with_new_arrays(rng):
    seen = []

    def spy(noisy, sigma):
        seen.append((noisy.shape, noisy.flags.c_contiguous, sigma))
        return noisy

    y = rng.standard_normal((2, 3, 6, 9))
    SelfEnsemble(Function(spy))(y, sigma=2.0)
    assert sorted(seen) == [((2, 3, 6, 9), True, 2.0)] * 4 + [((2, 3, 9, 6), True, 2.0)] * 4
    seen.clear()
    SelfEnsemble(Function(spy))(y[:, 0], sigma=2.0)
    assert len(seen) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_noise_levels_and_items_are_kept(rng, dtype):
    y = rng.standard_normal((3, 2, 5, 4)).astype(dtype)
    levels = np.array([0.5, 1.0, 2.0], dtype)
    f = SelfEnsemble(LOPSIDED)
    whole = f(y, sigma=levels)
    assert whole.dtype == dtype
    for i in range(3):
        np.testing.assert_array_equal(f(y[i : i + 1], sigma=levels[i : i + 1])[0], whole[i])
    np.testing.assert_allclose(whole - f(y), np.ones_like(y) * levels[:, None, None, None], 1e-5)


@pytest.mark.parametrize(
    ("text", "given", "not_given"),
    [
        ("gaussian-blur", "none", "none"),
        ("local-wiener", "sigma", "blind"),
        ("local-wiener[noise=1]", "none", "none"),
        ("l1[lam=1,transform=dct]", "none", "none"),
        ("l1[lam_over_sigma=1,transform=dct]", "sigma", "blind"),
        ("network[weights=shrinknet]", "fitted", "fitted"),
        ("trained[network=shrinknet]", "fitted", "fitted"),
        ("spikes-posterior-mean", "prior", "prior"),
    ],
)
def test_it_has_the_knowledge_of_its_denoiser(text, given, not_given):
    typed = f"self-ensemble[denoiser={text}"
    for ending, expected in ((",sigma=given]", given), ("]", not_given)):
        (method,) = resolve(typed + ending)
        (inner,) = resolve(text, sigma_given=method.sigma_given)
        for sigma_known in (True, False):
            assert method.knowledge(sigma_known) == inner.knowledge(sigma_known)
        assert method.knowledge(True) == expected
        assert method.key != inner.key
        assert method.key == resolve(typed + ending)[0].key


class Plain:
    def __call__(self, noisy, *, sigma=None):
        return noisy


def test_a_denoiser_without_info_is_recognized_in_a_worker():
    for entry in (
        Plain(),
        SelfEnsemble(Plain()),
        pickle.loads(pickle.dumps(SelfEnsemble(Plain()))),
    ):
        assert Method("own", entry, sigma_given=True).knowledge(True) == "sigma"
        assert Method("own", entry, sigma_given=False).knowledge(True) == "none"


def test_parameters_and_history_are_those_of_the_denoiser():
    (method,) = resolve("self-ensemble[denoiser=network[weights=shrinknet]]")
    assert method.entry.n_params == Pretrained("shrinknet").n_params > 0
    assert method.entry.device == "cpu"
    assert describe(method.entry).startswith("denoiser=network[weights=shrinknet, ")
    assert SelfEnsemble(Median()).n_params == 0
    assert SelfEnsemble(Median()).history is None


@dataclasses.dataclass(frozen=True)
class Needs:
    fs: float | None = None

    def __call__(self, noisy, *, sigma=None):
        return noisy * self.fs


def test_problem_information_reaches_the_inner_denoiser():
    bound = bind_problem_info(SelfEnsemble(Needs()), {"fs": 2.0})
    assert bound == SelfEnsemble(Needs(2.0))
    np.testing.assert_array_equal(bound(np.ones((1, 1, 3))), np.full((1, 1, 3), 2.0))


@dataclasses.dataclass(frozen=True)
class Counts:
    fits = []  # noqa: RUF012 - counted for the test

    def fit(self, train, *, rng):
        self.fits.append((train, rng))
        return LOPSIDED


def test_a_learner_is_fitted_once_and_then_ensembled(rng):
    train = Denoising("p", SparseSpikes(), Gaussian(sigma=3.0), items=1, train_items=20).training(
        sigma_given=False
    )
    learner = SelfEnsembleLearner(Counts())
    ready = learner.fit(train, rng=rng)
    assert Counts.fits == [(train, rng)]
    assert ready == SelfEnsemble(LOPSIDED)
    best = SelfEnsembleLearner(Tuned(GaussianBlur(), {"width": [0.3, 3.0]})).fit(train, rng=rng)
    assert best == SelfEnsemble(Tuned(GaussianBlur(), {"width": [0.3, 3.0]}).fit(train, rng=rng))


def test_a_spec_of_a_learner_is_a_learner():
    (method,) = resolve("self-ensemble[denoiser=trained[network=shrinknet]]")
    (inner,) = resolve("trained[network=shrinknet]")
    assert method.entry == SelfEnsembleLearner(inner.entry)
    assert not callable(method.entry)
    assert resolve("self-ensemble[denoiser=median]")[0].entry == SelfEnsemble(Median())


def test_lists_are_swept_at_both_levels():
    swept = resolve("self-ensemble[denoiser=[median,gaussian-blur[width=[0.5,2]]]]")
    blurs = [GaussianBlur(width=0.5), GaussianBlur(width=2.0)]
    assert [one.entry.denoiser for one in swept] == [Median(), *blurs]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("self-ensemble", r"denoiser must be set, as in self-ensemble\[denoiser=\.\.\.\]"),
        ("self-ensemble[denoiser=ideal-projection]", "ideal-projection cannot be self-ensembled"),
        ("self-ensemble[denoiser=true-wiener]", "true-wiener cannot be self-ensembled"),
        ("self-ensemble[denoiser=fitted-wiener]", "fitted-wiener cannot be self-ensembled"),
        ("self-ensemble[denoiser=mediam]", "unknown denoiser 'mediam': did you mean 'median'"),
        ("self-ensemble[denoiser=h1]", "unknown denoiser 'h1'"),
        ("self-ensemble[denoiser=median[window=4]]", "window=4"),
    ],
)
def test_invalid_self_ensembles_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        resolve(text)


def test_in_python_a_learner_needs_its_class():
    with pytest.raises(InputError, match="tuned-median is a learner: use SelfEnsembleLearner"):
        SelfEnsemble(Tuned(Median(), {"window": [3]}))


def test_it_is_listed_with_its_parameters():
    (row,) = (row for row in methods() if row["name"] == "self-ensemble")
    assert row["parameters"] == {"denoiser": None}
    assert (row["family"], row["domains"]) == ("ensemble", ["signal", "speech", "image"])


def test_a_suite_runs_it_and_tunes_the_inner_denoiser(here):
    (here / "own.toml").write_text(
        'name = "own"\nmetrics = ["psnr"]\nseeds = [1]\n[[problems]]\nname = "photos"\n'
        'dataset = "photos32"\ndegradation = "gaussian[sigma=25]"\nitems = 6\ntrain_items = 8\n'
        '[[methods]]\nname = "x8"\nmethod = "self-ensemble[denoiser=wavelet[wavelet=sym4]]"\n'
        '[[methods]]\nname = "x8-tuned"\nmethod = "self-ensemble"\n'
        'tune.denoiser = ["median", "gaussian-blur[width=0.7]"]\n'
    )
    outcome = run_suite(load("own.toml"), here / "run")
    assert outcome.failed == 0
    text = (here / "run" / "leaderboard.md").read_text()
    assert "denoiser=gaussian-blur[width=0.7]" in text
    assert "denoiser=wavelet[" in text


def test_denoise_accepts_it(here, capsys):
    np.save(here / "in.npy", np.random.default_rng(0).standard_normal(50))
    typed = "self-ensemble[denoiser=local-wiener]"
    assert main(["denoise", "in.npy", "-o", "out.npy", "-m", typed]) == 0
    wrapped = np.load("out.npy")
    np.testing.assert_allclose(
        wrapped, LocalWiener()(np.load("in.npy")[None, None])[0, 0], atol=1e-12
    )
    learner = "self-ensemble[denoiser=trained[network=shrinknet]]"
    assert main(["denoise", "in.npy", "-o", "no.npy", "-m", learner]) == 2
    assert "learns from a training split" in capsys.readouterr().err
    limit = "self-ensemble[denoiser=spikes-posterior-mean]"
    assert main(["denoise", "in.npy", "-o", "no.npy", "-m", limit]) == 2
    assert "needs the prior of the signals" in capsys.readouterr().err


def test_its_error_is_smaller_by_the_variance_of_its_members():
    """Krogh, Vedelsby 1995: error of the mean = mean error − variance of the members."""
    problem = Denoising("p", Photos32(), Gaussian(sigma=25.0), items=24)
    (block,) = problem.blocks(1, 24)
    plain = DENOISERS["wavelet"](wavelet="sym4", rule="visu", scale=0.3, shifts=1)
    members = []
    for turn in SYMMETRIES[2, 3, 6, 9]:
        way = turn(np.arange(32 * 32).reshape(32, 32))
        estimate = np.empty_like(block.noisy).reshape(24, 3, -1)
        turned = np.ascontiguousarray(turn(block.noisy))
        estimate[..., way.ravel()] = plain(turned, sigma=25.0).reshape(24, 3, -1)
        members.append(estimate.reshape(block.noisy.shape))
    ensemble = SelfEnsemble(plain)(block.noisy, sigma=25.0)
    np.testing.assert_allclose(ensemble, np.mean(members, axis=0), rtol=1e-4, atol=1e-3)
    mean_error = np.mean([(m - block.clean) ** 2 for m in members])
    deviation = np.mean([(m - ensemble) ** 2 for m in members])
    error = np.mean((ensemble - block.clean) ** 2)
    assert error == pytest.approx(mean_error - deviation, rel=1e-3)
    own = np.mean((plain(block.noisy, sigma=25.0) - block.clean) ** 2)
    assert 10 * np.log10(own / error) > 0.3  # 0.47 dB on 64 items
