"""Things to look at and listen to, chosen fairly until the budget is used up.

First every problem gets its first example with its best method. Then each may use an equal share of
the budget, for its other methods and examples in this order. What is left goes to those that need
more, in turns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sigbench.benchmark.report.page.collect import RunData
from sigbench.benchmark.report.page.images import image_of_error, image_pair
from sigbench.benchmark.report.page.signals import curve, curve_pair
from sigbench.benchmark.report.page.sounds import sound, sound_pair
from sigbench.benchmark.store.examples import Estimates, Originals
from sigbench.core import escape
from sigbench.scoring.leaderboard import LIMITS

BUDGET = 3_000_000  # bytes of media in a page
FIRST_PARTS = 2  # of every problem: the noisy and the clean item, and the best estimate

Encoded = dict[str, Any]
Pair = Callable[[Originals, int], Encoded]
One = Callable[[Originals, int, Any], Encoded]
ENCODERS: Mapping[str, tuple[Pair, One]] = {
    "image": (image_pair, image_of_error),
    "signal": (curve_pair, curve),
    "system": (curve_pair, curve),
    "speech": (sound_pair, sound),
}


@dataclass(frozen=True)
class Material:
    """The first items of a problem, with the estimates of its methods, best first."""

    originals: Originals
    estimates: Mapping[str, Estimates]
    metric: str


@dataclass
class Media:
    """What a page has of the examples of a problem.

    Attributes
    ----------
    domain, metric : str
        What the items are, which decides how they are shown, and the metric of their values.
    items, estimates : int
        The number of items in the run folder, and of their estimates.
    examples : list
        One per item in the page: its number, the noisy and the clean item, and the estimates.
    """

    domain: str
    metric: str
    items: int
    estimates: int
    examples: list[Encoded] = field(default_factory=list)

    @property
    def left_out(self) -> str:
        """What did not fit into the budget; empty if everything did."""
        shown = sum(len(example["estimates"]) for example in self.examples)
        if shown == self.estimates and len(self.examples) == self.items:
            return ""
        return (
            f"{len(self.examples)} of {self.items} items and {shown} of {self.estimates} "
            "estimates are shown; the others were left out to keep the page small."
        )


def material(run: RunData, problem: str) -> Material | None:
    """Return the examples of a problem, or None if the run folder has none.

    Methods that have a rank come first. The noisy input is shown in any case.
    """
    originals = run.folder.gallery.originals(problem)
    if originals is None:
        return None
    cells = [cell for (name, _, _), cell in run.folder.cells.all().items() if name == problem]
    found = run.folder.gallery.estimates(originals, cells)
    rows = run.rows(problem, run.metrics(problem)[0])
    rows = sorted(rows, key=lambda row: row["knowledge"] in LIMITS)  # keeps their order otherwise
    order = [r["method"] for r in rows if r["method"] in found and r["method"] != "noisy"]
    return Material(originals, {name: found[name] for name in order}, rows[0]["metric"])


class _Supply:
    """The parts of the media of a problem that are not in the page yet, in their order."""

    def __init__(self, source: Material) -> None:
        self.media = Media(
            source.originals.domain,
            source.metric,
            len(source.originals.items),
            len(source.originals.items) * len(source.estimates),
        )
        self.used = 0
        self._parts = (
            (item, method, _encoded(source, item, method))
            for item in range(len(source.originals.items))
            for method in (None, *source.estimates)
        )
        self._next = next(self._parts, None)

    def take(self, most: int) -> int:
        """Put the next part into the page if it has at most ``most`` bytes; return its size or 0."""
        if self._next is None:
            return 0
        item, method, part = self._next
        size = len(escape.script_json(part))
        if size > most:
            return 0
        if method is None:
            self.media.examples.append(part)
        else:
            self.media.examples[item]["estimates"].append(part)
        self.used += size
        self._next = next(self._parts, None)
        return size


def fill(
    sources: Mapping[str, Material], budget: int, advance: Callable[[], None] = lambda: None
) -> dict[str, Media]:
    """Return the media of problems that fit into a budget.

    Parameters
    ----------
    sources : mapping of str to Material
        The examples of each problem.
    budget : int
        Bytes of all media together.
    advance : callable
        Called after each part, to report progress.

    Returns
    -------
    dict of str to Media
        By problem.
    """
    supplies = {key: _Supply(source) for key, source in sources.items()}
    left = budget
    for _ in range(FIRST_PARTS):
        for supply in supplies.values():
            left -= supply.take(left)
            advance()
    share = budget // max(1, len(supplies))
    for supply in supplies.values():
        while size := supply.take(min(left, share - supply.used)):
            left -= size
            advance()
    open_ = list(supplies.values())
    while open_:
        for supply in list(open_):
            size = supply.take(left)
            left -= size
            advance()
            if not size:
                open_.remove(supply)
    return {key: supply.media for key, supply in supplies.items()}


def _encoded(source: Material, item: int, method: str | None) -> Encoded:
    pair, one = ENCODERS[source.originals.domain]
    if method is None:
        number = source.originals.items[item]
        return {"item": number, **pair(source.originals, item), "estimates": []}
    found = source.estimates[method]
    value = found.values.get(source.metric, (math.nan,) * len(found.items))[item]
    text = "" if math.isnan(value) else f"{value:.4g}"
    return {"method": method, "value": text, **one(source.originals, item, found.estimates[item])}
