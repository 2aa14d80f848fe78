"""The simplest baselines: the noisy input, an affine map, a Gaussian blur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter

from sigbench.core.protocols import Array, Denoiser, Info, Sigma, Training
from sigbench.core.validation import check_field, check_unused

TRUNCATE = 4.0  # standard deviations of a Gaussian kernel, on each side


@dataclass(frozen=True)
class Noisy:
    """The input itself, which any method must beat.

    Examples
    --------
    >>> Noisy()(np.ones((1, 1, 2)))
    array([[[1., 1.]]])
    """

    info: ClassVar[Info] = Info("noisy", "reference", "the input itself", exact_at_zero=True)
    latency_ms: ClassVar[float] = 0.0
    reach: ClassVar[int] = 0

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return a copy of ``noisy``."""
        check_unused(noisy, sigma)
        return noisy.copy()


@dataclass(frozen=True)
class GaussianBlur:
    """Convolution with a Gaussian over the space axes with reflected borders.

    Parameters
    ----------
    width : float
        Standard deviation of the Gaussian in samples or pixels.

    Examples
    --------
    >>> GaussianBlur(1.0)(np.array([[[0.0, 0, 1, 0, 0]]])).round(2)
    array([[[0.06, 0.24, 0.4 , 0.24, 0.06]]])
    """

    width: float = 1.0

    info: ClassVar[Info] = Info("gaussian-blur", "linear", "scipy.ndimage.gaussian_filter")

    def __post_init__(self) -> None:
        check_field("width", self.width, 0)

    @property
    def reach(self) -> int:
        """Distance of the farthest sample of the kernel; see `Local`."""
        return int(TRUNCATE * self.width + 0.5)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check_unused(noisy, sigma)
        widths = (0, 0, *[self.width] * (noisy.ndim - 2))
        blurred: Array = gaussian_filter(noisy, widths, truncate=TRUNCATE)
        return blurred


@dataclass(frozen=True)
class AffineMap:
    """The map a·y + b for every sample, as fitted by `Affine`.

    Examples
    --------
    >>> AffineMap(0.5, 1.0)(np.array([[[2.0]]]))
    array([[[2.]]])
    """

    a: float
    b: float

    info: ClassVar[Info] = Info("affine-map", "linear", "linear regression of clean on noisy")
    n_params: ClassVar[int] = 2
    latency_ms: ClassVar[float] = 0.0
    reach: ClassVar[int] = 0

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check_unused(noisy, sigma)
        return self.a * noisy + self.b


@dataclass(frozen=True)
class Affine:
    """Learn the map a·y + b by linear regression of the clean on the noisy samples.

    Examples
    --------
    >>> from sigbench.core.protocols import Pairs
    >>> y = np.array([[[0.0, 2.0, 4.0]]])
    >>> pairs = Pairs(y, 1 + y / 2)
    >>> Affine().fit(Training(pairs, pairs, lambda n, rng: pairs, 10.0), rng=None)
    AffineMap(a=0.5, b=1.0)
    """

    info: ClassVar[Info] = Info("affine", "linear", "linear regression of clean on noisy")
    n_params: ClassVar[int] = 2

    def fit(self, train: Training, *, rng: np.random.Generator) -> Denoiser:
        """Return the fitted `AffineMap`."""
        y = train.pairs.noisy.ravel().astype(np.float64)
        x = train.pairs.target.ravel().astype(np.float64)
        y_centered = y - y.mean()
        power = float(y_centered @ y_centered)
        a = float(y_centered @ (x - x.mean())) / power if power > 0 else 0.0
        return AffineMap(a, float(x.mean() - a * y.mean()))
