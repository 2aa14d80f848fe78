"""Wavelet thresholding: VisuShrink, SureShrink and BayesShrink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, NoiseModel, Sigma
from sigbench.core.validation import check_choice, check_field
from sigbench.denoisers import shrinkage
from sigbench.denoisers.filtered_noise import levels_or_model
from sigbench.denoisers.noise_level import deviation, given_or_estimated
from sigbench.denoisers.wavelet_bands import (
    Levels,
    analysis,
    band_levels,
    cycle_spin,
    depth_of,
    synthesis,
)
from sigbench.transforms import StationaryWavelet, orthogonal_wavelet
from sigbench.transforms.wavelet_filters import is_refined, refined_field

Rule = Literal["visu", "sure", "hybrid", "bayes"]
Shrink = Literal["soft", "hard", "garrote", "firm"]


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
        depth = depth_of(self.level, noisy.shape[2:], self.wavelet)
        of_bands = band_levels(model, levels, noisy.shape[2:], self.wavelet, depth)
        return cycle_spin(lambda shifted: self._decimated(shifted, of_bands), noisy, self.shifts)

    def _decimated(self, noisy: Array, levels: Levels) -> Array:
        space = noisy.shape[2:]
        parts = analysis(noisy, self.wavelet, len(levels) - 1)
        for bands, of_bands in zip(parts[1:], levels[1:], strict=True):
            for key, band in bands.items():
                rows = band.reshape(*band.shape[:2], -1)  # each row is one subband of one channel
                bands[key] = self._shrink(rows, of_bands[key], space, 1).reshape(band.shape)
        return synthesis(parts, self.wavelet, space)

    def _stationary(
        self, noisy: Array, levels: NDArray[np.float64], model: NoiseModel | None
    ) -> Array:
        space = noisy.shape[2:]
        frame = StationaryWavelet(self.wavelet, self.level or depth_of(None, space, self.wavelet))
        of_bands = band_levels(model, levels, space, self.wavelet, frame.depth(space))
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
