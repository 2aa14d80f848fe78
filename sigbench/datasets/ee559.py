"""Image pairs from a course: 32×32 color images with recorded noise."""

from __future__ import annotations

import functools
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain
from sigbench.datasets.base import Split
from sigbench.datasets.safe_load import opcodes, zip_content, zip_members
from sigbench.datasets.source import DatasetSource, File

PAIRS = {"train_data.pkl": 50_000, "val_data.pkl": 1_000}
VALIDATION = (
    100  # the first items of val_data.pkl, as in the reports; the others are the test split
)
PIXELS = 3 * 32 * 32
MAX_OVERHEAD = 1 << 20  # bytes in a file other than pixels
KINDS = ("Byte", "Char", "Short", "Int", "Long", "Bool", "Half", "Float", "Double")
TORCH = {  # names in a pickle of tensors
    "torch._utils._rebuild_tensor_v2",
    "collections.OrderedDict",
    *(f"torch.{kind}Storage" for kind in KINDS),
}


def _check(file: File, path: Path) -> None:
    _tensors(path, PAIRS[file.name])


@dataclass(frozen=True)
class Ee559:
    """Image pairs from a course, with recorded noise, gray levels 0..255, float32.

    An item contains two views, concatenated along the channels: first the clean view (in the
    training split another noisy view), then the noisy one. The degradation `Recorded` separates
    them.

    Examples
    --------
    >>> Ee559().size("train"), Ee559().size("test")
    (50000, 900)
    """

    kind: ClassVar[str] = "ee559"
    domain: ClassVar[Domain] = "image"
    peak: ClassVar[float] = 255.0
    problem_info: ClassVar[Mapping[str, Any]] = {}
    recorded: ClassVar[bool] = True
    source: ClassVar[DatasetSource] = DatasetSource(
        name="ee559",
        origin="course EE-559, EPFL",
        licence="none stated",
        declared=tuple(
            File(name, most=2 * pairs * PIXELS + MAX_OVERHEAD) for name, pairs in PAIRS.items()
        ),
        check=_check,
    )

    @property
    def version(self) -> str:
        """Digest of both files, as recorded when they were fetched."""
        digests = [self.source.digest(file) for file in self.source.files]
        if None in digests:
            raise InputError(f"ee559 has not been fetched: run {self.source.command}")
        return hashlib.sha256(" ".join(map(str, digests)).encode()).hexdigest()[:16]

    def size(self, split: Split) -> int | None:
        """Return the number of pairs in the split."""
        if split == "train":
            return PAIRS["train_data.pkl"]
        return PAIRS["val_data.pkl"] - VALIDATION

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return both views of one image, the noisy one last, shape ``(6, 32, 32)``, float32."""
        train, val = self.source.files
        if split == "train":
            noisy, other = _pairs(self.source.folder, train)
        else:
            noisy, other = (views[VALIDATION:] for views in _pairs(self.source.folder, val))
        return np.concatenate([other[item], noisy[item]]).astype(np.float32)

    def group(self, split: Split, item: int) -> str | None:
        """Return None: images are independent."""
        return None


@functools.cache
def _pairs(folder: Path, file: File) -> tuple[NDArray[np.uint8], ...]:
    return _tensors(Ee559.source.verified_path(file), PAIRS[file.name])


def _tensors(path: Path, pairs: int) -> tuple[NDArray[np.uint8], ...]:
    """Return the two arrays in a ``torch.save`` file, memory-mapped.

    Raises
    ------
    InputError
        If the file does not contain two uint8 tensors of shape ``(pairs, 3, 32, 32)``.
    """
    _check_archive(path, 2 * pairs * PIXELS + MAX_OVERHEAD)
    try:
        import torch
    except ImportError:
        raise InputError("ee559 requires torch: pip install 'sigbench[torch]'") from None
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # of many types; their messages recommend trusting the file
        raise InputError(f"torch's safe loader rejects it ({type(error).__name__})") from None
    shape = (pairs, 3, 32, 32)
    if not isinstance(content, tuple | list) or len(content) != 2:
        raise InputError("it must contain two tensors")
    for views in content:
        if type(views) is not torch.Tensor or views.layout is not torch.strided:
            raise InputError("it must contain two tensors")
        if views.dtype is not torch.uint8 or tuple(views.shape) != shape:
            raise InputError(
                f"it contains a tensor of {views.dtype} and shape {tuple(views.shape)}: "
                f"it must be torch.uint8 and {shape}"
            )
    return tuple(views.numpy() for views in content)


def _check_archive(path: Path, max_bytes: int) -> None:
    """Check the sizes in a file and the imports of its pickle before torch reads it."""
    try:
        parts = zip_members(path, max_bytes)
    except InputError as error:
        raise InputError(f"it is not a torch.save file: {error}") from None
    if any(part.compress_type != zipfile.ZIP_STORED for part in parts):
        raise InputError("it unpacks to more bytes than declared: refused")
    pickles = [part for part in parts if part.filename.endswith("/data.pkl")]
    if len(pickles) != 1 or pickles[0].file_size > MAX_OVERHEAD:
        raise InputError("it is not a torch.save file: it must contain one small data.pkl")
    for _ in opcodes(zip_content(path, pickles[0], MAX_OVERHEAD), TORCH):
        pass
