"""The dataset protocol, and the folder of dataset cards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain

Split = Literal["train", "test"]


class Dataset(Protocol):
    """Clean items, each generated or read on its own; a frozen dataclass of its parameters.

    A package registers such a class in the entry-point group ``sigbench.datasets``, under the name
    that ``kind`` has. An item depends on nothing but the parameters, ``version`` and the arguments
    of `item`, so that every worker creates the same one.

    Attributes
    ----------
    kind : str
        Name of the dataset.
    """

    kind: ClassVar[str]

    @property
    def domain(self) -> Domain:
        """Kind of signal: ``"signal"``, ``"speech"``, ``"image"`` or ``"system"``."""
        ...

    @property
    def peak(self) -> float:
        """Declared peak value, in the units of the dataset."""
        ...

    @property
    def problem_info(self) -> Mapping[str, Any]:
        """Problem information by name: ``fs`` in Hz, the parameters of a known prior."""
        ...

    @property
    def version(self) -> str:
        """Version of the items: it changes whenever they change."""
        ...

    def size(self, split: Split) -> int | None:
        """Return the number of items in the split, or None if it is unlimited."""
        ...

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one clean item.

        Parameters
        ----------
        split : {"train", "test"}
            Items of one split are not in the other.
        seed : int
            Seed of the data; recorded items do not depend on it.
        item : int
            Index from 0; below the size of the split, if it is limited.

        Returns
        -------
        array, shape (C, L) or (C, H, W), float32 or float64
            The item, in the units of ``peak``; all values are finite.
        """
        ...

    def group(self, split: Split, item: int) -> str | None:
        """Return a name shared by dependent items, or None if the item is independent."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """A dataset that generates any number of new items, for training."""

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return ``n`` new clean items, shape ``(n, C, *space)``."""
        ...


@runtime_checkable
class WithBabble(Protocol):
    """A dataset with speech of background talkers, for babble."""

    def babble(
        self, split: Split, talkers: int, length: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return talkers with the RMS value 1, shape ``(talkers, length)``."""
        ...


@runtime_checkable
class WithNoise(Protocol):
    """A dataset with recorded noise: an item contains a clean and a noisy view.

    The views are concatenated along the channels, clean first, shape ``(2C, *space)``. In the
    training split the first view may also be noisy.
    """

    recorded: ClassVar[bool]


def clean_item(dataset: Dataset, split: Split, seed: int, item: int) -> Array:
    """Return one clean item, checked: datasets of other packages may be faulty.

    Raises
    ------
    InputError
        If the item is not an array that the protocol `Dataset` allows.
    """
    clean = dataset.item(split, seed, item)
    where = f"{dataset.kind}: item {item} of the {split} split"
    if not isinstance(clean, np.ndarray):
        raise InputError(f"{where} is a {type(clean).__name__}: it must be an array")
    if clean.dtype not in (np.float32, np.float64):
        raise InputError(f"{where} has dtype {clean.dtype}: it must be float32 or float64")
    if clean.ndim not in (2, 3) or clean.size == 0:
        raise InputError(f"{where} has shape {clean.shape}: it must be (C, L) or (C, H, W)")
    if not np.isfinite(clean).all():
        raise InputError(f"{where} has values that are not finite")
    return clean


def check_items(name: str, dataset: Dataset, items: int, train_items: int) -> None:
    """Check the numbers of test and training items of the problem ``name``.

    Raises
    ------
    InputError
        If ``items`` is < 1 or exceeds the test split, or ``train_items`` is < 2.
    """
    size = dataset.size("test")
    if items < 1 or (size is not None and items > size):
        raise InputError(
            f"{name}: items={items} must be >= 1" + (f" and <= {size}" if size else "")
        )
    if train_items < 2:
        raise InputError(f"{name}: train_items={train_items} must be >= 2")


def can_train(dataset: Dataset) -> bool:
    """Return whether there is a training split."""
    size = dataset.size("train")
    return size is None or size >= 2


class Share(NamedTuple):
    """Indices of training items for fitting and for validation."""

    pairs: range
    validation: range


def training_share(name: str, dataset: Dataset, most: int) -> Share:
    """Divide at most ``most`` items of the training split; a fifth is for validation.

    Raises
    ------
    InputError
        If the dataset has no training split.
    """
    if not can_train(dataset):
        raise InputError(f"{name}: {dataset.kind} has no training split to tune or train on")
    size = dataset.size("train")
    n = most if size is None else min(size, most)
    n_pairs = n - n // 5 if n >= 5 else n - 1
    return Share(range(n_pairs), range(n_pairs, n))


def card_folder() -> Path:
    """Return the folder of the dataset cards, in the installed wheel or in the checkout."""
    installed = Path(__file__).parent / "cards"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "datasets"
