"""sigbench: a benchmark of signal denoisers.

Public names are loaded when they are first used, so that importing the package costs nothing.

Examples
--------
>>> import numpy as np
>>> import sigbench
>>> sigbench.GaussianBlur(width=0.0)(np.ones((1, 1, 3)))
array([[[1., 1., 1.]]])
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # as typing has it, whose import alone would double the time of --help
if TYPE_CHECKING:
    from typing import Any

    from sigbench.benchmark.engine.executors.base import ExecutorConfig
    from sigbench.benchmark.methods.ensemble import SelfEnsemble, SelfEnsembleLearner
    from sigbench.benchmark.methods.resolve import Method, PerItem
    from sigbench.benchmark.methods.tuning import SureTuned, Tuned
    from sigbench.benchmark.run_suite import run_suite
    from sigbench.benchmark.suites.suite import Suite, load
    from sigbench.core.errors import InputError
    from sigbench.core.protocols import Denoiser, Estimator, Info, Learner, Oracle, Pairs, Training
    from sigbench.datasets import (
        DATASETS,
        DemoSignals,
        Folder,
        GaussianProcess,
        Photos32,
        SparseSpikes,
        SpeechSmoke,
        Systems,
    )
    from sigbench.denoisers import (
        BM3D,
        DENOISERS,
        GMC,
        L1,
        Affine,
        Bilateral,
        BlockShrink,
        FittedWiener,
        GaussianBlur,
        GaussianPosteriorMean,
        IdealProjection,
        LocalWiener,
        Median,
        Noisy,
        NonLocalMeans,
        RegularizedInverse,
        SavitzkyGolay,
        SlidingDCT,
        SparseDeconvolution,
        SpikesPosteriorMean,
        TotalVariation,
        TrueWiener,
        WaveletShrink,
        WienerDeconvolution,
    )
    from sigbench.estimators import (
        ESTIMATORS,
        H1,
        H2,
        CramerRao,
        LeastSquaresFIR,
        SpectralDivision,
        WienerDivision,
        local_mean_response,
    )
    from sigbench.networks.models import (
        ICNN,
        N2N,
        NETWORKS,
        DnCNN,
        ResNet,
        ShrinkNet,
        Strided,
        UNet,
    )
    from sigbench.networks.pretrained.adapter import TorchModule
    from sigbench.networks.pretrained.denoiser import Pretrained
    from sigbench.networks.training.learner import Trained
    from sigbench.problems.degradations import Blur, Gaussian, Impulse, Poisson, Subsample
    from sigbench.problems.denoising import Denoising
    from sigbench.problems.system_id import SystemFunction
    from sigbench.scoring.metrics import METRICS

_WHERE = {
    "sigbench.datasets": (
        "DATASETS",
        "DemoSignals",
        "Folder",
        "GaussianProcess",
        "Photos32",
        "SparseSpikes",
        "SpeechSmoke",
        "Systems",
    ),
    "sigbench.problems.degradations": ("Blur", "Gaussian", "Impulse", "Poisson", "Subsample"),
    "sigbench.denoisers": (
        "BM3D",
        "DENOISERS",
        "GMC",
        "L1",
        "Affine",
        "Bilateral",
        "BlockShrink",
        "FittedWiener",
        "GaussianBlur",
        "GaussianPosteriorMean",
        "IdealProjection",
        "LocalWiener",
        "Median",
        "Noisy",
        "NonLocalMeans",
        "RegularizedInverse",
        "SavitzkyGolay",
        "SlidingDCT",
        "SparseDeconvolution",
        "SpikesPosteriorMean",
        "TotalVariation",
        "TrueWiener",
        "WaveletShrink",
        "WienerDeconvolution",
    ),
    "sigbench.benchmark.methods.ensemble": ("SelfEnsemble", "SelfEnsembleLearner"),
    "sigbench.core.errors": ("InputError",),
    "sigbench.estimators": (
        "ESTIMATORS",
        "H1",
        "H2",
        "CramerRao",
        "LeastSquaresFIR",
        "SpectralDivision",
        "WienerDivision",
        "local_mean_response",
    ),
    "sigbench.benchmark.engine.executors.base": ("ExecutorConfig",),
    "sigbench.benchmark.methods.resolve": ("Method", "PerItem"),
    "sigbench.scoring.metrics": ("METRICS",),
    "sigbench.networks.models": (
        "ICNN",
        "N2N",
        "NETWORKS",
        "DnCNN",
        "ResNet",
        "ShrinkNet",
        "Strided",
        "UNet",
    ),
    "sigbench.networks.pretrained.adapter": ("TorchModule",),
    "sigbench.networks.pretrained.denoiser": ("Pretrained",),
    "sigbench.problems.denoising": ("Denoising",),
    "sigbench.benchmark.suites.suite": ("Suite", "load"),
    "sigbench.benchmark.run_suite": ("run_suite",),
    "sigbench.problems.system_id": ("SystemFunction",),
    "sigbench.networks.training.learner": ("Trained",),
    "sigbench.benchmark.methods.tuning": ("SureTuned", "Tuned"),
    "sigbench.core.protocols": (
        "Denoiser",
        "Estimator",
        "Info",
        "Learner",
        "Oracle",
        "Pairs",
        "Training",
    ),
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "BM3D",
    "DATASETS",
    "DENOISERS",
    "ESTIMATORS",
    "GMC",
    "H1",
    "H2",
    "ICNN",
    "L1",
    "METRICS",
    "N2N",
    "NETWORKS",
    "Affine",
    "Bilateral",
    "BlockShrink",
    "Blur",
    "CramerRao",
    "DemoSignals",
    "Denoiser",
    "Denoising",
    "DnCNN",
    "Estimator",
    "ExecutorConfig",
    "FittedWiener",
    "Folder",
    "Gaussian",
    "GaussianBlur",
    "GaussianPosteriorMean",
    "GaussianProcess",
    "IdealProjection",
    "Impulse",
    "Info",
    "InputError",
    "Learner",
    "LeastSquaresFIR",
    "LocalWiener",
    "Median",
    "Method",
    "Noisy",
    "NonLocalMeans",
    "Oracle",
    "Pairs",
    "PerItem",
    "Photos32",
    "Poisson",
    "Pretrained",
    "RegularizedInverse",
    "ResNet",
    "SavitzkyGolay",
    "SelfEnsemble",
    "SelfEnsembleLearner",
    "ShrinkNet",
    "SlidingDCT",
    "SparseDeconvolution",
    "SparseSpikes",
    "SpectralDivision",
    "SpeechSmoke",
    "SpikesPosteriorMean",
    "Strided",
    "Subsample",
    "Suite",
    "SureTuned",
    "SystemFunction",
    "Systems",
    "TorchModule",
    "TotalVariation",
    "Trained",
    "Training",
    "TrueWiener",
    "Tuned",
    "UNet",
    "WaveletShrink",
    "WienerDeconvolution",
    "WienerDivision",
    "load",
    "local_mean_response",
    "run_suite",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'sigbench' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
