"""What is to be looked at in a run folder: first images, logs of trainings, figures.

``estimates`` holds the first images of each problem and what every method made of them, written
before the cell is. ``trainings`` and ``figures`` are derived from these and from the cells.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from sigbench.benchmark.engine.evaluate import Cell, Result
from sigbench.benchmark.store import images
from sigbench.benchmark.store.cells import StoredCell, encode_log
from sigbench.benchmark.store.images import Estimates, Originals
from sigbench.core.errors import InputError
from sigbench.core.media import write_atomically
from sigbench.core.protocols import TrainingHistory

SHOWN = ("estimates", "trainings", "figures")


class Gallery:
    """The pictures and logs of a run folder.

    Parameters
    ----------
    path : Path
        The run folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    # The names of the files, relative to the folder

    def planned(self, cells: Iterable[Cell]) -> list[str]:
        """Return the names of all that may come of cells, whatever they are of."""
        names = set()
        for cell in cells:
            problem, method = cell.problem.name, cell.method.name
            names |= {training_file(problem, method), figure_file("trainings", problem)}
            names |= {picture_file(problem), picture_file(problem, method)}
            names.add(figure_file("estimates", problem))
        return sorted(names)

    def names(self, entries: Iterable[StoredCell]) -> set[str]:
        """Return the names of all that there is of cells, or that a report makes of it."""
        names = set()
        for entry in entries:
            problem, _, method = entry.row
            there = [
                name
                for name in (picture_file(problem), picture_file(problem, method))
                if (self.path / name).is_file()
            ]
            names |= {*there, figure_file("estimates", problem)} if there else set()
            if entry.has_log:
                names |= {training_file(problem, method), figure_file("trainings", problem)}
        return names

    # Pictures

    def write_pictures(self, result: Result) -> None:
        """Write a problem's first images, and what a method has made of them."""
        problem, method = result.cell.problem, result.cell.method
        assert problem.image_peak is not None
        originals = images.encode_originals(result.pictures, problem.image_peak)
        self.write(picture_file(problem.name), originals)
        estimates = images.encode_estimates(result.pictures, result.cell.key)
        self.write(picture_file(problem.name, method.name), estimates)

    def originals(self, problem: str) -> Originals | None:
        """Return a problem's first images, None where none were kept.

        Raises
        ------
        InputError
            Where the file cannot be read.
        """
        path = self.path / picture_file(problem)
        return images.read_originals(path) if path.is_file() else None

    def estimates(
        self, originals: Originals, entries: Iterable[StoredCell]
    ) -> dict[str, Estimates]:
        """Return by method what cells of one problem have made of its first images.

        Raises
        ------
        InputError
            Where a file cannot be read, or is not of these images.
        """
        keys: dict[tuple[str, str], set[str]] = {}
        for entry in entries:
            problem, _, method = entry.row
            keys.setdefault((problem, method), set()).add(entry.about["cell_key"])
        found = {}
        shapes = [image.shape for image in originals.clean]
        first = (originals.items, shapes)
        for (problem, method), own in keys.items():
            path = self.path / picture_file(problem, method)
            if not path.is_file():
                continue
            estimates = images.read_estimates(path)
            if (estimates.items, [image.shape for image in estimates.images]) != first:
                raise InputError(f"{path} is of other images than the problem's: delete it")
            if estimates.cell_key in own:  # else it is of a cell that has gone
                found[method] = estimates
        return found

    def pictures(self, entries: Iterable[StoredCell]) -> dict[str, bytes]:
        """Return by name the files of pictures that cells have left.

        Raises
        ------
        InputError
            Where a file cannot be read, or is not of these images.
        """
        of_problem: dict[str, list[StoredCell]] = {}
        for entry in entries:
            of_problem.setdefault(entry.row[0], []).append(entry)
        names = []
        for problem, own in of_problem.items():
            originals = self.originals(problem)
            if originals is not None:
                methods = self.estimates(originals, own)
                names += [picture_file(problem), *(picture_file(problem, m) for m in methods)]
        return {name: (self.path / name).read_bytes() for name in names}

    # What is derived

    def write_training(self, problem: str, method: str, history: TrainingHistory) -> None:
        """Write the log of a training."""
        self.write(training_file(problem, method), encode_log(history))

    def forget(self, entry: StoredCell) -> None:
        """Delete the pictures that a cell has left, and the log that was made of it."""
        problem, _, method = entry.row
        for name in (picture_file(problem, method), training_file(problem, method)):
            (self.path / name).unlink(missing_ok=True)

    def write_figure(self, kind: str, problem: str, png: bytes | None) -> None:
        """Write a problem's figure; None where there is nothing to draw any more."""
        if png is None:
            (self.path / figure_file(kind, problem)).unlink(missing_ok=True)
        else:
            self.write(figure_file(kind, problem), png)

    def has_figure(self, kind: str, problem: str) -> bool:
        """Return whether it is there."""
        return (self.path / figure_file(kind, problem)).is_file()

    def write(self, name: str, data: bytes) -> None:
        """Write a file where it isn't there as it is."""
        path = self.path / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, data)


def histories(entries: Iterable[StoredCell]) -> dict[str, TrainingHistory]:
    """Return by method what trainings took that have a log, of the last entry of each."""
    return {entry.row[2]: entry.history for entry in entries if entry.has_log}


def picture_file(problem: str, method: str | None = None) -> str:
    """Return the name of the file of a problem's first images, or of what a method made of them."""
    return f"estimates/{_name_of(problem, method)}.npz"


def training_file(problem: str, method: str) -> str:
    """Return the name of the log of a training."""
    return f"trainings/{_name_of(problem, method)}.csv"


def figure_file(kind: str, problem: str) -> str:
    """Return the name of a problem's figure.

    Examples
    --------
    >>> figure_file("estimates", "gaussian-25"), figure_file("estimates", "Gaussian 25")
    ('figures/estimates-gaussian-25.png', 'figures/estimates-Gaussian_25.e338b557.png')
    """
    return f"figures/{kind}-{_name_of(problem)}.png"


def _name_of(problem: str, method: str | None = None) -> str:
    """Return a name that stands for a problem or row alone: as it is where that is a safe name."""
    words = [problem] if method is None else [problem, method]
    if all(re.fullmatch(r"[a-z0-9=-]{1,60}", word) for word in words):
        return ".".join(words)
    unique = hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:8]
    return f"{legal(words)}.{unique}"


def legal(words: Iterable[str]) -> str:
    """Return words in characters that every file system takes, with dots between them."""
    return ".".join(re.sub(r"[^A-Za-z0-9=-]+", "_", word)[:60] for word in words)
