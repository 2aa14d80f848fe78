"""The tables of an analysis: CSV files for figures of one's own, and one to be read."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sigbench.analysis.figures import Sweep
from sigbench.analysis.study import Study
from sigbench.files import write_atomically
from sigbench.identity import digest, identity
from sigbench.methods import Method
from sigbench.problems import Denoising
from sigbench.reports.markdown import markdown_table
from sigbench.statistics import mean_interval

FEWEST_LEVELS = 3  # noise levels that a slope is drawn through
ROUGH = 0.05  # of `error`: beyond, somebody should look
PER_ITEM = (
    "items", "groups", "sigma", "samples", "effective_dimension", "divergence", "asymmetry",
    "constant", "rmse", "error",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@")  # what a spreadsheet takes for the beginning of one


@dataclass(frozen=True)
class Done:
    """A study and what it is of."""

    problem: Denoising
    method: Method
    study: Study

    @property
    def row(self) -> tuple[str, str]:
        """The names of problem and method."""
        return self.problem.name, self.method.name


def write_tables(folder: Path, suite: str, done: Sequence[Done]) -> None:
    """Write the figures of all items, and spectra, filters and stability of the first.

    Parameters
    ----------
    folder : Path
        Where to.
    suite : str
        The suite's name.
    done : sequence of Done
        The studies.
    """
    first = [(*one.row, int(one.study.items[0])) for one in done]
    named = list(zip(first, (one.study for one in done), strict=True))
    names = [name.removesuffix("s") if name in ("items", "groups") else name for name in PER_ITEM]
    _write(
        folder / "jacobians.csv",
        ["suite", "problem", "method", *names, "by"],
        (
            [suite, *one.row, *values, one.study.by]
            for one in done
            for values in zip(*(getattr(one.study, c).tolist() for c in PER_ITEM), strict=True)
        ),
    )
    _write(
        folder / "spectra.csv",
        ["problem", "method", "item", "i", "singular_value", "symmetry"],
        (
            [*row, i, *values]
            for row, own in named
            for i, values in enumerate(zip(own.s.tolist(), own.symmetry.tolist(), strict=True), 1)
        ),
    )
    _write(
        folder / "filters.csv",
        ["problem", "method", "item", "of", "channel", "sample", "weight"],
        (
            [*row, _index(place), channel, _index(sample), float(weight)]
            for row, own in named
            for place, weights in zip(own.places.tolist(), own.filters, strict=True)
            for (channel, *sample), weight in np.ndenumerate(weights)
        ),
    )
    _write(
        folder / "stability.csv",
        ["problem", "method", "item", "noise_levels", "linear_error", "switched"],
        (
            [*row, *map(float, values)]
            for row, own in named
            for values in zip(own.moves, own.linear_error, own.switched, strict=True)
        ),
    )
    _write(
        folder / "effective_dimension.csv",
        ["method", "sigma", "mean", "ci_low", "ci_high", "slope"],
        (
            [name, *values, one.slope]
            for name, one in sweeps(done).items()
            for values in zip(one.sigma, one.mean, one.low, one.high, strict=True)
        ),
    )


def _index(place: Sequence[int]) -> str:
    return ":".join(map(str, place))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table; what is no number is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    write_atomically(path, buffer.getvalue().encode())


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.7g}"
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA else value


def sweeps(done: Sequence[Done]) -> dict[str, Sweep]:
    """Return by method the effective dimension over the noise level, where there are several.

    The slope is that of the least squares line through the means, both logarithmic.
    """
    of: dict[tuple[str, str], dict[float, Done]] = {}
    for one in done:
        levels = np.unique(one.study.sigma)
        if len(levels) == 1 and levels[0] > 0:
            same = digest([identity(one.problem.dataset), one.problem.degradation.kind])
            of.setdefault((one.method.name, same), {})[float(levels[0])] = one
    found = {}
    for (name, _), ones in of.items():
        if len(ones) < FEWEST_LEVELS:
            continue
        if sum(other == name for other, _ in of) > 1:  # on several kinds of items
            name = f"{name} on {next(iter(ones.values())).problem.name}, ..."
        studies = {level: one.study for level, one in ones.items()}
        sigma = sorted(studies)
        means = [mean_interval(studies[s].effective_dimension, studies[s].groups) for s in sigma]
        mean, low, high = ([getattr(m, end) for m in means] for end in ("mean", "low", "high"))
        slope = math.nan
        if min(mean) > 0:
            slope = float(np.polyfit(np.log(sigma), np.log(mean), 1)[0])
        found[name] = Sweep(sigma, mean, low, high, slope)
    return found


def as_text(done: Sequence[Done]) -> str:
    """Return means over items as a table, and what is to be noted under it."""
    header = ["problem", "method", "Σ s²", "of", "trace", "constant", "asymmetry", "RMSE", "by"]
    header += ["error"]
    rows = []
    for one in done:
        own = one.study
        means = {name: float(np.mean(getattr(own, name))) for name in PER_ITEM[4:]}
        rows.append(
            [
                *one.row,
                f"{means['effective_dimension']:.1f}",
                "–".join(map(str, dict.fromkeys([own.samples.min(), own.samples.max()]))),
                f"{means['divergence']:.1f}",
                f"{means['constant']:.3g}",
                f"{means['asymmetry']:.2f}",
                f"{means['rmse']:.3g}",
                own.by,
                f"{float(own.error.max()):.1g}",
            ]
        )
    notes = [
        f"{name}: effective dimension over σ = {one.sigma[0]:g}…{one.sigma[-1]:g}: "
        f"slope {round(one.slope, 2) + 0.0:.2f} in log-log"
        for name, one in sweeps(done).items()
    ]
    rough = dict.fromkeys(one.method.name for one in done if one.study.error.max() > ROUGH)
    notes += [
        f"{name}: an error beyond {ROUGH} says that it is not smooth here, or computes too roughly "
        "for the steps of the differences: try --step 1e-2"
        for name in rough
    ]
    table = markdown_table(header, rows, right=[*header[2:8], "error"])
    return "\n\n".join([table, *(["\n".join(notes)] if notes else [])])
