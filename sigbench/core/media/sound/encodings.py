"""Encodings of samples: bytes to floats with full scale 1, and back to the nearest value."""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError

Samples = NDArray[np.float64]
Order = Literal["<", ">"]

# Bytes per sample, by the names of libsndfile.
ENCODINGS = {
    "PCM_U8": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
    "ULAW": 1,
    "ALAW": 1,
}
INTEGER_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
FLOATS = {"FLOAT": "f4", "DOUBLE": "f8"}


def decode(data: bytes, encoding: str, order: Order) -> Samples:
    """Return the samples in the bytes of a WAV file.

    Parameters
    ----------
    data : bytes
        Whole samples.
    encoding : str
        One of `ENCODINGS`.
    order : {"<", ">"}
        Order of the bytes of a sample.

    Examples
    --------
    >>> decode(bytes([0, 64, 0, 192]), "PCM_16", "<")
    array([ 0.5, -0.5])
    """
    if encoding in FLOATS:
        with np.errstate(invalid="ignore"):  # some values that are not numbers warn
            return np.frombuffer(data, order + FLOATS[encoding]).astype(np.float64)
    if encoding in ("ULAW", "ALAW"):
        return _table(encoding)[np.frombuffer(data, np.uint8)]
    bits = INTEGER_BITS[encoding]
    if encoding == "PCM_U8":
        return (np.frombuffer(data, np.uint8) - 128.0) / 128
    if bits == 24:  # as integers of 32 bits whose last byte is 0
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, slice(1, 4) if order == "<" else slice(0, 3)] = np.frombuffer(
            data, np.uint8
        ).reshape(-1, 3)
        return padded.reshape(-1).view(order + "i4") / 2.0**31
    return np.frombuffer(data, f"{order}i{bits // 8}") / 2.0 ** (bits - 1)


def encode(samples: Samples, encoding: str, order: Order) -> bytes:
    """Return the bytes of samples, each rounded to the nearest value; those beyond are clipped.

    Raises
    ------
    InputError
        If a value is too large for a float format.

    Examples
    --------
    >>> list(encode(np.array([0.5, 1.0, 0.4 / 2**15]), "PCM_16", "<"))
    [0, 64, 255, 127, 0, 0]
    """
    if encoding in FLOATS:
        with np.errstate(over="ignore"):
            values = samples.astype(order + FLOATS[encoding])
        if not np.isfinite(values).all():
            raise InputError(
                f"{np.abs(samples).max():.3g} is too large for samples of type {encoding}"
            )
        return values.tobytes()
    if encoding in ("ULAW", "ALAW"):
        values, codes = _sorted_table(encoding)
        found = np.searchsorted((values[1:] + values[:-1]) / 2, samples)
        out = codes[found]
        if encoding == "ULAW":  # it has a code for +0 and one for −0
            zero = values[found] == 0
            out[zero] = np.where(np.signbit(samples[zero]), MINUS_ZERO, PLUS_ZERO)
        return out.tobytes()
    bits = INTEGER_BITS[encoding]
    whole = to_integers(samples, bits)
    if encoding == "PCM_U8":
        return (whole + 128).astype(np.uint8).tobytes()
    if bits == 24:
        four = (whole << 8).astype(order + "i4").view(np.uint8).reshape(-1, 4)
        return four[:, slice(1, 4) if order == "<" else slice(0, 3)].tobytes()
    return whole.astype(f"{order}i{bits // 8}").tobytes()


def to_integers(samples: Samples, bits: int) -> NDArray[np.int32]:
    """Return the nearest integers of a number of bits; samples beyond full scale are clipped.

    Examples
    --------
    >>> to_integers(np.array([-1.0, 0.3 / 128, 0.7 / 128, 1.0]), 8).tolist()
    [-128, 0, 1, 127]
    """
    scale = 2.0 ** (bits - 1)
    return np.clip(np.rint(samples * scale), -scale, scale - 1).astype(np.int32)


def clipped(samples: Samples, encoding: str) -> NDArray[np.bool_]:
    """Return which samples are beyond full scale by half a step or more; none in a float format."""
    if encoding in FLOATS:
        return np.zeros(samples.shape, bool)
    low, high, half = _range(encoding)
    beyond: NDArray[np.bool_] = (samples > high + half) | (samples < low - half)
    return beyond


def at_full_scale(samples: Samples, encoding: str) -> NDArray[np.bool_]:
    """Return which samples have the largest or smallest value of an encoding, or are beyond it."""
    low, high, _ = _range(encoding)
    extreme: NDArray[np.bool_] = (samples >= high) | (samples <= low)
    return extreme


def _range(encoding: str) -> tuple[float, float, float]:
    """Return the smallest and largest value of an encoding, and half its step there."""
    if encoding in ("ULAW", "ALAW"):
        values, _ = _sorted_table(encoding)
        return float(values[0]), float(values[-1]), float(values[-1] - values[-2]) / 2
    step = 2.0 ** (1 - INTEGER_BITS[encoding])
    return -1.0, 1 - step, step / 2


PLUS_ZERO, MINUS_ZERO = 0xFF, 0x7F  # codes of µ-law


@functools.cache
def _table(encoding: str) -> Samples:
    """Return the value of each of the 256 codes.

    References
    ----------
    ITU-T Recommendation G.711 (1988), tables 1 and 2: A-law with 13 bits, µ-law with 14 bits.
    """
    code = np.arange(256)
    if encoding == "ULAW":
        code = ~code & 0xFF
        exponent, mantissa = code >> 4 & 7, code & 15
        size = ((2 * mantissa + 33) << exponent) - 33
        values = np.where(code & 0x80, -size, size) / 2.0**13
        values[MINUS_ZERO] = -0.0
        return values
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, code & 15
    size = np.where(exponent > 0, (2 * mantissa + 33) << np.maximum(exponent - 1, 0), 0)
    size = np.where(exponent > 0, size, 2 * mantissa + 1)
    values = np.where(code & 0x80, size, -size) / 2.0**12
    return values


@functools.cache
def _sorted_table(encoding: str) -> tuple[Samples, NDArray[np.uint8]]:
    """Return the distinct values of a table in ascending order, and a code of each."""
    values, codes = np.unique(_table(encoding), return_index=True)
    return values, codes.astype(np.uint8)
