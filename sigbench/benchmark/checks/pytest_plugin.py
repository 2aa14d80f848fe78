"""A pytest plugin: every ``*.floors.toml`` is a file of tests, one a floor.

Collecting reads the file and imports nobody's module. The suite is run, taken up again from its
folder, when the first test of the file runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sigbench.benchmark.checks.floors import Floor, Floors, load_floors
from sigbench.core.errors import InputError

if TYPE_CHECKING:
    from sigbench.benchmark.checks.check import FloorResult, Held

SUFFIX = ".floors.toml"


class FloorBroken(Exception):
    """The whole interval is beyond the floor, or there is nothing to hold it against."""


class FloorWarning(UserWarning):
    """The floor is inside the interval."""


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FloorsFile | None:
    """Collect files of floors by their name."""
    if not file_path.name.removesuffix(SUFFIX) or not file_path.name.endswith(SUFFIX):
        return None
    file: FloorsFile = FloorsFile.from_parent(parent, path=file_path)
    return file


class FloorsFile(pytest.File):
    """A file of floors; its suite is run once."""

    floors: Floors
    held: Held | None = None

    def collect(self) -> Iterator[FloorTest]:
        """Read the file; one test a floor."""
        try:
            self.floors = load_floors(self.path)
        except InputError as error:
            raise self.CollectError(str(error)) from None
        for floor in self.floors.floors:
            yield FloorTest.from_parent(self, name=floor.name, floor=floor)

    def verdict(self, floor: Floor) -> FloorResult:
        """Run the suite where that has not been done, and return what became of a floor."""
        if self.held is None:
            from sigbench.benchmark.checks.check import run_floors

            self.held = run_floors(self.floors, self.floors.folder or self._folder())
        return self.held.verdict(floor)

    def _folder(self) -> Path:
        root = self.config.rootpath
        path = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        name = ".".join(path.relative_to(path.anchor).parts).removesuffix(SUFFIX)
        return root / ".sigbench" / name


class FloorTest(pytest.Item):
    """One floor."""

    def __init__(self, *, floor: Floor, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.floor = floor

    def runtest(self) -> None:
        """Fail where the floor is broken, warn where the interval straddles it."""
        assert isinstance(self.parent, FloorsFile)
        verdict = self.parent.verdict(self.floor)
        if verdict.state == "broken":
            raise FloorBroken(verdict.text)
        if verdict.state == "straddles":
            warnings.warn(FloorWarning(f"{self.name}: {verdict.text}"), stacklevel=1)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Say in one line what is wrong; tracebacks are for what is unexpected."""
        if isinstance(excinfo.value, FloorBroken | InputError | FloorWarning):
            return f"{self.name}: {str(excinfo.value).removeprefix(f'{self.name}: ')}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the file and the floor."""
        return self.path, None, f"floor {self.name}"
