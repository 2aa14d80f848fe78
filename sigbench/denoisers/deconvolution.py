"""Deconvolution: x from y = h ∗ x + n, circular, with h known (the fact ``kernel``)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, circulant
from scipy.ndimage import uniform_filter

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Denoiser, Info, Sigma, Training
from sigbench.core.validation import check, check_field, per_item
from sigbench.denoisers.noise_level import given_or_estimated
from sigbench.transforms.operators import as_kernel, transfer_function

Spectrum = NDArray[np.float64]


def _kernel_or_none(kernel: Any) -> Any:
    return None if kernel is None else as_kernel(kernel)


def _spectrum_or_none(name: str, spectrum: Any) -> Any:
    """Return a power spectrum as nested tuples, which compare and hash."""
    if spectrum is None:
        return None
    values = np.asarray(spectrum, dtype=np.float64)
    if values.ndim not in (1, 2) or not np.isfinite(values).all():
        raise InputError(f"{name} of shape {values.shape} must be finite, of 1 or 2 dimensions")
    if values.min() < 0:
        raise InputError(f"{name} holds {values.min():g}: it must be >= 0")
    return tuple(values.tolist() if values.ndim == 1 else map(tuple, values.tolist()))


def _of_shape(name: str, spectrum: Any, shape: tuple[int, ...]) -> Spectrum:
    values = np.asarray(spectrum)
    if values.shape != shape:
        raise InputError(f"{name} has shape {values.shape}: it must be {shape}")
    return values


def _response(kernel: Any, space: tuple[int, ...]) -> NDArray[np.complex128]:
    """Return H; without a kernel nothing is blurred."""
    if kernel is None:
        return np.ones((*space[:-1], space[-1] // 2 + 1), dtype=np.complex128)
    return transfer_function(kernel, space)


def _through(noisy: Array, gain: NDArray[Any]) -> Array:
    """Return a batch whose spectrum is multiplied by a gain, computed in float64."""
    space, axes = noisy.shape[2:], tuple(range(2, noisy.ndim))
    spectrum = scipy.fft.rfftn(noisy.astype(np.float64), axes=axes)
    result: Array = scipy.fft.irfftn(gain * spectrum, s=space, axes=axes)
    return result.astype(noisy.dtype)


def power_spectrum(batch: Array) -> Spectrum:
    """Return |F x|²/n, half spectrum, of every item and channel: white noise of level σ has σ².

    Examples
    --------
    >>> power_spectrum(np.array([[[1.0, 0.0, 0.0, 0.0]]]))
    array([[[0.25, 0.25, 0.25]]])
    """
    axes = tuple(range(2, batch.ndim))
    spectrum = scipy.fft.rfftn(batch.astype(np.float64), axes=axes, norm="ortho")
    power: Spectrum = np.abs(spectrum) ** 2
    return power


@dataclass(frozen=True)
class RegularizedInverse:
    """X̂ = H*Y/(|H|² + α|D|²): the inverse filter, held back where h passes little.

    D differentiates ``order`` times, |D|² = Σ(2 − 2cos ω)^order over the axes: x is taken to be
    small (0), flat (1) or straight (2). With α = 0 it is the inverse 1/H itself, and 0 where H is.

    Parameters
    ----------
    kernel : array or nested tuple, optional
        The impulse response h, circular, lag 0 first; by default as the problem tells, else none.
    alpha : float
        α >= 0; at order 0 the noise's power over the signal's, were both white.
    order : {0, 1, 2}
        Order of the derivative.

    References
    ----------
    Tikhonov, Soviet Math. Dokl. 4 (1963); Hunt, IEEE Trans. Comput. C-22 (1973) (order 2).

    Examples
    --------
    >>> y = np.array([[[1.0, 0.5, 0.0, 0.0]]])  # (1, 0.5) ∗ an impulse
    >>> RegularizedInverse((1.0, 0.5), alpha=0.0)(y).round(12) + 0.0
    array([[[1., 0., 0., 0.]]])
    """

    kernel: Any = None
    alpha: float = 0.1
    order: int = 0

    info: ClassVar[Info] = Info("regularized-inverse", "deconvolution", "Tikhonov 1963; Hunt 1973")

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", _kernel_or_none(self.kernel))
        check_field("alpha", self.alpha, 0)
        check_field("order", self.order, 0, below=3)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate of x, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        H = _response(self.kernel, noisy.shape[2:])
        total = np.abs(H) ** 2 + self.alpha * _roughness(noisy.shape[2:], self.order)
        passed = total > (np.finfo(np.float64).eps * np.abs(H).max()) ** 2
        gain = np.divide(H.conj(), total, out=np.zeros_like(H), where=passed)
        return _through(noisy, gain)


def _roughness(space: tuple[int, ...], order: int) -> Spectrum:
    """Return |D|² on the half spectrum."""
    if order == 0:
        return np.ones((*space[:-1], space[-1] // 2 + 1))
    axes = [(2 - 2 * np.cos(2 * np.pi * np.fft.fftfreq(n))) ** order for n in space]
    total: Spectrum = functools.reduce(np.add.outer, axes)
    return total[..., : space[-1] // 2 + 1]


@dataclass(frozen=True)
class WienerDeconvolution:
    """X̂ = H*S/(|H|²S + σ²)·Y, S the power spectrum of x.

    Where no spectrum is given, it is estimated from each item by itself, by expectation
    maximization: S ← |X̂|²/n + Sσ²/(|H|²S + σ²), the mean of |X|²/n given y, smoothed. The mean of
    an item is no part of its spectrum then: it is divided by H(0).

    Parameters
    ----------
    kernel : array or nested tuple, optional
        The impulse response h, circular, lag 0 first; by default as the problem tells, else none.
    spectrum : array or nested tuple, optional
        S = E|F x|²/n of the half spectrum that ``rfftn`` keeps.
    smooth : int
        Frequencies, an odd number along every axis, over which an estimated spectrum is averaged.
    iterations : int
        Steps of the estimation.

    References
    ----------
    Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series (1949); Hillery
    and Chin, IEEE Trans. Signal Process. 39 (1991), "Iterative Wiener filters for image
    restoration", their additive correction (the estimated spectrum).

    Examples
    --------
    >>> y = np.array([[[4.0, 0.0, 4.0, 0.0]]])
    >>> WienerDeconvolution(spectrum=(3.0, 3.0, 3.0))(y, sigma=1.0)
    array([[[3., 0., 3., 0.]]])
    """

    kernel: Any = None
    spectrum: Any = None
    smooth: int = 9
    iterations: int = 30

    info: ClassVar[Info] = Info(
        "wiener-deconvolution",
        "deconvolution",
        "Wiener 1949; Hillery, Chin 1991",
        uses_sigma=True,
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", _kernel_or_none(self.kernel))
        object.__setattr__(self, "spectrum", _spectrum_or_none("spectrum", self.spectrum))
        check_field("smooth", self.smooth, 1)
        check_field("iterations", self.iterations, 1)
        if self.smooth % 2 == 0:
            raise InputError(f"smooth={self.smooth} must be odd")

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate of x, shape and dtype of ``noisy``."""
        noise = per_item(given_or_estimated(noisy, check(noisy, sigma)) ** 2, noisy.astype(float))
        H = _response(self.kernel, noisy.shape[2:])
        if self.spectrum is None:
            mean = noisy.mean(axis=tuple(range(2, noisy.ndim)), keepdims=True)
            S = self._estimated(power_spectrum(noisy - mean), noise, H)
            S.reshape(*S.shape[:2], -1)[..., 0] = np.inf
        else:
            S = _of_shape("spectrum", self.spectrum, H.shape)
        return _through(noisy, _wiener_gain(H, S, noise))

    def _estimated(self, power: Spectrum, noise: Array, H: NDArray[np.complex128]) -> Spectrum:
        S = np.broadcast_to(
            power.mean(axis=tuple(range(2, power.ndim)), keepdims=True), power.shape
        )
        widths = (1, 1, *[self.smooth] * (power.ndim - 2))
        for _ in range(self.iterations):
            gain = _wiener_gain(H, S, noise)
            posterior = np.abs(gain) ** 2 * power + (1 - (gain * H).real) * S
            S = uniform_filter(posterior, widths, mode="reflect")
        return S


def _wiener_gain(H: NDArray[np.complex128], S: Spectrum, noise: Array) -> NDArray[np.complex128]:
    """Return H*/(|H|² + σ²/S)."""
    noise, S = np.broadcast_arrays(noise, S)
    ratio = np.divide(noise, S, out=np.full(S.shape, np.inf), where=S > 0)
    total = np.abs(H) ** 2 + ratio
    gain: NDArray[np.complex128] = H.conj() / np.maximum(total, np.finfo(np.float64).tiny)
    return gain


@dataclass(frozen=True)
class FittedWiener:
    """Learns the power spectrum of x: the mean of |F x|²/n over the clean training items.

    Examples
    --------
    >>> from sigbench.core.protocols import Pairs
    >>> pairs = Pairs(np.zeros((2, 1, 4)), np.ones((2, 1, 4)))
    >>> fitted = FittedWiener().fit(Training(pairs, pairs, lambda n, rng: pairs, 1.0), rng=None)
    >>> fitted.spectrum
    (4.0, 0.0, 0.0)
    """

    kernel: Any = None

    info: ClassVar[Info] = Info(
        "fitted-wiener",
        "deconvolution",
        "Wiener 1949; the spectrum of the training split",
        uses_sigma=True,
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", _kernel_or_none(self.kernel))

    def fit(self, train: Training, *, rng: np.random.Generator) -> Denoiser:
        """Return the `WienerDeconvolution` with the spectrum of the training targets."""
        return WienerDeconvolution(
            self.kernel, power_spectrum(train.pairs.target).mean(axis=(0, 1))
        )


@dataclass(frozen=True)
class TrueWiener:
    """Wiener deconvolution with the true power spectrum of a stationary Gaussian process.

    Parameters
    ----------
    kernel, prior_spectrum : array or nested tuple, optional
        As in `WienerDeconvolution`; by default as the problem tells.

    Examples
    --------
    >>> y = np.array([[[4.0, 0.0, 4.0, 0.0]]])
    >>> TrueWiener(prior_spectrum=(3.0, 3.0, 3.0))(y, sigma=1.0)
    array([[[3., 0., 3., 0.]]])
    """

    kernel: Any = None
    prior_spectrum: Any = None

    info: ClassVar[Info] = Info(
        "true-wiener",
        "limit",
        "Wiener 1949: the non-causal filter with the true spectra",
        uses_sigma=True,
        prior=True,
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", _kernel_or_none(self.kernel))
        known = _spectrum_or_none("prior_spectrum", self.prior_spectrum)
        object.__setattr__(self, "prior_spectrum", known)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate of x, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        known = _known(self.prior_spectrum, noisy.shape[2:])
        return WienerDeconvolution(self.kernel, known)(noisy, sigma=sigma)


def _known(prior_spectrum: Any, space: tuple[int, ...]) -> Spectrum:
    if prior_spectrum is None:
        raise InputError(
            "prior_spectrum is not known: the problem's signals are no Gaussian process"
        )
    return _of_shape("prior_spectrum", prior_spectrum, (*space[:-1], space[-1] // 2 + 1))


@dataclass(frozen=True)
class GaussianPosteriorMean:
    """E[x|y] = ΣHᵀ(HΣHᵀ + σ²I)⁻¹y for a Gaussian x of covariance Σ: the limit.

    Computed in samples, from the covariance of a circular stationary process, not by filtering.

    Parameters
    ----------
    kernel, prior_spectrum : array or nested tuple, optional
        As in `WienerDeconvolution`; by default as the problem tells. Signals only.

    References
    ----------
    Kay, Fundamentals of Statistical Signal Processing: Estimation Theory (1993), theorem 10.3.

    Examples
    --------
    >>> y = np.array([[[4.0, 0.0, 4.0, 0.0]]])
    >>> GaussianPosteriorMean(prior_spectrum=(3.0, 3.0, 3.0))(y, sigma=1.0).round(12) + 0.0
    array([[[3., 0., 3., 0.]]])
    """

    kernel: Any = None
    prior_spectrum: Any = None

    info: ClassVar[Info] = Info(
        "gaussian-posterior-mean",
        "limit",
        "Bayes: Kay 1993, theorem 10.3",
        domains=("signal",),
        uses_sigma=True,
        prior=True,
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", _kernel_or_none(self.kernel))
        known = _spectrum_or_none("prior_spectrum", self.prior_spectrum)
        object.__setattr__(self, "prior_spectrum", known)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the posterior mean of x, shape and dtype of ``noisy``, which is ``(N, C, L)``."""
        levels = given_or_estimated(noisy, check(noisy, sigma))
        if noisy.ndim != 3:
            raise InputError(f"noisy has shape {noisy.shape}: it must be (N, C, L)")
        n = noisy.shape[-1]
        spectrum = _known(self.prior_spectrum, (n,))
        if not (levels > 0).all():
            raise InputError("sigma holds 0: without noise there is no limit to speak of")
        H = circulant(scipy.fft.irfft(_response(self.kernel, (n,)), n))
        covariance = circulant(scipy.fft.irfft(spectrum, n))
        estimate = np.empty_like(noisy)
        for level in np.unique(levels):
            factor = cho_factor(H @ covariance @ H.T + level**2 * np.eye(n))
            rows = levels == level
            y = noisy[rows].astype(np.float64).reshape(-1, n).T
            estimate[rows] = (covariance @ H.T @ cho_solve(factor, y)).T.reshape(
                -1, *noisy.shape[1:]
            )
        return estimate
