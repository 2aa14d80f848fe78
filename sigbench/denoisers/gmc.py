"""Sparse denoising by the generalized minimax-concave penalty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.denoisers import shrinkage
from sigbench.denoisers.inputs import check, check_field, in_blocks
from sigbench.denoisers.sparse import (
    SOLVERS,
    Closed,
    Iterative,
    State,
    check_nonneg,
    check_weight,
    weight,
)
from sigbench.transforms import DCT, TRANSFORMS, Transform
from sigbench.types import Array, Info, Sigma


@dataclass(frozen=True)
class GMC:
    """min over x, max over v of ½‖y − Ax‖² + λ‖x‖₁ − γ/2‖A(x − v)‖² − λ‖v‖₁.

    A convex problem whose penalty is not: large coefficients are left alone. For an orthonormal
    A and γ < 1 the solution is the firm threshold of Aᴴy: zero below λ, identity above λ/γ.

    Parameters
    ----------
    transform : Transform
        A: ``identity``, ``dft``, ``dct`` or ``wavelet[...]``.
    lam, lam_over_sigma : float
        The weight λ in the signal's units, or in noise levels: exactly one of them.
    gamma : float
        Non-convexity of the penalty, 0 <= gamma < 1; 0 is L1.
    nonneg : bool
        Whether the coefficients are known to be >= 0 (real transforms).
    solver : Closed or Iterative
        The closed form, or the forward-backward saddle-point iteration with
        μ = step / max(1, γ/(1 − γ)).

    References
    ----------
    Selesnick, "Sparse regularization via convex analysis", IEEE Trans. Signal Process. 65 (17),
    2017: the GMC penalty (definition 4) and the saddle-point iteration (proposition 15).

    Examples
    --------
    >>> from sigbench.transforms import Identity
    >>> GMC(Identity(), lam=1.0, gamma=0.5)(np.array([[[3.0, -0.5, 1.5]]]))
    array([[[ 3., -0.,  1.]]])
    """

    transform: Transform = field(default=DCT(), metadata={"table": TRANSFORMS})
    lam: float | None = None
    lam_over_sigma: float | None = None
    gamma: float = 0.8
    nonneg: bool = False
    solver: Closed | Iterative = field(default=Closed(), metadata={"table": SOLVERS})

    info: ClassVar[Info] = Info(
        "gmc",
        "sparse",
        "Selesnick 2017, IEEE TSP 65(17)",
        uses_sigma=True,
        fixed_by="lam",
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        check_weight(self.lam, self.lam_over_sigma)
        check_field("gamma", self.gamma, 0, below=1)
        check_nonneg(self.nonneg, self.transform)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels = check(noisy, sigma)
        if isinstance(self.solver, Closed):
            return in_blocks(self._denoise, noisy, levels)
        return self._denoise(noisy, levels)

    def _denoise(self, noisy: Array, levels: NDArray[np.float64] | None) -> Array:
        lam = weight(noisy, levels, self.lam, self.lam_over_sigma)
        forward, space, gamma = self.transform.forward, noisy.shape[2:], self.gamma
        if isinstance(self.solver, Closed):
            firm = shrinkage.firm_nonneg if self.nonneg else shrinkage.firm
            return self.transform.inverse(firm(forward(noisy), lam, gamma), space)

        soft = shrinkage.soft_nonneg if self.nonneg else shrinkage.soft
        mu = self.solver.step / max(1, gamma / (1 - gamma))
        noisy64 = noisy.astype(np.float64)

        def synthesis(c: np.ndarray) -> Array:
            return self.transform.inverse(c, space)

        def saddle_point(state: State, items: np.ndarray) -> State:
            x, v = state
            w = x - mu * forward(synthesis(x + gamma * (v - x)) - noisy64[items])
            u = v - mu * gamma * forward(synthesis(v - x))
            return soft(w, mu * lam[items]), soft(u, mu * lam[items])

        start = np.zeros_like(forward(noisy64))
        x, _ = self.solver.solve(saddle_point, (start, start))
        return synthesis(x).astype(noisy.dtype)
