"""Sound files come back as they were: samples, rounding, and all other parts of the file."""

import io
import os
import stat
import struct
import sys

import numpy as np
import pytest
import soundfile

from sigbench import InputError
from sigbench.cli.denoise.file import denoise_file
from sigbench.core.errors import Caution
from sigbench.core.media import read, write
from sigbench.core.media.sound.encodings import ENCODINGS, decode, encode
from sigbench.core.media.sound.flac import COMMENTS, CUESHEET, PICTURE, metadata, parse_flac
from sigbench.core.media.sound.tags import MASK, comment_block, parse_comments

GUID = bytes.fromhex("000000001000800000aa00389b71")
TAGS = {"PCM": 1, "FLOA": 3, "DOUB": 3, "ALAW": 6, "ULAW": 7}


def chunk(name, content, order="<"):
    return struct.pack(order + "4sI", name, len(content)) + content + bytes(len(content) % 2)


def fmt(encoding, channels=1, fs=8000, order="<", mask=None):
    width, tag = ENCODINGS[encoding], TAGS[encoding[:4].rstrip("_")]
    basic = (channels, fs, fs * channels * width, channels * width, 8 * width)
    if mask is None:
        return chunk(b"fmt ", struct.pack(order + "HHIIHH", tag, *basic), order)
    more = struct.pack(order + "HHIH", 22, 8 * width, mask, tag) + GUID
    return chunk(b"fmt ", struct.pack(order + "HHIIHH", 0xFFFE, *basic) + more, order)


def wav(data, encoding="PCM_16", channels=1, *, before=(), after=(), order="<", mask=None):
    """Return a WAV file with chunks before and after its samples."""
    parts = [fmt(encoding, channels, order=order, mask=mask)]
    parts += [chunk(*one, order) for one in before]
    parts += [chunk(b"data", data, order)]
    parts += [chunk(*one, order) for one in after]
    body = b"WAVE" + b"".join(parts)
    return (b"RIFF" if order == "<" else b"RIFX") + struct.pack(order + "I", len(body)) + body


def info(**tags):
    items = [chunk(code.encode(), text.encode("latin-1") + b"\0") for code, text in tags.items()]
    return b"INFO" + b"".join(items)


def all_values(encoding, rng):
    """Return the bytes of samples with all kinds of values, not a multiple of 2 bytes if possible."""
    width = ENCODINGS[encoding]
    if encoding in ("FLOAT", "DOUBLE"):
        values = np.array([0.0, -0.0, 1.0, -1.0, 1.5, 1e-42, 0.1, np.pi])
        return values.astype(f"<f{width}").tobytes()
    whole = bytes(range(256)) * width if width == 1 else rng.bytes(255 * width)
    return whole + b"\xff" * width if width == 3 else whole


def through(here, data, method="noisy", names=("a.wav", "b.wav"), sigma=None):
    """Denoise the bytes of a file; return those of the output and the cautions."""
    (here / names[0]).write_bytes(data)
    done = denoise_file(here / names[0], here / names[1], method, sigma=sigma, force=True)
    return (here / names[1]).read_bytes(), done.cautions


# --- samples -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_all_samples_come_back_bit_by_bit(here, rng, encoding, order):
    file = wav(all_values(encoding, rng), encoding, order=order)
    assert through(here, file) == (file, ())


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_are_those_of_libsndfile(here, rng, encoding):
    data = all_values(encoding, rng)
    (here / "a.wav").write_bytes(wav(data, encoding))
    np.testing.assert_array_equal(soundfile.read("a.wav")[0], decode(data, encoding, "<"))
    np.testing.assert_array_equal(read(here / "a.wav").batch[0, 0], decode(data, encoding, "<"))


@pytest.mark.parametrize("encoding", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "ALAW", "ULAW"])
def test_samples_are_rounded_to_the_nearest_value(rng, encoding):
    """The mean error is 0, not half a step; no code is nearer."""
    x = rng.uniform(-0.5, 0.5, 4000)
    error = decode(encode(x, encoding, "<"), encoding, "<") - x
    if encoding in ("ALAW", "ULAW"):
        codes = decode(bytes(range(256)), encoding, "<")
        np.testing.assert_allclose(
            np.abs(error), np.abs(codes - x[:, None]).min(axis=1), atol=1e-15
        )
    else:
        step = 2.0 ** (1 - 8 * ENCODINGS[encoding])
        assert np.abs(error).max() <= step / 2
        assert abs(error.mean()) < 0.02 * step


@pytest.mark.parametrize(("encoding", "top"), [("PCM_16", 32767), ("PCM_24", 2**23 - 1)])
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_clipping_is_counted_unless_the_input_was_clipped(here, encoding, top, suffix):
    scale = top + 1
    y = np.array([0.5, -1.0, top / scale, 0.0])
    (here / "a.wav").write_bytes(wav(encode(y, encoding, "<"), encoding))
    content = read(here / "a.wav")
    write(here / f"b{suffix}", content, content.batch * 1.4)  # only what was at full scale
    np.testing.assert_array_equal(
        soundfile.read(f"b{suffix}")[0] * scale, [np.rint(0.7 * scale), -scale, top, 0]
    )
    with pytest.warns(Caution, match="3 of 4 samples are beyond full scale and were clipped"):
        write(here / f"b{suffix}", content, content.batch * 3)
    np.testing.assert_array_equal(soundfile.read(f"b{suffix}")[0] * scale, [top, -scale, top, 0])


def test_floats_are_not_clipped(here):
    (here / "a.wav").write_bytes(wav(struct.pack("<3f", 0.5, 1.5, -2), "FLOAT"))
    content = read(here / "a.wav")
    write(here / "b.wav", content, content.batch * 2)
    assert soundfile.read("b.wav")[0].tolist() == [1.0, 3.0, -4.0]


@pytest.mark.parametrize("encoding", ["PCM_16", "PCM_24", "ALAW", "ULAW"])
def test_wav_to_flac_and_back_keeps_the_samples(here, rng, encoding):
    file = wav(all_values(encoding, rng), encoding)
    through(here, file, names=("a.wav", "b.flac"))
    np.testing.assert_array_equal(soundfile.read("b.flac")[0], soundfile.read("a.wav")[0])
    flac = (here / "b.flac").read_bytes()
    assert through(here, flac, names=("b.flac", "c.flac")) == (flac, ())
    through(here, flac, names=("b.flac", "d.wav"))
    np.testing.assert_array_equal(soundfile.read("d.wav")[0], soundfile.read("a.wav")[0])
    if encoding.startswith("PCM"):
        assert soundfile.info("b.flac").subtype == encoding
        assert (here / "d.wav").read_bytes() == file


def test_eight_bits_through_flac(here, rng):
    file = wav(all_values("PCM_U8", rng), "PCM_U8")
    flac, _ = through(here, file, names=("a.wav", "b.flac"))
    assert soundfile.info("b.flac").subtype == "PCM_S8"
    assert through(here, flac, names=("b.flac", "c.wav"))[0] == file


@pytest.mark.parametrize(
    ("encoding", "kind"), [("FLOAT", "32-bit float"), ("DOUBLE", "64-bit float"), ("PCM_32", "32-")]
)
def test_flac_stores_more_than_24_bits_without_loss_or_not_at_all(here, rng, encoding, kind):
    exact = rng.integers(-(2**23), 2**23, 500) / 2.0**23
    for samples, refused in ((exact, False), (exact + 2.0**-26, True)):
        through_file = wav(encode(samples, encoding, "<"), encoding)
        if refused and encoding == "FLOAT":
            through_file = wav(encode(samples / 3, encoding, "<"), encoding)
        if refused:
            with pytest.raises(InputError, match=rf"\({kind}.* need more than the 24 bits of FLAC"):
                through(here, through_file, names=("a.wav", "c.flac"))
            assert not (here / "c.flac").exists()
        else:
            through(here, through_file, names=("a.wav", "b.flac"))
            np.testing.assert_array_equal(soundfile.read("b.flac")[0], samples)


# --- the other parts of a file -------------------------------------------------------------------

BEFORE = [
    (b"LIST", info(INAM="Hum", IART="Ö")),
    (b"bext", bytes(602)),
    (b"JUNK", b"odd"),
    (b"fact", struct.pack("<I", 4)),
]
AFTER = [
    (b"cue ", struct.pack("<I", 1) + struct.pack("<II4sIII", 1, 2, b"data", 0, 0, 2)),
    (b"LIST", b"adtl" + chunk(b"labl", struct.pack("<I", 1) + b"here\0")),
    (b"smpl", bytes(36)),
    (b"iXML", b"<BWFXML/>"),
    (b"id3 ", b"ID3\4\0\0\0\0\0\0"),
    (b"what", b"unknown"),
]


@pytest.mark.parametrize("order", ["<", ">"])
def test_other_chunks_are_kept_byte_by_byte(here, rng, order):
    data = rng.bytes(2 * 999)
    file = wav(data, before=BEFORE, after=AFTER, order=order)
    assert through(here, file) == (file, ())
    out, _ = through(here, file, "gaussian-blur")
    assert len(out) == len(file)
    at = file.index(data)
    assert out[:at] == file[:at]
    assert out[at + len(data) :] == file[at + len(data) :]
    assert out[at : at + len(data)] != data


def test_bytes_after_the_last_chunk_are_kept(here):
    file = wav(bytes(10), after=AFTER) + b"TAG"
    assert through(here, file) == (file, ())


@pytest.mark.parametrize("mask", [0, 0x3F, 0x60F])
def test_loudspeakers_are_kept(here, rng, mask):
    file = wav(rng.bytes(600), channels=6, mask=mask)
    assert through(here, file) == (file, ())
    flac, cautions = through(here, file, names=("a.wav", "b.flac"))
    assert cautions == ()
    back, _ = through(here, flac, names=("b.flac", "c.wav"))
    assert back == wav(rng.bytes(0) + file[-600:], channels=6, mask=mask or 0x60F)


def test_rf64(here, rng):
    data = rng.bytes(300)
    riff = wav(data, "PCM_24", after=AFTER)
    sizes = struct.pack("<QQQI", len(riff) - 8 + 36, len(data), 100, 0)
    data_at = riff.index(b"data")
    file = b"".join(
        [
            b"RF64\xff\xff\xff\xffWAVE",
            chunk(b"ds64", sizes),
            riff[12 : data_at + 4],
            b"\xff\xff\xff\xff",
            riff[data_at + 8 :],
        ]
    )
    assert through(here, file) == (file, ())
    assert soundfile.info("b.wav").frames == 100


def test_the_peak_chunk_is_that_of_the_new_samples(here, rng):
    soundfile.write("a.wav", rng.uniform(-1, 1, (500, 2)), 8000, subtype="FLOAT")
    file = (here / "a.wav").read_bytes()
    assert b"PEAK" in file
    assert through(here, file) == (file, ())
    out, _ = through(here, file, "gaussian-blur[width=5]")
    samples = np.abs(soundfile.read("b.wav", dtype="float32")[0])
    at = out.index(b"PEAK") + 16
    peaks = [struct.unpack("<fI", out[at + 8 * i : at + 8 * i + 8]) for i in range(2)]
    assert peaks == [(samples[:, i].max(), samples[:, i].argmax()) for i in range(2)]


def test_a_chunk_computed_from_the_samples_becomes_empty_space(here):
    file = wav(bytes(8), before=[(b"levl", bytes(20))], after=[(b"MD5 ", bytes(16))])
    out, cautions = through(here, file)
    assert cautions == ("not kept, because it was computed from the old samples: levl, MD5",)
    assert out == file.replace(b"levl", b"JUNK").replace(b"MD5 ", b"JUNK")


def test_tags_are_translated_to_flac_and_the_rest_is_named(here, rng):
    flac, cautions = through(
        here, wav(rng.bytes(200), before=BEFORE, after=AFTER), names=("a.wav", "b.flac")
    )
    assert cautions == (
        "not kept in FLAC: bext, cue points (cue), labels (adtl), smpl, iXML, ID3 tag (id3), what",
    )
    with soundfile.SoundFile("b.flac") as sound:
        assert (sound.title, sound.artist) == ("Hum", "Ö")
    _, cautions = through(here, flac, names=("b.flac", "c.wav"))
    assert cautions == ()
    with soundfile.SoundFile("c.wav") as sound:
        assert (sound.title, sound.artist) == ("Hum", "Ö")


def tagged_flac(samples, prefix=b""):
    """Return a FLAC file with comments, a picture, a cue sheet, application data and padding."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 8000, "PCM_16", format="FLAC")
    buffer.seek(0)
    plain = parse_flac(buffer, "a.flac")
    comments = comment_block({"TITLE": "Hum", "GENRE": "noise", "MOOD": "odd"}, 0x30)
    picture = struct.pack(">II9sI16xI", 3, 9, b"image/png", 0, 3) + b"PNG"
    lead_out = struct.pack(">QB27x", len(samples), 170)
    blocks = [
        plain.blocks[0],
        (COMMENTS, comments),
        (PICTURE, picture),
        (CUESHEET, bytes(136) + bytes(259) + b"\1" + lead_out),
        (2, b"riffdata"),
        (1, bytes(100)),
    ]
    return metadata(prefix, blocks) + buffer.getvalue()[plain.audio :]


@pytest.mark.parametrize("prefix", [b"", b"ID3\4\0\0\0\0\0\3abc"])
def test_metadata_of_flac_are_kept(here, rng, prefix):
    file = tagged_flac(rng.uniform(-0.5, 0.5, (300, 2)), prefix)
    assert through(here, file, names=("a.flac", "b.flac")) == (file, ())
    out, _ = through(here, file, "gaussian-blur", ("a.flac", "b.flac"))
    old, new = (parse_flac(io.BytesIO(one), "a.flac") for one in (file, out))
    assert (new.prefix, new.blocks[1:]) == (old.prefix, old.blocks[1:])
    wave, cautions = through(here, file, names=("a.flac", "b.wav"))
    lost = "MOOD, application data, cue sheet, picture" + (", ID3 tag" if prefix else "")
    assert cautions == (f"not kept in WAV: {lost}",)
    assert struct.unpack("<I", wave[40:44]) == (0x30,)
    assert wave.count(b"Hum\0") == wave.count(b"noise\0") == 1


def test_comments():
    block = comment_block({"TITLE": "a=b"}, 5)
    assert parse_comments(block) == ({"TITLE": "a=b"}, 5, [])
    assert parse_comments(block[:-3])[0] == {"TITLE": "a=b"}
    assert parse_comments(block.replace(b"0x0005", b"nosuch")) == ({"TITLE": "a=b"}, None, [])
    assert MASK.encode() in block


# --- unusual files -------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFF000, 0])
def test_a_stream_without_a_length_is_read_to_its_end(here, rng, length):
    """As written by a program that cannot seek back, or was killed."""
    data = rng.bytes(301)
    whole = wav(data, "PCM_24")
    riff = 0 if length == 0 else 0xFFFFFFFF
    file = b"".join(
        [b"RIFF", struct.pack("<I", riff), whole[8:40], struct.pack("<I", length), data]
    )
    (here / "a.wav").write_bytes(file)
    assert read(here / "a.wav").notes == (
        "its header states no length: read to the end of the file",
    )
    expected = wav(data[:300], "PCM_24")
    out, _ = through(here, file)
    assert out[44:344] == expected[44:]
    assert out[40:44] == expected[40:44]
    assert struct.unpack("<I", out[4:8]) == (len(out) - 8,)
    assert soundfile.info("b.wav").frames == 100


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            wav(bytes(100))[:-20],
            "is truncated: its header declares 100 bytes of sound, and it has 80",
        ),
        (wav(bytes(9))[:20], "it ends in its header|chunk b'fmt ' is truncated"),
        (b"RIFF\4\0\0\0WAVE", "it must have a chunk 'fmt ' and one chunk 'data'"),
        (b"RIFF\4\0\0\0AVI ", "its type is b'AVI ', not b'WAVE'"),
        (wav(b"", after=[(b"data", b"")]), "it must have a chunk 'fmt ' and one chunk 'data'"),
        (wav(bytes(8), before=[(b"data", b"")]), "and one chunk 'data'"),
        (wav(bytes(8)).replace(b"\1\0\1\0", b"\1\0\0\0", 1), "has 0 channels"),
        (wav(bytes(8), mask=3).replace(GUID, bytes(14)), "WAVEX with sub-format"),
        (wav(bytes(8)).replace(b"\x10\0data", b"\x0c\0data"), None),
        (wav(bytes(8)).replace(b"\x10\0data", b"\x18\0data"), "WAV with 24 bits in 2 bytes"),
    ],
)
def test_damaged_files_are_refused_in_one_line(here, data, message):
    (here / "a.wav").write_bytes(data)
    if message is None:  # 12 bits in 2 bytes
        assert read(here / "a.wav").batch.shape == (1, 1, 4)
    else:
        with pytest.raises(InputError, match=message) as caught:
            read(here / "a.wav")
        assert "\n" not in str(caught.value)


# --- what is replaced ----------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_force_keeps_links_and_modes(here, rng):
    file = wav(rng.bytes(100))
    (here / "a.wav").write_bytes(file)
    (here / "there").mkdir()
    old = here / "there" / "old.wav"
    old.write_bytes(b"old")
    old.chmod(0o640)
    (here / "b.wav").symlink_to("there/old.wav")
    denoise_file(here / "a.wav", here / "b.wav", "noisy", force=True)
    assert (here / "b.wav").is_symlink()
    assert old.read_bytes() == file
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    before = os.umask(0o027)
    try:
        denoise_file(here / "a.wav", here / "new.wav", "noisy")
    finally:
        os.umask(before)
    assert stat.S_IMODE((here / "new.wav").stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("kind", ["symbolic", "hard", "chain"])
def test_the_input_is_never_overwritten_through_a_link(here, rng, kind):
    file = wav(rng.bytes(100))
    (here / "a.wav").write_bytes(file)
    if kind == "hard":
        (here / "b.wav").hardlink_to(here / "a.wav")
    else:
        (here / "c.wav").symlink_to("a.wav")
        (here / "b.wav").symlink_to("c.wav" if kind == "chain" else "a.wav")
    with pytest.raises(InputError, match="is the input: it is never overwritten"):
        denoise_file(here / "a.wav", here / "b.wav", "gaussian-blur", force=True)
    assert (here / "a.wav").read_bytes() == file
