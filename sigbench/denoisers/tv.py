"""Total-variation denoising, by scikit-image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sigbench.denoisers.inputs import check, check_field
from sigbench.denoisers.sparse import check_weight, weight
from sigbench.types import Array, Info, Sigma


@dataclass(frozen=True)
class TotalVariation:
    """min over x of ½‖y − x‖² + λ·TV(x), isotropic, every channel by itself.

    An adapter to ``skimage.restoration.denoise_tv_chambolle``, with its stopping rule. At the
    library's defaults, kept here, long flat stretches are not yet converged.

    Parameters
    ----------
    lam, lam_over_sigma : float
        The weight λ in the signal's units, or in noise levels: exactly one of them.
    eps : float
        Relative change of the cost to stop at.
    max_iter : int
        Iterations after which to stop in any case.

    References
    ----------
    Rudin, Osher, Fatemi, Physica D 60 (1992); Chambolle, J. Math. Imaging Vis. 20 (2004).

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([[[0.0, 0.2, 5.0, 5.2, 5.0]]])
    >>> bool(np.ptp(TotalVariation(lam=0.5)(y)) < np.ptp(y))
    True
    """

    lam: float | None = None
    lam_over_sigma: float | None = None
    eps: float = 2e-4
    max_iter: int = 200

    info: ClassVar[Info] = Info(
        "tv",
        "variational",
        "Rudin, Osher, Fatemi 1992; Chambolle 2004 (scikit-image)",
        uses_sigma=True,
        fixed_by="lam",
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        check_weight(self.lam, self.lam_over_sigma)
        check_field("eps", self.eps, 0)
        check_field("max_iter", self.max_iter, 1)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        from skimage.restoration import denoise_tv_chambolle  # slow to import

        lams = weight(noisy, check(noisy, sigma), self.lam, self.lam_over_sigma).ravel()
        estimate = noisy.copy()
        for item, lam in zip(estimate, lams, strict=True):
            if lam > 0:
                for channel in item:
                    channel[...] = denoise_tv_chambolle(
                        channel, weight=float(lam), eps=self.eps, max_num_iter=self.max_iter
                    )
        return estimate
