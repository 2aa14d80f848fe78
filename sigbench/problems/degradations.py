"""What happens to a clean item: noise at a level, sampling, or blur.

A degradation gets source items ``(N, C, *space)`` and returns clean and noisy ones: where sampling
makes the clean items too, as `Subsample` does, the sources are larger than both. Levels of Gaussian
noise scale one and the same draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.core.validation import check_field
from sigbench.problems.kernels import KERNELS, Kernel
from sigbench.transforms.operators import as_kernel, filtered, transfer_function

MAX_DB = 300  # 10¹⁵ in amplitude: beyond it float64 rounds the weaker one away
MAX_RATIO = 1e15


def check_snr_db(snr_db: float | None) -> None:
    """Refuse a signal-to-noise ratio at which float64 has no digit for both; None passes.

    Raises
    ------
    InputError
        It carries the value and the legal range.
    """
    if snr_db is not None and not -MAX_DB <= snr_db <= MAX_DB:
        raise InputError(f"snr_db={snr_db:g} must be >= {-MAX_DB} and <= {MAX_DB}")


@dataclass(frozen=True)
class Degraded:
    """Clean items, their noisy views, and the noise levels, shape ``(N,)``, if the noise is white."""

    clean: Array
    noisy: Array
    sigma: Array | None = None


class Degradation(Protocol):
    """``kind`` and ``version`` name the noise stream, not the level."""

    kind: ClassVar[str]
    version: ClassVar[int]

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return what every method is told by name, for items of these lengths."""
        ...

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy views of source items ``(N, C, *space)``."""
        ...


@dataclass(frozen=True)
class Gaussian:
    """White Gaussian noise, set by exactly one of ``sigma``, ``snr`` and ``snr_db``.

    Parameters
    ----------
    sigma : float
        Standard deviation in the dataset's units.
    snr : float
        Standard deviation of the clean item over that of the noise (Donoho and Johnstone's
        "SNR": a ratio of amplitudes).
    snr_db : float
        10·log10 of the mean power of the clean item over that of the noise, in dB.
    sigma_to : float
        With ``sigma``: the level of each item is drawn uniformly from ``sigma`` to ``sigma_to``.
    clip : bool
        Whether noisy items are clipped to [0, peak].
    round : bool
        Whether they are rounded to whole units.

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

    def __post_init__(self) -> None:
        if sum(level is not None for level in (self.sigma, self.snr, self.snr_db)) != 1:
            raise InputError(
                "set one of sigma, snr and snr_db "
                f"(got sigma={self.sigma}, snr={self.snr}, snr_db={self.snr_db})"
            )
        check_field("sigma", self.sigma, 0)
        check_snr_db(self.snr_db)
        if self.sigma_to is not None and self.sigma is None:
            raise InputError(f"sigma_to={self.sigma_to:g} needs sigma, from which the range begins")
        check_field("sigma_to", self.sigma_to, self.sigma or 0.0)
        if self.snr is not None and not self.snr > 0:
            raise InputError(f"snr={self.snr:g} must be > 0 (a ratio of amplitudes, not dB)")
        if self.snr is not None and not 1 / MAX_RATIO <= self.snr <= MAX_RATIO:
            raise InputError(f"snr={self.snr:g} must be >= {1 / MAX_RATIO:g} and <= {MAX_RATIO:g}")

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def levels(self, clean: Array) -> NDArray[np.float64]:
        """Return the noise's standard deviation for every clean item; of a range, where it begins.

        Raises
        ------
        InputError
            Where the level is relative and an item is silent (for ``snr``: constant).
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

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the pairs; the clean items are the sources themselves."""
        levels = self.levels(source)
        largest = float(np.finfo(source.dtype).max) / 1000  # draws are of some levels
        highest = max(float(levels.max(initial=0.0)), self.sigma_to or 0.0)
        if not highest <= largest:
            raise InputError(
                f"noise of level {highest:g} does not fit into {source.dtype}: <= {largest:.3g}"
            )
        noise = rng.standard_normal(source.shape)
        if self.sigma_to is not None:
            levels = rng.uniform(levels, self.sigma_to)
        noisy = source + each(levels, source) * noise
        if self.clip:
            noisy = np.clip(noisy, 0, peak)
        if self.round:
            noisy = np.round(noisy)
        return Degraded(source, noisy.astype(source.dtype), levels.astype(source.dtype))


def each(values: Array, items: Array) -> Array:
    """Return one value an item, ``(N,)``, shaped to meet the items ``(N, C, *space)``."""
    return values.reshape(-1, *[1] * (items.ndim - 1))


@dataclass(frozen=True)
class Poisson:
    """Photon noise: k ~ Poisson(photons·x/peak) counts, which stand for peak/photons·k.

    Its standard deviation √(peak·x/photons) grows with the sample: no noise level is told.

    Parameters
    ----------
    photons : float
        Mean number of counts at the peak value.

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

    def __post_init__(self) -> None:
        check_field("photons", self.photons, 1e-6, below=1e15)

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the pairs; the clean items are the sources themselves.

        Raises
        ------
        InputError
            For a sample below zero: there are no fewer photons than none.
        """
        if source.min() < 0:
            raise InputError(f"poisson: the item holds {source.min():g}; samples must be >= 0")
        counts = rng.poisson(source * (self.photons / peak))
        return Degraded(source, (counts * (peak / self.photons)).astype(source.dtype))


@dataclass(frozen=True)
class Impulse:
    """Salt and pepper: a share of the samples is lost, each to 0 or to the peak value alike.

    The channels of a pixel are lost one by one. Larger amounts lose the same samples, and more.

    Parameters
    ----------
    amount : float
        Probability that a sample is lost.

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

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 1:
            raise InputError(f"amount={self.amount:g} must be >= 0 and <= 1")

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the pairs; the clean items are the sources themselves."""
        lost = rng.random(source.shape) < self.amount
        extreme = peak * rng.integers(2, size=source.shape)
        return Degraded(source, np.where(lost, extreme, source).astype(source.dtype))


@dataclass(frozen=True)
class Subsample:
    """Clean: the mean of every block of ``factor`` pixels a side. Noisy: one random one of them.

    The same pixel of a block is taken in all channels. The error is not white: it grows with
    the local gradient, so no noise level is told. At factor 8 on 256×256 images this is
    inferred, not known, to be how public sets of 32×32 noisy pairs were made.

    Parameters
    ----------
    factor : int
        Side of a block.

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

    def __post_init__(self) -> None:
        check_field("factor", self.factor, 2)

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the pairs, every space axis shorter by ``factor``."""
        f, (items, channels, *lengths) = self.factor, source.shape
        if any(n % f for n in lengths):
            raise InputError(f"factor={f} must divide the lengths {tuple(lengths)}")
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
    """y = h ∗ x + n: circular convolution with a known impulse response, then white noise.

    The level of the noise is set by exactly one of ``sigma`` and ``snr_db``. Methods are told
    h as the fact ``kernel``.

    Parameters
    ----------
    kernel : Kernel
        h: ``gaussian``, ``box``, ``exponential`` or ``resonance``.
    sigma : float
        Standard deviation of the noise in the dataset's units.
    snr_db : float
        10·log10 of the mean power of h ∗ x over that of the noise, in dB.

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
        """Return the impulse response on this space, as nested tuples."""
        return {"kernel": as_kernel(self.kernel.taps(space))}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the pairs; the clean items are the sources themselves."""
        response = transfer_function(self.kernel.taps(source.shape[2:]), source.shape[2:])
        made = self._noise(filtered(source, response), rng, peak=peak)
        return Degraded(source, made.noisy, made.sigma)


@dataclass(frozen=True)
class Recorded:
    """The noise that comes with the data: an item of such a dataset holds both views.

    The first half of the channels is the clean view, in a training split perhaps another noisy
    one; the second half is the noisy view.

    Examples
    --------
    >>> views = np.array([[[1.0, 2.0], [1.5, 1.5]]])  # one item, one channel
    >>> made = Recorded()(views, np.random.default_rng(0), peak=2.0)
    >>> made.clean, made.noisy, made.sigma
    (array([[[1., 2.]]]), array([[[1.5, 1.5]]]), None)
    """

    kind: ClassVar[str] = "recorded"
    version: ClassVar[int] = 1

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the pairs; nothing is drawn."""
        if source.shape[1] % 2:
            raise InputError(f"recorded: items of {source.shape[1]} channels hold no two views")
        clean, noisy = np.split(source, 2, axis=1)
        return Degraded(clean, noisy)


DEGRADATIONS = {
    "gaussian": Gaussian,
    "poisson": Poisson,
    "impulse": Impulse,
    "subsample": Subsample,
    "blur": Blur,
    "recorded": Recorded,
}
