"""Floors held against a run: one-sided, by the intervals of the leaderboard."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tomlkit
from numpy.typing import NDArray

from sigbench.benchmark.checks.floors import Floor, Floors
from sigbench.benchmark.engine.executors.base import ExecutorConfig, cores
from sigbench.benchmark.run_suite import check as check_suite
from sigbench.benchmark.run_suite import run_suite, shared
from sigbench.benchmark.store.manifest import LOG
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.benchmark.suites.suite import Suite, load
from sigbench.config.registry import lookup
from sigbench.core.durations import seconds
from sigbench.core.errors import InputError, unknown
from sigbench.core.media import write_atomically
from sigbench.denoisers import Noisy
from sigbench.scoring.aggregate import average, difference
from sigbench.scoring.inference import Floats, Mean, mean_interval
from sigbench.scoring.metrics import METRICS, Metric
from sigbench.scoring.scores import Scores

FloorState = Literal["holds", "straddles", "broken"]


@dataclass(frozen=True)
class FloorResult:
    """Whether a floor holds, with the figures.

    It holds where the whole 95 % interval is on its right side, straddles where the floor is
    inside the interval, and is broken where the whole interval is beyond it.
    """

    floor: Floor
    state: FloorState
    text: str


def check(path: Path, floors: Floors) -> list[FloorResult]:
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
    folder = _folder(path, floors)
    return [verdict(folder, floor, floors.seeds) for floor in floors.floors]


def _folder(path: Path, floors: Floors) -> RunFolder:
    folder = RunFolder(path)
    about = folder.manifest.require()["suite"]
    name = _name_of(floors.suite)
    if about["name"] != name:
        raise InputError(f"{path} holds a run of {about['name']!r}, not of {name!r}")
    for problem in {floor.problem for floor in floors.floors} & about["problems"].keys():
        items = about["problems"][problem]["items"]
        if floors.items not in (None, items):
            raise InputError(
                f"{path} holds a run with items={items}, {floors.path} says items={floors.items}"
            )
    return folder


def _name_of(suite: str) -> str:
    """Return the name that runs of a suite have, without importing what its methods name."""
    if not suite.endswith(".toml"):
        return suite
    try:
        table = tomllib.loads(Path(suite).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{suite}: {error}") from None
    return str(table.get("name", Path(suite).stem))


def verdict(folder: RunFolder, floor: Floor, seeds: Collection[int] | None) -> FloorResult:
    """Hold one floor against a run.

    Parameters
    ----------
    folder : RunFolder
        The run.
    floor : Floor
        What to hold against it.
    seeds : collection of int, optional
        Which seeds count, and must be there; by default those that are.

    Raises
    ------
    InputError
        As `check`.
    """
    _known_row(folder, floor)
    lacking = _lacking(folder, floor, seeds)
    scores = folder.scores(floor.problem, floor.metric, seeds)
    if lacking or scores is None:
        return FloorResult(floor, "broken", lacking)
    metric = lookup("metric", METRICS, floor.metric)
    sign = 1 if metric.higher_is_better else -1
    unit = " dB" if metric.unit == "dB" else ""
    if floor.reference is not None:
        _refuse_another_problem(folder, floor)
        gain, groups = _gain(metric, scores, floor)
        mean = mean_interval(gain, groups)
        than = f"than {floor.reference_method} in {floor.reference} ({mean.n:,} items)"
        what = f"{_abs(mean)}{unit} {'better' if mean.mean >= 0 else 'worse'} {than}"
        text = f"{what}; at most {floor.margin:g}{unit} worse is allowed"
        return FloorResult(floor, _state(mean, gain, -floor.margin, 1), text)
    if floor.floor is None:
        raise _no_demand(floor)
    values, groups = scores.of(floor.method)
    mean = average(metric, values, groups)
    figures = f"{mean.mean:.6g} [{mean.low:.6g}, {mean.high:.6g}]{unit}"
    text = f"{figures}, must be {'>=' if metric.higher_is_better else '<='} {floor.floor:g}"
    return FloorResult(floor, _state(mean, values, floor.floor, sign), text)


def _lacking(folder: RunFolder, floor: Floor, seeds: Collection[int] | None) -> str:
    """Return why a row cannot be judged, if so: it failed, or has not been run on all seeds."""
    own = (floor.problem, floor.method)
    for failure in folder.failures():
        wanted = seeds is None or failure["seed"] in seeds
        if wanted and (failure["problem"], failure["method"]) == own:
            return f"failed, seed {failure['seed']}: {failure['error']} (see {folder.path / LOG})"
    done = {seed for problem, seed, method in folder.cells.all() if (problem, method) == own}
    missing = sorted(set(seeds or ()) - done)
    if missing:
        return f"has not been run on seed {', '.join(map(str, missing))}"
    return "" if done else "has not been run"


def _no_demand(floor: Floor) -> InputError:
    return InputError(
        f"{floor.name}: neither a floor nor a reference; sigbench check --update sets a floor"
    )


def _known_row(folder: RunFolder, floor: Floor) -> None:
    about = folder.manifest.require()["suite"]
    for kind in ("problem", "method", "metric"):
        if getattr(floor, kind) not in about[f"{kind}s"]:
            raise unknown(f"{kind} of the run", getattr(floor, kind), about[f"{kind}s"])


def _abs(mean: Mean) -> str:
    ends = (mean.low, mean.high) if mean.mean >= 0 else (-mean.high, -mean.low)
    return f"{abs(mean.mean):.4g} [{ends[0]:.4g}, {ends[1]:.4g}]"


def _state(mean: Mean, values: Floats, floor: float, sign: int) -> FloorState:
    """Return the state of an interval; one without ends (a single group) can only straddle."""
    if not math.isfinite(mean.mean):
        # There is no interval, and what is perfect on some items may be bad on others.
        if (sign * values == -math.inf).any():
            return "broken"
        return "holds" if np.isinf(values).all() else "straddles"
    worse, better = sorted((sign * mean.low, sign * mean.high))
    if worse >= sign * floor:
        return "holds"
    return "broken" if better < sign * floor else "straddles"


def _gain(metric: Metric, scores: Scores, floor: Floor) -> tuple[Floats, NDArray[np.int64]]:
    """Return by how much a row is better than that of the reference run, item by item."""
    assert floor.reference is not None
    reference = RunFolder(floor.reference)
    other = reference.scores(floor.problem, floor.metric)
    if other is None or floor.reference_method not in other.methods:
        rows = [method for problem, _, method in reference.cells.all() if problem == floor.problem]
        raise InputError(
            f"{floor.reference} has no {floor.metric} of {floor.reference_method!r} on "
            f"{floor.problem!r}; methods there: {', '.join(sorted(set(rows))) or 'none'}"
        )
    here = {item: i for i, item in enumerate(_items(scores))}
    pairs = [(here[item], j) for j, item in enumerate(_items(other)) if item in here]
    i, j = np.array(pairs, dtype=int).reshape(-1, 2).T
    own = scores.values[scores.methods.index(floor.method)][i]
    theirs = other.values[other.methods.index(floor.reference_method)][j]
    both = ~np.isnan(own) & ~np.isnan(theirs)  # other rows of the runs may have seen more items
    if not both.any():
        raise InputError(f"{floor.name}: no item in common with {floor.reference}")
    gain = difference(metric, own[both], theirs[both])
    return gain if metric.higher_is_better else -gain, scores.groups[i][both]


def _items(scores: Scores) -> Iterable[tuple[int, int]]:
    return zip(scores.seeds.tolist(), scores.items.tolist(), strict=True)


def _refuse_another_problem(folder: RunFolder, floor: Floor) -> None:
    """Refuse a reference whose items are not the run's."""
    assert floor.reference is not None
    problems = (
        other.manifest.require()["suite"]["problems"].get(floor.problem, {})
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
    folder = _folder(path, floors)
    document = tomlkit.parse(floors.path.read_text(encoding="utf-8"))
    lines = []
    for number, floor in enumerate(floors.floors):
        if floor.reference is not None:
            lines.append(f"left     {floor.name}: held against {floor.reference}")
            continue
        _known_row(folder, floor)
        lacking = _lacking(folder, floor, floors.seeds)
        scores = folder.scores(floor.problem, floor.metric, floors.seeds)
        if lacking or scores is None:
            lines.append(f"left     {floor.name}: {lacking}")
            continue
        metric = lookup("metric", METRICS, floor.metric)
        mean = average(metric, *scores.of(floor.method))
        sign = 1 if metric.higher_is_better else -1
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


@dataclass(frozen=True)
class Held:
    """A run made for a file of floors: what became of each of them."""

    folder: RunFolder
    seeds: tuple[int, ...]
    wrong: Mapping[Floor, InputError]

    def verdict(self, floor: Floor) -> FloorResult:
        """Return the verdict on one floor.

        Raises
        ------
        InputError
            For a floor that cannot be held against any run, whatever the others are.
        """
        if floor in self.wrong:
            raise self.wrong[floor]
        return verdict(self.folder, floor, self.seeds)


def run_floors(floors: Floors, path: Path) -> Held:
    """Run what a file of floors needs of its suite, resumed from a folder.

    A folder that holds another run of the suite, with other items say, is begun anew, unless the
    file itself names the folder.

    Parameters
    ----------
    floors : Floors
        As read by `load_floors`.
    path : Path
        The folder.

    Raises
    ------
    InputError
        For a suite that cannot be loaded, or a folder that holds something else.
    """
    executor = ExecutorConfig(
        jobs=cores(), timeout=None if floors.timeout is None else seconds(floors.timeout)
    )
    suite = load(floors.suite).select(
        seeds=None if floors.seeds is None else list(floors.seeds), items=floors.items
    )
    wrong: dict[Floor, InputError] = {}
    for floor in floors.floors:
        try:
            _check_it_can_be_held(suite, floor)
        except InputError as error:
            wrong[floor] = error
    good = [floor for floor in floors.floors if floor not in wrong]
    if good:
        noisy = [method.name for method in suite.methods if isinstance(method.entry, Noisy)]
        needed = suite.select(
            methods=[*noisy, *dict.fromkeys(floor.method for floor in good)],
            problems=list(dict.fromkeys(floor.problem for floor in good)),
        )
        fresh = floors.folder is None and _holds_another_run(path, needed)
        run_suite(needed, path, fresh=fresh, wait=True, executor=executor)
    return Held(RunFolder(path), suite.seeds, wrong)


def _check_it_can_be_held(suite: Suite, floor: Floor) -> None:
    check_suite(suite.select(methods=[floor.method], problems=[floor.problem]))
    if floor.metric not in suite.metrics:
        raise unknown("metric of the suite", floor.metric, suite.metrics)
    if floor.reference is not None:
        RunFolder(floor.reference).manifest.require()
    elif floor.floor is None:
        raise _no_demand(floor)


def _holds_another_run(path: Path, suite: Suite) -> bool:
    manifest = RunFolder(path).manifest.read()
    if not manifest or manifest["suite"]["name"] != suite.name:
        return False
    try:
        RunFolder(path).manifest.check(shared(suite))
    except InputError:
        return True
    return False
