"""L1-regularized denoising in an orthonormal transform."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.denoisers import shrinkage
from sigbench.denoisers.inputs import check, in_blocks
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
class L1:
    """min over c of ½‖y − Ac‖² + λ‖c‖₁; the estimate is Ac.

    For an orthonormal A the solution is the soft threshold of the coefficients Aᴴy; all of
    them are thresholded.

    Parameters
    ----------
    transform : Transform
        A: ``identity``, ``dft``, ``dct`` or ``wavelet[...]``.
    lam, lam_over_sigma : float
        The weight λ in the signal's units, or in noise levels: exactly one of them.
    nonneg : bool
        Whether the coefficients are known to be >= 0 (real transforms).
    solver : Closed or Iterative
        The closed form, or ISTA: x ← soft(x + μAᴴ(y − Ax), μλ), μ = ``step``.

    References
    ----------
    Chen, Donoho, Saunders, SIAM J. Sci. Comput. 20 (1998), section 5 (the problem);
    Daubechies, Defrise, De Mol, Comm. Pure Appl. Math. 57 (2004), section 1 (ISTA).

    Examples
    --------
    >>> from sigbench.transforms import Identity
    >>> L1(Identity(), lam=1.0)(np.array([[[3.0, -0.5, -2.0]]]))
    array([[[ 2.,  0., -1.]]])
    """

    transform: Transform = field(default=DCT(), metadata={"table": TRANSFORMS})
    lam: float | None = None
    lam_over_sigma: float | None = None
    nonneg: bool = False
    solver: Closed | Iterative = field(default=Closed(), metadata={"table": SOLVERS})

    info: ClassVar[Info] = Info(
        "l1",
        "sparse",
        "Chen, Donoho, Saunders 1998; ISTA: Daubechies, Defrise, De Mol 2004",
        uses_sigma=True,
        fixed_by="lam",
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        check_weight(self.lam, self.lam_over_sigma)
        check_nonneg(self.nonneg, self.transform)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels = check(noisy, sigma)
        if isinstance(self.solver, Closed):
            return in_blocks(self._denoise, noisy, levels)
        return self._denoise(noisy, levels)

    def _denoise(self, noisy: Array, levels: NDArray[np.float64] | None) -> Array:
        lam = weight(noisy, levels, self.lam, self.lam_over_sigma)
        shrink = shrinkage.soft_nonneg if self.nonneg else shrinkage.soft
        space = noisy.shape[2:]
        if isinstance(self.solver, Closed):
            return self.transform.inverse(shrink(self.transform.forward(noisy), lam), space)

        step, noisy64 = self.solver.step, noisy.astype(np.float64)

        def ista(state: State, items: np.ndarray) -> State:
            (x,) = state
            residual = noisy64[items] - self.transform.inverse(x, space)
            return (shrink(x + step * self.transform.forward(residual), step * lam[items]),)

        start = np.zeros_like(self.transform.forward(noisy64))
        (x,) = self.solver.solve(ista, (start,))
        return self.transform.inverse(x, space).astype(noisy.dtype)
