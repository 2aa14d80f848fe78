"""Files that broke a reader, or could: each is read whole, or refused in one line that names it."""

import importlib
import io
import struct
import sys
import zlib

import numpy as np
import pytest
import soundfile
import tifffile
from fuzz.formats import image
from fuzz.formats.image import EPS, SIGNATURE, chunk
from fuzz.formats.npy import saved as saved_array
from fuzz.formats.npy import with_header
from fuzz.formats.sound import wav, with_length
from fuzz.harness import run
from fuzz.target import MB, Target
from PIL import Image

from sigbench import InputError
from sigbench.core.media import read
from sigbench.core.media.content import MAX_PIXELS, MAX_SAMPLES
from sigbench.core.media.sound.source import BLOCK

linux = pytest.mark.skipif(sys.platform != "linux", reason="the limits need Linux")


def refusal(here, name, data):
    """Return why a file is refused; the error names it as the user did."""
    (here / name).write_bytes(data)
    with pytest.raises(InputError) as error:
        read(here / name)
    assert str(error.value).startswith(str(here / name))
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(str(here / name)).lstrip(":, ")


def header(descr="'<f8'", order="False", shape="(6,)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            header(shape="(4611686018427387904,)"),
            "declares 36893488147419103232 bytes of values: it",
        ),
        (header(shape="(3, 10**9)"), "its header is not a dictionary of literals"),
        (header(shape="(99999999, 99999999)"), "declares 79999998400000008 bytes of values"),
        (header(shape="(-6,)"), "its shape (-6,) must be a tuple of numbers >= 0"),
        (header(shape="(2, -3)"), "its shape (2, -3) must be"),
        (header(shape="(True,)"), "its shape (True,) must be"),
        (header(shape="(6.0,)"), "its shape (6.0,) must be"),
        (header(shape="6"), "its shape 6 must be"),
        (header(shape="()"), "has shape (): it must be (L,), a signal, or (H, W), an image"),
        (header(shape="(7,)"), "declares 56 bytes of values: it can have at most 48"),
        (header(shape="(5,)"), "has 8 bytes after the array of shape (5,)"),
        (
            header("[('a', '<f4'), ('b', '<f4')]"),
            "has dtype \"[('a', '<f4'), ('b', '<f4')]\": it must",
        ),
        (header("'|O'"), "it contains Python objects"),
        (header("'|O8'"), "it contains Python objects"),
        (header("'<f9'"), "has dtype '<f9': it must be a number"),
        (header("'<M8[ns]'"), "has dtype '<M8[ns]': it must be a number"),
        (header("'<U9999999999'"), "has dtype '<U9999999999': it must be a number"),
        (header("'<c8'"), "has dtype complex64"),
        (header("'|b1'", shape="(48,)"), "has dtype bool"),
        (header("7"), "has dtype '7': it must be a number"),
        (header(order="1"), "fortran_order must be True or False"),
        ("[1, 2]", "its header must have the keys descr, fortran_order, shape"),
        ("{}", "its header must have the keys"),
        ("{'descr': '<f8', 'shape': (6,)}", "its header must have the keys"),
        ("(" * 300, "its header is not a dictionary of literals"),
        ("-" * 900, "its header is not a dictionary of literals"),
        ("{'descr': '<f8'", "its header is not a dictionary of literals"),  # TokenError
        ("\0" * 20, "its header is not a dictionary of literals"),  # null bytes in source code
        ("__import__('os').system('true')", "its header is not a dictionary of literals"),
        (header() + " " * 60000, "its header has 60058 bytes: the limit is 1000"),
    ],
)
def test_array_headers(here, text, message):
    assert message in refusal(here, "a.npy", with_header(text))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00",
        b"\x93NUMPY\x01\x00",
        b"\x93NUMPY\x03\x00\x04\x00\x00\x00\xff\xfe\xfd\xfc",  # not UTF-8
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}",
        b"text",
    ],
)
def test_broken_arrays(here, data):
    refusal(here, "a.npy", data)


def test_arrays_of_other_writers_are_read(here):
    """Python 2 wrote 6L; other languages write keys in another order, and no final space."""
    values = np.arange(6.0)
    texts = [
        header(shape="(6L,)"),
        "{'shape':(6,),'fortran_order':False,'descr':'<f8'}",
        header("'<f8'", "True", "(2, 3)"),
    ]
    for version in (1, 2, 3):
        for text in texts:
            (here / "a.npy").write_bytes(with_header(text, version, values.tobytes()))
            own, numpy = read(here / "a.npy").batch[0, 0], values
            if "(2, 3)" in text:
                numpy = np.load(here / "a.npy")
            np.testing.assert_array_equal(own, numpy)


def flac(samples, subtype="PCM_16"):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 8000, subtype, format="FLAC")
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("length", [1, 4095, 4096, BLOCK // 2, BLOCK, BLOCK + 1])
def test_flac_of_unknown_length_is_read_whole(here, rng, channels, length):
    """A recorder that cannot seek back writes the length 0, which means unknown."""
    whole = flac(rng.uniform(-0.5, 0.5, (length, channels)))
    for name, data in (("a.flac", whole), ("b.flac", with_length(whole, 0))):
        (here / name).write_bytes(data)
    assert soundfile.info("b.flac").frames == 2**63 - 1
    one, two = read(here / "a.flac").batch, read(here / "b.flac").batch
    assert two.shape == (channels, 1, length)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (2**35, f"declares {2**35} samples per channel: it can have at most {MAX_SAMPLES}"),
        (2**36 - 1, "declares 68719476735 samples per channel"),
        (401, "cannot be read as sound: "),
        (2**29, "cannot be read as sound: "),
    ],
)
def test_flac_with_a_wrong_length(here, samples, message):
    assert message in refusal(here, "a.flac", with_length(flac(np.zeros(400)), samples))


@pytest.mark.parametrize("length", [0, 5000])
def test_truncated_flac(here, rng, length):
    data = with_length(flac(rng.uniform(-0.5, 0.5, 5000)), length)
    if length:
        assert "cannot be read as sound" in refusal(here, "a.flac", data[: len(data) // 2])


@pytest.mark.parametrize("subtype", ["GSM610", "IMA_ADPCM", "MS_ADPCM", "G721_32", "NMS_ADPCM_16"])
def test_sound_with_a_lossy_codec_is_refused(here, subtype):
    soundfile.write("b.wav", np.zeros(400), 8000, subtype)
    message = refusal(here, "a.wav", (here / "b.wav").read_bytes())
    assert message.startswith(
        f"has encoding WAV {subtype}: it must be one of WAV, WAVEX, RF64, FLAC"
    )


@pytest.mark.parametrize("subtype", ["ULAW", "ALAW", "PCM_U8", "PCM_24", "FLOAT", "DOUBLE"])
def test_sound_with_other_encodings_is_read(here, rng, subtype):
    soundfile.write("a.wav", rng.uniform(-0.5, 0.5, 400), 8000, subtype)
    np.testing.assert_array_equal(read(here / "a.wav").batch[0, 0], soundfile.read("a.wav")[0])


@pytest.mark.parametrize("form", ["AIFF", "OGG", "AU", "CAF", "MP3"])
def test_other_sound_files_under_the_name_wav(here, form):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(4000), 8000, format=form)
    assert refusal(here, "a.wav", buffer.getvalue()) == "is not a WAV or FLAC file"


@pytest.mark.parametrize("rate", [0, 2**31, 2**32 - 1])
def test_impossible_rates(here, rate):
    refusal(here, "a.wav", wav(1, 1, rate, 16, 100, bytes(100)))


def png(width, height, pixels, depth=8, color=0, chunks=b""):
    ihdr = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    end = chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return SIGNATURE + chunk(b"IHDR", ihdr) + chunks + end


GOOD = zlib.compress(bytes(9 * 8))
BOMB = zlib.compress(bytes(10**8), 9)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png(2**31 - 1, 2**31 - 1, GOOD), ""),  # refused by Pillow
        (png(13_000, 13_000, GOOD), "declares 169013000 bytes of pixels: it can have at most"),
        (png(13_000, 13_000, GOOD, 1), "declares 21138000 bytes of pixels"),
        (png(MAX_PIXELS + 1, 1, BOMB), "178956971"),
        (png(8, 8, GOOD, 16, 2), "cannot be read as an image"),  # too few pixels
        (png(9000, 9000, BOMB, 16, 6), "declares 648009000 bytes of pixels: it can have at most"),
        (
            png(
                8,
                8,
                GOOD,
                chunks=chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 0, 0, 0, 0)),
            ),
            "its header is damaged",
        ),
        (png(8, 8, GOOD, chunks=chunk(b"zTXt", b"a\0\0" + BOMB)), "cannot be read as an image"),
        (
            png(8, 8, GOOD, chunks=chunk(b"iTXt", b"a\0\1\0\0\0" + BOMB)),
            "cannot be read as an image",
        ),
        (png(8, 8, GOOD, chunks=chunk(b"iCCP", b"a\0\0" + BOMB)), "cannot be read as an image"),
        (png(8, 8, b"", color=3), "cannot be read as an image"),
        (
            png(8, 8, GOOD, chunks=struct.pack(">I", 2**31 - 1) + b"IDAT"),
            "cannot be read as an image",
        ),
        (png(0, 8, GOOD), ""),
    ],
)
@linux
def test_png_bombs(here, data, message):
    assert message in refusal(here, "a.png", data)
    assert run(Target("a.png", read, list, modules=(), per_byte=0), data).kind == "refused"


@linux
def test_an_eps_named_png_starts_no_program(here):
    """Pillow would start Ghostscript for it."""
    for name in ("a.png", "a.jpg", "a.tif"):
        refusal(here, name, EPS)
        outcome = run(Target(name, read, list), EPS)
        assert outcome.kind == "refused", outcome.text


@pytest.mark.parametrize("form", ["GIF", "BMP", "WEBP", "TIFF", "PPM", "ICO"])
def test_other_images_under_the_name_png(here, form):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(buffer, form)
    assert "cannot be read as an image" in refusal(here, "a.png", buffer.getvalue())


def test_a_jpeg_with_many_scans(here):
    """Each scan is a pass over all pixels: a small file could take minutes."""
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    scans = data[last:-2] * 70
    message = refusal(here, "a.jpg", data[:last] + scans + b"\xff\xd9")
    assert message == "declares 75 scans: it can have at most 64"


def test_a_jpeg_that_declares_more_than_it_can_contain(here):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 13000, 13000)
    assert refusal(here, "a.jpg", bytes(data)).startswith(
        "declares 169000000 pixels: it can have at"
    )


def tiff(pixels=None, **tags):
    """Return a TIFF file in which numbers of its first page are replaced, by the names of tags."""
    buffer = io.BytesIO()
    pixels = np.zeros((64, 64), np.uint8) if pixels is None else pixels
    options = {"tile": (16, 16)} if "TileWidth" in tags else {}
    tifffile.imwrite(buffer, pixels, compression=tags.pop("zip", None), **options)
    data = bytearray(buffer.getvalue())
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as file:
        for name, value in tags.items():
            tag = file.pages.first.tags[name]
            code = {3: "<H", 4: "<I"}[int(tag.dtype)]
            struct.pack_into(code, data, tag.valueoffset, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (
            {"ImageWidth": 60000, "ImageLength": 60000},
            "declares 3600000000 bytes of pixels: it can",
        ),
        (
            {"ImageWidth": 60000, "ImageLength": 60000, "zip": "zlib"},
            "declares 3600000000 pixels: ",
        ),
        ({"ImageWidth": 10000, "ImageLength": 9000, "zip": "zlib"}, "declares 90000000 bytes of"),
        (
            {"TileWidth": 65520, "TileLength": 65520, "zip": "zlib"},
            "declares 4292870400 pixels: it",
        ),
        (
            {"TileWidth": 1, "TileLength": 1},
            "declares 4096 tiles or strips: it can have at most 16",
        ),
        ({"BitsPerSample": 65535}, "declares 33553920 bytes of pixels: it can have at most"),
        ({"SamplesPerPixel": 65535}, "declares 268431360 bytes of pixels: it can have at most"),
        ({"StripByteCounts": 2**32 - 1}, "declares 4294967295 bytes of tiles or strips"),
        ({"Compression": 50000}, "has compression ZSTD: it must be one of NONE, PACKBITS, LZW"),
        ({"Compression": 7}, "has compression JPEG: it must be one of NONE, PACKBITS, LZW"),
    ],
)
@linux
def test_tiff_bombs(here, tags, message):
    data = tiff(**tags)
    assert message in refusal(here, "a.tif", data)
    assert run(Target("a.tif", read, list, per_byte=0), data).kind == "refused"


def test_a_tiff_of_zeros_is_read(here):
    """What deflate can pack is legal: the limit is what it can pack, not what is usual."""
    zeros = np.zeros((2000, 2000), np.uint8)
    (here / "a.tif").write_bytes(tiff(zeros, zip="zlib"))
    assert (here / "a.tif").stat().st_size < 6000
    assert read(here / "a.tif").batch.shape == (1, 1, 2000, 2000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"1\n1_0\n", "line 2: '1_0' is not a number"),
        (b"1\n\xef\xbc\x91\n", "line 2: '１' is not a number"),  # a full-width digit
        ("1\n٣\n".encode(), "line 2: '٣' is not a number"),
        (b"1\n0x10\n", "line 2: '0x10' is not a number"),
        (b"1\n1e\n", "line 2: '1e' is not a number"),
        (b"1\n1.2.3\n", "line 2: '1.2.3' is not a number"),
        ("1\n−1\n".encode(), "line 2: '−1' is not a number"),  # a minus sign, not a hyphen
        ("1\nınf\n".encode(), "line 2: 'ınf' is not a number"),
        (b"1\n-Infinity\n", "contains -inf at index (0, 0, 1)"),
        (b"1\n1e999\n", "contains inf at index (0, 0, 1)"),
        (b"1.,2\n3\n", "line 2: 1 cells instead of 2"),
        (b"1,2\n\n\n3,4,5\n", "line 4: 3 cells instead of 2"),
        (b"nan\n\nnan\n", "contains no column of numbers"),
        (b"a,b\nc,d\n", "contains no column of numbers"),
        (b'1\n"2\n3"\n', "line 2 cannot be read: a quote is not closed"),
        (b"1\n\0\n", "cannot be read as text: it contains zero bytes"),
        (b"\xff\xfe1\0\n", "cannot be read as text in UTF-16: truncated data"),
        ("1\n\0\n".encode("utf-16"), "cannot be read as text: it contains zero bytes"),
        ("1\n\0\n".encode("utf-16-le"), "cannot be read as text: it contains zero bytes"),
        (b"1\n\xff\n", "line 2: 'ÿ' is not a number"),
        (b"1\n" + b"1," * 10**5 + b"x", "line 2: 100001 cells instead of 1"),
        (b"1\n" + b"9" * 10**7, "contains inf at index (0, 0, 1)"),
        (b"1\n" + b"9" * 10**7 + b"x", f"line 2: '{'9' * 40}'... is not a number"),
        (b'1\n"' + b"9" * 10**6 + b'"', "contains inf at index (0, 0, 1)"),
        (b"1," * 10**5 + b"1\n", "has 100001 columns: it can have at most 10000"),
        (b"1\n" + b"x" * 10**5 + b"\n", f"line 2: '{'x' * 40}'... is not a number"),
        (b" \r\n\t\r\n", "is empty: it contains no samples"),
    ],
)
def test_odd_tables(here, text, message):
    assert message in refusal(here, "a.csv", text)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig"])
def test_good_tables(here, end, code):
    text = end.join(['"größe","b"', '"1", 2', "", "+3.,-.5e1", "5,6"])
    (here / "a.csv").write_bytes(text.encode(code))
    table = read(here / "a.csv")
    np.testing.assert_array_equal(table.batch[:, 0], [[2, -5, 6]])  # the first column is an axis


def legal(name):
    """Return a file of a few MB, and the size of its array of floats."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (1000, 1500, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    if name in ("a.png", "a.jpg"):
        Image.fromarray(pixels).save(buffer, name[2:].replace("jpg", "JPEG"), compress_level=1)
        return buffer.getvalue(), 4 * pixels.size
    if name == "a.tif":
        tifffile.imwrite(buffer, pixels, photometric="rgb", compression="zlib")
        return buffer.getvalue(), 4 * pixels.size
    if name == "a.npy":
        return saved_array(pixels[..., 0]), 4 * pixels[..., 0].size
    form = name[2:].upper()
    soundfile.write(buffer, np.zeros((10**6, 2)), 8000, "PCM_16", format=form)
    return buffer.getvalue(), 8 * 2 * 10**6


@linux
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.npy", "a.wav", "a.flac"])
def test_memory_of_a_legal_file(name):
    """Three times the file and its array, as docs/data.md says."""
    data, floats = legal(name)
    modules = {"a.png": image.PILLOW, "a.jpg": image.PILLOW, "a.tif": ("tifffile",)}
    for module in modules.get(name, ()):
        importlib.import_module(module)
    outcome = run(Target(name, read, list, memory=3 * (len(data) + floats), per_byte=0), data)
    assert outcome.kind == "read", outcome.text


@linux
def test_memory_of_a_long_table():
    """A million lines of two bytes: 8 MB of numbers."""
    outcome = run(Target("a.csv", read, list, memory=100 * MB, per_byte=0), b"1\n" * 10**6)
    assert outcome.kind == "read", outcome.text


def test_an_array_of_nan_is_refused_with_its_first_index(here):
    values = np.ones((4, 5))
    values[2:, 3:] = np.nan
    message = refusal(here, "a.npy", saved_array(values))
    assert message.startswith("contains nan at index (0, 0, 2, 3)")
