"""The JavaScript libraries that a page can contain; ``vendor/README.md`` has their digests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

_SOURCE_MAP = "//# sourceMappingURL="


@dataclass(frozen=True)
class Library:
    """A library in ``vendor/``.

    Attributes
    ----------
    name, version, license : str
        Its npm package.
    scripts, styles : tuple of str
        Its files.
    """

    name: str
    version: str
    license: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...] = ()

    @property
    def script(self) -> str:
        """The JavaScript, without references to other files."""
        return "\n".join(_without_source_map(self._read(name)) for name in self.scripts)

    @property
    def style(self) -> str:
        """The CSS."""
        return "\n".join(map(self._read, self.styles))

    @property
    def license_text(self) -> str:
        """The text of the license."""
        return self._read("LICENSE").strip()

    def _read(self, name: str) -> str:
        return own_file(f"vendor/{self.name}/{name}")


SORTABLE = Library("sortable-tablesort", "4.1.7", "Unlicense", ("sortable.min.js",))
UPLOT = Library("uplot", "1.6.32", "MIT", ("uPlot.iife.min.js",), ("uPlot.min.css",))
SLIDER = Library("img-comparison-slider", "8.0.7", "MIT", ("index.js",), ("styles.css",))


@cache
def own_file(name: str) -> str:
    """Return the text of a file next to this module."""
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _without_source_map(script: str) -> str:
    """Return a script without the address of its source map, which a debugger would request."""
    return "\n".join(line for line in script.splitlines() if not line.startswith(_SOURCE_MAP))
