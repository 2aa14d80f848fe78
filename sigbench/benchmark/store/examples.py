"""Files of examples: the first items of a problem, and their estimates by a method.

They are NPZ archives without compression, which would save 7 % of noisy signals and sound.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np

from sigbench.benchmark.engine.examples import Example
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain
from sigbench.problems.base import ItemInfo

MAX_BYTES = 2**26  # sigbench writes no larger file
UNREADABLE = (  # errors of NumPy for a damaged or foreign file
    OSError,
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    MemoryError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    zipfile.BadZipFile,
)


class Originals(NamedTuple):
    """The first items of a problem: float32 arrays ``(C, *space)`` with the given peak value.

    ``noisy`` is what a method is given: for system identification the input and the output of the
    system, two channels. ``fs`` is the sampling rate in Hz, or None.
    """

    items: tuple[int, ...]
    noisy: tuple[Array, ...]
    clean: tuple[Array, ...]
    peak: float
    domain: Domain
    fs: float | None


class Estimates(NamedTuple):
    """The estimates of the items by the method of a cell, and their values by metric."""

    items: tuple[int, ...]
    estimates: tuple[Array, ...]
    values: Mapping[str, tuple[float, ...]]
    cell_key: str


def encode_originals(examples: Sequence[Example], info: ItemInfo) -> bytes:
    """Return the content of the file of the noisy and clean items of a problem."""
    noisy = {f"noisy{i}": example.noisy for i, example in enumerate(examples)}
    clean = {f"clean{i}": example.clean for i, example in enumerate(examples)}
    fs = {} if info.fs is None else {"fs": np.float64(info.fs)}
    peak, domain = np.float64(info.peak), np.array(info.domain)
    return _encode(examples, peak=peak, domain=domain, **fs, **noisy, **clean)


def encode_estimates(examples: Sequence[Example], cell_key: str) -> bytes:
    """Return the content of the file of their estimates by the method of a cell."""
    metrics = list(examples[0].values)
    values = np.array([[example.values[name] for example in examples] for name in metrics])
    estimates = {f"estimate{i}": example.estimate for i, example in enumerate(examples)}
    key, names = np.array(cell_key), np.array(metrics, str)
    return _encode(examples, cell_key=key, metrics=names, values=values, **estimates)


def _encode(examples: Sequence[Example], **arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, items=np.array([example.item for example in examples]), **arrays)
    return buffer.getvalue()


def read_originals(path: Path) -> Originals:
    """Read the noisy and clean items of a problem.

    Files of older versions contain images, and do not say so.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    found = _read(path)
    try:
        items = _items(found)
        domain: Any = _text(found["domain"]) if "domain" in found else "image"
        if domain not in get_args(Domain):
            raise ValueError(f"{domain=} must be one of: {', '.join(get_args(Domain))}")
        shape, axes = ("(C, H, W)", 3) if domain == "image" else ("(C, L)", 2)
        noisy, clean = (_arrays(found, name, shape, (axes,)) for name in ("noisy", "clean"))
        if domain != "system" and [a.shape for a in noisy] != [a.shape for a in clean]:
            raise ValueError("a noisy and a clean item have different shapes")
        fs = _positive(found["fs"], "fs") if "fs" in found else None
        peak = _positive(found["peak"], "peak")
    except UNREADABLE as error:
        raise _unreadable(path, error) from None
    return Originals(items, noisy, clean, peak, domain, fs)


def read_estimates(path: Path) -> Estimates:
    """Read the estimates of a method.

    Files of older versions have no values but the PSNR.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    found = _read(path)
    try:
        items = _items(found)
        estimates = _arrays(found, "estimate", "(C, L) or (C, H, W)", (2, 3))
        old = "psnr" in found
        names = ["psnr"] if old else [_text(name) for name in _row(found["metrics"], "metrics")]
        table = found["psnr"][None] if old else found["values"]
        if table.dtype.kind != "f" or table.shape != (len(names), len(items)):
            raise ValueError("it does not contain one value per metric and item")
        values = {name: tuple(row) for name, row in zip(names, table.tolist(), strict=True)}
        key = _text(found["cell_key"])
    except UNREADABLE as error:
        raise _unreadable(path, error) from None
    return Estimates(items, estimates, values, key)


def _read(path: Path) -> dict[str, Any]:
    """Return the arrays of a file, by name."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        with path.open("rb") as data, zipfile.ZipFile(data) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise ValueError("it is compressed")
            if sum(member.file_size for member in members) > size:
                raise ValueError("its members overlap")
        with path.open("rb") as data, np.load(data, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: BaseException) -> InputError:
    return InputError(f"{path} cannot be read as examples of a run: {error}")


def _items(found: Mapping[str, Any]) -> tuple[int, ...]:
    items = _row(found["items"], "items")
    if items.dtype.kind not in "iu" or len(items) == 0:
        raise ValueError("it does not contain the numbers of items")
    return tuple(items.tolist())


def _arrays(
    found: Mapping[str, Any], name: str, shape: str, axes: tuple[int, ...]
) -> tuple[Array, ...]:
    """Return the arrays ``name0``, ``name1``, ... of all items, checked."""
    arrays = tuple(found[f"{name}{i}"] for i in range(len(found["items"])))
    for array in arrays:
        fits = array.ndim in axes and array.size > 0 and array.dtype == np.float32
        if not fits or np.isnan(array).any():
            raise ValueError(f"it does not contain float32 arrays of shape {shape} without NaN")
    return arrays


def _row(array: Any, name: str) -> Any:
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}: it must have one dimension")
    return array


def _text(array: Any) -> str:
    if array.ndim != 0 or array.dtype.kind != "U":
        raise ValueError(f"it has dtype {array.dtype} where a text is expected")
    return str(array)


def _positive(array: Any, name: str) -> float:
    value = float(array)
    if not 0 < value < math.inf:
        raise ValueError(f"{name}={value} must be > 0 and finite")
    return value
