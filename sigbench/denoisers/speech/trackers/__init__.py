"""Noise trackers: estimates of the power spectrum of the noise, frame by frame."""

from __future__ import annotations

from sigbench.denoisers.speech.trackers.base import NoiseTracker
from sigbench.denoisers.speech.trackers.leading import LeadingNoise

TRACKERS = {"leading": LeadingNoise}

__all__ = ["TRACKERS", "LeadingNoise", "NoiseTracker"]
