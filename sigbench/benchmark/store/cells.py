"""The Parquet files of finished cells; the metadata contain the cost of each cell."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sigbench.benchmark.engine.evaluate import Result
from sigbench.benchmark.store.cell_files import (
    COLUMNS,
    check_rows,
    numpy_of,
    opened,
    with_plain_groups,
)
from sigbench.benchmark.store.schemas import check_cells
from sigbench.core.errors import InputError
from sigbench.core.parsing import parse_json
from sigbench.core.protocols import LogEntry, TrainingHistory
from sigbench.scoring.scores import MissingValues, Scores

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
    "relative_gap",
    "train_s",
    "train_steps",
    "train_epochs",
    "train_samples",
    "audio_s",
    "latency_ms",
)
NO_AUDIO = {"audio_s": np.nan, "latency_ms": np.nan}
UNTRAINED = {"train_s": np.nan, "train_steps": 0, "train_epochs": np.nan, "train_samples": 0}

CellId = tuple[str, int, str]  # problem, seed, method


@dataclass(frozen=True)
class StoredCell:
    """A finished cell: the file that contains it, and its metadata."""

    path: Path
    start: int  # its first row in the file
    about: Mapping[str, Any]

    @property
    def id(self) -> CellId:
        """Problem, seed and method."""
        return self.about["problem"], self.about["seed"], self.about["method"]

    @property
    def items(self) -> int:
        """The number of items."""
        return int(self.about["timing"]["items"])

    @property
    def timing(self) -> dict[str, Any]:
        """The cost, with the keys `TIMINGS`; defaults if an older version wrote the cell."""
        return {**UNTRAINED, **NO_AUDIO, **self.about["timing"]}

    @property
    def missing(self) -> Mapping[str, Mapping[str, Sequence[int]]]:
        """Items whose value could not be computed (NaN in the table), by metric and reason."""
        found: Mapping[str, Mapping[str, Sequence[int]]] = self.about.get("missing", {})
        return found

    @property
    def has_log(self) -> bool:
        """Whether the training of its method has a log."""
        return "training" in self.about

    @property
    def history(self) -> TrainingHistory:
        """The history of that training."""
        seconds, steps, epochs, samples = (self.timing[name] for name in UNTRAINED)
        log = tuple(LogEntry(*point) for point in self.about["training"]["log"])
        return TrainingHistory(
            seconds, steps, epochs, samples, self.about["training"]["metric"], log
        )

    @property
    def rows(self) -> int:
        """The number of rows: one per item and metric."""
        return self.items * len(self.about["metrics"])


def encode_result(suite: str, result: Result) -> tuple[dict[str, Any], bytes]:
    """Return the metadata of a cell, and the content of its file."""
    about = _about(suite, result)
    return about, _encode([about], [_table(about, result)])


def encode_cells(cells: Sequence[StoredCell]) -> bytes:
    """Return the content of one file with cells that are stored in other files."""
    return _encode([c.about for c in cells], (table for _, table in read_tables(cells)))


def encode_timings(timings: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the content of the file of timings."""
    buffer = io.BytesIO()
    columns = {name: _arrow(np.array([row[name] for row in timings])) for name in TIMINGS}
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def encode_log(history: TrainingHistory) -> bytes:
    """Return the log of a training as a CSV file."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*LogEntry._fields[:-1], history.metric])
    for point in history.log:
        writer.writerow("" if np.isnan(x) else f"{x:.7g}" for x in point)
    return buffer.getvalue().encode()


def _about(suite: str, result: Result) -> dict[str, Any]:
    """Return the metadata of a cell."""
    cell = result.cell
    row = {"problem": cell.problem.name, "seed": cell.seed, "method": cell.method.name}
    took, history = UNTRAINED, result.history
    if history is not None:
        numbers = (history.seconds, history.steps, history.epochs, history.samples)
        took = dict(zip(UNTRAINED, numbers, strict=True))
    training = {"metric": history.metric, "log": history.log} if history and history.log else None
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
            "relative_gap": result.relative_gap,
            **took,
            "audio_s": result.audio_s,
            "latency_ms": result.latency_ms,
        },
        **({"training": training} if training else {}),
        **({"grid_edges": result.grid_edges} if result.grid_edges else {}),
        **({"cautions": result.cautions} if result.cautions else {}),
        **({"missing": result.missing} if result.missing else {}),
    }


def _table(about: Mapping[str, Any], result: Result) -> pa.Table:
    """Return the table of a cell, with the columns `COLUMNS`: metric by metric, item by item."""
    n, names = len(result.items), about["metrics"]
    rows = n * len(names)
    columns: dict[str, Any] = {
        key: _repeated(np.zeros(rows, np.int32), [about[key]])
        for key in COLUMNS
        if key not in ("seed", "metric", "item", "group", "value")
    }
    columns["seed"] = _arrow(np.full(rows, about["seed"]))
    columns["metric"] = _repeated(np.repeat(np.arange(len(names), dtype=np.int32), n), names)
    columns["item"] = pa.chunked_array([_arrow(result.items.astype(np.int64))] * len(names))
    columns["group"] = pa.chunked_array([_arrow(result.groups)] * len(names))
    columns["value"] = pa.chunked_array([_arrow(result.values[name]) for name in names])
    return pa.table({name: columns[name] for name in COLUMNS})


def _repeated(indices: np.ndarray, words: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(_arrow(indices), _arrow(np.array(words)))


def _arrow(values: np.ndarray) -> pa.Array:
    """Convert an array of numbers, Booleans or text to Arrow.

    ``pyarrow.array`` would import pandas, which doubles the time to start a run.
    """
    if values.dtype.kind == "U":
        words = [word.encode() for word in values.tolist()]
        ends = np.cumsum([0, *map(len, words)], dtype=np.int32)
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(words))]
        return pa.Array.from_buffers(pa.string(), len(words), buffers)
    dtype = pa.from_numpy_dtype(values.dtype)
    data = np.packbits(values, bitorder="little") if values.dtype == bool else values
    buffer = pa.py_buffer(np.ascontiguousarray(data))
    return pa.Array.from_buffers(dtype, len(values), [None, buffer])


def _encode(about: list[Mapping[str, Any]], cells: Iterable[pa.Table]) -> bytes:
    """Return the content of a file of cells; its metadata describe each of them."""
    whole = pa.concat_tables(cells).unify_dictionaries()
    whole = whole.replace_schema_metadata({"sigbench": json.dumps(about)})
    buffer = io.BytesIO()
    pq.write_table(
        whole,
        buffer,
        use_dictionary=[name for name in COLUMNS if name not in ("seed", "item", "value")],
        write_statistics=False,
        write_page_checksum=True,
    )
    return buffer.getvalue()


def read_cells(path: Path) -> list[StoredCell]:
    """Return the cells of a file.

    Raises
    ------
    InputError
        If the file cannot be read, or is not as a run writes it.
    FileNotFoundError
        If a run has just combined it with others.
    """
    with opened(path) as file:
        metadata = file.metadata
        texts = metadata.metadata or {}
        if b"sigbench" not in texts:
            raise InputError("it has no metadata of cells")
        abouts = parse_json("its metadata", texts[b"sigbench"])
        check_cells(abouts)
        cells, start = [], 0
        for about in abouts:
            cells.append(StoredCell(path, start, about))
            start += cells[-1].rows
        if start != metadata.num_rows:
            raise InputError(f"its metadata have {start} rows, but it has {metadata.num_rows}")
    return cells


def read_tables(
    cells: Iterable[StoredCell], columns: Sequence[str] = COLUMNS
) -> Iterator[tuple[StoredCell, pa.Table]]:
    """Yield the rows of cells; consecutive cells of one file are read together.

    Raises
    ------
    InputError
        If a file cannot be read, or its rows are not those of its cells.
    """
    for path, in_file in itertools.groupby(cells, key=lambda cell: cell.path):
        own = list(in_file)
        with opened(path) as file:
            table = file.read(list(columns))
            table.validate(full=True)
            if any(column.null_count for column in table.columns):
                raise InputError("a value is missing")
            if "group" in columns:
                table = with_plain_groups(table, path.stat().st_size)
            parts = [table.slice(cell.start, cell.rows) for cell in own]
            for cell, part in zip(own, parts, strict=True):
                check_rows(part, cell.about, cell.items)
        yield from zip(own, parts, strict=True)


def read_values(cells: Iterable[StoredCell]) -> Iterator[np.ndarray]:
    """Yield the values of every cell, metric by metric; NaN could not be computed."""
    return (numpy_of(table["value"]) for _, table in read_tables(cells, ["value"]))


def collect_scores(cells: Sequence[StoredCell], metric: str, order: Sequence[str]) -> Scores | None:
    """Return all values of a metric in the cells of one problem; None if there are none.

    Parameters
    ----------
    cells : sequence of StoredCell
        Finished cells.
    metric : str
        The metric to read.
    order : sequence of str
        The order of the methods.
    """
    cells = [cell for cell in cells if metric in cell.about["metrics"]]
    if not cells:
        return None
    cells.sort(key=lambda cell: (cell.path, cell.start))
    place = {method: i for i, method in enumerate(order)}
    methods = sorted({c.about["method"] for c in cells}, key=lambda m: place.get(m, len(place)))
    # All cells of a seed have the same items, in the same order.
    of_seed = {cell.about["seed"]: cell for cell in cells}
    seeds = sorted(of_seed)
    lengths = [of_seed[seed].items for seed in seeds]
    starts = dict(zip(seeds, np.cumsum([0, *lengths]).tolist(), strict=False))
    in_files = sorted(of_seed.values(), key=lambda cell: (cell.path, cell.start))
    of_items = {
        cell.about["seed"]: table.slice(0, cell.items)
        for cell, table in read_tables(in_files, ["item", "group"])
    }
    layout = [of_items[seed] for seed in seeds]
    groups = pa.concat_tables(layout)["group"].dictionary_encode().combine_chunks()
    values = np.full((len(methods), sum(lengths)), np.nan)
    row = {method: i for i, method in enumerate(methods)}
    params: dict[str, dict[str, None]] = {method: {} for method in methods}
    knowledge = {}
    reasons: dict[str, Counter[str]] = {}
    for cell, table in read_tables(cells, ["value"]):
        about, n = cell.about, cell.items
        own = numpy_of(table["value"].slice(n * about["metrics"].index(metric), n))
        lacking = cell.missing.get(metric, {})
        if n != of_seed[about["seed"]].items or np.isnan(own).sum() != sum(
            map(len, lacking.values())
        ):
            raise InputError(
                f"{cell.path}: {cell.id} has {n} items, some of them without a value, which is not "
                "what its metadata and the cells of other methods have: delete it"
            )
        start = starts[about["seed"]]
        values[row[about["method"]], start : start + n] = own
        params[about["method"]][about["params"]] = None
        knowledge[about["method"]] = about["knowledge"]
        for reason, items in lacking.items():
            reasons.setdefault(about["method"], Counter())[reason] += len(items)
    computed = dict(zip(methods, (~np.isnan(values)).sum(axis=1).tolist(), strict=True))
    missing = {name: MissingValues(computed[name], count) for name, count in reasons.items()}
    some = cells[0].about
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
        np.concatenate([numpy_of(table["item"]) for table in layout]),
        numpy_of(groups.indices).astype(np.int64),
        values,
        missing,
    )
