"""Wavelet thresholding: VisuShrink, SureShrink, BayesShrink, and block thresholding."""

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
from sigbench.core.protocols import Array, Info, NoiseModel, Sigma
from sigbench.core.validation import check_choice, check_field, per_item
from sigbench.denoisers import shrinkage
from sigbench.denoisers.filtered_noise import levels_or_model, subband_levels
from sigbench.denoisers.noise_level import deviation, given_or_estimated
from sigbench.transforms import StationaryWavelet, default_level, orthogonal_wavelet
from sigbench.transforms.base import space_axes
from sigbench.transforms.wavelet_filters import is_refined, refined_field

Rule = Literal["visu", "sure", "hybrid", "bayes"]
Shrink = Literal["soft", "hard", "garrote", "firm"]
Levels = list[dict[str, NDArray[np.float64]]]  # of every subband, by item


@dataclass(frozen=True)
class WaveletShrink:
    """Threshold the detail coefficients of a wavelet transform; the coarse coefficients are kept.

    For the n details d of one subband of one channel, the threshold t is:

    - ``visu``: σ·√(2 log N), where a channel of the item has N samples;
    - ``sure``: the t among |d| and 0 that minimizes Stein's unbiased risk estimate,
      σ²(n − 2·#{|d| <= t}) + Σ min(|d|, t)², but at most the ``visu`` threshold;
    - ``hybrid``: SureShrink, which is ``sure`` except for very sparse details, where the risk
      estimate is mostly noise: σ·√(2 log n) if Σ(d²/σ² − 1) <= √n·log₂(n)^(3/2);
    - ``bayes``: σ²/√max(mean d² − σ², 0).

    With a `NoiseModel`, σ is the noise level in the subband, √mean(S·|H|²), where S is the spectrum
    of the noise and H the response of the filter of the subband.

    Parameters
    ----------
    wavelet : str
        An orthogonal wavelet of PyWavelets.
    level : int, optional
        Depth; by default as deep as the wavelet's length allows.
    rule : {"visu", "sure", "hybrid", "bayes"}
        The rule that determines the threshold.
    shrink : {"soft", "hard", "garrote", "firm"}
        The shrinkage function; ``firm`` is linear between t and 2t.
    scale : float
        Factor applied to the threshold.
    shifts : int or "all"
        Cycle spinning: the mean over this number of circular shifts along every space axis, each
        with its own thresholds. ``all`` thresholds the stationary transform, with one threshold
        per subband.
    by_level : bool
        Whether to estimate the noise level of every subband from its median absolute deviation,
        for noise that is not white. ``sigma`` is then ignored, unless it is 0. Choose ``level`` so
        that the coarse subbands, which contain mostly signal, are not thresholded.

    References
    ----------
    Donoho and Johnstone, Biometrika 81 (1994): the universal threshold √(2 log n) (visu);
    J. Am. Stat. Assoc. 90 (1995): SURE of the soft threshold (sure), section 2.4 (hybrid);
    Johnstone and Silverman, J. R. Stat. Soc. B 59 (1997): level-dependent noise; Chang, Yu,
    Vetterli, IEEE Trans. Image Process. 9 (2000): T_B = σ²/σ_X (bayes); Coifman and Donoho,
    Translation-invariant de-noising (1995): the average over shifts; Nason and Silverman (1995):
    the stationary transform.

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
    refined: bool = refined_field()

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
                f"wavelet={self.wavelet!r} is not orthogonal: use haar, dbN, symN or coifN"
            )
        object.__setattr__(self, "refined", is_refined(self.wavelet))
        check_choice("rule", self.rule, RULES)
        check_choice("shrink", self.shrink, SHRINKS)
        check_field("level", self.level, 1)
        check_field("scale", self.scale, 0)
        if self.shifts != "all":
            check_field("shifts", self.shifts, 1)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels, model = levels_or_model(noisy, sigma)
        levels = given_or_estimated(noisy, levels)
        if self.shifts == "all":
            return self._stationary(noisy, levels, model)
        depth = _depth(self.level, noisy.shape[2:], self.wavelet)
        of_bands = _band_levels(model, levels, noisy.shape[2:], self.wavelet, depth)
        return _cycle_spin(lambda shifted: self._decimated(shifted, of_bands), noisy, self.shifts)

    def _decimated(self, noisy: Array, levels: Levels) -> Array:
        space = noisy.shape[2:]
        parts = _analysis(noisy, self.wavelet, len(levels) - 1)
        for bands, of_bands in zip(parts[1:], levels[1:], strict=True):
            for key, band in bands.items():
                rows = band.reshape(*band.shape[:2], -1)  # each row is one subband of one channel
                bands[key] = self._shrink(rows, of_bands[key], space, 1).reshape(band.shape)
        return _synthesis(parts, self.wavelet, space)

    def _stationary(
        self, noisy: Array, levels: NDArray[np.float64], model: NoiseModel | None
    ) -> Array:
        space = noisy.shape[2:]
        frame = StationaryWavelet(self.wavelet, self.level or _depth(None, space, self.wavelet))
        of_bands = _band_levels(model, levels, space, self.wavelet, frame.depth(space))
        flat = [level for part in of_bands for level in part.values()]
        bands = frame.analysis(noisy)
        norms = np.ravel(frame.geometry(space).weights).astype(noisy.dtype)
        for b, depth in enumerate(frame.depths(space)[1:], 1):
            rows = bands[:, :, b].reshape(*bands.shape[:2], -1) / norms[b]
            shrunk = self._shrink(rows, flat[b], space, 2 ** (depth * len(space)))
            bands[:, :, b] = norms[b] * shrunk.reshape(bands[:, :, b].shape)
        return frame.synthesis(bands, space)

    def _shrink(
        self, d: Array, levels: NDArray[np.float64], space: tuple[int, ...], redundancy: int
    ) -> Array:
        """Shrink the details ``(N, C, n)`` of one subband with the given redundancy."""
        if self.by_level:
            levels = np.where(levels > 0, deviation(d), 0.0)
        n, n_samples = max(1, d.shape[-1] // redundancy), int(np.prod(space))
        t = self.scale * RULES[self.rule](d, levels[:, None], n, n_samples)
        shrunk: Array = SHRINKS[self.shrink](d, t[..., None].astype(d.dtype))
        return shrunk


def _band_levels(
    model: NoiseModel | None,
    levels: NDArray[np.float64],
    space: tuple[int, ...],
    wavelet: str,
    depth: int,
) -> Levels:
    """Return the noise level in every subband, as `subband_levels` does."""
    if model is not None:
        return subband_levels(model, space, wavelet, depth)
    keys = ["".join(letters) for letters in itertools.product("ad", repeat=len(space))]
    details = [dict.fromkeys(keys[1:], levels) for _ in range(depth)]
    return [{keys[0]: levels}, *details]


def _depth(level: int | None, space: tuple[int, ...], wavelet: str) -> int:
    """Return the depth, by default the largest that the wavelet's length allows on every axis.

    Raises
    ------
    InputError
        If ``level`` is larger than that, or the items are too short for one level.
    """
    max_level = default_level(space, wavelet)
    if max_level == 0:
        raise InputError(
            f"items of {space} are too short for wavelet={wavelet}: every axis must have at least "
            f"{2 * len(orthogonal_wavelet(wavelet).dec_lo) - 2} samples, or use a shorter wavelet"
        )
    if level is not None and level > max_level:
        raise InputError(f"level={level} must be <= {max_level} for {wavelet} on items of {space}")
    return max_level if level is None else level


SHORT = 128  # maximum length for which a matrix product is faster than filtering


def _analysis(batch: Array, wavelet: str, depth: int) -> list[Any]:
    """Return the coarse coefficients and a dict of subbands per level, as ``pywt.wavedecn``."""
    n, *more = batch.shape[2:]
    bank = orthogonal_wavelet(wavelet)
    if more:
        axes = space_axes(batch)
        parts: list[Any] = pywt.wavedecn(batch, bank, "periodization", depth, axes=axes)
        return parts
    if n <= SHORT and n % 2**depth == 0:
        matrix = _matrix(n, wavelet, depth, batch.dtype.char)
        ends = [n >> level for level in range(depth, 0, -1)]
        coarse, *bands = np.split((batch.reshape(-1, n) @ matrix).reshape(batch.shape), ends, -1)
    else:
        coarse, *bands = pywt.wavedec(batch, bank, "periodization", depth)
    return [coarse, *({"d": band} for band in bands)]


def _synthesis(parts: list[Any], wavelet: str, space: tuple[int, ...]) -> Array:
    """Return the batch with these coefficients, the inverse of `_analysis`."""
    n, depth = space[0], len(parts) - 1
    if len(space) == 1 and n <= SHORT and n % 2**depth == 0:
        packed = np.concatenate([parts[0], *(bands["d"] for bands in parts[1:])], axis=-1)
        matrix = _matrix(n, wavelet, depth, packed.dtype.char)
        whole: Array = (packed.reshape(-1, n) @ matrix.T).reshape(packed.shape)
        return whole
    axes = tuple(range(2, 2 + len(space)))
    whole = pywt.waverecn(parts, orthogonal_wavelet(wavelet), "periodization", axes=axes)
    inside = tuple(slice(n) for n in space)  # odd lengths come back one sample longer
    return whole[:, :, *inside].copy()  # at depth 0 it would be the input array


@functools.lru_cache(maxsize=16)
def _matrix(n: int, wavelet: str, depth: int, dtype: str) -> Array:
    """Return the orthonormal matrix whose rows are the transforms of the unit impulses."""
    parts = pywt.wavedec(np.eye(n), orthogonal_wavelet(wavelet), "periodization", depth)
    return np.concatenate(parts, axis=-1).astype(dtype)


def _cycle_spin(denoise: Callable[[Array], Array], noisy: Array, shifts: int) -> Array:
    """Return the mean estimate over circular shifts along every space axis, each shifted back."""
    if shifts == 1:
        return denoise(noisy)
    axes = space_axes(noisy)
    total = np.zeros_like(noisy)
    spins = list(itertools.product(range(shifts), repeat=len(axes)))
    for spin in spins:
        back = tuple(-s for s in spin)
        total += np.roll(denoise(np.roll(noisy, spin, axes)), back, axes)
    return total / noisy.dtype.type(len(spins))


# Each rule takes details (N, C, ...), their noise levels (N, 1), the number n of non-redundant
# details and the number of samples of a channel. It returns thresholds (N, C).
def _visu(d: Array, sigma: NDArray[np.float64], n: int, n_samples: int) -> NDArray[np.float64]:
    return np.broadcast_to(sigma * np.sqrt(2 * np.log(n_samples)), d.shape[:2])


def _hybrid(d: Array, sigma: NDArray[np.float64], n: int, n_samples: int) -> NDArray[np.float64]:
    power = np.mean(d.astype(np.float64) ** 2, axis=-1)
    sparse = n * (power - sigma**2) <= sigma**2 * np.sqrt(n) * np.log2(n) ** 1.5
    universal = sigma * np.sqrt(2 * np.log(n))
    return np.where(sparse, universal, np.minimum(_sure(d, sigma, n, n_samples), universal))


def _sure(d: Array, sigma: NDArray[np.float64], n: int, n_samples: int) -> NDArray[np.float64]:
    """Minimize SURE exactly: the minimum over t is at 0 or at one of the |d|."""
    n = d.shape[-1]
    t = np.sort(np.abs(d), axis=-1).astype(np.float64)
    kept = n - np.arange(1, n + 1)  # the number of |d| above t
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
    """Return σ²/σ_x, near-optimal for a Laplacian subband with standard deviation σ_x."""
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

    A block of L adjacent details d with energy S² becomes d·max(1 − λLσ²/S², 0), λ = 4.50524. A
    block has about log n details, where a channel has n samples; for images it is a square. The
    last blocks of a subband may be smaller. With a `NoiseModel`, σ is the noise level in the
    subband, as in `WaveletShrink`.

    Parameters
    ----------
    wavelet : str
        An orthogonal wavelet of PyWavelets.
    level : int, optional
        Depth; by default as deep as the wavelet's length allows.
    shifts : int
        Cycle spinning: the mean over this number of circular shifts along every space axis.

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
    refined: bool = refined_field()

    info: ClassVar[Info] = Info(
        "block-wavelet", "wavelet", "Cai 1999 (BlockJS)", uses_sigma=True, exact_at_zero=True
    )

    def __post_init__(self) -> None:
        like = WaveletShrink(self.wavelet, self.level, shifts=self.shifts)
        object.__setattr__(self, "refined", like.refined)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels, model = levels_or_model(noisy, sigma)
        levels = given_or_estimated(noisy, levels)
        depth = _depth(self.level, noisy.shape[2:], self.wavelet)
        of_bands = _band_levels(model, levels, noisy.shape[2:], self.wavelet, depth)
        return _cycle_spin(lambda shifted: self._decimated(shifted, of_bands), noisy, self.shifts)

    def _decimated(self, noisy: Array, levels: Levels) -> Array:
        space = noisy.shape[2:]
        side = max(1, round(np.log(np.prod(space)) ** (1 / len(space))))
        parts = _analysis(noisy, self.wavelet, len(levels) - 1)
        for bands, of_bands in zip(parts[1:], levels[1:], strict=True):
            for key, d in bands.items():
                energy, count = _block_sums(d.astype(np.float64) ** 2, side)
                noise = BLOCK_LAMBDA * count * per_item(of_bands[key] ** 2, energy)
                tiny = np.finfo(np.float64).tiny
                gain = np.maximum(energy - noise, 0) / np.maximum(energy, tiny)
                bands[key] = (d * gain).astype(d.dtype)
        return _synthesis(parts, self.wavelet, space)


def _block_sums(batch: Array, side: int) -> tuple[Array, Array]:
    """Return the sum over the block of every sample, and the size of that block."""
    count = np.ones(batch.shape[2:])
    for axis, n in enumerate(batch.shape[2:], 2):
        starts = np.arange(0, n, side)
        lengths = np.diff([*starts, n])
        batch = np.repeat(np.add.reduceat(batch, starts, axis=axis), lengths, axis=axis)
        count = np.repeat(np.add.reduceat(count, starts, axis=axis - 2), lengths, axis=axis - 2)
    return batch, count
