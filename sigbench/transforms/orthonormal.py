"""Orthonormal transforms: AᴴA = AAᴴ = I."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pywt
import scipy.fft

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
class Identity:
    """The identity: coefficients are the samples, so spikes are sparse.

    Examples
    --------
    >>> Identity().analysis(np.ones((1, 1, 2)))
    array([[[1., 1.]]])
    """

    real: ClassVar[bool] = True
    orthonormal: ClassVar[bool] = True

    def analysis(self, signal: Array) -> Coefficients:
        """Return a copy of the samples, shape ``(N, C, *space)``."""
        return signal.copy()

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return a copy of the real part of the coefficients."""
        return np.real(coefficients).copy()

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return the default geometry: each coefficient counts once."""
        return Geometry()

    def __str__(self) -> str:
        return "identity"


@dataclass(frozen=True)
class DFT:
    """The orthonormal discrete Fourier transform of a real signal.

    Only the non-redundant half of the conjugate-symmetric coefficients is stored.

    Examples
    --------
    >>> y = np.array([[[1.0, 2.0, 3.0]]])
    >>> DFT().synthesis(DFT().analysis(y), (3,))
    array([[[1., 2., 3.]]])
    """

    real: ClassVar[bool] = False
    orthonormal: ClassVar[bool] = True

    def analysis(self, signal: Array) -> Coefficients:
        """Return complex coefficients; the last axis has length L // 2 + 1."""
        return scipy.fft.rfftn(signal, axes=space_axes(signal), norm="ortho")

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return the signal, shape ``(N, C, *space)``."""
        return scipy.fft.irfftn(coefficients, s=space, axes=space_axes(coefficients), norm="ortho")

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return multiplicities: most coefficients represent a conjugate pair."""
        return Geometry(multiplicity=half_spectrum(space[-1]))

    def __str__(self) -> str:
        return "dft"


@dataclass(frozen=True)
class DCT:
    """The orthonormal discrete cosine transform (type II).

    Examples
    --------
    >>> DCT().analysis(np.ones((1, 1, 4))).round(12)
    array([[[2., 0., 0., 0.]]])
    """

    real: ClassVar[bool] = True
    orthonormal: ClassVar[bool] = True

    def analysis(self, signal: Array) -> Coefficients:
        """Return the coefficients, with the shape of the signal."""
        return scipy.fft.dctn(signal, axes=space_axes(signal), norm="ortho")

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return the signal."""
        return scipy.fft.idctn(coefficients, axes=space_axes(coefficients), norm="ortho")

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return the default geometry: each coefficient counts once."""
        return Geometry()

    def __str__(self) -> str:
        return "dct"


@dataclass(frozen=True)
class Wavelet:
    """The orthonormal periodized discrete wavelet transform.

    Parameters
    ----------
    wavelet : str
        Orthogonal wavelet of PyWavelets.
    level : int, optional
        Depth. The default is the largest depth that the filter length allows and for which every
        axis can be halved; if an axis has odd length, the transform is the identity.

    Examples
    --------
    >>> y = np.arange(8.0).reshape(1, 1, 8)
    >>> Wavelet("haar").synthesis(Wavelet("haar").analysis(y), (8,)).round(12)
    array([[[0., 1., 2., 3., 4., 5., 6., 7.]]])
    """

    wavelet: str = "sym8"
    level: int | None = None
    refined: bool = refined_field()

    real: ClassVar[bool] = True
    orthonormal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        orthogonal_wavelet(self.wavelet)
        object.__setattr__(self, "refined", is_refined(self.wavelet))
        check_field("level", self.level, 1)

    def depth(self, space: tuple[int, ...]) -> int:
        """Return the depth for signals of shape ``space``."""
        even = min(
            (n & -n).bit_length() - 1 for n in space
        )  # number of times that every axis can be halved
        if self.level is None:
            return min(even, default_level(space, self.wavelet))
        if self.level > even:
            raise InputError(f"level={self.level} must be <= {even} for axes of lengths {space}")
        return self.level

    def analysis(self, signal: Array) -> Coefficients:
        """Return the coefficients, packed into the shape of the signal, coarse to fine."""
        axes, bank = space_axes(signal), orthogonal_wavelet(self.wavelet)
        depth = self.depth(signal.shape[2:])
        parts = pywt.wavedecn(signal, bank, "periodization", depth, axes=axes)
        packed: Coefficients = pywt.coeffs_to_array(parts, axes=axes)[0]
        return packed

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return the signal."""
        axes = space_axes(coefficients)
        parts = _unpack(coefficients, self.depth(space), axes)
        bank = orthogonal_wavelet(self.wavelet)
        signal: Array = pywt.waverecn(parts, bank, "periodization", axes=axes)
        return signal

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return the default geometry: each coefficient counts once."""
        return Geometry()

    def __str__(self) -> str:
        level = "" if self.level is None else f",level={self.level}"
        return f"wavelet[wavelet={self.wavelet}{level}]"


def _unpack(packed: Coefficients, depth: int, axes: tuple[int, ...]) -> list[Any]:
    """Split a packed array into the nested list that ``pywt.waverecn`` expects."""
    parts: list[Any] = []
    block = packed
    for _ in range(depth):
        half = [block.shape[axis] // 2 for axis in axes]
        bands = {}
        for number in range(2 ** len(axes)):
            key = "".join("ad"[number >> i & 1] for i in range(len(axes)))
            cut: list[slice] = [slice(None)] * packed.ndim
            for axis, n, letter in zip(axes, half, key, strict=True):
                cut[axis] = slice(n) if letter == "a" else slice(n, None)
            bands[key] = block[tuple(cut)]
        block = bands.pop("a" * len(axes))
        parts.insert(0, bands)
    return [block, *parts]
