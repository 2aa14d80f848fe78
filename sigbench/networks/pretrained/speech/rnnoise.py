"""RNNoise, by an adapter to the library inside another package."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.optional import package_file, package_label
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check
from sigbench.networks.pretrained.speech.alignment import Samples, at_rate, in_frames, latency_ms
from sigbench.networks.pretrained.speech.native import FLOATS, STATE, library_name, loaded, pointer

PACKAGE = "pyrnnoise"
RATE, FRAME = 48_000, 480  # Hz, samples
DELAY = 960  # samples: one frame of overlap, one of look-ahead
FULL_SCALE = 32_768.0  # the network was trained on 16-bit integers
SIGNATURES = (
    ("rnnoise_create", STATE, (ctypes.c_void_p,)),
    ("rnnoise_destroy", None, (STATE,)),
    ("rnnoise_process_frame", ctypes.c_float, (STATE, FLOATS, FLOATS)),
)


@dataclass(frozen=True)
class RNNoise:
    """A recurrent network for gains in bands, with a filter for the pitch of voiced speech.

    An adapter to the library inside the package ``pyrnnoise`` (RNNoise 0.2, BSD license):
    ``pip install 'sigbench[rnnoise]'``. The library is called directly with floats, without
    rounding to integers; the package's own code is not imported, so ``pip install --no-deps
    pyrnnoise`` suffices. Signals with another sampling rate than 48 kHz are resampled. The delay
    of 960 samples is removed. The library also filters out the lowest frequencies, whose phase
    therefore changes.

    The signal is passed in its own units, of which ±1 is full scale. Scaling
    the signal changes the estimate by another factor.

    **Training data**: not documented by the package or by RNNoise. Files of a test set may be among
    them.

    Parameters
    ----------
    fs : float, optional
        Sampling rate of the signal in Hz: problem information.

    Attributes
    ----------
    package : str or None
        Version of the package with the library, a part of the identity of the method.

    References
    ----------
    Valin, "A hybrid DSP/deep learning approach to real-time full-band speech enhancement",
    MMSP 2018.

    Examples
    --------
    >>> RNNoise(fs=48_000).latency_ms, RNNoise(fs=8_000).latency_ms
    (30.0, 32.5)
    """

    fs: float | None = None
    package: str | None = field(init=False, default_factory=partial(package_label, PACKAGE))

    info: ClassVar[Info] = Info(
        "rnnoise",
        "network",
        "Valin 2018 (RNNoise 0.2 in package pyrnnoise: BSD and Apache licenses)",
        domains=("speech",),
        fitted=True,
    )
    n_params: ClassVar[int] = 2_888_225  # weights in the tables of the library, without scales

    @property
    def latency_ms(self) -> float:
        """Latency in milliseconds: three frames, and the filters that resample."""
        return latency_ms(self.fs, RATE, DELAY + FRAME)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``, which is ``(N, 1, L)``."""
        check(noisy, sigma)
        library = _library()
        return at_rate(noisy, self.fs, RATE, lambda signal: _enhanced(signal, library))


def _enhanced(signal: Samples, library: Any) -> NDArray[np.float32]:
    """Return the estimate of one signal at 48 kHz."""
    state = library.rnnoise_create(None)

    def process(source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
        library.rnnoise_process_frame(state, pointer(target), pointer(source))

    try:
        return in_frames(FULL_SCALE * signal, FRAME, DELAY, process) / np.float32(FULL_SCALE)
    finally:
        library.rnnoise_destroy(state)


def _library() -> Any:
    name = f"pyrnnoise/{library_name('rnnoise')}"
    return loaded(package_file(PACKAGE, name, user="rnnoise", extra="rnnoise"), *SIGNATURES)
