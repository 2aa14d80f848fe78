"""The method ``auto`` for sound: a speech network, and OM-LSA above its frequency band."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sigbench.cli.denoise.blocks import blocks_for, estimates
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
    enhance = SpeechEnhancer(fs, len(batch))
    blocks = blocks_for(enhance, len(batch), fs)
    estimate = np.empty_like(batch)
    done = 0
    with Progress(blocks.count(batch.shape[2]), "block") as progress:
        parts = estimates(lambda a, b: batch[:, :, a:b], batch.shape[2], blocks, enhance)
        for part, _ in parts:
            estimate[:, :, done : done + part.shape[2]] = part
            done += part.shape[2]
            progress.advance()
    return estimate, enhance.choice()


class SpeechEnhancer:
    """Denoises consecutive blocks of a sound as speech, and estimates its ratio of speech to noise.

    Parameters
    ----------
    fs : float
        Sampling rate in Hz.
    channels : int
        Number of channels.
    """

    def __init__(self, fs: float, channels: int) -> None:
        self._fs, self._rate = fs, _network_rate(fs)
        self._enhance = _enhancer(fs, self._rate)
        self._powers = np.zeros((channels, 2))

    def __call__(self, noisy: Array) -> Array:
        """Return the estimate of a block ``(channels, 1, n)``; one channel at a time."""
        estimate = np.empty_like(noisy)
        for i in range(len(noisy)):
            channel = noisy[i : i + 1]
            estimate[i] = self._enhance(channel)[0]
            self._powers[i] += _powers(channel, self._fs)
        return estimate

    def choice(self) -> SpeechChoice:
        """Return the method, and the ratio in the blocks so far."""
        method = f"network[weights={NETWORKS[self._rate]}]" if self._rate else "om-lsa"
        levels = tuple(_snr_db(*powers) for powers in self._powers.tolist())
        return SpeechChoice(method, self._fs, self._rate, levels)


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
