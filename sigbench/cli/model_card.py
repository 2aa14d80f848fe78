"""The model card, log and validation results of a training."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.config.registry import lookup
from sigbench.core.durations import duration
from sigbench.core.protocols import Array, Training
from sigbench.networks.models.base import is_learned, n_params
from sigbench.networks.pretrained.denoiser import NetworkDenoiser
from sigbench.networks.pretrained.weights import Weights, written
from sigbench.networks.training.checkpoint import ValidationRow
from sigbench.networks.training.engines import TrainingEngine
from sigbench.networks.training.loop import TrainingResult
from sigbench.networks.training.plan import caution
from sigbench.networks.training.recipe import Recipe
from sigbench.scoring.metrics import METRICS, Metric


@dataclass(frozen=True)
class Figures:
    """Means of the recipe's metric over the validation pairs; NaN if not available.

    ``input_statistics`` is the network's result if batch norm uses the statistics of each item.
    """

    metric: str
    unit: str
    noisy: float
    limit: float = math.nan
    network: float = math.nan
    input_statistics: float = math.nan

    @property
    def gap(self) -> float:
        """The distance of the network to the limit; positive if the network is worse."""
        sign = 1 if METRICS[self.metric].higher_is_better else -1
        return sign * (self.limit - self.network)

    def __str__(self) -> str:
        parts = {
            "statistics of the input": self.input_statistics,
            "noisy": self.noisy,
            "limit": self.limit,
            "gap": self.gap,
        }
        rest = ", ".join(f"{k} {v:.3f}" for k, v in parts.items() if not math.isnan(v))
        return f"{self.metric} {self.network:.3f} {self.unit} ({rest})"


def reference_figures(recipe: Recipe, training: Training) -> Figures:
    """Return the results of the noisy input and of the limit."""
    pairs, limit = training.validation, recipe.source.limit
    figures = Figures(recipe.metric, _metric(recipe).unit, _figure(recipe, training, pairs.noisy))
    if limit is None:
        return figures
    bound = bind_problem_info(limit, recipe.source.problem(recipe.pairs).problem_info)
    estimate = bound(pairs.noisy, sigma=pairs.sigma)
    return dataclasses.replace(figures, limit=_figure(recipe, training, estimate))


def figures_of_network(
    recipe: Recipe, training: Training, outcome: TrainingResult, figures: Figures
) -> Figures:
    """Return ``figures`` with the results of the network, run as it will be after loading."""
    weights = Weights(recipe.network, outcome.weights)
    noisy = training.validation.noisy
    found: dict[str, Any] = {"network": _figure(recipe, training, NetworkDenoiser(weights)(noisy))}
    if not all(is_learned(name) for name in outcome.weights):
        estimate = NetworkDenoiser(weights, "input")(noisy)
        found["input_statistics"] = _figure(recipe, training, estimate)
    return dataclasses.replace(figures, **found)


def _figure(recipe: Recipe, training: Training, estimate: Array) -> float:
    metric = _metric(recipe)
    return metric.mean(metric(training.validation.target, estimate, training.peak))


def _metric(recipe: Recipe) -> Metric:
    metric: Metric = lookup("metric", METRICS, recipe.metric)
    return metric


def card_of(
    recipe: Recipe, engine: TrainingEngine, outcome: TrainingResult, figures: Figures
) -> dict[str, Any]:
    """Return the model card as JSON types."""
    from threadpoolctl import threadpool_info

    from sigbench.core import environment

    source = recipe.source
    short = caution(recipe, outcome.steps, outcome.per_epoch)
    numbers = {k: v for k, v in vars(figures).items() if not isinstance(v, float) or v == v}
    return {
        "name": recipe.name,
        "description": recipe.description,
        "fresh": recipe.pairs is None,
        "network": written(recipe.network),
        "n_params": n_params(recipe.network),
        "recipe": recipe.in_steps(outcome.steps, outcome.every),
        "domain": source.dataset.domain,
        "peak": source.dataset.peak,
        "data": {
            "dataset": f"{source.dataset.kind} v{source.dataset.version}",
            "degradation": f"{source.degradation.kind} v{source.degradation.version}",
        },
        "seed": recipe.seed,
        "steps": outcome.log[-1].step,
        "planned_steps": outcome.steps,
        **({"budget_s": recipe.time} if recipe.time is not None else {}),
        **({"caution": short} if short else {}),
        "epochs": outcome.log[-1].epoch,
        "samples": outcome.samples,
        "best_step": outcome.best.step,
        "figures": numbers,
        "engine": engine.name,
        "device": engine.device,
        "precision": engine.precision,
        "seconds": round(outcome.log[-1].seconds, 1),
        "threads": max((pool["num_threads"] for pool in threadpool_info()), default=1),
        "versions": environment.versions(),
        "machine": environment.machine(),
        "commit": environment.git_commit(),
    }


def as_csv(log: Sequence[ValidationRow], metric: str) -> str:
    """Return the training log as CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*ValidationRow._fields[:-2], metric, "gap_to_limit"])
    for row in log:
        cells = [f"{value:.7g}" if isinstance(value, float) else value for value in row]
        writer.writerow(["" if cell == "nan" else cell for cell in cells])
    return buffer.getvalue()


def as_markdown(weights: Weights, figures: Figures, sha256: str) -> str:
    """Return the model card as Markdown; ``sha256`` is the digest of the weight file."""
    import tomlkit

    card = weights.card
    data, versions, machine = card["data"], card["versions"], card["machine"]
    threads = card["threads"]
    source = card["recipe"]["data"]
    targets = source.get("target", "clean")
    noisy_views = "" if targets == "clean" else "noisy views of "
    selected = f"The best weights were selected on {noisy_views}the same items."
    if card["recipe"].get("validate_every", 0) >= card["steps"]:  # validated once
        selected = "The weights are those of the last step."
    planned = f" of {card['planned_steps']:,} planned" if "planned_steps" in card else ""
    about = {
        "network": f"`{card['network']}`, {card['n_params']:,} parameters",
        "data": f"{data['dataset']}, {data['degradation']}: `{source['degradation']}`, "
        f"{targets} targets",
        "seed": card["seed"],
        "steps": f"{card['steps']:,}{planned}, "
        f"{card['samples']:,} samples; best at {card['best_step']:,}",
        "time": f"{duration(card['seconds'])}, at most {threads} thread{'s' * (threads != 1)}",
        "engine": f"{card['engine']} on {card['device']}, {card['precision']}",
        "versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "machine": f"{machine['processor']}, {machine['cores']} cores",
        "commit": card["commit"] or "none",
        "sha256": sha256,
    }
    if "budget_s" in card:
        about["budget"] = duration(card["budget_s"])
    short = f"**Caution:** {card['caution']}.\n\n" if "caution" in card else ""
    rows = "\n".join(f"| {name} | {value} |" for name, value in about.items())
    return (
        f"# {card['name']}\n\n{card['description']}\n\n{short}"
        f"Validation: {figures}. {selected}\n\n"
        f"| | |\n| --- | --- |\n{rows}\n\n"
        "Recipe of this training; save it to a file to repeat it with `sigbench train FILE`:\n\n"
        f"```toml\n{tomlkit.dumps(card['recipe'])}```\n"
    )
