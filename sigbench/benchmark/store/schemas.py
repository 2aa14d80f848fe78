"""The content of the files of a run folder: cells, manifest and failures.

Fields that are not described here, of a newer version, are ignored.
"""

from __future__ import annotations

from typing import Any, get_args

from sigbench.core.errors import InputError, shown
from sigbench.core.protocols import Knowledge, LogEntry
from sigbench.core.schema import (
    ANYTHING,
    COUNT,
    FLAG,
    MAX_ITEMS,
    TEXT,
    WHOLE,
    Choice,
    Either,
    List,
    Number,
    Record,
    Schema,
    Table,
    check,
)

_ITEMS = Number(1, MAX_ITEMS, whole=True)
_SECONDS = Number(0, missing=True)
_FIGURE = Number(missing=True, infinite=True)
_NAMES = List(TEXT)
_METRICS = List(TEXT, shortest=1, distinct=True)
_ID: dict[str, Schema] = {"problem": TEXT, "seed": COUNT, "method": TEXT}

# The metadata of a cell.
CELL = Record(
    {
        **_ID,
        "suite": TEXT,
        "dataset": TEXT,
        "degradation": TEXT,
        "params": TEXT,
        "knowledge": Choice(get_args(Knowledge)),
        "metrics": _METRICS,
        "method_key": TEXT,
        "cell_key": TEXT,
        "timing": Record(
            {
                **_ID,
                "time_s": _SECONDS,
                "items": _ITEMS,
                "contended": FLAG,
                "peak_rss_mb": _SECONDS,
                "device": TEXT,
                "n_params": WHOLE,
                "relative_gap": _FIGURE,
            },
            {
                "train_s": _SECONDS,
                "train_steps": COUNT,
                "train_epochs": _SECONDS,
                "train_samples": COUNT,
                "audio_s": _SECONDS,
                "latency_ms": _SECONDS,
            },
        ),
    },
    {
        "training": Record(
            {
                "metric": TEXT,
                "log": List(List(_FIGURE, len(LogEntry._fields), len(LogEntry._fields))),
            }
        ),
        "grid_edges": _NAMES,
        "cautions": _NAMES,
        "missing": Table(Table(List(COUNT, shortest=1, longest=MAX_ITEMS, distinct=True))),
    },
)
CELLS = List(CELL, shortest=1)

# A line of failures.jsonl.
FAILURE = Record({**_ID, "error": TEXT}, {"suite": TEXT, "cell_key": TEXT})

_ENTRY = Table(ANYTHING)  # of a suite file; checked when it is built
_EXPERIMENTS = Record({"metrics": _METRICS, "source": TEXT, "printed": Table(List(Number()))})
_SUITE = Record(
    {
        "name": TEXT,
        "description": TEXT,
        "block": Number(1, whole=True),
        "metrics": _METRICS,
        "problems": Table(Record({"items": _ITEMS})),
        "methods": Table(ANYTHING),
        "bounds": _NAMES,
    },
    {
        "controls": _NAMES,
        "experiments": Either((Choice((None,)), _EXPERIMENTS)),
        "trainings": Table(TEXT),
        "left_out": Table(Table(TEXT)),
        "secret": TEXT,
        "full": Record({"problems": Table(_ITEMS), "methods": _NAMES, "seeds": List(COUNT)}),
        "definition": Record({"problems": Table(_ENTRY), "methods": Table(_ENTRY)}),
    },
)
MANIFEST = Record(
    {
        "suite": _SUITE,
        "seeds": List(COUNT),
        "block": Number(1, whole=True),
        "versions": ANYTHING,
        "machine": ANYTHING,
        "git_commit": ANYTHING,
        "wall_time_s": Number(0),
        "files": List(TEXT),  # `Manifest.delete_files` deletes only names of its own
    },
    {"pictured_seed": COUNT},
)


def check_cells(abouts: Any) -> None:
    """Check the metadata of the cells of a file.

    Raises
    ------
    InputError
        With the first field that is wrong.
    """
    check("its metadata", abouts, CELLS)
    for number, about in enumerate(abouts):
        where, timing = f"its metadata[{number}]", about["timing"]
        for key in _ID:
            if timing[key] != about[key]:
                raise InputError(f"{where}: timing: {key}={shown(timing[key])} is another cell's")
        for metric in about.get("missing", {}):
            if metric not in about["metrics"]:
                raise InputError(f"{where}: missing: {shown(metric)} is not one of its metrics")


def check_manifest(manifest: Any) -> None:
    """Check the content of a manifest, parsed from JSON.

    Raises
    ------
    InputError
        With the first field that is wrong.
    """
    check("the file", manifest, MANIFEST)
    experiments = manifest["suite"].get("experiments") or {"metrics": [], "printed": {}}
    for metric in experiments["metrics"]:
        if metric not in manifest["suite"]["metrics"]:
            raise InputError(f"experiments: {shown(metric)} is not a metric of the suite")
    for method, figures in experiments["printed"].items():
        if len(figures) != len(experiments["metrics"]):
            raise InputError(f"experiments: printed[{shown(method)}] must have one per metric")
