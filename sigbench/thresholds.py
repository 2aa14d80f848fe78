"""Floors held against a run: one-sided, by the intervals of the leaderboard."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tomlkit

from sigbench.denoisers import Noisy
from sigbench.errors import InputError, unknown
from sigbench.executors import Place, cores
from sigbench.files import write_atomically
from sigbench.floors import Floor, Floors
from sigbench.metrics import METRICS
from sigbench.registry import lookup
from sigbench.scores import Scores
from sigbench.statistics import Mean, mean_interval, paired_difference
from sigbench.store import RunFolder
from sigbench.suites.suite import Suite, load
from sigbench.sweep import run_suite, shared

State = Literal["holds", "straddles", "broken"]


@dataclass(frozen=True)
class Verdict:
    """Whether a floor holds, with the figures.

    It holds where the whole 95 % interval is on its right side, straddles where the floor is
    inside the interval, and is broken where the whole interval is beyond it.
    """

    floor: Floor
    state: State
    text: str


def check(path: Path, floors: Floors) -> list[Verdict]:
    """Hold floors against a run.

    Parameters
    ----------
    path : Path
        The run folder.
    floors : Floors
        As read by `load_floors`.

    Raises
    ------
    InputError
        For a folder that holds no run of the suite, a row that the run does not know, or a
        reference that cannot be compared.
    """
    folder = RunFolder(path)
    about = folder.run()["suite"]
    name = _name_of(floors.suite)
    if about["name"] != name:
        raise InputError(f"{path} holds a run of {about['name']!r}, not of {name!r}")
    return [_verdict(folder, floor) for floor in floors.floors]


def _name_of(suite: str) -> str:
    """Return the name that runs of a suite have, without importing what its methods name."""
    if not suite.endswith(".toml"):
        return suite
    try:
        table = tomllib.loads(Path(suite).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{suite}: {error}") from None
    return str(table.get("name", Path(suite).stem))


def _verdict(folder: RunFolder, floor: Floor) -> Verdict:
    _known_row(folder, floor)
    for failure in folder.failures():
        if (failure["problem"], failure["method"]) == (floor.problem, floor.method):
            return Verdict(floor, "broken", f"failed, seed {failure['seed']}: {failure['error']}")
    scores = folder.scores(floor.problem, floor.metric)
    if scores is None or floor.method not in scores.methods:
        return Verdict(floor, "broken", "has not been run")
    metric = lookup("metric", METRICS, floor.metric)
    sign = 1 if metric.higher_is_better else -1
    unit = " dB" if metric.unit == "dB" else ""
    if floor.reference is not None:
        _refuse_another_problem(folder, floor)
        mean = _loss(scores, floor, sign)
        state = _state(mean, -floor.margin, 1)
        than = f"than {floor.reference_method} in {floor.reference}"
        what = f"{_abs(mean)}{unit} {'better' if mean.mean >= 0 else 'worse'} {than}"
        allowed = f"at most {floor.margin:g}{unit} worse is allowed"
        return Verdict(floor, state, f"{what} ({mean.n:,} items); {allowed}")
    if floor.floor is None:
        raise InputError(
            f"{floor.name}: neither a floor nor a reference; sigbench check --update sets a floor"
        )
    mean = mean_interval(*scores.of(floor.method))
    text = f"{mean.mean:.6g} [{mean.low:.6g}, {mean.high:.6g}]{unit}"
    side = ">=" if metric.higher_is_better else "<="
    return Verdict(
        floor, _state(mean, floor.floor, sign), f"{text}, must be {side} {floor.floor:g}"
    )


def _known_row(folder: RunFolder, floor: Floor) -> None:
    about = folder.run()["suite"]
    for kind in ("problem", "method", "metric"):
        if getattr(floor, kind) not in about[f"{kind}s"]:
            raise unknown(f"{kind} of the run", getattr(floor, kind), about[f"{kind}s"])


def _abs(mean: Mean) -> str:
    ends = (mean.low, mean.high) if mean.mean >= 0 else (-mean.high, -mean.low)
    return f"{abs(mean.mean):.4g} [{ends[0]:.4g}, {ends[1]:.4g}]"


def _state(mean: Mean, floor: float, sign: int) -> State:
    """Return the state of an interval; one without ends (a single group) can only straddle."""
    if math.isinf(mean.mean):
        return "holds" if sign * mean.mean > 0 else "broken"
    worse, better = sorted((sign * mean.low, sign * mean.high))
    if worse >= sign * floor:
        return "holds"
    return "broken" if better < sign * floor else "straddles"


def _loss(scores: Scores, floor: Floor, sign: int) -> Mean:
    """Return by how much a row is better than that of the reference run, item by item."""
    assert floor.reference is not None
    reference = RunFolder(floor.reference)
    other = reference.scores(floor.problem, floor.metric)
    if other is None or floor.reference_method not in other.methods:
        rows = [method for problem, _, method in reference.entries() if problem == floor.problem]
        raise InputError(
            f"{floor.reference} has no {floor.metric} of {floor.reference_method!r} on "
            f"{floor.problem!r}; methods there: {', '.join(sorted(set(rows))) or 'none'}"
        )
    here = {item: i for i, item in enumerate(_items(scores))}
    pairs = [(here[item], j) for j, item in enumerate(_items(other)) if item in here]
    if not pairs:
        raise InputError(f"{floor.name}: no item in common with {floor.reference}")
    i, j = np.array(pairs).T
    own = scores.values[scores.methods.index(floor.method)][i]
    values = other.values[other.methods.index(floor.reference_method)][j]
    difference = sign * paired_difference(own, values)
    both = ~np.isnan(difference)
    return mean_interval(difference[both], scores.groups[i][both])


def _items(scores: Scores) -> Iterable[tuple[int, int]]:
    return zip(scores.seeds.tolist(), scores.items.tolist(), strict=True)


def _refuse_another_problem(folder: RunFolder, floor: Floor) -> None:
    """Refuse a reference whose items are not the run's."""
    assert floor.reference is not None
    problems = (
        other.run()["suite"]["problems"].get(floor.problem, {})
        for other in (folder, RunFolder(floor.reference))
    )
    here, there = ({**problem, "items": None} for problem in problems)
    if here != there:
        what = next(key for key in {**here, **there} if here.get(key) != there.get(key))
        raise InputError(
            f"{floor.reference} has {floor.problem!r} with {what}={there.get(what)!r}, "
            f"the run with {here.get(what)!r}: they cannot be paired"
        )


def update(path: Path, floors: Floors, *, allow_lower: bool = False) -> list[str]:
    """Move floors to the near end of the run's intervals, in the file, comments and all.

    A floor is made stricter, and only with ``allow_lower`` looser; one that was left out is set.
    Those held against a reference run stay as they are.

    Parameters
    ----------
    path : Path
        The run folder.
    floors : Floors
        As read by `load_floors`.
    allow_lower : bool
        Whether a floor may come to demand less.

    Returns
    -------
    list of str
        What was changed and what was not, a line a floor.
    """
    folder = RunFolder(path)
    document = tomlkit.parse(floors.path.read_text(encoding="utf-8"))
    lines = []
    for number, floor in enumerate(floors.floors):
        if floor.reference is not None:
            lines.append(f"left     {floor.name}: held against {floor.reference}")
            continue
        _known_row(folder, floor)
        scores = folder.scores(floor.problem, floor.metric)
        if scores is None or floor.method not in scores.methods:
            lines.append(f"left     {floor.name}: has not been run")
            continue
        mean = mean_interval(*scores.of(floor.method))
        sign = 1 if lookup("metric", METRICS, floor.metric).higher_is_better else -1
        end = mean.low if sign > 0 else mean.high
        if not math.isfinite(end):
            lines.append(f"left     {floor.name}: the mean {mean.mean:g} has no interval")
            continue
        new = _rounded(end, -sign)
        if floor.floor is not None and sign * new < sign * floor.floor and not allow_lower:
            lines.append(f"left     {floor.name}: {new:g} would demand less than {floor.floor:g}")
        elif new == floor.floor:
            lines.append(f"same     {floor.name}: {new:g}")
        else:
            was = "" if floor.floor is None else f" (was {floor.floor:g})"
            lines.append(f"set      {floor.name}: {new:g}{was}")
            document["floors"][number]["floor"] = new
    write_atomically(floors.path, tomlkit.dumps(document).encode())
    return lines


def _rounded(value: float, direction: int) -> float:
    """Round to five figures, up or down, so that the value itself still holds."""
    if value == 0:
        return 0.0
    scale = 10.0 ** (4 - math.floor(math.log10(abs(value))))
    whole = math.ceil(value * scale) if direction > 0 else math.floor(value * scale)
    return float(f"{whole / scale:.10g}")


def run_floors(floors: Floors, folder: Path) -> None:
    """Run what a file of floors needs of its suite, resumed from the folder.

    A folder that holds another run of the same kind, with other items say, is begun anew.
    """
    suite, place = _needed(floors), Place(jobs=cores())
    try:
        RunFolder(folder).check(shared(suite))
    except InputError:
        run_suite(suite, folder, fresh=True, wait=True, place=place)
    else:
        run_suite(suite, folder, wait=True, place=place)


def _needed(floors: Floors) -> Suite:
    suite = load(floors.suite)
    noisy = next(method.name for method in suite.methods if isinstance(method.entry, Noisy))
    return suite.select(
        methods=[noisy, *dict.fromkeys(floor.method for floor in floors.floors)],
        problems=list(dict.fromkeys(floor.problem for floor in floors.floors)),
        seeds=None if floors.seeds is None else list(floors.seeds),
        items=floors.items,
    )
