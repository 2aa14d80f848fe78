"""Files of weights: safetensors, with a card inside, and a digest that is checked."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from sigbench.errors import InputError, unknown
from sigbench.files import write_atomically
from sigbench.networks import NETWORKS
from sigbench.networks.base import Network, first_weights
from sigbench.registry import build
from sigbench.spec import Spec
from sigbench.types import Array

FOLDER = Path(__file__).parent / "pretrained"

# The weights that come with sigbench, and the digests of their values.
SHIPPED: dict[str, str] = {}


@dataclass(frozen=True, eq=False)
class Weights:
    """A network's definition with its weights, and the card that says where they come from.

    Parameters
    ----------
    network : Network
        The definition.
    arrays : mapping of str to array
        Weights and running statistics by name.
    card : mapping
        Recipe, data, seed, versions, figures: as JSON knows it.

    Raises
    ------
    InputError
        Where names or shapes are not those of the network.
    """

    network: Network
    arrays: Mapping[str, Array]
    card: Mapping[str, Any] = field(default_factory=dict, metadata={"identity": False})

    def __post_init__(self) -> None:
        expected = {name: w.shape for name, w in first_weights(self.network).items()}
        for name in [*expected, *self.arrays]:
            if name not in self.arrays:
                raise InputError(f"{written(self.network)} needs the weight {name!r}")
            if name not in expected:
                raise unknown(f"weight of {written(self.network)}", name, expected)
            if self.arrays[name].shape != expected[name]:
                raise InputError(
                    f"weight {name!r} of {written(self.network)} must have shape "
                    f"{expected[name]}, not {self.arrays[name].shape}"
                )

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of names, shapes, dtypes and values."""
        hasher = hashlib.sha256()
        for name in sorted(self.arrays):
            array = np.ascontiguousarray(self.arrays[name])
            hasher.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
        return hasher.hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Weights):
            return NotImplemented
        return (self.network, self.digest) == (other.network, other.digest)

    def __hash__(self) -> int:
        return hash((self.network, self.digest))

    def __repr__(self) -> str:
        return f"Weights({written(self.network)}, sha256 {self.digest[:12]})"

    def __str__(self) -> str:
        name = self.card.get("name", "")
        fresh = ", fresh" if self.card.get("fresh") else ""
        return f"{written(self.network)} {name} ({self.digest[:8]}{fresh})".replace("  ", " ")


def written(network: Network) -> str:
    """Return a network as it is typed.

    Examples
    --------
    >>> written(NETWORKS["icnn"]())
    'icnn[size=s,prior=true,norm=batch]'
    """
    fields = dataclasses.fields(network)  # type: ignore[arg-type]
    return str(Spec(network.info.name, tuple((f.name, getattr(network, f.name)) for f in fields)))


def save(path: Path, weights: Weights) -> None:
    """Write weights to a file, whole or not at all.

    Parameters
    ----------
    path : Path
        The file; replaced where it exists.
    weights : Weights
        What to write. Values that are not finite are refused.

    Raises
    ------
    InputError
        Where a value is not finite.
    """
    for name, array in weights.arrays.items():
        if not np.isfinite(array).all():
            raise InputError(f"weight {name!r} is not finite: {path.name} is not written")
    about = {
        "sigbench": written(weights.network),
        "sha256": weights.digest,
        "card": json.dumps(dict(weights.card), ensure_ascii=False),
    }
    arrays = {name: np.ascontiguousarray(array) for name, array in weights.arrays.items()}
    write_atomically(path, to_bytes(arrays, metadata=about))


def load(path: Path) -> Weights:
    """Read weights and check them against their digest and their network.

    Raises
    ------
    InputError
        For a file that is missing, cut, changed, or no file of ours.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights")
    try:
        with safe_open(path, framework="np") as file:
            about = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} cannot be read as safetensors: {error}") from None
    if not {"sigbench", "sha256", "card"} <= about.keys():
        raise InputError(f"{path} is no file of sigbench's: it does not name its network")
    try:
        network = build("network", NETWORKS, about["sigbench"])
        weights = Weights(network, arrays, json.loads(about["card"]))
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    if weights.digest != about["sha256"]:
        raise InputError(
            f"{path} is damaged: its values have sha256 {weights.digest[:12]}, "
            f"its card says {about['sha256'][:12]}"
        )
    return weights


@functools.cache
def shipped(name: str) -> Weights:
    """Return weights that come with sigbench.

    Raises
    ------
    InputError
        For an unknown name, or a file that is not the one that was shipped.
    """
    if name not in SHIPPED:
        raise unknown("weights", name, SHIPPED)
    weights = load(FOLDER / f"{name}.safetensors")
    if weights.digest != SHIPPED[name]:
        raise InputError(
            f"weights {name!r} have sha256 {weights.digest[:12]}, not {SHIPPED[name][:12]}"
        )
    return weights
