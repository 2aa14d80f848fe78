"""What a run folder shows beside its tables: the logs of trainings, and figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.util import find_spec

from sigbench.benchmark.report import plots
from sigbench.benchmark.report.plots import Strip
from sigbench.benchmark.store.cells import StoredCell
from sigbench.benchmark.store.gallery import figure_file, histories
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.scoring.leaderboard import LeaderboardRow

KINDS = {
    "estimates": "Noisy, clean, and what each method makes of it",
    "trainings": "Running figures of the trainings over their time",
}


def illustrate(folder: RunFolder, board: Sequence[LeaderboardRow]) -> None:
    """Write the logs of trainings, and where Matplotlib is installed, draw figures.

    Parameters
    ----------
    folder : RunFolder
        A folder that holds a run.
    board : sequence of Row
        Its leaderboard.
    """
    groups = folder.run()["suite"].get("trainings", {})
    for problem, entries in _entries(folder).items():
        found = histories(entries)
        for method, history in found.items():
            folder.gallery.write_training(problem, method, history)
        if find_spec("matplotlib") is None:
            continue
        trained = [method for method in _order(board, problem) if method in found]
        of_method = {m: found[m] for m in trained if math.isfinite(found[m].log[-1].figure)}
        courses_png = plots.png(plots.trainings(of_method, groups)) if of_method else None
        folder.gallery.write_figure("trainings", problem, courses_png)
        strips, peak = _strips(folder, problem, entries, board)
        strips_png = plots.png(plots.estimates(strips, peak)) if strips else None
        folder.gallery.write_figure("estimates", problem, strips_png)


def figures_there(folder: RunFolder) -> dict[str, dict[str, str]]:
    """Return by problem the figures that are there: what they show, and the file."""
    return {
        problem: {
            what: figure_file(kind, problem)
            for kind, what in KINDS.items()
            if folder.gallery.has_figure(kind, problem)
        }
        for problem in folder.run()["suite"]["problems"]
    }


def is_undrawn(folder: RunFolder) -> bool:
    """Return whether there is something to draw, and no Matplotlib to draw it with."""
    names = folder.gallery.names(folder.entries().values())
    return find_spec("matplotlib") is None and any(name.startswith("figures/") for name in names)


def _entries(folder: RunFolder) -> dict[str, list[StoredCell]]:
    """Return the cells of each problem, the first seed last."""
    of_problem: dict[str, list[StoredCell]] = {p: [] for p in folder.run()["suite"]["problems"]}
    for (problem, _, _), entry in sorted(folder.entries().items(), reverse=True):
        of_problem.setdefault(problem, []).append(entry)
    return of_problem


def _strips(
    folder: RunFolder, problem: str, entries: Sequence[StoredCell], board: Sequence[LeaderboardRow]
) -> tuple[list[Strip], float]:
    """Return the noisy and the clean images, then the estimates, the best method's first."""
    originals = folder.gallery.originals(problem)
    if originals is None:
        return [], 0.0
    found = folder.gallery.estimates(originals, entries)
    noisy, clean = Strip("noisy", originals.noisy), Strip("clean", originals.clean)
    estimates = []
    own = (row for row in board if row["problem"] == problem and row["metric"] == "psnr")
    means = {row["method"]: row["mean"] for row in own}
    for method in _order(board, problem):
        if method in found:
            strip = Strip(method, found[method].images, found[method].psnr, means.get(method))
            if method == "noisy":
                noisy = strip
            else:
                estimates.append(strip)
    return [noisy, clean, *estimates], originals.peak


def _order(board: Sequence[LeaderboardRow], problem: str) -> list[str]:
    """Return the methods of a problem, best first by the first metric."""
    return list(dict.fromkeys(row["method"] for row in board if row["problem"] == problem))
