"""Weights and checkpoints: safetensors with our metadata."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from safetensors.numpy import load as arrays_of
from safetensors.numpy import save as to_bytes

from fuzz.target import MB, Target
from fuzz.trees import LEAVES, as_json, changed, random_files
from sigbench.networks.models import NETWORKS
from sigbench.networks.pretrained.denoiser import Pretrained
from sigbench.networks.pretrained.weights import FOLDER, digest_of
from sigbench.networks.training.checkpoint import Checkpoint, TrainingState, ValidationRow

SHAPES = ((), (0,), (1,), (3, 3), (1, 1, 1, 1), (10**5,))


def read_weights(path: Path) -> Any:
    """Load, describe and apply."""
    denoiser = Pretrained(str(path))
    repr(denoiser), str(denoiser.loaded.weights), denoiser.history
    return denoiser(np.zeros((1, 1, 64)))


@functools.cache
def weight_files() -> list[bytes]:
    return [(FOLDER / f"{name}.safetensors").read_bytes() for name in ("icnn-report", "shrinknet")]


def header_of(data: bytes) -> dict[str, Any]:
    size = int.from_bytes(data[:8], "little")
    return dict(json.loads(data[8 : 8 + size]))


def _random_arrays(arrays: dict[str, np.ndarray], rng: Random) -> dict[str, np.ndarray]:
    arrays = dict(arrays)
    name = rng.choice(list(arrays))
    array = arrays.pop(name)
    action = rng.choice(("drop", "rename", "shape", "dtype", "value"))
    if action == "rename":
        arrays[str(rng.choice(LEAVES))[:99].encode("utf-8", "ignore").decode()] = array
    elif action == "shape":
        arrays[name] = np.ones(rng.choice(SHAPES), array.dtype)
    elif action == "dtype":
        arrays[name] = array.astype(rng.choice(("f8", "f2", "i8", "u1", "?", "c8")))
    elif action == "value":
        arrays[name] = array * rng.choice((math.nan, math.inf, 1e30, 0, -1))
    return arrays


def _random_weights(rng: Random) -> bytes:
    """Return weights with another network, card or arrays, and a correct digest."""
    data = rng.choice(weight_files())
    about, arrays = header_of(data)["__metadata__"], arrays_of(data)
    action = rng.choice(("network", "network", "card", "arrays", "arrays", "digest"))
    if action == "network":
        about["sigbench"] = _random_network(rng)
    elif action == "card":
        about["card"] = as_json(changed(json.loads(about["card"]), rng)).decode("utf-8", "replace")
    elif action == "arrays":
        with np.errstate(all="ignore"):
            arrays = _random_arrays(arrays, rng)
    if action != "digest":
        about["sha256"] = digest_of(about["sigbench"] + about["card"], arrays)
    return to_bytes(arrays, metadata=about)


def _random_network(rng: Random) -> str:
    """Return a network of the table with odd parameters."""
    import dataclasses

    name = rng.choice(list(NETWORKS))
    fields = [field for field in dataclasses.fields(NETWORKS[name]) if field.init]
    odd = ("0", "-1", "1", "3", "1000000", "4611686018427387904", "1e300", "1e-300", "none", "x")
    chosen = rng.sample(fields, min(len(fields), rng.choice((0, 1, 2))))
    return f"{name}[{','.join(f'{field.name}={rng.choice(odd)}' for field in chosen)}]"


KEY = "key"


@functools.cache
def checkpoint_files() -> list[bytes]:
    import tempfile

    row = ValidationRow(5, 0.5, 40, 1.5, 1e-3, 2.0, 2.5, 10.0, math.nan)
    weights = {"layer.weight": np.ones((3, 2), np.float32)}
    state = TrainingState(10, 5, 1, 5, 1.5, 0.0, 0, [row], weights)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        Checkpoint(path, KEY).save(state, weights, {"moment": np.zeros(3)})
        return [path.read_bytes()]


def _random_checkpoint(rng: Random) -> bytes:
    data = checkpoint_files()[0]
    about, arrays = header_of(data)["__metadata__"], arrays_of(data)
    if rng.random() < 0.7:
        tree = changed(json.loads(about["sigbench-checkpoint"]), rng)
        about["sigbench-checkpoint"] = as_json(tree).decode("utf-8", "replace")
    else:
        with np.errstate(all="ignore"):
            arrays = _random_arrays(arrays, rng)
    about["sha256"] = digest_of(about["sigbench-checkpoint"], arrays)
    return to_bytes(arrays, metadata=about)


def read_checkpoint(path: Path) -> None:
    Checkpoint(path, KEY).load()


HEADER_WORDS = (
    b'"__metadata__"',
    b'"dtype":"F32"',
    b'"BF16"',
    b'"shape":[4611686018427387904,4]',
    b'"data_offsets":[0,8]',
    b'"data_offsets":[8,0]',
    b'"sigbench"',
    b'"card"',
)
WEIGHTS = Target(
    "case.safetensors",
    read_weights,
    weight_files,
    tokens=HEADER_WORDS,
    strategy=random_files(_random_weights),
    memory=256 * MB,
    per_byte=200,
)
CHECKPOINT = Target(
    "case.safetensors",
    read_checkpoint,
    checkpoint_files,
    tokens=(*HEADER_WORDS, b"sigbench-checkpoint", b"NaN", b'\\"log\\"'),
    strategy=random_files(_random_checkpoint),
    memory=64 * MB,
    per_byte=200,
)
