"""Problems: what is made, what a method is told of it, and how it is scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Block, Denoiser, Pairs, Training
from sigbench.core.rng import item_rng
from sigbench.datasets.base import (
    Dataset,
    Sampler,
    Split,
    WithNoise,
    can_train,
    check_items,
    training_share,
)
from sigbench.problems.degradations import Degradation, Degraded, Recorded
from sigbench.scoring.metrics import Metric, Values


class Problem(Protocol):
    """All that the runner knows of a problem."""

    @property
    def name(self) -> str:
        """Its name in the suite."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """The columns ``dataset`` and ``degradation``."""
        ...

    @property
    def problem_info(self) -> Mapping[str, Any]:
        """What every method is told by name."""
        ...

    @property
    def sigma_known(self) -> bool:
        """Whether there is a noise level to tell."""
        ...

    @property
    def can_train(self) -> bool:
        """Whether there is a training split."""
        ...

    @property
    def image_peak(self) -> float | None:
        """The peak value of images, None where items are none."""
        ...

    def blocks(self, seed: int, size: int) -> Iterator[Block]:
        """Make the test items of a seed."""
        ...

    def apply(self, method: Any, block: Block, *, sigma_given: bool) -> Array:
        """Run a method, of the kind that the problem asks for, on a block."""
        ...

    def score(self, metric: Metric, block: Block, estimate: Array) -> Values:
        """Return one value per item."""
        ...

    def training(self, *, sigma_given: bool) -> Training:
        """Return what a learner may see."""
        ...


@dataclass(frozen=True)
class Denoising:
    """Denoising of a dataset under a degradation.

    Parameters
    ----------
    name : str
        Name of the problem.
    dataset : Dataset
        Where clean items come from.
    degradation : Degradation
        What is done to them.
    items : int
        Test items a seed.
    train_items : int
        Items of the training split that learners see; a fifth of them is for validation.
    clip_estimates : bool
        Whether estimates are clipped to [0, peak] before scoring, for all methods alike.
    """

    name: str
    dataset: Dataset
    degradation: Degradation
    items: int
    train_items: int = 500
    clip_estimates: bool = False

    def __post_init__(self) -> None:
        check_items(self.name, self.dataset, self.items, self.train_items)
        if isinstance(self.dataset, WithNoise) != self._recorded:
            raise InputError(
                f"{self.name}: 'recorded' is for datasets whose noise comes with them, and they are "
                f"for it: got {self.dataset.kind} and {self.degradation.kind}"
            )

    @property
    def _recorded(self) -> bool:
        return isinstance(self.degradation, Recorded)

    @property
    def labels(self) -> dict[str, str]:
        """The names of dataset and degradation for a table of results."""
        return {"dataset": self.dataset.kind, "degradation": self.degradation.kind}

    @property
    def problem_info(self) -> dict[str, Any]:
        """What every method is told by name: by the dataset, and by the degradation."""
        first = self._degraded("test", 0, 0)
        return {**self.dataset.problem_info, **self.degradation.problem_info(first.clean.shape[2:])}

    @property
    def can_train(self) -> bool:
        """Whether there is a training split."""
        return can_train(self.dataset)

    @property
    def image_peak(self) -> float | None:
        """The dataset's peak where it has images, else None."""
        return self.dataset.peak if self.dataset.domain == "image" else None

    @property
    def sigma_known(self) -> bool:
        """Whether the noise is white with a level that can be told."""
        return self._degraded("test", 0, 0).sigma is not None

    def blocks(self, seed: int, size: int, *, start: int = 0) -> Iterator[Block]:
        """Make the test items of a seed, from ``start`` on, in blocks of one length.

        A block has at most ``size`` items.
        """
        for first in range(start, self.items, size):
            run: list[tuple[int, Degraded]] = []
            for item in range(first, min(first + size, self.items)):
                one = self._degraded("test", seed, item)
                if run and run[0][1].clean.shape != one.clean.shape:
                    yield self._block(run, seed)
                    run = []
                run.append((item, one))
            yield self._block(run, seed)

    def _degraded(self, split: Split, seed: int, item: int, view: int = 0) -> Degraded:
        """Return an item, a batch of one, with noise of its own stream; another for each view."""
        data, noise = self.dataset, self.degradation
        stream = (data.kind, data.version, split, seed, noise.kind, noise.version, view)
        source = data.item(split, seed, item)[None]
        return noise(source, item_rng(item, *stream), peak=data.peak)

    def _block(self, run: list[tuple[int, Degraded]], seed: int) -> Block:
        items = [item for item, _ in run]
        made = _together([one for _, one in run])
        known = self.degradation.problem_info(made.clean.shape[2:])
        if any(self.problem_info[name] != value for name, value in known.items()):
            raise InputError(f"{self.name}: a {self.degradation.kind} needs items of one size")
        return Block(
            np.array(items),
            tuple(self.dataset.group("test", i) or f"{seed}:{i}" for i in items),
            made.clean,
            made.noisy,
            made.sigma,
        )

    def apply(self, method: Denoiser, block: Block, *, sigma_given: bool) -> Array:
        """Denoise a block."""
        return method(block.noisy, sigma=block.sigma if sigma_given else None)

    def score(self, metric: Metric, block: Block, estimate: Array) -> Values:
        """Return the metric of every item, shape ``(N,)``."""
        if self.clip_estimates:
            estimate = np.clip(estimate, 0, self.dataset.peak)
        return metric(block.clean, estimate, self.dataset.peak)

    def training(self, *, sigma_given: bool) -> Training:
        """Return the training split as learners see it.

        Parameters
        ----------
        told : bool
            Whether the pairs come with their noise level.

        Raises
        ------
        InputError
            Where the dataset has no training split.
        """
        share = training_share(self.name, self.dataset, self.train_items)
        size = self.dataset.size("train")

        def told_of(made: Degraded) -> Array | None:
            return made.sigma if sigma_given else None

        def fixed(items: range) -> Pairs:
            made = _together([self._degraded("train", 0, item) for item in items])
            return Pairs(made.noisy, made.clean, told_of(made))

        def sources(n: int, rng: np.random.Generator) -> Iterator[Array]:
            """Yield as many source items as are asked for, in one batch or one by one."""
            if isinstance(self.dataset, Sampler):
                yield self.dataset.draw(n, rng)
                return
            held = share.validation  # nothing is drawn of these
            for item in rng.integers(2**40 if size is None else size - len(held), size=n):
                item = item + len(held) if size is not None and item >= held.start else item
                yield self.dataset.item("train", 1, int(item))[None]

        def draw(n: int, rng: np.random.Generator, target: str = "clean") -> Pairs:
            if target not in ("clean", "noisy"):
                raise InputError(f"target={target!r} must be one of: clean, noisy")
            first, second = [], []
            for source in sources(n, rng):
                first.append(self.degradation(source, rng, peak=self.dataset.peak))
                if target == "noisy" and not self._recorded:  # there the other view is the target
                    second.append(self.degradation(source, rng, peak=self.dataset.peak))
            made = _together(first)
            return Pairs(
                made.noisy, _together(second).noisy if second else made.clean, told_of(made)
            )

        def second() -> Array:
            return _together(
                [self._degraded("train", 0, item, view=1) for item in share.validation]
            ).noisy

        return Training(
            fixed(share.pairs),
            fixed(share.validation),
            draw,
            self.dataset.peak,
            second=None if self._recorded else second,  # there the target is noisy already
        )


def _together(parts: list[Degraded]) -> Degraded:
    """Return one batch; items of several lengths are cropped to the shortest."""
    if len(parts) == 1:
        return parts[0]
    space = np.min([one.clean.shape[2:] for one in parts], axis=0)
    crop = (slice(None), slice(None), *map(slice, space))
    levels = [one.sigma for one in parts if one.sigma is not None]
    return Degraded(
        np.concatenate([one.clean[crop] for one in parts]),
        np.concatenate([one.noisy[crop] for one in parts]),
        np.concatenate(levels) if levels else None,
    )
