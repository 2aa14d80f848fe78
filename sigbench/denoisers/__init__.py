"""The denoisers, one family a file, and the table of their names."""

from __future__ import annotations

from sigbench.denoisers.baselines import Affine, AffineMap, GaussianBlur, Noisy
from sigbench.denoisers.gmc import GMC
from sigbench.denoisers.l1 import L1
from sigbench.denoisers.limits import IdealProjection, SpikesPosteriorMean
from sigbench.denoisers.local_wiener import LocalWiener
from sigbench.denoisers.tv import TotalVariation
from sigbench.denoisers.wavelet import WaveletShrink

DENOISERS = {
    "noisy": Noisy,
    "affine": Affine,
    "gaussian-blur": GaussianBlur,
    "local-wiener": LocalWiener,
    "l1": L1,
    "gmc": GMC,
    "wavelet": WaveletShrink,
    "tv": TotalVariation,
    "spikes-posterior-mean": SpikesPosteriorMean,
    "ideal-projection": IdealProjection,
}

__all__ = [
    "DENOISERS",
    "GMC",
    "L1",
    "Affine",
    "AffineMap",
    "GaussianBlur",
    "IdealProjection",
    "LocalWiener",
    "Noisy",
    "SpikesPosteriorMean",
    "TotalVariation",
    "WaveletShrink",
]
