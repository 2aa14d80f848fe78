"""Speech networks inside other packages as denoisers, and the table of their names."""

from __future__ import annotations

from sigbench.networks.pretrained.speech.deepfilternet import DeepFilterNet
from sigbench.networks.pretrained.speech.dtln import DTLN
from sigbench.networks.pretrained.speech.rnnoise import RNNoise

SPEECH_NETWORKS = {
    "dtln": DTLN,
    "rnnoise": RNNoise,
    "deepfilternet": DeepFilterNet,
}

__all__ = ["DTLN", "SPEECH_NETWORKS", "DeepFilterNet", "RNNoise"]
