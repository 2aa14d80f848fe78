"""The figures and training logs of a run folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.util import find_spec

from sigbench.benchmark.report import plots
from sigbench.benchmark.report.plots import Strip
from sigbench.benchmark.store.cells import StoredCell
from sigbench.benchmark.store.examples import Originals
from sigbench.benchmark.store.gallery import figure_file, histories
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.scoring.leaderboard import LeaderboardRow

KINDS = {
    "estimates": "Noisy and clean images, and their estimates by each method",
    "trainings": "Validation metric during training",
}


def write_figures(folder: RunFolder, board: Sequence[LeaderboardRow]) -> None:
    """Write the training logs, and if Matplotlib is installed, the figures.

    Parameters
    ----------
    folder : RunFolder
        The run folder.
    board : sequence of LeaderboardRow
        Its leaderboard.
    """
    groups = folder.manifest.require()["suite"].get("trainings", {})
    for problem, cells in _cells_by_problem(folder).items():
        found = histories(cells)
        for method, history in found.items():
            folder.gallery.write_training(problem, method, history)
        if find_spec("matplotlib") is None:
            continue
        trained = [method for method in _order(board, problem) if method in found]
        of_method = {m: found[m] for m in trained if math.isfinite(found[m].log[-1].figure)}
        trainings_png = plots.png(plots.trainings(of_method, groups)) if of_method else None
        folder.gallery.write_figure("trainings", problem, trainings_png)
        strips, peak = _strips(folder, problem, cells, board)
        strips_png = plots.png(plots.estimates(strips, peak)) if strips else None
        folder.gallery.write_figure("estimates", problem, strips_png)


def figure_files(folder: RunFolder) -> dict[str, dict[str, str]]:
    """Return the existing figures of each problem: what each shows, and its file."""
    return {
        problem: {
            what: figure_file(kind, problem)
            for kind, what in KINDS.items()
            if folder.gallery.has_figure(kind, problem)
        }
        for problem in folder.manifest.require()["suite"]["problems"]
    }


def needs_matplotlib(folder: RunFolder) -> bool:
    """Return whether there are figures to draw and Matplotlib is not installed."""
    if find_spec("matplotlib") is not None:
        return False
    return any(
        histories(cells) or _has_images(folder.gallery.originals(problem))
        for problem, cells in _cells_by_problem(folder).items()
    )


def _cells_by_problem(folder: RunFolder) -> dict[str, list[StoredCell]]:
    """Return the cells of each problem, with the first seed last."""
    of_problem: dict[str, list[StoredCell]] = {
        p: [] for p in folder.manifest.require()["suite"]["problems"]
    }
    for (problem, _, _), cell in sorted(folder.cells.all().items(), reverse=True):
        of_problem.setdefault(problem, []).append(cell)
    return of_problem


def _strips(
    folder: RunFolder, problem: str, cells: Sequence[StoredCell], board: Sequence[LeaderboardRow]
) -> tuple[list[Strip], float]:
    """Return the noisy and clean images, then the estimates, best method first."""
    originals = folder.gallery.originals(problem)
    if originals is None or not _has_images(originals):
        return [], 0.0
    found = folder.gallery.estimates(originals, cells)
    noisy, clean = Strip("noisy", originals.noisy), Strip("clean", originals.clean)
    estimates = []
    own = (row for row in board if row["problem"] == problem and row["metric"] == "psnr")
    means = {row["method"]: row["mean"] for row in own}
    for method in _order(board, problem):
        if method in found:
            own_psnr = found[method].values.get("psnr", ())
            strip = Strip(method, found[method].estimates, own_psnr, means.get(method))
            if method == "noisy":
                noisy = strip
            else:
                estimates.append(strip)
    return [noisy, clean, *estimates], originals.peak


def _has_images(originals: Originals | None) -> bool:
    return originals is not None and originals.domain == "image"


def _order(board: Sequence[LeaderboardRow], problem: str) -> list[str]:
    """Return the methods of a problem, best first by the first metric."""
    return list(dict.fromkeys(row["method"] for row in board if row["problem"] == problem))
