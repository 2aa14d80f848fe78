"""Speech datasets, their splits, and mixtures of speech and noise."""

import importlib.util
import math
import shutil
import zipfile

import numpy as np
import pytest
import soundfile

from sigbench import DATASETS, InputError
from sigbench.cli.data import fetch
from sigbench.cli.main import main
from sigbench.config.registry import build
from sigbench.core.fingerprint import identity
from sigbench.datasets import (
    Esc10,
    Fsdd,
    SparseSpikes,
    SpeechSmoke,
    SpeechTraining,
    VoicebankDemand,
)
from sigbench.datasets import fsdd as fsdd_module
from sigbench.datasets.base import card_folder
from sigbench.datasets.source import listed
from sigbench.datasets.utterances import ACTIVE_RMS, stream, utterance
from sigbench.problems.base import Context
from sigbench.problems.degradations import DEGRADATIONS
from sigbench.problems.denoising import Denoising
from sigbench.problems.mixing import NOISES, Mix
from sigbench.problems.noises import (
    BANDS_DB,
    BANDS_HZ,
    Babble,
    Modulated,
    Pink,
    SpeechShaped,
    White,
)
from sigbench.problems.recordings import Recording, audible, crossfaded, excerpt, loop
from sigbench.problems.rooms import Decay, Response
from sigbench.problems.speech_level import active_level
from sigbench.problems.varied import Colored, Varied
from sigbench.scoring.metrics import METRICS

SMOKE = Context(SpeechSmoke(), "test")


def peak_hz(signal, fs):
    """Return the strongest frequency of a signal."""
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
    return np.argmax(spectrum) * fs / len(signal)


def db(ratio):
    return 10 * np.log10(ratio)


# --- the active speech level -----------------------------------------------------------------


def direct_p56(signal, fs):
    """P.56, method B, sample by sample, as the standard states it."""
    g, hangover = math.exp(-1 / (fs * 0.03)), math.ceil(0.2 * fs)
    thresholds = [2.0**-j for j in range(20, -1, -1)]
    counts, since = [0] * len(thresholds), [hangover] * len(thresholds)
    p = q = 0.0
    for x in signal:
        p = g * p + (1 - g) * abs(x)
        q = g * q + (1 - g) * p
        for j, threshold in enumerate(thresholds):
            if q >= threshold:
                counts[j], since[j] = counts[j] + 1, 0
            elif since[j] < hangover:
                counts[j], since[j] = counts[j] + 1, since[j] + 1
    energy = float(np.sum(signal**2))
    before = None
    for threshold, count in zip(thresholds, counts, strict=True):
        level = 10 * math.log10(energy / count)
        excess = level - 20 * math.log10(threshold) - 15.9
        if excess <= 0:
            level0, excess0 = before
            return 10 ** ((level0 + (level - level0) * excess0 / (excess0 - excess)) / 10)
        before = level, excess
    raise AssertionError("not reached")


def test_active_level_of_bursts_with_known_activity(rng):
    """Ten bursts of 0.5 s in 10 s: each is active for 0.5 s, and for a hangover of 0.2 s."""
    fs = 8000
    signal = np.zeros(10 * fs)
    for k in range(10):
        signal[k * fs : k * fs + fs // 2] = rng.normal(scale=0.1, size=fs // 2)
    level = active_level(signal, fs)
    # The envelope also needs some 0.1 s to fall below the threshold.
    assert level.activity == pytest.approx(0.7, abs=0.12)
    assert level.power * level.activity == pytest.approx(np.mean(signal**2), rel=1e-12)
    steady = active_level(rng.normal(scale=0.1, size=10 * fs), fs)
    assert steady.activity == pytest.approx(1, abs=0.01)
    assert steady.power == pytest.approx(0.01, rel=0.03)


def test_active_level_is_that_of_the_standards_loop(rng):
    fs = 2000.0
    signal = rng.normal(scale=0.05, size=8000) * (np.sin(np.arange(8000) / 700) > 0.3)
    assert active_level(signal, fs).power == pytest.approx(direct_p56(signal, fs), rel=1e-9)


def test_active_level_follows_the_scale_and_ignores_pauses(rng):
    speech = np.pad(SpeechSmoke().item("test", 1, 0)[0], (0, 16_000))
    level = active_level(speech, 16_000.0)
    assert active_level(speech / 4, 16_000.0).power == pytest.approx(level.power / 16, rel=1e-12)
    longer = np.concatenate([speech, np.zeros(48_000)])
    assert db(active_level(longer, 16_000.0).power / level.power) == pytest.approx(0, abs=0.01)
    with pytest.raises(InputError, match="silent"):
        active_level(np.zeros(100), 8000.0)


def test_active_level_of_short_and_faint_signals():
    click = np.zeros(8000)
    click[100] = 1.0
    for signal in (click, np.full(3, 1e-13), np.ones(1)):
        level = active_level(signal, 8000.0)
        assert np.isfinite(level.power)
        assert 0 < level.activity <= 1 + 1e-12


# --- mixtures ---------------------------------------------------------------------------------

KINDS = [White(), Pink(), SpeechShaped(), Modulated(), Babble(), Varied(path=None)]


@pytest.mark.parametrize("noise", KINDS, ids=lambda noise: noise.kind)
@pytest.mark.parametrize("level", ["overall", "active"])
def test_the_ratio_is_exact_and_levels_share_their_noise(noise, level):
    speech = SpeechSmoke().item("test", 1, 0)[None]
    noises = []
    for snr_db in (-5.0, 10.0):
        mix = Mix(noise, snr_db, level=level).in_context(SMOKE)
        made = mix(speech, np.random.default_rng(5), peak=1.0)
        assert made.clean is speech
        added = made.noisy - made.clean
        power = active_level(speech[0, 0], 16_000.0).power
        power = np.mean(speech**2) if level == "overall" else power
        assert db(power / np.mean(added**2)) == pytest.approx(snr_db, abs=1e-9)
        noises.append(added * 10 ** (snr_db / 20))
        assert (made.sigma is not None) == mix.sigma_known == (noise.kind == "white")
    np.testing.assert_allclose(*noises, atol=1e-12)


def test_white_noise_has_a_known_level(rng):
    speech = np.ones((3, 1, 50_000))
    made = Mix(White(), 20.0).in_context(SMOKE)(speech, rng, peak=1.0)
    np.testing.assert_allclose(made.noisy.std(axis=(1, 2)), made.sigma, rtol=0.02)


def test_the_stream_is_named_by_the_kind_of_noise():
    kinds = [Mix(noise, 5.0).kind for noise in KINDS]
    assert len(set(kinds)) == len(kinds)
    data = SpeechSmoke()
    noisy = {}
    for text in ("white,snr_db=0", "white,snr_db=20", "modulated[depth=0],snr_db=0"):
        problem = Denoising("p", data, build("degradation", DEGRADATIONS, f"mix[noise={text}]"), 2)
        block = next(problem.blocks(1, 2))
        noisy[text] = (block.noisy - block.clean)[1] / np.std((block.noisy - block.clean)[1])
    white, same, other = noisy.values()
    np.testing.assert_allclose(white, same, atol=1e-9)
    assert abs(np.mean(white * other)) < 0.1  # both are white, from different streams


def test_a_range_of_ratios(rng):
    speech = np.ones((400, 1, 200))
    made = Mix(White(), 0.0, snr_db_to=20.0).in_context(SMOKE)(speech, rng, peak=1.0)
    ratios = -db(np.mean((made.noisy - made.clean) ** 2, axis=(1, 2)))
    assert ratios.min() >= 0
    assert ratios.max() <= 20
    assert ratios.mean() == pytest.approx(10, abs=1.5)  # 5 standard errors


def test_clipping_is_a_choice_and_is_counted(rng):
    speech = np.full((1, 1, 4000), 0.5)
    clipping = METRICS["clipped"]
    free, cut = (
        Mix(White(), 0.0, clip=clip).in_context(SMOKE)(speech, np.random.default_rng(1), peak=1.0)
        for clip in (False, True)
    )
    assert np.abs(free.noisy).max() > 1
    assert np.abs(cut.noisy).max() == 1
    share = clipping(free.clean, free.noisy, 1.0)
    # P(|0.5 + 0.5·z| >= 1) = P(z >= 1) + P(z <= -3)
    assert share == pytest.approx(100 * 0.16, abs=3)
    assert share == clipping(cut.clean, cut.noisy, 1.0)


def test_dtype_is_kept():
    speech = SpeechSmoke().item("test", 1, 0)[None].astype(np.float32)
    for noise in KINDS:
        made = Mix(noise, 5.0).in_context(SMOKE)(speech, np.random.default_rng(0), peak=1.0)
        assert made.noisy.dtype == np.float32


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mix[snr_db=5]", "noise must be set"),
        ("mix[noise=brown,snr_db=5]", "unknown noise 'brown'"),
        ("mix[noise=white,snr_db=500]", "snr_db=500 must be >= -300 and <= 300"),
        ("mix[noise=white,snr_db=5,snr_db_to=1]", "snr_db_to=1 must be >= snr_db=5"),
        ("mix[noise=white,snr_db=5,level=loud]", "must be one of: overall, active"),
        ("mix[noise=babble[talkers=0],snr_db=5]", "talkers=0 must be >= 1"),
        ("mix[noise=modulated[depth=2],snr_db=5]", "depth=2 must be >= 0 and <= 1"),
        ("mix[noise=recording,snr_db=5]", "path must be set"),
        ("mix[noise=recording[path=nowhere],snr_db=5]", "path=nowhere is not a folder"),
        ("mix[noise=recording[path=esc10,match=zebra],snr_db=5]", "match='zebra'"),
        ("mix[noise=white,snr_db=5,reverb=decay[t60_s=0]]", "t60_s=0 must be >= 0.01"),
        ("mix[noise=white,snr_db=5,reverb=response[path=nowhere.wav]]", "no such file"),
    ],
)
def test_bad_mixtures_are_refused(spec, message):
    with pytest.raises(InputError) as error:
        build("degradation", DEGRADATIONS, spec)
    assert message in str(error.value)


def test_bad_items_are_refused(rng):
    mix = Mix(White(), 5.0)
    with pytest.raises(InputError, match="the context is not set"):
        mix(np.ones((1, 1, 10)), rng, peak=1.0)
    mix = mix.in_context(SMOKE)
    with pytest.raises(InputError, match="silent"):
        mix(np.zeros((1, 1, 10)), rng, peak=1.0)
    with pytest.raises(InputError, match=r"shape \(2, 10\)"):
        mix(np.ones((1, 2, 10)), rng, peak=1.0)
    signals = Context(SparseSpikes(), "test")
    for noise, message in ((Pink(), "no sampling rate"), (Babble(), "no speech for babble")):
        with pytest.raises(InputError, match=f"sparse-spikes has {message}"):
            Mix(noise, 5.0).in_context(signals)(np.ones((1, 1, 10)), rng, peak=1.0)


def test_spectra_are_those_of_their_definitions(rng):
    """Powers in third-octave bands, relative to their mean over the bands."""
    length, fs = 2**17, 16_000
    frequencies = np.fft.rfftfreq(length, 1 / fs)

    def band_db(noise):
        power = np.abs(np.fft.rfft(noise.draw(1, length, rng, SMOKE)[0])) ** 2
        edges = [(f * 2 ** (-1 / 6), f * 2 ** (1 / 6)) for f in BANDS_HZ[2:21]]  # 100 Hz to 6.3 kHz
        levels = [db(power[(frequencies >= a) & (frequencies < b)].sum()) for a, b in edges]
        return levels - np.mean(levels)

    wanted = np.array(BANDS_DB[2:21])
    assert np.abs(band_db(SpeechShaped()) - (wanted - wanted.mean())).max() < 1.5  # interpolated
    assert np.abs(band_db(Pink())).max() < 0.8  # the same in every band
    np.testing.assert_allclose(np.diff(band_db(White()))[10:], 1, atol=0.5)  # by bandwidth


def test_modulated_noise_has_its_rate_and_depth(rng):
    noise = Modulated(rate_hz=2.0, depth=0.5).draw(50, 16_000, rng, SMOKE)
    power = (noise**2).reshape(50, 160, 100).mean(axis=2)
    spectrum = np.abs(np.fft.rfft(power - power.mean(axis=1, keepdims=True))).mean(axis=0)
    assert np.argmax(spectrum) == 2  # 2 Hz in 1 s
    # (1 + d·sin)²: mean 1 + d²/2, component at the rate 2·d·sin
    assert spectrum[2] / 80 / power.mean() == pytest.approx(1.0 / 1.125, rel=0.05)


def test_colored_noise_differs_from_item_to_item(rng):
    noise = Colored().draw(2, 4096, rng, SMOKE)
    power = np.abs(np.fft.rfft(noise)).reshape(2, -1)[:, :2048].reshape(2, 16, 128).mean(axis=2)
    shapes = db(power / power.mean(axis=1, keepdims=True))
    assert np.abs(shapes[0] - shapes[1]).max() > 3


# --- reverberation ----------------------------------------------------------------------------


def test_the_direct_sound_is_unchanged_and_the_decay_as_declared():
    click = np.zeros((40, 8000))
    click[:, 0] = 2.0
    made = Decay(t60_s=0.5, direct_db=6.0).applied(click, 8000.0, np.random.default_rng(0))
    np.testing.assert_allclose(made[:, 0], 2.0, atol=1e-12)
    np.testing.assert_allclose(db(4 / np.sum(made[:, 1:] ** 2, axis=1)), 6, atol=1e-6)
    power = np.mean(made**2, axis=0)
    early, late = power[100:900].mean(), power[2100:2900].mean()  # 0.25 s apart
    assert db(early / late) == pytest.approx(30, abs=1)


def test_reverberation_leaves_clean_and_noise_as_they_are(rng):
    speech = SpeechSmoke().item("test", 1, 0)[None]
    dry, wet = (
        Mix(White(), 10.0, reverb=room).in_context(SMOKE)(speech, np.random.default_rng(1), peak=1)
        for room in (None, Decay())
    )
    np.testing.assert_array_equal(wet.clean, dry.clean)
    gain = float(wet.sigma[0] / dry.sigma[0])
    reverberant = wet.noisy - gain * (dry.noisy - dry.clean)
    assert db(np.mean(reverberant**2) / wet.sigma[0] ** 2) == pytest.approx(10, abs=0.1)
    np.testing.assert_allclose(reverberant[0, 0, :50], speech[0, 0, :50], atol=1e-9)  # silence


def test_a_measured_response_starts_at_its_direct_sound(tmp_path):
    path = tmp_path / "room.wav"
    taps = np.zeros(400)
    taps[[50, 90]] = 0.5, -0.25
    soundfile.write(path, taps, 8000)
    room = Response(str(path))
    made = room.applied(np.eye(1, 200), 8000.0, np.random.default_rng(0))[0]
    assert made[0] == pytest.approx(1)
    assert made[40] == pytest.approx(-0.5)
    assert np.count_nonzero(np.abs(made) > 1e-9) == 2
    before = identity(room)
    soundfile.write(path, taps[::-1], 8000)
    assert identity(Response(str(path))) != before


# --- recorded noise ---------------------------------------------------------------------------


@pytest.fixture
def noises(tiny_speech):
    """A folder of noises: training at 3 kHz, test at 1 kHz and 2 kHz."""
    folder = tiny_speech.folder / "noises"
    tiny_speech.tone(folder / "train" / "a.wav", 3000, 1.0)
    tiny_speech.tone(folder / "test" / "b.wav", 1000, 1.0)
    tiny_speech.tone(folder / "test" / "c.wav", 2000, 1.0)
    return folder


def test_recordings_are_split_and_shared_by_items(tiny_speech, noises):
    tiny_speech.fsdd()
    mix = Mix(Recording(str(noises)), -30.0)
    problem = Denoising("p", Fsdd(length_s=0.5), mix, 8)
    (groups,) = {b.groups for b in problem.blocks(1, 1) if b.items[0] == 0}
    seen = {}
    for seed in (1, 2):
        for block in problem.blocks(seed, 1):
            item = int(block.items[0])
            found = peak_hz(block.noisy[0, 0], 8000)
            assert found == pytest.approx((1000, 2000)[item % 2], abs=5)
            seen.setdefault(block.groups[0], set()).add(item)
    assert sorted(map(sorted, seen.values())) == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert groups == ("lucas-00",)
    training = problem.training(sigma_given=False)
    for pairs in (training.draw(4, np.random.default_rng(0)), training.pairs, training.validation):
        assert {round(peak_hz(y[0], 8000), -2) for y in pairs.noisy} == {3000}


def test_recordings_join_groups_of_the_dataset(noises):
    """Clips of a voice are one group; voices that share a recording become one, too."""
    problem = Denoising("p", SpeechSmoke(), Mix(Recording(str(noises)), 5.0), 18)
    assert {g for block in problem.blocks(1, 18) for g in block.groups} == {"awb", "en-rp-f"}
    apart = Denoising("p", SpeechSmoke(), Mix(White(), 5.0), 18)
    assert len({g for block in apart.blocks(1, 18) for g in block.groups}) == 6


def test_a_folder_without_training_noise_cannot_train(tiny_speech, noises):
    shutil.rmtree(noises / "train")
    problem = Denoising("p", SpeechSmoke(), Mix(Recording(str(noises)), 5.0), 4)
    assert not problem.can_train
    with pytest.raises(InputError, match="no recordings for training"):
        problem.training(sigma_given=False)


def test_the_key_of_a_mixture_follows_the_content_of_the_recordings(tiny_speech, noises):
    before = identity(Mix(Recording(str(noises)), 5.0))
    moved = noises.rename(noises.with_name("moved"))
    assert identity(Mix(Recording(str(moved)), 5.0)) == before
    assert identity(Mix(Recording(str(moved), match="b"), 5.0)) != before
    tiny_speech.tone(moved / "test" / "b.wav", 1500, 1.0)
    assert identity(Mix(Recording(str(moved)), 5.0)) != before


def test_silence_is_cut_off_and_loops_are_smooth():
    fs = 8000
    t = np.arange(fs) / fs
    tone = np.cos(2 * np.pi * 100 * t)
    silent = np.concatenate([np.zeros(400), tone, np.full(900, 1 / 2**15), tone, np.zeros(5000)])
    assert [len(part) for part in audible(silent, fs)] == [8000, 8000]
    repeated = loop([silent], fs, fs)
    assert len(repeated) == 2 * fs - 2 * 160
    twice = np.concatenate([repeated, repeated])
    assert np.abs(np.diff(twice)).max() < 2 * np.abs(np.diff(tone)).max()
    with pytest.raises(InputError, match="it needs 0"):
        loop([np.zeros(1000)], fs, fs)


def test_loops_are_resampled():
    tone = np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)
    assert peak_hz(loop([tone], 44_100, 8000), 8000) == pytest.approx(440, abs=1.5)


def test_crossfades_keep_the_power(rng):
    a, b = rng.standard_normal((2, 4000, 50))
    faded = np.array([crossfaded(x, y, 20)[30:50] for x, y in zip(a, b, strict=True)])
    np.testing.assert_allclose(np.mean(faded**2, axis=0), 1, atol=0.12)


def test_excerpts_are_repeated_if_the_recording_is_short(rng):
    assert excerpt(np.arange(3.0), 7, np.random.default_rng(1)).tolist() in [
        [0, 1, 2, 0, 1, 2, 0],
        [1, 2, 0, 1, 2, 0, 1],
        [2, 0, 1, 2, 0, 1, 2],
    ]
    starts = {excerpt(np.arange(5.0), 3, rng)[0] for _ in range(100)}
    assert starts == {0, 1, 2}  # never across the seam


def test_images_are_no_noise(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(8))
    with pytest.raises(InputError, match="set peak="):
        Recording(str(tmp_path))


# --- fsdd -------------------------------------------------------------------------------------


def test_the_list_has_the_recordings_that_are_used():
    files = listed("fsdd")
    names = {file.name for file in files}
    assert len(names) == len(files) == 2400
    used = {
        f"{digit}_{speaker}_{number}.wav"
        for speakers, splits in (
            (fsdd_module.SPEAKERS, fsdd_module.NUMBERS),
            (
                dict.fromkeys(("train", "test"), fsdd_module.BABBLE_SPEAKERS),
                fsdd_module.BABBLE_NUMBERS,
            ),
        )
        for split in ("train", "test")
        for speaker in speakers[split]
        for number in splits[split]
        for digit in range(10)
    }
    assert used <= names
    assert Fsdd.source.files[0].url.endswith(f"{fsdd_module.FILES[-11:]}{files[0].name}")


def test_items_are_of_one_speaker_and_share_no_recording(tiny_speech):
    hertz = tiny_speech.fsdd()
    data = Fsdd()
    for split, speakers in (("train", ("george", "jackson")), ("test", ("lucas", "yweweler"))):
        assert data.size(split) == 10
        groups = [data.group(split, i) for i in range(10)]
        assert len(set(groups)) == 10
        for i in range(10):
            item = data.item(split, 1, i)[0]
            assert groups[i].startswith(speakers[i % 2])
            assert peak_hz(item, 8000) == pytest.approx(hertz[speakers[i % 2]], abs=10)
            assert not item[:2000].any()
            np.testing.assert_array_equal(item, data.item(split, 2, i)[0])
    # Recordings have different lengths, so the sum over all items shows that each is used once.
    active = [sum(map(len, audible(data.item("test", 1, i)[0], 8000))) for i in range(0, 10, 2)]
    assert sum(active) == sum(
        round((0.2 + 0.01 * digit + 0.001 * number) * 8000)
        for digit in range(10)
        for number in range(4)
    )


def test_draws_are_of_the_training_speakers(tiny_speech, rng):
    tiny_speech.fsdd()
    drawn = Fsdd(length_s=0.5).draw(40, rng)
    assert drawn.shape == (40, 1, 4000)
    found = {round(peak_hz(x[0], 8000), -2) for x in drawn}
    assert found == {200, 300}
    starts = [np.flatnonzero(x[0])[0] for x in drawn]
    assert min(starts) < 50  # within a recording
    assert max(starts) > 100  # in a pause


def test_babble_is_of_other_speakers_and_splits_differ(tiny_speech, rng):
    tiny_speech.fsdd()
    talkers = Fsdd().babble("test", 3, 20_000, rng)
    assert [round(peak_hz(x, 8000), -2) for x in talkers] == [600, 700, 600]
    np.testing.assert_allclose(talkers.std(axis=1), 1, rtol=0.05)
    used = {split: set(numbers) for split, numbers in fsdd_module.BABBLE_NUMBERS.items()}
    assert not used["train"] & used["test"]


def test_an_utterance_has_its_pauses_and_its_level():
    parts = [np.full(100, 0.3), np.full(50, -0.3)]
    made = utterance(parts, [10, 20])
    assert [np.flatnonzero(made)[0], len(made)] == [10, 180]
    assert np.sqrt(np.sum(made**2) / 150) == pytest.approx(ACTIVE_RMS)
    late = utterance(parts, [-90, 5], length=40)
    assert (late != 0).tolist() == [True] * 10 + [False] * 5 + [True] * 25
    spiky = np.zeros(10_000)
    spiky[5] = -1.0
    assert np.abs(utterance([spiky], [0])).max() == pytest.approx(0.99)
    assert not utterance([np.zeros(5)], [5]).any()


def test_a_stream_does_not_pause(rng):
    made = stream([np.array([1.0, -1.0]), np.array([9.0, -9.0])], 101, rng)
    np.testing.assert_allclose(np.abs(made), 1)


def test_files_that_are_no_such_recording_are_refused(tiny_speech):
    file = listed("fsdd")[0]
    path = tiny_speech.folder / "a.wav"
    check = Fsdd.source.check
    tiny_speech.tone(path, 400)
    check(file, path)
    content = path.read_bytes()
    path.write_bytes(b"no sound")
    with pytest.raises(InputError, match="not a WAV file"):
        check(file, path)
    tiny_speech.tone(path, 400, fs=16_000)
    with pytest.raises(InputError, match="16000"):
        check(file, path)
    tiny_speech.tone(path, 400, seconds=6)
    with pytest.raises(InputError, match="declares 48000 samples"):
        check(file, path)
    path.write_bytes(content[:44])  # a header without samples
    with pytest.raises(InputError, match="declares 0 samples"):
        check(file, path)


def test_the_real_recordings(real_data, tmp_path, monkeypatch):
    (tmp_path / "fsdd").symlink_to(real_data / "fsdd" / "recordings")
    monkeypatch.setenv("SIGBENCH_DATA", str(tmp_path))
    data = Fsdd()
    lengths = []
    for i in range(data.size("test")):
        item = data.item("test", 1, i)
        lengths.append(item.shape[1] / 8000)
        assert np.abs(item).max() <= 0.99
    # Eight recordings of 0.36 or 0.55 s on average, 0.25 s and seven pauses of 0.1 s
    assert np.mean(lengths) == pytest.approx(4.5, abs=0.3)
    assert 3 < min(lengths) < max(lengths) < 7
    problem = Denoising("p", data, Mix(Babble(), 0.0, level="active"), 4)
    block = next(problem.blocks(1, 1))
    assert db(np.mean(block.clean**2) / np.mean((block.noisy - block.clean) ** 2)) < -0.2
    assert problem.problem_info == {"fs": 8000.0, "peak": 1.0, "lead_in": 2000}


# --- esc10 ------------------------------------------------------------------------------------


def test_clips_of_any_format_are_fetched_from_a_folder(tiny_speech, capsys):
    tiny_speech.fsdd()
    copies = tiny_speech.esc10()
    with pytest.raises(InputError, match="run sigbench data fetch esc10"):
        _ = Esc10().version
    (copies / "sea-2-40-A.flac").unlink()
    assert main(["data", "fetch", "esc10", "--from", str(copies)]) == 2
    assert "the folder has no sea-2-40-A.flac" in capsys.readouterr().err
    tiny_speech.tone(copies / "sea-2-40-A.wav", 2000, 1.0, fs=44_100)
    assert len(fetch("esc10", str(copies))) == 6
    sea = Esc10("sea")
    assert (sea.size("train"), sea.size("test"), Esc10().size("test")) == (1, 2 + 0, 4)
    assert [sea.group("test", i) for i in range(2)] == ["sea-50", "sea-50"]
    assert peak_hz(sea.item("train", 0, 0)[0], 16_000) == pytest.approx(2000, abs=5)
    noise = Recording("esc10", match="sea")
    assert noise.recordings("test") == ["sea-50"]
    assert noise.kind == "recording-sea"
    assert Recording("esc10").recordings("test") == ["rain-20", "rain-30", "sea-50"]
    drawn = noise.draw(1, 800, np.random.default_rng(0), Context(Fsdd(), "train"))
    assert peak_hz(drawn[0], 8000) == pytest.approx(2000, abs=20)


def test_the_table_has_all_clips():
    assert len(Esc10.source.files) == 159
    file = next(f for f in Esc10.source.files if f.name == "helicopter-1-172649-A")
    assert file.url.endswith("karolpiczak/ESC-50/master/audio/1-172649-A-40.wav")
    table = (card_folder() / "esc10.csv").read_text(encoding="utf-8")
    assert (table.count(",CC0\n"), table.count(",CC-BY\n")) == (91, 68)
    folds = {s: {Esc10().group(s, i) for i in range(Esc10().size(s))} for s in ("train", "test")}
    assert not folds["train"] & folds["test"]


def test_clips_that_are_no_such_sound_are_refused(tiny_speech):
    path, check = tiny_speech.folder / "clip", Esc10.source.check
    for make, message in (
        (lambda: path.write_bytes(b"nothing"), "not a sound file"),
        (lambda: soundfile.write(path, np.zeros((9, 2)), 8000, format="WAV"), "with 2 channels"),
        (lambda: soundfile.write(path, np.zeros(90_000), 8000, format="WAV"), "at most 10 s"),
    ):
        make()
        with pytest.raises(InputError, match=message):
            check(Esc10.source.files[0], path)


def test_the_real_noises(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("SIGBENCH_DATA", str(tmp_path))
    assert len(fetch("esc10", str(real_data / "noise"))) == 159
    rain = Recording("esc10", match="rain")
    assert len(rain.recordings("train")) == 24
    noise = rain.draw(8, 40_000, np.random.default_rng(0), Context(SpeechSmoke(), "test"))
    assert (noise.std(axis=1) > 0).all()
    for clips in Recording("esc10", match="helicopter")._loops("test", 16_000.0):
        assert not any(len(part) < len(clips) for part in audible(clips, 16_000))


# --- voicebank-demand -------------------------------------------------------------------------


def test_pairs_are_read_from_the_archives(tiny_speech):
    fetch("voicebank-demand", str(tiny_speech.voicebank()))
    data = VoicebankDemand()
    problem = Denoising("vbd", data, DEGRADATIONS["recorded"](), 2)
    blocks = list(problem.blocks(1, 2))
    assert [block.noisy.shape for block in blocks] == [(1, 1, 9600), (1, 1, 11_200)]
    assert [block.groups for block in blocks] == [("p232_001",), ("p232_002",)]
    for block, hertz in zip(blocks, (400, 500), strict=True):
        for views, level in ((block.clean, 0.1), (block.noisy, 0.2)):
            assert peak_hz(views[0, 0], 16_000) == pytest.approx(hertz, abs=2)
            assert np.std(views) == pytest.approx(level / math.sqrt(2), rel=0.02)
    assert not problem.can_train


def wav(fs=48_000, n=480):
    import io

    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(n), fs, "PCM_16", format="WAV")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("a.wav", wav())], "1 WAV files: it must contain 2"),
        ([("a/1.wav", wav()), ("b/1.wav", wav())], "'1.wav' twice"),
        ([("1.wav", wav(16_000)), ("2.wav", wav())], "16000, 1.: it must be"),
        ([("1.wav", b"nothing"), ("2.wav", wav())], "1.wav cannot be read"),
        ([("1.wav", bytes(3_000_001)), ("2.wav", wav())], "the limit is 3000000"),
    ],
)
def test_other_archives_are_refused(tiny_speech, members, message):
    copies = tiny_speech.voicebank(clean=members)
    with pytest.raises(InputError, match=message):
        fetch("voicebank-demand", str(copies))


def test_a_false_size_and_a_broken_archive_are_refused(tiny_speech):
    copies = tiny_speech.voicebank(clean=[("1.wav", wav(n=2_000_000)), ("2.wav", wav())])
    path = copies / "clean_testset_wav.zip"
    with zipfile.ZipFile(path) as archive:
        large = archive.infolist()[0].file_size
    content = path.read_bytes()
    path.write_bytes(content.replace(large.to_bytes(4, "little"), (999).to_bytes(4, "little")))
    with pytest.raises(InputError, match=r"1\.wav"):
        fetch("voicebank-demand", str(copies))
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="not a zip archive"):
        fetch("voicebank-demand", str(copies))


def test_archives_of_different_sentences_are_refused(tiny_speech):
    copies = tiny_speech.voicebank(noisy=[("3.wav", wav()), ("4.wav", wav())])
    fetch("voicebank-demand", str(copies))
    with pytest.raises(InputError, match="different sentences"):
        VoicebankDemand().item("test", 1, 0)


# --- speech for training ----------------------------------------------------------------------


def test_training_speech_is_divided_by_voice_and_clip(tiny_speech, rng):
    folder = tiny_speech.synthetic()  # clip c of voice v has 300 + 40·(3·v + c) Hz
    data = SpeechTraining(str(folder), fsdd_share=0.0, length_s=1.0)

    def used(segments):
        clips = [round((peak_hz(x[0], 8000) - 300) / 40) for x in segments]
        return {(clip // 3, clip % 3) for clip in clips}

    drawn = used(data.draw(200, rng))
    validation = used([data.item("train", 1, i) for i in range(60)])
    tested = used([data.item("test", 1, i) for i in range(20)])
    assert {clip for _, clip in drawn} == {0, 1}
    assert {clip for _, clip in validation} == {2}
    assert {voice for voice, _ in tested} == {1, 11}
    assert {voice for voice, _ in drawn} == {voice for voice, _ in validation} == {0, *range(2, 11)}
    for i in range(5):
        (voice, _) = used([data.item("test", 1, i)]).pop()
        assert data.group("test", i) == f"v{voice:02}"


def test_training_speech_has_digits_levels_and_either_rate(tiny_speech, rng):
    tiny_speech.fsdd()
    folder = str(tiny_speech.synthetic(voices=2, clips=2))
    for fs in (8000, 16_000):
        data = SpeechTraining(folder, fs=fs, fsdd_share=0.5, length_s=1.0)
        assert data.problem_info == {"fs": fs}
        drawn = data.draw(60, rng)
        assert drawn.shape == (60, 1, fs)
        digits = np.mean([peak_hz(x[0], fs) < 295 or 303 < peak_hz(x[0], fs) < 335 for x in drawn])
        assert 0.1 < digits < 0.9
        loudness = [np.sqrt(np.mean(x[np.abs(x) > 1e-6] ** 2)) for x in drawn]
        assert 0.22 * ACTIVE_RMS < min(loudness) < 0.7 * ACTIVE_RMS < max(loudness)
        assert max(loudness) < 1.6 * ACTIVE_RMS  # half are filtered by 1 + a/z, |a| <= 0.5
        assert data.babble("train", 3, 500, rng).shape == (3, 500)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"fs": 11_025}, "fs=11025 must be one of: 8000, 16000"),
        ({"fsdd_share": 2.0}, "fsdd_share=2 must be >= 0 and <= 1"),
        ({"length_s": 0.1}, "length_s=0.1 must be >= 0.5"),
    ],
)
def test_bad_parameters_of_training_speech(tiny_speech, params, message):
    folder = str(tiny_speech.synthetic(voices=2, clips=2))
    with pytest.raises(InputError, match=message):
        SpeechTraining(folder, **params)


def test_a_folder_of_too_few_voices_is_refused(tiny_speech):
    folder = tiny_speech.synthetic(voices=1)
    with pytest.raises(InputError, match="at least two voices with two clips each"):
        SpeechTraining(str(folder)).item("train", 1, 0)


def test_varied_noise_is_of_many_kinds(tiny_speech, rng):
    tiny_speech.fsdd()
    fetch("esc10", str(tiny_speech.esc10()))
    varied = Varied()
    assert varied.recordings("train") == ["rain-10", "sea-40"]
    noise = varied.draw(60, 4000, rng, Context(Fsdd(), "train"))
    assert np.isfinite(noise).all()
    power = np.abs(np.fft.rfft(noise)) ** 2
    flatness = np.exp(np.mean(np.log(power), axis=1)) / np.mean(power, axis=1)
    assert flatness.max() > 0.5  # white: e^-γ = 0.56
    assert flatness.min() < 0.02  # a recorded tone
    assert set(NOISES) == {"varied", "recording", *(noise.kind for noise in KINDS)}


@pytest.fixture
def maker():
    path = card_folder() / "speech-synthesis" / "make.py"
    spec = importlib.util.spec_from_file_location("make_speech", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_voices_of_the_test_split_are_not_synthesized(maker):
    voices = [maker.voice_of(clip) for clip in range(4000)]
    assert voices.count("kal16") == 400
    assert not {"en-us+m3", "en-gb-scotland+m7", "en-gb-x-rp+f2", "slt", "rms", "awb"} & set(voices)
    assert min(map(voices.count, set(voices))) >= 2
    sentences = {maker.sentence(np.random.default_rng(i)) for i in range(200)}
    assert len(sentences) == 200


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="needs espeak-ng")
def test_clips_are_synthesized(maker, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["make.py", str(tmp_path), "--clips", "2", "--fs", "8000"])
    maker.main()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["en-00000.flac", "en-us-00001.flac"]
    signal, fs = soundfile.read(tmp_path / names[0])
    assert fs == 8000
    assert np.abs(signal).max() == pytest.approx(0.7, abs=1e-3)


def test_synthetic_data_say_so(capsys):
    for name in ("speech-smoke", "speech-training"):
        assert "synthetic" in DATASETS[name].__doc__.lower()
        assert "synthetic" in (card_folder() / f"{name}.md").read_text(encoding="utf-8")
    assert main(["data", "list"]) == 0
    assert "synthetic" in capsys.readouterr().out.lower()
