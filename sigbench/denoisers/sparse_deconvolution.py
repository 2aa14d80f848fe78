"""Sparse deconvolution: L1 and GMC through a known impulse response."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field
from sigbench.denoisers.penalty import check_weight, named
from sigbench.denoisers.sparse_certificate import Solution
from sigbench.denoisers.sparse_model import SOLVERS, Exact, Solver, SparseModel
from sigbench.transforms import TRANSFORMS, Convolution, Identity, Transform
from sigbench.transforms.operators import as_kernel


@dataclass(frozen=True)
class SparseDeconvolution:
    """min over c of ½‖y − h ∗ Wc‖² plus the penalty of `L1` (γ = 0) or `GMC`; the estimate is Wc.

    Parameters
    ----------
    kernel : array or nested tuple, optional
        The impulse response h, circular, lag 0 first; by default as the problem tells, else none.
    transform : Transform or str
        W, in which x is sparse: for spikes the samples themselves.
    lam, lam_over_sigma : float
        The weight λ > 0 in the signal's units, or in noise levels: exactly one of them.
    gamma : float
        Non-convexity of the penalty, 0 <= gamma < 1; 0 is L1.
    nonneg : bool
        Whether the coefficients are known to be >= 0 (real transforms).
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
        kernel = None if self.kernel is None else as_kernel(self.kernel)
        object.__setattr__(self, "kernel", kernel)
        for option, table in (("transform", TRANSFORMS), ("solver", SOLVERS)):
            object.__setattr__(self, option, named(option, getattr(self, option), table))
        check_weight(self.lam, self.lam_over_sigma)
        check_field("gamma", self.gamma, 0, below=1)
        _ = self._model

    @property
    def _model(self) -> SparseModel:
        blurred = (
            self.transform if self.kernel is None else Convolution(self.kernel, self.transform)
        )
        return SparseModel(
            blurred, self.lam, self.lam_over_sigma, self.gamma, self.nonneg, self.solver
        )

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate of x, shape and dtype of ``noisy``."""
        c = self.solve(noisy, sigma=sigma).coefficients
        return self.transform.synthesis(c, noisy.shape[2:]).astype(noisy.dtype)

    def solve(self, noisy: Array, *, sigma: Sigma = None) -> Solution:
        """Return the coefficients with their certificate."""
        return self._model.solve(noisy, sigma)

    def certificate(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the gap over the objective, shape ``(N,)``."""
        return self.solve(noisy, sigma=sigma).relative_gap
