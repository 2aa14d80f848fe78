"""Weight files: safetensors with a model card inside and a digest that is checked."""

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

from sigbench.config.registry import build
from sigbench.config.spec import Spec, exact
from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError, unknown
from sigbench.core.parsing import parse_json
from sigbench.core.protocols import Array
from sigbench.core.schema import COUNT, FLAG, TEXT, Number, Record, check
from sigbench.networks import nn
from sigbench.networks.models import NETWORKS
from sigbench.networks.models.base import Network
from sigbench.networks.nn.net import RUNNING

FOLDER = Path(__file__).parent

# The weights shipped with sigbench, and the sha256 of their files.
SHIPPED = {
    "icnn-report": "1fe2584d57093a05b42479f1fec7b73e6bf9ea9086b6942909df951c47835114",
    "icnn-report-he": "7402806d03816bdec41f79bd79916b719afa63d83f33fc0e8897b5a8e7d85c03",
    "icnn-report-3e-4": "758a957fc7471fac5d2dc01843e20331e7ab7795308fbda311f42617c67ca264",
    "icnn": "1cdb22de3fa57e556208eb7b03fa02f63d77d8cb8d7020a6606445d9e8e9d1d1",
    "shrinknet": "55e3eabcb33109fd8db55f2478f3aee35d70eb0ea0f682bd337b9cd1ad97784c",
    "shrinknet-sparse": "9457f9ad4d17476ba796c063258ed55fce00158535b42280af5a1afaeb0d82ac",
    "resnet": "9465fd2cb90267093b960180eaa326a0b6226a916460a0703ccb2d5d94423b2a",
    "resnet-subsample-4": "89e3e8042297414785e65316e285656f39bdd48b4aee1c8d52b5223436979c93",
    "unet-0-10": "c5e86c4baa35cf453563ff27c1d5d3a4c9b7c46bb37ab2d979d16cf2c640fba1",
    "unet-0-55": "a620c818437b361a2202972146bdcc2debe677c2072647debb4cacda6759417b",
    "unet-0-100": "134ac12fbebd25fb86b95576696157fd2f427f9aae416a250d7232f39e56422e",
    "unet-bias-0-10": "1541a616976e867f80578b79ec08ba9806bc748e174b6c6273f604b454c96a71",
    "unet-bias-0-55": "a0e14055e9ac328bc1685177f9c5ce053e279efac967d2fbe9bda34704eafccb",
    "unet-bias-0-100": "688afc20856af7bc0329884fd63668eafc08483a2c195f1204501afc410b7c2a",
    "dncnn-0-10": "f5d9d23d325979328a1808a5486fe1cb4293ba42af52412ddad763da68d78851",
    "dncnn-0-55": "fd92389e0fd6943ea2986bbbc1f71bf061ae2be8dfb88a66e93ae274d4fe1ef6",
    "dncnn-0-100": "f86b474ec5f8aa9fc96baf3a392dac4af7c5d66caac34e4c1a98181ac39981ac",
    "dncnn-bias-0-10": "2fa7cfe8bc53d78948ee74647cc9b47292dc94670e0f389f9cbe846fa3b304a0",
    "dncnn-bias-0-55": "6f3282650a510753a3999357fb8a6387d38a21eafdb89c119e3acdb98c083f68",
    "dncnn-bias-0-100": "f1aa2330537beacb91fd388d7cb9fab3aba410fe0370e514233e47be023c63ae",
    "speech-8k": "9a63a92450eeaf759fc858fd72d7f5fb5589acc32e1becb1cc6f75b4b433db26",
    "speech-8k-causal": "9e4eb46f7a5cc4f4e08acab71b8eb3de352ed9cb1a08cbf028b41c2f6d053021",
    "speech-8k-noisy": "4a9a17f83e88d31b285df818f12b1f578abc24c11c590a20f72f0005d43e3667",
    "speech-16k": "17ff613e8c936afacc1a89ec48eb49f67a013d3944059a546fce80a712f84f87",
    "speech-16k-causal": "4bb8e32d87a0e390371f2fdc93378e885a959858c317643e135a24b24fe7e472",
    "icnn-speech": "dd30e950aa71df02d94875db4825ce002958391fdc8451f931434e08afe77cc6",
}

MAX_HEADER = 2**26  # bytes; the header of a checkpoint contains the log of the training

# The fields of a card that are used; others are for reading.
CARD = Record(
    {},
    {
        "name": TEXT,
        "fresh": FLAG,
        "precision": TEXT,
        "seconds": Number(0),
        "steps": COUNT,
        "epochs": Number(0, missing=True),
        "samples": COUNT,
    },
)


@dataclass(frozen=True, eq=False)
class Weights:
    """A network definition with its weights and their model card.

    Parameters
    ----------
    network : Network
        The definition.
    arrays : mapping of str to array
        Weights and running statistics by name.
    card : mapping
        Recipe, data, seed, versions and results of the training, as JSON types.

    Raises
    ------
    InputError
        If names or shapes do not match the network, or the values are not finite floats.
    """

    network: Network
    arrays: Mapping[str, Array]
    card: Mapping[str, Any] = field(default_factory=dict, metadata={"identity": False})

    def __post_init__(self) -> None:
        if not isinstance(self.card, Mapping):
            raise InputError(f"the card must be a table, not {self.card!r}")
        for name, array in self.arrays.items():
            if array.dtype not in (np.float32, np.float64) or not np.isfinite(array).all():
                raise InputError(f"weight {name!r} must be finite numbers of float32 or float64")
            if name.endswith(f"{RUNNING}var") and (array < 0).any():
                raise InputError(f"weight {name!r} must be >= 0, because it is a variance")
        used = _Used(self.arrays)
        network = self.network
        item = np.zeros((1, network.channels[0], *[network.least] * network.axes), np.float32)
        try:
            with np.errstate(all="ignore"):
                network.forward(nn.Net(nn, used), item)  # checks names and shapes
        except InputError as error:
            raise InputError(f"{written(network)}: {error}") from None
        for name in self.arrays:
            if name not in used.names:
                raise unknown(f"weight of {written(network)}", name, used.names)

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of names, shapes, dtypes and values."""
        return digest_of("", self.arrays)

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
        notes = [self.digest[:8], *(["fresh"] if self.card.get("fresh") else [])]
        if self.card.get("precision", "float32") != "float32":
            notes.append(self.card["precision"])
        return f"{written(self.network)} {name} ({', '.join(notes)})".replace("  ", " ")


class _Used(dict[str, Array]):
    """Weights that record which of them are used."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        super().__init__(arrays)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Array:
        self.names.add(name)
        return super().__getitem__(name)


def digest_of(text: str, arrays: Mapping[str, Array]) -> str:
    """Return the sha256 of a text and of arrays, including their names, shapes and dtypes."""
    hasher = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        hasher.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return hasher.hexdigest()


def read_arrays(path: Path) -> tuple[dict[str, str], dict[str, Array]]:
    """Return the metadata and the arrays of a safetensors file.

    Raises
    ------
    InputError
        If the file cannot be read as safetensors.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with path.open("rb") as data:  # the length of the header comes first
        header = int.from_bytes(data.read(8), "little")
    if header > MAX_HEADER:
        raise InputError(f"{path} cannot be read as safetensors: its header has {header} bytes")
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, arrays
    except (SafetensorError, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as safetensors: {error}") from None


def written(network: Network) -> str:
    """Return a network as text that can be parsed back, with exact numbers.

    Examples
    --------
    >>> written(NETWORKS["icnn"]())
    'icnn[size=s,prior=true,norm=batch]'
    """
    values = {f.name: getattr(network, f.name) for f in dataclasses.fields(network)}  # type: ignore[arg-type]
    return exact(Spec(network.info.name, tuple(values.items())))


def save(path: Path, weights: Weights) -> None:
    """Write weights to a file atomically.

    Parameters
    ----------
    path : Path
        The file; replaced if it exists.
    weights : Weights
        The weights with their card.
    """
    network, card = written(weights.network), json.dumps(dict(weights.card), ensure_ascii=False)
    sha256 = digest_of(network + card, weights.arrays)
    about = {"sigbench": network, "sha256": sha256, "card": card}
    arrays = {name: np.ascontiguousarray(array) for name, array in weights.arrays.items()}
    write_atomically(path, to_bytes(arrays, metadata=about))


def load(path: Path) -> Weights:
    """Read weights and check their digest, names and shapes.

    Raises
    ------
    InputError
        If the file is missing, damaged or was not written by sigbench.
    """
    if not path.is_file():
        raise InputError(f"{path}: weight file not found")
    about, arrays = read_arrays(path)
    if not {"sigbench", "sha256", "card"} <= about.keys():
        raise InputError(f"{path} is not a sigbench weight file: it does not name its network")
    found = digest_of(about["sigbench"] + about["card"], arrays)
    if found != about["sha256"]:
        raise InputError(
            f"{path} is damaged: its content has sha256 {found[:12]}, "
            f"but it was written with {about['sha256'][:12]}"
        )
    try:
        card = parse_json("the card", about["card"])
        check("the card", card, CARD)
        return Weights(build("network", NETWORKS, about["sigbench"]), arrays, card)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


@functools.cache
def shipped(name: str) -> Weights:
    """Return weights that are shipped with sigbench.

    Raises
    ------
    InputError
        If the name is unknown or the file has been changed.
    """
    if name not in SHIPPED:
        raise unknown("weights", name, SHIPPED)
    path = FOLDER / f"{name}.safetensors"
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHIPPED[name]:
        raise InputError(f"{path.name} has sha256 {found[:12]}, not {SHIPPED[name][:12]}")
    return load(path)
