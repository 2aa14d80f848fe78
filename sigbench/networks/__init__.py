"""The networks, each defined once and run by two engines, and the table of their names."""

from __future__ import annotations

from sigbench.networks.dncnn import DnCNN
from sigbench.networks.icnn import ICNN
from sigbench.networks.n2n import N2N
from sigbench.networks.resnet import ResNet
from sigbench.networks.shrinknet import ShrinkNet
from sigbench.networks.strided import Strided
from sigbench.networks.unet import UNet

NETWORKS = {
    "icnn": ICNN,
    "shrinknet": ShrinkNet,
    "n2n": N2N,
    "strided": Strided,
    "resnet": ResNet,
    "dncnn": DnCNN,
    "unet": UNet,
}

__all__ = ["ICNN", "N2N", "NETWORKS", "DnCNN", "ResNet", "ShrinkNet", "Strided", "UNet"]
