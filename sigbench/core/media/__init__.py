"""Sound, image, table and array files: read into batches, written back in the same format."""

from __future__ import annotations

from sigbench.core.media.content import Content, Family
from sigbench.core.media.files import FAMILIES, family, read, write

__all__ = ["FAMILIES", "Content", "Family", "family", "read", "write"]
