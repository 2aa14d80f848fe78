"""DNSMOS P.835: a network that predicts how listeners would rate speech."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.optional import onnx_session, package_file

Values = NDArray[np.float64]

MODEL = "speechmos/dnsmos_models/sig_bak_ovr.onnx"
RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # Hz
RATE = 16_000  # Hz, of the model
SECONDS = 9.01  # the model's input
SAMPLES = 144_160

# The model's outputs are mapped to the scale of listeners by polynomials; coefficients of x², x, 1.
POLYNOMIALS = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovr": (-0.06766283, 1.11546468, 0.04602535),
}


def dnsmos_sig(clean: NDArray[Any], estimate: NDArray[Any], fs: float) -> Values:
    """Quality of the speech by DNSMOS P.835, 1 (bad) to 5; the clean signal is not used.

    Parameters
    ----------
    clean, estimate : array, shape (N, samples)
        The full scale of the estimate must be ±1: the values depend on the level.
    fs : float
        Sampling rate in Hz. Signals at other rates than 16 kHz are resampled. The model was made
        for speech with frequencies up to 8 kHz: it gives lower values for speech sampled at 8 kHz.

    Returns
    -------
    array, shape (N,)

    Raises
    ------
    InputError
        If a package is missing (``pip install 'sigbench[dnsmos]'``), or an estimate is silent.

    References
    ----------
    Reddy, Gopal, Cutler, "DNSMOS P.835: a non-intrusive perceptual objective speech quality metric
    to evaluate noise suppressors", ICASSP 2022; package speechmos (MIT license).
    """
    return _batch(estimate, fs, "sig")


def dnsmos_bak(clean: NDArray[Any], estimate: NDArray[Any], fs: float) -> Values:
    """Quality of the background by DNSMOS P.835, 1 (very intrusive) to 5; see `dnsmos_sig`."""
    return _batch(estimate, fs, "bak")


def dnsmos_ovr(clean: NDArray[Any], estimate: NDArray[Any], fs: float) -> Values:
    """Overall quality by DNSMOS P.835, 1 (bad) to 5; see `dnsmos_sig`."""
    return _batch(estimate, fs, "ovr")


def _batch(estimate: NDArray[Any], fs: float, scale: str) -> Values:
    path = package_file("speechmos", MODEL, user="metric dnsmos", extra="dnsmos")
    session = onnx_session(path, user="metric dnsmos", extra="dnsmos")
    items = np.ascontiguousarray(estimate, np.float64)
    if not items.any(axis=1).all():
        raise InputError("the estimate is silent: DNSMOS is undefined")  # the model rates it 1.8
    column = list(POLYNOMIALS).index(scale)
    raw = _raw(session, items.tobytes(), len(items), fs)
    return np.array([np.polyval(POLYNOMIALS[scale], r[:, column]).mean() for r in raw])


@functools.lru_cache(maxsize=16)  # the three metrics score the same items one after another
def _raw(session: Any, batch: bytes, count: int, fs: float) -> list[NDArray[np.floating[Any]]]:
    """Return the model's outputs for the windows of each signal, shape ``(windows, 3)``."""
    from scipy.signal import resample_poly  # loads scipy.stats

    name = session.get_inputs()[0].name
    outputs = []
    for signal in np.frombuffer(batch).reshape(count, -1):
        resampled = signal if fs == RATE else resample_poly(signal, RATE, int(fs))
        windows = _windows(resampled).astype(np.float32)
        outputs.append(np.concatenate([session.run(None, {name: w[None]})[0] for w in windows]))
    return outputs


def _windows(signal: Values) -> Values:
    """Return the windows of 9.01 s that are scored, 1 s apart, shape ``(windows, samples)``.

    A shorter signal is doubled until it is long enough.

    Examples
    --------
    >>> _windows(np.ones(100_000)).shape, _windows(np.ones(320_000)).shape
    ((3, 144160), (7, 144160))
    """
    while len(signal) < SAMPLES:
        signal = np.tile(signal, 2)
    # As in the package: its limits are rounded down, which loses a sample of the windows from 7 to
    # 23 s on, and it skips windows that are too short. Published values include this.
    hops = int(len(signal) // RATE - SECONDS) + 1
    limits = ((i * RATE, int((i + SECONDS) * RATE)) for i in range(hops))
    return np.stack([signal[a:b] for a, b in limits if b - a == SAMPLES and b <= len(signal)])
