"""Examples, training histories and figures of a run folder.

``estimates`` contains the first items of each problem and their estimates by every method; they
are written before the cell. ``trainings`` and ``figures`` are derived from these and from the cells.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from sigbench.benchmark.engine.evaluate import Cell, Result
from sigbench.benchmark.store import examples
from sigbench.benchmark.store.cells import StoredCell, encode_log
from sigbench.benchmark.store.examples import Estimates, Originals
from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError
from sigbench.core.protocols import TrainingHistory

GALLERY_FOLDERS = ("estimates", "trainings", "figures")


class Gallery:
    """The examples and training histories of a run folder.

    Parameters
    ----------
    path : Path
        The run folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    # The names of the files, relative to the folder

    def planned(self, cells: Iterable[Cell]) -> list[str]:
        """Return the names of all files that the cells may produce."""
        names = set()
        for cell in cells:
            problem, method = cell.problem.name, cell.method.name
            names |= {training_file(problem, method), figure_file("trainings", problem)}
            names |= {example_file(problem), example_file(problem, method)}
            names.add(figure_file("estimates", problem))
        return sorted(names)

    def names(self, cells: Iterable[StoredCell]) -> set[str]:
        """Return the names of the files of cells, and of those that a report derives from them."""
        names = set()
        for cell in cells:
            problem, _, method = cell.id
            there = [
                name
                for name in (example_file(problem), example_file(problem, method))
                if (self.path / name).is_file()
            ]
            names |= {*there, figure_file("estimates", problem)} if there else set()
            if cell.has_log:
                names |= {training_file(problem, method), figure_file("trainings", problem)}
        return names

    # Examples

    def write_examples(self, result: Result) -> None:
        """Write the first items of a problem, and their estimates by a method."""
        problem, method = result.cell.problem, result.cell.method
        assert problem.item_info is not None
        originals = examples.encode_originals(result.examples, problem.item_info)
        self.write(example_file(problem.name), originals)
        estimates = examples.encode_estimates(result.examples, result.cell.key)
        self.write(example_file(problem.name, method.name), estimates)

    def originals(self, problem: str) -> Originals | None:
        """Return the first items of a problem, or None if there are none.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        path = self.path / example_file(problem)
        return examples.read_originals(path) if path.is_file() else None

    def estimates(self, originals: Originals, cells: Iterable[StoredCell]) -> dict[str, Estimates]:
        """Return the estimates of the first items of one problem, by method.

        Raises
        ------
        InputError
            If a file cannot be read, or contains other items.
        """
        keys: dict[tuple[str, str], set[str]] = {}
        for cell in cells:
            problem, _, method = cell.id
            keys.setdefault((problem, method), set()).add(cell.about["cell_key"])
        found = {}
        shapes = [item.shape for item in originals.clean]
        first = (originals.items, shapes)
        for (problem, method), own in keys.items():
            path = self.path / example_file(problem, method)
            if not path.is_file():
                continue
            estimates = examples.read_estimates(path)
            if (estimates.items, [one.shape for one in estimates.estimates]) != first:
                raise InputError(
                    f"{path} contains other items than those of the problem: delete it"
                )
            if estimates.cell_key in own:  # otherwise its cell has been deleted
                found[method] = estimates
        return found

    def example_files(self, cells: Iterable[StoredCell]) -> dict[str, bytes]:
        """Return the contents of the files of examples of cells, by name.

        Raises
        ------
        InputError
            If a file cannot be read, or contains other items.
        """
        of_problem: dict[str, list[StoredCell]] = {}
        for cell in cells:
            of_problem.setdefault(cell.id[0], []).append(cell)
        names = []
        for problem, own in of_problem.items():
            originals = self.originals(problem)
            if originals is not None:
                methods = self.estimates(originals, own)
                names += [example_file(problem), *(example_file(problem, m) for m in methods)]
        return {name: (self.path / name).read_bytes() for name in names}

    # Derived files

    def write_training(self, problem: str, method: str, history: TrainingHistory) -> None:
        """Write the history of a training."""
        self.write(training_file(problem, method), encode_log(history))

    def forget(self, cell: StoredCell) -> None:
        """Delete the estimates and the training history of a cell."""
        problem, _, method = cell.id
        for name in (example_file(problem, method), training_file(problem, method)):
            (self.path / name).unlink(missing_ok=True)

    def write_figure(self, kind: str, problem: str, png: bytes | None) -> None:
        """Write a figure of a problem; None deletes it."""
        if png is None:
            (self.path / figure_file(kind, problem)).unlink(missing_ok=True)
        else:
            self.write(figure_file(kind, problem), png)

    def has_figure(self, kind: str, problem: str) -> bool:
        """Return whether the figure exists."""
        return (self.path / figure_file(kind, problem)).is_file()

    def write(self, name: str, data: bytes) -> None:
        """Write a file unless it already has this content."""
        path = self.path / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, data)


def histories(cells: Iterable[StoredCell]) -> dict[str, TrainingHistory]:
    """Return the training history of each trained method, from its last cell."""
    return {cell.id[2]: cell.history for cell in cells if cell.has_log}


def example_file(problem: str, method: str | None = None) -> str:
    """Return the file name of the first items of a problem, or of their estimates by a method."""
    return f"estimates/{_name_of(problem, method)}.npz"


def training_file(problem: str, method: str) -> str:
    """Return the file name of a training history."""
    return f"trainings/{_name_of(problem, method)}.csv"


def log_file(method: str) -> str:
    """Return the file name of what a method printed."""
    return f"logs/{_name_of(method)}.log"


def figure_file(kind: str, problem: str) -> str:
    """Return the file name of a figure.

    Examples
    --------
    >>> figure_file("estimates", "gaussian-25"), figure_file("estimates", "Gaussian 25")
    ('figures/estimates-gaussian-25.png', 'figures/estimates-Gaussian_25.e338b557.png')
    """
    return f"figures/{kind}-{_name_of(problem)}.png"


def _name_of(problem: str, method: str | None = None) -> str:
    """Return a unique file name for a problem or method: its own name if that is safe."""
    words = [problem] if method is None else [problem, method]
    if all(re.fullmatch(r"[a-z0-9=-]{1,60}", word) for word in words):
        return ".".join(words)
    unique = hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:8]
    return f"{legal(words)}.{unique}"


def legal(words: Iterable[str]) -> str:
    """Join words by dots, with only characters that every file system accepts."""
    return ".".join(re.sub(r"[^A-Za-z0-9=-]+", "_", word)[:60] for word in words)
