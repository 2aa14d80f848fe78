"""What a dataset is, and where the cards with their small data lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from sigbench.types import Array, Domain

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
    def facts(self) -> Mapping[str, Any]:
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


def card_folder() -> Path:
    """Return the folder of the dataset cards: inside an installed wheel, or in the checkout."""
    inside = Path(__file__).parent / "cards"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "datasets"
