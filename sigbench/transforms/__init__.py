"""Orthonormal transforms, Parseval frames and operators, and the table of their names."""

from __future__ import annotations

from sigbench.transforms.base import Coefficients, Geometry, Transform
from sigbench.transforms.frames import STFT, OversampledDFT, StationaryWavelet
from sigbench.transforms.operators import Convolution, Operator
from sigbench.transforms.orthonormal import (
    DCT,
    DFT,
    Identity,
    Wavelet,
)
from sigbench.transforms.wavelet_filters import default_level, orthogonal_wavelet

TRANSFORMS = {
    "identity": Identity,
    "dft": DFT,
    "dct": DCT,
    "wavelet": Wavelet,
    "oversampled-dft": OversampledDFT,
    "stationary-wavelet": StationaryWavelet,
    "stft": STFT,
}

__all__ = [
    "DCT",
    "DFT",
    "STFT",
    "TRANSFORMS",
    "Coefficients",
    "Convolution",
    "Geometry",
    "Identity",
    "Operator",
    "OversampledDFT",
    "StationaryWavelet",
    "Transform",
    "Wavelet",
    "default_level",
    "orthogonal_wavelet",
]
