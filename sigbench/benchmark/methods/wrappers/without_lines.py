"""Subtract mains hum, then denoise."""

from __future__ import annotations

from dataclasses import dataclass, field

from sigbench.benchmark.methods.wrappers.inner import INNER, wrapped_info
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Denoiser, Info, Sigma
from sigbench.core.validation import check_field, check_noisy
from sigbench.denoisers.noise.hum import HARMONICS, check_frequency, find_hum

INFO = Info(
    "without-lines", "noise model", "Thomson 1982", ("signal", "speech"), adapts=True, version=2
)


@dataclass(frozen=True)
class WithoutLines:
    """Subtract the significant lines at a frequency and its harmonics, then apply a method.

    Parameters
    ----------
    method : Denoiser
        A denoiser for the other noise; it is given the same noise level.
    frequency : float, optional
        In Hz, within 0.2 %; in cycles per sample if the sampling rate is not known. By default 50
        and 60 Hz are tried, which needs the sampling rate.
    harmonics : int
        Number of multiples of the frequency, with the frequency itself.
    fs : float, optional
        Sampling rate in Hz.

    References
    ----------
    Thomson, "Spectrum estimation and harmonic analysis", Proc. IEEE 70 (1982), section XIII.

    Examples
    --------
    >>> import numpy as np
    >>> from sigbench.denoisers import Noisy
    >>> t = np.arange(4000) / 1000
    >>> y = (np.cos(314 * t) + 0.1 * np.random.default_rng(0).standard_normal(4000))[None, None]
    >>> WithoutLines(Noisy(), frequency=50.0, fs=1000.0)(y).std().round(1)
    np.float64(0.1)
    """

    method: Denoiser = field(metadata={"table": INNER})
    frequency: float | None = None
    harmonics: int = HARMONICS
    fs: float | None = None
    info: Info = field(
        default=INFO, init=False, repr=False, compare=False, metadata={"identity": False}
    )

    def __post_init__(self) -> None:
        if self.fs is not None:  # otherwise it may be bound later
            check_field("fs", self.fs, 1e-9)
            check_frequency(self.frequency, self.fs)
        check_field("harmonics", self.harmonics, 1)
        object.__setattr__(self, "info", wrapped_info(INFO, self.method))

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``, ``(N, C, L)``.

        Raises
        ------
        InputError
            For images, or if neither the frequency nor the sampling rate is known.
        """
        check_noisy(noisy)
        if noisy.ndim != 3:
            raise InputError(
                f"noisy has shape {noisy.shape}: without-lines needs signals (N, C, L)"
            )
        if self.frequency is None and self.fs is None:
            raise InputError("without-lines needs the sampling rate: set frequency or fs")
        clear = noisy.copy()
        for channel in clear.reshape(-1, noisy.shape[2]):
            hum = find_hum(channel, self.fs, frequency=self.frequency, harmonics=self.harmonics)
            if hum is not None:
                channel -= hum.wave.astype(noisy.dtype)
        return self.method(clear, sigma=sigma)
