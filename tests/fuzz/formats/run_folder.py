"""The files of a run folder: manifest, failures and cells."""

from __future__ import annotations

import functools
import io
import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.target import MB, Target
from fuzz.trees import as_json, changed, random_files
from sigbench import load, run_suite
from sigbench.benchmark.compare import compare
from sigbench.benchmark.report.board import board_text
from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store.cells import read_cells, read_tables, read_values
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.benchmark.verify.verify import Selection, plan
from sigbench.core.errors import InputError

TINY = Path(__file__).parents[2] / "tiny.toml"


@functools.cache
def run_files() -> dict[str, bytes]:
    """Return the files of a good run: two cells and a failure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        run_suite(load(str(TINY)).select(seeds=[1], items=3, methods=["noisy", "blur"]), path)
        failure = {
            "suite": "tiny",
            "problem": "sparse-spikes",
            "seed": 2,
            "method": "a b",
            "error": "ValueError: x",
            "cell_key": "k",
        }
        (path / "failures.jsonl").write_text(
            json.dumps(failure) + "\n" + json.dumps(failure) + "\n"
        )
        names = [file for file in path.rglob("*") if file.is_file() and file.name[0] != "."]
        return {str(file.relative_to(path)): file.read_bytes() for file in names}


def whole_folder(name: str | None = None) -> Callable[[Path], Any]:
    """Return a reader that completes the folder of a case, and reads it as the commands do.

    The case is the file ``name``, by default the first file of cells.
    """

    def read(path: Path) -> None:
        folder = path.parent / "run"
        outside = path.parent / "mine.txt"
        outside.write_text("mine")
        for own, data in run_files().items():
            file = folder / own
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(path.read_bytes() if own == (name or first_cell()) else data)
        (folder / "notes.txt").write_text("mine")
        errors = []
        for step in (planned, write_reports, board_text_of, compared, fresh):
            try:
                step(folder)
            except InputError as error:
                errors.append(error)
        assert outside.read_text() == (folder / "notes.txt").read_text() == "mine"
        if errors:
            raise errors[0]

    return read


def planned(folder: Path) -> None:
    """Verify all but the values."""
    plan(folder, Selection(3, 0, 60.0), check_data=lambda kinds: {}, trust_code=False)


def board_text_of(folder: Path) -> None:
    board_text(RunFolder(folder))


def compared(folder: Path) -> None:
    compare(folder, "noisy", "blur")


def fresh(folder: Path) -> None:
    """Delete what the manifest lists, as ``--fresh`` does."""
    RunFolder(folder).manifest.delete_files()


def read_cell_file(path: Path) -> None:
    """Read a file of cells in every way."""
    cells = read_cells(path)
    for _, table in read_tables(cells):
        table.to_pylist()
    list(read_values(cells))


@functools.cache
def cell_files() -> list[bytes]:
    return [data for name, data in run_files().items() if name.startswith("cells/")]


def first_cell() -> str:
    return min(name for name in run_files() if name.startswith("cells/"))


def _random_cell(rng: Random) -> bytes:
    """Return a file of cells with changed metadata, types, columns, rows or codec."""
    table = pq.read_table(io.BytesIO(rng.choice(cell_files())))
    about = json.loads(table.schema.metadata[b"sigbench"])
    action = rng.choice(
        ("about", "about", "about", "type", "drop", "rows", "values", "codec", "bomb")
    )
    codec = "snappy"
    if action == "about":
        about = changed(about, rng)
    name = rng.choice(table.column_names)
    place = table.column_names.index(name)
    if action == "type":
        kind = rng.choice((pa.string(), pa.float32(), pa.int8(), pa.large_string(), pa.binary()))
        try:
            table = table.set_column(place, name, table[name].cast(kind))
        except (pa.ArrowException, ValueError):
            table = table.set_column(place, name, pa.array([[1]] * len(table)))
    elif action == "drop":
        table = table.remove_column(place)
        if rng.random() < 0.3:
            table = table.append_column(name + "x", pa.array([None] * len(table)))
    elif action == "rows":
        table = rng.choice((table.slice(1), pa.concat_tables([table] * 3), table.slice(0, 0)))
    elif action == "values":
        odd = rng.choice((math.nan, math.inf, -math.inf, None, 1e308))
        values = table["value"].to_pylist()
        values[rng.randrange(len(values))] = odd
        place = table.column_names.index("value")
        table = table.set_column(place, "value", pa.array(values, pa.float64()))
    elif action == "codec":
        codec = rng.choice(("gzip", "zstd", "brotli", "none"))
    elif action == "bomb":
        return _bomb(about, rng)
    table = table.replace_schema_metadata({"sigbench": as_json(about)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression=codec, write_page_checksum=True)
    return buffer.getvalue()


def _bomb(about: Any, rng: Random) -> bytes:
    """Return a small file of many rows, or of long words that are repeated."""
    items = rng.choice((1000, 10**5))
    for cell in about:
        cell["timing"]["items"] = items
    rows = sum(items * len(cell["metrics"]) for cell in about)
    word = "g" * rng.choice((1, 1000, 10**5))
    about[0]["params"] = word
    columns = {}
    for name in pq.read_schema(io.BytesIO(cell_files()[0])).names:
        if name in ("seed", "item", "value"):
            kind = pa.float64() if name == "value" else pa.int64()
            columns[name] = pa.array([1] * rows, kind)
        else:
            columns[name] = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), [word])
    table = pa.table(columns).replace_schema_metadata({"sigbench": as_json(about)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _random_failures(rng: Random) -> bytes:
    lines = [json.loads(line) for line in run_files()["failures.jsonl"].splitlines()]
    return b"".join(as_json(changed(line, rng)) + b"\n" for line in lines)


def _random_manifest(rng: Random) -> bytes:
    return as_json(changed(json.loads(run_files()["manifest.json"]), rng))


MANIFEST = Target(
    "case.json",
    whole_folder("manifest.json"),
    lambda: [run_files()["manifest.json"]],
    tokens=(b'"suite"', b'"../x"', b'"files"', b"null", b"{}", b"[]", b"NaN", b"1e999"),
    strategy=random_files(_random_manifest),
    memory=256 * MB,
    per_byte=1000,
)
FAILURES = Target(
    "case.jsonl",
    whole_folder("failures.jsonl"),
    lambda: [run_files()["failures.jsonl"]],
    tokens=(b'"seed"', b"\n", "\u2028".encode(), b"null", b"{}", b"[]", b"NaN"),
    strategy=random_files(_random_failures),
    memory=256 * MB,
    per_byte=1000,
)
CELLS = Target(
    "case.parquet",
    read_cell_file,
    cell_files,
    tokens=(b"PAR1", b"sigbench", b'"items"', b"ARROW:schema"),
    strategy=random_files(_random_cell),
    memory=128 * MB,
    per_byte=1500,
)
CELL_FOLDER = Target(
    "case.parquet",
    whole_folder(),
    lambda: [run_files()[first_cell()]],
    tokens=(b"PAR1", b"sigbench", b'"items"', b"ARROW:schema"),
    strategy=random_files(_random_cell),
    memory=256 * MB,
    per_byte=1500,
)
