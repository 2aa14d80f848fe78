"""Noise trackers: estimates of the power spectrum of the noise, frame by frame."""

from __future__ import annotations

from sigbench.denoisers.speech.trackers.base import NoiseTracker, noise_spectra
from sigbench.denoisers.speech.trackers.imcra import Imcra
from sigbench.denoisers.speech.trackers.leading import LeadingNoise
from sigbench.denoisers.speech.trackers.mcra import Mcra
from sigbench.denoisers.speech.trackers.min_statistics import MinStatistics
from sigbench.denoisers.speech.trackers.speech_presence import SpeechPresence

TRACKERS = {
    "imcra": Imcra,
    "leading": LeadingNoise,
    "mcra": Mcra,
    "min-statistics": MinStatistics,
    "speech-presence": SpeechPresence,
}

__all__ = [
    "TRACKERS",
    "Imcra",
    "LeadingNoise",
    "Mcra",
    "MinStatistics",
    "NoiseTracker",
    "SpeechPresence",
    "noise_spectra",
]
