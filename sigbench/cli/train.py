"""``sigbench train``: train a network from a recipe; write weights, model card, log and curve."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from sigbench.cli.model_card import (
    Figures,
    as_csv,
    as_markdown,
    card_of,
    figures_of_network,
    reference_figures,
)
from sigbench.core.atomic import check_replaceable, write_atomically
from sigbench.core.durations import duration
from sigbench.core.errors import InputError
from sigbench.core.progress import Progress
from sigbench.networks.models.base import check_rate
from sigbench.networks.pretrained.weights import Weights, save
from sigbench.networks.training.checkpoint import Checkpoint, TrainingState, ValidationRow
from sigbench.networks.training.curve import curve
from sigbench.networks.training.engines import TrainingEngine, open_engine
from sigbench.networks.training.loop import Diverged, Report, TrainingResult, key_of, train
from sigbench.networks.training.plan import caution, planned
from sigbench.networks.training.processor import Device
from sigbench.networks.training.recipe import Recipe, load_recipe
from sigbench.networks.training.threads import limited_threads, thread_count

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Files:
    """The files of a training: weights, log, card and curve; while it runs, a checkpoint."""

    weights: Path

    def __post_init__(self) -> None:
        if self.weights.suffix != SUFFIX:
            raise InputError(f"{self.weights}: the file name must end in {SUFFIX}")
        if not self.weights.parent.is_dir():
            raise InputError(f"{self.weights.parent} is not a folder")

    def with_suffix(self, suffix: str) -> Path:
        """Return the file with the same name and another suffix."""
        return self.weights.with_suffix(suffix)

    @property
    def all(self) -> tuple[Path, ...]:
        """The files that a training writes."""
        return (self.weights, *map(self.with_suffix, (".csv", ".md", ".png")))

    def refuse_existing(self) -> None:
        """Check that none of the files exists; raise InputError otherwise."""
        for path in self.all:
            if path.exists():
                raise InputError(
                    f"{path} exists; use --force to replace it, or -o for another file"
                )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the files against other trainings.

        Raises
        ------
        InputError
            If another training has locked them, or one of them is not a regular file.
        """
        for path in self.all:
            check_replaceable(path)
        lock = FileLock(self.with_suffix(".lock"), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise InputError(f"another training is writing {self.weights}") from None
        try:
            yield
        finally:
            self.with_suffix(".lock").unlink(missing_ok=True)
            lock.release()


def train_recipe(
    name: str,
    out: str | None = None,
    *,
    budget: str | None = None,
    device: Device = "cpu",
    fresh: bool = False,
    force: bool = False,
    quiet: bool = False,
    began: float | None = None,
) -> str:
    """Train a network from a recipe and write the result.

    Parameters
    ----------
    name : str
        A recipe that is shipped with sigbench, or the path of a TOML file.
    out : str, optional
        The weight file; by default named after the recipe, in the working directory.
    budget : str, optional
        A time such as ``10m``; replaces the recipe's budget.
    device : {"cpu", "cuda"}
        The device of the torch engine.
    fresh : bool
        Whether to delete a checkpoint instead of resuming from it.
    force : bool
        Whether existing files may be replaced.
    quiet : bool
        Whether to print no progress.
    began : float, optional
        When the command began, as of ``time.perf_counter``; a time budget counts from then.

    Returns
    -------
    str
        A summary in two lines: the validation results and the files.

    Raises
    ------
    InputError
        If the recipe or the files are invalid, or the budget is too small. Nothing is written.
    Diverged
        If the loss is not finite. Nothing is written.
    Stopped
        On Ctrl-C; the training can be resumed from the checkpoint.
    """
    began = time.perf_counter() if began is None else began
    recipe = load_recipe(name) if budget is None else load_recipe(name).within(budget)
    files = Files(Path(out or f"{recipe.name}{SUFFIX}"))
    engine = open_engine(recipe, device)
    checkpoint = Checkpoint(files.with_suffix(f".checkpoint{SUFFIX}"), key_of(recipe, engine))
    with files.locked():
        found = None if fresh else checkpoint.load()
        # A finished checkpoint remains if a training was killed while it wrote its files.
        replace = force or (found is not None and found.state.step == found.state.steps)
        if not replace:
            files.refuse_existing()
        if fresh:
            checkpoint.remove()
        threads = found.state.threads if found else thread_count(engine.name)
        with limited_threads(engine.name, threads), Progress(None, "step", quiet=quiet) as progress:
            if found and not quiet:
                step = f"step {found.state.step} of {found.state.steps}"
                progress.message(f"resuming at {step} from {checkpoint.path}")
            done = _train(recipe, engine, files, checkpoint, progress, began, replace=replace)
    checkpoint.remove()  # last, because it lets a killed command be repeated
    return done


def _train(
    recipe: Recipe,
    engine: TrainingEngine,
    files: Files,
    checkpoint: Checkpoint,
    progress: Progress,
    began: float,
    *,
    replace: bool,
) -> str:
    """Train and write; files that appear in the meantime are replaced only with ``replace``."""
    check_rate(recipe.network, recipe.source.dataset.problem_info.get("fs"))
    training = recipe.source.training(recipe.pairs)
    figures = reference_figures(recipe, training)
    plan = None
    if not checkpoint.path.exists():
        spent = time.perf_counter() - began
        plan = planned(recipe, training, engine.device, spent=spent)
        if short := caution(recipe, plan.steps, plan.per_epoch):
            progress.message(f"caution: {short}")
    try:
        outcome = train(
            recipe,
            training,
            engine,
            plan=plan,
            limit=figures.limit,
            checkpoint=checkpoint,
            report=_reporter(progress, figures),
        )
    except Diverged:
        checkpoint.remove()  # a resumed training would diverge again
        raise
    figures = figures_of_network(recipe, training, outcome, figures)
    card = card_of(recipe, engine, outcome, figures)
    weights = Weights(recipe.network, outcome.weights, card)
    if not replace:
        files.refuse_existing()
    written = _write(files, weights, outcome, figures)
    took = duration(outcome.log[-1].seconds)
    short = caution(recipe, outcome.steps, outcome.per_epoch)
    return (
        f"{recipe.name}: {figures} on {len(training.validation.noisy)} validation pairs\n"
        f"{outcome.log[-1].step:,} of {outcome.steps:,} planned steps in {took} on {engine.name}, "
        f"best at step {outcome.best.step:,}; wrote {written}"
        + (f"\ncaution: {short}" * bool(short))
    )


def _write(files: Files, weights: Weights, outcome: TrainingResult, figures: Figures) -> str:
    """Write the files and return their names."""
    save(files.weights, weights)
    write_atomically(files.with_suffix(".csv"), as_csv(outcome.log, figures.metric).encode())
    sha256 = hashlib.sha256(files.weights.read_bytes()).hexdigest()
    write_atomically(files.with_suffix(".md"), as_markdown(weights, figures, sha256).encode())
    names = [str(files.weights), ".csv", ".md"]
    if not find_spec("matplotlib"):
        return ", ".join(names) + " (no plot: pip install 'sigbench[plots]')"
    references = {"noisy": figures.noisy, "limit": figures.limit}
    lines = {name: value for name, value in references.items() if not math.isnan(value)}
    write_atomically(
        files.with_suffix(".png"), curve(outcome.log, figures.metric, figures.unit, lines)
    )
    return ", ".join([*names, ".png"])


def _reporter(progress: Progress, figures: Figures) -> Report:
    """Return a function that reports the loss and the latest validation of a training."""
    latest = ""

    def report(state: TrainingState, loss: float, row: ValidationRow | None) -> None:
        nonlocal latest
        if row is not None:
            gap = "" if math.isnan(row.gap) else f", gap {row.gap:.3f}"
            latest = f", {figures.metric} {row.figure:.3f} {figures.unit}{gap}"
            loss = row.loss
        left = duration(state.seconds / state.step * (state.steps - state.step))
        progress.describe(f"loss {loss:.4g}{latest}, {left} left")
        progress.set_done(state.step, state.steps)
        if row is not None:
            progress.print_line()

    return report
