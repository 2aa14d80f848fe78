"""User files: format, rate and size are kept, bad files are rejected, nothing is overwritten."""

import numpy as np
import pytest
import soundfile
import tifffile
from PIL import Image

from sigbench import InputError
from sigbench.cli.denoise.file import denoise_file
from sigbench.cli.main import main
from sigbench.core.media import read, write

SUFFIXES = ["png", "tif", "jpg"]


def same(path, out):
    """Denoise by the identity."""
    denoise_file(path, out, "noisy")
    return out


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
@pytest.mark.parametrize("channels", [1, 2])
def test_wav(here, rng, subtype, channels):
    samples = rng.uniform(-0.9, 0.9, (500, channels)).squeeze()
    soundfile.write("a.wav", samples, 8000, subtype=subtype)
    out = same(here / "a.wav", here / "b.wav")
    one, two = soundfile.info("a.wav"), soundfile.info(str(out))
    for what in ("samplerate", "frames", "channels", "format", "subtype"):
        assert getattr(one, what) == getattr(two, what)
    step = {"PCM_16": 2**-15, "PCM_24": 2**-23, "FLOAT": 0, "PCM_U8": 2**-7}[subtype]
    np.testing.assert_allclose(soundfile.read("a.wav")[0], soundfile.read("b.wav")[0], atol=step)


def test_wav_to_flac_and_back(here, rng):
    soundfile.write("a.wav", rng.uniform(-0.9, 0.9, 500), 16000, subtype="PCM_16")
    same(here / "a.wav", here / "b.flac")
    same(here / "b.flac", here / "c.wav")
    assert soundfile.info("b.flac").format == "FLAC"
    np.testing.assert_array_equal(soundfile.read("a.wav")[0], soundfile.read("c.wav")[0])


def test_stereo_channels_are_denoised_separately(here, rng):
    quiet, loud = 0.01 * rng.standard_normal(4000), 0.1 * rng.standard_normal(4000)
    soundfile.write("st.wav", np.stack([quiet, loud], axis=1), 8000, subtype="FLOAT")
    soundfile.write("q.wav", quiet, 8000, subtype="FLOAT")
    stereo = denoise_file(here / "st.wav", here / "st2.wav", "wavelet", sigma="auto")
    denoise_file(here / "q.wav", here / "q2.wav", "wavelet", sigma="auto")
    assert stereo.sigma == (pytest.approx(0.01, rel=0.1), pytest.approx(0.1, rel=0.1))
    np.testing.assert_array_equal(soundfile.read("st2.wav")[0][:, 0], soundfile.read("q2.wav")[0])


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("grey.png", (9, 7)),
        ("colour.png", (9, 7, 3)),
        ("transparent.png", (9, 7, 4)),
        ("grey.tif", (9, 7)),
        ("colour.tif", (9, 7, 3)),
    ],
)
def test_images_of_8_bits(here, rng, name, pixels):
    values = rng.integers(0, 256, pixels, dtype=np.uint8)
    Image.fromarray(values).save(name)
    with Image.open(same(here / name, here / f"out-{name}")) as out:
        np.testing.assert_array_equal(np.asarray(out), values)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_tiff_keeps_its_type(here, rng, dtype):
    values = rng.integers(0, 60_000, (9, 7, 3)).astype(dtype)
    tifffile.imwrite("a.tif", values, photometric="rgb")
    out = tifffile.imread(same(here / "a.tif", here / "b.tif"))
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, values)


def test_grey_png_of_16_bits(here, rng):
    values = rng.integers(0, 2**16, (9, 7), dtype=np.uint16)
    Image.fromarray(values).save("a.png")
    with Image.open(same(here / "a.png", here / "b.png")) as out:
        np.testing.assert_array_equal(np.asarray(out), values)


def test_transparency_is_kept_and_colours_denoised(here, rng):
    values = rng.integers(0, 256, (16, 16, 4), dtype=np.uint8)
    Image.fromarray(values).save("a.png")
    denoise_file(here / "a.png", here / "b.png", "gaussian-blur[width=2]")
    with Image.open("b.png") as out:
        blurred = np.asarray(out)
    np.testing.assert_array_equal(blurred[..., 3], values[..., 3])
    assert blurred[..., :3].std() < values[..., :3].std() / 2


def test_levels_are_rounded_and_clipped(here):
    Image.fromarray(np.full((8, 8), 250, np.uint8)).save("a.png")
    content = read(here / "a.png")
    write(here / "b.png", content, content.batch + 20.4)
    write(here / "c.png", content, content.batch - 0.6)
    with Image.open("b.png") as b, Image.open("c.png") as c:
        assert np.asarray(b)[0, 0] == 255
        assert np.asarray(c)[0, 0] == 249


def test_csv_keeps_header_delimiter_and_axis(here):
    (here / "a.csv").write_text("t;left;right\n0.0;1;2\n0.1;3;-4e1\n0.2;5;6\n")
    same(here / "a.csv", here / "b.csv")
    assert (here / "b.csv").read_text() == (here / "a.csv").read_text()
    assert read(here / "a.csv").batch.shape == (2, 1, 3)


@pytest.mark.parametrize(
    "axis", [(0.0, 0.333, 0.667, 1.0), (5, 3, 2, -1), (0.0, 2.3e-05, 4.5e-05, 6.8e-05)]
)
def test_a_monotonic_first_column_is_an_axis(here, axis):
    (here / "a.csv").write_text(
        "".join(f"{t},{v}\r\n" for t, v in zip(axis, (1.0, 5.0, 2.0, 8.0), strict=True))
    )
    denoise_file(here / "a.csv", here / "b.csv", "gaussian-blur[width=2]")
    lines = (here / "b.csv").read_bytes().decode().split("\r\n")
    assert [line.split(",")[0] for line in lines[:4]] == [str(t) for t in axis]
    assert lines[0] != f"{axis[0]},1.0"


def test_small_values_are_not_an_axis(here):
    (here / "a.csv").write_text("3e-9,1\n1e-9,2\n2e-9,3\n")
    assert read(here / "a.csv").batch.shape == (2, 1, 3)


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (1, 1), (1, 40, 3), (40, 1, 3), (1, 1, 3)])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_images_one_pixel_wide(here, rng, shape, suffix):
    values = rng.integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(values).save(f"a.{suffix}")
    with Image.open(same(here / f"a.{suffix}", here / f"b.{suffix}")) as out:
        np.testing.assert_array_equal(np.asarray(out), values)


def test_the_orientation_is_kept(here, rng):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90°
    Image.fromarray(rng.integers(0, 256, (8, 9, 3), dtype=np.uint8)).save("a.jpg", exif=exif)
    with Image.open(same(here / "a.jpg", here / "b.jpg")) as out:
        assert out.getexif()[0x0112] == 6


def test_csv_of_one_rising_column_is_a_signal(here):
    (here / "a.csv").write_text("0\n1\n2\n3\n")
    assert read(here / "a.csv").batch.shape == (1, 1, 4)


@pytest.mark.parametrize("shape", [(20,), (8, 9)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_npy_keeps_shape_and_type(here, rng, shape, dtype):
    values = (100 * rng.standard_normal(shape)).astype(dtype)
    np.save("a.npy", values)
    out = np.load(same(here / "a.npy", here / "b.npy"))
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, values)


def bad_files(here):
    soundfile.write("empty.wav", np.zeros(0), 8000)
    soundfile.write("nan.wav", np.array([0.0, np.nan]), 8000, subtype="FLOAT")
    (here / "broken.wav").write_bytes(b"RIFF....")
    (here / "broken.png").write_bytes(b"\x89PNG\r\n")
    (here / "broken.tif").write_bytes(b"II*\x00")
    (here / "nothing.csv").write_text("\n")
    (here / "holes.csv").write_text("a,b\n,\nnan,\n")
    (here / "short.csv").write_text("1.0,2.0\n3.0\n")
    (here / "inf.csv").write_text("1\ninf\n")
    np.save("cube.npy", np.zeros((2, 3, 4)))
    np.save("complex.npy", np.zeros(4, complex))
    (here / "header.csv").write_text("a,b\n")
    frames = [Image.fromarray(np.full((4, 4), v, np.uint8)) for v in (0, 200)]
    frames[0].save("moving.png", save_all=True, append_images=frames[1:])
    (here / "zip.npy").write_bytes(b"PK\x03\x04asdf")
    Image.fromarray(np.zeros((4, 4), np.uint8)).convert("CMYK").save("cmyk.tif")
    tifffile.imwrite("extra.tif", np.zeros((4, 4, 5), np.uint8), photometric="rgb", planarconfig=1)
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    Image.fromarray(np.zeros((4, 4), np.uint8)).convert("CMYK").save("cmyk.jpg")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty.wav", "empty.wav is empty: it contains no samples"),
        ("nan.wav", r"nan.wav contains nan at index \(0, 0, 1\)"),
        ("broken.wav", "broken.wav cannot be read as sound"),
        ("broken.png", "broken.png cannot be read as an image"),
        ("broken.tif", "broken.tif cannot be read as TIFF"),
        ("nothing.csv", "nothing.csv is empty"),
        ("holes.csv", "holes.csv contains no column of numbers"),
        ("short.csv", "short.csv, line 2: 1 cells instead of 2"),
        ("inf.csv", "inf.csv contains inf"),
        ("cube.npy", r"cube.npy has shape \(2, 3, 4\)"),
        ("complex.npy", "complex.npy has dtype complex128"),
        ("objects.npy", "objects.npy cannot be read as an array"),
        ("cmyk.jpg", "cmyk.jpg has color mode CMYK: it must be one of L, RGB"),
        ("zip.npy", "zip.npy cannot be read as an array"),
        (
            "cmyk.tif",
            "cmyk.tif has photometric type SEPARATED: it must be one of MINISBLACK, MINISW",
        ),
        ("extra.tif", "extra.tif has 5 samples per pixel: RGB must have 3 or 4"),
        ("header.csv", "header.csv is empty"),
        ("moving.png", "moving.png has 2 frames: it must have one"),
        ("absent.wav", "absent.wav: no such file"),
        ("song.mp3", "unknown suffix '.mp3': one of .wav, .flac"),
    ],
)
def test_bad_files_are_rejected_and_nothing_is_written(here, name, message):
    bad_files(here)
    before = sorted(p.name for p in here.iterdir())
    suffix = name.rpartition(".")[2]
    with pytest.raises(InputError, match=message):
        denoise_file(here / name, here / f"out.{suffix}", "noisy")
    assert sorted(p.name for p in here.iterdir()) == before


def test_an_output_is_not_replaced_without_force(here):
    for name in ("a.npy", "b.npy"):
        np.save(name, np.arange(8.0))
    stamp = (here / "b.npy").stat().st_mtime_ns
    with pytest.raises(InputError, match=r"b\.npy exists; use --force to replace it"):
        denoise_file(here / "a.npy", here / "b.npy", "noisy")
    with pytest.raises(InputError, match=r"a\.npy is the input: it is never overwritten"):
        denoise_file(here / "a.npy", here / "a.npy", "noisy", force=True)
    assert (here / "b.npy").stat().st_mtime_ns == stamp
    denoise_file(here / "a.npy", here / "b.npy", "gaussian-blur", force=True)
    assert not np.array_equal(np.load("b.npy"), np.arange(8.0))


@pytest.mark.parametrize(
    ("method", "more", "message"),
    [
        ("affine", {}, "affine learns from a training split"),
        ("ideal-projection", {}, "ideal-projection needs the clean signal"),
        ("l1[lam=[1,2]]", {}, "defines 2 methods, but denoise takes one"),
        ("auto[x=1]", {}, "auto has no parameters"),
        ("spikes-posterior-mean", {}, "needs the prior of the signals, which a file does not have"),
        ("wiener-deconvolution", {}, r"use WienerDeconvolution\(kernel=h\) in Python"),
        ("sparse-deconvolution[lam=1]", {}, "needs the impulse response"),
        ("nope", {}, "unknown method 'nope'"),
        ("noisy", {"sigma": "much"}, "sigma=much must be a number >= 0, or auto"),
        ("noisy", {"sigma": "-1"}, "sigma=-1 must be a number >= 0, or auto"),
        ("l1[transform=stft,lam=1]", {}, r"signal has shape \(1, 1, 4, 4\): the STFT requires"),
    ],
)
def test_bad_calls_are_rejected(here, method, more, message):
    np.save("a.npy", np.ones((4, 4)))
    with pytest.raises(InputError, match=message):
        denoise_file(here / "a.npy", here / "b.npy", method, **more)
    assert not (here / "b.npy").exists()


def test_a_user_function_that_needs_sigma_or_fails(here):
    np.save("a.npy", np.ones(16))
    (here / "own_denoise.py").write_text(
        "def needs(noisy, sigma): return noisy\ndef fails(noisy): return noisy[9]\n"
        "def whole(noisy): return noisy.astype(int)\n"
    )
    for name, message in (
        ("needs", "needs the noise level: use --sigma S or --sigma auto"),
        ("fails", "failed on a.npy: IndexError"),
        ("whole", "the estimate has dtype int64, not float64"),
    ):
        with pytest.raises(InputError, match=message):
            denoise_file(here / "a.npy", here / "b.npy", f"own_denoise:{name}")
    assert not (here / "b.npy").exists()
    denoise_file(here / "a.npy", here / "b.npy", "own_denoise:needs", sigma="0.5")


def test_a_dataclass_of_the_user_needs_no_info_and_receives_the_sampling_rate(here):
    soundfile.write("a.wav", np.full(8, 0.1), 8000)
    (here / "own_class.py").write_text(
        "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass ByRate:\n"
        "    divisor: float = 1.0\n    fs: float | None = None\n\n"
        "    def __call__(self, noisy, *, sigma=None):\n"
        "        return noisy * (self.fs / self.divisor)\n"
    )
    denoise_file(here / "a.wav", here / "b.wav", "own_class:ByRate[divisor=16000]")
    np.testing.assert_allclose(soundfile.read("b.wav")[0], 0.05, atol=1e-4)


def test_sigma_has_one_value_per_channel(here):
    soundfile.write("a.wav", np.full((8, 2), 0.1), 8000)
    (here / "own_levels.py").write_text(
        "def f(noisy, sigma): return noisy * (sigma[:, None, None] > 0)\n"
    )
    done = denoise_file(here / "a.wav", here / "b.wav", "own_levels:f", sigma="0.5")
    assert done.sigma == (0.5,)
    np.testing.assert_array_equal(soundfile.read("a.wav")[0], soundfile.read("b.wav")[0])


@pytest.mark.parametrize(
    ("method", "used"),
    [
        ("wavelet", True),
        ("local-wiener", True),
        ("own_unused:with_sigma", True),
        ("own_unused:without_sigma", False),
        ("local-wiener[noise=0.3]", False),
        ("median", False),
    ],
)
def test_a_noise_level_that_the_method_does_not_use_is_reported(here, rng, capsys, method, used):
    np.save("a.npy", rng.standard_normal(64))
    (here / "own_unused.py").write_text(
        "def with_sigma(noisy, sigma=None): return noisy\ndef without_sigma(noisy): return noisy\n"
    )
    call = ["denoise", "a.npy", "-o", "b.npy", "-m", method]
    assert main([*call, "--sigma", "0.5"]) == 0
    lines = capsys.readouterr().err.splitlines()
    closing = f"b.npy: {method}, shape 1×1×64"
    unused = [f"{method} does not use --sigma", closing]
    assert lines == ([f"{closing}, sigma 0.5"] if used else unused)
    assert main([*call, "--force"]) == 0
    assert capsys.readouterr().err.splitlines() == [closing]


def test_full_scale_of_sound_is_one(here):
    soundfile.write("a.wav", np.zeros(8) + 0.1, 8000)
    with pytest.raises(InputError, match="sigma=25 must be <= 1"):
        denoise_file(here / "a.wav", here / "b.wav", "noisy", sigma="25")


def test_the_output_must_be_of_the_kind_of_the_input(here):
    np.save("a.npy", np.ones(4))
    with pytest.raises(
        InputError, match=r"b\.wav must be of the same kind as a\.npy: array, not sound"
    ):
        denoise_file(here / "a.npy", here / "b.wav", "noisy")


def test_a_real_recording_is_improved(here, real_data):
    """A spoken digit with white noise at 10 dB: wavelet thresholding removes noise."""
    clip = real_data / "fsdd" / "recordings" / "7_lucas_5.wav"
    clean, fs = soundfile.read(clip)
    noise = np.random.default_rng(5).standard_normal(len(clean))
    noise *= np.sqrt(np.mean(clean**2) / np.mean(noise**2) / 10)
    soundfile.write("noisy.wav", clean + noise, fs, subtype="PCM_16")
    denoise_file(here / "noisy.wav", here / "out.wav", "wavelet[rule=sure]", sigma="auto")
    out, rate = soundfile.read("out.wav")
    assert (rate, len(out)) == (fs, len(clean))
    assert np.mean((out - clean) ** 2) < 0.6 * np.mean(
        (soundfile.read("noisy.wav")[0] - clean) ** 2
    )


def test_real_photographs_as_a_folder(real_data):
    from sigbench import METRICS, Denoising, Folder, Gaussian, WaveletShrink

    folder = Folder(str(real_data / "bsd400"))
    assert (folder.domain, folder.peak) == ("image", 255.0)
    problem = Denoising("bsd", folder, Gaussian(sigma=25.0), items=4)
    (block,) = problem.blocks(1, 10)
    psnr = METRICS["psnr"]
    noisy = problem.score(psnr, block, block.noisy)
    assert noisy.mean() == pytest.approx(20 * np.log10(255 / 25), abs=0.1)
    denoised = WaveletShrink("db2", rule="bayes", shifts=2)(block.noisy, sigma=block.sigma)
    assert (problem.score(psnr, block, denoised.astype(np.float32)) > noisy + 3).all()
