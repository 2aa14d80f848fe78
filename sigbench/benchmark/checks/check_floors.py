"""Check floors against a run: one-sided, by the confidence intervals of the leaderboard."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tomlkit
from numpy.typing import NDArray

from sigbench.benchmark.checks.floors import Floor, Floors
from sigbench.benchmark.engine.executors.base import ExecutorConfig, cores
from sigbench.benchmark.methods.resolve import depending_on
from sigbench.benchmark.run_suite import check as check_suite
from sigbench.benchmark.run_suite import run_suite, shared
from sigbench.benchmark.store.manifest import LOG
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.benchmark.suites.suite import Suite, load
from sigbench.config.registry import lookup
from sigbench.config.toml import read_toml
from sigbench.core.atomic import write_atomically
from sigbench.core.dependencies import declared
from sigbench.core.durations import seconds
from sigbench.core.errors import InputError, unknown
from sigbench.denoisers import Noisy
from sigbench.scoring.aggregate import average, difference
from sigbench.scoring.inference import Floats, Mean, mean_interval
from sigbench.scoring.metrics import METRICS, Metric
from sigbench.scoring.scores import Scores

FloorState = Literal["holds", "inconclusive", "broken"]


@dataclass(frozen=True)
class FloorResult:
    """Whether a floor holds, and the scores.

    A floor holds if the whole 95 % confidence interval is at least as good, is inconclusive if it is
    inside the interval, and is broken if the whole interval is worse.
    """

    floor: Floor
    state: FloorState
    text: str


def check(path: Path, floors: Floors) -> list[FloorResult]:
    """Check floors against a run.

    Parameters
    ----------
    path : Path
        The run folder.
    floors : Floors
        The floors, from `load_floors`.

    Raises
    ------
    InputError
        If the folder contains no run of the suite, a problem, method or metric is not in the run,
        or a reference cannot be compared.
    """
    folder = _folder(path, floors)
    return [check_floor(folder, floor, floors.seeds) for floor in floors.floors]


def _folder(path: Path, floors: Floors) -> RunFolder:
    folder = RunFolder(path)
    about = folder.manifest.require()["suite"]
    name = _name_of(floors.suite)
    if about["name"] != name:
        raise InputError(f"{path} contains a run of {about['name']!r}, not of {name!r}")
    for problem in {floor.problem for floor in floors.floors} & about["problems"].keys():
        items = about["problems"][problem]["items"]
        if floors.items not in (None, items):
            raise InputError(
                f"{path} contains a run with items={items}, but {floors.path} has items={floors.items}"
            )
    return folder


def _name_of(suite: str) -> str:
    """Return the name of a suite without importing the modules of its methods."""
    if not suite.endswith(".toml"):
        return suite
    return str(read_toml(Path(suite)).get("name", Path(suite).stem))


def check_floor(folder: RunFolder, floor: Floor, seeds: Collection[int] | None) -> FloorResult:
    """Check one floor against a run.

    Parameters
    ----------
    folder : RunFolder
        The run.
    floor : Floor
        The floor.
    seeds : collection of int, optional
        The seeds to use, which must all be finished; by default the finished ones.

    Raises
    ------
    InputError
        For the same reasons as `check`.
    """
    _check_known(folder, floor)
    scores, missing_text = _scores(folder, floor, seeds)
    if missing_text or scores is None:
        return FloorResult(floor, "broken", missing_text)
    metric = lookup("metric", METRICS, floor.metric)
    sign = 1 if metric.higher_is_better else -1
    unit = " dB" if metric.unit == "dB" else ""
    if floor.reference is not None:
        _check_same_problem(folder, floor)
        gain, groups = _gain(metric, scores, floor)
        mean = mean_interval(gain, groups)
        than = f"than {floor.reference_method} in {floor.reference} ({mean.n:,} items)"
        what = f"{_abs(mean)}{unit} {'better' if mean.mean >= 0 else 'worse'} {than}"
        text = f"{what}; at most {floor.margin:g}{unit} worse is allowed"
        return FloorResult(floor, _state(mean, gain, -floor.margin, 1), text)
    if floor.floor is None:
        raise _empty_floor(floor)
    values, groups = scores.of(floor.method)
    mean = average(metric, values, groups)
    figures = f"{mean.mean:.6g} [{mean.low:.6g}, {mean.high:.6g}]{unit}"
    text = f"{figures}, must be {'>=' if metric.higher_is_better else '<='} {floor.floor:g}"
    return FloorResult(floor, _state(mean, values, floor.floor, sign), text)


def _scores(
    folder: RunFolder, floor: Floor, seeds: Collection[int] | None
) -> tuple[Scores | None, str]:
    """Return the scores, and why the method has none, or not for every item; empty if it has all."""
    scores = folder.scores(floor.problem, floor.metric, seeds)
    text = _why_missing(folder, floor, seeds)
    if not text and scores is not None and floor.method in scores.missing:
        text = f"{floor.metric} {scores.missing[floor.method].text}"
    return scores, text


def _why_missing(folder: RunFolder, floor: Floor, seeds: Collection[int] | None) -> str:
    """Return why there is no score (a failure, or seeds that were not run), or an empty string."""
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


def _empty_floor(floor: Floor) -> InputError:
    return InputError(
        f"{floor.name} has neither a floor nor a reference; sigbench check --update sets a floor"
    )


def _check_known(folder: RunFolder, floor: Floor) -> None:
    about = folder.manifest.require()["suite"]
    for kind in ("problem", "method", "metric"):
        if getattr(floor, kind) not in about[f"{kind}s"]:
            raise unknown(f"{kind} of the run", getattr(floor, kind), about[f"{kind}s"])


def _abs(mean: Mean) -> str:
    ends = (mean.low, mean.high) if mean.mean >= 0 else (-mean.high, -mean.low)
    return f"{abs(mean.mean):.4g} [{ends[0]:.4g}, {ends[1]:.4g}]"


def _state(mean: Mean, values: Floats, floor: float, sign: int) -> FloorState:
    """Return the state of a floor; without an interval (a single group) it is inconclusive."""
    if not math.isfinite(mean.mean):
        # Infinite scores have no interval: perfect on some items, perhaps bad on others.
        if (sign * values == -math.inf).any():
            return "broken"
        return "holds" if np.isinf(values).all() else "inconclusive"
    worse, better = sorted((sign * mean.low, sign * mean.high))
    if worse >= sign * floor:
        return "holds"
    return "broken" if better < sign * floor else "inconclusive"


def _gain(metric: Metric, scores: Scores, floor: Floor) -> tuple[Floats, NDArray[np.int64]]:
    """Return how much better the method is than in the reference run, for every item."""
    assert floor.reference is not None
    reference = RunFolder(floor.reference)
    other = reference.scores(floor.problem, floor.metric)
    if other is None or floor.reference_method not in other.methods:
        known = [m for problem, _, m in reference.cells.all() if problem == floor.problem]
        raise InputError(
            f"{floor.reference} has no {floor.metric} of {floor.reference_method!r} on "
            f"{floor.problem!r}; methods there: {', '.join(sorted(set(known))) or 'none'}"
        )
    if floor.reference_method in other.missing:
        raise InputError(
            f"{floor.reference}: {floor.metric} of {floor.reference_method!r} on {floor.problem!r} "
            f"{other.missing[floor.reference_method].text}"
        )
    here = {item: i for i, item in enumerate(_items(scores))}
    pairs = [(here[item], j) for j, item in enumerate(_items(other)) if item in here]
    i, j = np.array(pairs, dtype=int).reshape(-1, 2).T
    own = scores.values[scores.methods.index(floor.method)][i]
    theirs = other.values[other.methods.index(floor.reference_method)][j]
    both = ~np.isnan(own) & ~np.isnan(theirs)  # other methods of the runs may have more items
    if not both.any():
        raise InputError(f"{floor.name}: no items in common with {floor.reference}")
    gain = difference(metric, own[both], theirs[both])
    return gain if metric.higher_is_better else -gain, scores.groups[i][both]


def _items(scores: Scores) -> Iterable[tuple[int, int]]:
    return zip(scores.seeds.tolist(), scores.items.tolist(), strict=True)


def _check_same_problem(folder: RunFolder, floor: Floor) -> None:
    """Check that the reference has the same items as the run."""
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
            f"but the run has {here.get(what)!r}: their items cannot be paired"
        )


def update(path: Path, floors: Floors, *, allow_lower: bool = False) -> list[str]:
    """Set floors to the worse end of the run's confidence intervals; comments are kept.

    A floor without a value is set. An existing one is made stricter or, with ``allow_lower``, also
    less strict. Floors with a reference run are not changed.

    Parameters
    ----------
    path : Path
        The run folder.
    floors : Floors
        The floors, from `load_floors`.
    allow_lower : bool
        Whether a floor may become less strict.

    Returns
    -------
    list of str
        What was changed and what was not, one line per floor.
    """
    folder = _folder(path, floors)
    try:
        document = tomlkit.parse(floors.path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # tomlkit is stricter than tomllib
        raise InputError(f"{floors.path}: {error}") from None
    lines = []
    for number, floor in enumerate(floors.floors):
        if floor.reference is not None:
            lines.append(f"kept     {floor.name}: compared with {floor.reference}")
            continue
        _check_known(folder, floor)
        scores, missing_text = _scores(folder, floor, floors.seeds)
        if missing_text or scores is None:
            lines.append(f"kept     {floor.name}: {missing_text}")
            continue
        metric = lookup("metric", METRICS, floor.metric)
        mean = average(metric, *scores.of(floor.method))
        sign = 1 if metric.higher_is_better else -1
        end = mean.low if sign > 0 else mean.high
        if not math.isfinite(end):
            lines.append(
                f"kept     {floor.name}: the mean {mean.mean:g} has no confidence interval"
            )
            continue
        new = _rounded(end, -sign)
        if floor.floor is not None and sign * new < sign * floor.floor and not allow_lower:
            lines.append(f"kept     {floor.name}: {new:g} is less strict than {floor.floor:g}")
        elif new == floor.floor:
            lines.append(f"same     {floor.name}: {new:g}")
        else:
            was = "" if floor.floor is None else f" (was {floor.floor:g})"
            lines.append(f"set      {floor.name}: {new:g}{was}")
            document["floors"][number]["floor"] = new
    write_atomically(floors.path, tomlkit.dumps(document).encode())
    return lines


def _rounded(value: float, direction: int) -> float:
    """Round to five figures, up or down, so that the value itself still passes."""
    if value == 0:
        return 0.0
    scale = 10.0 ** (4 - math.floor(math.log10(abs(value))))
    whole = math.ceil(value * scale) if direction > 0 else math.floor(value * scale)
    return float(f"{whole / scale:.10g}")


@dataclass(frozen=True)
class FloorRun:
    """A run for a file of floors."""

    folder: RunFolder
    seeds: tuple[int, ...]
    invalid: Mapping[Floor, InputError]

    def result(self, floor: Floor) -> FloorResult:
        """Return the result of one floor.

        Raises
        ------
        InputError
            For an invalid floor.
        """
        if floor in self.invalid:
            raise self.invalid[floor]
        return check_floor(self.folder, floor, self.seeds)


def run_floors(floors: Floors, path: Path) -> FloorRun:
    """Run the methods and problems that a file of floors needs, or resume that run.

    If the folder contains another run of the suite, for example with other items, it is deleted
    first, unless the file names the folder.

    Parameters
    ----------
    floors : Floors
        The floors, from `load_floors`.
    path : Path
        The run folder.

    Raises
    ------
    InputError
        If the suite cannot be loaded, or the folder contains another suite or other files.
    """
    executor = ExecutorConfig(
        jobs=cores(), timeout=None if floors.timeout is None else seconds(floors.timeout)
    )
    suite = load(floors.suite).select(
        seeds=None if floors.seeds is None else list(floors.seeds), items=floors.items
    )
    invalid: dict[Floor, InputError] = {}
    for floor in floors.floors:
        try:
            _check_valid(suite, floor)
        except InputError as error:
            invalid[floor] = error
    try:
        listed = declared(floors.depends_on, floors.path.parent)
    except InputError as error:
        raise InputError(f"{floors.path}: {error}") from None
    valid = [floor for floor in floors.floors if floor not in invalid]
    if valid:
        noisy = [method.name for method in suite.methods if isinstance(method.entry, Noisy)]
        needed = suite.select(
            methods=[*noisy, *dict.fromkeys(floor.method for floor in valid)],
            problems=list(dict.fromkeys(floor.problem for floor in valid)),
        )
        own = [depending_on(m, listed) if m.source else m for m in needed.methods]
        entries = needed.definition.methods
        more = {
            m.name: {**entries[m.name], "depends_on": [*floors.depends_on]}
            for m in needed.methods
            if listed and m.source and m.name in entries
        }
        definition = needed.definition.adding(more)
        needed = dataclasses.replace(needed, methods=tuple(own), definition=definition)
        fresh = floors.folder is None and _contains_another_run(path, needed)
        run_suite(needed, path, fresh=fresh, wait=True, executor=executor)
    return FloorRun(RunFolder(path), suite.seeds, invalid)


def _check_valid(suite: Suite, floor: Floor) -> None:
    check_suite(suite.select(methods=[floor.method], problems=[floor.problem]))
    if floor.metric not in suite.metrics:
        raise unknown("metric of the suite", floor.metric, suite.metrics)
    if floor.reference is not None:
        RunFolder(floor.reference).manifest.require()
    elif floor.floor is None:
        raise _empty_floor(floor)


def _contains_another_run(path: Path, suite: Suite) -> bool:
    manifest = RunFolder(path).manifest.read()
    if not manifest or manifest["suite"]["name"] != suite.name:
        return False
    try:
        RunFolder(path).manifest.check(shared(suite))
    except InputError:
        return True
    return False
