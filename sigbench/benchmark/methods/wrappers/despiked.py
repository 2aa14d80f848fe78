"""Replace impulses by the local median, then denoise."""

from __future__ import annotations

from dataclasses import dataclass, field

from sigbench.benchmark.methods.wrappers.inner import INNER, wrapped_info
from sigbench.core.protocols import Array, Denoiser, Info, Sigma
from sigbench.core.validation import check_field, check_noisy
from sigbench.denoisers.noise.impulses import THRESHOLD, find_impulses

INFO = Info("despiked", "noise model", "Hampel 1974", adapts=True, version=2)


@dataclass(frozen=True)
class Despiked:
    """Replace samples that are far from the local median by it, then apply a method.

    Parameters
    ----------
    method : Denoiser
        A denoiser for the noise of the other samples; it is given the same noise level.
    threshold : float
        Smallest distance of an impulse from the local median, in noise levels.

    References
    ----------
    Hampel, J. Am. Stat. Assoc. 69 (1974): outliers by median and MAD.

    Examples
    --------
    >>> import numpy as np
    >>> from sigbench.denoisers import GaussianBlur
    >>> y = np.random.default_rng(0).standard_normal((1, 1, 100))
    >>> y[0, 0, 50] = 40
    >>> bool(Despiked(GaussianBlur(width=2.0))(y).max() < 2)
    True
    """

    method: Denoiser = field(metadata={"table": INNER})
    threshold: float = THRESHOLD
    info: Info = field(
        default=INFO, init=False, repr=False, compare=False, metadata={"identity": False}
    )

    def __post_init__(self) -> None:
        check_field("threshold", self.threshold, 2)
        object.__setattr__(self, "info", wrapped_info(INFO, self.method))

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check_noisy(noisy)  # the method checks sigma
        clear = noisy.copy()
        for item in clear:
            found = find_impulses(item, self.threshold)
            item[found.where] = found.median[found.where]
        return self.method(clear, sigma=sigma)
