"""Network definitions, which both engines run, and the table `NETWORKS`."""

from __future__ import annotations

from sigbench.networks.models.dncnn import DnCNN
from sigbench.networks.models.icnn import ICNN
from sigbench.networks.models.n2n import N2N
from sigbench.networks.models.resnet import ResNet
from sigbench.networks.models.shrinknet import ShrinkNet
from sigbench.networks.models.speechnet import SpeechNet
from sigbench.networks.models.strided import Strided
from sigbench.networks.models.unet import UNet

NETWORKS = {
    "icnn": ICNN,
    "shrinknet": ShrinkNet,
    "n2n": N2N,
    "strided": Strided,
    "resnet": ResNet,
    "dncnn": DnCNN,
    "unet": UNet,
    "speech-net": SpeechNet,
}

__all__ = [
    "ICNN",
    "N2N",
    "NETWORKS",
    "DnCNN",
    "ResNet",
    "ShrinkNet",
    "SpeechNet",
    "Strided",
    "UNet",
]
