"""Degradations: functions that make noisy items by noise, sampling or blur.

A degradation maps source items ``(N, C, *space)`` to clean and noisy items. Usually the clean items
are the source items; `Subsample` makes smaller ones. For one random stream, Gaussian noise of
different levels is the same draw, scaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.core.validation import check_field, per_item
from sigbench.denoisers.noise.models import SignalDependentNoise, StationaryNoise, white_noise
from sigbench.problems.base import Degraded, check_snr_db
from sigbench.problems.colored import Colored
from sigbench.problems.disturbances import Hum, Spikes, Varying
from sigbench.problems.kernels import KERNELS, Kernel
from sigbench.problems.mixing import Mix
from sigbench.problems.photons import PoissonGaussian, photon_noise
from sigbench.problems.rounding import Rounded, rounded_level
from sigbench.transforms.operators import as_kernel, filtered, transfer_function

MAX_RATIO = 1e15


@dataclass(frozen=True)
class Gaussian:
    """White Gaussian noise.

    The noise level is set by exactly one of ``sigma``, ``snr`` and ``snr_db``.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise in the units of the dataset.
    snr : float
        Ratio of the standard deviations of the clean item and the noise (the "SNR" of Donoho and
        Johnstone, a ratio of amplitudes).
    snr_db : float
        Ratio of the mean powers of the clean item and the noise, in dB.
    clip : bool
        Whether noisy items are clipped to [0, peak].
    round : bool
        Whether noisy items are rounded to integers.
    sigma_to : float
        Upper end of a range of levels: the level of each item is drawn uniformly from ``sigma`` to
        ``sigma_to``.

    Examples
    --------
    >>> x = np.ones((2, 1, 100_000))
    >>> made = Gaussian(snr_db=20.0)(x, np.random.default_rng(0), peak=1.0)
    >>> made.sigma.round(3), np.std(made.noisy, axis=(1, 2)).round(3)
    (array([0.1, 0.1]), array([0.1, 0.1]))
    """

    sigma: float | None = None
    snr: float | None = None
    snr_db: float | None = None
    clip: bool = False
    round: bool = False
    sigma_to: float | None = field(default=None, metadata={"identity": "if set"})

    kind: ClassVar[str] = "gaussian"
    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if sum(level is not None for level in (self.sigma, self.snr, self.snr_db)) != 1:
            raise InputError(
                "set one of sigma, snr and snr_db "
                f"(got sigma={self.sigma}, snr={self.snr}, snr_db={self.snr_db})"
            )
        check_field("sigma", self.sigma, 0)
        check_snr_db(self.snr_db)
        if self.sigma_to is not None and self.sigma is None:
            raise InputError(f"sigma_to={self.sigma_to:g} needs sigma, the lower end of the range")
        check_field("sigma_to", self.sigma_to, self.sigma or 0.0)
        if self.snr is not None and not self.snr > 0:
            raise InputError(f"snr={self.snr:g} must be > 0 (a ratio of amplitudes, not dB)")
        if self.snr is not None and not 1 / MAX_RATIO <= self.snr <= MAX_RATIO:
            raise InputError(f"snr={self.snr:g} must be >= {1 / MAX_RATIO:g} and <= {MAX_RATIO:g}")

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def levels(self, clean: Array) -> NDArray[np.float64]:
        """Return the noise level of every clean item, shape ``(N,)``; of a range, its lower end.

        Raises
        ------
        InputError
            If the level is relative and an item is zero (for ``snr``: constant).
        """
        if self.sigma is not None:
            return np.full(len(clean), self.sigma)
        rows = clean.reshape(len(clean), -1)
        if self.snr is not None:
            levels = np.std(rows, axis=1, dtype=np.float64) / self.snr
        else:
            assert self.snr_db is not None
            power = np.mean(np.square(rows, dtype=np.float64), axis=1)
            levels = np.sqrt(power * 10 ** (-self.snr_db / 10))
        if not levels.all():
            ratio = f"snr_db={self.snr_db:g}" if self.snr is None else f"snr={self.snr:g}"
            raise InputError(
                f"{ratio}: an item without power has no signal-to-noise ratio; set sigma"
            )
        return levels

    def noise_model(self, clean: Array, *, peak: float) -> StationaryNoise:
        """Return the noise of clean items ``(N, C, *space)``, rounding included.

        Raises
        ------
        InputError
            If the noisy items are clipped, or their levels are drawn from a range.
        """
        if self.clip or self.sigma_to is not None:
            raise InputError(
                "gaussian: clip and sigma_to must not be set if the noise is estimated"
            )
        levels = self.levels(clean)
        if self.round:
            levels = rounded_level(clean, levels, np.ones(len(clean)))
        return white_noise(levels, clean.ndim - 2)

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items."""
        levels = self.levels(source)
        limit = float(np.finfo(source.dtype).max) / 1000  # a draw can be several times the level
        highest = max(float(levels.max(initial=0.0)), self.sigma_to or 0.0)
        if not highest <= limit:
            raise InputError(f"noise level {highest:g} must be <= {limit:.3g} for {source.dtype}")
        noise = rng.standard_normal(source.shape)
        if self.sigma_to is not None:
            levels = rng.uniform(levels, self.sigma_to)
        noisy = source + per_item(levels, noise) * noise
        if self.clip:
            noisy = np.clip(noisy, 0, peak)
        if self.round:
            noisy = np.round(noisy)
        return Degraded(source, noisy.astype(source.dtype), levels.astype(source.dtype))


@dataclass(frozen=True)
class Poisson:
    """Photon noise: peak/photons·k, where k ~ Poisson(photons·x/peak) is a number of counts.

    The standard deviation √(peak·x/photons) depends on the sample, so the noise has no level.

    Parameters
    ----------
    photons : float
        Mean number of counts at the peak.

    Examples
    --------
    >>> x = np.full((1, 1, 100_000), 0.25)
    >>> made = Poisson(photons=100)(x, np.random.default_rng(0), peak=1.0)
    >>> made.noisy.mean().round(3), made.noisy.std().round(3)
    (np.float64(0.25), np.float64(0.05))
    """

    photons: float

    kind: ClassVar[str] = "poisson"
    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_field("photons", self.photons, 1e-6, below=1e15)

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def noise_model(self, clean: Array, *, peak: float) -> SignalDependentNoise:
        """Return the noise of clean items ``(N, C, *space)``."""
        return photon_noise(clean, peak / self.photons, 0.0)

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items.

        Raises
        ------
        InputError
            If a sample is negative.
        """
        if source.min() < 0:
            raise InputError(f"poisson: sample {source.min():g} must be >= 0")
        counts = rng.poisson(source * (self.photons / peak))
        return Degraded(source, (counts * (peak / self.photons)).astype(source.dtype))


@dataclass(frozen=True)
class Impulse:
    """Salt-and-pepper noise: random samples are replaced by 0 or the peak, equally likely.

    The channels of a pixel are replaced independently. With one random stream, a larger amount
    replaces the same samples and more.

    Parameters
    ----------
    amount : float
        Probability that a sample is replaced.

    Examples
    --------
    >>> x = np.full((1, 1, 10_000), 0.4)
    >>> noisy = Impulse(amount=0.2)(x, np.random.default_rng(0), peak=1.0).noisy
    >>> [round(float(np.mean(noisy == value)), 1) for value in (0.0, 0.4, 1.0)]
    [0.1, 0.8, 0.1]
    """

    amount: float

    kind: ClassVar[str] = "impulse"
    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 1:
            raise InputError(f"amount={self.amount:g} must be >= 0 and <= 1")

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items."""
        replaced = rng.random(source.shape) < self.amount
        extreme = peak * rng.integers(2, size=source.shape)
        return Degraded(source, np.where(replaced, extreme, source).astype(source.dtype))


@dataclass(frozen=True)
class Subsample:
    """Subsampling: a clean pixel is the mean of a block, a noisy pixel is a random pixel of it.

    The same pixel of a block is used in all channels. The noise is not white, because it grows
    with the local gradient, so it has no level. With factor 8 on 256×256 images this is probably
    how public sets of noisy 32×32 pairs were made (an inference, not documented).

    Parameters
    ----------
    factor : int
        Side length of a block.

    Examples
    --------
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> made = Subsample(2)(x, np.random.default_rng(0), peak=3.0)
    >>> made.clean.ravel(), bool(made.noisy in x), made.sigma
    (array([1.5]), True, None)
    """

    factor: int

    kind: ClassVar[str] = "subsample"
    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_field("factor", self.factor, 2)

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items, whose space axes are shorter by ``factor``."""
        f, (items, channels, *lengths) = self.factor, source.shape
        if any(n % f for n in lengths):
            raise InputError(f"factor={f} must divide the item's lengths {tuple(lengths)}")
        space = [n // f for n in lengths]
        split = source.reshape(items, channels, *(n for s in space for n in (s, f)))
        inner = tuple(range(3, split.ndim, 2))
        blocks = np.moveaxis(split, inner, range(-len(inner), 0))
        blocks = blocks.reshape(items, channels, *space, -1)
        chosen = rng.integers(blocks.shape[-1], size=(items, 1, *space, 1))
        noisy = np.take_along_axis(blocks, chosen, axis=-1)[..., 0]
        return Degraded(blocks.mean(axis=-1, dtype=source.dtype), noisy)


@dataclass(frozen=True)
class Blur:
    """Blur and noise, y = h ∗ x + n: circular convolution with a known h, then white noise.

    The noise level is set by exactly one of ``sigma`` and ``snr_db``. Methods receive h as the
    problem information ``kernel``.

    Parameters
    ----------
    kernel : Kernel
        h: ``gaussian``, ``box``, ``exponential`` or ``resonance``.
    sigma : float
        Standard deviation of the noise in the units of the dataset.
    snr_db : float
        Ratio of the mean powers of h ∗ x and the noise, in dB.

    Examples
    --------
    >>> from sigbench.problems.kernels import Box
    >>> x = np.array([[[0.0, 3.0, 0.0, 0.0]]])
    >>> Blur(Box(3), sigma=0.0)(x, np.random.default_rng(0), peak=3.0).noisy.round(6) + 0.0
    array([[[1., 1., 1., 0.]]])
    """

    kernel: Kernel = field(metadata={"table": KERNELS})
    sigma: float | None = None
    snr_db: float | None = None

    kind: ClassVar[str] = "blur"
    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if (self.sigma is None) == (self.snr_db is None):
            raise InputError(
                f"set one of sigma and snr_db (got sigma={self.sigma}, snr_db={self.snr_db})"
            )
        check_field("sigma", self.sigma, 0)
        check_snr_db(self.snr_db)

    @property
    def _noise(self) -> Gaussian:
        return Gaussian(sigma=self.sigma, snr_db=self.snr_db)

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return the impulse response for items of shape ``space``, as nested tuples."""
        return {"kernel": as_kernel(self.kernel.taps(space))}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items."""
        response = transfer_function(self.kernel.taps(source.shape[2:]), source.shape[2:])
        made = self._noise(filtered(source, response), rng, peak=peak)
        return Degraded(source, made.noisy, made.sigma)


@dataclass(frozen=True)
class Recorded:
    """Recorded noise: the items of the dataset contain a clean and a noisy view.

    The first half of the channels is the clean view (in a training split possibly a second noisy
    view), and the second half is the noisy view.

    Examples
    --------
    >>> views = np.array([[[1.0, 2.0], [1.5, 1.5]]])  # one item, one channel
    >>> made = Recorded()(views, np.random.default_rng(0), peak=2.0)
    >>> made.clean, made.noisy, made.sigma
    (array([[[1., 2.]]]), array([[[1.5, 1.5]]]), None)
    """

    kind: ClassVar[str] = "recorded"
    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = False

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the clean and noisy views; ``rng`` is not used."""
        if source.shape[1] % 2:
            raise InputError(
                f"recorded: {source.shape[1]} channels must be an even number (two views)"
            )
        clean, noisy = np.split(source, 2, axis=1)
        return Degraded(clean, noisy)


DEGRADATIONS = {
    "gaussian": Gaussian,
    "poisson": Poisson,
    "impulse": Impulse,
    "subsample": Subsample,
    "blur": Blur,
    "recorded": Recorded,
    "mix": Mix,
    "colored": Colored,
    "poisson-gaussian": PoissonGaussian,
    "spikes": Spikes,
    "hum": Hum,
    "varying": Varying,
    "rounded": Rounded,
}
