"""Mixtures of speech and noise at a signal-to-noise ratio, with optional reverberation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.datasets.base import Split
from sigbench.problems.base import Context, Degraded, check_snr_db
from sigbench.problems.noises import Babble, Modulated, Noise, Pink, SpeechShaped, White
from sigbench.problems.recordings import Recording
from sigbench.problems.rooms import ROOMS, Room
from sigbench.problems.speech_level import active_level
from sigbench.problems.varied import Varied

NOISES = {
    "white": White,
    "pink": Pink,
    "speech-shaped": SpeechShaped,
    "modulated": Modulated,
    "babble": Babble,
    "recording": Recording,
    "varied": Varied,
}


@dataclass(frozen=True)
class Mix:
    """Speech with added noise at a given signal-to-noise ratio.

    Noisy items are ``speech + gain·noise``. The gain is computed from the powers of the item and
    its noise, so every item has exactly this ratio. The clean item is the speech without noise and
    reverberation. Samples beyond full scale are not clipped, unless ``clip`` is set.

    Parameters
    ----------
    noise : Noise
        Kind of noise: ``white``, ``pink``, ``speech-shaped``, ``modulated``, ``babble``,
        ``recording``, ``varied``.
    snr_db : float
        Signal-to-noise ratio in dB.
    snr_db_to : float, optional
        Upper end of a range: the ratio of each item is drawn uniformly between ``snr_db`` and
        this value.
    level : {"overall", "active"}
        The power of the speech in the ratio: the mean over the whole item, or the active speech
        level of ITU-T P.56. The power of the noise is always the mean over the item.
    reverb : Room, optional
        Reverberation, ``decay`` or ``response``. The ratio then refers to the reverberant speech;
        the clean item is the direct sound, without delay.
    clip : bool
        Whether noisy items are clipped to ±peak.
    context : Context
        Set by the problem.

    References
    ----------
    ITU-T Recommendation P.56, "Objective measurement of active speech level", 2011.

    Examples
    --------
    >>> from sigbench.datasets import SpeechSmoke
    >>> from sigbench.problems.noises import Pink
    >>> data = SpeechSmoke()
    >>> mix = Mix(Pink(), snr_db=5.0).in_context(Context(data, "test", 0))
    >>> made = mix(data.item("test", 1, 0)[None], np.random.default_rng(0), peak=1.0)
    >>> noise = made.noisy - made.clean
    >>> float(10 * np.log10(np.mean(made.clean**2) / np.mean(noise**2)).round(6))
    5.0
    """

    noise: Noise = field(metadata={"table": NOISES})
    snr_db: float
    snr_db_to: float | None = field(default=None, metadata={"identity": "if set"})
    level: Literal["overall", "active"] = "overall"
    reverb: Room | None = field(default=None, metadata={"table": ROOMS, "identity": "if set"})
    clip: bool = False
    context: Context | None = field(default=None, repr=False, metadata={"identity": False})

    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_snr_db(self.snr_db)
        check_snr_db(self.snr_db_to, "snr_db_to")
        if self.snr_db_to is not None and self.snr_db_to < self.snr_db:
            raise InputError(f"snr_db_to={self.snr_db_to:g} must be >= snr_db={self.snr_db:g}")

    @property
    def kind(self) -> str:
        """Name of the random stream; it contains the kind of noise, but not the level."""
        return f"mix-{self.noise.kind}"

    @property
    def sigma_known(self) -> bool:
        """Whether the noise is white."""
        return self.noise.is_white

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def in_context(self, context: Context) -> Mix:
        """Return the degradation for these items."""
        return dataclasses.replace(self, context=context)

    def recordings(self, split: Split) -> list[str] | None:
        """Return the names of the noise recordings of a split, or None if nothing is recorded."""
        return self.noise.recordings(split)

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items.

        Raises
        ------
        InputError
            If an item or its noise is silent, or an item has several channels.
        """
        if self.context is None:
            raise InputError("mix: the context is not set: use it in a problem, or call in_context")
        if source.ndim != 3 or source.shape[1] != 1:
            raise InputError(f"mix: items have shape {source.shape[1:]}: they must have (1, L)")
        noise = self.noise.draw(len(source), source.shape[2], rng, self.context)
        snr_db = np.full(len(source), self.snr_db)
        if self.snr_db_to is not None:
            snr_db = rng.uniform(self.snr_db, self.snr_db_to, size=len(source))
        speech = source[:, 0].astype(np.float64)
        if self.reverb is not None:
            speech = self.reverb.applied(speech, self.context.fs, rng)
        power = self._power(speech / peak) * peak**2
        noise_power = np.mean(noise**2, axis=1)
        if not (power.all() and noise_power.all()):
            raise InputError("mix: an item or its noise is silent: its SNR is undefined")
        gain = np.sqrt(power / noise_power * 10 ** (-snr_db / 10))
        noisy = speech + gain[:, None] * noise
        if self.clip:
            noisy = np.clip(noisy, -peak, peak)
        sigma = gain.astype(source.dtype) if self.sigma_known else None
        return Degraded(source, noisy[:, None].astype(source.dtype), sigma)

    def _power(self, speech: Array) -> Array:
        """Return the power of every item, shape ``(N,)``, for full scale 1."""
        if self.level == "overall":
            return np.asarray(np.mean(speech**2, axis=1))
        assert self.context is not None
        fs = self.context.fs
        return np.array([active_level(one, fs).power for one in speech])
