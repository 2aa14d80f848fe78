"""System identification: the problem, its estimators and the Cramér-Rao bound."""

import csv
import dataclasses

import numpy as np
import pytest
from scipy.linalg import circulant, toeplitz
from scipy.signal import csd

from sigbench import (
    H1,
    H2,
    METRICS,
    CramerRao,
    Denoising,
    Gaussian,
    InputError,
    LeastSquaresFIR,
    LocalWiener,
    SpectralDivision,
    SystemFunction,
    Systems,
    Tuned,
    WienerDivision,
    load,
    local_mean_response,
    run_suite,
)
from sigbench.benchmark.methods.resolve import Method, resolve
from sigbench.cli.main import main
from sigbench.estimators.least_squares import information
from sigbench.problems.system_id import estimated


def problem(length=256, snr_db=20.0, taps=8, items=10, dataset=None, **more):
    return SystemFunction("p", dataset or Systems(taps=taps), length, snr_db, items, **more)


@dataclasses.dataclass(frozen=True)
class Stereo(Systems):
    """Items that are not impulse responses."""

    kind = "stereo"

    def item(self, split, seed, item):
        return np.ones((2, 8))


def block_of(problem, seed=1):
    (block,) = problem.blocks(seed, problem.items)
    return block


def records(problem, seed=1):
    block = block_of(problem, seed)
    return block.clean, block.noisy[:, :1], block.noisy[:, 1:]


def columns(x, taps):
    """Return x delayed by 0, 1, ... as columns: the circulant matrix, built directly."""
    return np.stack([np.roll(x, k) for k in range(taps)], axis=1)


class TestProblem:
    def test_the_output_is_the_circular_convolution_plus_noise(self):
        h, x, y = records(problem(length=4096, snr_db=10.0))
        sigma = block_of(problem(length=4096, snr_db=10.0)).sigma
        for taps, given, output, level in zip(h[:, 0], x[:, 0], y[:, 0], sigma, strict=True):
            clean = circulant(given)[:, :8] @ taps
            noise = output - clean
            assert np.mean(clean**2) / level**2 == pytest.approx(10.0)
            assert noise.std() == pytest.approx(level, rel=0.05)
            assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.06

    def test_levels_share_response_input_and_noise_draw(self):
        h, x, y = records(problem(snr_db=0.0))
        h40, x40, y40 = records(problem(snr_db=40.0))
        np.testing.assert_array_equal(h, h40)
        np.testing.assert_array_equal(x, x40)
        clean = np.stack([columns(u[0], 8) @ g[0] for u, g in zip(x, h, strict=True)])[:, None]
        np.testing.assert_allclose(y - clean, 100 * (y40 - clean), atol=1e-10)

    def test_items_do_not_depend_on_the_blocks_or_the_number_of_items(self):
        parts = list(problem(items=10).blocks(1, 3))
        whole = block_of(problem(items=12))
        np.testing.assert_array_equal(np.concatenate([b.noisy for b in parts]), whole.noisy[:10])
        assert not np.array_equal(whole.noisy, block_of(problem(items=12), seed=2).noisy)
        assert len(np.unique(whole.noisy[:, :, 0])) == 24

    def test_the_input_has_the_requested_coloration(self):
        _, x, _ = records(problem(length=4096, coloration=0.8))
        assert x.var() == pytest.approx(1.0, rel=0.05)
        lagged = [np.mean(x * np.roll(x, k, axis=-1)) for k in range(4)]
        np.testing.assert_allclose(lagged, 0.8 ** np.arange(4), atol=0.05)

    def test_training_does_not_contain_test_items(self):
        one = problem(items=20, train_items=20)
        train = one.training(sigma_given=True)
        assert train.pairs.noisy.shape == (16, 2, 256)
        assert train.validation.target.shape == (4, 1, 8)
        seen = {x.tobytes() for x in np.concatenate([train.pairs.noisy, train.validation.noisy])}
        assert not seen & {x.tobytes() for x in block_of(one, seed=0).noisy}
        assert one.training(sigma_given=False).pairs.sigma is None
        drawn = train.draw(3, np.random.default_rng(0))
        assert drawn.noisy.shape == (3, 2, 256)
        with pytest.raises(InputError, match="target='noisy' must be 'clean'"):
            train.draw(3, np.random.default_rng(0), target="noisy")

    def test_sigma_is_passed_only_if_given(self):
        seen = []

        class Mine:
            def estimate(self, x, y, *, sigma=None):
                seen.append(sigma)
                return np.zeros((len(x), 1, 8))

        block = block_of(problem())
        problem().apply(Mine(), block, sigma_given=False)
        problem().apply(Mine(), block, sigma_given=True)
        assert seen[0] is None
        np.testing.assert_array_equal(seen[1], block.sigma)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"items": 0}, "items=0 must be >= 1"),
            ({"train_items": 1}, "train_items=1 must be >= 2"),
            ({"coloration": 1.0}, "coloration=1 must be >= 0 and < 1"),
            ({"length": 7}, "length=7 must be >= 8, the number of taps"),
            ({"snr_db": -5000.0}, "snr_db=-5000 must be >= -300 and <= 300"),
            (
                {"dataset": Stereo()},
                r"shape \(2, 8\); an impulse response must have shape \(1, taps\)",
            ),
        ],
    )
    def test_bad_numbers_are_refused(self, more, message):
        with pytest.raises(InputError, match=message):
            problem(**more)


@pytest.mark.parametrize("seed", range(5))
def test_systems_have_a_bounded_inverse(seed):
    spectrum = np.abs(np.fft.rfft(Systems(taps=32).item("test", seed, 0), 1024))
    assert spectrum.min() >= 0.2 - 1e-12
    assert spectrum.max() <= 1.8 + 1e-12


class TestLeastSquares:
    @pytest.mark.parametrize("coloration", [0.0, 0.95])
    @pytest.mark.parametrize("length", [8, 9, 64])
    def test_it_agrees_with_numpys_lstsq(self, length, coloration):
        _, x, y = records(problem(length=length, snr_db=3.0, coloration=coloration))
        found = LeastSquaresFIR(taps=8).estimate(x, y)
        for given, got, h in zip(x[:, 0], y[:, 0], found[:, 0], strict=True):
            expected = np.linalg.lstsq(columns(given, 8), got, rcond=None)[0]
            np.testing.assert_allclose(h, expected, atol=1e-8)

    def test_an_input_of_low_rank_gives_the_minimum_norm_solution(self):
        t = np.arange(60)
        x = np.stack([np.cos(2 * np.pi * t / 12), np.ones(60), np.zeros(60)])[:, None]
        y = np.random.default_rng(0).standard_normal(x.shape)
        found = LeastSquaresFIR(taps=8).estimate(x, y)
        for given, got, h in zip(x[:, 0], y[:, 0], found[:, 0], strict=True):
            expected = np.linalg.lstsq(columns(given, 8), got, rcond=1e-10)[0]
            np.testing.assert_allclose(h, expected, atol=1e-9)

    def test_with_all_lags_it_is_the_spectral_division(self):
        _, x, y = records(problem(length=32))
        division = SpectralDivision().estimate(x, y)
        np.testing.assert_allclose(LeastSquaresFIR().estimate(x, y), division, atol=1e-7)


class TestDivision:
    def test_spectral_division_is_the_quotient_of_the_spectra(self):
        _, x, y = records(problem())
        expected = np.fft.ifft(np.fft.fft(y) / np.fft.fft(x)).real
        np.testing.assert_allclose(SpectralDivision().estimate(x, y), expected, atol=1e-9)

    def test_wiener_division_is_its_formula_and_spectral_division_at_alpha_0(self):
        _, x, y = records(problem())
        spectrum, output = np.fft.fft(x), np.fft.fft(y)
        power = np.abs(spectrum) ** 2
        below = power + 0.3 * power.mean(axis=-1, keepdims=True)
        expected = np.fft.ifft(spectrum.conj() * output / below).real
        np.testing.assert_allclose(WienerDivision(0.3).estimate(x, y), expected, atol=1e-12)
        plain = SpectralDivision().estimate(x, y)
        np.testing.assert_allclose(WienerDivision(0.0).estimate(x, y), plain, atol=1e-9)

    def test_with_the_level_given_alpha_is_noise_over_signal(self):
        one = problem(length=4096, snr_db=10.0)
        _, x, y = records(one)
        found = WienerDivision().estimate(x, y, sigma=block_of(one).sigma)
        np.testing.assert_allclose(found, WienerDivision(0.1).estimate(x, y), atol=0.01)
        with pytest.raises(
            InputError, match="alpha=none needs the noise level: set alpha or sigma=given"
        ):
            WienerDivision().estimate(x, y)

    @pytest.mark.parametrize("level", [0.0, 1e-3, 10.0, 1e99])
    def test_an_output_without_signal_gives_zero(self, level):
        _, x, y = records(problem())
        for given, got in ((0 * x, level * y / 2), (x, 0 * y)):
            h = WienerDivision().estimate(given, got, sigma=level)
            np.testing.assert_allclose(h, 0, atol=1e-90)


class TestAveragedSpectra:
    @pytest.mark.parametrize("segment", [2, 16, 25, 256, 999])
    def test_they_agree_with_scipy(self, segment):
        _, x, y = records(problem())
        n = min(segment, 256)
        options = {"nperseg": n, "detrend": False}
        ratios = {
            H1: csd(x, y, **options)[1] / csd(x, x, **options)[1],
            H2: csd(y, y, **options)[1] / csd(y, x, **options)[1],
        }
        for method, ratio in ratios.items():
            found = method(segment, taps=8).estimate(x, y)
            expected = np.zeros((10, 1, 8))
            lags = min(n, 8)
            expected[..., :lags] = np.fft.irfft(ratio, n)[..., :lags]
            np.testing.assert_allclose(found, expected, atol=1e-8)

    @pytest.mark.parametrize("method", [H1(), H2(taps=1)])
    def test_a_record_of_one_sample_is_refused(self, method):
        """The Hann window of one sample is 0."""
        x = np.ones((2, 1, 1))
        with pytest.raises(InputError, match="the record's length 1 must be >= 2"):
            method.estimate(x, x)

    def test_output_noise_biases_h2_but_not_h1(self):
        one, other = problem(4096, 0.0, items=50), problem(4096, 100.0, items=50)
        _, x, y = records(one)
        quiet = records(other)[2]
        shift = {}
        for method in (H1(64, taps=8), H2(64, taps=8)):
            difference = method.estimate(x, y) - method.estimate(x, quiet)
            shift[type(method)] = difference[:, 0, 0]
        half = 3 * shift[H1].std() / np.sqrt(50)
        assert abs(shift[H1].mean()) < half
        # |H2| = |H|·(1 + S_nn/S_vv): with as much noise as signal, at least twice the response.
        assert shift[H2].mean() > 0.9


QUOTIENTS = [SpectralDivision(), WienerDivision(0.0), H1(16), H2(16)]


@pytest.mark.parametrize("method", QUOTIENTS, ids=lambda method: method.info.name)
class TestQuotient:
    """Rounding errors are judged relative to the record (powers by eps²)."""

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("scale", [1e-6, 1e6])
    def test_the_unit_changes_nothing(self, method, dtype, scale):
        _, x, y = records(problem(snr_db=40.0))
        expected = method.estimate(x.astype(dtype), y.astype(dtype))
        found = method.estimate((scale * x).astype(dtype), (scale * y).astype(dtype))
        atol = 2000 * np.finfo(dtype).eps * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, atol=atol)

    @pytest.mark.parametrize(("dtype", "weak"), [(np.float32, 1e-4), (np.float64, 1e-10)])
    def test_a_weak_band_is_not_rounding_error(self, method, dtype, weak):
        """Powers of 1e-8 and 1e-20 of the largest: below eps, but at least 1e6 times eps²."""
        h, t = np.array([1.0, -0.3, 0.2]), np.arange(64)
        x = np.cos(2 * np.pi * 3 * t / 16) + weak * np.cos(2 * np.pi * 6 * t / 16)
        y = (columns(x, 3) @ h).astype(dtype)[None, None]
        found = method.estimate(x.astype(dtype)[None, None], y)[0, 0]
        for band in (3, 6):
            response = np.fft.fft(found)[band * len(found) // 16]
            assert response == pytest.approx(np.fft.fft(h, 16)[band], abs=0.01)


class TestBound:
    def test_the_information_is_the_gram_matrix(self):
        _, x, _ = records(problem(length=20))
        for given, found in zip(x[:, 0], information(x, 8)[:, 0], strict=True):
            matrix = columns(given, 8)
            np.testing.assert_allclose(found, matrix.T @ matrix, atol=1e-10)
            np.testing.assert_array_equal(found, toeplitz(found[0]))

    def test_the_draws_have_the_covariance_of_the_bound(self):
        x = records(problem(length=16, taps=3, coloration=0.5, items=1))[1]
        rng = np.random.default_rng(1)
        turned = np.stack([np.roll(x[0], k, -1) * s for k in range(16) for s in (1, -1)])
        # A factor near 1 hardly changes XᵀX, but selects another random stream.
        factor = 1 + 1e-6 * rng.random((500, 1, 1, 1))
        many = (factor * turned).reshape(-1, 1, 16)
        h = np.zeros((len(many), 1, 3))
        error = CramerRao().bind(h).estimate(many, many, sigma=2.0)[:, 0]
        expected = 4 * np.linalg.inv(information(x, 3)[0, 0])
        found = error.T @ error / len(error)
        np.testing.assert_allclose(found, expected, atol=0.04 * np.abs(expected).max())
        assert np.all(np.abs(error.mean(axis=0)) < 4 * np.sqrt(expected.diagonal() / len(error)))

    def test_least_squares_attains_the_bound_and_spectral_division_does_not(self):
        """The mean squared error over the trace of σ²(XᵀX)⁻¹ is 1 for an efficient estimator."""
        one = problem(length=1024, snr_db=40.0, taps=16, items=3000)
        h, x, y = records(one)
        sigma = block_of(one).sigma
        traces = np.trace(np.linalg.inv(information(x, 16)[:, 0]), axis1=1, axis2=2)
        bound = np.mean(sigma**2 * traces)

        def excess_db(method):
            error = np.sum((method.estimate(x, y) - h) ** 2, axis=(1, 2))
            return 10 * np.log10(error.mean() / bound)

        # With 3,000 items of 16 taps the standard error is 4.34·√(2/48000) = 0.03 dB.
        assert excess_db(LeastSquaresFIR(taps=16)) == pytest.approx(0, abs=0.1)
        assert excess_db(SpectralDivision(taps=16)) > 6

    def test_levels_scale_one_draw(self):
        h, x, y = records(problem())
        one, ten = (CramerRao().bind(h).estimate(x, y, sigma=s) - h for s in (0.1, 1.0))
        np.testing.assert_allclose(10 * one, ten, atol=1e-12)

    def test_it_needs_the_level_and_the_number_of_taps(self):
        h, x, y = records(problem())
        with pytest.raises(InputError, match="cramer-rao needs the noise level: sigma=given"):
            CramerRao().bind(h).estimate(x, y)
        with pytest.raises(InputError, match="taps=3 must be 8, the number of taps of h"):
            CramerRao(taps=3).bind(h)


class TestLocalMeanResponse:
    def test_it_is_the_formula_of_the_report(self):
        y = np.random.default_rng(0).normal(size=(3, 1, 100))
        filtered = LocalWiener(3, border="zero")(y)
        expected = np.abs(np.fft.ifft(np.fft.fft(filtered) / np.fft.fft(y)))
        np.testing.assert_allclose(local_mean_response(y), expected, atol=1e-9)

    def test_a_record_with_spectral_zeros_has_a_finite_response(self):
        y = np.stack([np.zeros(100), np.cos(2 * np.pi * np.arange(100) / 10)])[:, None]
        for dtype in (np.float32, np.float64):
            h = local_mean_response(y.astype(dtype))
            assert h.dtype == dtype
            assert np.isfinite(h).all()
            assert h.max() < 100
            assert not h[0].any()

    def test_the_shape_is_checked(self):
        with pytest.raises(InputError, match=r"y has shape \(3, 100\): it must be \(N, 1, L\)"):
            local_mean_response(np.ones((3, 100)))


class TestMetrics:
    def test_the_inverse_error_is_the_energy_of_the_residual(self):
        h, *_ = records(problem())
        rough = h + 0.01 * np.random.default_rng(0).standard_normal(h.shape)
        residual = np.fft.ifft(np.fft.fft(h, 512) / np.fft.fft(rough, 512)).real
        residual[..., 0] -= 1
        expected = 10 * np.log10(np.sum(residual**2, axis=(1, 2)))
        np.testing.assert_allclose(METRICS["inverse_error"](h, rough, 1.0), expected)

    def test_a_zero_response_has_no_inverse(self):
        h, *_ = records(problem())
        assert (METRICS["inverse_error"](h, 0 * h, 1.0) == np.inf).all()
        np.testing.assert_allclose(METRICS["system_error"](h, 0 * h, 1.0), 0, atol=1e-12)

    def test_scaling_both_changes_nothing(self):
        h, x, y = records(problem())
        found = LeastSquaresFIR(taps=8).estimate(x, y)
        for name in ("system_error", "inverse_error"):
            metric = METRICS[name]
            np.testing.assert_allclose(metric(3 * h, 3 * found, 1.0), metric(h, found, 1.0))


def test_tuning_finds_the_best_alpha_and_segment():
    one = problem(length=512, snr_db=10.0, train_items=50)
    train = one.training(sigma_given=False)
    for method, grid in (
        (WienerDivision(taps=8), {"alpha": [1e-6, 0.01, 10.0]}),
        (H1(taps=8), {"segment": [2, 64, 512]}),
    ):
        tuned = Tuned(method, grid).fit(train, rng=None)
        (key, values) = next(iter(grid.items()))
        errors = {
            v: np.mean(
                (
                    estimated(dataclasses.replace(method, **{key: v}), train.pairs.noisy, None)
                    - train.pairs.target
                )
                ** 2
            )
            for v in values
        }
        assert getattr(tuned, key) == min(errors, key=errors.get) == values[1]


GOOD = """
metrics = ["system_error"]
[[problems]]
name = "n{length}-{snr_db}dB-a{coloration}"
system = "systems[taps=4]"
length = [16, 32]
snr_db = [10, 20.5]
coloration = [0, 0.5]
items = 3
train_items = 5
[[methods]]
method = "least-squares-fir"
[[methods]]
name = "tuned"
method = "wiener-division"
tune = { alpha = [0.0, 1.0] }
[[methods]]
method = "cramer-rao"
sigma = "given"
"""


@pytest.fixture
def toml(here):
    def write(text):
        (here / "mine.toml").write_text(text)
        return load("mine.toml")

    return write


class TestSuite:
    def test_a_file_is_read(self, toml):
        suite = toml(GOOD)
        assert [p.name for p in suite.problems[:4]] == [
            "n16-10dB-a0",
            "n16-10dB-a0.5",
            "n16-20.5dB-a0",
            "n16-20.5dB-a0.5",
        ]
        assert len(suite.problems) == 8
        assert suite.problems[-1] == SystemFunction(
            "n32-20.5dB-a0.5", Systems(taps=4), 32, 20.5, 3, 5, 0.5
        )
        assert [m.name for m in suite.methods] == ["least-squares-fir", "tuned", "cramer-rao"]
        assert suite.select(items=2).problems[0].items == 2

    def test_it_runs_and_lists_params_and_knowledge(self, toml, here):
        outcome = run_suite(toml(GOOD).select(seeds=[1]), here / "run")
        assert (outcome.computed, outcome.failed) == (24, 0)
        text = (here / "run" / "leaderboard.csv").read_text()
        for line in ("least-squares-fir,taps=4,none", "cramer-rao,", '"alpha=0, taps=4",fitted'):
            assert line in text
        assert "noisy" not in text

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("snr_db =", "snr =", "unknown key of a problem 'snr': did you mean 'snr_db'"),
            ("[16, 32]", "[16.5]", "length[0]=16.5 must be a whole number"),
            ("[16, 32]", "16", "length=16 must be a list"),
            ("[16, 32]", "[3]", "length=3 must be >= 4, the number of taps"),
            ("items = 3", "", "a problem needs the key 'items'"),
            ("{length}", "{n}", "no parameter 'n' (one of: taps, length, snr_db, coloration)"),
            ("systems[", "system[", "unknown dataset 'system': did you mean 'systems'"),
            ('"least-squares-fir"', '"l1[lam=1]"', "l1[lam=1] is a denoiser, but n16-10dB-a0 is a"),
            ("alpha = [0.0, 1.0]", "alpha = [-1.0]", "alpha=-1 must be >= 0"),
            (
                "1.0] }",
                '1.0] }\ntuned_by = "sure"',
                "tuned_by='sure' requires a denoiser, which wiener",
            ),
        ],
    )
    def test_a_wrong_file_is_refused_with_the_legal_values(self, toml, old, new, message):
        assert old in GOOD
        with pytest.raises(InputError) as caught:
            toml(GOOD.replace(old, new, 1))
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_an_estimator_is_refused_for_denoising(self, here):
        denoising = load("table1")
        for name in ("least-squares-fir", "cramer-rao"):
            with pytest.raises(
                InputError, match=f"{name} is an estimator of impulse responses, but sparse"
            ):
                denoising.select(methods=[name])
        tuned = Method("t", Tuned(H1(), {"segment": [2, 4]}))
        with pytest.raises(InputError, match="t is an estimator of impulse responses"):
            dataclasses.replace(denoising, methods=(tuned,))
        with pytest.raises(
            InputError, match=r"l1\[lam=1\] is a denoiser, but white-128-0dB is a system"
        ):
            load("system-function").select(methods=["l1[lam=1]"])

    def test_a_user_estimator_runs(self, here):
        (here / "own.py").write_text(
            "import numpy as np\n"
            "class Delta:\n"
            "    def estimate(self, x, y):\n"
            "        h = np.zeros((len(x), 1, 32))\n"
            "        h[..., 0] = 1\n"
            "        return h\n"
        )
        (mine,) = resolve("own:Delta")
        assert mine.task == "system identification"
        suite = load("system-function").select(
            methods=["least-squares", "own:Delta"], problems=["white-128-20dB"], items=20
        )
        outcome = run_suite(suite, here / "run")
        assert outcome.failed == 0
        assert "own:Delta" in (here / "run" / "leaderboard.md").read_text()

    def test_sigbench_denoise_refuses_an_estimator(self, here, capsys):
        np.save("a.npy", np.ones(8))
        assert main(["denoise", "a.npy", "-o", "b.npy", "-m", "h1"]) == 2
        assert "h1 is an estimator of impulse responses, not a denoiser" in capsys.readouterr().err

    def test_estimators_are_listed(self, capsys):
        assert main(["list", "methods"]) == 0
        out = capsys.readouterr().out
        for name in ("least-squares-fir", "cramer-rao", "h1"):
            assert f"\n{name} " in out


def test_impulse_responses_can_be_denoised(here):
    """The dataset can also be denoised; the methods are then denoisers."""
    denoising = Denoising("d", Systems(), Gaussian(sigma=0.1), items=2)
    suite = dataclasses.replace(load("table1"), problems=(denoising,))
    assert suite.problems[0].items == 2


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Return means of the suite's own methods at high signal-to-noise ratios."""
    suite = load("system-function")
    wanted = ["white-1024-20dB", "white-1024-40dB", "white-4096-20dB", "white-4096-40dB"]
    suite = suite.select(problems=wanted)
    methods = [m for m in suite.methods if not isinstance(m.entry, Tuned)]
    suite = dataclasses.replace(suite, methods=tuple(methods))
    path = tmp_path_factory.mktemp("system") / "run"
    run_suite(suite, path)
    lines = (path / "leaderboard.csv").read_text().splitlines()
    rows = csv.DictReader(lines)
    return {(r["problem"], r["method"], r["metric"]): float(r["mean"]) for r in rows}


@pytest.mark.parametrize("metric", ["system_error", "inverse_error"])
@pytest.mark.parametrize("name", ["1024-20dB", "1024-40dB", "4096-20dB", "4096-40dB"])
def test_the_suites_least_squares_is_at_the_bound(board, name, metric):
    bound = board[f"white-{name}", "cramer-rao", metric]
    assert board[f"white-{name}", "least-squares", metric] == pytest.approx(bound, abs=0.1)
    assert board[f"white-{name}", "spectral-division", metric] > bound + 8


def test_the_figure_shows_every_row_and_the_bound_dashed():
    pytest.importorskip("matplotlib", reason="figures are an extra")
    from result_figures import system_function

    rows = [
        {"problem": f"white-{n}-{snr}dB", "method": m, "metric": "system_error", "mean": str(-n)}
        for n in (256, 128)
        for snr in (-3, 20)
        for m in ("cramer-rao", "h1", "h2")
    ]
    noise = {"problem": "else", "method": "h1", "metric": "psnr", "mean": "1"}
    figure = system_function([noise, *rows])
    assert [ax.get_title("left") for ax in figure.axes] == ["SNR -3 dB", "SNR 20 dB"]
    for ax in figure.axes:
        assert [line.get_linestyle() for line in ax.lines] == ["-", "-", "--"]
        assert list(ax.lines[0].get_xdata()) == [128, 256]
        assert sorted(label.get_text() for label in ax.texts) == [
            "cramer-rao −256.0",
            "h1 −256.0",
            "h2 −256.0",
        ]
    with pytest.raises(InputError, match="no row has the metric system_error"):
        system_function([noise])
