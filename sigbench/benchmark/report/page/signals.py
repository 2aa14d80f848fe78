"""Signals and impulse responses as curves that can be zoomed."""

from __future__ import annotations

from typing import Any

import numpy as np

from sigbench.benchmark.report.page.packing import packed
from sigbench.benchmark.store.examples import Originals
from sigbench.core.protocols import Array

MAX_POINTS = 4096  # of a curve; of a longer signal the first samples are shown


def curve_pair(originals: Originals, item: int) -> dict[str, Any]:
    """Return the clean and the noisy curve of an item.

    What an estimator of a system is given are two other signals, so that there is no noisy curve.

    Parameters
    ----------
    originals : Originals
        The first items of a problem.
    item : int
        The index of the item in them.
    """
    clean = originals.clean[item]
    found = {"clean": _packed(clean), "noisy": None, "fs": originals.fs, "size": clean.shape[-1]}
    if originals.domain != "system":
        found["noisy"] = _packed(originals.noisy[item])
    return found


def curve(originals: Originals, item: int, estimate: Array) -> dict[str, Any]:
    """Return the curve of an estimate; the parameters are as for `curve_pair`."""
    return {"curve": _packed(estimate)}


def _packed(signal: Array) -> dict[str, Any]:
    """Return the first channel."""
    values = np.asarray(signal[0, :MAX_POINTS], np.float64)
    return packed(np.where(np.isfinite(values), values, np.nan))
