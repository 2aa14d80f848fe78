"""Sparse deconvolution: L1 and GMC through a known impulse response."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.denoisers.deconvolution import store_as_tuples
from sigbench.denoisers.gmc import GMC
from sigbench.denoisers.parameters import build_named_options
from sigbench.denoisers.sparse_certificate import Solution
from sigbench.denoisers.sparse_model import SOLVERS, Exact, Solver
from sigbench.transforms import TRANSFORMS, Convolution, Identity, Transform


@dataclass(frozen=True)
class SparseDeconvolution:
    """min over c of ½‖y − h ∗ Wc‖² plus the penalty of `L1` (γ = 0) or `GMC`; the estimate is Wc.

    Parameters
    ----------
    kernel : array or nested tuple, optional
        The impulse response h, circular, lag 0 first; by default that of the problem, if any.
    transform : Transform or str
        W, in which x is sparse: the identity for spikes.
    lam, lam_over_sigma : float
        The weight λ > 0 in the signal's units or in noise levels; set exactly one.
    gamma : float
        Non-convexity of the penalty, 0 <= gamma < 1; 0 is L1.
    nonneg : bool
        Whether the coefficients are constrained to be >= 0 (real transforms only).
    solver : Exact, Iterative or CVXPY, or the name of one
        As in `L1`.

    References
    ----------
    Taylor, Banks, McCoy, Geophysics 44 (1979) (L1 for spikes); Daubechies, Defrise, De Mol, Comm.
    Pure Appl. Math. 57 (2004); Selesnick, IEEE Trans. Signal Process. 65 (17), 2017 (GMC).

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([[[2.0, 1.0, 0.0, 0.0]]])  # (1, 0.5) ∗ an impulse of height 2
    >>> SparseDeconvolution((1.0, 0.5), lam=0.25)(y).round(3) + 0.0
    array([[[1.8, 0. , 0. , 0. ]]])
    >>> SparseDeconvolution((1.0, 0.5), lam=0.25, gamma=0.8)(y).round(3) + 0.0
    array([[[2., 0., 0., 0.]]])
    """

    kernel: Any = None
    transform: Transform = field(default=Identity(), metadata={"table": TRANSFORMS})
    lam: float | None = None
    lam_over_sigma: float | None = None
    gamma: float = 0.0
    nonneg: bool = False
    solver: Solver = field(default=Exact(), metadata={"table": SOLVERS})

    info: ClassVar[Info] = Info(
        "sparse-deconvolution",
        "deconvolution",
        "Taylor, Banks, McCoy 1979; Daubechies, Defrise, De Mol 2004; Selesnick 2017",
        uses_sigma=True,
        fixed_by="lam",
    )

    def __post_init__(self) -> None:
        store_as_tuples(self)
        build_named_options(self)
        _ = self._gmc  # checks the other parameters

    @property
    def _gmc(self) -> GMC:
        A = self.transform if self.kernel is None else Convolution(self.kernel, self.transform)
        return GMC(A, self.lam, self.lam_over_sigma, self.gamma, self.nonneg, self.solver)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate of x, shape and dtype of ``noisy``."""
        c = self.solve(noisy, sigma=sigma).coefficients
        return self.transform.synthesis(c, noisy.shape[2:]).astype(noisy.dtype)

    def solve(self, noisy: Array, *, sigma: Sigma = None) -> Solution:
        """Return the coefficients with their certificate."""
        return self._gmc.solve(noisy, sigma=sigma)

    def certificate(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the duality gap relative to the objective, shape ``(N,)``."""
        return self.solve(noisy, sigma=sigma).relative_gap
