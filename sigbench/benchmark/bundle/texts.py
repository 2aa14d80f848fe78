"""The texts in a bundle: README and requirements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sigbench.benchmark.bundle.contents import RUN, SUITE, WORK, Contents
from sigbench.core.escape import code, markdown


def requirements(manifest: Mapping[str, Any], others: Iterable[str]) -> str:
    """Return the packages of a run, with their versions, as a file for pip.

    Examples
    --------
    >>> print(requirements({"versions": {"sigbench": "0.1.0", "torch": "2.9.0+cpu"}}, []))
    # sigbench 0.1.0
    torch==2.9.0
    <BLANKLINE>
    """
    recorded = manifest["versions"]
    all_versions = recorded if isinstance(recorded, list) else [recorded]
    lines = []
    for number, versions in enumerate(all_versions):
        mark = "# " if number else ""  # a merge of runs with different versions
        for name, release in versions.items():
            if name in ("sigbench", "python"):
                lines.append(f"# {name} {release}")
            else:
                lines.append(f"{mark}{name}=={str(release).partition('+')[0]}")
    return "\n".join(dict.fromkeys([*lines, *sorted(others)])) + "\n"


def readme(manifest: Mapping[str, Any], contents: Contents) -> str:
    """Return the page that says how to repeat and verify the run."""
    about = manifest["suite"]
    versions = manifest["versions"] if isinstance(manifest["versions"], dict) else {}
    commit = manifest.get("git_commit")
    which = f"version {versions.get('sigbench', '(see requirements.txt)')}"
    which += f", commit {commit}" if isinstance(commit, str) else ""
    lines = [
        f"# Bundle of a run of {markdown(about['name'])}",
        "",
        f"Made by sigbench, {which}. It contains:",
        "",
        f"- `{RUN}/`: the run folder",
        f"- `{WORK}/{SUITE}`: the suite as it was run; beside it weights and code of the methods",
        "- `requirements.txt`: the packages of the run",
        "- `bundle.json`: the digests of all files",
        "",
        "## Repeat the run",
        "",
        "Install sigbench in that version, and `pip install -r requirements.txt`. Then:",
        "",
        "```sh",
        f"cd {WORK} && sigbench run {SUITE} -o ../repeated",
        "```",
        "",
        "## Verify the run",
        "",
        "```sh",
        f"sigbench verify BUNDLE.zip{' --trust-code' if contents.code else ''}",
        "```",
        "",
    ]
    if contents.code:
        lines += [
            "`--trust-code` runs the code in this bundle as your user. Read it first, or use a",
            "container without network and secrets. Without the option, the code is not imported, and",
            "its cells are not verified:",
            "",
            *(f"- {code(name)}" for name in sorted(contents.code)),
            "",
        ]
    if contents.left_out:
        lines += ["## Not in this bundle", "", *(f"- {markdown(x)}" for x in contents.left_out), ""]
    return "\n".join(lines)
