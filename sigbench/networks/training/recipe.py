"""Recipes: what is trained, on what, how and how long, written in TOML."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from sigbench.config.registry import build
from sigbench.config.spec import Spec, exact, parse
from sigbench.config.toml import check_keys, find_toml, read_toml
from sigbench.core.durations import seconds
from sigbench.core.errors import InputError, unknown
from sigbench.core.protocols import Denoiser, Learner, Oracle, Training
from sigbench.core.validation import check_field
from sigbench.datasets import DATASETS
from sigbench.datasets.base import Dataset
from sigbench.denoisers import DENOISERS
from sigbench.networks.models import NETWORKS
from sigbench.networks.models.base import Network
from sigbench.networks.nn import (
    INITIAL,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    Constant,
    Optimizer,
    Schedule,
)
from sigbench.problems.degradations import DEGRADATIONS, Degradation
from sigbench.problems.denoising import Denoising
from sigbench.scoring.metrics import METRICS

FOLDER = Path(__file__).parent / "recipes"

# Legal keys of each table, with the type of each.
RECIPE_KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "description": str,
    "network": str,
    "initial": str,
    "loss": str,
    "unit": (int, float),
    "optimizer": str,
    "schedule": str,
    "batch": int,
    "epochs": int,
    "steps": int,
    "time": str,
    "seed": int,
    "engine": str,
    "precision": str,
    "data": dict,
}
DATA_KEYS = {
    "dataset": str,
    "degradation": str,
    "pairs": object,  # a number, or "fresh"
    "epoch": int,
    "validation": int,
    "target": str,
    "metric": str,
    "limit": str,
}
BUDGETS = ("epochs", "steps", "time")
MAX_STEPS, MAX_BATCH = 2**40, 2**20  # beyond them a number was mistyped
EPOCH = 1000  # samples, where pairs are fresh and the recipe does not say

EngineName = Literal["auto", "numpy", "torch"]
Precision = Literal["float32", "float64", "bfloat16", "auto"]
Target = Literal["clean", "noisy"]


@dataclass(frozen=True)
class Source:
    """Where a recipe's pairs come from.

    Parameters
    ----------
    dataset : Dataset
        Its training split has the clean items.
    degradation : Degradation
        What is done to them.
    validation : int
        Pairs that are held out, to choose by.
    limit : Denoiser, optional
        The best there is, or the one to beat, told the noise level.
    """

    dataset: Dataset
    degradation: Degradation
    validation: int
    limit: Denoiser | None = None

    def problem(self, pairs: int | None) -> Denoising:
        """Return the problem whose training split has that many pairs, and those held out.

        Raises
        ------
        InputError
            Where there are not so many.
        """
        needed = max(5 * self.validation, math.ceil(5 * (pairs or 1) / 4) + 1)  # a fifth, the rest
        size = self.dataset.size("train")
        if size is not None and size < needed:
            raise InputError(
                f"{self.dataset.kind} has {size} items to train on: pairs must be <= "
                f"{size - size // 5} and validation, at most a fifth, <= {size // 5}"
            )
        return Denoising(self.dataset.kind, self.dataset, self.degradation, 1, needed)

    def training(self, pairs: int | None) -> Training:
        """Return the training split, with the noise levels for the limit."""
        training = self.problem(pairs).training(sigma_given=True)
        held = training.validation
        first = slice(self.validation)
        sigma = held.sigma[first] if isinstance(held.sigma, np.ndarray) else held.sigma
        held = dataclasses.replace(
            held, noisy=held.noisy[first], target=held.target[first], sigma=sigma
        )
        return dataclasses.replace(training, validation=held)


@dataclass(frozen=True)
class Recipe:
    """A training; see `load_recipe`. Exactly one of ``epochs``, ``steps`` and ``time`` is set.

    Parameters
    ----------
    name, description : str
        For people.
    network : Network
        What is trained.
    optimizer : Optimizer
        With the learning rate that the schedule scales.
    source : Source
        Where pairs come from.
    schedule : Schedule
        The factor of the learning rate over the epochs.
    initial : {"uniform", "xavier", "kaiming"}
        How the first weights are drawn.
    loss : {"mse", "smooth-l1", "log-mse"}
        What is minimized.
    unit : float, optional
        What counts as 1 in the loss, in the dataset's units: 255 for grey levels as numbers of
        0..1. By default those units.
    batch : int
        Pairs a step.
    pairs : int, optional
        So many fixed pairs, each seen once an epoch; None: fresh ones, drawn without end.
    epoch : int
        What is called an epoch where pairs are fresh, in samples.
    epochs, steps : int, optional
        The budget.
    time : float, optional
        The budget in seconds; the steps that fit are counted before, and named in the card.
    target : {"clean", "noisy"}
        What the estimate is held against.
    metric : str
        The running figure.
    seed : int
        Of the first weights, and of the order or the draws.
    engine : {"auto", "numpy", "torch"}
        What trains.
    precision : {"float32", "float64", "bfloat16", "auto"}
        ``bfloat16``: torch's automatic mixed precision, weights in float32; ``auto``: that, where
        torch trains and the device has units for it, else ``float32``.
    table : mapping
        The recipe as written.
    """

    name: str = field(metadata={"identity": False})
    network: Network
    optimizer: Optimizer
    source: Source
    description: str = field(default="", metadata={"identity": False})
    schedule: Schedule = field(default=Constant())
    initial: str = "uniform"
    loss: str = "mse"
    unit: float | None = field(default=None, metadata={"identity": "if set"})
    batch: int = 32
    pairs: int | None = None
    epoch: int = EPOCH
    epochs: int | None = None
    steps: int | None = None
    time: float | None = None
    target: Target = "clean"
    metric: str = "psnr"
    seed: int = 1
    engine: EngineName = "auto"
    precision: Precision = "float32"
    table: Mapping[str, Any] = field(
        default_factory=dict, repr=False, compare=False, metadata={"identity": False}
    )

    def __post_init__(self) -> None:
        given = [name for name in BUDGETS if getattr(self, name) is not None]
        if len(given) != 1:
            raise InputError(
                f"set exactly one of epochs, steps and time (got {', '.join(given) or 'none'})"
            )
        for name, legal in (
            ("initial", INITIAL),
            ("loss", LOSSES),
            ("metric", METRICS),
            ("target", get_args(Target)),
            ("engine", get_args(EngineName)),
            ("precision", get_args(Precision)),
        ):
            if getattr(self, name) not in legal:
                raise unknown(name, getattr(self, name), legal)
        for name in ("pairs", "epoch", "epochs", "steps"):
            check_field(name, getattr(self, name), 1, below=MAX_STEPS)
        check_field("batch", self.batch, 1, below=MAX_BATCH)
        check_field("seed", self.seed, 0, below=2**63)
        check_field("unit", self.unit, 1e-12)
        if self.time is not None and not 0 < self.time < math.inf:
            raise InputError(f"time={self.time:g} s must be > 0 and finite")
        if self.precision == "bfloat16" and self.engine == "numpy":
            raise InputError("precision=bfloat16 needs engine=torch: NumPy has no such numbers")

    def within(self, budget: str) -> Recipe:
        """Return the recipe with a time, as ``10m``, in place of its budget."""
        table = {key: value for key, value in self.table.items() if key not in BUDGETS}
        limit = seconds(budget, "budget")
        return dataclasses.replace(
            self, epochs=None, steps=None, time=limit, table={**table, "time": budget}
        )

    def in_steps(self, steps: int) -> dict[str, Any]:
        """Return the recipe as written, its budget replaced by what it came to."""
        table = {key: value for key, value in self.table.items() if key not in BUDGETS}
        return {**table, "steps": steps}


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with sigbench."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def spec_of(name: str) -> Spec:
    """Return a recipe's name and the keys that are set with it; the path of a file sets none.

    Examples
    --------
    >>> spec_of("icnn[steps=10]").params, spec_of("lr=[1,2].toml").params
    ((('steps', 10),), ())
    """
    return Spec(name) if name.endswith(".toml") else parse(name)


def load_recipe(name: str) -> Recipe:
    """Read and check a recipe.

    Parameters
    ----------
    name : str
        One of `recipe_names`, or the path of a TOML file; ``name[key=value,...]`` sets keys of
        it, or of its data. What does not go with a key that is set is left out: a budget beside
        another, ``epoch`` beside fixed pairs, the limit of other data.

    Raises
    ------
    InputError
        For an unknown recipe, a file that cannot be read, or anything illegal in it.

    Examples
    --------
    >>> load_recipe("icnn-report").epochs, load_recipe("icnn-report[steps=10,target=noisy]").steps
    (200, 10)
    """
    spec = spec_of(name)
    path = find_toml("recipe", spec.name, FOLDER)
    table = read_toml(path)
    try:
        return _recipe(_changed({"name": path.stem, **table}, spec))
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error.__cause__


def _changed(table: dict[str, Any], spec: Spec) -> dict[str, Any]:
    """Return a recipe as written with the keys of a spec in it."""
    own = {k: exact(v) if isinstance(v, Spec) else v for k, v in spec.params}
    for key in own:
        if key not in {*RECIPE_KEYS, *DATA_KEYS} - {"data"}:
            raise unknown(
                "key of a recipe", key, [k for k in (*RECIPE_KEYS, *DATA_KEYS) if k != "data"]
            )
    left_out = {*BUDGETS} if own.keys() & {*BUDGETS} else set()
    if own.get("pairs", "fresh") != "fresh":
        left_out.add("epoch")
    if own.keys() & {"dataset", "degradation"}:
        left_out.add("limit")

    def changed(part: dict[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
        kept = {k: v for k, v in part.items() if k not in left_out}
        return {**kept, **{k: v for k, v in own.items() if k in keys}}

    table = changed(table, RECIPE_KEYS)
    if own and "description" not in own:  # what it says may not hold any more
        words = ", ".join(f"{key}={value}" for key, value in own.items())
        table["description"] = f"{table.get('description', '')} Here with {words}.".strip()
    if isinstance(table.get("data"), dict):
        table["data"] = changed(table["data"], DATA_KEYS)
    return table


def _recipe(table: dict[str, Any]) -> Recipe:
    check_keys("the recipe", table, RECIPE_KEYS, required=("network", "optimizer", "data"))
    data = table["data"]
    check_keys("data", data, DATA_KEYS, required=("dataset", "degradation", "pairs", "validation"))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", table["name"]):
        raise InputError(f"name={table['name']!r} must be made of letters, digits, '.', '_', '-'")
    plain = {k: v for k, v in table.items() if k not in ("network", "optimizer", "time", "data")}
    if "schedule" in table:
        plain["schedule"] = build("schedule", SCHEDULES, table["schedule"])
    if "time" in table:
        plain["time"] = seconds(table["time"], "time")
    check_field("validation", data["validation"], 1)
    return Recipe(
        network=build("network", NETWORKS, table["network"]),
        optimizer=build("optimizer", OPTIMIZERS, table["optimizer"]),
        source=Source(
            build("dataset", DATASETS, data["dataset"]),
            build("degradation", DEGRADATIONS, data["degradation"]),
            data["validation"],
            _limit(data["limit"]) if "limit" in data else None,
        ),
        pairs=_pairs(data),
        table=table,
        **plain,
        **{k: data[k] for k in ("epoch", "target", "metric") if k in data},
    )


def _pairs(data: Mapping[str, Any]) -> int | None:
    """Return how many pairs are fixed; None where they are fresh."""
    pairs = data["pairs"]
    fixed = isinstance(pairs, int) and not isinstance(pairs, bool)
    if not fixed and pairs != "fresh":
        raise InputError(f"pairs={pairs!r} must be a whole number, or 'fresh'")
    if fixed and "epoch" in data:
        raise InputError(f"epoch={data['epoch']} is for pairs = 'fresh': else it is all pairs")
    return pairs if fixed else None


def _limit(text: str) -> Denoiser:
    limit: Any = build("limit", DENOISERS, text)
    if isinstance(limit, Learner | Oracle):
        raise InputError(f"limit={text!r} must be a denoiser that is ready to use")
    return limit
