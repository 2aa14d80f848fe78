"""BM3D, by an adapter to its authors' package, which is not free software."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check
from sigbench.denoisers.colors import has_colors, to_opponent
from sigbench.denoisers.noise_level import given_or_estimated
from sigbench.denoisers.nonlocal_means import check_images

MAX_LEVELS = 1e4  # the distance from zero, in noise levels, beyond which float32 loses digits
MIN_SIDE = 8  # of a block; the package ends the process for an image of exactly one block


@dataclass(frozen=True)
class BM3D:
    """Block matching and collaborative filtering: similar blocks are stacked and shrunk in 3-D.

    An adapter to the package ``bm3d`` (``pip install 'sigbench[bm3d]'``). It matches blocks of RGB
    images by their lightness and denoises other images channel by channel: those with another
    number of channels, and gray images that are stored as RGB, because the package divides by the
    range of each color difference. The units are arbitrary.

    **License.** The package is by Tampere University and free for non-commercial use only; cite its
    authors when you publish results. sigbench neither contains nor requires it.

    References
    ----------
    Dabov, Foi, Katkovnik, Egiazarian, IEEE Trans. Image Process. 16 (2007); Mäkinen, Azzari, Foi,
    IEEE Trans. Image Process. 29 (2020): the package.

    Examples
    --------
    >>> "non-commercial" in BM3D().info.source
    True
    """

    info: ClassVar[Info] = Info(
        "bm3d",
        "non-local",
        "Dabov et al. 2007; Mäkinen, Azzari, Foi 2020 (package bm3d, Tampere University: "
        "free for non-commercial use only)",
        domains=("image",),
        uses_sigma=True,
        exact_at_zero=True,
    )

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``, which is ``(N, C, H, W)``."""
        levels = check(noisy, sigma)
        check_images(noisy, "bm3d")
        package = _package()
        if min(noisy.shape[2:]) < MIN_SIDE or noisy.shape[2:] == (MIN_SIDE, MIN_SIDE):
            raise InputError(
                f"noisy has shape {noisy.shape}: the sides of images for bm3d must be >= "
                f"{MIN_SIDE}, and more than {MIN_SIDE} × {MIN_SIDE} pixels"
            )
        colors = has_colors(noisy)
        estimate = noisy.copy()
        for item, level in zip(estimate, given_or_estimated(noisy, levels), strict=True):
            if level == 0 or np.ptp(item) == 0:
                continue
            if colors and not _without_colors(item):
                rgb = np.moveaxis(item, 0, -1).astype(np.float64)
                item[...] = np.moveaxis(package.bm3d_rgb(rgb, float(level)), -1, 0)
            else:
                for channel in item:
                    y = channel.astype(np.float64)
                    far = np.abs(y).max() > MAX_LEVELS * level  # the package works in float32
                    origin = np.median(y) if far else 0.0
                    channel[...] = package.bm3d(y - origin, float(level)) + origin
        return estimate


def _without_colors(item: Array) -> bool:
    """Return whether a color difference of an RGB image is constant, within rounding."""
    ranges = np.ptp(to_opponent(item[None].astype(np.float64)), axis=(0, 2, 3))
    return bool(ranges.min() <= 16 * np.finfo(item.dtype).eps * np.abs(item).max())


def _package() -> Any:
    try:
        import bm3d
    except ImportError as error:
        raise InputError(
            f"bm3d needs the package bm3d ({error}): pip install 'sigbench[bm3d]' "
            "(free for non-commercial use only)"
        ) from None
    return bm3d
