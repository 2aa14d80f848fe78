"""What a dataset is, and where the cards with their small data lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain

Split = Literal["train", "test"]


class Dataset(Protocol):
    """Clean items, each made or read alone; a frozen dataclass of its parameters.

    ``peak`` is the declared peak value in the dataset's units; ``version`` is raised when items
    change.
    """

    kind: ClassVar[str]

    @property
    def domain(self) -> Domain:
        """What kind of signal it holds."""
        ...

    @property
    def peak(self) -> float:
        """The declared peak value."""
        ...

    @property
    def problem_info(self) -> Mapping[str, Any]:
        """What every method is told by name: ``fs`` in Hz, the parameters of a known prior."""
        ...

    @property
    def version(self) -> str:
        """Changes when items do."""
        ...

    def size(self, split: Split) -> int | None:
        """Return how many items the split has; None: without end."""
        ...

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one clean item, shape ``(C, *space)``."""
        ...

    def group(self, split: Split, item: int) -> str | None:
        """Return what the item depends on with others, or None where it stands alone."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """A dataset that makes many fresh items at once: training draws them without end."""

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return ``n`` clean items, shape ``(n, C, *space)``."""
        ...


@runtime_checkable
class WithNoise(Protocol):
    """A dataset whose noise comes with it: an item is the clean view, then the noisy one.

    They follow one another along the channels, shape ``(2C, *space)``; in the training split the
    first may be another noisy view.
    """

    recorded: ClassVar[bool]


def check_items(name: str, dataset: Dataset, items: int, train_items: int) -> None:
    """Refuse a problem's numbers of items: to test, none or more than there are; to train, < 2."""
    size = dataset.size("test")
    if items < 1 or (size is not None and items > size):
        raise InputError(
            f"{name}: items={items} must be >= 1" + (f" and <= {size}" if size else "")
        )
    if train_items < 2:
        raise InputError(f"{name}: train_items={train_items} must be >= 2")


def can_train(dataset: Dataset) -> bool:
    """Whether there is a training split."""
    size = dataset.size("train")
    return size is None or size >= 2


class Share(NamedTuple):
    """Items of the training split that learners see; a fifth of them is for validation."""

    pairs: range
    validation: range


def training_share(name: str, dataset: Dataset, most: int) -> Share:
    """Share out at most so many items of the training split.

    Raises
    ------
    InputError
        Where the dataset has none.
    """
    if not can_train(dataset):
        raise InputError(f"{name}: {dataset.kind} has no training split to tune or train on")
    size = dataset.size("train")
    n = most if size is None else min(size, most)
    n_pairs = n - n // 5 if n >= 5 else n - 1
    return Share(range(n_pairs), range(n_pairs, n))


def card_folder() -> Path:
    """Return the folder of the dataset cards: inside an installed wheel, or in the checkout."""
    inside = Path(__file__).parent / "cards"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "datasets"
