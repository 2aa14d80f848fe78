"""L1-regularized denoising with an orthonormal transform, a frame or an operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from sigbench.core.protocols import Info
from sigbench.denoisers.sparse_model import SOLVERS, Exact, Solver, SparseDenoiser
from sigbench.transforms import DCT, TRANSFORMS, Transform


@dataclass(frozen=True)
class L1(SparseDenoiser):
    """min over c of ½‖y − Ac‖² + λ‖c‖₁; the estimate is Ac. All coefficients are penalized.

    If AᴴA = I, the solution is the soft threshold of Aᴴy. Otherwise FISTA computes it, or Newton's
    method where FISTA is slow, until the duality gap is at most 1e-6 of the objective. `solve`
    returns the coefficients with this certificate.

    With a `NoiseModel`, λ is the weight of a coefficient with the level σ of the noise. A coefficient
    with the noise level σₖ has the weight λσₖ/σ.

    Parameters
    ----------
    transform : Transform or str
        A: orthonormal (``identity``, ``dft``, ``dct``, ``wavelet``), a frame (``oversampled-dft``,
        ``stationary-wavelet``, ``stft``), a `Convolution`, or a user-defined `Operator`.
    lam, lam_over_sigma : float
        The weight λ in the signal's units or in noise levels; set exactly one.
    nonneg : bool
        Whether the coefficients are constrained to be >= 0 (real transforms only).
    solver : Exact, Iterative or CVXPY, or the name of one
        ``exact``: as above; ``iterative``: ISTA, c ← soft(c + μAᴴ(y − Ac), μλ), stopped when the
        relative change is small, as papers print it; ``cvxpy``: a general convex solver, slow.

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
