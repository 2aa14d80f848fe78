"""Non-local means, by scikit-image, and the bilateral filter."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_field, in_blocks, per_item
from sigbench.denoisers.noise_level import given_or_estimated


def check_images(noisy: Array, method: str) -> None:
    """Refuse what is not a batch of images.

    Raises
    ------
    InputError
        It carries the shape.
    """
    if noisy.ndim != 4:
        raise InputError(f"noisy has shape {noisy.shape}: {method} is for images, (N, C, H, W)")


def _check_one(name: str, value: float | None, over_sigma: float | None) -> None:
    """Refuse a strength that is set in both ways."""
    if value is not None and over_sigma is not None:
        raise InputError(
            f"set one of {name} and {name}_over_sigma "
            f"(got {name}={value:g}, {name}_over_sigma={over_sigma:g})"
        )
    check_field(name, value, 0)
    check_field(f"{name}_over_sigma", over_sigma, 0)


@dataclass(frozen=True)
class NonLocalMeans:
    """Σ w(p, q)·y(q) / Σ w(p, q) over the pixels q around p, weighted by how alike they are.

    w = exp(−max(d² − 2σ², 0)/h²), d² the mean squared difference of the patches around p and q, all
    channels together. An adapter to ``skimage.restoration.denoise_nl_means`` in its fast mode,
    with that mode's approximations.

    Parameters
    ----------
    h, h_over_sigma : float, optional
        The strength in the image's units, where nothing is subtracted (σ = 0 above), or in noise
        levels (0.7): at most one of them.
    patch : int
        Odd length of the side of a patch.
    distance : int
        How far q is from p at most, along each axis.

    References
    ----------
    Buades, Coll, Morel, Image Process. On Line 1 (2011), section 2: with 2σ² subtracted; Darbon
    et al., IEEE ISBI (2008): the fast mode.

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
        _check_one("h", self.h, self.h_over_sigma)
        check_field("patch", self.patch, 1)
        if self.patch % 2 == 0:
            raise InputError(f"patch={self.patch} must be odd")
        check_field("distance", self.distance, 1)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``, which is ``(N, C, H, W)``."""
        from skimage.restoration import denoise_nl_means  # slow to import

        levels = check(noisy, sigma)
        check_images(noisy, "nl-means")
        if self.h is None:
            levels = given_or_estimated(noisy, levels)
            strengths = levels * (0.7 if self.h_over_sigma is None else self.h_over_sigma)
        else:
            levels, strengths = np.zeros(len(noisy)), np.full(len(noisy), self.h)
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
                )  # without the axis of a single channel
                item[...] = np.moveaxis(smooth.reshape(*item.shape[1:], -1), -1, 0)
        return estimate


@dataclass(frozen=True)
class Bilateral:
    """Σ w(p, q)·y(q) / Σ w(p, q), weighted by nearness in the image and in colour.

    w = exp(−‖p − q‖²/(2·width²) − ‖y(p) − y(q)‖²/(2·contrast²)), all channels together, for q up
    to 3·width away along each axis, borders reflected. Our own: that of scikit-image 0.26 has skewed
    weights of nearness, and divides differences of colours by the number of channels.

    Parameters
    ----------
    width : float
        Standard deviation in pixels, > 0.
    contrast, contrast_over_sigma : float, optional
        Standard deviation in the image's units, or in noise levels (3): at most one of them.

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
        _check_one("contrast", self.contrast, self.contrast_over_sigma)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``, which is ``(N, C, H, W)``."""
        levels = check(noisy, sigma)
        check_images(noisy, "bilateral")
        if self.contrast is None:
            over = 3.0 if self.contrast_over_sigma is None else self.contrast_over_sigma
            contrasts = over * given_or_estimated(noisy, levels)
        else:
            contrasts = np.full(len(noisy), self.contrast)
        estimate = noisy.copy()
        some = contrasts > 0
        if some.any():
            estimate[some] = in_blocks(self._denoise, noisy[some], contrasts[some])
        return estimate

    def _denoise(self, y: Array, contrasts: NDArray[np.float64] | None) -> Array:
        assert contrasts is not None
        height, width = y.shape[2:]
        far = math.ceil(3 * self.width)
        edges = [(0, 0), (0, 0), (far, far), (far, far)]
        padded = np.pad(y, edges, "symmetric")
        limits = np.finfo(y.dtype)
        contrasts = np.clip(contrasts, float(limits.tiny), float(limits.max))
        # Squares of values in a unit of their own: they neither vanish nor overflow.
        unit = _unit(np.maximum(np.abs(y).max(axis=(1, 2, 3)), contrasts))
        z = y / per_item(unit, y)
        padded_z = np.pad(z, edges, "symmetric")
        least = 2**10 * float(limits.tiny)  # quotients by it are finite, and their weights zero
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
    """Return the power of two just below each size: to divide by it rounds nothing."""
    unit: NDArray[np.float64] = np.ldexp(1.0, np.frexp(sizes)[1] - 1)
    return unit
