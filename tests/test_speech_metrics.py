"""Metrics of speech: closed cases, other implementations, and what cannot be computed."""

import functools
import sys
import warnings
from importlib.metadata import version

import numpy as np
import pystoi
import pytest
import scipy.linalg
import soundfile
from scipy.signal import resample_poly

from sigbench import DENOISERS, METRICS, InputError, SpeechSmoke, run_suite
from sigbench.benchmark.suites.suite import load
from sigbench.cli.list import metrics
from sigbench.problems.denoising import Denoising
from sigbench.scoring.segmental_metrics import CENTERS, WIDTHS

SPEECH = [name for name, metric in METRICS.items() if metric.needs_fs]
OFFLINE = [name for name in SPEECH if not METRICS[name].extra]  # need no extra
# DNSMOS does not use the clean signal. It depends on the level, and repeats short signals.
NO_REFERENCE = [name for name in SPEECH if name.startswith("dnsmos_")]
INTRUSIVE = [name for name in SPEECH if name not in NO_REFERENCE]
RATES = {name: 16_000 if name == "pesq_wb" else 8000 for name in SPEECH}


@functools.cache
def clip(fs, item=0):
    """Return a synthesized clip of 2.2 s, shape (1, 1, samples)."""
    speech = SpeechSmoke().item("test", 1, item)[None]
    return speech if fs == 16_000 else resample_poly(speech, 1, 2, axis=-1)


def noisy(clean, snr_db, seed=0):
    noise = np.random.default_rng(seed).standard_normal(clean.shape)
    return clean + noise * np.sqrt(np.mean(clean**2) / np.mean(noise**2) / 10 ** (snr_db / 10))


def value(name, clean, estimate, fs=None):
    if METRICS[name].requires:
        pytest.importorskip(METRICS[name].requires[0])
    (one,) = METRICS[name](clean, estimate, 1.0, fs or RATES[name])
    return one


def reason(name, clean, estimate, fs=None):
    """Return why the only item has no value."""
    if METRICS[name].requires:
        pytest.importorskip(METRICS[name].requires[0])
    measured = METRICS[name].measure(clean, estimate, 1.0, fs or RATES[name])
    assert np.isnan(measured.values).tolist() == [True]
    return measured.missing[0]


# Identities


# 4.549 and 4.644 are the largest values of the mappings of ITU-T P.862.1 and P.862.2.
PERFECT = {"stoi": 1, "estoi": 1, "pesq_nb": 4.549, "pesq_wb": 4.644, "fwsegsnr": 35, "llr": 0}


@pytest.mark.parametrize("name", PERFECT)
def test_a_perfect_estimate_has_the_best_value(name):
    clean = clip(RATES[name])
    assert value(name, clean, clean.copy()) == pytest.approx(PERFECT[name], abs=5e-4)


def test_the_segmental_snr_of_a_perfect_estimate_is_35_db_if_no_frame_is_silent(rng):
    x = rng.standard_normal((1, 1, 800))
    assert value("segmental_snr", x, x.copy()) == 35


@pytest.mark.parametrize("name", [*INTRUSIVE, "dnsmos_bak", "dnsmos_ovr"])
def test_the_direction_is_right_and_items_are_independent(name):
    if METRICS[name].requires:
        pytest.importorskip(METRICS[name].requires[0])
    clean = np.concatenate([clip(RATES[name], item) for item in (0, 1)])
    near, far = noisy(clean, 20), noisy(clean, 0)
    metric = METRICS[name]
    good, bad = (metric(clean, y, 1.0, RATES[name]) for y in (near, far))
    assert ((good > bad) == metric.higher_is_better).all()
    assert metric(clean[1:], far[1:], 1.0, RATES[name])[0] == bad[1]


@pytest.mark.parametrize("name", ["si_sdr", *(n for n in INTRUSIVE if n != "segmental_snr")])
def test_the_level_of_an_estimate_does_not_matter(name):
    clean = clip(RATES.get(name, 8000))
    y = noisy(clean, 5)
    expected = value(name, clean, y, RATES.get(name, 8000))
    # PESQ is computed in single precision.
    assert value(name, clean, y / 3, RATES.get(name, 8000)) == pytest.approx(expected, rel=2e-3)


# Closed cases


@pytest.mark.parametrize(("snr_db", "expected"), [(10, 10), (-3, -3), (50, 35), (-30, -10)])
def test_the_segmental_snr_of_stationary_signals_is_their_snr(rng, snr_db, expected):
    signs, others = rng.choice([-1.0, 1.0], (2, 1, 1, 2000))  # equal energy in every frame
    y = signs + others * 10 ** (-snr_db / 20)
    assert value("segmental_snr", signs, y) == pytest.approx(expected)


def test_the_segmental_snr_depends_on_the_level(rng):
    x = rng.standard_normal((1, 1, 800))
    assert value("segmental_snr", x, 0.9 * x) == pytest.approx(20)
    assert value("segmental_snr", x, 0 * x) == pytest.approx(0)  # silence is not the worst


def starts(signal):
    """Return the samples at which the frames begin at 8 kHz."""
    return range(0, signal.shape[-1] - 240 + 1, 60)


def test_frames_without_clean_signal_count_for_the_segmental_snr_only(rng):
    x = rng.standard_normal((1, 1, 6180))
    x[..., 3000:] = 0
    y = x + 1e-3 * rng.standard_normal(x.shape)
    assert len(starts(x)) == 100
    silent = sum(start >= 3000 for start in starts(x))
    mixed = sum(2760 < start < 3000 for start in starts(x))
    most = (35 * (100 - silent) - 10 * silent) / 100  # the noise is 60 dB below the signal
    assert most - 45 * mixed / 100 <= value("segmental_snr", x, y) <= most + 1e-9
    for name in ("fwsegsnr", "llr"):
        sound = slice(0, 2940 + 240)  # all frames that are not silent
        expected = value(name, x[..., sound], y[..., sound])
        assert value(name, x, y) == pytest.approx(expected)


def test_llr_counts_a_frame_with_a_silent_estimate_as_the_limit(rng):
    x = rng.standard_normal((1, 1, 6180))
    y = x.copy()
    y[..., 3000:] = 0
    silent = sum(start >= 3000 for start in starts(x))
    mixed = sum(2760 < start < 3000 for start in starts(x))
    # Of 100 frames the lowest 95 count, so 5 of the silent ones are omitted.
    assert 2 * (silent - 5) / 95 <= value("llr", x, y) <= 2 * (silent + mixed - 5) / 95


def test_a_delay_of_one_sample_changes_the_waveform_and_nothing_else():
    for fs in (8000, 16_000):
        clean = clip(fs)
        late = np.roll(clean, 1, axis=-1)
        almost = clean + 1e-7 * np.std(clean) * np.random.default_rng(0).standard_normal(
            clean.shape
        )
        assert value("si_sdr", clean, almost, fs) > 130
        assert value("si_sdr", clean, late, fs) < 13
        assert value("segmental_snr", clean, late, fs) < 11
        assert value("stoi", clean, late, fs) > 0.999
        assert value("estoi", clean, late, fs) > 0.999
        assert value("pesq_nb", clean, late, fs) > 4.53
        assert value("llr", clean, late, fs) < 1e-3


def test_si_sdr_of_a_delay_in_closed_form(rng):
    white = rng.standard_normal((1, 1, 8000))
    late = np.roll(white, 1, axis=-1)
    rho = np.sum(white * late) / np.sum(white**2)
    expected = 10 * np.log10(rho**2 / (1 - rho**2))
    assert value("si_sdr", white, late, 8000) == pytest.approx(expected)
    assert expected < -20
    omega = 2 * np.pi * 440 / 8000
    tone = np.cos(omega * np.arange(8000))[None, None]
    late = np.roll(tone, 1, axis=-1)
    assert value("si_sdr", tone, late, 8000) == pytest.approx(20 * np.log10(1 / np.tan(omega)))


@pytest.mark.parametrize("name", OFFLINE)
def test_a_pure_tone_is_measured_without_warnings(name):
    tone = np.cos(2 * np.pi * 440 / 8000 * np.arange(8000))[None, None]
    other = np.cos(2 * np.pi * 1000 / 8000 * np.arange(8000))[None, None]
    best = {"segmental_snr": 35, **PERFECT}[name]
    assert value(name, tone, tone.copy()) == pytest.approx(best, abs=1e-9)
    assert np.isfinite(value(name, tone, other))


def test_the_segmental_snr_of_two_tones_is_their_ratio():
    n = np.arange(
        8000
    )  # both have whole periods in a frame, so that it is exact but for the window
    tone, other = (np.cos(2 * np.pi * f / 8000 * n)[None, None] for f in (1000, 2000))
    assert value("segmental_snr", tone, tone + 0.1 * other) == pytest.approx(20, abs=1e-4)


# Other implementations


def frames_of(signal, fs):
    """Return the frames of a signal with the window of Hu & Loizou, one after another."""
    n = round(0.03 * fs)
    window = 0.5 * (1 - np.cos(2 * np.pi * np.arange(1, n + 1) / (n + 1)))
    return [window * signal[i : i + n] for i in range(0, len(signal) - n + 1, n // 4)]


@pytest.mark.parametrize("fs", [8000, 16_000])
def test_llr_by_least_squares(fs):
    clean = clip(fs)
    y = noisy(clean, 10)
    order = 10 if fs == 8000 else 16
    values = []
    for frame, noisy_frame in zip(frames_of(clean[0, 0], fs), frames_of(y[0, 0], fs), strict=True):
        if not frame.any():
            continue
        errors, predictors = [], []
        for part in (frame, noisy_frame):
            # Linear prediction of the frame with zeros before and after it.
            delayed = scipy.linalg.toeplitz(np.pad(part, (0, order)), np.zeros(order + 1))
            weights = np.linalg.lstsq(delayed[:-1, :-1], delayed[1:, 0], rcond=None)[0]
            predictors.append(np.concatenate(([1.0], -weights)))
        for predictor in predictors:
            errors.append(np.sum(np.convolve(frame, predictor) ** 2))
        values.append(min(max(np.log(errors[1] / errors[0]), 0.0), 2.0))
    kept = sorted(values)[: round(0.95 * len(values))]
    assert value("llr", clean, y, fs) == pytest.approx(np.mean(kept), rel=1e-3)


@pytest.mark.parametrize("fs", [8000, 16_000])
def test_fwsegsnr_by_its_formula(fs):
    clean = clip(fs)
    y = noisy(clean, 10)
    n = 512 if fs == 8000 else 1024
    f = np.arange(n // 2) * fs / n
    bands = [
        np.exp(-11 * ((f - c) / w) ** 2) * 70 / w for c, w in zip(CENTERS, WIDTHS, strict=True)
    ]
    values = []
    for frame, noisy_frame in zip(frames_of(clean[0, 0], fs), frames_of(y[0, 0], fs), strict=True):
        if not frame.any():
            continue
        spectra = [np.abs(np.fft.fft(part, n))[: n // 2] for part in (frame, noisy_frame)]
        above = below = 0.0
        for band in bands:
            X, Y = (np.sum(band * spectrum) / np.sum(spectrum) for spectrum in spectra)
            above += X**0.2 * 10 * np.log10(X**2 / (X - Y) ** 2)
            below += X**0.2
        values.append(np.clip(above / below, -10, 35))
    assert value("fwsegsnr", clean, y, fs) == pytest.approx(np.mean(values))


@pytest.mark.parametrize(("name", "extended"), [("stoi", False), ("estoi", True)])
def test_stoi_is_that_of_pystoi(name, extended):
    clean = clip(8000)
    y = noisy(clean, 0)
    np.random.seed(0)  # noqa: NPY002
    expected = pystoi.stoi(clean[0, 0], y[0, 0], 8000, extended=extended)
    assert value(name, clean, y) == expected


@pytest.mark.parametrize(
    ("name", "fs"), [("pesq_nb", 8000), ("pesq_nb", 16_000), ("pesq_wb", 16_000)]
)
def test_pesq_is_that_of_its_package(name, fs):
    package = pytest.importorskip("pesq")
    clean = clip(fs)
    y = noisy(clean, 10)
    assert value(name, clean, y, fs) == package.pesq(fs, clean[0, 0], y[0, 0], name[-2:])


# What cannot be computed is missing, with its reason


@pytest.mark.parametrize("name", ["si_sdr", *SPEECH])
def test_only_items_that_cannot_be_computed_are_missing(name):
    if METRICS[name].requires:
        pytest.importorskip(METRICS[name].requires[0])
    fs = RATES.get(name, 8000)
    one = clip(fs)
    clean = np.concatenate([one, one, 0 * one, one])
    y = noisy(clean, 5)
    y[2] = one
    y[1] = 0
    measured = METRICS[name].measure(clean, y, 1.0, fs)
    lost = [2] if name == "segmental_snr" else [1, 2] if name not in NO_REFERENCE else [1]
    assert list(measured.missing) == lost
    assert np.isnan(measured.values).nonzero()[0].tolist() == lost
    if name not in NO_REFERENCE:
        assert "the clean signal is silent" in measured.missing[2]
    with pytest.raises(InputError, match=f"item {lost[0]}: the .* is silent: .* is undefined"):
        METRICS[name](clean, y, 1.0, fs)


@pytest.mark.parametrize("name", INTRUSIVE)
def test_items_that_are_too_short_are_missing(name):
    clean = clip(RATES[name])[..., 8000:8100]
    said = {
        "stoi": "100 samples at 8000 Hz have too little speech for STOI",
        "estoi": "100 samples at 8000 Hz have too little speech for STOI",
        "pesq_nb": "PESQ of 100 samples at 8000 Hz: Buffer needs to be at least 1/4 of a second",
        "pesq_wb": "PESQ of 100 samples at 16000 Hz: Buffer needs to be at least 1/4 of a second",
    }
    other = "100 samples are less than a frame of 240"
    assert said.get(name, other) in reason(name, clean, noisy(clean, 5))


@pytest.mark.parametrize("extended", [False, True])
def test_pystoi_returns_a_number_where_stoi_is_missing(extended):
    clean = clip(8000)[..., 6000:9000]
    y = noisy(clean, 5)
    with pytest.warns(RuntimeWarning, match="Not enough STFT frames"):
        assert pystoi.stoi(clean[0, 0], y[0, 0], 8000, extended=extended) == 1e-5
    name = "estoi" if extended else "stoi"
    assert reason(name, clean, y).startswith("3000 samples at 8000 Hz have too little speech")


def test_pesq_without_an_utterance_is_missing():
    clean = clip(8000)[..., :2400]  # the speech begins near its end
    assert reason("pesq_nb", clean, noisy(clean, 5)).endswith("8000 Hz: No utterances detected")


def test_a_metric_that_needs_the_sampling_rate_says_so():
    x = np.ones((1, 1, 800))
    with pytest.raises(InputError, match="fs=None: the metric needs the sampling rate in Hz"):
        METRICS["stoi"].measure(x, x, 1.0)
    assert reason("fwsegsnr", x, x, 4000) == "fs=4000 must be >= 8000: the bands end at 4 kHz"
    assert reason("stoi", x, x, 8000.5) == "fs=8000.5 must be a whole number of Hz for STOI"
    assert reason("pesq_wb", x, x, 8000) == "fs=8000 must be 16000 Hz for PESQ (wb)"
    assert reason("pesq_nb", x, x, 44_100) == "fs=44100 must be 8000 or 16000 Hz for PESQ (nb)"


# Random numbers and settings of NumPy


def bits(state):
    return [part.tobytes() if isinstance(part, np.ndarray) else part for part in state]


def test_estoi_is_repeatable_and_gives_the_global_generator_back():
    clean = clip(8000)
    y = noisy(clean, 0)
    y[..., :8000] = 0  # normalized, the random numbers of pystoi are all that is left there
    values = set()
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        np.random.standard_normal(3)  # noqa: NPY002  the generator now holds a fourth number
        before = bits(np.random.get_state())  # noqa: NPY002
        values.add(value("estoi", clean, y))
        assert "too little speech" in reason("estoi", clean[..., :3000] + 1, y[..., :3000] + 1)
        assert bits(np.random.get_state()) == before  # noqa: NPY002
    assert len(values) == 1
    by_seed = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        by_seed.append(pystoi.stoi(clean[0, 0], y[0, 0], 8000, extended=True))
    assert by_seed[0] != by_seed[1]


@pytest.mark.parametrize("name", SPEECH)
def test_settings_of_numpy_and_warnings_are_kept(name):
    settings, filters = np.geterr(), list(warnings.filters)
    value(name, clip(RATES[name]), noisy(clip(RATES[name]), 5))
    assert np.geterr() == settings
    assert list(warnings.filters) == filters


# The table, and the check before a run


def test_the_families():
    families = {}
    for row in metrics():
        families.setdefault(row["family"], set()).add(row["name"])
    assert families["waveform"] == {"si_sdr", "segmental_snr"}
    assert families["intelligibility"] == {"stoi", "estoi"}
    assert families["perception"] >= {"pesq_nb", "pesq_wb", "fwsegsnr", "llr"}
    assert "psnr" in families[""]


def test_pesq_is_labeled_with_package_version_and_mode(monkeypatch):
    pytest.importorskip("pesq")
    assert METRICS["pesq_wb"].label == f"MOS-LQO (pesq {version('pesq')}, wb)"
    assert METRICS["pesq_wb"].key == f"1 pesq {version('pesq')}, wb"  # another version runs again
    assert (METRICS["llr"].label, METRICS["llr"].key) == ("", 1)
    monkeypatch.setitem(sys.modules, "pesq", None)  # as if it were not installed
    assert METRICS["pesq_wb"].label == "MOS-LQO (pesq (not installed), wb)"


@pytest.mark.parametrize("name", ["stoi", "estoi"])
def test_cells_are_run_again_if_the_version_of_pystoi_changes(name, monkeypatch):
    assert METRICS[name].label == f"pystoi {version('pystoi')}"
    assert METRICS[name].key == f"1 pystoi {version('pystoi')}"
    monkeypatch.setitem(sys.modules, "pystoi", None)  # as if it were not installed
    with pytest.raises(InputError, match=f"metric {name} needs pystoi: pip install pystoi"):
        METRICS[name].check(name, 8000.0)


SUITE = """
metrics = [{metric}]
seeds = [1]
problems = [{{name = "p", dataset = "{dataset}", degradation = "gaussian[sigma=1]", items = 1}}]
methods = [{{method = "noisy"}}]
"""


@pytest.mark.parametrize(
    ("metric", "dataset", "message"),
    [
        ("pesq_nb", "speech-smoke", r"metric pesq_nb needs pesq: pip install 'sigbench\[pesq\]'"),
        ("stoi", "sparse-spikes", "metric stoi needs the sampling rate, but fs=None"),
    ],
)
def test_a_metric_that_cannot_be_computed_is_reported_before_a_run(
    here, monkeypatch, metric, dataset, message
):
    monkeypatch.setitem(sys.modules, "pesq", None)
    (here / "s.toml").write_text(SUITE.format(metric=f'"{metric}"', dataset=dataset))
    with pytest.raises(InputError, match=message):
        run_suite(load("s.toml"), here / "out")
    assert not (here / "out").exists()


def test_a_rate_that_a_metric_does_not_support_is_reported_before_a_run():
    METRICS["pesq_wb"].check("pesq_wb", 16_000.0)
    with pytest.raises(InputError, match="metric pesq_wb is defined for fs=16000 Hz, not 8000"):
        METRICS["pesq_wb"].check("pesq_wb", 8000.0)


def test_a_problem_passes_the_sampling_rate():
    problem = load("speech-smoke").problems[0]
    assert isinstance(problem, Denoising)
    block = next(problem.blocks(1, 1))
    expected = METRICS["estoi"](block.clean, block.noisy, 1.0, 16_000.0)
    assert problem.score(METRICS["estoi"], block, block.noisy) == expected


# Controls


def digits(folder, speaker):
    """Return eight spoken digits as one item."""
    recordings = folder / "fsdd" / "recordings"
    parts = [soundfile.read(recordings / f"{n}_{speaker}_{n}.wav")[0] for n in range(8)]
    gap = np.zeros(800)
    return np.concatenate([x for part in parts for x in (gap, part / np.abs(part).max())])[
        None, None
    ]


@pytest.mark.parametrize("speaker", ["george", "jackson"])
def test_the_metric_gamer_raises_pesq_and_lowers_what_it_does_not_game(real_data, speaker):
    clean = digits(real_data, speaker)
    y = noisy(clean, 5)
    muffled = DENOISERS["metric-gamer"](fs=8000.0)(y)
    denoised = DENOISERS["local-wiener"](window=5)(y)
    assert value("pesq_nb", clean, muffled) > value("pesq_nb", clean, denoised) + 0.1
    assert (
        value("estoi", clean, muffled) < value("estoi", clean, y) < value("estoi", clean, denoised)
    )
    assert value("llr", clean, muffled) > value("llr", clean, y) > value("llr", clean, denoised)


def test_silence_beats_the_noisy_input_in_segmental_snr_and_has_no_other_value():
    clean = clip(8000)
    y = noisy(clean, 0)
    silent = DENOISERS["silence"]()(y)
    assert value("segmental_snr", clean, silent) > value("segmental_snr", clean, y)
    for name in ["si_sdr", *OFFLINE]:
        if name != "segmental_snr":
            assert "the estimate is silent" in reason(name, clean, silent, 8000)
