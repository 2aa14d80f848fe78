"""The files that were left out of a dataset."""

from __future__ import annotations

from collections.abc import Mapping

from sigbench.benchmark.report.tables import escaped, markdown_table


def left_out_section(left_out: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the section of the leaderboard that lists these files; empty if there are none.

    Parameters
    ----------
    left_out : mapping
        Why files were left out, by problem and file.

    Examples
    --------
    >>> print(left_out_section({"clips": {"b.wav": "is silent: all samples are 0"}})[2])
    | problem | file  | reason                       |
    | ------- | ----- | ---------------------------- |
    | clips   | b.wav | is silent: all samples are 0 |
    """
    rows = [
        (escaped(problem), escaped(file), escaped(reason))
        for problem, files in left_out.items()
        for file, reason in files.items()
    ]
    if not rows:
        return []
    count = f"{len(rows)} file{'s' * (len(rows) != 1)} could not be an item."
    return ["## Items left out", count, markdown_table(("problem", "file", "reason"), rows, [])]
