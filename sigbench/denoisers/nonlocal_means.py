"""Non-local means, with scikit-image, and the bilateral filter."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_field, check_odd, in_blocks, per_item
from sigbench.denoisers.noise_level import given_or_estimated
from sigbench.denoisers.parameters import check_strength, strength


def check_images(noisy: Array, method: str) -> None:
    """Check that `noisy` is a batch of images; raise `InputError` otherwise."""
    if noisy.ndim != 4:
        raise InputError(f"noisy has shape {noisy.shape}: {method} is for images, (N, C, H, W)")


@dataclass(frozen=True)
class NonLocalMeans:
    """Σ w(p, q)·y(q) / Σ w(p, q) over the pixels q around p, weighted by the similarity of patches.

    w = exp(−max(d² − 2σ², 0)/h²), where d² is the mean squared difference of the patches around p
    and q over all channels. An adapter to ``skimage.restoration.denoise_nl_means`` in its fast
    mode, with the approximations of that mode.

    Parameters
    ----------
    h, h_over_sigma : float, optional
        The strength in the image's units (nothing is subtracted then: σ = 0 above) or in noise
        levels (default 0.7); set at most one.
    patch : int
        Odd side length of a patch.
    distance : int
        Maximum distance of q from p along each axis.

    References
    ----------
    Buades, Coll, Morel, Image Process. On Line 1 (2011), section 2 (with 2σ² subtracted); Darbon
    et al., IEEE ISBI (2008) (the fast mode).

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 16, 16))
    >>> bool(NonLocalMeans()(y, sigma=1.0).std() < 0.5)
    True
    """

    h: float | None = None
    h_over_sigma: float | None = None
    patch: int = 5
    distance: int = 6

    info: ClassVar[Info] = Info(
        "nl-means",
        "non-local",
        "Buades, Coll, Morel 2005, 2011 (scikit-image)",
        domains=("image",),
        uses_sigma=True,
        fixed_by="h",
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        check_strength("h", self.h, self.h_over_sigma)
        check_odd("patch", self.patch)
        check_field("distance", self.distance, 1)

    @property
    def reach(self) -> int:
        """Distance of the farthest pixel of a patch, for a known level; see `Local`."""
        return self.distance + self.patch // 2

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``, which is ``(N, C, H, W)``."""
        from skimage.restoration import denoise_nl_means  # slow to import

        levels = check(noisy, sigma)
        check_images(noisy, "nl-means")
        levels = given_or_estimated(noisy, levels) if self.h is None else np.zeros(len(noisy))
        strengths = strength(noisy, levels, self.h, self.h_over_sigma, default=0.7)
        estimate = noisy.copy()
        for item, h, level in zip(estimate, strengths, levels, strict=True):
            if h > 0:
                smooth = denoise_nl_means(
                    np.moveaxis(item, 0, -1),
                    patch_size=self.patch,
                    patch_distance=self.distance,
                    h=float(h),
                    sigma=float(level),
                    channel_axis=-1,
                )  # it drops the axis of a single channel
                item[...] = np.moveaxis(smooth.reshape(*item.shape[1:], -1), -1, 0)
        return estimate


@dataclass(frozen=True)
class Bilateral:
    """Σ w(p, q)·y(q) / Σ w(p, q), weighted by the distance in the image and in color.

    w = exp(−‖p − q‖²/(2·width²) − ‖y(p) − y(q)‖²/(2·contrast²)) over all channels, for q up to
    3·width away along each axis, with reflected borders. Implemented here because scikit-image 0.26
    skews the spatial weights and divides color differences by the number of channels.

    Parameters
    ----------
    width : float
        Standard deviation in pixels, > 0.
    contrast, contrast_over_sigma : float, optional
        Standard deviation in the image's units or in noise levels (default 3); set at most one.

    References
    ----------
    Tomasi and Manduchi, IEEE ICCV (1998), section 2.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 16, 16))
    >>> bool(Bilateral()(y, sigma=1.0).std() < 0.5)
    True
    """

    width: float = 1.5
    contrast: float | None = None
    contrast_over_sigma: float | None = None

    info: ClassVar[Info] = Info(
        "bilateral",
        "non-local",
        "Tomasi, Manduchi 1998",
        domains=("image",),
        uses_sigma=True,
        fixed_by="contrast",
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        if not 0 < self.width < np.inf:
            raise InputError(f"width={self.width:g} must be > 0")
        check_strength("contrast", self.contrast, self.contrast_over_sigma)

    @property
    def reach(self) -> int:
        """Distance of the farthest pixel, for a known level; see `Local`."""
        return math.ceil(3 * self.width)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``, which is ``(N, C, H, W)``."""
        levels = check(noisy, sigma)
        check_images(noisy, "bilateral")
        contrasts = strength(noisy, levels, self.contrast, self.contrast_over_sigma, default=3.0)
        estimate = noisy.copy()
        some = contrasts > 0
        if some.any():
            estimate[some] = in_blocks(self._denoise, noisy[some], contrasts[some])
        return estimate

    def _denoise(self, y: Array, contrasts: NDArray[np.float64] | None) -> Array:
        assert contrasts is not None
        height, width = y.shape[2:]
        far = self.reach
        edges = [(0, 0), (0, 0), (far, far), (far, far)]
        padded = np.pad(y, edges, "symmetric")
        limits = np.finfo(y.dtype)
        contrasts = np.clip(contrasts, float(limits.tiny), float(limits.max))
        # Scale the values so that their squares neither underflow nor overflow.
        unit = _unit(np.maximum(np.abs(y).max(axis=(1, 2, 3)), contrasts))
        z = y / per_item(unit, y)
        padded_z = np.pad(z, edges, "symmetric")
        least = 2**10 * float(limits.tiny)  # quotients by it are finite and their weights zero
        scale = per_item(np.maximum(2 * (contrasts / unit) ** 2, least), y)
        top, bottom = np.zeros_like(y), np.zeros_like(y[:, :1])
        for down, right in itertools.product(range(2 * far + 1), repeat=2):
            at = (..., slice(down, down + height), slice(right, right + width))
            away = ((down - far) ** 2 + (right - far) ** 2) / (2 * self.width**2)
            w = np.exp(-away - np.sum((padded_z[at] - z) ** 2, axis=1, keepdims=True) / scale)
            top += w * padded[at]
            bottom += w
        return top / bottom


def _unit(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power of two just below each size; dividing by it is exact."""
    unit: NDArray[np.float64] = np.ldexp(1.0, np.frexp(sizes)[1] - 1)
    return unit
