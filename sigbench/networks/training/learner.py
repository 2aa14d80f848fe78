"""Networks as learners: trained by a recipe on the training split of any problem."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.fingerprint import digest, identity
from sigbench.core.protocols import Info, Training, info_of
from sigbench.networks.models import NETWORKS
from sigbench.networks.models.base import Network
from sigbench.networks.pretrained.denoiser import NetworkDenoiser
from sigbench.networks.pretrained.weights import Weights
from sigbench.networks.training.engines import open_engine, settled
from sigbench.networks.training.loop import train as trained
from sigbench.networks.training.recipe import Recipe, load_recipe, spec_of

UNUSED = ("source", "metric")  # the problem has its own pairs, and nobody looks at a figure
OF_THE_PROBLEM = ("dataset", "degradation", "validation", "metric", "limit")


@dataclass(frozen=True)
class Trained:
    """A network that is trained by a recipe, on the problem's own training split.

    The recipe says how and how long. Of its data only the number of pairs, the target and the
    samples an epoch count: so many of the problem's fixed pairs, or all where there are fewer, or
    fresh ones without end.

    Parameters
    ----------
    recipe : str, optional
        A recipe that comes with sigbench, or the path of a TOML file, with keys of it set
        (``name[key=value,...]``) but those of data that the problem has itself; by default the one
        that is called as the network. Its budget must be steps or epochs: what fits into a time
        depends on the machine.
    network : Network, optional
        What is trained in place of the recipe's network.
    batch : int, optional
        In place of the recipe's.
    seed : int, optional
        Training seed, in place of the recipe's.
    statistics : {"running", "input"}
        What batch norm goes by: the averages of training, or the item itself.

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
    loaded: Recipe = field(init=False, repr=False, compare=False, metadata={"identity": False})
    content: str = field(init=False, repr=False)  # digest of all of the recipe that counts

    info: ClassVar[Info] = Info("trained", "network", "a network of the table, trained by a recipe")

    def __post_init__(self) -> None:
        if self.statistics not in ("running", "input"):
            raise InputError(f"statistics={self.statistics!r} must be one of: running, input")
        if self.recipe is None and self.network is None:
            raise InputError(f"set recipe or network (networks: {', '.join(NETWORKS)})")
        name = self.recipe or info_of(self.network).name
        own = {"network": self.network, "batch": self.batch, "seed": self.seed}
        given: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        for key, value in spec_of(name).params:
            if key in OF_THE_PROBLEM:
                raise InputError(
                    f"recipe={name}: {key}={value} is the problem's own here; "
                    "set it in the suite, or train by `sigbench train`"
                )
        recipe = settled(dataclasses.replace(load_recipe(name), **given))
        if recipe.time is not None:
            raise InputError(
                f"recipe={name}: its budget is a time, and results must not depend on the "
                "clock; set epochs or steps"
            )
        parts = {name: part for name, part in identity(recipe).items() if name not in UNUSED}
        object.__setattr__(self, "loaded", recipe)
        object.__setattr__(self, "content", digest(parts))

    def fit(self, train: Training, *, rng: np.random.Generator) -> NetworkDenoiser:
        """Return the network with the weights that were best on ``train.validation``.

        Parameters
        ----------
        train : Training
            The training split.
        rng : numpy.random.Generator
            Not used: the training seed says it all.
        """
        recipe = self.loaded
        engine = open_engine(recipe)
        with _one_thread(engine.name):
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


@contextmanager
def _one_thread(engine: str) -> Iterator[None]:
    """Let torch compute on one thread, as all else that a run does: values depend on it."""
    if engine != "torch":
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
