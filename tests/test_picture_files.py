"""Pictures come back as they were: byte for byte if no pixel changes, otherwise all but the pixels."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

import sigbench
from sigbench import InputError
from sigbench.core.errors import Caution
from sigbench.core.media import read, write

RNG = np.random.default_rng(7)
GRAY = RNG.integers(0, 256, (20, 37), dtype=np.uint8)
COLOR = RNG.integers(0, 256, (20, 37, 3), dtype=np.uint8)
RGBA = RNG.integers(0, 256, (20, 37, 4), dtype=np.uint8)
WIDE = RNG.integers(0, 2**16, (20, 37, 3), dtype=np.uint16)
STACK = RNG.integers(0, 4000, (5, 20, 37), dtype=np.uint16)
ICC = bytes(128) + b"profile" * 30


# PNG files, written by Pillow or chunk by chunk, so that every chunk is known.


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def chunks_of(data):
    """Return (kind, body) of each chunk of a PNG file."""
    out, at = [], 8
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        out.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return out


def png(rows, depth, color, before=(), after=(), width=37, lace=0):
    """Return a PNG file from rows of bytes."""
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    ihdr = struct.pack(">IIBBBBB", width, len(rows), depth, color, 0, 0, lace)
    parts = [(b"IHDR", ihdr), *before, (b"IDAT", pixels), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def big(pixels):
    return [row.astype(">u2").tobytes() for row in pixels]


METADATA = (
    (b"gAMA", struct.pack(">I", 45455)),
    (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    (b"pHYs", struct.pack(">IIB", 11811, 5906, 1)),
    (b"tIME", struct.pack(">HBBBBB", 2024, 2, 29, 12, 30, 5)),
    (b"tEXt", b"Author\0A. Person"),
    (b"zTXt", b"Comment\0\0" + zlib.compress(b"long " * 50)),
    (b"iTXt", b"Title\0\0\0en\0\0" + "größe".encode()),
    (b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"),
    (b"prVt", b"private, safe to copy"),
)
PROFILE = (b"iCCP", b"name\0\0" + zlib.compress(ICC))


def saved(pixels, form="PNG", mode=None, **options):
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(buffer, form, **options)
    return buffer.getvalue()


def tiff(pixels, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def with_exif(orientation):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker"
    return exif.tobytes()


def mpo():
    buffer = io.BytesIO()
    first, second = Image.fromarray(COLOR), Image.fromarray(255 - COLOR)
    first.save(buffer, "MPO", save_all=True, append_images=[second])
    return buffer.getvalue()


def pillow_tiff(pixels, compression, **tags):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for code, value in tags.items():
        info[int(code[1:])] = value
    return saved(pixels, "TIFF", compression=compression, tiffinfo=info, dpi=(300, 150))


def pyramid():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(GRAY, subifds=1, metadata=None)
        file.write(GRAY[::2, ::2], subfiletype=1, metadata=None)
    return buffer.getvalue()


def thumbnail():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(COLOR, photometric="rgb", metadata=None)
        file.write(COLOR[::4, ::4], photometric="rgb", metadata=None, subfiletype=1)
    return buffer.getvalue()


def premultiplied(dtype=np.uint8):
    alpha = RNG.integers(0, 256, (20, 37, 1)) * (np.iinfo(dtype).max // 255)
    alpha[:4] = 0
    colors = RNG.uniform(0, 1, (20, 37, 3)) * alpha
    colors[:4] = 7  # hidden values
    pixels = np.concatenate([np.round(colors), alpha], -1).astype(dtype)
    return tiff(pixels, photometric="rgb", extrasamples=["assocalpha"])


RGB16_ALPHA = np.concatenate([WIDE, WIDE[..., :1] | 1], axis=-1)
PALETTE = np.arange(0, 256, 85, dtype=np.uint8)
TAGGED = {"t270": "a photograph", "t305": "software 1.0", "t306": "2024:02:29 12:30:05", "t274": 6}

FILES = {
    "gray.png": png(GRAY, 8, 0, METADATA),
    "color.png": png(COLOR.reshape(20, -1), 8, 2, (PROFILE, *METADATA)),
    "srgb.png": png(COLOR.reshape(20, -1), 8, 2, [(b"sRGB", b"\0")], [(b"tEXt", b"Late\0text")]),
    "alpha.png": png(RGBA.reshape(20, -1), 8, 6, METADATA),
    "gray-16.png": png(big(WIDE[..., 0]), 16, 0, METADATA),
    "gray-alpha-16.png": png(big(WIDE[..., :2].reshape(20, -1)), 16, 4, METADATA),
    "color-16.png": png(big(WIDE.reshape(20, -1)), 16, 2, METADATA),
    "color-alpha-16.png": png(big(RGB16_ALPHA.reshape(20, -1)), 16, 6, METADATA),
    "key.png": png(GRAY // 16, 8, 0, [(b"tRNS", b"\0\3")]),
    "color-key.png": png(
        (COLOR // 128).reshape(20, -1), 8, 2, [(b"tRNS", struct.pack(">3H", 1, 0, 1))]
    ),
    "key-16.png": png(big(WIDE[..., 0] // 9000), 16, 0, [(b"tRNS", b"\0\3")]),
    "one-bit.png": png(np.packbits(GRAY > 99, axis=1), 1, 0, METADATA),
    "two-bits.png": png(GRAY[:, :10], 2, 0),
    "four-bits.png": png(GRAY[:, :19], 4, 0),
    "palette.png": png(GRAY // 64, 8, 3, [(b"PLTE", bytes(range(12)))]),
    "palette-alpha.png": png(GRAY // 64, 8, 3, [(b"PLTE", bytes(range(12))), (b"tRNS", b"\0\x80")]),
    "photo.jpg": saved(
        COLOR,
        "JPEG",
        quality=83,
        exif=with_exif(6),
        icc_profile=ICC,
        dpi=(300, 300),
        comment="a comment",
        xmp=b"<x:xmpmeta/>",
    ),
    "progressive.jpg": saved(COLOR, "JPEG", progressive=True, subsampling=2, quality=70),
    "gray.jpg": saved(GRAY, "JPEG", quality=60, dpi=(72, 72)),
    "several.jpg": mpo(),
    "gray.tif": tiff(GRAY, description="text", software="lab", datetime=True),
    "pillow-lzw.tif": pillow_tiff(COLOR, "tiff_lzw", **TAGGED),
    "pillow-packbits.tif": pillow_tiff(GRAY, "packbits", **TAGGED),
    "pillow-deflate.tif": pillow_tiff(RGBA, "tiff_adobe_deflate", **TAGGED),
    "pillow-plain.tif": pillow_tiff(COLOR, None, **TAGGED),
    "bilevel.tif": saved(GRAY > 99, "TIFF"),
    "white-is-zero.tif": tiff(GRAY, photometric="miniswhite"),
    "palette.tif": saved(GRAY, "TIFF", mode="P"),
    "stack.tif": tiff(STACK, photometric="minisblack", compression="zlib"),
    "stack-of-colors.tif": tiff(np.stack([COLOR, COLOR[::-1]]), photometric="rgb"),
    "imagej.tif": tiff(
        STACK.reshape(5, 1, 20, 37),
        imagej=True,
        resolution=(2.5, 2.5),
        metadata={"axes": "TZYX", "unit": "um", "finterval": 0.1, "Labels": list("abcde")},
    ),
    "ome.ome.tif": tiff(
        STACK,
        ome=True,
        metadata={"axes": "ZYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm"},
    ),
    "big-endian.tif": tiff(STACK[0], byteorder=">", compression="zlib", predictor=2),
    "bigtiff-tiles.tif": tiff(
        WIDE, photometric="rgb", bigtiff=True, tile=(16, 16), compression="lzw", predictor=2
    ),
    "planes.tif": tiff(
        np.moveaxis(COLOR, -1, 0), photometric="rgb", planarconfig="separate", rowsperstrip=7
    ),
    "float.tif": tiff(GRAY / np.float32(255), compression="zlib", predictor=3, rowsperstrip=6),
    "double.tif": tiff(GRAY / 255, byteorder=">", compression="lzw", predictor=3),
    "half.tif": tiff((GRAY / 255).astype(np.float16)),
    "signed.tif": tiff(STACK[0].astype(np.int16) - 2000),
    "uint32.tif": tiff(STACK[0].astype(np.uint32) * 70000, compression="zlib", predictor=2),
    "twelve-bits.tif": tiff(STACK[0], bitspersample=12),
    "channels.tif": tiff(
        np.moveaxis(STACK, 0, -1), photometric="minisblack", planarconfig="contig"
    ),
    "geo.tif": tiff(
        GRAY,
        iccprofile=ICC,
        extratags=[(33550, 12, 3, (1.0, 1.0, 0.0), True), (42113, 2, None, "-9999", True)],
    ),
    "premultiplied.tif": premultiplied(),
    "premultiplied-16.tif": premultiplied(np.uint16),
    "pyramid.tif": pyramid(),
    "thumbnail.tif": thumbnail(),
}


@pytest.fixture
def file(here, request):
    (here / request.param).write_bytes(FILES[request.param])
    return here / request.param


def written(path, change):
    """Write a changed picture of the same format; return its path and the cautions."""
    content = read(path)
    out = path.with_name("out" + path.suffix)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", Caution)
        write(out, content, change(content.batch))
    return out, [str(one.message) for one in caught if one.category is Caution]


def halved(batch):
    """Another picture: not a small change, so that a forgotten strip or page is seen."""
    top = batch.max()
    return ((top - batch) / 2).astype(batch.dtype)


@pytest.mark.parametrize("file", FILES, indirect=True)
def test_a_file_is_byte_for_byte_the_same_if_no_pixel_changes(file):
    out, cautions = written(file, lambda batch: batch + batch.dtype.type(0))
    assert out.read_bytes() == file.read_bytes()
    assert cautions == []


@pytest.mark.parametrize("file", FILES, indirect=True)
def test_changed_pixels_are_stored(file):
    """Rounded to the nearest level that the file can hold; opacity and hidden pixels are kept."""
    before = read(file).batch
    out, _ = written(file, halved)
    after, wanted = read(out).batch, halved(before)
    assert after.dtype == before.dtype
    limits = {"one-bit.png": 127.5, "bilevel.tif": 127.5, "two-bits.png": 42.5}
    limits |= {"four-bits.png": 9, "float.tif": 1e-6, "double.tif": 1e-6, "half.tif": 1e-3}
    if file.suffix == ".jpg":
        assert np.abs(after - wanted).mean() < 30  # these are random colors
    elif "premultiplied" in file.name:
        alpha = tifffile.imread(file)[..., 3] / np.iinfo(tifffile.imread(file).dtype).max
        error = np.abs(after - wanted)[0] * alpha
        assert error.max() <= 0.51
    else:
        error = np.abs(after - wanted)
        transparent = any(word in file.name for word in ("alpha", "key", "pillow-deflate"))
        limit = limits.get(file.name, 0.501)
        assert (np.median(error) if transparent else error.max()) <= limit


@pytest.mark.parametrize("file", [name for name in FILES if name.endswith(".png")], indirect=True)
def test_chunks_of_png_are_kept(file):
    out, cautions = written(file, halved)
    before, after = chunks_of(file.read_bytes()), chunks_of(out.read_bytes())
    if file.name.startswith("palette"):
        assert cautions == ["not kept: the palette (the output has RGB colors)"]
        assert after[0][1][8:10] == bytes([8, 6 if "alpha" in file.name else 2])
        return
    assert cautions == []
    assert [one for one in after if one[0] != b"IDAT"] == [
        one for one in before if one[0] != b"IDAT"
    ]
    assert [kind for kind, _ in after] == [kind for kind, _ in before]  # in the same order
    with Image.open(file) as one, Image.open(out) as two:  # by a reader that is not ours
        one.load(), two.load()
        assert (one.mode, one.size, one.info) == (two.mode, two.size, two.info)
        if one.mode.endswith("A") and "16" not in file.name:
            alphas = [np.asarray(image)[..., -1] for image in (one, two)]
            np.testing.assert_array_equal(*alphas)


def test_unknown_chunks_that_depend_on_pixels_are_named(here):
    (here / "a.png").write_bytes(png(GRAY, 8, 0, [(b"sTER", b"\0"), (b"abCD", b"x")]))
    out, cautions = written(here / "a.png", halved)
    assert cautions == ["not kept: sTER, abCD"]
    assert b"sTER" not in out.read_bytes()


def test_transparent_color_of_png(here):
    """Transparent pixels stay transparent, and no other pixel becomes so."""
    (here / "a.png").write_bytes(FILES["key.png"])
    out, _ = written(here / "a.png", lambda batch: np.full_like(batch, 3))
    with Image.open(out) as image:
        values = np.asarray(image)
        assert image.info["transparency"] == 3
    np.testing.assert_array_equal(values, np.where(GRAY // 16 == 3, 3, 4))


@pytest.mark.parametrize("name", ["gray-alpha-16.png", "color-16.png", "color-alpha-16.png"])
def test_all_16_bits_are_read(here, name):
    (here / name).write_bytes(FILES[name])
    pixels = {"gray-alpha-16.png": WIDE[..., :1]}.get(name, WIDE)
    np.testing.assert_array_equal(np.moveaxis(read(here / name).batch[0], 0, -1), pixels)


def test_interlaced_png(here):
    """The seven passes of Adam7 (PNG specification, section 8.2), here with one pixel each."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    rows = [
        row for y, x, dy, dx in [*passes, (1, 0, 2, 1)] for row in GRAY[y::dy, x::dx] if row.size
    ]
    data = bytearray(png(GRAY, 8, 0, METADATA, lace=1))
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    at = data.index(b"IDAT")
    size = struct.unpack_from(">I", data, at - 4)[0]
    data[at - 4 : at + 8 + size] = chunk(b"IDAT", pixels)
    (here / "a.png").write_bytes(data)
    np.testing.assert_array_equal(read(here / "a.png").batch[0, 0], GRAY)
    out, _ = written(here / "a.png", lambda batch: batch)
    assert out.read_bytes() == bytes(data)
    out, _ = written(here / "a.png", lambda batch: 255 - batch)
    with Image.open(out) as image:
        np.testing.assert_array_equal(np.asarray(image), 255 - GRAY)
        assert image.text["Author"] == "A. Person"


@pytest.mark.parametrize("file", ["photo.jpg", "progressive.jpg", "gray.jpg"], indirect=True)
def test_metadata_of_jpeg_is_kept(file):
    out, cautions = written(file, halved)
    assert cautions == []
    with Image.open(file) as one, Image.open(out) as two:
        assert one.info == two.info
        assert (one.quantization, one.layer, one.mode) == (two.quantization, two.layer, two.mode)
        assert one.getexif() == two.getexif()
        assert [name for name, _ in one.applist] == [name for name, _ in two.applist]


def test_other_pictures_of_a_jpeg_are_named(here):
    (here / "a.jpg").write_bytes(FILES["several.jpg"])
    out, cautions = written(here / "a.jpg", halved)
    assert cautions == ["not kept: the other pictures of the file (MPO)"]
    with Image.open(out) as image:
        assert image.format == "JPEG"
    (here / "a.jpg").write_bytes(FILES["gray.jpg"] + b"a film of the phone")
    _, cautions = written(here / "a.jpg", halved)
    assert cautions == ["not kept: data after the end of the picture"]


# Tags that say where the pixels are, and how long they are.
PLACES = {"StripOffsets", "StripByteCounts", "TileOffsets", "TileByteCounts"}


@pytest.mark.parametrize(
    "file",
    [name for name in FILES if name.endswith(".tif") and name != "palette.tif"],
    indirect=True,
)
def test_tags_and_pages_of_tiff_are_kept(file):
    out, cautions = written(file, halved)
    assert len(cautions) == (file.name in ("pyramid.tif", "thumbnail.tif"))
    with tifffile.TiffFile(file) as one, tifffile.TiffFile(out) as two:
        assert (one.byteorder, one.is_bigtiff) == (two.byteorder, two.is_bigtiff)
        assert one.imagej_metadata == two.imagej_metadata
        assert one.ome_metadata == two.ome_metadata
        assert len(one.pages) == len(two.pages)
        for old, new in zip(one.pages, two.pages, strict=True):
            values = [
                {tag.name: tag.value for tag in page.tags if tag.name not in PLACES}
                for page in (old, new)
            ]
            assert values[0] == values[1]
        shapes = [[(part.axes, part.shape) for part in tif.series] for tif in (one, two)]
        assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    "file",
    [
        *("gray.tif", "pillow-lzw.tif", "pillow-packbits.tif", "pillow-deflate.tif"),
        *("pillow-plain.tif", "bilevel.tif", "white-is-zero.tif", "stack.tif", "imagej.tif"),
        *("big-endian.tif", "float.tif", "planes.tif", "geo.tif"),
    ],
    indirect=True,
)
def test_another_library_reads_the_tiff(file):
    """libtiff, by Pillow: compression, predictor and byte order are what the tags say."""
    content = read(file)
    out, _ = written(file, halved)
    with Image.open(file) as one, Image.open(out) as two:
        assert (one.n_frames, one.mode, dict(one.info)) == (two.n_frames, two.mode, dict(two.info))
        for page in range(one.n_frames):
            two.seek(page)
            pixels = np.asarray(two).astype(float)
            if file.name == "bilevel.tif":
                pixels *= 255
            wanted = np.moveaxis(read(out).batch[page], 0, -1).squeeze()
            if "pillow" in file.name:  # orientation 6: Pillow turns the picture
                wanted = np.rot90(wanted, -1)
            np.testing.assert_allclose(pixels[..., :3] if pixels.ndim == 3 else pixels, wanted)
    assert len(content.batch) == len(read(out).batch)


@pytest.mark.parametrize(
    ("name", "suffix", "cautions"),
    [
        ("gray-16.png", ".tif", ["not kept: gAMA, cHRM, tIME, tEXt, zTXt, iTXt, eXIf, prVt"]),
        ("color-16.png", ".tif", ["not kept: gAMA, cHRM, tIME, tEXt, zTXt, iTXt, eXIf, prVt"]),
        ("palette.png", ".jpg", []),
        ("alpha.png", ".tif", ["not kept: gAMA, cHRM, tIME, tEXt, zTXt, iTXt, eXIf, prVt"]),
        ("photo.jpg", ".png", ["not kept: EXIF or XMP, comment"]),
        ("photo.jpg", ".tiff", ["not kept: EXIF or XMP, comment"]),
        ("pillow-lzw.tif", ".png", ["not kept: ImageDescription, Software, DateTime"]),
        ("pillow-plain.tif", ".jpg", ["not kept: ImageDescription, Software, DateTime"]),
        ("white-is-zero.tif", ".png", ["not kept: ImageDescription, Software"]),
        ("palette.tif", ".png", []),
    ],
)
def test_another_format(here, name, suffix, cautions):
    """Pixels, opacity, profile, resolution and orientation are kept, and the rest is named."""
    (here / name).write_bytes(FILES[name])
    content = read(here / name)
    out = here / f"out{suffix}"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", Caution)
        write(out, content, content.batch)
    assert [str(one.message) for one in caught] == cautions
    if suffix != ".jpg":
        np.testing.assert_array_equal(read(out).batch, content.batch)
    with Image.open(here / name) as one, Image.open(out) as two:
        assert two.info.get("icc_profile") == one.info.get("icc_profile")
        if "dpi" in one.info and name != "palette.tif":  # that has a resolution without a unit
            assert two.info["dpi"] == pytest.approx(one.info["dpi"], rel=1e-3)
        if suffix != ".tiff":
            assert two.getexif().get(0x0112, 1) == one.getexif().get(0x0112, 1)


def test_a_palette_of_tiff_becomes_colors(here):
    (here / "a.tif").write_bytes(FILES["palette.tif"])
    out, cautions = written(here / "a.tif", halved)
    assert cautions == ["not kept: the palette (the output has RGB colors)"]
    np.testing.assert_allclose(read(out).batch, halved(read(here / "a.tif").batch), atol=0.51)


@pytest.mark.parametrize(
    ("name", "caution"),
    [
        ("pyramid.tif", "kept without denoising: 1 smaller copies of the picture (SubIFDs)"),
        ("thumbnail.tif", "kept without denoising: 1 pages of another size or type"),
    ],
)
def test_smaller_copies_are_kept_and_named(here, name, caution):
    (here / "a.tif").write_bytes(FILES[name])
    out, cautions = written(here / "a.tif", halved)
    assert cautions == [caution]
    with tifffile.TiffFile(here / "a.tif") as one, tifffile.TiffFile(out) as two:
        small = [(tif.pages[0].pages or tif.pages)[-1] for tif in (one, two)]
        np.testing.assert_array_equal(small[0].asarray(), small[1].asarray())


def test_a_strip_that_needs_more_bytes_goes_to_the_end(here):
    """Short byte counts become long ones when a strip exceeds 65,535 bytes."""
    zeros = np.zeros((300, 400), np.uint8)
    data = saved(zeros, "TIFF", compression="tiff_lzw")
    (here / "a.tif").write_bytes(data)
    noise = RNG.integers(0, 256, zeros.shape, dtype=np.uint8)
    out, cautions = written(here / "a.tif", lambda batch: noise[None, None].astype(batch.dtype))
    assert cautions == []
    with Image.open(out) as image:
        np.testing.assert_array_equal(np.asarray(image), noise)
    assert out.stat().st_size > 100_000 > len(data)


def test_premultiplied_colors_are_denoised_as_they_are_seen(here):
    """A gray plane under a varying opacity is flat; hidden values under opacity 0 are kept."""
    alpha = np.linspace(0, 255, 400).round().astype(np.uint8).reshape(20, 20, 1)
    colors = np.round(np.full((20, 20, 3), 200) * (alpha / 255)).astype(np.uint8)
    hidden = alpha[..., 0] == 0
    colors[hidden] = 9
    pixels = np.concatenate([colors, alpha], -1)
    tifffile.imwrite("a.tif", pixels, photometric="rgb", extrasamples=["assocalpha"])
    batch = read(here / "a.tif").batch
    assert np.abs(batch[0][:, alpha[..., 0] > 30] - 200).max() < 5
    out, _ = written(here / "a.tif", lambda batch: np.full_like(batch, 100))
    after = tifffile.imread(out)
    np.testing.assert_array_equal(after[..., 3:], alpha)
    np.testing.assert_array_equal(after[hidden][:, :3], pixels[hidden][:, :3])
    wanted = np.round(100 * (alpha / 255))[~hidden]
    np.testing.assert_allclose(after[~hidden][:, :3] - wanted, 0, atol=1)


def test_the_pages_of_a_stack_are_items(here):
    (here / "a.tif").write_bytes(FILES["stack.tif"])
    content = read(here / "a.tif")
    np.testing.assert_array_equal(content.batch[:, 0], STACK)
    assert content.notes == ("5 pages, each denoised on its own",)


@pytest.mark.parametrize(
    ("form", "name", "kind"),
    [("GIF", "a.png", "a GIF"), ("TIFF", "a.png", "a TIFF"), ("BMP", "a.jpg", "a BMP")],
)
def test_a_file_of_another_format_is_named(here, form, name, kind):
    (here / name).write_bytes(saved(GRAY, form))
    with pytest.raises(InputError, match=f"{name} cannot be read as an image: it is {kind} file"):
        read(here / name)


def test_an_imagej_stack_without_pages_is_refused(here):
    """ImageJ stores stacks above 4 GB as one page that is followed by all pixels."""
    data = FILES["imagej.tif"]
    first = data.index(b"images=5")
    data = data[:first] + b"images=9" + data[first + 8 :]
    (here / "a.tif").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.tif has 9 images, but 5 pages: save each as a page"):
        read(here / "a.tif")


def test_bits_of_bytes_in_reverse_order(here):
    """Fill order 2, as some fax programs write it."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, GRAY > 99, photometric="minisblack", metadata=None)
    data = bytearray(buffer.getvalue())
    at = data.index(struct.pack("<HHII", 277, 3, 1, 1))  # samples per pixel; 1 is the default
    data[at : at + 12] = struct.pack("<HHII", 266, 3, 1, 2)
    packed = np.packbits(GRAY > 99, axis=1).tobytes()
    at = data.index(packed)
    turned = np.packbits(np.unpackbits(np.frombuffer(packed, np.uint8)).reshape(-1, 8)[:, ::-1])
    data[at : at + len(packed)] = turned.tobytes()
    (here / "a.tif").write_bytes(data)
    np.testing.assert_array_equal(read(here / "a.tif").batch[0, 0], (GRAY > 99) * 255.0)
    out, _ = written(here / "a.tif", lambda batch: 255 - batch)
    with Image.open(out) as image:
        np.testing.assert_array_equal(np.asarray(image), GRAY <= 99)


def test_a_stack_is_not_an_item_of_a_dataset(here):
    (here / "a.tif").write_bytes(FILES["stack.tif"])
    with pytest.raises(InputError, match=r"a\.tif has 5 pages: it must have one"):
        sigbench.Folder(str(here)).size("test")
