"""Sound, image, table and array files: read into batches, written back in the same format."""

from __future__ import annotations

from sigbench.core.media.content import Content, Family
from sigbench.core.media.files import FAMILIES, NAMED, family, read, read_table_bytes, write
from sigbench.core.media.options import TableOptions

__all__ = [
    "FAMILIES",
    "NAMED",
    "Content",
    "Family",
    "TableOptions",
    "family",
    "read",
    "read_table_bytes",
    "write",
]
