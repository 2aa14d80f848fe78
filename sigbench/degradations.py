"""What happens to a clean item: noise at a level, sampling, or blur.

A degradation gets the source item ``(C, *space)`` and returns the pair (clean, noisy): where
sampling makes the clean item too, as `Subsample` does, the source is larger than both. Levels
scale one and the same draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from sigbench.denoisers.inputs import check_field
from sigbench.errors import InputError
from sigbench.kernels import KERNELS, Kernel
from sigbench.transforms.operators import as_kernel, filtered, transfer_function
from sigbench.types import Array

MOST_DB = 300  # 10¹⁵ in amplitude: beyond it float64 rounds the weaker one away
MOST_RATIO = 1e15


def check_snr_db(snr_db: float | None) -> None:
    """Refuse a signal-to-noise ratio at which float64 has no digit for both; None passes.

    Raises
    ------
    InputError
        It carries the value and the legal range.
    """
    if snr_db is not None and not -MOST_DB <= snr_db <= MOST_DB:
        raise InputError(f"snr_db={snr_db:g} must be >= {-MOST_DB} and <= {MOST_DB}")


@dataclass(frozen=True)
class Degraded:
    """One clean item, its noisy view, and the noise level if the noise is white."""

    clean: Array
    noisy: Array
    sigma: float | None


class Degradation(Protocol):
    """``kind`` and ``version`` name the noise stream, not the level."""

    kind: ClassVar[str]
    version: ClassVar[int]

    def facts(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return what every method is told by name, for items of these lengths."""
        ...

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the clean and the noisy view of a source item ``(C, *space)``."""
        ...


@runtime_checkable
class Pointwise(Protocol):
    """A degradation that may treat all samples alike: then a stack of items passes for one."""

    @property
    def pointwise(self) -> bool:
        """Whether it does."""
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
    clip : bool
        Whether noisy items are clipped to [0, peak].
    round : bool
        Whether they are rounded to whole units.

    Examples
    --------
    >>> x = np.ones((1, 100_000))
    >>> pair = Gaussian(snr_db=20.0)(x, np.random.default_rng(0), peak=1.0)
    >>> round(pair.sigma, 3), round(float(np.std(pair.noisy)), 3)
    (0.1, 0.1)
    """

    sigma: float | None = None
    snr: float | None = None
    snr_db: float | None = None
    clip: bool = False
    round: bool = False

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
        if self.snr is not None and not self.snr > 0:
            raise InputError(f"snr={self.snr:g} must be > 0 (a ratio of amplitudes, not dB)")
        if self.snr is not None and not 1 / MOST_RATIO <= self.snr <= MOST_RATIO:
            raise InputError(
                f"snr={self.snr:g} must be >= {1 / MOST_RATIO:g} and <= {MOST_RATIO:g}"
            )

    @property
    def pointwise(self) -> bool:
        """Whether the level is the same for all items."""
        return self.sigma is not None

    def facts(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def level(self, clean: Array) -> float:
        """Return the noise's standard deviation for a clean item.

        Raises
        ------
        InputError
            Where the level is relative and the item is silent (for ``snr``: constant).
        """
        if self.sigma is not None:
            return self.sigma
        if self.snr is not None:
            level = float(np.std(clean, dtype=np.float64)) / self.snr
        else:
            assert self.snr_db is not None
            power = float(np.mean(np.square(clean, dtype=np.float64)))
            level = float(np.sqrt(power * 10 ** (-self.snr_db / 10)))
        if level == 0:
            ratio = f"snr_db={self.snr_db:g}" if self.snr is None else f"snr={self.snr:g}"
            raise InputError(
                f"{ratio}: an item without power has no signal-to-noise ratio; set sigma"
            )
        return level

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the pair; the clean item is the source itself."""
        level = self.level(source)
        largest = float(np.finfo(source.dtype).max) / 1000  # draws are of some levels
        if not level <= largest:
            raise InputError(
                f"noise of level {level:g} does not fit into {source.dtype}: <= {largest:.3g}"
            )
        noise = rng.standard_normal(source.shape)
        noisy = source + level * noise
        if self.clip:
            noisy = np.clip(noisy, 0, peak)
        if self.round:
            noisy = np.round(noisy)
        return Degraded(source, noisy.astype(source.dtype), level)


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
    >>> x = np.arange(4.0).reshape(1, 2, 2)
    >>> pair = Subsample(2)(x, np.random.default_rng(0), peak=3.0)
    >>> pair.clean.ravel(), bool(pair.noisy in x), pair.sigma
    (array([1.5]), True, None)
    """

    factor: int

    kind: ClassVar[str] = "subsample"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_field("factor", self.factor, 2)

    def facts(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the pair, every space axis shorter by ``factor``."""
        f = self.factor
        if any(n % f for n in source.shape[1:]):
            raise InputError(f"factor={f} must divide the lengths {source.shape[1:]}")
        space = tuple(n // f for n in source.shape[1:])
        split = source.reshape(source.shape[0], *(n for s in space for n in (s, f)))
        inner = tuple(range(2, split.ndim, 2))
        blocks = np.moveaxis(split, inner, range(-len(inner), 0))
        blocks = blocks.reshape(source.shape[0], *space, -1)
        chosen = rng.integers(blocks.shape[-1], size=(1, *space, 1))
        noisy = np.take_along_axis(blocks, chosen, axis=-1)[..., 0]
        return Degraded(blocks.mean(axis=-1, dtype=source.dtype), noisy, None)


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
    >>> from sigbench.kernels import Box
    >>> x = np.array([[0.0, 3.0, 0.0, 0.0]])
    >>> Blur(Box(3), sigma=0.0)(x, np.random.default_rng(0), peak=3.0).noisy.round(6) + 0.0
    array([[1., 1., 1., 0.]])
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

    def facts(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return the impulse response on this space, as nested tuples."""
        return {"kernel": as_kernel(self.kernel.taps(space))}

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return the pair; the clean item is the source itself."""
        response = transfer_function(self.kernel.taps(source.shape[1:]), source.shape[1:])
        blurred = filtered(source[None], response)[0]
        made = self._noise(blurred, rng, peak=peak)
        return Degraded(source, made.noisy, made.sigma)


DEGRADATIONS = {"gaussian": Gaussian, "subsample": Subsample, "blur": Blur}
