"""A pytest plugin: every file ``*.floors.toml`` is a file of tests, one per floor.

Collection only reads the file and imports no user module. The suite is run, or resumed, when the
first test of the file runs.
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
    from sigbench.benchmark.checks.check_floors import FloorResult, FloorRun

SUFFIX = ".floors.toml"


class FloorBroken(Exception):
    """The whole confidence interval is worse than the floor, or there is no score."""


class FloorWarning(UserWarning):
    """The floor is inside the confidence interval."""


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FloorsFile | None:
    """Collect files of floors by their name."""
    if not file_path.name.removesuffix(SUFFIX) or not file_path.name.endswith(SUFFIX):
        return None
    file: FloorsFile = FloorsFile.from_parent(parent, path=file_path)
    return file


class FloorsFile(pytest.File):
    """A file of floors; its suite is run once."""

    floors: Floors
    floor_run: FloorRun | None = None

    def collect(self) -> Iterator[FloorTest]:
        """Read the file and yield one test per floor."""
        try:
            self.floors = load_floors(self.path)
        except InputError as error:
            raise self.CollectError(str(error)) from None
        for floor in self.floors.floors:
            yield FloorTest.from_parent(self, name=floor.name, floor=floor)

    def result(self, floor: Floor) -> FloorResult:
        """Run the suite if that has not been done, and return the result of a floor."""
        if self.floor_run is None:
            from sigbench.benchmark.checks.check_floors import run_floors

            self.floor_run = run_floors(self.floors, self.floors.folder or self._folder())
        return self.floor_run.result(floor)

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
        """Fail if the floor is broken; warn if the result is inconclusive."""
        assert isinstance(self.parent, FloorsFile)
        result = self.parent.result(self.floor)
        if result.state == "broken":
            raise FloorBroken(result.text)
        if result.state == "inconclusive":
            warnings.warn(FloorWarning(f"{self.name}: {result.text}"), stacklevel=1)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return one line for a broken floor; a traceback for an unexpected error."""
        if isinstance(excinfo.value, FloorBroken | InputError | FloorWarning):
            return f"{self.name}: {str(excinfo.value).removeprefix(f'{self.name}: ')}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the file and the name of the floor."""
        return self.path, None, f"floor {self.name}"
