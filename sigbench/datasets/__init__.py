"""The datasets, one per file, and the table of their names."""

from __future__ import annotations

from sigbench.datasets.bsd import Bsd68, Bsd400
from sigbench.datasets.cifar10 import Cifar10
from sigbench.datasets.demo_signals import DemoSignals
from sigbench.datasets.ee559 import Ee559
from sigbench.datasets.esc10 import Esc10
from sigbench.datasets.folder import Folder
from sigbench.datasets.fsdd import Fsdd
from sigbench.datasets.gaussian_process import GaussianProcess
from sigbench.datasets.paired_files import PairedFiles
from sigbench.datasets.photos32 import Photos32
from sigbench.datasets.sparse_spikes import SparseSpikes
from sigbench.datasets.speech_smoke import SpeechSmoke
from sigbench.datasets.speech_training import SpeechTraining
from sigbench.datasets.systems import Systems
from sigbench.datasets.voicebank_demand import VoicebankDemand

DATASETS = {
    "sparse-spikes": SparseSpikes,
    "demo-signals": DemoSignals,
    "gaussian-process": GaussianProcess,
    "photos32": Photos32,
    "speech-smoke": SpeechSmoke,
    "systems": Systems,
    "cifar10": Cifar10,
    "ee559": Ee559,
    "bsd400": Bsd400,
    "bsd68": Bsd68,
    "fsdd": Fsdd,
    "voicebank-demand": VoicebankDemand,
    "speech-training": SpeechTraining,
    "esc10": Esc10,
    "folder": Folder,
    "pairs": PairedFiles,
}

__all__ = [
    "DATASETS",
    "Bsd68",
    "Bsd400",
    "Cifar10",
    "DemoSignals",
    "Ee559",
    "Esc10",
    "Folder",
    "Fsdd",
    "GaussianProcess",
    "PairedFiles",
    "Photos32",
    "SparseSpikes",
    "SpeechSmoke",
    "SpeechTraining",
    "Systems",
    "VoicebankDemand",
]
