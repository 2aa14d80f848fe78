"""The denoisers, one method or family per file, and the table of their names."""

from __future__ import annotations

from sigbench.denoisers.baselines import Affine, AffineMap, GaussianBlur, Noisy
from sigbench.denoisers.block_shrink import BlockShrink
from sigbench.denoisers.bm3d import BM3D
from sigbench.denoisers.controls import MetricGamer, Silence
from sigbench.denoisers.deconvolution import (
    FittedWiener,
    GaussianPosteriorMean,
    RegularizedInverse,
    TrueWiener,
    WienerDeconvolution,
)
from sigbench.denoisers.filters import Median, SavitzkyGolay
from sigbench.denoisers.frequency import Butterworth, Notch
from sigbench.denoisers.gmc import GMC
from sigbench.denoisers.hampel import Hampel
from sigbench.denoisers.kalman import Kalman
from sigbench.denoisers.l1 import L1
from sigbench.denoisers.limits import IdealProjection, SpikesPosteriorMean
from sigbench.denoisers.local_wiener import LocalWiener
from sigbench.denoisers.moving_average import MovingAverage
from sigbench.denoisers.nonlocal_means import Bilateral, NonLocalMeans
from sigbench.denoisers.sliding_dct import SlidingDCT
from sigbench.denoisers.sparse_deconvolution import SparseDeconvolution
from sigbench.denoisers.speech.masks import IdealRatioMask, OracleWienerMask
from sigbench.denoisers.speech.mmse import MMSESTSA, DecisionDirectedWiener, LogMMSE
from sigbench.denoisers.speech.om_lsa import OMLSA
from sigbench.denoisers.speech.spectral_subtraction import BeroutiSubtraction, BollSubtraction
from sigbench.denoisers.speech.speech_dct import SpeechDCT
from sigbench.denoisers.speech.speech_wavelet import SpeechWavelet
from sigbench.denoisers.speech.stft_sparse import StftGMC, StftL1
from sigbench.denoisers.tv import TotalVariation
from sigbench.denoisers.wavelet import WaveletShrink

DENOISERS = {
    "noisy": Noisy,
    "silence": Silence,
    "metric-gamer": MetricGamer,
    "affine": Affine,
    "gaussian-blur": GaussianBlur,
    "moving-average": MovingAverage,
    "savitzky-golay": SavitzkyGolay,
    "butterworth": Butterworth,
    "notch": Notch,
    "kalman": Kalman,
    "median": Median,
    "hampel": Hampel,
    "local-wiener": LocalWiener,
    "l1": L1,
    "gmc": GMC,
    "wavelet": WaveletShrink,
    "block-wavelet": BlockShrink,
    "tv": TotalVariation,
    "sliding-dct": SlidingDCT,
    "stft-l1": StftL1,
    "stft-gmc": StftGMC,
    "speech-dct": SpeechDCT,
    "speech-wavelet": SpeechWavelet,
    "nl-means": NonLocalMeans,
    "bilateral": Bilateral,
    "bm3d": BM3D,
    "regularized-inverse": RegularizedInverse,
    "wiener-deconvolution": WienerDeconvolution,
    "fitted-wiener": FittedWiener,
    "sparse-deconvolution": SparseDeconvolution,
    "true-wiener": TrueWiener,
    "gaussian-posterior-mean": GaussianPosteriorMean,
    "spikes-posterior-mean": SpikesPosteriorMean,
    "ideal-projection": IdealProjection,
    "boll-subtraction": BollSubtraction,
    "berouti-subtraction": BeroutiSubtraction,
    "decision-directed-wiener": DecisionDirectedWiener,
    "mmse-stsa": MMSESTSA,
    "log-mmse": LogMMSE,
    "om-lsa": OMLSA,
    "oracle-wiener-mask": OracleWienerMask,
    "ideal-ratio-mask": IdealRatioMask,
}

__all__ = [
    "BM3D",
    "DENOISERS",
    "GMC",
    "L1",
    "MMSESTSA",
    "OMLSA",
    "Affine",
    "AffineMap",
    "BeroutiSubtraction",
    "Bilateral",
    "BlockShrink",
    "BollSubtraction",
    "Butterworth",
    "DecisionDirectedWiener",
    "FittedWiener",
    "GaussianBlur",
    "GaussianPosteriorMean",
    "Hampel",
    "IdealProjection",
    "IdealRatioMask",
    "Kalman",
    "LocalWiener",
    "LogMMSE",
    "Median",
    "MetricGamer",
    "MovingAverage",
    "Noisy",
    "NonLocalMeans",
    "Notch",
    "OracleWienerMask",
    "RegularizedInverse",
    "SavitzkyGolay",
    "Silence",
    "SlidingDCT",
    "SparseDeconvolution",
    "SpeechDCT",
    "SpeechWavelet",
    "SpikesPosteriorMean",
    "StftGMC",
    "StftL1",
    "TotalVariation",
    "TrueWiener",
    "WaveletShrink",
    "WienerDeconvolution",
]
