"""Noise models, and the estimators of noise."""

from __future__ import annotations

from sigbench.denoisers.noise.autoregressive import Autoregressive
from sigbench.denoisers.noise.smooth_spectrum import SmoothSpectrum
from sigbench.denoisers.noise.subband import Subband
from sigbench.denoisers.noise.white import MAD, Quiet

NOISE_ESTIMATORS = {
    "mad": MAD,
    "quiet": Quiet,
    "subband": Subband,
    "smooth-spectrum": SmoothSpectrum,
    "autoregressive": Autoregressive,
}

__all__ = [
    "MAD",
    "NOISE_ESTIMATORS",
    "Autoregressive",
    "Quiet",
    "SmoothSpectrum",
    "Subband",
]
