"""A reproducible benchmark of signal, speech and image denoisers.

Public names are imported when they are first used, so `import sigbench` is fast.

Examples
--------
>>> import numpy as np
>>> import sigbench
>>> sigbench.GaussianBlur(width=0.0)(np.ones((1, 1, 3)))
array([[[1., 1., 1.]]])
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # importing typing would slow down `sigbench --help`
if TYPE_CHECKING:
    from typing import Any

    from sigbench.benchmark.engine.executors.base import ExecutorConfig as ExecutorConfig
    from sigbench.benchmark.methods.ensemble import SelfEnsemble as SelfEnsemble
    from sigbench.benchmark.methods.ensemble import SelfEnsembleLearner as SelfEnsembleLearner
    from sigbench.benchmark.methods.functions import PerItem as PerItem
    from sigbench.benchmark.methods.resolve import Method as Method
    from sigbench.benchmark.methods.stream import Stream as Stream
    from sigbench.benchmark.methods.tuning import SureTuned as SureTuned
    from sigbench.benchmark.methods.tuning import Tuned as Tuned
    from sigbench.benchmark.results import Run as Run
    from sigbench.benchmark.results import read_run as read_run
    from sigbench.benchmark.run_suite import run_suite as run_suite
    from sigbench.benchmark.suites.suite import Suite as Suite
    from sigbench.benchmark.suites.suite import load as load
    from sigbench.core.errors import InputError as InputError
    from sigbench.core.protocols import Denoiser as Denoiser
    from sigbench.core.protocols import Estimator as Estimator
    from sigbench.core.protocols import Info as Info
    from sigbench.core.protocols import Learner as Learner
    from sigbench.core.protocols import Oracle as Oracle
    from sigbench.core.protocols import Pairs as Pairs
    from sigbench.core.protocols import Training as Training
    from sigbench.datasets import DATASETS as DATASETS
    from sigbench.datasets import DemoSignals as DemoSignals
    from sigbench.datasets import Folder as Folder
    from sigbench.datasets import GaussianProcess as GaussianProcess
    from sigbench.datasets import PairedFiles as PairedFiles
    from sigbench.datasets import Photos32 as Photos32
    from sigbench.datasets import SparseSpikes as SparseSpikes
    from sigbench.datasets import SpeechSmoke as SpeechSmoke
    from sigbench.datasets import Systems as Systems
    from sigbench.datasets.base import Dataset as Dataset
    from sigbench.denoisers import BM3D as BM3D
    from sigbench.denoisers import DENOISERS as DENOISERS
    from sigbench.denoisers import GMC as GMC
    from sigbench.denoisers import L1 as L1
    from sigbench.denoisers import Affine as Affine
    from sigbench.denoisers import Bilateral as Bilateral
    from sigbench.denoisers import BlockShrink as BlockShrink
    from sigbench.denoisers import Butterworth as Butterworth
    from sigbench.denoisers import FittedWiener as FittedWiener
    from sigbench.denoisers import GaussianBlur as GaussianBlur
    from sigbench.denoisers import GaussianPosteriorMean as GaussianPosteriorMean
    from sigbench.denoisers import Hampel as Hampel
    from sigbench.denoisers import IdealProjection as IdealProjection
    from sigbench.denoisers import Kalman as Kalman
    from sigbench.denoisers import LocalWiener as LocalWiener
    from sigbench.denoisers import Median as Median
    from sigbench.denoisers import MovingAverage as MovingAverage
    from sigbench.denoisers import Noisy as Noisy
    from sigbench.denoisers import NonLocalMeans as NonLocalMeans
    from sigbench.denoisers import Notch as Notch
    from sigbench.denoisers import RegularizedInverse as RegularizedInverse
    from sigbench.denoisers import SavitzkyGolay as SavitzkyGolay
    from sigbench.denoisers import SlidingDCT as SlidingDCT
    from sigbench.denoisers import SparseDeconvolution as SparseDeconvolution
    from sigbench.denoisers import SpikesPosteriorMean as SpikesPosteriorMean
    from sigbench.denoisers import TotalVariation as TotalVariation
    from sigbench.denoisers import TrueWiener as TrueWiener
    from sigbench.denoisers import WaveletShrink as WaveletShrink
    from sigbench.denoisers import WienerDeconvolution as WienerDeconvolution
    from sigbench.estimators import ESTIMATORS as ESTIMATORS
    from sigbench.estimators import H1 as H1
    from sigbench.estimators import H2 as H2
    from sigbench.estimators import CramerRao as CramerRao
    from sigbench.estimators import LeastSquaresFIR as LeastSquaresFIR
    from sigbench.estimators import SpectralDivision as SpectralDivision
    from sigbench.estimators import WienerDivision as WienerDivision
    from sigbench.estimators import local_mean_response as local_mean_response
    from sigbench.networks.models import ICNN as ICNN
    from sigbench.networks.models import N2N as N2N
    from sigbench.networks.models import NETWORKS as NETWORKS
    from sigbench.networks.models import DnCNN as DnCNN
    from sigbench.networks.models import ResNet as ResNet
    from sigbench.networks.models import ShrinkNet as ShrinkNet
    from sigbench.networks.models import Strided as Strided
    from sigbench.networks.models import UNet as UNet
    from sigbench.networks.pretrained.adapter import TorchModule as TorchModule
    from sigbench.networks.pretrained.denoiser import Pretrained as Pretrained
    from sigbench.networks.training.learner import Trained as Trained
    from sigbench.problems.degradations import Blur as Blur
    from sigbench.problems.degradations import Gaussian as Gaussian
    from sigbench.problems.degradations import Impulse as Impulse
    from sigbench.problems.degradations import Poisson as Poisson
    from sigbench.problems.degradations import Subsample as Subsample
    from sigbench.problems.denoising import Denoising as Denoising
    from sigbench.problems.system_id import SystemFunction as SystemFunction
    from sigbench.scoring.metrics import METRICS as METRICS
    from sigbench.scoring.metrics import Metric as Metric

_NAMES = {
    "sigbench.benchmark.engine.executors.base": "ExecutorConfig",
    "sigbench.benchmark.methods.ensemble": "SelfEnsemble SelfEnsembleLearner",
    "sigbench.benchmark.methods.functions": "PerItem",
    "sigbench.benchmark.methods.resolve": "Method",
    "sigbench.benchmark.methods.stream": "Stream",
    "sigbench.benchmark.methods.tuning": "SureTuned Tuned",
    "sigbench.benchmark.results": "Run read_run",
    "sigbench.benchmark.run_suite": "run_suite",
    "sigbench.benchmark.suites.suite": "Suite load",
    "sigbench.core.errors": "InputError",
    "sigbench.core.protocols": "Denoiser Estimator Info Learner Oracle Pairs Training",
    "sigbench.datasets.base": "Dataset",
    "sigbench.datasets": (
        "DATASETS DemoSignals Folder GaussianProcess PairedFiles Photos32 SparseSpikes SpeechSmoke Systems"
    ),
    "sigbench.denoisers": (
        "Affine BM3D Bilateral BlockShrink Butterworth DENOISERS FittedWiener GMC GaussianBlur "
        "GaussianPosteriorMean Hampel IdealProjection Kalman L1 LocalWiener Median MovingAverage "
        "Noisy NonLocalMeans Notch "
        "RegularizedInverse SavitzkyGolay SlidingDCT SparseDeconvolution SpikesPosteriorMean "
        "TotalVariation TrueWiener WaveletShrink WienerDeconvolution"
    ),
    "sigbench.estimators": (
        "CramerRao ESTIMATORS H1 H2 LeastSquaresFIR SpectralDivision WienerDivision "
        "local_mean_response"
    ),
    "sigbench.networks.models": "DnCNN ICNN N2N NETWORKS ResNet ShrinkNet Strided UNet",
    "sigbench.networks.pretrained.adapter": "TorchModule",
    "sigbench.networks.pretrained.denoiser": "Pretrained",
    "sigbench.networks.training.learner": "Trained",
    "sigbench.problems.degradations": "Blur Gaussian Impulse Poisson Subsample",
    "sigbench.problems.denoising": "Denoising",
    "sigbench.problems.system_id": "SystemFunction",
    "sigbench.scoring.metrics": "METRICS Metric",
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'sigbench' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
