"""Noise models, and the estimators of noise."""

from __future__ import annotations

from sigbench.denoisers.noise.autoregressive import Autoregressive
from sigbench.denoisers.noise.hum import Hum
from sigbench.denoisers.noise.impulses import ImpulseNoise
from sigbench.denoisers.noise.poisson_gaussian import PoissonGaussian
from sigbench.denoisers.noise.rounding import RoundingNoise
from sigbench.denoisers.noise.smooth_spectrum import SmoothSpectrum
from sigbench.denoisers.noise.subband import Subband
from sigbench.denoisers.noise.varying import Varying
from sigbench.denoisers.noise.white import MAD, Quiet

NOISE_ESTIMATORS = {
    "mad": MAD,
    "quiet": Quiet,
    "subband": Subband,
    "smooth-spectrum": SmoothSpectrum,
    "autoregressive": Autoregressive,
    "poisson-gaussian": PoissonGaussian,
    "impulses": ImpulseNoise,
    "hum": Hum,
    "rounding": RoundingNoise,
    "varying": Varying,
}

__all__ = [
    "MAD",
    "NOISE_ESTIMATORS",
    "Autoregressive",
    "Hum",
    "ImpulseNoise",
    "PoissonGaussian",
    "Quiet",
    "RoundingNoise",
    "SmoothSpectrum",
    "Subband",
    "Varying",
]
