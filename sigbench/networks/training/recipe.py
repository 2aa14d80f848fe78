"""Recipes: TOML files that define a training, its data, settings and budget."""

from __future__ import annotations

import dataclasses
import math
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
from sigbench.core.schema import (
    FILE_NAME,
    LINE,
    MAX_ITEMS,
    SPEC,
    TEXT,
    WHOLE,
    Choice,
    Either,
    Number,
    Record,
    Schema,
)
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
from sigbench.problems.base import Degradation
from sigbench.problems.degradations import DEGRADATIONS
from sigbench.problems.denoising import Denoising
from sigbench.scoring.metrics import METRICS

FOLDER = Path(__file__).parent / "recipes"

# The legal keys of each table, with their values; `Recipe` has the ranges of the numbers.
RECIPE_KEYS: dict[str, Schema] = {
    "name": FILE_NAME,
    "description": TEXT,
    "network": SPEC,
    "initial": LINE,
    "loss": LINE,
    "unit": Number(),
    "optimizer": SPEC,
    "schedule": SPEC,
    "batch": WHOLE,
    "epochs": WHOLE,
    "steps": WHOLE,
    "time": LINE,
    "validate_every": WHOLE,
    "seed": WHOLE,
    "engine": LINE,
    "precision": LINE,
    "data": Record({}),
}
DATA_KEYS: dict[str, Schema] = {
    "dataset": SPEC,
    "degradation": SPEC,
    "pairs": Either((Number(1, MAX_ITEMS, whole=True), Choice(("fresh",)))),
    "epoch": WHOLE,
    "validation": Number(1, MAX_ITEMS, whole=True),
    "target": LINE,
    "metric": LINE,
    "limit": SPEC,
}
BUDGETS = ("epochs", "steps", "time")
MAX_STEPS, MAX_BATCH = 2**40, 2**20  # larger numbers are typing errors
EPOCH = 1000  # default samples per epoch of fresh pairs

EngineName = Literal["auto", "numpy", "torch"]
Precision = Literal["float32", "float64", "bfloat16", "float16", "auto"]
Target = Literal["clean", "noisy"]
HALF = ("bfloat16", "float16")  # precisions of torch's automatic mixed precision


@dataclass(frozen=True)
class Source:
    """The source of a recipe's pairs.

    Parameters
    ----------
    dataset : Dataset
        Its training split contains the clean items.
    degradation : Degradation
        Makes the noisy items.
    validation : int
        Number of validation pairs.
    limit : Denoiser, optional
        The limit, or a method to beat; it is given the noise level.
    """

    dataset: Dataset
    degradation: Degradation
    validation: int
    limit: Denoiser | None = None

    def problem(self, pairs: int | None) -> Denoising:
        """Return a problem whose training split has enough training and validation pairs.

        Raises
        ------
        InputError
            If the dataset does not have that many items.
        """
        # A fifth of the training split is for validation.
        needed = max(5 * self.validation, math.ceil(5 * (pairs or 1) / 4) + 1)
        size = self.dataset.size("train")
        if size is not None and size < needed:
            raise InputError(
                f"{self.dataset.kind} has {size} training items: pairs must be <= "
                f"{size - size // 5} and validation (at most a fifth) <= {size // 5}"
            )
        return Denoising(self.dataset.kind, self.dataset, self.degradation, 1, needed)

    def training(self, pairs: int | None) -> Training:
        """Return the training split; its noise levels are for the limit."""
        training = self.problem(pairs).training(sigma_given=True)
        validation = training.validation
        first, sigma = slice(self.validation), validation.sigma
        validation = dataclasses.replace(
            validation,
            noisy=validation.noisy[first],
            target=validation.target[first],
            sigma=sigma[first] if isinstance(sigma, np.ndarray) else sigma,
        )
        return dataclasses.replace(training, validation=validation)


@dataclass(frozen=True)
class Recipe:
    """A training recipe; see `load_recipe`.

    Exactly one of ``epochs``, ``steps`` and ``time`` is set.

    Parameters
    ----------
    name, description : str
        Name and description.
    network : Network
        The network to train.
    optimizer : Optimizer
        The optimizer, with the learning rate.
    source : Source
        Source of the pairs.
    schedule : Schedule
        Factor of the learning rate over the epochs.
    initial : {"uniform", "xavier", "kaiming"}
        Initialization of the weights.
    loss : {"mse", "smooth-l1", "log-mse", "speech"}
        The loss.
    unit : float, optional
        The value that counts as 1 in the loss, in the units of the dataset; 255 scales gray levels
        to 0..1. By default 1.
    batch : int
        Pairs per step.
    pairs : int, optional
        Number of fixed pairs, each used once per epoch; None for fresh pairs at every step.
    epoch : int
        Samples per epoch if pairs are fresh.
    epochs, steps : int, optional
        The budget.
    time : float, optional
        The budget in seconds; it is converted to a number of steps, which the card records.
    validate_every : int, optional
        Steps between validations; by default it depends on the budget.
    own_steps : int, optional
        With a time budget, the number of steps of the recipe as written.
    target : {"clean", "noisy"}
        Training targets: the clean item or a second noisy view.
    metric : str
        Metric that is shown during training.
    seed : int
        Seed of the initial weights and of the order or draws of pairs.
    engine : {"auto", "numpy", "torch"}
        Training engine.
    precision : {"float32", "float64", "bfloat16", "float16", "auto"}
        ``bfloat16`` and ``float16`` are torch's automatic mixed precision, with weights in float32;
        with ``float16`` the gradients are scaled, and steps in which they overflow are skipped.
        ``auto`` selects ``bfloat16`` if torch trains and the device supports it in hardware,
        otherwise ``float32``.
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
    validate_every: int | None = field(default=None, metadata={"identity": "if set"})
    own_steps: int | None = field(default=None, compare=False, metadata={"identity": False})
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
        for name in ("pairs", "epoch", "epochs", "steps", "validate_every"):
            check_field(name, getattr(self, name), 1, below=MAX_STEPS)
        check_field("batch", self.batch, 1, below=MAX_BATCH)
        check_field("seed", self.seed, 0, below=2**63)
        check_field("unit", self.unit, 1e-12)
        if self.time is not None and not 0 < self.time < math.inf:
            raise InputError(f"time={self.time:g} s must be > 0 and finite")
        if self.precision in HALF and self.engine == "numpy":
            raise InputError(
                f"precision={self.precision} needs engine=torch: "
                "NumPy has no automatic mixed precision"
            )

    def within(self, budget: str) -> Recipe:
        """Return the recipe with its budget replaced by a time such as ``10m``."""
        table = {key: value for key, value in self.table.items() if key not in BUDGETS}
        limit = seconds(budget, "budget")
        own = self.steps
        if self.epochs is not None:
            own = self.epochs * math.ceil((self.pairs or self.epoch) / self.batch)
        return dataclasses.replace(
            self,
            epochs=None,
            steps=None,
            time=limit,
            own_steps=own,
            table={**table, "time": budget},
        )

    def in_steps(self, steps: int, every: int | None = None) -> dict[str, Any]:
        """Return the recipe as written, with its budget replaced by a number of steps.

        A time budget also determines the steps between validations, ``every``.
        """
        table = {key: value for key, value in self.table.items() if key not in BUDGETS}
        if self.time is not None and every is not None:
            table["validate_every"] = every
        return {**table, "steps": steps}


def recipe_names() -> list[str]:
    """Return the names of the recipes that are shipped with sigbench."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def spec_of(name: str) -> Spec:
    """Split ``name[key=value,...]`` into name and keys; the path of a TOML file has no keys.

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
        One of `recipe_names`, or the path of a TOML file. ``name[key=value,...]`` changes keys of
        the recipe or of its data, and removes keys that do not fit the new ones: another budget,
        ``epoch`` with fixed pairs, the limit of other data.

    Returns
    -------
    Recipe

    Raises
    ------
    InputError
        If the recipe is unknown, cannot be read or is invalid.

    Examples
    --------
    >>> load_recipe("icnn-report").epochs, load_recipe("icnn-report[steps=10,target=noisy]").steps
    (140, 10)
    """
    spec = spec_of(name)
    path = find_toml("recipe", spec.name, FOLDER)
    table = read_toml(path)
    try:
        return _recipe(_changed({"name": path.stem, **table}, spec))
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error.__cause__


def _changed(table: dict[str, Any], spec: Spec) -> dict[str, Any]:
    """Return a recipe as written, changed by the keys of a spec."""
    own = {k: exact(v) if isinstance(v, Spec) else v for k, v in spec.params}
    for key in own:
        if key not in {*RECIPE_KEYS, *DATA_KEYS} - {"data"}:
            raise unknown(
                "key of a recipe", key, [k for k in (*RECIPE_KEYS, *DATA_KEYS) if k != "data"]
            )
    removed = {*BUDGETS} if own.keys() & {*BUDGETS} else set()
    if own.get("pairs", "fresh") != "fresh":
        removed.add("epoch")
    if own.keys() & {"dataset", "degradation"}:
        removed.add("limit")

    def changed(part: dict[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
        rest = {k: v for k, v in part.items() if k not in removed}
        return {**rest, **{k: v for k, v in own.items() if k in keys}}

    table = changed(table, RECIPE_KEYS)
    if own and "description" not in own:  # the description may no longer be true
        words = ", ".join(f"{key}={value}" for key, value in own.items())
        described = table.get("description", "")
        if "dataset" in own:  # the description says which data the recipe trains on
            table["description"] = f"Recipe {table.get('name', '')}, but with {words}."
        else:
            table["description"] = f"{described} Here with {words}.".strip()
    if isinstance(table.get("data"), dict):
        table["data"] = changed(table["data"], DATA_KEYS)
    return table


def _recipe(table: dict[str, Any]) -> Recipe:
    check_keys("the recipe", table, RECIPE_KEYS, required=("network", "optimizer", "data"))
    data = table["data"]
    check_keys("data", data, DATA_KEYS, required=("dataset", "degradation", "pairs", "validation"))
    plain = {k: v for k, v in table.items() if k not in ("network", "optimizer", "time", "data")}
    if "schedule" in table:
        plain["schedule"] = build("schedule", SCHEDULES, table["schedule"])
    if "time" in table:
        plain["time"] = seconds(table["time"], "time")
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
    """Return the number of fixed pairs, or None for fresh ones."""
    fixed = data["pairs"] != "fresh"
    if fixed and "epoch" in data:
        raise InputError(
            f"epoch={data['epoch']} needs pairs = 'fresh'; with fixed pairs an epoch is all pairs"
        )
    return data["pairs"] if fixed else None


def _limit(text: str) -> Denoiser:
    limit: Any = build("limit", DENOISERS, text)
    if isinstance(limit, Learner | Oracle):
        raise InputError(f"limit={text!r} must be a denoiser, not a learner or an oracle")
    return limit
