"""Noise models, and the estimators of noise."""

from __future__ import annotations

from sigbench.denoisers.noise.white import MAD

NOISE_ESTIMATORS = {
    "mad": MAD,
}

__all__ = ["MAD", "NOISE_ESTIMATORS"]
