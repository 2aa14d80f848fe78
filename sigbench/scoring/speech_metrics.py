"""Speech metrics that other packages compute; the arrays are ``(N, samples)``."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.scoring.items import Values, by_item, check_sound


def stoi(clean: NDArray[Any], estimate: NDArray[Any], fs: float) -> Values:
    """STOI: short-time objective intelligibility, at most 1, by the package pystoi.

    Parameters
    ----------
    clean, estimate : array, shape (N, samples)
        The signals.
    fs : float
        Sampling rate in Hz; the package resamples other rates to 10 kHz.

    Returns
    -------
    array, shape (N,)

    Raises
    ------
    InputError
        If an item is silent, or has less than about 0.4 s of speech, for which pystoi returns 1e-5.

    References
    ----------
    Taal, Hendriks, Heusdens, Jensen, "An algorithm for intelligibility prediction of time-frequency
    weighted noisy speech", IEEE Trans. Audio Speech Lang. Process. 19(7), 2011.

    Examples
    --------
    >>> s = np.random.default_rng(0).standard_normal((1, 8000))
    >>> stoi(s, s, 8000.0).round(6)
    array([1.])
    """
    return by_item(partial(_stoi, extended=False), clean, estimate, fs)


def estoi(clean: NDArray[Any], estimate: NDArray[Any], fs: float) -> Values:
    """ESTOI: extended short-time objective intelligibility, at most 1, by the package pystoi.

    Parameters, result and errors are those of `stoi`.

    References
    ----------
    Jensen, Taal, "An algorithm for predicting the intelligibility of speech masked by modulated
    noise maskers", IEEE/ACM Trans. Audio Speech Lang. Process. 24(11), 2016.

    Examples
    --------
    >>> s = np.random.default_rng(0).standard_normal((1, 8000))
    >>> estoi(s, s, 8000.0).round(6)
    array([1.])
    """
    return by_item(partial(_stoi, extended=True), clean, estimate, fs)


def _stoi(clean: Values, estimate: Values, fs: float, *, extended: bool) -> float:
    from pystoi.stoi import FS, N_FRAME
    from pystoi.stoi import stoi as compute

    check_sound("STOI", clean, estimate)
    if fs != int(fs):
        raise InputError(f"{fs=:g} must be a whole number of Hz for STOI")
    short = f"{len(clean)} samples at {fs:g} Hz have too little speech for STOI: 0.4 s are needed"
    if len(clean) * FS <= N_FRAME * fs:
        raise InputError(short)
    # ESTOI adds tiny numbers from NumPy's global generator: fix them, then restore its state.
    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(0)  # noqa: NPY002
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Not enough STFT frames", RuntimeWarning)
            return float(compute(clean, estimate, int(fs), extended=extended))
    except RuntimeWarning:
        raise InputError(short) from None
    finally:
        np.random.set_state(state)  # noqa: NPY002


def pesq_nb(clean: NDArray[Any], estimate: NDArray[Any], fs: float) -> Values:
    """Narrow-band PESQ (ITU-T P.862 with P.862.1): a predicted opinion score from 1.0 to 4.5.

    Computed by the package ``pesq`` (``pip install 'sigbench[pesq]'``), in mode ``nb``. Versions of
    the package can differ, so report the version with every value.

    Parameters
    ----------
    clean, estimate : array, shape (N, samples)
        The signals.
    fs : float
        Sampling rate in Hz: 8000 or 16000. Other rates are refused, because the result would depend
        on how the signals are resampled.

    Returns
    -------
    array, shape (N,)

    Raises
    ------
    InputError
        If an item is silent, shorter than 0.25 s or without detected speech, or if the rate is not
        supported.

    References
    ----------
    ITU-T Recommendations P.862 (2001) and P.862.1 (2003).
    """
    return by_item(partial(_pesq, mode="nb"), clean, estimate, fs)


def pesq_wb(clean: NDArray[Any], estimate: NDArray[Any], fs: float) -> Values:
    """Wide-band PESQ (ITU-T P.862.2): a predicted opinion score from 1.0 to 4.6.

    Parameters, result and errors are those of `pesq_nb`, but the mode is ``wb`` and the only
    sampling rate is 16000 Hz.

    References
    ----------
    ITU-T Recommendation P.862.2 (2007).
    """
    return by_item(partial(_pesq, mode="wb"), clean, estimate, fs)


PESQ_RATES: dict[str, tuple[int, ...]] = {"nb": (8000, 16_000), "wb": (16_000,)}


def _pesq(clean: Values, estimate: Values, fs: float, mode: Literal["nb", "wb"]) -> float:
    from pesq import BufferTooShortError, NoUtterancesError, pesq

    if fs not in PESQ_RATES[mode]:
        legal = " or ".join(map(str, PESQ_RATES[mode]))
        raise InputError(f"{fs=:g} must be {legal} Hz for PESQ ({mode})")
    check_sound("PESQ", clean, estimate)
    try:
        return float(pesq(int(fs), clean, estimate, mode))
    except (BufferTooShortError, NoUtterancesError) as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise InputError(f"PESQ of {len(clean)} samples at {fs:g} Hz: {reason}") from None
