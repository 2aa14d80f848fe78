"""Tables of numbers."""

from __future__ import annotations

from hypothesis import strategies as st

from fuzz.target import Target
from sigbench.core.media import read


def good() -> list[bytes]:
    return [
        b"1\n2\n3\n",
        b"t;left;right\n0.0;1;2\n0.1;3;-4e1\n0.2;5;6\n",
        b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4\r\n",
        b'"x","y"\n"1","2"\n"3","4"\n',
        b"1 2\r3 4\r5 6",
        "größe\tzeit\n1.5\t2.5\n".encode(),
    ]


ODD = (
    "nan",
    "inf",
    "-Infinity",
    "1_0",
    "0x1p3",
    "１",
    "٣",
    "1e",
    "",
    '"',
    "'1",
    "=1+1",
    "1,5",
    "\x00",
)
CELLS = st.floats().map(repr) | st.integers().map(str) | st.sampled_from(ODD) | st.text(max_size=4)
TEXTS = st.builds(
    lambda rows, mark, end: end.join(mark.join(row) for row in rows),
    st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6),
    st.sampled_from([",", ";", "\t", " "]),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\u2028", "\x0b", "\x85"]),
)
LONG = st.builds(
    lambda part, n: part * n, st.sampled_from(["1,", "1\n", '"', "9", ","]), st.integers(1, 99999)
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])

TARGET = Target(
    "case.csv",
    read,
    good,
    tokens=(b",", b";", b"\t", b'"', b"\r", b"\r\n", b"1_0", b"nan", b"\xff\xfe", b"\xe2\x80\xa8"),
    strategy=st.builds(lambda text, code: text.encode(code, "replace"), TEXTS | LONG, ENCODINGS),
)
