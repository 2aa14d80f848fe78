"""Files of finished cells: Parquet, cell after cell, and in the metadata what each cost."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sigbench.benchmark.engine.evaluate import Result
from sigbench.core.errors import InputError
from sigbench.core.protocols import LogEntry, TrainingHistory
from sigbench.scoring.scores import Scores

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
    "relative_gap",
    "train_s",
    "train_steps",
    "train_epochs",
    "train_samples",
)
UNTRAINED = {"train_s": np.nan, "train_steps": 0, "train_epochs": np.nan, "train_samples": 0}

CellId = tuple[str, int, str]  # problem, seed, method


@dataclass(frozen=True)
class StoredCell:
    """A finished cell: where it is, and what its file says of it."""

    path: Path
    start: int  # its first row there
    about: Mapping[str, Any]

    @property
    def row(self) -> CellId:
        """Problem, seed and method."""
        return self.about["problem"], self.about["seed"], self.about["method"]

    @property
    def items(self) -> int:
        """How many items it has."""
        return int(self.about["timing"]["items"])

    @property
    def timing(self) -> dict[str, Any]:
        """Return what it cost, with the keys `TIMINGS`; older cells say nothing of trainings."""
        return {**UNTRAINED, **self.about["timing"]}

    @property
    def has_log(self) -> bool:
        """Whether its method was trained, and its training has a log."""
        return "training" in self.about

    @property
    def history(self) -> TrainingHistory:
        """Return what that training took."""
        seconds, steps, epochs, samples = (self.timing[name] for name in UNTRAINED)
        log = tuple(LogEntry(*point) for point in self.about["training"]["log"])
        return TrainingHistory(
            seconds, steps, epochs, samples, self.about["training"]["metric"], log
        )

    @property
    def rows(self) -> int:
        """How many rows it has: one an item and metric."""
        return self.items * len(self.about["metrics"])


def encode_result(suite: str, result: Result) -> tuple[dict[str, Any], bytes]:
    """Return what a cell's file says of it, and the file."""
    about = _about(suite, result)
    return about, _encode([about], [_table(about, result)])


def rewritten(entries: Sequence[StoredCell]) -> bytes:
    """Return one file of cells that are in other files."""
    return _encode([e.about for e in entries], (table for _, table in read(entries)))


def encode_timings(timings: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the file of the cost of cells."""
    buffer = io.BytesIO()
    columns = {name: _arrow(np.array([row[name] for row in timings])) for name in TIMINGS}
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def encode_log(history: TrainingHistory) -> bytes:
    """Return the log of a training as a table."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*LogEntry._fields[:-1], history.metric])
    for point in history.log:
        writer.writerow("" if np.isnan(x) else f"{x:.7g}" for x in point)
    return buffer.getvalue().encode()


def _about(suite: str, result: Result) -> dict[str, Any]:
    """Return what a file says of a cell beside its values."""
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
        },
        **({"training": training} if training else {}),
    }


def _table(about: Mapping[str, Any], result: Result) -> pa.Table:
    """Return a cell as the table of the contract: metric after metric, item after item."""
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
    """Return numbers, truth values or text as Arrow has them.

    ``pyarrow.array`` does it too, but imports pandas, which takes as long as everything else at
    the start of a run together.
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


def _numpy(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Return the numbers of a column; its own ``to_numpy`` imports pandas too."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    values = np.frombuffer(whole.buffers()[1], whole.type.to_pandas_dtype())
    return values[whole.offset : whole.offset + len(whole)]


def _encode(about: list[Mapping[str, Any]], cells: Iterable[pa.Table]) -> bytes:
    """Return a file of cells, one after the other, and in its metadata what there is to say."""
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


def entries_of(path: Path) -> list[StoredCell]:
    """Return the cells of a file."""
    try:
        metadata = pq.read_metadata(path)
        abouts = json.loads((metadata.metadata or {})[b"sigbench"])
        entries, start = [], 0
        for about in abouts:
            entries.append(StoredCell(path, start, about))
            start += entries[-1].rows
        if start != metadata.num_rows or any(len(entry.row) != 3 for entry in entries):
            raise ValueError("its rows are not what its metadata say")
    except FileNotFoundError:  # put together with others by a run that is going on
        raise
    except (pa.ArrowInvalid, OSError, KeyError, ValueError, TypeError) as error:
        raise _unreadable(path, error) from None
    return entries


def read(
    entries: Iterable[StoredCell], columns: Sequence[str] | None = None
) -> Iterator[tuple[StoredCell, pa.Table]]:
    """Return the rows of cells; a file is read once for those of it that follow each other."""
    for path, in_file in itertools.groupby(entries, key=lambda entry: entry.path):
        try:
            file = pq.ParquetFile(path, page_checksum_verification=True)
            table = file.read(columns)
        except FileNotFoundError:
            raise
        except (pa.ArrowInvalid, OSError) as error:
            raise _unreadable(path, error) from None
        for entry in in_file:
            yield entry, table.slice(entry.start, entry.rows)


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} cannot be read as cells of a run: {error} (delete it to have them made again)"
    )


def scores(entries: Sequence[StoredCell], metric: str, order: Sequence[str]) -> Scores | None:
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
    entries.sort(key=lambda entry: (entry.path, entry.start))
    place = {method: i for i, method in enumerate(order)}
    methods = sorted({e.about["method"] for e in entries}, key=lambda m: place.get(m, len(place)))
    # All cells of a seed have the same items, in the same order.
    of_seed = {entry.about["seed"]: entry for entry in entries}
    seeds = sorted(of_seed)
    lengths = [of_seed[seed].items for seed in seeds]
    starts = dict(zip(seeds, np.cumsum([0, *lengths]).tolist(), strict=False))
    in_files = sorted(of_seed.values(), key=lambda entry: (entry.path, entry.start))
    of_items = {
        entry.about["seed"]: table.slice(0, entry.items)
        for entry, table in read(in_files, ["item", "group"])
    }
    layout = [of_items[seed] for seed in seeds]
    groups = pa.concat_tables(layout)["group"].dictionary_encode().combine_chunks()
    values = np.full((len(methods), sum(lengths)), np.nan)
    row = {method: i for i, method in enumerate(methods)}
    params: dict[str, dict[str, None]] = {method: {} for method in methods}
    knowledge = {}
    for entry, table in read(entries, ["value"]):
        about, n = entry.about, entry.items
        own = table["value"].slice(n * about["metrics"].index(metric), n)
        start = starts[about["seed"]]
        values[row[about["method"]], start : start + n] = _numpy(own)
        params[about["method"]][about["params"]] = None
        knowledge[about["method"]] = about["knowledge"]
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
        np.concatenate([_numpy(table["item"]) for table in layout]),
        _numpy(groups.indices).astype(np.int64),
        values,
    )
