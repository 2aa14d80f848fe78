"""Tables of numbers as text: read as they are, written back with other numbers."""

from __future__ import annotations

from sigbench.core.media.table.numbers import NUMBER
from sigbench.core.media.table.reading import read_table, table_from_bytes

__all__ = ["NUMBER", "read_table", "table_from_bytes"]
