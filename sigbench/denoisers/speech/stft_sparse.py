"""L1 and GMC in the short-time Fourier transform, with a weight for every frame and frequency."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field
from sigbench.denoisers.parameters import build_named_options
from sigbench.denoisers.sparse_certificate import SparseProblem
from sigbench.denoisers.sparse_model import Bounded, solve
from sigbench.denoisers.speech.frames import Framing, Spectrum, frames_of
from sigbench.denoisers.speech.trackers import TRACKERS, Mcra, NoiseTracker, noise_spectra
from sigbench.denoisers.speech.trackers.known import tracker_for
from sigbench.transforms.frames import STFT

SOLVERS = {"bounded": Bounded}
FLOOR = 1e-2  # of the root mean square noise level: the certificate needs weights above 0


@dataclass(frozen=True)
class StftL1:
    """min over c of ½‖y − Ac‖² + Σ λ(m, k)|c(m, k)| in the STFT; the estimate is Ac.

    A is the synthesis of the STFT, a Parseval frame, and λ(m, k) = ``lam_over_sigma``·σ(m, k),
    where σ² is the power of the noise in frame m at frequency k that the tracker estimates. FISTA
    runs until the duality gap is small, or for ``max_iter`` iterations. This is not the soft
    threshold of Aᴴy, because neighboring frames overlap. Noise levels below 1/100 of their root mean
    square are raised to it.

    Parameters
    ----------
    tracker : NoiseTracker or str
        The estimator of the noise spectrum.
    lam_over_sigma : float
        Weight in units of the noise level of a coefficient. For white noise of standard deviation s
        this is `L1` with λ = lam_over_sigma·s/√overlap.
    window_ms : float
        Length of a frame in ms.
    overlap : int
        Number of frames that cover a sample.
    solver : Bounded
        Tolerance of the certificate and maximum number of iterations.
    fs : float, optional
        Sampling rate in Hz; problem information.

    References
    ----------
    Chen, Donoho, Saunders, SIAM J. Sci. Comput. 20 (1998), section 5: the problem with equal
    weights; see `L1`.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 4000))  # noise alone
    >>> x = StftL1(fs=8000.0)(y)
    >>> bool(np.mean(x**2) < 0.1)
    True
    """

    tracker: NoiseTracker = field(default=Mcra(), metadata={"table": TRACKERS})
    lam_over_sigma: float = 1.5
    window_ms: float = 64.0
    overlap: int = 4
    solver: Bounded = field(default=Bounded(), metadata={"table": SOLVERS})
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "stft-l1", "sparse", "Chen, Donoho, Saunders 1998", domains=("speech",), adapts=True
    )

    def __post_init__(self) -> None:
        _check(self)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        return _estimate(self, 0.0, noisy, sigma)[0]

    def certificate(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the duality gap relative to the objective, shape ``(N,)``."""
        return _estimate(self, 0.0, noisy, sigma)[1]


@dataclass(frozen=True)
class StftGMC:
    """The model of `StftL1` with the generalized minimax-concave penalty of `GMC`.

    Large coefficients are shrunk less than by L1. The iteration runs until the gap is small, or for
    ``max_iter`` iterations.

    Parameters
    ----------
    tracker, lam_over_sigma, window_ms, overlap, solver, fs
        As in `StftL1`.
    gamma : float
        Non-convexity of the penalty, 0 <= gamma < 1; 0 is L1.

    References
    ----------
    Selesnick, IEEE Trans. Signal Process. 65 (17), 2017: definition 4 and proposition 15.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 4000))  # noise alone
    >>> x = StftGMC(fs=8000.0)(y)
    >>> bool(np.mean(x**2) < 0.1)
    True
    """

    tracker: NoiseTracker = field(default=Mcra(), metadata={"table": TRACKERS})
    lam_over_sigma: float = 2.0
    gamma: float = 0.3
    window_ms: float = 64.0
    overlap: int = 2
    solver: Bounded = field(default=Bounded(tol=1e-2), metadata={"table": SOLVERS})
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "stft-gmc", "sparse", "Selesnick 2017", domains=("speech",), adapts=True
    )

    def __post_init__(self) -> None:
        check_field("gamma", self.gamma, 0, below=1)
        _check(self)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        return _estimate(self, self.gamma, noisy, sigma)[0]

    def certificate(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the gap between the bounds relative to the objective, shape ``(N,)``."""
        return _estimate(self, self.gamma, noisy, sigma)[1]


Model = StftL1 | StftGMC


def _check(model: Model) -> None:
    build_named_options(model)
    check_field("lam_over_sigma", model.lam_over_sigma, 0)
    check_field("window_ms", model.window_ms, 0)
    check_field("overlap", model.overlap, 2)


def _estimate(model: Model, gamma: float, noisy: Array, sigma: Sigma) -> tuple[Array, Array]:
    """Return the estimates, and the relative gap of each."""
    tracker = tracker_for(model.tracker, noisy, sigma)
    frames = frames_of(model)
    noise = noise_spectra(tracker, noisy, frames)
    estimate, gaps = noisy.copy(), np.zeros(len(noisy))
    for i in range(len(noisy)):  # every item has its own weights
        one = slice(i, i + 1)
        weights = model.lam_over_sigma * np.sqrt(noise[i])
        if weights.any():
            problem = _problem(noisy[one].astype(np.float64), frames, weights, gamma)
            solution = solve(problem, model.solver)
            estimate[one] = problem.apply(solution.coefficients)
            gaps[one] = solution.relative_gap
    return estimate, gaps


def _problem(y: Array, frames: Framing, weights: Spectrum, gamma: float) -> SparseProblem:
    """Return the problem of one signal; ``weights`` are per frame and frequency."""
    transform = STFT(frames.window, frames.hop)
    lowest = FLOOR * np.sqrt(np.mean(weights**2))
    geometry = dataclasses.replace(
        transform.geometry(y.shape[2:]), weights=np.maximum(weights, lowest)
    )
    return SparseProblem(y, transform, geometry, np.ones(1), gamma, nonneg=False)
