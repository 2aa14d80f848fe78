"""Sparse denoising by the generalized minimax-concave penalty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field
from sigbench.denoisers.penalty import check_weight, named
from sigbench.denoisers.sparse_certificate import Solution
from sigbench.denoisers.sparse_model import SOLVERS, Exact, Solver, SparseModel
from sigbench.transforms import DCT, TRANSFORMS, Transform


@dataclass(frozen=True)
class GMC:
    """min over x, max over v of ½‖y − Ax‖² + λ‖x‖₁ − γ/2‖A(x − v)‖² − λ‖v‖₁.

    A convex problem whose penalty is not: large coefficients are left alone. Where AᴴA = I the
    solution is the firm threshold of Aᴴy: zero below λ, identity above λ/γ. Else it is found by
    the saddle-point iteration, and Newton's method where that is slow, until the gap between its
    upper and lower bound is at most 1e-6 of the objective; `solve` returns it with that
    certificate.

    Parameters
    ----------
    transform : Transform or str
        A, as in `L1`.
    lam, lam_over_sigma : float
        The weight λ in the signal's units, or in noise levels: exactly one of them.
    gamma : float
        Non-convexity of the penalty, 0 <= gamma < 1: so far F is convex in x; 0 is L1.
    nonneg : bool
        Whether the coefficients are known to be >= 0 (real transforms).
    solver : Exact, Iterative or CVXPY, or the name of one
        ``exact``: as above; ``iterative``: the plain iteration with step
        μ = step / (max(1, γ/(1 − γ))·‖A‖²), 0 < step < 2, stopped by its change, as papers print
        it; ``cvxpy``: a general convex solver, slow.

    References
    ----------
    Selesnick, "Sparse regularization via convex analysis", IEEE Trans. Signal Process. 65 (17),
    2017: the GMC penalty (definition 4) and the saddle-point iteration (proposition 15).

    Examples
    --------
    >>> import numpy as np
    >>> GMC("identity", lam=1.0, gamma=0.5)(np.array([[[3.0, -0.5, 1.5]]]))
    array([[[ 3., -0.,  1.]]])
    """

    transform: Transform = field(default=DCT(), metadata={"table": TRANSFORMS})
    lam: float | None = None
    lam_over_sigma: float | None = None
    gamma: float = 0.8
    nonneg: bool = False
    solver: Solver = field(default=Exact(), metadata={"table": SOLVERS})

    info: ClassVar[Info] = Info(
        "gmc",
        "sparse",
        "Selesnick 2017, IEEE TSP 65(17)",
        uses_sigma=True,
        fixed_by="lam",
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        for option, table in (("transform", TRANSFORMS), ("solver", SOLVERS)):
            object.__setattr__(self, option, named(option, getattr(self, option), table))
        check_weight(self.lam, self.lam_over_sigma)
        check_field("gamma", self.gamma, 0, below=1)
        _ = self._model

    @property
    def _model(self) -> SparseModel:
        return SparseModel(
            self.transform, self.lam, self.lam_over_sigma, self.gamma, self.nonneg, self.solver
        )

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        return self._model.denoise(noisy, sigma)

    def solve(self, noisy: Array, *, sigma: Sigma = None) -> Solution:
        """Return the coefficients with their certificate."""
        return self._model.solve(noisy, sigma)

    def certificate(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the duality gap over the objective, shape ``(N,)``."""
        return self.solve(noisy, sigma=sigma).relative_gap
