"""The manifest of a run folder: the suite, versions, seeds, and the files that belong to the run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sigbench.benchmark.store.gallery import GALLERY_FOLDERS
from sigbench.benchmark.store.schemas import check_manifest
from sigbench.core.atomic import UNFINISHED, remove_unfinished, write_atomically
from sigbench.core.errors import InputError
from sigbench.core.parsing import parse_json, read_text

MANIFEST = "manifest.json"
MERGING = "unfinished-merge.json"  # the manifest of a merge until its last step
LOG = "failures.log"
REPORTS = ("timings.parquet", "failures.jsonl", LOG, "leaderboard.csv", "leaderboard.md")
FOLDERS = ("cells", "logs", *GALLERY_FOLDERS)
# The names that --fresh deletes if the manifest lists them.
FILES = rf"{'|'.join(map(re.escape, REPORTS))}|({'|'.join(FOLDERS)})/[^./\\\0][^/\\\0]{{0,254}}"


class Manifest:
    """The file ``manifest.json``, and the rules about which suite a folder accepts.

    Parameters
    ----------
    folder : Path
        The run folder.
    merging : bool
        Whether the folder is being written by a merge. Its manifest has another name until the last
        step, so that the folder does not pass for a run.
    """

    def __init__(self, folder: Path, *, merging: bool = False) -> None:
        self.folder = folder
        self.path = folder / (MERGING if merging else MANIFEST)

    def read(self) -> dict[str, Any]:
        """Return the manifest, or an empty dict if there is none.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        if not self.path.is_file():
            return {}
        manifest: dict[str, Any] = parse_json(str(self.path), read_text(self.path))
        try:
            check_manifest(manifest)
        except InputError as error:
            raise InputError(f"{self.path} is not the manifest of a run: {error}") from None
        return manifest

    def require(self) -> dict[str, Any]:
        """Return the manifest of a folder that must contain a run.

        Raises
        ------
        InputError
            If there is no run in the folder, or an unfinished merge.
        """
        manifest = self.read()
        if not manifest:
            self._refuse_unfinished_merge()
            raise InputError(f"{self.folder} is not a run folder (it has no {MANIFEST})")
        return manifest

    def write(self, manifest: Mapping[str, Any], files: Iterable[str]) -> None:
        """Write the manifest and the list of the run's files, relative to the folder."""
        content = {**manifest, "files": sorted({*REPORTS, *files})}
        text = json.dumps(content, indent=2, ensure_ascii=False)
        write_atomically(self.path, (text + "\n").encode())

    def check(self, suite: Mapping[str, Any], *, fresh: bool = False) -> None:
        """Check that the folder is empty, or contains a run of the same suite.

        Parameters
        ----------
        suite : mapping
            ``name``, ``block``, ``metrics``, and ``problems`` by name: what all cells of a folder
            share.
        fresh : bool
            Whether the run in the folder is going to be deleted first.

        Raises
        ------
        InputError
            If the folder contains a run of another suite, or files of a run but no manifest.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is not a folder")
        manifest = self.read()
        if manifest and not fresh:
            self.check_same(
                manifest["suite"], suite, "choose another folder (-o DIR), or use --fresh"
            )
        if manifest or (fresh and self.merge.read()):
            return
        self._refuse_unfinished_merge()
        names = (MANIFEST, *FOLDERS, *REPORTS)
        foreign = [name for name in names if _is_foreign(self.folder / name)]
        if foreign:
            raise InputError(
                f"{self.folder} contains {foreign[0]} but no manifest: it is not a run folder"
            )

    @property
    def merge(self) -> Manifest:
        """The manifest of an unfinished merge in the same folder."""
        return Manifest(self.folder, merging=True)

    def finish_merge(self) -> None:
        """Give the manifest its final name."""
        os.replace(self.path, self.folder / MANIFEST)

    def _refuse_unfinished_merge(self) -> None:
        if (self.folder / MERGING).exists():
            raise InputError(
                f"{self.folder} contains an unfinished merge: run the same sigbench merge again"
            )

    def check_same(self, old: Mapping[str, Any], new: Mapping[str, Any], advice: str) -> None:
        """Check that cells of two suites can be stored in one folder.

        Raises
        ------
        InputError
            If they differ in name, block size, metrics or the definition of a problem.
        """
        for key in ("name", "block", "metrics"):
            if old[key] != new[key]:
                raise InputError(
                    f"{self.folder} contains a run with {key} {old[key]!r}, not {new[key]!r}: {advice}"
                )
        if old.get("secret") != new.get("secret"):
            raise InputError(f"{self.folder} contains a run with other data seeds: {advice}")
        for name, problem in new["problems"].items():
            known = old["problems"].get(name, problem)
            if known != problem:
                key = next(k for k in {**known, **problem} if known.get(k) != problem.get(k))
                raise InputError(
                    f"{self.folder} contains problem {name!r} with {key}={known.get(key)!r}, "
                    f"not {problem.get(key)!r}: {advice}"
                )

    def delete_files(self) -> None:
        """Delete the manifest and the files that it lists, and nothing else."""
        root = self.folder.resolve()
        for name in self.read()["files"]:
            path = root / name
            through_link = path.parent.resolve() != path.parent
            if re.fullmatch(FILES, name) and path.is_file() and not through_link:
                path.unlink()
        self.delete_unfinished()
        for folder in (self.folder / name for name in FOLDERS):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        self.path.unlink(missing_ok=True)

    def delete_unfinished(self) -> None:
        """Delete temporary files that killed processes left behind."""
        for folder in (self.folder, *(self.folder / name for name in FOLDERS)):
            remove_unfinished(folder)


def _is_foreign(path: Path) -> bool:
    """Return whether a path in a folder without a manifest is not part of a run.

    Killed runs of earlier versions left a folder of cells that is empty or has temporary files.
    """
    if path.name == "cells" and path.is_dir():
        return not all(_is_unfinished(entry) for entry in path.iterdir())
    return path.exists()


def _is_unfinished(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(UNFINISHED)
