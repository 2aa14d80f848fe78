"""The method ``auto`` for sound: a speech network, and OM-LSA above its frequency band."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.progress import Progress
from sigbench.core.protocols import Array
from sigbench.denoisers.speech.frames import framing, power_spectra
from sigbench.denoisers.speech.om_lsa import OMLSA
from sigbench.denoisers.speech.trackers import Mcra
from sigbench.denoisers.speech.trackers.base import noise_spectra
from sigbench.networks.pretrained.denoiser import Pretrained
from sigbench.networks.pretrained.speech.alignment import factors

# Shipped weights by their sampling rate in Hz, highest first. Between 8 and 16 kHz the lower rate is
# used, because no network was trained on speech with an empty upper band.
NETWORKS = {16_000: "speech-16k", 8_000: "speech-8k"}
BLOCK_S, OVERLAP_S = 60, 5  # long files are processed in blocks, to limit the memory
MAX_SNR_DB = 40.0  # larger estimates are unreliable


@dataclass(frozen=True)
class SpeechChoice:
    """The method chosen for a sound file.

    Attributes
    ----------
    method : str
        The method, as typed on the command line.
    fs : float
        Sampling rate of the file in Hz.
    network_hz : int or None
        Sampling rate of the network; None if there is none for the file.
    snr_db : tuple of float
        Estimated ratio of speech to noise in each channel in dB; NaN for silence.
    """

    method: str
    fs: float
    network_hz: int | None
    snr_db: tuple[float, ...]

    def __str__(self) -> str:
        used = self.method
        if self.network_hz not in (None, self.fs):
            used += f" below {self.network_hz / 2000:g} kHz and om-lsa above"
        levels = ", ".join(_snr_text(level) for level in self.snr_db)
        return (
            f"{used}, for speech at {self.fs:g} Hz; estimated SNR of the input: {levels}; "
            "for other sounds choose a method with -m"
        )


def denoise_speech(batch: Array, fs: float) -> tuple[Array, SpeechChoice]:
    """Denoise each channel of a sound file as speech.

    Parameters
    ----------
    batch : array, shape (channels, 1, L)
        The file.
    fs : float
        Its sampling rate in Hz.

    Returns
    -------
    estimate : array, shape (channels, 1, L)
        With the dtype of ``batch``.
    choice : SpeechChoice
        The method and the estimated SNR.
    """
    rate = _network_rate(fs)
    enhance = _enhancer(fs, rate)
    estimate, levels = np.zeros_like(batch), []
    blocks = list(_blocks(batch.shape[2], round(BLOCK_S * fs), round(OVERLAP_S * fs)))
    with Progress(len(batch) * len(blocks), "block") as progress:
        for channel, out in zip(batch, estimate, strict=True):
            powers = []
            for block, weight in blocks:
                part = channel[None, :, block]
                out[:, block] += weight * enhance(part)[0]
                powers.append(_powers(part, fs))
                progress.advance()
            levels.append(_snr_db(*np.sum(powers, axis=0)))
    method = f"network[weights={NETWORKS[rate]}]" if rate else "om-lsa"
    return estimate, SpeechChoice(method, fs, rate, tuple(levels))


def _network_rate(fs: float) -> int | None:
    """Return the highest rate of a network that is not above that of a file."""
    for rate in NETWORKS:
        if rate <= fs:
            try:
                factors(fs, rate)
            except InputError:  # an unusual rate, which cannot be resampled
                return None
            return rate
    return None


def _enhancer(fs: float, rate: int | None) -> Callable[[Array], Array]:
    """Return a denoiser of signals ``(1, 1, L)``."""
    classical = OMLSA(fs=fs)
    if rate is None:
        return classical
    network = Pretrained(NETWORKS[rate], fs=float(rate))
    if rate == fs:
        return network
    from scipy.signal import resample_poly  # loads scipy.stats

    up, down = factors(fs, rate)

    def in_two_bands(noisy: Array) -> Array:
        """Replace the lower band of the classical estimate by that of the network."""
        whole = classical(noisy)
        change = network(resample_poly(noisy, up, down, axis=2))
        change -= resample_poly(whole, up, down, axis=2)
        whole += resample_poly(change, down, up, axis=2)[..., : noisy.shape[2]]
        return whole

    return in_two_bands


def _blocks(length: int, block: int, overlap: int) -> Iterator[tuple[slice, Array]]:
    """Yield overlapping parts of a signal with weights that sum to one everywhere.

    Examples
    --------
    >>> [(part.start, part.stop, w.tolist()) for part, w in _blocks(8, 5, 1)]
    [(0, 5, [1.0, 1.0, 1.0, 1.0, 0.5]), (4, 8, [0.5, 1.0, 1.0, 1.0])]
    """
    fade = np.arange(1, overlap + 1) / (overlap + 1)
    for start in range(0, max(length - overlap, 1), block - overlap):
        stop = min(start + block, length)
        weight = np.ones(stop - start)
        if start > 0:
            weight[:overlap] = fade
        if stop < length:
            weight[-overlap:] = fade[::-1]
        yield slice(start, stop), weight


def _powers(noisy: Array, fs: float) -> tuple[float, float]:
    """Return the power of a signal and that of the noise in it, from a noise tracker."""
    frames = framing(fs, overlap=2)
    noise = noise_spectra(Mcra(), noisy, frames)
    return float(power_spectra(noisy, frames).sum()), float(noise.sum())


def _snr_db(power: float, noise: float) -> float:
    if power == 0:
        return math.nan
    ratio = 10 ** (MAX_SNR_DB / 10)
    speech = max(power - noise, power / ratio)
    return 10 * math.log10(min(speech / max(noise, power / ratio), ratio))


def _snr_text(level: float) -> str:
    if math.isnan(level):
        return "silence"
    if abs(level) >= MAX_SNR_DB - 1:
        return f"{'above' if level > 0 else 'below -'}{MAX_SNR_DB:g} dB"
    return f"{level:.0f} dB"
