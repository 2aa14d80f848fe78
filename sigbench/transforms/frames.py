"""Parseval frames: redundant transforms with AAᴴ = I, so that A(Aᴴy) = y."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.core.validation import check_field
from sigbench.transforms.base import Coefficients, Geometry, half_spectrum, space_axes
from sigbench.transforms.wavelet_filters import (
    default_level,
    is_refined,
    orthogonal_wavelet,
    refined_field,
)


@dataclass(frozen=True)
class OversampledDFT:
    """The DFT of the zero-padded signal, on a ``factor`` times finer frequency grid.

    Parameters
    ----------
    factor : int
        Number of frequencies per sample, along each space axis.

    References
    ----------
    Selesnick, IEEE Trans. Signal Process. 65 (17), 2017, section VI (example).

    Examples
    --------
    >>> y = np.array([[[1.0, 2.0, 3.0]]])
    >>> u = OversampledDFT(4).analysis(y)  # 12 frequencies, 7 of them stored
    >>> u.shape, OversampledDFT(4).synthesis(u, (3,)).round(12)
    ((1, 1, 7), array([[[1., 2., 3.]]]))
    """

    factor: int = 2

    real: ClassVar[bool] = False
    orthonormal: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.factor < 2 or self.factor % 1:
            raise InputError(f"factor={self.factor} must be >= 2 and a whole number")

    def _grid(self, space: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(self.factor * n for n in space)

    def analysis(self, signal: Array) -> Coefficients:
        """Return complex coefficients; the last axis has length factor·L // 2 + 1."""
        grid = self._grid(signal.shape[2:])
        return scipy.fft.rfftn(signal, s=grid, axes=space_axes(signal), norm="ortho")

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return the signal, shape ``(N, C, *space)``."""
        axes = space_axes(coefficients)
        padded = scipy.fft.irfftn(coefficients, s=self._grid(space), axes=axes, norm="ortho")
        return np.ascontiguousarray(padded[:, :, *map(slice, space)])

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return multiplicities: most coefficients represent a conjugate pair."""
        return Geometry(multiplicity=half_spectrum(self.factor * space[-1]))

    def __str__(self) -> str:
        return f"oversampled-dft[factor={self.factor}]"


@dataclass(frozen=True)
class StationaryWavelet:
    """The circular stationary (undecimated, translation-invariant) wavelet transform.

    It combines the orthonormal transforms of all circular shifts and is normalized to a Parseval
    frame: in each dimension, coefficients of depth j are 2^(−j/2) times those of the orthonormal
    transform. The weights in a penalty are scaled accordingly, so that a weight λ has the same
    meaning at all depths, as if all atoms had norm 1. Signals may have any length.

    Parameters
    ----------
    wavelet : str
        Orthogonal wavelet of PyWavelets.
    level : int, optional
        Depth; by default the maximum for the filter length.

    References
    ----------
    Nason and Silverman, "The stationary wavelet transform and some statistical applications"
    (1995); Mallat, A Wavelet Tour of Signal Processing (2009), section 5.2.

    Examples
    --------
    >>> y = np.array([[[0.0, 0.0, 4.0, 0.0, 0.0]]])
    >>> haar = StationaryWavelet("haar", level=1)
    >>> abs(haar.analysis(y)).round(12)  # half the sums and differences of neighbors
    array([[[[0., 2., 2., 0., 0.],
             [0., 2., 2., 0., 0.]]]])
    >>> bool(np.allclose(haar.synthesis(haar.analysis(y), (5,)), y))
    True
    """

    wavelet: str = "sym8"
    level: int | None = None
    refined: bool = refined_field()

    real: ClassVar[bool] = True
    orthonormal: ClassVar[bool] = False

    def __post_init__(self) -> None:
        orthogonal_wavelet(self.wavelet)
        object.__setattr__(self, "refined", is_refined(self.wavelet))
        check_field("level", self.level, 1)

    def depth(self, space: tuple[int, ...]) -> int:
        """Return the depth for signals of shape ``space``."""
        if self.level is None:
            return default_level(space, self.wavelet)
        if 2**self.level > max(space):
            raise InputError(f"level={self.level} is too deep for items of {space}")
        return self.level

    def depths(self, space: tuple[int, ...]) -> list[int]:
        """Return the depth of each band: the approximation, then details from coarse to fine."""
        depth, details = self.depth(space), 2 ** len(space) - 1
        return [depth, *np.repeat(np.arange(depth, 0, -1), details).tolist()]

    def analysis(self, signal: Array) -> Coefficients:
        """Return the bands, shape ``(N, C, bands, *space)``, ordered as in `depths`."""
        space, axes = signal.shape[2:], space_axes(signal)
        spectrum = scipy.fft.rfftn(signal, axes=axes)
        product = spectrum[:, :, None] * self._responses(space, signal.dtype.char).conj()
        return scipy.fft.irfftn(product, s=space, axes=tuple(axis + 1 for axis in axes))

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return the signal, shape ``(N, C, *space)``."""
        axes = space_axes(coefficients)[1:]
        spectra = scipy.fft.rfftn(coefficients, axes=axes)
        spectra *= self._responses(space, coefficients.dtype.char)
        return scipy.fft.irfftn(spectra.sum(axis=2), s=space, axes=tuple(a - 1 for a in axes))

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return weights that decrease with the depth like the norms of the atoms."""
        depths = np.array(self.depths(space)).reshape(-1, *[1] * len(space))
        return Geometry(weights=2.0 ** (-depths * len(space) / 2))

    def _responses(self, space: tuple[int, ...], dtype: str) -> NDArray[np.complexfloating]:
        return _responses(space, self.wavelet, self.depth(space), dtype)

    def __str__(self) -> str:
        level = "" if self.level is None else f",level={self.level}"
        return f"stationary-wavelet[wavelet={self.wavelet}{level}]"


@functools.lru_cache(maxsize=16)
def _responses(
    space: tuple[int, ...], wavelet: str, depth: int, dtype: str
) -> NDArray[np.complexfloating]:
    """Return the frequency response of each band, shape ``(bands, *half spectrum)``.

    At depth j the filter has 2^(j−1) − 1 zeros between its taps, so its response at frequency k
    is that of the original filter at 2^(j−1)·k.
    """
    bank = orthogonal_wavelet(wavelet)
    low, high = np.array(bank.rec_lo) / np.sqrt(2), np.array(bank.rec_hi) / np.sqrt(2)

    def axis_response(taps: NDArray[np.float64], n: int, j: int) -> NDArray[np.complexfloating]:
        k = 2 ** (j - 1) * np.arange(n) % n
        lags = np.arange(len(taps))
        waves = np.exp(-2j * np.pi * np.outer(k, lags) / n).astype(np.complex128)
        response: NDArray[np.complexfloating] = waves @ taps
        return response

    coarse: NDArray[np.complexfloating] = np.ones(space, dtype=np.complex128)
    details: list[NDArray[np.complexfloating]] = []
    for j in range(1, depth + 1):
        pairs = [[axis_response(taps, n, j) for taps in (low, high)] for n in space]
        bands = [
            functools.reduce(
                np.multiply.outer, [pair[i] for pair, i in zip(pairs, choice, strict=True)]
            )
            for choice in itertools.product((0, 1), repeat=len(space))
        ]
        details = [coarse * band for band in bands[1:]] + details
        coarse = coarse * bands[0]
    half = np.stack([coarse, *details])[..., : space[-1] // 2 + 1]
    return half.astype(np.result_type(np.dtype(dtype), np.complex64))


@dataclass(frozen=True)
class STFT:
    """The short-time Fourier transform of signals, with a tight window.

    Frame m is the DFT of ``window`` samples of the zero-padded signal, starting at sample
    m·hop − (window − hop), multiplied by a square-root Hann window. The window is scaled so that
    its shifted squares sum to 1.

    Parameters
    ----------
    window : int
        Frame length in samples, even.
    hop : int, optional
        Distance between frames in samples: a divisor of ``window``, at most ``window // 2``,
        which is the default.

    References
    ----------
    Gröchenig, Foundations of Time-Frequency Analysis (2001), theorem 6.4.1 (painless
    nonorthogonal expansions).

    Examples
    --------
    >>> y = np.arange(10.0).reshape(1, 1, 10)
    >>> u = STFT(window=4).analysis(y)
    >>> u.shape, bool(np.allclose(STFT(window=4).synthesis(u, (10,)), y))
    ((1, 1, 6, 3), True)
    """

    window: int = 256
    hop: int | None = None

    real: ClassVar[bool] = False
    orthonormal: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.window < 2 or self.window % 2:
            raise InputError(f"window={self.window} must be even and >= 2")
        if self.hop is not None and not 1 <= self.hop <= self.window // 2:
            raise InputError(f"hop={self.hop} must be >= 1 and <= {self.window // 2}")
        if self.window % self._hop:
            raise InputError(f"hop={self.hop} must divide window={self.window}")

    @property
    def _hop(self) -> int:
        return self.window // 2 if self.hop is None else self.hop

    @property
    def taper(self) -> NDArray[np.float64]:
        """The window, shape ``(window,)``, which is used in analysis and synthesis."""
        # the Hann window is sin²; its shifts by a hop as checked above sum to a constant
        taper: NDArray[np.float64] = np.sin(np.pi * np.arange(self.window) / self.window)
        return taper * np.sqrt(2 * self._hop / self.window)

    def padding(self, n: int) -> tuple[int, int]:
        """Return the numbers of samples before and after a signal of length ``n``."""
        before = self.window - self._hop
        frames = -(-(n + before) // self._hop)
        return before, (frames - 1) * self._hop + self.window - before - n

    def analysis(self, signal: Array) -> Coefficients:
        """Return complex coefficients, shape ``(N, C, frames, window // 2 + 1)``."""
        if signal.ndim != 3:
            raise InputError(f"signal has shape {signal.shape}: the STFT requires (N, C, L)")
        padded = np.pad(signal, ((0, 0), (0, 0), self.padding(signal.shape[-1])))
        frames = sliding_window_view(padded, self.window, axis=-1)[:, :, :: self._hop]
        return scipy.fft.rfft(frames * self.taper.astype(signal.dtype), norm="ortho")

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return the signal, shape ``(N, C, L)`` with ``space = (L,)``."""
        frames = scipy.fft.irfft(coefficients, n=self.window, norm="ortho")
        frames *= self.taper.astype(frames.dtype)
        (n,), (before, after) = space, self.padding(*space)
        padded = np.zeros((*frames.shape[:2], before + n + after), frames.dtype)
        for m in range(frames.shape[2]):
            padded[..., m * self._hop : m * self._hop + self.window] += frames[:, :, m]
        return np.ascontiguousarray(padded[..., before : before + n])

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return multiplicities: most coefficients represent a conjugate pair."""
        return Geometry(multiplicity=half_spectrum(self.window))

    def __str__(self) -> str:
        return f"stft[window={self.window},hop={self._hop}]"
