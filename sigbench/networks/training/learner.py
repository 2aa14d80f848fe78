"""`Trained`: a network as a learner, trained by a recipe on the training split of a problem."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.fingerprint import digest, identity
from sigbench.core.protocols import Info, Training, info_of
from sigbench.core.validation import check_choice
from sigbench.networks.models import NETWORKS
from sigbench.networks.models.base import Network, check_rate
from sigbench.networks.pretrained.denoiser import STATISTICS, NetworkDenoiser
from sigbench.networks.pretrained.weights import Weights
from sigbench.networks.training.engines import open_engine, settled
from sigbench.networks.training.loop import train as trained
from sigbench.networks.training.recipe import Recipe, load_recipe, spec_of
from sigbench.networks.training.threads import limited_threads

UNUSED = ("source", "metric")  # parts of a recipe that do not affect training in a suite
SET_BY_PROBLEM = ("dataset", "degradation", "validation", "metric", "limit")


@dataclass(frozen=True)
class Trained:
    """A network that is trained by a recipe on the problem's training split.

    Of the recipe's data settings only ``pairs``, ``target`` and ``epoch`` are used: the number of
    fixed pairs (or all, if the problem has fewer) or fresh pairs.

    Parameters
    ----------
    recipe : str, optional
        The name of a recipe that is shipped with sigbench or the path of a TOML file; keys are
        changed by ``name[key=value,...]``, except those that the problem defines. By default the
        recipe with the name of the network. Its budget must be steps or epochs, because the number
        of steps that fit into a time depends on the machine.
    network : Network, optional
        Replaces the recipe's network.
    batch : int, optional
        Replaces the recipe's batch size.
    seed : int, optional
        Training seed; replaces the recipe's.
    statistics : {"running", "input"}
        Statistics of batch norm: the averages of training, or those of each item.
    fs : float, optional
        Sampling rate of the signals in Hz, which must be that of a network for speech.

    Examples
    --------
    >>> Trained("ablation", batch=1, seed=2)
    Trained(recipe='ablation', network=None, batch=1, seed=2, statistics='running')
    """

    recipe: str | None = field(default=None, metadata={"identity": False})
    network: Network | None = field(default=None, metadata={"table": NETWORKS, "identity": False})
    batch: int | None = field(default=None, metadata={"identity": False})
    seed: int | None = field(default=None, metadata={"identity": False})
    statistics: Literal["running", "input"] = "running"
    fs: float | None = field(default=None, repr=False, compare=False, metadata={"identity": False})
    loaded: Recipe = field(init=False, repr=False, compare=False, metadata={"identity": False})
    content: str = field(init=False, repr=False)  # digest of the parts of the recipe that are used

    info: ClassVar[Info] = Info("trained", "network", "a network of the table, trained by a recipe")

    def __post_init__(self) -> None:
        check_choice("statistics", self.statistics, STATISTICS)
        if self.recipe is None and self.network is None:
            raise InputError(f"set recipe or network (one of: {', '.join(NETWORKS)})")
        name = self.recipe or info_of(self.network).name
        own = {"network": self.network, "batch": self.batch, "seed": self.seed}
        given: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        for key, value in spec_of(name).params:
            if key in SET_BY_PROBLEM:
                raise InputError(
                    f"recipe={name}: {key}={value} is defined by the problem; "
                    "set it in the suite, or use `sigbench train`"
                )
        recipe = settled(dataclasses.replace(load_recipe(name), **given))
        check_rate(recipe.network, self.fs)
        if recipe.time is not None:
            raise InputError(
                f"recipe={name}: its budget is a time, but results must not depend on the "
                "machine's speed; set epochs or steps"
            )
        parts = {name: part for name, part in identity(recipe).items() if name not in UNUSED}
        object.__setattr__(self, "loaded", recipe)
        object.__setattr__(self, "content", digest(parts))

    def fit(self, train: Training, *, rng: np.random.Generator) -> NetworkDenoiser:
        """Return the network with the weights that are best on ``train.validation``.

        Parameters
        ----------
        train : Training
            The training split.
        rng : numpy.random.Generator
            Not used; the training seed determines all random numbers.
        """
        recipe = self.loaded
        engine = open_engine(recipe)
        with limited_threads(engine.name, 1):  # as everything else in a run
            outcome = trained(recipe, train, engine)
        card = {
            "name": f"{recipe.name} #{recipe.seed}",
            "fresh": recipe.pairs is None,
            "steps": outcome.steps,
            "best_step": outcome.best.step,
            "precision": engine.precision,
        }
        weights = Weights(recipe.network, outcome.weights, card)
        history = outcome.history(recipe.metric)
        return NetworkDenoiser(weights, self.statistics, recipe.engine, history)
