"""The networks, each defined once and run by two engines, and the table of their names."""

from __future__ import annotations

from sigbench.networks.icnn import ICNN
from sigbench.networks.n2n import N2N
from sigbench.networks.resnet import ResNet
from sigbench.networks.shrinknet import ShrinkNet
from sigbench.networks.strided import Strided

NETWORKS = {
    "icnn": ICNN,
    "shrinknet": ShrinkNet,
    "n2n": N2N,
    "strided": Strided,
    "resnet": ResNet,
}

__all__ = ["ICNN", "N2N", "NETWORKS", "ResNet", "ShrinkNet", "Strided"]
