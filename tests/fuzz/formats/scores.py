"""Tables of scores that ``sigbench rank`` reads, ranks and shows."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import strategies as st

from fuzz.formats.table import CELLS, ENCODINGS
from fuzz.target import Target
from sigbench.benchmark.rank.json_output import as_json
from sigbench.benchmark.rank.page import as_page
from sigbench.benchmark.rank.rank import rank_scores
from sigbench.benchmark.rank.read import read_scores
from sigbench.benchmark.rank.text import as_markdown


def read(path: Path) -> object:
    ranking = rank_scores(read_scores(path))
    json.dumps(as_json(ranking), allow_nan=False)
    return as_markdown(ranking), as_page(ranking)


def good() -> list[bytes]:
    return [
        b"method,item,value\na,x,1\na,y,2\nb,x,3\nb,y,5\na,z,1e3\nb,z,-2\n",
        b"dataset;model;score;group\nd;a;1;g\nd;b;2;g\ne;a;2;h\ne;b;2;h\nf;a;1;g\nf;b;2;g\n",
        b"\xef\xbb\xbfitem\ta\tb\tc\r\nx\t1\t2\t3\r\ny\t4\t\t5\r\nz\t1\t2\t2.5\r\n",
        b'model,"A, WER",B WER,Avg\n"m 1",1,2,1.5\nm2,2,3,2.5\nm3,2,2,2\n',
        b"a,b\nx,1,2\ny,2,1\nz,3,5\n",
    ]


HEADERS = st.lists(
    st.sampled_from(["method", "item", "dataset", "group", "value", "a", "b", "", "mean", "wer"]),
    min_size=1,
    max_size=6,
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers(-3, 3).map(str)
ROWS = st.lists(st.lists(NUMBERS | NUMBERS | CELLS, min_size=1, max_size=6), max_size=9)
TEXTS = st.builds(
    lambda header, rows, mark: "\n".join(
        mark.join(row[: len(header)] + ["1"] * (len(header) - len(row))) for row in [header, *rows]
    ),
    HEADERS,
    ROWS,
    st.sampled_from([",", ";", "\t", "|", " "]),
)

SCORES = NUMBERS | st.sampled_from(["1e308", "-1e308", "1e-320", "0.1", "0.3", ""])
WIDE = st.integers(2, 5).flatmap(
    lambda k: st.builds(
        lambda first, rows: "\n".join(
            [
                ",".join([first, *(f"m{i}" for i in range(k))]),
                *(",".join([f"x{j}", *row]) for j, row in enumerate(rows)),
            ]
        ),
        st.sampled_from(["item", "dataset", "", "method"]),
        st.lists(st.lists(SCORES, min_size=k, max_size=k), min_size=2, max_size=9),
    )
)

TARGET = Target(
    "scores.csv",
    read,
    good,
    tokens=(b",", b";", b"\t", b'"', b"\r\n", b"method", b"dataset", b"value", b"1e308", b"-1e308"),
    strategy=st.builds(lambda text, code: text.encode(code, "replace"), TEXTS, ENCODINGS)
    | WIDE.map(str.encode),
    modules=("jinja2", "scipy.stats"),
)
