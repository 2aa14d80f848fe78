"""Estimators for system identification, one family per file, and the table of their names."""

from __future__ import annotations

from sigbench.estimators.division import SpectralDivision, WienerDivision
from sigbench.estimators.least_squares import CramerRao, LeastSquaresFIR
from sigbench.estimators.local_mean import local_mean_response
from sigbench.estimators.welch import H1, H2

ESTIMATORS = {
    "spectral-division": SpectralDivision,
    "wiener-division": WienerDivision,
    "h1": H1,
    "h2": H2,
    "least-squares-fir": LeastSquaresFIR,
    "cramer-rao": CramerRao,
}

__all__ = [
    "ESTIMATORS",
    "H1",
    "H2",
    "CramerRao",
    "LeastSquaresFIR",
    "SpectralDivision",
    "WienerDivision",
    "local_mean_response",
]
