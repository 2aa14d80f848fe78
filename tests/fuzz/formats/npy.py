"""NumPy arrays."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import strategies as st

from fuzz.target import Target
from sigbench.core.media import read

DTYPES = ("<f8", "<f4", ">f8", "|u1", "<i2", "<u2", "<i4", "|b1", "<c16", "|O", "|V0", "<U9999999")
SHAPES = (
    "(3,)",
    "(2, 3)",
    "()",
    "(0,)",
    "(-1,)",
    "(3, -2)",
    "(4611686018427387904,)",
    "(2, 9223372036854775807)",
    "(99999999999999999999999,)",
    "(1.5,)",
    "(True,)",
    "3",
    "None",
    "(1,)*99",
    "('3',)",
)


def good() -> list[bytes]:
    arrays = [np.arange(6, dtype=dtype) for dtype in ("<f8", "<f4", ">f4", "u1", "<i2", "<u2")]
    arrays += [np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))]
    return [saved(array) for array in arrays]


def saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def with_header(header: str, version: int = 1, data: bytes = bytes(48)) -> bytes:
    """Return a file with any header."""
    text = header.encode("latin-1" if version < 3 else "utf-8", "replace")
    width = 2 if version == 1 else 4
    length = min(len(text), 256**width - 1).to_bytes(width, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


HEADERS = st.builds(
    lambda descr, order, shape, end: (
        f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}{end}"
    ),
    st.sampled_from([repr(d) for d in DTYPES] + ["[('a', '<f8')]", "1"])
    | st.just(500).map(lambda n: "'" + "(" * n + "'")
    | st.text(max_size=9).map(repr),
    st.sampled_from(["True", "False", "1", "None", "'no'"]),
    st.sampled_from(SHAPES),
    st.sampled_from(["\n", "", "\x00", "}", "#"]) | st.just(70000).map(" ".__mul__),
)
ODD = st.sampled_from(["", "[]", "{}", "__import__('os').system('true')"]) | st.builds(
    lambda mark, n: mark * n, st.sampled_from("([{-"), st.integers(1, 9000)
)
FILES = st.builds(with_header, HEADERS | ODD, st.integers(1, 3), st.binary(max_size=100))

TARGET = Target(
    "case.npy",
    read,
    good,
    tokens=(b"'descr'", b"'shape'", b"(", b")", b"|O", b"<f8", b"<U9", b"True"),
    strategy=FILES,
)
