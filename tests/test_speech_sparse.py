"""L1, GMC, sliding DCT and wavelets with noise levels from a tracker."""

import dataclasses

import numpy as np
import pytest
import scipy.signal

from sigbench import GMC, L1, InputError, SlidingDCT
from sigbench.config.registry import build
from sigbench.core.fingerprint import identity
from sigbench.core.protocols import Certified
from sigbench.denoisers import DENOISERS, SpeechDCT, SpeechWavelet, StftGMC, StftL1
from sigbench.denoisers.sparse_model import Bounded, Exact
from sigbench.denoisers.speech import speech_wavelet
from sigbench.denoisers.speech.frames import framing, power_spectra
from sigbench.denoisers.speech.noise_spectrum import atom_levels, frame_at
from sigbench.denoisers.speech.trackers import LeadingNoise, noise_spectra
from sigbench.denoisers.wavelet import WaveletShrink
from sigbench.transforms import STFT, StationaryWavelet

FS = 8000.0
METHODS = [
    StftL1(fs=FS),
    StftGMC(fs=FS, gamma=0.4),
    SpeechDCT(fs=FS),
    SpeechWavelet(fs=FS, shrink="soft"),
]
NAMES = ["stft-l1", "stft-gmc", "speech-dct", "speech-wavelet"]
each_method = pytest.mark.parametrize("method", METHODS, ids=NAMES)


@dataclasses.dataclass(frozen=True)
class Known:
    """A tracker that is told the noise power of each frequency, or one for all of them."""

    power: tuple[float, ...]

    def start(self, frames):
        return lambda power: np.broadcast_to(np.array(self.power), power.shape)


def white(sigma, overlap=4):
    return Known((sigma**2 / overlap,))


def tone_in_colored_noise(rng, n=6000):
    """Return a tone that starts after 250 ms, in noise below about 500 Hz, at 0 dB."""
    t = np.arange(n) / FS
    clean = np.sin(2 * np.pi * 1200 * t) * (t > 0.25)
    noise = scipy.signal.lfilter([1], [1, -0.95], rng.standard_normal(2 * n))[n:]
    noise *= np.linalg.norm(clean) / np.linalg.norm(noise)
    return clean.reshape(1, 1, n), (clean + noise).reshape(1, 1, n)


def si_sdr(clean, estimate):
    target = np.vdot(clean, estimate) / np.vdot(clean, clean) * clean
    return 20 * np.log10(np.linalg.norm(target) / np.linalg.norm(estimate - target))


# identities


@pytest.mark.parametrize("gamma", [0.0, 0.4])
def test_with_a_flat_spectrum_it_is_l1_or_gmc_in_the_stft(rng, gamma):
    y, tight = rng.normal(size=(2, 1, 40)), {"tol": 1e-7, "max_iter": 5000}
    shared = {
        "tracker": white(0.8),
        "lam_over_sigma": 1.5,
        "window_ms": 4.0,
        "overlap": 4,
        "fs": FS,
    }
    frame = STFT(32, 8)
    if gamma:
        ours = StftGMC(**shared, gamma=gamma, solver=Bounded(**tight))
        plain = GMC(frame, lam=1.5 * 0.8 / 2, gamma=gamma, solver=Exact(**tight))
    else:
        ours = StftL1(**shared, solver=Bounded(**tight))
        plain = L1(frame, lam=1.5 * 0.8 / 2, solver=Exact(**tight))
    np.testing.assert_allclose(ours(y), plain(y), atol=5e-3)  # ½‖error‖² <= gap/(1 − γ)
    assert (ours.certificate(y) <= 1e-7).all()


def test_gmc_without_non_convexity_is_l1(rng):
    y = rng.normal(size=(1, 1, 600))
    one, other = StftL1(white(1.0), fs=FS), StftGMC(white(1.0), gamma=0.0, fs=FS)
    other = dataclasses.replace(
        other,
        lam_over_sigma=one.lam_over_sigma,
        solver=one.solver,
        overlap=one.overlap,
        window_ms=one.window_ms,
    )
    np.testing.assert_allclose(other(y), one(y), rtol=0, atol=5e-3)


def test_with_a_flat_spectrum_the_dct_has_one_threshold(rng):
    """An independent loop over the blocks, which also thresholds their constants."""
    y, window = rng.normal(size=(1, 1, 60)), 8
    padded = np.pad(y[0, 0], window - 1, "symmetric")
    total = np.zeros_like(padded)
    for start in range(len(padded) - window + 1):
        c = scipy.fft.dct(padded[start : start + window], norm="ortho")
        total[start : start + window] += scipy.fft.idct(c * (abs(c) > 1.4), norm="ortho")
    expected = total[window - 1 : 1 - window] / window
    ours = SpeechDCT(white(0.7), threshold_over_sigma=2.0, block_ms=1.0, fs=FS)(y)
    np.testing.assert_allclose(ours[0, 0], expected, atol=1e-12)


def test_with_a_flat_spectrum_the_details_are_those_of_visushrink(rng):
    """The difference is the coarse band, which WaveletShrink keeps."""
    n, frame = 1024, StationaryWavelet("db4", 5)
    y = rng.normal(size=(2, 1, n))
    scale = 2.0 / np.sqrt(2 * np.log(n))
    plain = WaveletShrink("db4", 5, scale=scale, shifts="all")(y, sigma=0.7)
    ours = SpeechWavelet(white(0.7), 2.0, "db4", "soft", fs=FS)(y)
    removed = np.zeros_like(frame.analysis(y))
    threshold = 2.0 * 0.7 * frame.geometry((n,)).weights[0]
    removed[:, :, 0] = np.clip(frame.analysis(y)[:, :, 0], -threshold, threshold)
    np.testing.assert_allclose(plain - ours, frame.synthesis(removed, (n,)), atol=1e-9)
    assert np.abs(ours).max() > 0.5


def test_a_long_signal_is_transformed_in_blocks(rng, monkeypatch):
    """Its ends differ, because the transform of a part is circular by itself."""
    y = rng.normal(size=(2, 1, 2000))
    denoise = SpeechWavelet(wavelet="db2", fs=FS)
    whole = denoise(y)
    monkeypatch.setattr(speech_wavelet, "BLOCK", 500)
    parts = denoise(y)
    reach = 2 * 3 * (2**5 - 1)  # two transforms with 4 taps in 5 levels
    np.testing.assert_allclose(
        parts[..., reach:-reach], whole[..., reach:-reach], rtol=0, atol=1e-12
    )


@each_method
def test_without_noise_the_input_comes_back(rng, method):
    y = rng.normal(size=(2, 1, 700))
    silent = dataclasses.replace(method, tracker=Known((0.0,)))
    np.testing.assert_allclose(silent(y), y, atol=1e-12)


@pytest.mark.parametrize("model", [StftL1, StftGMC])
def test_a_band_without_noise_is_untouched(rng, model):
    """A tone at 1 kHz comes back; the noise above 2.5 kHz is removed."""
    clean = np.sin(np.pi / 4 * np.arange(3000)).reshape(1, 1, -1)
    high = scipy.signal.firwin(101, 2500, fs=FS, pass_zero=False)
    y = clean + 0.3 * scipy.signal.lfilter(high, 1, rng.standard_normal(3000))
    power = np.where(framing(FS).frequencies < 2000, 0.0, 0.3**2 / 4)
    method = model(Known(tuple(power)), lam_over_sigma=3.0, window_ms=32.0, overlap=4, fs=FS)
    inside = np.s_[..., 300:-300]
    error = np.abs(method(y) - clean)[inside].max()
    assert error < 0.05 * np.abs(y - clean)[inside].max()


def test_levels_are_scaled_by_the_energy_of_the_atom(rng):
    atoms = rng.normal(size=(5, 40))
    frames = framing(FS)
    levels = atom_levels(np.full((2, 3, frames.bins), 0.25), frames, atoms)
    expected = np.broadcast_to(np.linalg.norm(atoms, axis=1), (2, 3, 5))
    np.testing.assert_allclose(levels, expected, rtol=1e-12)


def test_levels_of_colored_noise_are_those_of_its_samples(rng):
    """Of the DCT of blocks of 64 samples: within 3 % from 400,000 samples."""
    noise = scipy.signal.lfilter([1], [1, -0.9], rng.standard_normal(400_000))
    frames = framing(FS)
    dct = scipy.fft.dct(np.eye(64), axis=0, norm="ortho")
    mean = power_spectra(noise.reshape(1, 1, -1), frames).mean(axis=1)
    measured = np.std(noise.reshape(-1, 64) @ dct.T, axis=0)
    np.testing.assert_allclose(atom_levels(mean, frames, dct)[0, 1:], measured[1:], rtol=0.03)


def test_the_frame_of_a_sample_is_centered_on_it():
    frames = framing(FS)
    impulse = np.zeros((1, 1, 2000))
    impulse[..., 1000] = 1
    power = power_spectra(impulse, frames).sum(axis=-1)[0]
    assert frame_at(np.array(1000), frames, len(power)) == np.argmax(power)


# independent checks


@pytest.mark.parametrize("gamma", [0.0, 0.4])
def test_a_small_problem_with_weights_against_cvxpy(rng, gamma):
    import cvxpy as cp

    n, frames, transform = 12, framing(1000.0, 8.0, 2), STFT(8, 4)
    y = rng.normal(size=n)
    power = rng.uniform(0.02, 0.5, frames.bins)
    tight = Bounded(1e-10, 20_000)
    shared = {"lam_over_sigma": 1.2, "window_ms": 8.0, "overlap": 2, "solver": tight, "fs": 1000.0}
    tracker = Known(tuple(power))
    ours = StftGMC(tracker, gamma=gamma, **shared) if gamma else StftL1(tracker, **shared)

    shape = transform.analysis(y.reshape(1, 1, n)).shape[2:]
    units = np.eye(np.prod(shape)).reshape(-1, 1, *shape)
    re, im = (transform.synthesis(u, (n,)).reshape(-1, n).T for u in (units + 0j, 1j * units))
    pairs = np.tile(np.r_[1, 2, 2, 2, 1], shape[0])
    weights = np.tile(1.2 * np.sqrt(power), shape[0])
    a, b = cp.Variable(len(pairs)), cp.Variable(len(pairs))
    fit = re @ a + im @ b
    penalty = (weights * pairs) @ cp.norm(cp.vstack([a, b]), 2, axis=0)
    if not gamma:
        cp.Problem(cp.Minimize(cp.sum_squares(y - fit) / 2 + penalty)).solve(solver="CLARABEL")
    else:  # the inner maximum by its dual: max over v is min over w, |γAᴴAx − Aᴴw| <= weights
        w = cp.Variable(n)
        theta = gamma * fit - w
        back = cp.vstack(
            [cp.multiply(1 / pairs, re.T @ theta), cp.multiply(1 / pairs, im.T @ theta)]
        )
        objective = (
            (1 - gamma) / 2 * cp.sum_squares(fit)
            - y @ fit
            + penalty
            + cp.sum_squares(w) / (2 * gamma)
        )
        cp.Problem(cp.Minimize(objective), [cp.norm(back, 2, axis=0) <= weights]).solve(
            solver="CLARABEL"
        )
    np.testing.assert_allclose(ours(y.reshape(1, 1, n))[0, 0], fit.value, atol=2e-4)
    assert 0 < np.linalg.norm(fit.value) < 0.98 * np.linalg.norm(y)


# behavior


def test_iterations_are_bounded_and_the_certificate_says_so(rng):
    y = rng.normal(size=(2, 1, 700))
    few = StftL1(white(0.5), fs=FS, solver=Bounded(1e-9, 10))
    more = dataclasses.replace(few, solver=Bounded(1e-9, 30))
    assert (few.certificate(y) > more.certificate(y)).all()
    assert (more.certificate(y) > 1e-9).all()


def test_a_bounded_solver_agrees_with_the_exact_one(rng):
    y = rng.normal(size=(3, 1, 200)) * np.array([1.0, 3.0, 0.01]).reshape(3, 1, 1)
    bounded = L1(STFT(32), lam=0.7, solver="bounded")
    assert (bounded.certificate(y) <= 1e-3).all()
    np.testing.assert_allclose(bounded(y), L1(STFT(32), lam=0.7)(y), atol=0.05)


COLORED = [
    (StftL1(fs=FS), L1(STFT(512), lam_over_sigma=1.0, solver="bounded")),
    (StftGMC(fs=FS), GMC(STFT(512), lam_over_sigma=1.0, gamma=0.3, solver=Bounded(1e-2))),
    (SpeechDCT(fs=FS), SlidingDCT(window=128)),
    (SpeechWavelet(fs=FS), WaveletShrink("db16", 5, shifts="all")),
]


@pytest.mark.parametrize(("method", "plain"), COLORED, ids=NAMES)
def test_colored_noise_needs_levels_by_frequency(rng, method, plain):
    """At least 3 dB better than the method for white noise that is given the level."""
    clean, noisy = tone_in_colored_noise(rng)
    sigma = np.std(noisy - clean)
    ours = dataclasses.replace(method, tracker=LeadingNoise(lead_in=2000))(noisy)
    assert si_sdr(clean, ours) > si_sdr(clean, plain(noisy, sigma=sigma)) + 3


@each_method
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 31, 1003])
def test_any_length_and_dtype(rng, method, dtype, n):
    y = rng.normal(size=(2, 1, n)).astype(dtype)
    before = y.copy()
    x = method(y)
    assert x.shape == y.shape
    assert x.dtype == dtype
    assert np.isfinite(x).all()
    assert not np.shares_memory(x, y)
    np.testing.assert_array_equal(y, before)


@each_method
def test_it_is_equivariant_and_items_are_independent(rng, method):
    y = rng.normal(size=(2, 1, 900)) * np.array([1.0, 5.0]).reshape(2, 1, 1)
    x = method(y)
    np.testing.assert_allclose(method(-1024 * y), -1024 * x, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(method(y[1:]), x[1:], atol=1e-9)


@each_method
@pytest.mark.parametrize("lead_in", [None, 600])
def test_silence_constants_and_clipping_are_finite(rng, method, lead_in):
    method = dataclasses.replace(method, tracker=LeadingNoise(lead_in=lead_in))
    burst = np.r_[np.zeros(1000), rng.normal(size=500)]
    y = np.stack([np.zeros(1500), np.full(1500, 0.3), np.clip(9 * burst, -1, 1), burst])[:, None]
    x = method(y)
    assert np.isfinite(x).all()
    assert not x[0].any()
    np.testing.assert_allclose(x[3], y[3], atol=1e-12)  # no noise is found
    if isinstance(method, Certified):
        assert np.isfinite(method.certificate(y)).all()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("stft-l1[lam_over_sigma=-1]", "lam_over_sigma=-1 must be >= 0"),
        ("stft-l1[overlap=1]", "overlap=1 must be >= 2"),
        ("stft-l1[tracker=nobody]", "nobody"),
        ("stft-gmc[gamma=1]", "gamma=1 must be >= 0 and < 1"),
        ("speech-dct[threshold_over_sigma=-2]", "threshold_over_sigma=-2 must be >= 0"),
        ("speech-wavelet[shrink=none]", "shrink=none must be one of: soft, hard"),
        ("speech-wavelet[wavelet=nope]", "nope"),
    ],
)
def test_bad_parameters_are_refused_with_their_value(spec, message):
    with pytest.raises(InputError, match=message):
        build("method", DENOISERS, spec)


@pytest.mark.parametrize("name", NAMES)
def test_the_sampling_rate_is_required(name):
    with pytest.raises(InputError, match="fs=None"):
        build("method", DENOISERS, name)(np.ones((1, 1, 99)))


def test_parameters_are_part_of_the_identity():
    one = build("method", DENOISERS, "stft-l1[solver=bounded[max_iter=9],tracker=leading]")
    assert one.solver == Bounded(max_iter=9)
    assert identity(one) != identity(StftL1())


def test_noise_spectra_has_the_frames_of_the_stft(rng):
    y = rng.normal(size=(2, 1, 1000))
    noise = noise_spectra(LeadingNoise(), y, framing(FS))
    assert noise.shape == (2, *STFT(256, 64).analysis(y).shape[2:])
