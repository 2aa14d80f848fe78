"""sigbench: a benchmark of signal denoisers.

Public names are loaded when they are first used, so that importing the package costs nothing.

Examples
--------
>>> import numpy as np
>>> import sigbench
>>> sigbench.GaussianBlur(width=0.0)(np.ones((1, 1, 3)))
array([[[1., 1., 1.]]])
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # as typing has it, whose import alone would double the time of --help
if TYPE_CHECKING:
    from typing import Any

    from sigbench.datasets import DATASETS, DemoSignals, Folder, Photos32, SparseSpikes, SpeechSmoke
    from sigbench.degradations import Gaussian, Subsample
    from sigbench.denoisers import (
        DENOISERS,
        GMC,
        L1,
        Affine,
        GaussianBlur,
        IdealProjection,
        LocalWiener,
        Noisy,
        SpikesPosteriorMean,
        TotalVariation,
        WaveletShrink,
    )
    from sigbench.errors import InputError
    from sigbench.executors import Place
    from sigbench.methods import Method, PerItem
    from sigbench.metrics import METRICS
    from sigbench.problems import Denoising
    from sigbench.suites.suite import Suite, load
    from sigbench.sweep import run_suite
    from sigbench.tuning import Tuned
    from sigbench.types import Denoiser, Info, Learner, Oracle, Pairs, Training

_WHERE = {
    "sigbench.datasets": (
        "DATASETS",
        "DemoSignals",
        "Folder",
        "Photos32",
        "SparseSpikes",
        "SpeechSmoke",
    ),
    "sigbench.degradations": ("Gaussian", "Subsample"),
    "sigbench.denoisers": (
        "DENOISERS",
        "GMC",
        "L1",
        "Affine",
        "GaussianBlur",
        "IdealProjection",
        "LocalWiener",
        "Noisy",
        "SpikesPosteriorMean",
        "TotalVariation",
        "WaveletShrink",
    ),
    "sigbench.errors": ("InputError",),
    "sigbench.executors": ("Place",),
    "sigbench.methods": ("Method", "PerItem"),
    "sigbench.metrics": ("METRICS",),
    "sigbench.problems": ("Denoising",),
    "sigbench.suites.suite": ("Suite", "load"),
    "sigbench.sweep": ("run_suite",),
    "sigbench.tuning": ("Tuned",),
    "sigbench.types": ("Denoiser", "Info", "Learner", "Oracle", "Pairs", "Training"),
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [  # noqa: RUF022 - as in the table above
    "DATASETS", "DENOISERS", "GMC", "L1", "METRICS", "Affine", "Denoiser", "Denoising",
    "DemoSignals", "Folder", "Gaussian", "GaussianBlur", "IdealProjection", "Info", "InputError",
    "Learner", "LocalWiener", "Method", "Noisy", "Oracle", "Pairs", "PerItem", "Photos32", "Place",
    "SparseSpikes", "SpeechSmoke", "SpikesPosteriorMean", "Subsample", "Suite", "TotalVariation",
    "Training", "Tuned", "WaveletShrink", "load", "run_suite",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'sigbench' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
