"""The networks, each defined once and run by two engines, and the table of their names."""

from __future__ import annotations

from sigbench.networks.icnn import ICNN
from sigbench.networks.shrinknet import ShrinkNet

NETWORKS = {
    "icnn": ICNN,
    "shrinknet": ShrinkNet,
}

__all__ = ["ICNN", "NETWORKS", "ShrinkNet"]
