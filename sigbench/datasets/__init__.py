"""The datasets, one a file, and the table of their names."""

from __future__ import annotations

from sigbench.datasets.demo_signals import DemoSignals
from sigbench.datasets.folder import Folder
from sigbench.datasets.photos32 import Photos32
from sigbench.datasets.sparse_spikes import SparseSpikes
from sigbench.datasets.speech_smoke import SpeechSmoke

DATASETS = {
    "sparse-spikes": SparseSpikes,
    "demo-signals": DemoSignals,
    "photos32": Photos32,
    "speech-smoke": SpeechSmoke,
    "folder": Folder,
}

__all__ = ["DATASETS", "DemoSignals", "Folder", "Photos32", "SparseSpikes", "SpeechSmoke"]
