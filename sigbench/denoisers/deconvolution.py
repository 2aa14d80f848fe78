"""Deconvolution: x from y = h ∗ x + n, circular, for a known impulse response h (``kernel``)."""

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
from sigbench.core.validation import check, check_field, check_odd, per_item
from sigbench.denoisers.noise_level import given_or_estimated
from sigbench.transforms.base import space_axes
from sigbench.transforms.operators import as_kernel, transfer_function

Spectrum = NDArray[np.float64]


def store_as_tuples(method: Any, *spectra: str) -> None:
    """Convert the kernel and the named power spectra of a method to nested tuples, which hash."""
    for name in ("kernel", *spectra):
        value = getattr(method, name)
        if value is not None:
            converted = as_kernel(value) if name == "kernel" else _as_spectrum(name, value)
            object.__setattr__(method, name, converted)


def _as_spectrum(name: str, spectrum: Any) -> Any:
    values = np.asarray(spectrum, dtype=np.float64)
    if values.ndim not in (1, 2) or not np.isfinite(values).all():
        raise InputError(f"{name} of shape {values.shape} must be finite, of 1 or 2 dimensions")
    if values.min() < 0:
        raise InputError(f"{name} contains {values.min():g}: it must be >= 0")
    return tuple(values.tolist() if values.ndim == 1 else map(tuple, values.tolist()))


def _checked_shape(name: str, spectrum: Any, shape: tuple[int, ...]) -> Spectrum:
    """Return the spectrum as an array; raise `InputError` if its shape is wrong."""
    values = np.asarray(spectrum)
    if values.shape != shape:
        raise InputError(f"{name} has shape {values.shape}: it must be {shape}")
    return values


def _response(kernel: Any, space: tuple[int, ...]) -> NDArray[np.complex128]:
    """Return H on the half spectrum; 1 if there is no kernel."""
    if kernel is None:
        return np.ones((*space[:-1], space[-1] // 2 + 1), dtype=np.complex128)
    return transfer_function(kernel, space)


def _apply_gain(noisy: Array, gain: NDArray[Any]) -> Array:
    """Multiply the spectrum of a batch by a gain, in float64; return the batch in its dtype."""
    space, axes = noisy.shape[2:], space_axes(noisy)
    spectrum = scipy.fft.rfftn(noisy.astype(np.float64), axes=axes)
    result: Array = scipy.fft.irfftn(gain * spectrum, s=space, axes=axes)
    return result.astype(noisy.dtype)


def power_spectrum(batch: Array) -> Spectrum:
    """Return |F x|²/n of every item and channel on the half spectrum; σ² for white noise.

    Examples
    --------
    >>> power_spectrum(np.array([[[1.0, 0.0, 0.0, 0.0]]]))
    array([[[0.25, 0.25, 0.25]]])
    """
    axes = space_axes(batch)
    spectrum = scipy.fft.rfftn(batch.astype(np.float64), axes=axes, norm="ortho")
    power: Spectrum = np.abs(spectrum) ** 2
    return power


@dataclass(frozen=True)
class RegularizedInverse:
    """X̂ = H*Y/(|H|² + α|D|²): the inverse filter, regularized where |H| is small.

    D differentiates ``order`` times, |D|² = Σ(2 − 2cos ω)^order over the axes: it penalizes the
    size (0), the slope (1) or the curvature (2) of x. With α = 0, X̂ = Y/H, and 0 where H = 0.

    Parameters
    ----------
    kernel : array or nested tuple, optional
        The impulse response h, circular, lag 0 first; by default that of the problem, if any.
    alpha : float
        α >= 0; for order 0, white signals and white noise, noise power / signal power is optimal.
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
        store_as_tuples(self)
        check_field("alpha", self.alpha, 0)
        check_field("order", self.order, 0, below=3)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate of x, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        H = _response(self.kernel, noisy.shape[2:])
        total = np.abs(H) ** 2 + self.alpha * _roughness(noisy.shape[2:], self.order)
        passed = total > (np.finfo(np.float64).eps * np.abs(H).max()) ** 2
        gain = np.divide(H.conj(), total, out=np.zeros_like(H), where=passed)
        return _apply_gain(noisy, gain)


def _roughness(space: tuple[int, ...], order: int) -> Spectrum:
    """Return |D|² on the half spectrum."""
    if order == 0:
        return np.ones((*space[:-1], space[-1] // 2 + 1))
    axes = [(2 - 2 * np.cos(2 * np.pi * np.fft.fftfreq(n))) ** order for n in space]
    total: Spectrum = functools.reduce(np.add.outer, axes)
    return total[..., : space[-1] // 2 + 1]


@dataclass(frozen=True)
class WienerDeconvolution:
    """X̂ = H*S/(|H|²S + σ²)·Y, where S is the power spectrum of x.

    If no spectrum is given, it is estimated from each item by expectation maximization:
    S ← |X̂|²/n + Sσ²/(|H|²S + σ²), the mean of |X|²/n given y, smoothed over frequencies. The mean
    of the item is excluded from this spectrum and only divided by H(0).

    Parameters
    ----------
    kernel : array or nested tuple, optional
        The impulse response h, circular, lag 0 first; by default that of the problem, if any.
    spectrum : array or nested tuple, optional
        S = E|F x|²/n on the half spectrum that ``rfftn`` returns.
    smooth : int
        Odd number of frequencies along every axis over which an estimated spectrum is averaged.
    iterations : int
        Number of steps of the estimation.

    References
    ----------
    Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series (1949); Hillery
    and Chin, IEEE Trans. Signal Process. 39 (1991), "Iterative Wiener filters for image
    restoration": their additive correction (the estimated spectrum).

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
        store_as_tuples(self, "spectrum")
        check_odd("smooth", self.smooth)
        check_field("iterations", self.iterations, 1)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate of x, shape and dtype of ``noisy``."""
        noise = per_item(given_or_estimated(noisy, check(noisy, sigma)) ** 2, noisy.astype(float))
        H = _response(self.kernel, noisy.shape[2:])
        if self.spectrum is None:
            mean = noisy.mean(axis=space_axes(noisy), keepdims=True)
            S = self._estimate_spectrum(power_spectrum(noisy - mean), noise, H)
            S.reshape(*S.shape[:2], -1)[..., 0] = np.inf
        else:
            S = _checked_shape("spectrum", self.spectrum, H.shape)
        return _apply_gain(noisy, _wiener_gain(H, S, noise))

    def _estimate_spectrum(
        self, power: Spectrum, noise: Array, H: NDArray[np.complex128]
    ) -> Spectrum:
        S = np.broadcast_to(power.mean(axis=space_axes(power), keepdims=True), power.shape)
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
    """Learn the power spectrum of x: the mean of |F x|²/n over the clean training items.

    References
    ----------
    Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series (1949): the filter;
    see `WienerDeconvolution`.

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
        store_as_tuples(self)

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
        As in `WienerDeconvolution`; by default those of the problem.

    References
    ----------
    Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series (1949): the
    non-causal filter.

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
        store_as_tuples(self, "prior_spectrum")

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate of x, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        spectrum = _required_spectrum(self.prior_spectrum, noisy.shape[2:])
        return WienerDeconvolution(self.kernel, spectrum)(noisy, sigma=sigma)


def _required_spectrum(prior_spectrum: Any, space: tuple[int, ...]) -> Spectrum:
    if prior_spectrum is None:
        raise InputError(
            "prior_spectrum is not known: the problem's signals are not a Gaussian process"
        )
    return _checked_shape("prior_spectrum", prior_spectrum, (*space[:-1], space[-1] // 2 + 1))


@dataclass(frozen=True)
class GaussianPosteriorMean:
    """E[x|y] = ΣHᵀ(HΣHᵀ + σ²I)⁻¹y for a Gaussian x with covariance Σ, which is the limit.

    It is computed in the sample domain, from the covariance of a circular stationary process, and
    not by filtering.

    Parameters
    ----------
    kernel, prior_spectrum : array or nested tuple, optional
        As in `WienerDeconvolution`; by default those of the problem. Signals only.

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
        store_as_tuples(self, "prior_spectrum")

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the posterior mean of x, shape and dtype of ``noisy``, which is ``(N, C, L)``."""
        levels = given_or_estimated(noisy, check(noisy, sigma))
        if noisy.ndim != 3:
            raise InputError(f"noisy has shape {noisy.shape}: it must be (N, C, L)")
        n = noisy.shape[-1]
        spectrum = _required_spectrum(self.prior_spectrum, (n,))
        if not (levels > 0).all():
            raise InputError("sigma contains 0: the posterior mean needs sigma > 0")
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
