"""Sparse denoising with the generalized minimax-concave penalty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from sigbench.core.protocols import Info
from sigbench.denoisers.sparse_model import SOLVERS, Exact, Solver, SparseDenoiser
from sigbench.transforms import DCT, TRANSFORMS, Transform


@dataclass(frozen=True)
class GMC(SparseDenoiser):
    """min over x, max over v of ½‖y − Ax‖² + λ‖x‖₁ − γ/2‖A(x − v)‖² − λ‖v‖₁.

    The problem is convex although its penalty is not, so large coefficients are not shrunk. If
    AᴴA = I, the solution is the firm threshold of Aᴴy: zero below λ, the identity above λ/γ.
    Otherwise the saddle-point iteration computes it, or Newton's method where the iteration is
    slow, until the gap between the upper and the lower bound is at most 1e-6 of the objective.
    `solve` returns the coefficients with this certificate. A `NoiseModel` is used as in `L1`.

    Parameters
    ----------
    transform : Transform or str
        A, as in `L1`.
    lam, lam_over_sigma : float
        The weight λ in the signal's units or in noise levels; set exactly one.
    gamma : float
        Non-convexity of the penalty, 0 <= gamma < 1, so that F is convex in x; 0 is L1.
    nonneg : bool
        Whether the coefficients are constrained to be >= 0 (real transforms only).
    solver : Exact, Iterative or CVXPY, or the name of one
        ``exact``: as above; ``iterative``: the plain iteration with step
        μ = step / (max(1, γ/(1 − γ))·‖A‖²), 0 < step < 2, stopped when the relative change is
        small, as papers print it; ``cvxpy``: a general convex solver, slow.

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
