"""Reverberation by room impulse responses, which start with the direct sound."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.media import read
from sigbench.core.validation import check_field
from sigbench.datasets.source import digest_of

Signals = NDArray[np.float64]


class Room(Protocol):
    """Reverberation; a frozen dataclass of its parameters."""

    def applied(self, speech: Signals, fs: float, rng: np.random.Generator) -> Signals:
        """Return reverberant speech of the same shape ``(N, L)``; the direct sound is unchanged."""
        ...


@dataclass(frozen=True)
class Decay:
    """A direct sound and Gaussian noise that decays exponentially, newly drawn for each item.

    Parameters
    ----------
    t60_s : float
        Time in which the reverberation decays by 60 dB.
    direct_db : float
        Energy of the direct sound relative to that of the reverberation, in dB.

    References
    ----------
    J.-D. Polack, "La transmission de l'énergie sonore dans les salles", thesis, Le Mans, 1988.

    Examples
    --------
    >>> click = np.zeros((1, 4000))
    >>> click[0, 0] = 1
    >>> h = Decay(t60_s=0.3).applied(click, 8000.0, np.random.default_rng(0))[0]
    >>> float(h[0]), float(np.sum(h[1:] ** 2).round(6))
    (1.0, 1.0)
    """

    t60_s: float = 0.4
    direct_db: float = 0.0

    kind: ClassVar[str] = "decay"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_field("t60_s", self.t60_s, 0.01, below=20)
        check_field("direct_db", self.direct_db, -60, below=100)

    def applied(self, speech: Signals, fs: float, rng: np.random.Generator) -> Signals:
        """Return reverberant speech of the same shape ``(N, L)``."""
        taps = math.ceil(self.t60_s * fs)
        tails = rng.standard_normal((len(speech), taps))
        tails *= 10 ** (-3 * np.arange(1, taps + 1) / (self.t60_s * fs))
        energy = np.sum(tails**2, axis=1, keepdims=True)
        tails *= 10 ** (-self.direct_db / 20) / np.sqrt(energy)
        responses = np.concatenate([np.ones((len(speech), 1)), tails], axis=1)
        return _convolved(speech, responses)


@dataclass(frozen=True)
class Response:
    """A measured room impulse response, the same for all items.

    It starts at its largest sample, which is taken as the direct sound and scaled to 1.

    Parameters
    ----------
    path : str
        Sound file with one channel.
    """

    path: str = field(metadata={"identity": False})  # `version` depends on the content

    kind: ClassVar[str] = "response"

    def __post_init__(self) -> None:
        if not Path(self.path).is_file():
            raise InputError(f"path={self.path}: no such file")
        taps, _ = self._measured
        if not taps.any():
            raise InputError(f"path={self.path} is silent: it must be a room impulse response")

    @functools.cached_property
    def _measured(self) -> tuple[Signals, float]:
        """The samples of the file and their sampling rate in Hz."""
        content = read(Path(self.path))
        if content.fs is None or len(content.batch) != 1:
            raise InputError(f"path={self.path} must be a sound file with one channel")
        return content.item[0].astype(np.float64), content.fs

    @property
    def version(self) -> str:
        """Digest of the file."""
        return digest_of(Path(self.path))

    def applied(self, speech: Signals, fs: float, rng: np.random.Generator) -> Signals:
        """Return reverberant speech of the same shape ``(N, L)``; ``rng`` is not used."""
        taps, own_fs = self._measured
        if own_fs != fs:
            from scipy.signal import resample_poly

            common = math.gcd(round(own_fs), round(fs))
            taps = resample_poly(taps, round(fs) // common, round(own_fs) // common)
        direct = int(np.abs(taps).argmax())
        return _convolved(speech, taps[None, direct:] / taps[direct])


def _convolved(speech: Signals, responses: Signals) -> Signals:
    """Return the convolution, cut to the length of the speech."""
    from scipy.signal import fftconvolve

    return np.asarray(fftconvolve(speech, responses, axes=1)[:, : speech.shape[1]])


ROOMS = {"decay": Decay, "response": Response}
