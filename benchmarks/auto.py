"""``denoise -m auto`` against hindsight, over kinds of noise, levels and records.

For each combination the script compares the true error of the method that ``auto`` chooses with the
smallest true error of all its candidates, over all noise models and settings, and counts how often
the true error is inside the stated 95 % range. Constants were chosen on the development split.
"""

import argparse
import json
import pickle
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import auto_data
import numpy as np
from auto_data import IMAGE_KINDS, PHOTO_KINDS, SIGMAS, SIGNAL_KINDS, SNR_DB, Record

from sigbench.cli.denoise.auto import denoise_automatically
from sigbench.cli.denoise.auto.candidates import candidates
from sigbench.cli.denoise.auto.possible import as_stated
from sigbench.cli.denoise.auto.treatment import (
    MODELLED,
    WHITE,
    WRAPPERS,
    Treatment,
    estimated,
    without,
)
from sigbench.core.errors import Caution
from sigbench.core.media import Content
from sigbench.core.rng import item_rng

REMOVED = {  # what a kind of noise allows to be removed first
    "impulses": ("despiked[method=...]",),
    "hum": ("without-lines[method=...,frequency=50]",),
}
SUITABLE = {  # the noise models, besides white noise, that suit a kind of noise
    "pink": "colored",
    "moving average": "colored",
    "autoregressive": "colored",
    "photon": "signal-dependent",
    "doubling": "varying",
    "camera": "colored",
}


class Case(NamedTuple):
    """A combination: a noisy record."""

    group: str
    kind: str
    level: int
    record: Record
    noisy: np.ndarray


def cases(group: str, split: str, quick: bool) -> Iterator[Case]:
    """Return the combinations of a group of records; quickly, one level for each record."""
    records = getattr(auto_data, group)(split)
    kinds = {"signals": SIGNAL_KINDS, "images": IMAGE_KINDS, "photographs": PHOTO_KINDS}[group]
    for k, (kind, degrade) in enumerate(kinds.items()):
        for r, record in enumerate(records):
            if kind == "hum" and record.fs is None:
                continue
            for level in range(3):
                if quick and (k + r) % 3 != level:
                    continue
                size = SIGMAS[level]
                if group == "signals":
                    size = float(record.x.std()) * 10 ** (-SNR_DB[level] / 20)
                rng = item_rng(0, "benchmark of auto", kind, record.name)
                noisy = degrade(record.x, size, rng, record.fs)[None]
                yield Case(group, kind, level, record, noisy)


def content_of(case: Case) -> Content:
    """Return a case as the content of a file."""
    image = case.group != "signals"
    return Content(
        case.noisy,
        "image" if image else "signal",
        255.0 if image else None,
        case.record.fs,
        lambda batch, suffix: b"",
    )


def treatments(case: Case, content: Content) -> dict[str, Treatment]:
    """Return the noise models to try in hindsight."""
    found = {}
    for outer in dict.fromkeys([(), REMOVED.get(case.kind, ())]):
        cleared = without(case.noisy, outer, content.fs, content.peak)
        for kind in dict.fromkeys(["white", SUITABLE.get(case.kind, "white")]):
            wrapper = WRAPPERS.get(kind, "with-noise")
            estimator, model = estimated(MODELLED.get(kind, WHITE), cleared)
            if model.level[0] > 0:
                name = f"{kind} {' '.join(outer)}"
                stated = as_stated(model, cleared.shape[2:])
                found[name] = Treatment(kind, outer, cleared, wrapper, estimator, model, (), stated)
    return found


def hindsight(case: Case, cache: dict[str, float]) -> float:
    """Return the smallest true mean squared error of all candidates and noise models."""
    content = content_of(case)
    errors = [float(np.mean((case.noisy - case.record.x) ** 2))]
    for name, treatment in treatments(case, content).items():
        for one in candidates(content.domain, gray_levels=content.peak == 255):
            key = f"{case.kind} {case.level} {case.record.name} {name} {one.spec}"
            if key not in cache:
                estimate = treatment.function(one, content.peak)(treatment.cleared)
                cache[key] = float(np.mean((estimate - case.record.x) ** 2))
            errors.append(cache[key])
    return min(errors)


def measured(case: Case, cache: dict[str, float]) -> dict:
    """Return the figures of a case."""
    start = time.process_time()
    estimate, (choice,) = denoise_automatically(content_of(case), None)
    seconds = time.process_time() - start
    true = float(np.sqrt(np.mean((estimate - case.record.x) ** 2)))
    noisy = float(np.sqrt(np.mean((case.noisy - case.record.x) ** 2)))
    best = float(np.sqrt(hindsight(case, cache)))
    expected = choice.expected[0]
    return {
        "group": case.group,
        "kind": case.kind,
        "level": case.level,
        "record": case.record.name,
        "chosen": choice.treatment.kind,
        "method": expected.method,
        "loss_db": 20 * np.log10(true / min(best, true)),
        "gain_db": 20 * np.log10(noisy / true),
        "possible_db": 20 * np.log10(noisy / min(best, true)),
        "inside": (expected.low or 0.0) <= true <= expected.high,
        "true": true,
        "sigma": choice.sigma,
        "range": [expected.low or 0.0, expected.high],
        "seconds": seconds,
    }


def table(rows: list[dict]) -> str:
    """Return the means over records and levels, by kind of noise, as Markdown."""
    lines = [
        "| records | noise | gain of `auto`, dB | possible, dB | loss, dB | largest | inside, % | s |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    groups = list(dict.fromkeys((row["group"], row["kind"]) for row in rows))
    for group, kind in [*groups, *dict.fromkeys((group, "all") for group, _ in groups)]:
        some = [row for row in rows if row["group"] == group and kind in (row["kind"], "all")]

        def mean(key: str, some: list[dict] = some) -> float:
            return float(np.mean([row[key] for row in some]))

        lines.append(
            f"| {group} | {kind} | {mean('gain_db'):.2f} | {mean('possible_db'):.2f} | "
            f"{mean('loss_db'):.2f} | {max(row['loss_db'] for row in some):.1f} | "
            f"{100 * mean('inside'):.0f} | {mean('seconds'):.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=["development", "held-out"], default="held-out")
    parser.add_argument("--groups", nargs="+", default=["signals", "images", "photographs"])
    parser.add_argument("--kinds", nargs="*")
    parser.add_argument("--quick", action="store_true", help="one level for each record")
    parser.add_argument("--cache", type=Path, help="a file for the true errors of candidates")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--verbose", action="store_true", help="print every combination")
    args = parser.parse_args()
    warnings.simplefilter("ignore", Caution)
    cache = pickle.loads(args.cache.read_bytes()) if args.cache and args.cache.exists() else {}
    rows = []
    for group in args.groups:
        for case in cases(group, args.split, args.quick):
            if args.kinds and case.kind not in args.kinds:
                continue
            rows.append(measured(case, cache))
            if args.verbose:
                row = rows[-1]
                print(
                    f"{case.kind:15} {case.level} {case.record.name[:15]:15} "
                    f"loss {row['loss_db']:5.2f} gain {row['gain_db']:6.2f} true {row['true']:.3g} "
                    f"range {row['range'][0]:.3g} to {row['range'][1]:.3g} {'' if row['inside'] else 'OUT'} {row['method']}",
                    flush=True,
                )
        if args.cache:
            args.cache.write_bytes(pickle.dumps(cache))
    print(table(rows))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1, default=float))


if __name__ == "__main__":
    main()
