"""The tables of an analysis: CSV files, and a table to print."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.analysis.figures import Sweep
from sigbench.analysis.study import Portrait, Study
from sigbench.benchmark.methods.resolve import Method
from sigbench.benchmark.report.tables import markdown_table
from sigbench.core.atomic import write_atomically
from sigbench.core.escape import csv_text
from sigbench.core.fingerprint import digest, identity
from sigbench.problems.denoising import Denoising
from sigbench.scoring.inference import Mean, mean_interval

MIN_LEVELS = 3  # noise levels for a slope
MAX_ERROR = 0.05  # a larger `error` is reported
MAX_LINEAR_ERROR = 0.3  # a larger error of the linearization close to the item is reported
FIGURES = ("effective_dimension", "trace", "asymmetry", "constant", "rmse", "error")


@dataclass(frozen=True)
class MethodStudies:
    """The studies of a method on items of a problem; the first one has a portrait."""

    problem: Denoising
    method: Method
    studies: Sequence[Study]

    @property
    def names(self) -> tuple[str, str]:
        """The names of the problem and the method."""
        return self.problem.name, self.method.name

    @property
    def portrait(self) -> Portrait:
        """The portrait of the first item."""
        assert self.studies[0].portrait is not None
        return self.studies[0].portrait

    def values(self, name: str) -> NDArray[Any]:
        """Return a field of every study."""
        return np.array([getattr(study, name) for study in self.studies])


def write_tables(folder: Path, suite: str, results: Sequence[MethodStudies]) -> None:
    """Write the summaries of all items, and spectra, filters and stability of the first.

    Parameters
    ----------
    folder : Path
        The output folder.
    suite : str
        The suite's name.
    results : sequence of MethodStudies
        The studies.
    """
    named = [((*one.names, one.studies[0].item), one.portrait) for one in results]
    columns = ("item", "group", "sigma", "samples", *FIGURES, "by")
    _write(
        folder / "jacobians.csv",
        ["suite", "problem", "method", *columns],
        (
            [suite, *one.names, *(getattr(own, name) for name in columns)]
            for one in results
            for own in one.studies
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
            for name, one in sweeps(results).items()
            for values in zip(one.sigma, one.mean, one.low, one.high, strict=True)
        ),
    )


def _index(place: Sequence[int]) -> str:
    return ":".join(map(str, place))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV table; NaN is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    write_atomically(path, buffer.getvalue().encode())


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.7g}"
    return csv_text(value) if isinstance(value, str) else value


def sweeps(results: Sequence[MethodStudies]) -> dict[str, Sweep]:
    """Return the effective dimension over the noise level by method, for at least three levels.

    The slope is that of the least squares line through the means on logarithmic axes. The
    intervals are those of the logarithm (delta method), since the dimension is positive.
    """
    groups: dict[tuple[str, str], dict[float, MethodStudies]] = {}
    for one in results:
        levels = np.unique(one.values("sigma"))
        if len(levels) == 1 and levels[0] > 0:
            same = digest([identity(one.problem.dataset), one.problem.degradation.kind])
            groups.setdefault((one.method.name, same), {})[float(levels[0])] = one
    found = {}
    for (name, _), ones in groups.items():
        if len(ones) < MIN_LEVELS:
            continue
        if sum(other == name for other, _ in groups) > 1:  # several datasets or degradations
            name = f"{name} on {next(iter(ones.values())).problem.name}, ..."
        sigma = sorted(ones)
        means = [_mean(ones[s], "effective_dimension") for s in sigma]
        mean = [m.mean for m in means]
        factor = [math.exp((m.high - m.mean) / m.mean) if m.mean > 0 else math.nan for m in means]
        low = [m / f for m, f in zip(mean, factor, strict=True)]
        high = [m * f for m, f in zip(mean, factor, strict=True)]
        slope = math.nan
        if min(mean) > 0:
            slope = float(np.polyfit(np.log(sigma), np.log(mean), 1)[0])
        found[name] = Sweep(sigma, mean, low, high, slope)
    return found


def _mean(one: MethodStudies, name: str) -> Mean:
    return mean_interval(one.values(name), one.values("group"))


def as_text(results: Sequence[MethodStudies]) -> str:
    """Return a table of means over items, followed by notes."""
    header = ["problem", "method", "Σ s²", "samples", "trace", "constant", "asymmetry", "RMSE"]
    header += ["by", "error"]
    rows = []
    for one in results:
        means = {name: float(np.mean(one.values(name))) for name in FIGURES}
        samples = one.values("samples")
        rows.append(
            [
                *one.names,
                f"{means['effective_dimension']:.1f}",
                "–".join(map(str, dict.fromkeys([samples.min(), samples.max()]))),
                f"{means['trace']:.1f}",
                f"{means['constant']:.3g}",
                f"{means['asymmetry']:.2f}",
                f"{means['rmse']:.3g}",
                ", ".join(dict.fromkeys(one.values("by").tolist())),
                f"{one.values('error').max():.1g}",
            ]
        )
    notes = [
        f"{name}: effective dimension over σ = {one.sigma[0]:g}…{one.sigma[-1]:g}: "
        f"slope {round(one.slope, 2) + 0.0:.2f} on logarithmic axes"
        for name, one in sweeps(results).items()
        if not math.isnan(one.slope)
    ]
    notes += dict.fromkeys(note for one in results for note in _notes(one))
    table = markdown_table(header, rows, right=[*header[2:8], "error"])
    return "\n\n".join([table, *(["\n".join(notes)] if notes else [])])


def _notes(one: MethodStudies) -> Iterator[str]:
    """Yield the notes on a method."""
    name = one.method.name
    rough = one.values("error") > MAX_ERROR
    if (rough & (one.values("by") == "autograd")).any():
        yield (
            f"{name}: error: the derivative is not that of the estimate, or one of them is imprecise; "
            "compare with --by differences"
        )
    elif rough.any():
        hint = (
            ""
            if one.method.sigma_given
            else "; if the method estimates the noise level, try [sigma=given]"
        )
        yield f"{name}: error: the method is not differentiable here, or too imprecise{hint}"
    elif one.portrait.s[0] == 0 and one.portrait.linear_error[-1] > 0:
        yield (
            f"{name}: A is zero, but the estimate changes {one.portrait.moves[-1]:g} noise level from "
            "the item: all coefficients are below the threshold, or changes are rounded to zero"
        )
    elif one.portrait.linear_error[0] > MAX_LINEAR_ERROR:
        yield (
            f"{name}: jumps or bends within {one.portrait.moves[0]:g} noise levels of an item; "
            "farther away, A does not predict how the estimate changes"
        )
