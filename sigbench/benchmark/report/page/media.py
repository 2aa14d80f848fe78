"""Things to look at and listen to, chosen in a fair order until the budget is used up.

Every problem gets its first example with its best methods before any problem gets more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    domain : str
        What the items are: it decides how they are shown.
    examples : list
        One per item: its number, the noisy and the clean item, and the estimates.
    available : int
        The number of estimates in the run folder, over all items.
    """

    domain: str
    metric: str
    examples: list[Encoded] = field(default_factory=list)
    available: int = 0
    items: int = 0
    closed: bool = False

    @property
    def shown(self) -> int:
        """The number of estimates in the page."""
        return sum(len(example["estimates"]) for example in self.examples)

    @property
    def left_out(self) -> str:
        """What did not fit into the budget; empty if everything did."""
        if not self.closed:
            return ""
        return (
            f"{len(self.examples)} of {self.items} items and {self.shown} of {self.available} "
            "estimates are in this page: the others did not fit into its budget."
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
        By problem. When a part does not fit, its problem gets no more, and others go on.
    """
    media = {
        key: Media(
            source.originals.domain,
            source.metric,
            available=len(source.originals.items) * len(source.estimates),
            items=len(source.originals.items),
        )
        for key, source in sources.items()
    }
    for key, item, method in _in_fair_order(sources):
        own = media[key]
        if own.closed:
            continue
        part = _encoded(sources[key], item, method)
        size = len(escape.script_json(part))
        advance()
        if size > budget:
            own.closed = True
            continue
        budget -= size
        if method is None:
            own.examples.append(part)
        else:
            own.examples[item]["estimates"].append(part)
    return media


def _in_fair_order(sources: Mapping[str, Material]) -> Iterator[tuple[str, int, str | None]]:
    """Yield (problem, item, method); method None stands for the noisy and the clean item."""
    items = max((len(source.originals.items) for source in sources.values()), default=0)
    methods = max((len(source.estimates) for source in sources.values()), default=0)
    for item in range(items):
        for turn in range(-1, methods):
            for key, source in sources.items():
                order: Sequence[str | None] = [None, *source.estimates]
                if item < len(source.originals.items) and turn + 1 < len(order):
                    yield key, item, order[turn + 1]


def _encoded(source: Material, item: int, method: str | None) -> Encoded:
    pair, one = ENCODERS[source.originals.domain]
    if method is None:
        number = source.originals.items[item]
        return {"item": number, **pair(source.originals, item), "estimates": []}
    found = source.estimates[method]
    value = found.values.get(source.metric, (math.nan,) * len(found.items))[item]
    text = "" if math.isnan(value) else f"{value:.4g}"
    return {"method": method, "value": text, **one(source.originals, item, found.estimates[item])}
