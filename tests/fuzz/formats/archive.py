"""Archives and pickles of datasets that are fetched."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
import zlib
from pathlib import Path

from hypothesis import strategies as st

from fuzz.formats.sound import saved
from fuzz.target import MB, Target
from sigbench.datasets import ee559, voicebank_demand
from sigbench.datasets.safe_load import members, opcodes

WANTED = {"a/one": 1000, "a/two": 1000}
MAX_TAR = 1 << 20
NAMES = (
    b"a/one",
    b"/etc/x",
    b"../x",
    b"..\\x",
    b"C:/x",
    b"a/\xff",
    b"",
    b"./a/two",
    "ä\u202e".encode(),
)


def tarred(names: list[bytes], kind: bytes = tarfile.REGTYPE, size: int = 9) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in names:
            info = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
            info.type, info.size = kind, size
            archive.addfile(info, io.BytesIO(bytes(max(0, size))))
    return buffer.getvalue()


def read_tar(path: Path) -> None:
    for _ in members(path, WANTED, MAX_TAR):
        pass


def repacked(data: bytes) -> bytes:
    """Compress the mutated content again, so that the reader of the archive sees it."""
    try:
        plain = zlib.decompressobj(31).decompress(data, MAX_TAR)
    except zlib.error:
        plain = data
    return gzip.compress(plain, 1, mtime=0)


def with_sums(data: bytes) -> bytes:
    """Correct the checksum of each header of a tar archive."""
    out = bytearray(data)
    for at in range(0, len(out) - 511, 512):
        if out[at + 257 : at + 262] == b"ustar":
            out[at + 148 : at + 156] = b" " * 8
            out[at + 148 : at + 156] = b"%06o\0 " % sum(out[at : at + 512])
    return bytes(out)


TAR_FILES = st.builds(
    lambda names, kind, size, times: gzip.compress(
        with_sums(tarred([b"a/one", *names], kind, size) * times), 1, mtime=0
    ),
    st.lists(st.sampled_from(NAMES), max_size=4),
    st.sampled_from([b"0", b"1", b"2", b"3", b"5", b"6", b"L", b"K", b"x", b"g", b"S", b"V"]),
    st.sampled_from([0, 9, 600, 2000]),
    st.sampled_from([1, 2, 100]),
)
TAR = Target(
    "case.tar.gz",
    read_tar,
    lambda: [repacked(tarred([b"a/one", b"a/two"])), repacked(tarred([b"b", b"a/two", b"a/one"]))],
    strategy=TAR_FILES,
    repair=repacked,
)

PLAIN_TAR = Target(
    "case.tar.gz",
    lambda path: read_tar_plain(path),
    lambda: [tarred([b"a/one", b"a/two"]), tarred([b"a/two", b"x" * 200, b"a/one"])],
    tokens=(b"ustar  \0", b"ustar\0" + b"00", b"././@LongLink", b"GNU.sparse.map", *NAMES),
    repair=with_sums,
)


def read_tar_plain(path: Path) -> None:
    """Read a tar archive that is not compressed yet."""
    path.write_bytes(gzip.compress(path.read_bytes(), 1))
    read_tar(path)


def zipped(
    names: tuple[str, ...], content: bytes, compression: int = zipfile.ZIP_DEFLATED
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


CLIPS = ("x/a.wav", "x/b.wav", "__MACOSX/._a.wav", "x/")
ZIP_TOKENS = (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08", *NAMES)


def read_zip(path: Path) -> None:
    for member in voicebank_demand._clips(path).values():
        voicebank_demand._signal(path, member)


def read_torch(path: Path) -> None:
    ee559._check_archive(path, MB)


ZIP = Target(
    "case.zip",
    read_zip,
    lambda: [zipped(CLIPS, _clip()), zipped(CLIPS, _clip(), zipfile.ZIP_STORED)],
    tokens=ZIP_TOKENS,
    modules=("soundfile", "scipy.signal"),
)
TORCH = Target(
    "case.pkl",
    read_torch,
    lambda: [
        zipped(
            ("archive/data.pkl", "archive/data/0"), pickle.dumps(VALUES[1], 2), zipfile.ZIP_STORED
        )
    ],
    tokens=ZIP_TOKENS,
)


def _clip() -> bytes:
    wav = bytearray(saved("WAV", "PCM_16"))
    wav[24:28] = (48_000).to_bytes(4, "little")
    return bytes(wav)


VALUES = ({"data": b"x" * 300, "labels": [1, 2**40]}, ["ä", 1.5, None, (True,)], {1: {2: {3: {}}}})


def read_pickle(path: Path) -> None:
    for _ in opcodes(path.read_bytes(), ("numpy.dtype",)):
        pass


PICKLE = Target(
    "case.pkl",
    read_pickle,
    lambda: [
        pickle.dumps(value, 2).replace(b"c_codecs\nencode\n", b"cnumpy\ndtype\n")
        for value in VALUES
    ],
    tokens=(
        b"cos\nsystem\n",
        b"cnumpy\ndtype\n",
        b"R",
        b"\x80\x05",
        b"\x8e" + b"\xff" * 8,
        b"I1_0\n",
    ),
)
