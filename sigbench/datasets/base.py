"""What a dataset is, and where the cards with their small data lie."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Protocol

from sigbench.types import Array, Domain

Split = Literal["train", "test"]


class Dataset(Protocol):
    """Clean items, each made or read alone; a frozen dataclass of its parameters.

    ``peak`` is the declared peak value in the dataset's units, ``fs`` the sampling rate in Hz
    or None, ``version`` is raised when items change.
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
    def fs(self) -> float | None:
        """The sampling rate in Hz, or None."""
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


def card_folder() -> Path:
    """Return the folder of the dataset cards: inside an installed wheel, or in the checkout."""
    inside = Path(__file__).parent / "cards"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "datasets"
