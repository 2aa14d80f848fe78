"""Checkpoints: one file with everything that is needed to resume a training exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import save as to_bytes

from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError, shown
from sigbench.core.parsing import parse_json
from sigbench.core.protocols import Array
from sigbench.core.schema import COUNT, TEXT, List, Number, Record, check
from sigbench.networks.pretrained.weights import digest_of, read_arrays

Arrays = dict[str, Array]

PARTS = ("weights", "kept", "best")  # name prefixes in the file; "kept" is the optimizer's state

_FIGURE = Number(missing=True, infinite=True)
STATE = Record(
    {
        "key": TEXT,
        "steps": COUNT,
        "every": COUNT,
        "threads": COUNT,
        "step": COUNT,
        "seconds": Number(0),
        "loss": _FIGURE,
        "count": COUNT,
        "log": List(List(_FIGURE, 9, 9)),
    }
)


class ValidationRow(NamedTuple):
    """A line of the training log, written at each validation.

    ``loss`` is the mean training loss since the previous line, ``validation`` the loss on the
    validation pairs, which selects the best weights, ``figure`` the recipe's metric on these pairs,
    and ``gap`` its distance to the limit, in the direction of worse values (NaN without a limit).
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
    """The progress of a training.

    Attributes
    ----------
    steps : int
        Total number of steps.
    every : int
        Steps between validations.
    threads : int
        Number of threads.
    step : int
        Number of finished steps.
    seconds : float
        Time spent on them.
    loss, count : float, int
        Sum and number of the losses since the last line of the log.
    log : list of ValidationRow
        One line per validation.
    best : dict of str to array
        The best weights so far.
    """

    steps: int
    every: int
    threads: int
    step: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    count: int = 0
    log: list[ValidationRow] = field(default_factory=list)
    best: Arrays = field(default_factory=dict)


class CheckpointContent(NamedTuple):
    """The content of a checkpoint: progress, weights and the state of the optimizer."""

    state: TrainingState
    weights: Arrays
    optimizer_state: Arrays


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint file.

    Parameters
    ----------
    path : Path
        Path of the file.
    key : str
        Everything that the values of the training depend on, as ``name=value`` words.
    """

    path: Path
    key: str

    def save(
        self,
        state: TrainingState,
        weights: Mapping[str, Array],
        optimizer_state: Mapping[str, Array],
    ) -> None:
        """Write the file atomically."""
        parts = dict(zip(PARTS, (weights, optimizer_state, state.best), strict=True))
        arrays = {
            f"{part}/{name}": np.array(array, order="C")
            for part, own in parts.items()
            for name, array in own.items()
        }
        plain = {k: v for k, v in vars(state).items() if k != "best"}
        text = json.dumps({"key": self.key, **plain})
        about = {"sigbench-checkpoint": text, "sha256": digest_of(text, arrays)}
        write_atomically(self.path, to_bytes(arrays, metadata=about))

    def load(self) -> CheckpointContent | None:
        """Read the file; return None if it does not exist.

        Raises
        ------
        InputError
            If the file is damaged or belongs to another training.
        """
        if not self.path.exists():
            return None
        try:
            about, arrays = read_arrays(self.path)
        except InputError:
            raise self._refused("cannot be read as safetensors") from None
        text = about.get("sigbench-checkpoint", "")
        if about.get("sha256") != digest_of(text, arrays):
            raise self._refused("is damaged: its content does not match its sha256")
        try:
            plain = parse_json("its state", text)
            check("its state", plain, STATE)
            check("its state: step", plain["step"], Number(0, plain["steps"], whole=True))
        except InputError as error:
            raise self._refused(f"is not a checkpoint: {error}") from None
        if plain["key"] != self.key:
            different = _difference(plain["key"], self.key)
            raise self._refused(f"belongs to another training ({different})")
        parts: dict[str, Arrays] = {part: {} for part in PARTS}
        for name, array in arrays.items():
            part, _, own = name.partition("/")
            if part not in parts:
                raise self._refused(f"is not a checkpoint: it has an array {shown(name)}")
            parts[part][own] = array
        log = [ValidationRow(*row) for row in plain["log"]]
        numbers = {
            name: plain[name]
            for name in ("steps", "every", "threads", "step", "seconds", "loss", "count")
        }
        state = TrainingState(**numbers, log=log, best=parts["best"])
        return CheckpointContent(state, parts["weights"], parts["kept"])

    def _refused(self, why: str) -> InputError:
        return InputError(
            f"{self.path} {why}; use --fresh to delete it and start over, or -o for another file"
        )

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)


def _difference(key: str, own: str) -> str:
    """Return the words of a key that differ from one's own.

    Examples
    --------
    >>> _difference("recipe=1 engine=numpy torch=2.7", "recipe=2 engine=numpy torch=2.8")
    'another recipe, torch=2.7 instead of 2.8'
    """
    found, wanted = (dict(w.partition("=")[::2] for w in text.split()) for text in (key, own))
    return ", ".join(
        "another recipe" if name == "recipe" else f"{name}={found.get(name)} instead of {value}"
        for name, value in wanted.items()
        if value != found.get(name)
    )
