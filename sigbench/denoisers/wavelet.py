"""Wavelet thresholding: VisuShrink, SureShrink, BayesShrink; by coefficients or by blocks."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pywt
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_field, per_item
from sigbench.denoisers import shrinkage
from sigbench.denoisers.noise_level import deviation, given_or_estimated
from sigbench.transforms import StationaryWavelet, default_level, orthogonal_wavelet

Rule = Literal["visu", "sure", "hybrid", "bayes"]
Shrink = Literal["soft", "hard", "garrote", "firm"]


@dataclass(frozen=True)
class WaveletShrink:
    """Threshold the detail coefficients of a wavelet transform; the coarse ones are kept.

    With d the n details of one subband of one channel, or of the whole item for ``visu``:

    - ``visu``: t = σ·√(2 log N), N samples in a channel of the item;
    - ``sure``: the t among |d| (and 0) that minimizes Stein's unbiased estimate of the risk,
      σ²(n − 2·#{|d| <= t}) + Σ min(|d|, t)², at most the ``visu`` threshold;
    - ``hybrid``: SureShrink: ``sure``, but σ·√(2 log n) where the details are so sparse that the
      estimate of the risk is mostly noise, Σ(d²/σ² − 1) <= √n·log₂(n)^(3/2);
    - ``bayes``: t = σ²/√max(mean d² − σ², 0).

    Parameters
    ----------
    wavelet : str
        An orthogonal wavelet of PyWavelets.
    level : int, optional
        Depth; by default as deep as the wavelet's length allows.
    rule : {"visu", "sure", "hybrid", "bayes"}
        How the threshold is chosen.
    shrink : {"soft", "hard", "garrote", "firm"}
        What is done with it; ``firm`` is linear between t and 2t.
    scale : float
        Factor on the threshold.
    shifts : int or "all"
        Cycle spinning: the mean over so many circular shifts along every space axis, each with
        thresholds of its own; ``all``: thresholds in the stationary transform, one a subband.
    by_level : bool
        Whether every subband has a noise level of its own, by its median absolute deviation,
        because the noise isn't white; sigma is then not used, unless it is 0. Take a ``level`` that
        leaves alone the coarse subbands, which the signal fills.

    References
    ----------
    Donoho and Johnstone, Biometrika 81 (1994): the universal threshold √(2 log n) (visu);
    J. Am. Stat. Assoc. 90 (1995): SURE of the soft threshold (sure), section 2.4 (hybrid);
    Johnstone and Silverman, J. R. Stat. Soc. B 59 (1997): level-dependent noise; Chang, Yu, Vetterli, IEEE
    Trans. Image Process. 9 (2000): T_B = σ²/σ_X (bayes); Coifman and Donoho, Translation-invariant
    de-noising (1995): the average over shifts; Nason and Silverman (1995): the stationary transform.

    Examples
    --------
    >>> y = np.zeros((1, 1, 64))
    >>> y[0, 0, 20] = 10.0
    >>> y[0, 0, 40] = 0.5
    >>> x = WaveletShrink("haar", rule="visu", shrink="hard")(y, sigma=1.0)
    >>> bool(x[0, 0, 20] > 8), float(abs(x[0, 0, 41:]).max()) < 0.2
    (True, True)
    """

    wavelet: str = "sym8"
    level: int | None = None
    rule: Rule = "visu"
    shrink: Shrink = "soft"
    scale: float = 1.0
    shifts: int | Literal["all"] = 1
    by_level: bool = False

    info: ClassVar[Info] = Info(
        "wavelet",
        "wavelet",
        "Donoho, Johnstone 1994, 1995; Chang, Yu, Vetterli 2000; Coifman, Donoho 1995",
        uses_sigma=True,
        exact_at_zero=True,
        version=2,
    )

    def __post_init__(self) -> None:
        if not orthogonal_wavelet(self.wavelet).orthogonal:
            raise InputError(
                f"wavelet={self.wavelet!r} is not orthogonal: take haar, dbN, symN or coifN"
            )
        for name, value, legal in (("rule", self.rule, RULES), ("shrink", self.shrink, SHRINKS)):
            if value not in legal:
                raise InputError(f"{name}={value!r} must be one of: {', '.join(legal)}")
        check_field("level", self.level, 1)
        check_field("scale", self.scale, 0)
        if self.shifts != "all":
            check_field("shifts", self.shifts, 1)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels = given_or_estimated(noisy, check(noisy, sigma))
        if self.shifts == "all":
            return self._stationary(noisy, levels)
        return _spun(lambda shifted: self._once(shifted, levels), noisy, self.shifts)

    def _once(self, noisy: Array, levels: NDArray[np.float64]) -> Array:
        space = noisy.shape[2:]
        parts = _analysis(noisy, self.wavelet, _depth(self.level, space, self.wavelet))
        for bands in parts[1:]:
            for key, band in bands.items():
                rows = band.reshape(*band.shape[:2], -1)  # one subband of one channel a row
                bands[key] = self._shrunk(rows, levels, space, 1).reshape(band.shape)
        return _synthesis(parts, self.wavelet, space)

    def _stationary(self, noisy: Array, levels: NDArray[np.float64]) -> Array:
        space = noisy.shape[2:]
        frame = StationaryWavelet(self.wavelet, self.level)
        bands = frame.analysis(noisy)
        norms = np.ravel(frame.geometry(space).weights).astype(noisy.dtype)
        for b, depth in enumerate(frame.depths(space)[1:], 1):
            rows = bands[:, :, b].reshape(*bands.shape[:2], -1) / norms[b]
            shrunk = self._shrunk(rows, levels, space, 2 ** (depth * len(space)))
            bands[:, :, b] = norms[b] * shrunk.reshape(bands[:, :, b].shape)
        return frame.synthesis(bands, space)

    def _shrunk(
        self, d: Array, levels: NDArray[np.float64], space: tuple[int, ...], redundancy: int
    ) -> Array:
        """Return the details ``(N, C, n)`` of one subband, of which every ``redundancy`` is new."""
        if self.by_level:
            levels = np.where(levels > 0, deviation(d), 0.0)
        n, n_samples = max(1, d.shape[-1] // redundancy), int(np.prod(space))
        t = self.scale * RULES[self.rule](d, levels[:, None], n, n_samples)
        shrunk: Array = SHRINKS[self.shrink](d, t[..., None].astype(d.dtype))
        return shrunk


def _depth(level: int | None, space: tuple[int, ...], wavelet: str) -> int:
    """Return the depth, at most what the wavelet's length allows on every axis."""
    most = default_level(space, wavelet)
    if level is not None and level > most:
        raise InputError(f"level={level} must be <= {most} for {wavelet} on items of {space}")
    return most if level is None else level


SHORT = 128  # samples up to which a matrix product is faster than the filters


def _analysis(batch: Array, wavelet: str, depth: int) -> list[Any]:
    """Return the coarse coefficients and a dict of bands a level, as ``pywt.wavedecn`` does."""
    n, *more = batch.shape[2:]
    if more:
        axes = tuple(range(2, batch.ndim))
        parts: list[Any] = pywt.wavedecn(batch, wavelet, "periodization", depth, axes=axes)
        return parts
    if n <= SHORT and n % 2**depth == 0:
        matrix = _matrix(n, wavelet, depth, batch.dtype.char)
        ends = [n >> level for level in range(depth, 0, -1)]
        coarse, *bands = np.split((batch.reshape(-1, n) @ matrix).reshape(batch.shape), ends, -1)
    else:
        coarse, *bands = pywt.wavedec(batch, wavelet, "periodization", depth)
    return [coarse, *({"d": band} for band in bands)]


def _synthesis(parts: list[Any], wavelet: str, space: tuple[int, ...]) -> Array:
    """Return the batch of these coefficients."""
    n, depth = space[0], len(parts) - 1
    if len(space) == 1 and n <= SHORT and n % 2**depth == 0:
        packed = np.concatenate([parts[0], *(bands["d"] for bands in parts[1:])], axis=-1)
        matrix = _matrix(n, wavelet, depth, packed.dtype.char)
        whole: Array = (packed.reshape(-1, n) @ matrix.T).reshape(packed.shape)
        return whole
    axes = tuple(range(2, 2 + len(space)))
    whole = pywt.waverecn(parts, wavelet, "periodization", axes=axes)
    inside = tuple(slice(n) for n in space)  # an odd length comes back one longer
    return whole[:, :, *inside].copy()  # at depth 0 it is the input itself


@functools.lru_cache(maxsize=16)
def _matrix(n: int, wavelet: str, depth: int, dtype: str) -> Array:
    """Return the orthonormal matrix whose rows are the transforms of the unit impulses."""
    parts = pywt.wavedec(np.eye(n), wavelet, "periodization", depth)
    return np.concatenate(parts, axis=-1).astype(dtype)


def _spun(once: Callable[[Array], Array], noisy: Array, shifts: int) -> Array:
    """Return the mean over circular shifts along every space axis, shifted back."""
    if shifts == 1:
        return once(noisy)
    axes = tuple(range(2, noisy.ndim))
    total = np.zeros_like(noisy)
    spins = list(itertools.product(range(shifts), repeat=len(axes)))
    for spin in spins:
        back = tuple(-s for s in spin)
        total += np.roll(once(np.roll(noisy, spin, axes)), back, axes)
    return total / noisy.dtype.type(len(spins))


# Each takes details (N, C, ...), their noise level (N, 1), how many of them are not redundant, and
# the samples of a channel; it returns thresholds (N, C).
def _visu(d: Array, sigma: NDArray[np.float64], n: int, n_samples: int) -> NDArray[np.float64]:
    return np.broadcast_to(sigma * np.sqrt(2 * np.log(n_samples)), d.shape[:2])


def _hybrid(d: Array, sigma: NDArray[np.float64], n: int, n_samples: int) -> NDArray[np.float64]:
    power = np.mean(d.astype(np.float64) ** 2, axis=-1)
    sparse = n * (power - sigma**2) <= sigma**2 * np.sqrt(n) * np.log2(n) ** 1.5
    universal = sigma * np.sqrt(2 * np.log(n))
    return np.where(sparse, universal, np.minimum(_sure(d, sigma, n, n_samples), universal))


def _sure(d: Array, sigma: NDArray[np.float64], n: int, n_samples: int) -> NDArray[np.float64]:
    """Minimize SURE exactly: its minimum over t stands at 0 or at one of the |d|."""
    n = d.shape[-1]
    t = np.sort(np.abs(d), axis=-1).astype(np.float64)
    kept = n - np.arange(1, n + 1)  # how many stay above t
    risk = (
        sigma[..., None] ** 2 * (n - 2 * np.arange(1, n + 1))
        + np.cumsum(t**2, axis=-1)
        + kept * t**2
    )
    best = np.argmin(risk, axis=-1)[..., None]
    chosen = np.take_along_axis(t, best, -1)[..., 0]
    at_zero = sigma**2 * n <= np.take_along_axis(risk, best, -1)[..., 0]
    return np.minimum(np.where(at_zero, 0, chosen), _visu(d, sigma, n, n_samples))


def _bayes(d: Array, sigma: NDArray[np.float64], n: int, n_samples: int) -> NDArray[np.float64]:
    """Return σ²/σ_x, near-optimal for a Laplacian subband of deviation σ_x."""
    power = np.mean(d.astype(np.float64) ** 2, axis=-1)
    excess = np.maximum(power - sigma**2, 0)
    everything = np.abs(d).max(axis=-1).astype(np.float64)
    t = np.where(sigma > 0, everything, 0.0)
    np.divide(sigma**2, np.sqrt(excess), out=t, where=excess > 0)
    return t


RULES: dict[str, Callable[..., NDArray[np.float64]]] = {
    "visu": _visu,
    "sure": _sure,
    "hybrid": _hybrid,
    "bayes": _bayes,
}
SHRINKS: dict[str, Callable[..., Any]] = {
    "soft": shrinkage.soft,
    "hard": shrinkage.hard,
    "garrote": shrinkage.garrote,
    "firm": lambda u, t: shrinkage.firm(u, t, 0.5),
}


BLOCK_LAMBDA = 4.50524  # the root of λ − log λ = 3


@dataclass(frozen=True)
class BlockShrink:
    """Shrink the details of a wavelet transform block by block: BlockJS.

    A block of L neighbours with the energy S² becomes d·max(1 − λLσ²/S², 0), λ = 4.50524. It holds
    log n details, n the samples of a channel (on images a square of about as many), the last ones
    of a subband fewer.

    Parameters
    ----------
    wavelet : str
        An orthogonal wavelet of PyWavelets.
    level : int, optional
        Depth; by default as deep as the wavelet's length allows.
    shifts : int
        Cycle spinning: the mean over ``shifts`` circular shifts along every space axis.

    References
    ----------
    Cai, Ann. Stat. 27 (1999), "Adaptive wavelet estimation: a block thresholding and oracle
    inequality approach", section 3.

    Examples
    --------
    >>> y = np.zeros((1, 1, 64))
    >>> y[0, 0, 20] = 10.0
    >>> y[0, 0, 40] = 0.5
    >>> x = BlockShrink("haar")(y, sigma=1.0)
    >>> bool(x[0, 0, 20] > 4), float(abs(x[0, 0, 41:]).max()) < 0.2
    (True, True)
    """

    wavelet: str = "sym8"
    level: int | None = None
    shifts: int = 1

    info: ClassVar[Info] = Info(
        "block-wavelet", "wavelet", "Cai 1999 (BlockJS)", uses_sigma=True, exact_at_zero=True
    )

    def __post_init__(self) -> None:
        WaveletShrink(self.wavelet, self.level, shifts=self.shifts)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels = given_or_estimated(noisy, check(noisy, sigma))
        return _spun(lambda shifted: self._once(shifted, levels), noisy, self.shifts)

    def _once(self, noisy: Array, levels: NDArray[np.float64]) -> Array:
        space = noisy.shape[2:]
        side = max(1, round(np.log(np.prod(space)) ** (1 / len(space))))
        parts = _analysis(noisy, self.wavelet, _depth(self.level, space, self.wavelet))
        for bands in parts[1:]:
            for key, d in bands.items():
                energy, count = _block_sums(d.astype(np.float64) ** 2, side)
                noise = BLOCK_LAMBDA * count * per_item(levels**2, energy)
                tiny = np.finfo(np.float64).tiny
                gain = np.maximum(energy - noise, 0) / np.maximum(energy, tiny)
                bands[key] = (d * gain).astype(d.dtype)
        return _synthesis(parts, self.wavelet, space)


def _block_sums(batch: Array, side: int) -> tuple[Array, Array]:
    """Return for every sample the sum over its block, and how many the block holds."""
    count = np.ones(batch.shape[2:])
    for axis, n in enumerate(batch.shape[2:], 2):
        starts = np.arange(0, n, side)
        lengths = np.diff([*starts, n])
        batch = np.repeat(np.add.reduceat(batch, starts, axis=axis), lengths, axis=axis)
        count = np.repeat(np.add.reduceat(count, starts, axis=axis - 2), lengths, axis=axis - 2)
    return batch, count
