"""Tables of numbers."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from fuzz.target import Target
from sigbench.core.media import read


def read_and_write(path: Path) -> None:
    """Read a table, and write the same values: the bytes must be the same."""
    content = read(path)
    if content.encode(content.batch.copy(), ".csv") != path.read_bytes():
        raise AssertionError("the bytes differ")


def good() -> list[bytes]:
    return [
        b"1\n2\n3\n",
        b"t;left;right\n0.0;1;2\n0.1;3;-4e1\n0.2;5;6\n",
        b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4\r\n",
        b'"x","y"\n"1","2"\n"3","4"\n',
        b"1 2\r3 4\r5 6",
        "größe\tzeit\n1.5\t2.5\n".encode(),
        "t [s];µm\r\n0,0;1.234,5\r\n0,1;\r\n0,2;2,5\r\n".encode("latin-1"),
        b"# log\ndate,a,status\n2024-03-01 12:00:00.5,1e3,OK\n2024-03-01T12:00:01Z,-,E 5\n# end\n",
        b"  t   a\n 0.0  1.50\n 0.1 12.50\n",
        "ts,a\n1700000000123456789,3\n1700000000124456789,4\n".encode("utf-16"),
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
    "n/a",
    "2024-02-30",
    "12:61",
    "31/12/9999 23:59",
    "#",
    "1.234,5",
    '"1,5"',
    "1 234",
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
    read_and_write,
    good,
    tokens=(b",", b";", b"\t", b'"', b"\r", b"\r\n", b"1_0", b"nan", b"\xff\xfe", b"\xe2\x80\xa8"),
    strategy=st.builds(lambda text, code: text.encode(code, "replace"), TEXTS | LONG, ENCODINGS),
)
