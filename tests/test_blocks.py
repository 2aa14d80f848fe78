"""Long sound files in blocks: no seams, one noise level, nothing left behind; local methods."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

import sigbench
from sigbench import InputError
from sigbench.cli.denoise import blocks, level, long
from sigbench.cli.denoise.blocks import Blocks, blocks_for, estimates, faded
from sigbench.cli.denoise.file import denoise_file
from sigbench.cli.denoise.level import noise_levels
from sigbench.cli.main import main
from sigbench.core.cautions import cautions
from sigbench.core.protocols import Local
from sigbench.denoisers import DENOISERS
from sigbench.denoisers.baselines import AffineMap
from sigbench.denoisers.noise import MAD, Varying
from sigbench.denoisers.noise_level import given_or_estimated

SIGNALS = [
    sigbench.Noisy(),
    AffineMap(0.5, 1.0),
    sigbench.GaussianBlur(width=2.3),
    sigbench.GaussianBlur(width=0.0),
    sigbench.SavitzkyGolay(window=11, order=3),
    sigbench.Median(window=7),
    sigbench.LocalWiener(window=9),
    sigbench.LocalWiener(window=5, border="zero"),
    sigbench.SlidingDCT(window=8),
    sigbench.SlidingDCT(window=4, wiener=True),
    sigbench.MovingAverage(window=5),
    sigbench.MovingAverage(window=4, causal=True),
    sigbench.Hampel(window=7),
]
IMAGES = [
    sigbench.GaussianBlur(width=1.0),
    sigbench.SavitzkyGolay(window=5),
    sigbench.Median(window=3),
    sigbench.LocalWiener(window=5),
    sigbench.SlidingDCT(window=6),
    sigbench.SlidingDCT(window=3, wiener=True),
    sigbench.NonLocalMeans(patch=3, distance=3),
    sigbench.Bilateral(width=1.2),
]


# --- reach ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 3, 60, 99])
@pytest.mark.parametrize("method", SIGNALS, ids=str)
def test_nothing_changes_beyond_the_reach(rng, method, place):
    y = rng.standard_normal((30, 1, 100))
    changed = y.copy()
    changed[:, :, place] += 5
    difference = np.abs(method(changed, sigma=0.5) - method(y, sigma=0.5)).max(axis=(0, 1))
    far = np.abs(np.arange(100) - place) > method.reach
    assert isinstance(method, Local)
    assert difference[far].max(initial=0) < 1e-13
    assert difference.max() > 0.1


@pytest.mark.parametrize("place", [(0, 0), (2, 15), (12, 12)])
@pytest.mark.parametrize("method", IMAGES, ids=str)
def test_nothing_changes_beyond_the_reach_in_images(rng, method, place):
    y = rng.standard_normal((8, 1, 24, 26))
    changed = y.copy()
    changed[:, :, *place] += 5
    difference = np.abs(method(changed, sigma=0.5) - method(y, sigma=0.5)).max(axis=(0, 1))
    rows, columns = np.indices(difference.shape)
    far = np.maximum(abs(rows - place[0]), abs(columns - place[1])) > method.reach
    assert difference[far].max(initial=0) < 1e-11
    assert difference.max() > 0.1


@pytest.mark.parametrize("method", SIGNALS, ids=str)
def test_the_reach_is_not_larger_than_needed(rng, method):
    """Some place depends on a sample at this distance."""
    y = rng.standard_normal((200, 1, 60))
    farthest = 0
    for place in (0, method.reach, 30):
        changed = y.copy()
        changed[:, :, place] += 5
        moved = np.abs(method(changed, sigma=0.5) - method(y, sigma=0.5)).max(axis=(0, 1)) > 1e-9
        farthest = max(farthest, *np.abs(np.flatnonzero(moved) - place))
    assert farthest == method.reach


def test_which_methods_are_local():
    local = {name for name, cls in DENOISERS.items() if hasattr(cls, "reach")}
    assert {"noisy", "gaussian-blur", "savitzky-golay", "median", "local-wiener"} < local
    assert {"sliding-dct", "nl-means", "bilateral", "moving-average", "hampel"} < local
    assert (
        not {
            "butterworth",
            "kalman",
            "wavelet",
            "block-wavelet",
            "tv",
            "l1",
            "gmc",
            "bm3d",
            "om-lsa",
        }
        & local
    )


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 3, 4, 19, 20, 21, 36, 37, 100])
def test_the_weights_of_blocks_sum_to_one(length):
    total = np.zeros(length)
    parts = list(faded(length, 20, 4))
    for part, weight in parts:
        assert 1 <= part.stop - part.start <= 20
        total[part] += weight
    np.testing.assert_allclose(total, 1)
    assert len(parts) == Blocks(20, overlap=4).count(length)


@pytest.mark.parametrize("length", [1, 5, 7, 8, 23])
@pytest.mark.parametrize("division", [Blocks(7, margin=3), Blocks(7, overlap=2), Blocks(7)])
def test_parts_are_consecutive(rng, length, division):
    y = rng.standard_normal((2, 1, length))
    parts = list(estimates(lambda a, b: y[:, :, a:b], length, division, np.copy))
    assert len(parts) == division.count(length)
    for which in (0, 1):
        np.testing.assert_allclose(np.concatenate([part[which] for part in parts], axis=2), y)


@pytest.mark.parametrize("method", SIGNALS, ids=str)
def test_local_methods_have_no_seams(rng, method):
    y = 10 + rng.standard_normal((2, 1, 500))
    division = dataclasses.replace(blocks_for(method, 2, 8000.0), block=60)
    parts = estimates(
        lambda a, b: y[:, :, a:b], 500, division, lambda noisy: method(noisy, sigma=0.5)
    )
    joined = np.concatenate([new for new, _ in parts], axis=2)
    np.testing.assert_allclose(joined, method(y, sigma=0.5), rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", ["noise", "eight bits", "silence", "constant", "binary"])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 63, 64, 65, 100, 5001])
def test_the_level_of_a_long_file_is_that_of_one_piece(rng, monkeypatch, length, kind):
    monkeypatch.setattr(level, "BLOCK", 64)
    monkeypatch.setattr(level, "COLLECTED", 20)
    monkeypatch.setattr(level, "BINS", 256)
    y = rng.standard_normal((3, 1, length)) * [[[0.01]], [[0.3]], [[1e-3]]]
    if kind != "noise":
        y = {
            "eight bits": np.round(y * 128) / 128,
            "silence": np.where(np.arange(length) < length // 10, y, 0.0),
            "constant": np.ones_like(y),
            "binary": np.sign(y),
        }[kind]
    with cautions() as one:
        whole = given_or_estimated(y, None)
    with cautions() as two:
        parts = noise_levels(lambda a, b: y[:, :, a:b], 3, length)
    np.testing.assert_array_equal(parts, whole)
    assert one == two


@pytest.mark.parametrize("low", [0.0, 0.3, 0.999])
def test_the_median_of_two_distant_values(monkeypatch, low):
    """Half of the values are low: the two in the middle are in different bins in every pass."""
    monkeypatch.setattr(level, "COLLECTED", 20)
    values = np.repeat([low, 1.0], 50)
    search = level._Search(49, 50)
    passes = 0
    while search.value is None and passes < 10:
        search.add(values)
        search.narrow()
        passes += 1
    assert search.value == np.median(values)


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture
def in_blocks(monkeypatch):
    """Files of more than 1000 samples are denoised in blocks of about 500."""

    def switch():
        monkeypatch.setattr(long, "MAX_WHOLE", 1000)
        monkeypatch.setattr(blocks, "BLOCK", 1000)
        monkeypatch.setattr(blocks, "MAX_BLOCK", 1500)

    return switch


def noisy_file(rng, name="a.wav", length=5000, subtype="DOUBLE"):
    t = np.arange(length) / 8000
    clean = 0.3 * np.sin(2 * np.pi * 100 * t) + 0.1 * np.sin(2 * np.pi * 37 * t)
    noise = rng.standard_normal((length, 2)) * [0.02, 0.05]
    soundfile.write(name, clean[:, None] + noise, 8000, subtype=subtype)


METHODS = ["noisy", "gaussian-blur[width=3]", "savitzky-golay", "median", "sliding-dct"]


@pytest.mark.parametrize(
    ("method", "sigma"),
    [
        *((method, sigma) for method in METHODS for sigma in (None, "auto", "0.03")),
        ("local-wiener", "auto"),  # otherwise it uses the mean of all local variances
        ("local-wiener[noise=0.03]", None),
    ],
)
def test_blocks_of_a_file_are_the_same_as_one_piece(here, rng, in_blocks, method, sigma):
    noisy_file(rng)
    whole = denoise_file(here / "a.wav", here / "b.wav", method, sigma=sigma)
    in_blocks()
    parts = denoise_file(here / "a.wav", here / "c.wav", method, sigma=sigma)
    assert parts.shape == whole.shape == (2, 1, 5000)
    assert (parts.content.notes, whole.content.notes) == (
        ("denoised in blocks of 0.0625 s, with the same result as in one piece",),
        (),
    )
    if sigma:
        assert parts.sigma == whole.sigma
    elif method == "sliding-dct":
        assert parts.sigma == pytest.approx([0.02, 0.05], rel=0.1)
    else:
        assert parts.sigma is None
    one, two = (soundfile.read(name)[0] for name in ("b.wav", "c.wav"))
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-12)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("source", ["wav", "flac"])
def test_formats_in_blocks(here, rng, in_blocks, source, suffix):
    noisy_file(rng, f"a.{source}", subtype="PCM_16")
    denoise_file(here / f"a.{source}", here / f"b.{suffix}", "gaussian-blur")
    in_blocks()
    denoise_file(here / f"a.{source}", here / f"c.{suffix}", "gaussian-blur")
    assert (here / f"b.{suffix}").read_bytes() == (here / f"c.{suffix}").read_bytes()


@pytest.mark.parametrize("method", ["wavelet", "om-lsa"])
def test_other_methods_are_cross_faded_in_blocks_that_are_stated(here, rng, in_blocks, method):
    noisy_file(rng, length=8000)
    denoise_file(here / "a.wav", here / "b.wav", method)
    in_blocks()
    done = denoise_file(here / "a.wav", here / "c.wav", method)
    assert done.content.notes == (
        "denoised in blocks of 0.188 s that overlap by 0.0156 s, because the file is long",
    )
    noisy, one, two = (soundfile.read(f"{name}.wav")[0] for name in "abc")
    assert np.std(two - one) < 0.6 * np.std(one - noisy)
    assert np.std(two - one) > 1e-9


@pytest.mark.parametrize(
    ("estimator", "calls", "levels"),
    [
        (MAD, 2, pytest.approx([0.02, 0.05], rel=0.1)),  # one for each channel
        (Varying, 8, None),  # and each of four blocks: their levels differ
    ],
)
def test_noise_is_estimated_once_unless_it_varies(
    here, rng, in_blocks, monkeypatch, estimator, calls, levels
):
    noisy_file(rng)
    in_blocks()
    seen, estimate = [], estimator.estimate_noise

    def counted(self, noisy):
        seen.append(noisy)
        return estimate(self, noisy)

    monkeypatch.setattr(estimator, "estimate_noise", counted)
    name = estimator.info.name
    done = denoise_file(here / "a.wav", here / "b.wav", f"with-noise[method=wavelet,noise={name}]")
    assert (done.noise, done.levels) == (name, levels)
    assert len(seen) - (2 if levels is None else 0) == calls


def test_every_block_is_given_the_estimated_noise(here, rng, in_blocks):
    noisy_file(rng)
    in_blocks()
    done = denoise_file(here / "a.wav", here / "b.wav", "with-noise[method=wavelet,noise=mad]")
    denoise_file(here / "a.wav", here / "c.wav", "wavelet", sigma=done.levels[0])
    one, two = (soundfile.read(f"{name}.wav")[0][:, 0] for name in "bc")
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["median", "with-noise[method=wavelet,noise=mad]"])
def test_a_level_that_is_not_used_is_reported(here, rng, in_blocks, method):
    noisy_file(rng)
    whole = denoise_file(here / "a.wav", here / "b.wav", method, sigma=0.1)
    in_blocks()
    parts = denoise_file(here / "a.wav", here / "c.wav", method, sigma=0.1)
    assert whole.sigma_unused
    assert parts.sigma_unused


def test_speech_in_blocks_of_a_file_is_the_same_as_in_memory(here, rng, in_blocks, monkeypatch):
    noisy_file(rng, length=5000)
    in_blocks()
    parts = denoise_file(here / "a.wav", here / "c.wav", "auto")
    monkeypatch.setattr(long, "MAX_WHOLE", 2**23)
    whole = denoise_file(here / "a.wav", here / "b.wav", "auto")
    assert parts.speech == whole.speech
    assert (here / "b.wav").read_bytes() == (here / "c.wav").read_bytes()


def test_auto_chooses_on_pieces_of_a_file(here, rng, in_blocks, monkeypatch):
    """The search itself, which takes long, is replaced; each channel gets its own choice."""
    tried, chosen = [], ((8, 0.02), (5, 0.05))

    def choose(content, levels):
        tried.append((content, levels))
        return content.batch, tuple(
            SimpleNamespace(
                expected=(SimpleNamespace(method=f"sliding-dct[window={window}]"),), sigma=sigma
            )
            for window, sigma in chosen
        )

    monkeypatch.setattr(long, "denoise_automatically", choose)
    monkeypatch.setattr(long, "TRIED", 800)
    noisy_file(rng)
    in_blocks()
    done = denoise_file(here / "a.wav", here / "c.wav", "auto", sigma="auto")
    assert done.sigma == (0.02, 0.05)
    ((content, levels),) = tried
    noisy, out = (soundfile.read(f"{name}.wav")[0].T for name in "ac")
    starts = np.linspace(0, 4900, 8).astype(int)
    pieces = np.concatenate([noisy[:, start : start + 100] for start in starts], axis=1)
    np.testing.assert_array_equal(content.batch[:, 0], pieces)
    assert (levels, content.fs, content.domain) == (None, 8000.0, "speech")
    for i, (window, sigma) in enumerate(chosen):
        whole = sigbench.SlidingDCT(window=window)(noisy[i][None, None], sigma=sigma)
        np.testing.assert_allclose(out[i], whole[0, 0], rtol=0, atol=1e-12)


def test_a_noise_model_that_auto_chooses_is_estimated_on_the_pieces(
    here, rng, in_blocks, monkeypatch
):
    seen, estimate = [], MAD.estimate_noise

    def choose(content, levels):
        method = "with-noise[method=wavelet,noise=mad]"
        choice = SimpleNamespace(expected=(SimpleNamespace(method=method),), sigma=0.03)
        return content.batch, (choice, choice)

    def counted(self, noisy):
        seen.append(noisy.shape)
        return estimate(self, noisy)

    monkeypatch.setattr(long, "denoise_automatically", choose)
    monkeypatch.setattr(long, "TRIED", 800)
    monkeypatch.setattr(MAD, "estimate_noise", counted)
    noisy_file(rng)
    in_blocks()
    denoise_file(here / "a.wav", here / "b.wav", "auto", sigma="auto")
    assert seen == [(1, 1, 800), (1, 1, 800)]


def test_the_command(here, rng, in_blocks, capsys):
    noisy_file(rng)
    in_blocks()
    assert main(["denoise", "a.wav", "-o", "b.wav", "-m", "median"]) == 0
    err = capsys.readouterr().err
    assert "a.wav: denoised in blocks of 0.0625 s, with the same result as in one piece\n" in err
    assert err.endswith("b.wav: median, shape 2×1×5000\n")


def test_the_figure_shows_the_middle(here, rng, in_blocks, monkeypatch):
    pytest.importorskip("matplotlib")
    drawn = []
    monkeypatch.setattr(long, "DRAWN", 1600)
    monkeypatch.setattr(long, "save_plot", lambda *given: drawn.append(given))
    noisy_file(rng)
    in_blocks()
    assert main(["denoise", "a.wav", "-o", "b.wav", "-m", "median", "--plot", "c.png"]) == 0
    ((path, content, estimate, title),) = drawn
    assert str(path) == "c.png"
    assert title == "a.wav, 0.2125 to 0.4125 s: median"
    np.testing.assert_array_equal(content.batch[:, 0], soundfile.read("a.wav")[0].T[:, 1700:3300])
    np.testing.assert_array_equal(estimate[:, 0], soundfile.read("b.wav")[0].T[:, 1700:3300])


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError])
def test_nothing_is_left_behind(here, rng, in_blocks, monkeypatch, error):
    """Neither of Ctrl-C nor of an error in a later block; an existing output stays."""
    noisy_file(rng)
    (here / "b.wav").write_bytes(b"old")
    in_blocks()
    calls = []
    median = sigbench.Median.__call__

    def failing(self, noisy, *, sigma=None):
        calls.append(1)
        if len(calls) == 5:
            raise error("stop")
        return median(self, noisy, sigma=sigma)

    monkeypatch.setattr(sigbench.Median, "__call__", failing)
    expected = KeyboardInterrupt if error is KeyboardInterrupt else InputError
    with pytest.raises(expected, match="stop"):
        denoise_file(here / "a.wav", here / "b.wav", "median", force=True)
    assert len(calls) == 5
    assert sorted(path.name for path in here.iterdir()) == ["a.wav", "b.wav"]
    assert (here / "b.wav").read_bytes() == b"old"


def test_an_output_that_appears_in_the_meantime_is_kept(here, rng, in_blocks, monkeypatch):
    noisy_file(rng)
    in_blocks()
    median = sigbench.Median.__call__

    def slow(self, noisy, *, sigma=None):
        (here / "b.wav").write_bytes(b"other")
        return median(self, noisy, sigma=sigma)

    monkeypatch.setattr(sigbench.Median, "__call__", slow)
    with pytest.raises(InputError, match="exists; use --force"):
        denoise_file(here / "a.wav", here / "b.wav", "median")
    assert (here / "b.wav").read_bytes() == b"other"


def test_values_that_are_not_finite_are_refused_in_a_later_block(here, in_blocks):
    y = np.zeros(5000)
    y[4321] = np.nan
    soundfile.write("a.wav", y, 8000, subtype="FLOAT")
    in_blocks()
    with pytest.raises(InputError, match=r"contains nan at index \(0, 0, 4321\)"):
        denoise_file(here / "a.wav", here / "b.wav", "noisy")
    assert not (here / "b.wav").exists()
