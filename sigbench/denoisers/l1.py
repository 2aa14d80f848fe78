"""L1-regularized denoising in an orthonormal transform, a frame, or with an operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.denoisers.penalty import check_weight, named
from sigbench.denoisers.sparse_certificate import Solution
from sigbench.denoisers.sparse_model import SOLVERS, Exact, Solver, SparseModel
from sigbench.transforms import DCT, TRANSFORMS, Transform


@dataclass(frozen=True)
class L1:
    """min over c of ½‖y − Ac‖² + λ‖c‖₁; the estimate is Ac. All coefficients are penalized.

    Where AᴴA = I the solution is the soft threshold of Aᴴy. Else it is found by FISTA, and Newton's
    method where that is slow, until its duality gap is at most 1e-6 of the objective; `solve`
    returns it with that certificate.

    Parameters
    ----------
    transform : Transform or str
        A: orthonormal (``identity``, ``dft``, ``dct``, ``wavelet``), a frame (``oversampled-dft``,
        ``stationary-wavelet``, ``stft``), a `Convolution`, or an `Operator` of one's own.
    lam, lam_over_sigma : float
        The weight λ in the signal's units, or in noise levels: exactly one of them.
    nonneg : bool
        Whether the coefficients are known to be >= 0 (real transforms).
    solver : Exact, Iterative or CVXPY, or the name of one
        ``exact``: as above; ``iterative``: ISTA, c ← soft(c + μAᴴ(y − Ac), μλ), stopped by its
        change, as papers print it; ``cvxpy``: a general convex solver, slow.

    References
    ----------
    Chen, Donoho, Saunders, SIAM J. Sci. Comput. 20 (1998), section 5 (the problem);
    Daubechies, Defrise, De Mol, Comm. Pure Appl. Math. 57 (2004), section 1 (ISTA).

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([[[3.0, -0.5, -2.0]]])
    >>> L1("identity", lam=1.0)(y)
    array([[[ 2.,  0., -1.]]])
    >>> solution = L1("oversampled-dft", lam=1.0).solve(y)
    >>> solution.coefficients.shape, bool(solution.relative_gap[0] <= 1e-6)
    ((1, 1, 4), True)
    """

    transform: Transform = field(default=DCT(), metadata={"table": TRANSFORMS})
    lam: float | None = None
    lam_over_sigma: float | None = None
    nonneg: bool = False
    solver: Solver = field(default=Exact(), metadata={"table": SOLVERS})

    info: ClassVar[Info] = Info(
        "l1",
        "sparse",
        "Chen, Donoho, Saunders 1998; FISTA: Beck, Teboulle 2009",
        uses_sigma=True,
        fixed_by="lam",
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        for option, table in (("transform", TRANSFORMS), ("solver", SOLVERS)):
            object.__setattr__(self, option, named(option, getattr(self, option), table))
        check_weight(self.lam, self.lam_over_sigma)
        _ = self._model

    @property
    def _model(self) -> SparseModel:
        return SparseModel(
            self.transform, self.lam, self.lam_over_sigma, 0.0, self.nonneg, self.solver
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
