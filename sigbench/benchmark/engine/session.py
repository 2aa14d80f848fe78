"""Calls of a method in this process: checked and timed."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from sigbench.benchmark.methods.describe import bind_problem_info, describe
from sigbench.core.protocols import Array, Certified, LogEntry, Oracle, TrainingHistory
from sigbench.core.validation import estimate_error
from sigbench.problems.base import Caller


class BadEstimate(Exception):
    """A method violated the protocol: wrong shape or dtype, not finite, or its input changed."""


class Given(NamedTuple):
    """The input of a call of a method.

    Attributes
    ----------
    noisy : array, shape (N, C, *space)
        The noisy items.
    sigma : array, shape (N,), or None
        The noise level, if the method is given it.
    clean : array or None
        The clean items, for an oracle only.
    shape : tuple of int
        What the estimate must have.
    items : sequence of int
        The numbers of the items, for errors.
    """

    noisy: Array
    sigma: Array | None
    clean: Array | None
    shape: tuple[int, ...]
    items: Sequence[int]


class About(NamedTuple):
    """What a result contains about a method, besides its values.

    ``latency_ms`` is NaN if it needs the whole item, and ``peak_rss_mb`` is the peak resident memory
    of its process in MiB.
    """

    params: str
    n_params: int
    device: str
    latency_ms: float
    history: TrainingHistory | None
    certified: bool
    peak_rss_mb: float


class Session(Protocol):
    """A method that is ready to be called."""

    def call(self, given: Given) -> tuple[Array, float]:
        """Return the checked estimate and the duration of the call in seconds."""
        ...

    def gaps(self, given: Given) -> Array:
        """Return the certificate of a `Certified` method, shape ``(N,)``."""
        ...

    def about(self) -> About:
        """Return what the method reports about itself, after the calls."""
        ...


class InProcess:
    """A method in this process.

    Parameters
    ----------
    entry : Denoiser, Estimator, NoiseTracker or Oracle
        The method; a learner has been fitted.
    problem_info : mapping
        The problem information that is bound to it.
    caller : Caller
        How it is called.
    """

    def __init__(self, entry: Any, problem_info: Mapping[str, Any], caller: Caller) -> None:
        _forget_peak_rss()
        self._entry = bind_problem_info(entry, problem_info)
        self._caller = caller

    def call(self, given: Given) -> tuple[Array, float]:
        """Return the checked estimate and the duration of the call in seconds.

        Raises
        ------
        BadEstimate
            If the method violated the protocol.
        """
        entry = self._entry
        if isinstance(entry, Oracle):
            if given.clean is None:
                raise BadEstimate("an oracle is not given the clean items here")
            entry = entry.bind(given.clean.copy())
        sigma = None if given.sigma is None else given.sigma.copy()
        noisy = given.noisy.copy()
        start = time.perf_counter()
        estimate = self._caller(entry, noisy, sigma)
        seconds = time.perf_counter() - start
        same_sigma = sigma is None or bool((sigma == given.sigma).all())
        if not (same_sigma and np.array_equal(noisy, given.noisy)):
            raise BadEstimate("the method changed its input")
        check_estimate(estimate, given)
        return estimate, seconds

    def gaps(self, given: Given) -> Array:
        """Return the certificate of a `Certified` method, shape ``(N,)``."""
        gaps = self._entry.certificate(given.noisy.copy(), sigma=given.sigma)
        return check_gaps(np.asarray(gaps, dtype=np.float64), given)

    def about(self) -> About:
        """Return what the method reports about itself."""
        return About(
            describe(self._entry),
            int(getattr(self._entry, "n_params", 0)),
            str(getattr(self._entry, "device", "cpu")),
            _latency_ms(self._entry),
            history_of(getattr(self._entry, "history", None)),
            isinstance(self._entry, Certified),
            _peak_rss_mb(),
        )


def check_estimate(estimate: Any, given: Given) -> None:
    """Check an estimate.

    Raises
    ------
    BadEstimate
        If it has the wrong type, shape or dtype, or is not finite.
    """
    error = estimate_error(estimate, given.shape, given.noisy.dtype, given.items)
    if error:
        raise BadEstimate(error)


def check_gaps(gaps: Array, given: Given) -> Array:
    """Return a certificate after checking it.

    Raises
    ------
    BadEstimate
        If it has the wrong shape or is not finite.
    """
    if gaps.shape != (len(given.items),):
        raise BadEstimate(f"the certificate has shape {gaps.shape}, not {(len(given.items),)}")
    if not np.isfinite(gaps).all():
        bad = int(np.flatnonzero(~np.isfinite(gaps))[0])
        raise BadEstimate(f"the certificate is {gaps[bad]} for item {given.items[bad]}")
    return gaps


def _latency_ms(entry: Any) -> float:
    """Return the algorithmic latency of a method in ms; NaN if it needs the whole item."""
    latency = getattr(entry, "latency_ms", None)
    if latency is None:
        return math.nan
    if not isinstance(latency, int | float) or not 0 <= latency < math.inf:
        raise BadEstimate(f"latency_ms={latency!r} must be a number >= 0, or None")
    return float(latency)


def history_of(history: Any) -> TrainingHistory | None:
    """Return a training history with plain numbers; None for any other object.

    Raises
    ------
    BadEstimate
        If its entries are not numbers.
    """
    if not isinstance(history, TrainingHistory):
        return None
    try:
        return TrainingHistory(
            float(history.seconds),
            int(history.steps),
            float(history.epochs),
            int(history.samples),
            str(history.metric),
            tuple(LogEntry(int(step), *map(float, rest)) for step, *rest in history.log),
        )
    except (TypeError, ValueError) as error:
        raise BadEstimate(f"its training history is invalid: {error}") from None


def _forget_peak_rss() -> None:
    """Reset the peak of the resident memory; possible on Linux only."""
    refs = Path("/proc/self/clear_refs")
    if refs.exists():
        try:
            refs.write_text("5")
        except OSError:  # not permitted: the earlier peak is still an upper bound
            return


def _peak_rss_mb() -> float:
    """Return the peak resident memory of the process in MiB, or NaN if it is unknown."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
