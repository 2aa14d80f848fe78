"""The compression of the columns of a Parquet file, from its footer.

PyArrow ends the process when it is asked for a compression that does not exist
(``ColumnChunkMetaData.compression``), so the footer is read here. It is written in Thrift's compact
protocol [1]_, as the structure ``FileMetaData`` of [2]_.

References
----------
.. [1] Apache Thrift, "Thrift compact protocol encoding",
       https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
.. [2] Apache Parquet, "parquet.thrift",
       https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from sigbench.core.errors import InputError

MAX_DEPTH = 16
UNCOMPRESSED, SNAPPY = 0, 1
# Numbers of fields in FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
ROW_GROUPS, COLUMNS, META_DATA, CODEC = 4, 1, 3, 4
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)


def codecs(file: BinaryIO) -> set[int]:
    """Return the numbers of all compressions in a Parquet file.

    Raises
    ------
    InputError
        If the footer cannot be read.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 8))
    length = int.from_bytes(file.read(4), "little")
    if length > size - 8:
        raise InputError("its footer is not complete")
    file.seek(size - 8 - length)
    try:
        footer = _struct(io.BytesIO(file.read(length)), 0)
        groups = footer[ROW_GROUPS]
        return {column[META_DATA][CODEC] for group in groups for column in group[COLUMNS]}
    except (LookupError, TypeError) as error:
        raise InputError(f"its footer has no field {error}") from None


def _take(stream: io.BytesIO, count: int) -> bytes:
    data = stream.read(min(count, 2**40))
    if len(data) < count:
        raise InputError("its footer is not complete")
    return data


def _varint(stream: io.BytesIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        (byte,) = _take(stream, 1)
        value |= (byte & 127) << shift
        if byte < 128:
            return value
    raise InputError("its footer has a number of more than 64 bits")


def _integer(stream: io.BytesIO) -> int:
    value = _varint(stream)
    return (value >> 1) ^ -(value & 1)


def _struct(stream: io.BytesIO, depth: int) -> dict[int, Any]:
    """Return the fields of a structure by their numbers."""
    if depth > MAX_DEPTH:
        raise InputError("its footer is nested too deeply")
    fields: dict[int, Any] = {}
    number = 0
    while (head := _take(stream, 1)[0]) != 0:
        number = number + (head >> 4) if head >> 4 else _integer(stream)
        kind = head & 15
        fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else _value(stream, kind, depth)
    return fields


def _value(stream: io.BytesIO, kind: int, depth: int) -> Any:
    if kind in (_TRUE, _FALSE, _BYTE):  # in a list, a truth value takes a byte
        return _take(stream, 1)[0]
    if kind in _INTEGERS:
        return _integer(stream)
    if kind == _DOUBLE:
        return _take(stream, 8)
    if kind == _BINARY:
        return _take(stream, _varint(stream))
    if kind in (_LIST, _SET):
        return list(_items(stream, depth))
    if kind == _STRUCT:
        return _struct(stream, depth + 1)
    raise InputError(f"its footer has a field of type {kind}")


def _items(stream: io.BytesIO, depth: int) -> Iterator[Any]:
    if depth > MAX_DEPTH:
        raise InputError("its footer is nested too deeply")
    (head,) = _take(stream, 1)
    count = _varint(stream) if head >> 4 == 15 else head >> 4
    for _ in range(count):
        yield _value(stream, head & 15, depth + 1)
