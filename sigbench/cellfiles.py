"""Files of finished cells: Parquet, one row group a cell, and in the metadata what it cost."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sigbench.errors import InputError
from sigbench.scores import Scores
from sigbench.work import Result

COLUMNS = (
    "suite",
    "problem",
    "dataset",
    "degradation",
    "seed",
    "method",
    "params",
    "knowledge",
    "metric",
    "item",
    "group",
    "value",
    "cell_key",
)
TIMINGS = (
    "problem",
    "seed",
    "method",
    "time_s",
    "items",
    "contended",
    "peak_rss_mb",
    "device",
    "n_params",
)

Row = tuple[str, int, str]  # problem, seed, method


@dataclass(frozen=True)
class Entry:
    """A finished cell: where it is, and what its file says of it."""

    path: Path
    row_group: int
    about: Mapping[str, Any]

    @property
    def row(self) -> Row:
        """Problem, seed and method."""
        return self.about["problem"], self.about["seed"], self.about["method"]


def encode_result(suite: str, result: Result) -> tuple[dict[str, Any], bytes]:
    """Return what a cell's file says of it, and the file."""
    about = _about(suite, result)
    return about, _encode([about], [_table(about, result)])


def rewritten(entries: Sequence[Entry]) -> bytes:
    """Return one file of cells that are in other files."""
    return _encode([entry.about for entry in entries], map(read, entries))


def encode_timings(timings: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the file of the cost of cells."""
    buffer = io.BytesIO()
    pq.write_table(pa.table({name: [row[name] for row in timings] for name in TIMINGS}), buffer)
    return buffer.getvalue()


def _about(suite: str, result: Result) -> dict[str, Any]:
    """Return what a file says of a cell beside its values."""
    cell = result.cell
    row = {"problem": cell.problem.name, "seed": cell.seed, "method": cell.method.name}
    return {
        "suite": suite,
        **row,
        **cell.problem.labels,
        "params": result.params,
        "knowledge": result.knowledge,
        "metrics": list(result.values),
        "method_key": cell.method.key,
        "cell_key": cell.key,
        "timing": {
            **row,
            "time_s": result.time_s,
            "items": len(result.items),
            "contended": result.contended,
            "peak_rss_mb": result.peak_rss_mb,
            "device": result.device,
            "n_params": result.n_params,
        },
    }


def _table(about: Mapping[str, Any], result: Result) -> pa.Table:
    """Return a cell as the table of the contract: metric after metric, item after item."""
    n, names = len(result.items), about["metrics"]
    rows = n * len(names)
    columns: dict[str, Any] = {
        key: pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), [about[key]])
        for key in COLUMNS
        if key not in ("seed", "metric", "item", "group", "value")
    }
    columns["seed"] = np.full(rows, about["seed"])
    columns["metric"] = pa.DictionaryArray.from_arrays(
        pa.array(np.repeat(np.arange(len(names), dtype=np.int32), n)), names
    )
    columns["item"] = pa.chunked_array([pa.array(result.items.astype(np.int64))] * len(names))
    columns["group"] = pa.chunked_array([pa.array(result.groups)] * len(names))
    columns["value"] = pa.chunked_array([pa.array(result.values[name]) for name in names])
    return pa.table({name: columns[name] for name in COLUMNS})


def _encode(about: list[Mapping[str, Any]], cells: Iterable[pa.Table]) -> bytes:
    """Return a file of cells, one row group each, and in its metadata what there is to say."""
    cells = iter(cells)
    first = next(cells).replace_schema_metadata({"sigbench": json.dumps(about)})
    text = [name for name in COLUMNS if name not in ("seed", "item", "value")]
    buffer = io.BytesIO()
    with pq.ParquetWriter(
        buffer,
        first.schema,
        use_dictionary=text,
        write_statistics=False,
        write_page_checksum=True,
    ) as writer:
        for table in itertools.chain([first], cells):
            writer.write_table(table.cast(first.schema), row_group_size=max(1, len(table)))
    return buffer.getvalue()


def entries_of(path: Path) -> list[Entry]:
    """Return the cells of a file."""
    try:
        metadata = pq.read_metadata(path)
        about = json.loads((metadata.metadata or {})[b"sigbench"])
        entries = [Entry(path, number, dict(of_cell)) for number, of_cell in enumerate(about)]
        if len(entries) != metadata.num_row_groups or any(len(e.row) != 3 for e in entries):
            raise ValueError("its cells are not what its metadata say")
    except (pa.ArrowInvalid, OSError, KeyError, ValueError, TypeError) as error:
        raise _unreadable(path, error) from None
    return entries


def read(entry: Entry, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the rows of a cell."""
    try:
        file = pq.ParquetFile(entry.path, page_checksum_verification=True)
        return file.read_row_group(entry.row_group, columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(entry.path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} cannot be read as cells of a run: {error} (delete it to have them made again)"
    )


def scores(entries: Sequence[Entry], metric: str, order: Sequence[str]) -> Scores | None:
    """Return all values of a metric in the cells of one problem, None where there are none.

    Parameters
    ----------
    entries : sequence of Entry
        Finished cells.
    metric : str
        Which values to read.
    order : sequence of str
        Methods in the order in which they are to come.
    """
    entries = [entry for entry in entries if metric in entry.about["metrics"]]
    if not entries:
        return None
    cells = {(entry.about["method"], entry.about["seed"]): entry for entry in entries}
    seeds = sorted({seed for _, seed in cells})
    methods = sorted(
        dict.fromkeys(m for m, _ in cells), key=lambda m: order.index(m) if m in order else -1
    )
    # All cells of a seed have the same items, in the same order.
    of_seed = [next(e for (_, s), e in cells.items() if s == seed) for seed in seeds]
    lengths = [entry.about["timing"]["items"] for entry in of_seed]
    layout = [read(e, ["item", "group"]).slice(0, n) for e, n in zip(of_seed, lengths, strict=True)]
    groups = pa.concat_tables(layout)["group"].dictionary_encode().combine_chunks()
    values = np.full((len(methods), sum(lengths)), np.nan)
    for column, (seed, n) in enumerate(zip(seeds, lengths, strict=True)):
        start = sum(lengths[:column])
        for row, method in enumerate(methods):
            if (method, seed) in cells:
                entry = cells[method, seed]
                own = read(entry, ["value"]).slice(n * entry.about["metrics"].index(metric), n)
                values[row, start : start + n] = own["value"].to_numpy()
    params = {
        method: dict.fromkeys(
            e.about["params"] for (m, _), e in sorted(cells.items()) if m == method
        )
        for method in methods
    }
    knowledge = {method: e.about["knowledge"] for (method, _), e in cells.items()}
    some = entries[0].about
    return Scores(
        some["suite"],
        some["problem"],
        some["dataset"],
        some["degradation"],
        metric,
        tuple(methods),
        tuple("; ".join(params[method]) for method in methods),
        tuple(knowledge[method] for method in methods),
        np.repeat(seeds, lengths),
        np.concatenate([table["item"].to_numpy() for table in layout]),
        groups.indices.to_numpy().astype(np.int64),
        values,
    )
