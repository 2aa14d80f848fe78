"""The Parquet files of cells: their columns, and checks before and after they are read."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sigbench.benchmark.store.footer import SNAPPY, UNCOMPRESSED, codecs
from sigbench.core.errors import InputError, shown

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
# What a run writes: the types of the columns, and files that cannot grow without limit when they
# are read. Snappy makes data smaller by a factor of 21 at most, so a row takes at least a third of a
# byte in a good file.
_TYPES = {"seed": pa.int64(), "item": pa.int64(), "value": pa.float64()}
_WORDS = tuple(name for name in COLUMNS if name not in _TYPES)
_MAX_ROWS_PER_BYTE = 8
_MAX_TEXT_PER_BYTE = 1024


def numpy_of(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Convert a column of numbers to NumPy; ``to_numpy`` would import pandas."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    values = np.frombuffer(whole.buffers()[1], whole.type.to_pandas_dtype())
    return values[whole.offset : whole.offset + len(whole)]


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file of cells, and turn every error in its content into one line."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError("it is not a file")
        with path.open("rb") as data:  # Arrow accepts only names that are UTF-8
            if not codecs(data) <= {UNCOMPRESSED, SNAPPY}:
                raise InputError("it is not compressed by Snappy")
            metadata = pq.read_metadata(data)
            _check_columns(metadata, path.stat().st_size)
            yield pq.ParquetFile(
                data,
                metadata=metadata,
                read_dictionary=list(_WORDS),  # a word that is repeated takes memory once
                page_checksum_verification=True,
            )
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError, RuntimeError, MemoryError) as error:
        raise InputError(
            f"{path} cannot be read: {' '.join(str(error).split())} "
            "(delete it, and the next run computes its cells again)"
        ) from None


def _check_columns(metadata: pq.FileMetaData, size: int) -> None:
    """Check the columns of a file before it is read."""
    schema = metadata.schema.to_arrow_schema()
    for name in COLUMNS:
        if schema.names.count(name) != 1:
            raise InputError(f"it must have one column {name!r}")
        found = schema.field(name).type
        found = found.value_type if pa.types.is_dictionary(found) else found
        if found != _TYPES.get(name, pa.string()):
            raise InputError(f"column {name!r} has type {shown(str(found))}")
    if metadata.num_rows > _MAX_ROWS_PER_BYTE * size:
        raise InputError(f"it has {metadata.num_rows} rows in {size} bytes")


def check_rows(table: pa.Table, about: Mapping[str, Any], items: int) -> None:
    """Check that the rows of a cell are those that its metadata describe."""
    metrics, whose = about["metrics"], f"{about['method']!r} on {about['problem']!r}"
    if len(table) != items * len(metrics):
        raise InputError(f"it has only {len(table)} rows of {whose}")
    for name in set(table.column_names) - {"item", "group", "value"}:
        if name == "seed":
            same = bool((numpy_of(table[name]) == about[name]).all())
        elif name == "metric":
            parts = [table[name].slice(i * items, items) for i in range(len(metrics))]
            same = [_words(part) for part in parts] == [{m} for m in metrics]
        else:
            same = _words(table[name]) == {about[name]}
        if not same:
            raise InputError(f"its rows and metadata have another {name} of {whose}")


def _words(column: pa.ChunkedArray) -> set[str]:
    """Return the words that occur in a column."""
    return {
        chunk.dictionary[index].as_py()
        for chunk in column.chunks
        for index in np.unique(numpy_of(chunk.indices)).tolist()
    }


def with_plain_groups(table: pa.Table, size: int) -> pa.Table:
    """Return a table with groups as plain text, after a check of its size."""
    words = [chunk.dictionary for chunk in table["group"].chunks if len(chunk.dictionary)]
    longest = max((int(np.diff(_ends(word)).max()) for word in words), default=0)
    if longest * len(table) > _MAX_TEXT_PER_BYTE * size:
        raise InputError(f"it has {len(table)} groups of up to {longest} bytes in {size} bytes")
    place, groups = table.column_names.index("group"), table["group"].cast(pa.string())
    if groups.null_count:
        raise InputError("a group is missing")
    return table.set_column(place, "group", groups)


def _ends(words: pa.StringArray) -> np.ndarray:
    """Return where the words end in their buffer; the first number is where they begin."""
    ends = np.frombuffer(words.buffers()[1], np.int32)
    return ends[words.offset : words.offset + len(words) + 1]
