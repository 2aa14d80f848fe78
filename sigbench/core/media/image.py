"""PNG and JPEG files: whichever of the two a file is, whatever its name."""

from __future__ import annotations

from pathlib import Path

from sigbench.core.errors import InputError
from sigbench.core.media.content import Content, decoding
from sigbench.core.media.jpeg import START, read_jpeg
from sigbench.core.media.png import read_png
from sigbench.core.media.png_chunks import SIGNATURE

OTHERS = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"RIFF": "WebP or WAV",
    b"%!PS": "PostScript",
    b"%PDF": "PDF",
}


def read_image(path: Path) -> Content:
    """Read a PNG or JPEG file.

    Raises
    ------
    InputError
        If it is neither, is damaged, has several frames or an unsupported color mode.
    """
    data = path.read_bytes()
    # Only these two decoders are used: others start programs, such as Ghostscript.
    with decoding(path, "an image"):
        if data.startswith(SIGNATURE):
            picture = read_png(path, data)
        elif data.startswith(START):
            picture = read_jpeg(path, data)
        else:
            kinds = [name for magic, name in OTHERS.items() if data.startswith(magic)]
            found = f"it is a {kinds[0]} file" if kinds else "it is neither PNG nor JPEG"
            raise InputError(f"{path} cannot be read as an image: {found}")
    return picture.content(path)
