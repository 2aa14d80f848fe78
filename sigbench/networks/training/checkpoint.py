"""Checkpoints: all that a training needs to go on as if nothing had been, in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save as to_bytes

from sigbench.core.errors import InputError
from sigbench.core.media import UNFINISHED, write_atomically
from sigbench.core.protocols import Array
from sigbench.networks.pretrained.weights import digest_of, read_arrays

Arrays = dict[str, Array]

PARTS = ("weights", "kept", "best")


class ValidationRow(NamedTuple):
    """A line of the log: where the training was at a validation, and what came of it.

    ``loss`` is the mean over the steps since the line before, ``validation`` the loss on the
    validation pairs, by which the best weights are chosen, ``figure`` the recipe's metric there,
    and ``gap`` by how much that is worse than the limit's; NaN without one.
    """

    step: int
    epoch: float
    samples: int
    seconds: float
    lr: float
    loss: float
    validation: float
    figure: float
    gap: float


@dataclass
class TrainingState:
    """How far a training is.

    Attributes
    ----------
    steps : int
        How many there are in all.
    step : int
        How many are done.
    seconds : float
        What they took.
    loss, count : float, int
        Sum and number of the losses since the last line of the log.
    log : list of Row
        One line a validation.
    best : dict of str to array
        The weights of the best validation so far.
    """

    steps: int
    step: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    count: int = 0
    log: list[ValidationRow] = field(default_factory=list)
    best: Arrays = field(default_factory=dict)


class Found(NamedTuple):
    """What a checkpoint holds: the state, the weights, and what the optimizer keeps."""

    state: TrainingState
    weights: Arrays
    kept: Arrays


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's file.

    Parameters
    ----------
    path : Path
        Where it is.
    key : str
        Digest of all that the training's values depend on.
    """

    path: Path
    key: str

    def save(
        self, state: TrainingState, weights: Mapping[str, Array], kept: Mapping[str, Array]
    ) -> None:
        """Write the file, whole or not at all."""
        parts = dict(zip(PARTS, (weights, kept, state.best), strict=True))
        arrays = {
            f"{part}/{name}": np.array(array, order="C")
            for part, own in parts.items()
            for name, array in own.items()
        }
        plain = {k: v for k, v in vars(state).items() if k != "best"}
        text = json.dumps({"key": self.key, **plain})
        about = {"sigbench-checkpoint": text, "sha256": digest_of(text, arrays)}
        write_atomically(self.path, to_bytes(arrays, metadata=about))

    def load(self) -> Found | None:
        """Read the file; None where there is none.

        Raises
        ------
        InputError
            Where it is damaged, or of another training.
        """
        if not self.path.exists():
            return None
        try:
            about, arrays = read_arrays(self.path)
        except InputError:
            raise self._refused("cannot be read as safetensors") from None
        text = about.get("sigbench-checkpoint", "")
        if about.get("sha256") != digest_of(text, arrays):
            raise self._refused("is damaged: its values are not those of its sha256")
        plain: dict[str, Any] = json.loads(text)
        if plain.pop("key") != self.key:
            raise self._refused("is of another recipe, engine or device")
        parts: dict[str, Arrays] = {part: {} for part in PARTS}
        for name, array in arrays.items():
            part, _, own = name.partition("/")
            parts[part][own] = array
        log = [ValidationRow(*row) for row in plain.pop("log")]
        state = TrainingState(**plain, log=log, best=parts["best"])
        return Found(state, parts["weights"], parts["kept"])

    def _refused(self, why: str) -> InputError:
        return InputError(
            f"{self.path} {why}: --fresh deletes it and begins anew, -o takes another file"
        )

    def remove(self) -> None:
        """Delete the file, and what a kill has left of writing it."""
        self.path.unlink(missing_ok=True)
        for left in self.path.parent.glob(f".{self.path.name}.*{UNFINISHED}"):
            left.unlink(missing_ok=True)
