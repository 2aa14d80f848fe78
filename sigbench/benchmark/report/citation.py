"""How to cite a run: a line, a BibTeX entry, and the digest that identifies the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sigbench.benchmark.store.cells import read_values
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.core.escape import latex, printable

# The facts of CITATION.cff, which is not installed.
TITLE = "sigbench: a reproducible benchmark of signal, speech and image denoisers"
AUTHOR = "The sigbench developers"

_ENTRY = """\
@misc{{sigbench,
  author = {{{{{author}}}}},
  title = {{{{{title}}}}},
  note = {{{note}}},
}}"""


def run_digest(folder: RunFolder) -> str | None:
    """Return a digest of what a run is: its suite, and the keys and values of its cells.

    It is the same for a run with any number of workers, resumed or merged. It does not depend on
    times, on the machine's name or on how cells are divided into files. Two runs with equal digests
    have bit-identical values; another processor may give other last bits.

    Parameters
    ----------
    folder : RunFolder
        The run.

    Returns
    -------
    str or None
        ``sha256:`` and 64 hexadecimal digits; None if the run has no finished cells.
    """
    cells = folder.cells.all()
    if not cells:
        return None
    digest = hashlib.sha256()
    ids = sorted(cells)
    for cell_id, values in zip(ids, read_values(cells[i] for i in ids), strict=True):
        about = cells[cell_id].about
        line = [about["suite"], *cell_id, about["cell_key"], about["metrics"], len(values)]
        digest.update(json.dumps(line).encode() + b"\n")
        digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes())
    return f"sha256:{digest.hexdigest()}"


def citation(folder: RunFolder) -> str:
    """Return a line that identifies a run: version, suite, methods, seeds and digest.

    Parameters
    ----------
    folder : RunFolder
        The run.

    Returns
    -------
    str
        For example ``sigbench 0.1.0, suite table1, 27 methods, seeds 1-3, run sha256:...``.
    """
    manifest = folder.manifest.require()
    cells, digest = folder.cells.all(), run_digest(folder)
    known = [f"sigbench {_versions(manifest['versions'])}".rstrip()]
    known.append(f"suite {printable(manifest['suite']['name'])}")
    if digest is None:
        return ", ".join([*known, "no finished cells and therefore no digest"])
    methods = len({method for _, _, method in cells})
    seeds = sorted({seed for _, seed, _ in cells})
    known.append(f"{methods} method{'s' * (methods != 1)}")
    known.append(f"seed{'s' * (len(seeds) != 1)} {_ranges(seeds)}")
    return ", ".join([*known, f"run {digest}"])


def bibtex(folder: RunFolder) -> str:
    """Return a BibTeX entry for sigbench, with the line of `citation` as its note."""
    return _ENTRY.format(author=AUTHOR, title=TITLE, note=latex(citation(folder)))


def _versions(versions: Any) -> str:
    """Return the version of sigbench from a manifest; a merge of different versions lists them."""
    each = versions if isinstance(versions, list) else [versions]
    found = [one["sigbench"] for one in each if isinstance(one, Mapping) and "sigbench" in one]
    return " and ".join(dict.fromkeys(printable(str(version)) for version in found))


def _ranges(numbers: Iterable[int]) -> str:
    """Return increasing numbers as ranges.

    Examples
    --------
    >>> _ranges([1, 2, 3, 7, 9, 10])
    '1-3, 7, 9-10'
    """
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
