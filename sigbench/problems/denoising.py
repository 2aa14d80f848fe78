"""The problem protocol, and denoising: make noisy items, run methods on them, score estimates."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from sigbench.core.errors import Caution, InputError
from sigbench.core.protocols import Array, Block, Denoiser, Pairs, Sigma, Task, Training
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_choice
from sigbench.datasets.base import (
    Dataset,
    Sampler,
    Share,
    Split,
    WithNoise,
    can_train,
    check_items,
    clean_item,
    training_share,
)
from sigbench.problems.base import Caller, Context, Contextual, Degradation, Degraded, ItemInfo
from sigbench.problems.degradations import Recorded
from sigbench.problems.groups import connected
from sigbench.problems.sizes import (
    cropped,
    fits,
    joined,
    left_out,
    size_text,
    small_items,
    smallest,
)

T = TypeVar("T")  # what a metric returns: the values, or the values and why some are missing


def denoised(method: Denoiser, noisy: Array, sigma: Sigma) -> Array:
    """Return the estimate of a denoiser."""
    return method(noisy, sigma=sigma)


class Problem(Protocol):
    """The interface between a problem and the benchmark engine."""

    @property
    def name(self) -> str:
        """Name of the problem in the suite."""
        ...

    @property
    def task(self) -> Task:
        """What the problem asks of a method."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """Values of the columns ``dataset`` and ``degradation``."""
        ...

    @property
    def problem_info(self) -> Mapping[str, Any]:
        """Problem information, bound to fields of methods by name."""
        ...

    @property
    def sigma_known(self) -> bool:
        """Whether the noise is white with a known level."""
        ...

    @property
    def can_train(self) -> bool:
        """Whether there is a training split."""
        ...

    @property
    def item_info(self) -> ItemInfo | None:
        """What is needed to show the items, or None if they are not signals."""
        ...

    def blocks(self, seed: int, size: int) -> Iterator[Block]:
        """Yield the test items of a seed in blocks of at most ``size`` items."""
        ...

    @property
    def caller(self) -> Caller:
        """How a method is called: a function without the problem's data, which can be sent."""
        ...

    def apply(self, method: Any, block: Block, *, sigma_given: bool) -> Array:
        """Return the estimate of a method for a block."""
        ...

    def score(self, metric: Callable[..., T], block: Block, estimate: Array) -> T:
        """Return ``metric`` (a `Metric`, or its ``measure``) of the items of a block."""
        ...

    def training(self, *, sigma_given: bool) -> Training:
        """Return the training split for learners."""
        ...


@dataclass(frozen=True)
class Denoising:
    """Denoising of a dataset with a degradation.

    Parameters
    ----------
    name : str
        Name of the problem.
    dataset : Dataset
        Source of clean items.
    degradation : Degradation
        Makes the noisy items.
    items : int
        Number of test items per seed.
    train_items : int
        Number of items of the training split for learners; a fifth of them is for validation.
    clip_estimates : bool
        Whether the estimates of all methods are clipped to [0, peak] before scoring.
    """

    name: str
    dataset: Dataset
    degradation: Degradation
    items: int
    train_items: int = 500
    clip_estimates: bool = False

    task: ClassVar[Task] = "denoising"

    def __post_init__(self) -> None:
        check_items(self.name, self.dataset, self.items, self.train_items)
        if isinstance(self.dataset, WithNoise) != self._recorded:
            raise InputError(
                f"{self.name}: the degradation must be 'recorded' if the dataset has recorded noise, "
                f"and only then (got {self.dataset.kind} and {self.degradation.kind})"
            )

    @property
    def _recorded(self) -> bool:
        return isinstance(self.degradation, Recorded)

    @property
    def labels(self) -> dict[str, str]:
        """Values of the columns ``dataset`` and ``degradation``."""
        return {"dataset": self.dataset.kind, "degradation": self.degradation.kind}

    @cached_property
    def problem_info(self) -> Mapping[str, Any]:
        """Problem information of the dataset, with its peak, and of the degradation."""
        space = self._degraded("test", 0, 0).clean.shape[2:]
        own = {"peak": self.dataset.peak, **self.dataset.problem_info}
        return {**own, **self.degradation.problem_info(space)}

    @property
    def can_train(self) -> bool:
        """Whether there is a training split, with noise of its own."""
        degradation: object = self.degradation
        if isinstance(degradation, Contextual) and degradation.recordings("train") == []:
            return False
        return can_train(self.dataset)

    @property
    def item_info(self) -> ItemInfo:
        """Domain, peak value and sampling rate of the items."""
        data = self.dataset
        return ItemInfo(data.domain, data.peak, data.problem_info.get("fs"))

    @property
    def sigma_known(self) -> bool:
        """Whether the noise is white with a known level."""
        return self.degradation.sigma_known

    def blocks(self, seed: int, size: int, *, start: int = 0) -> Iterator[Block]:
        """Yield the test items of a seed, beginning at item ``start``, in blocks.

        A block has at most ``size`` items, all of the same shape.
        """
        for first in range(start, self.items, size):
            block: list[tuple[int, Degraded]] = []
            for item in range(first, min(first + size, self.items)):
                degraded = self._degraded("test", seed, item)
                if block and block[0][1].clean.shape != degraded.clean.shape:
                    yield self._block(block, seed)
                    block = []
                block.append((item, degraded))
            yield self._block(block, seed)

    def _degraded(self, split: Split, seed: int, item: int, view: int = 0) -> Degraded:
        """Return one item as a batch; each view has its own noise stream."""
        data, degradation = self.dataset, self.degradation
        noise = (degradation.kind, degradation.version, view)
        rng = item_rng(item, data.kind, data.version, split, seed, *noise)
        source = clean_item(data, split, seed, item)[None]
        return self._in_context(split, item)(source, rng, peak=data.peak)

    def _in_context(self, split: Split, item: int | None) -> Degradation:
        """Return the degradation for an item, or for new items if ``item`` is None."""
        if not isinstance(self.degradation, Contextual):
            return self.degradation
        return self.degradation.in_context(Context(self.dataset, split, item))

    @cached_property
    def _groups(self) -> Mapping[int, str]:
        """The groups of test items if noise is recorded; otherwise empty.

        Items are in one group if they share a group of the dataset or a recording, directly or
        through other items. The items of one index have the same recording for every seed.
        """
        if not isinstance(self.degradation, Contextual):
            return {}
        names = self.degradation.recordings("test")
        if not names:
            return {}
        items = range(self.items)
        own = [self.dataset.group("test", i) or f"item {i}" for i in items]
        return dict(enumerate(connected(own, [names[i % len(names)] for i in items])))

    def _block(self, degraded: list[tuple[int, Degraded]], seed: int) -> Block:
        items = [item for item, _ in degraded]
        batch = cropped([one for _, one in degraded], degraded[0][1].clean.shape[2:])
        info = self.degradation.problem_info(batch.clean.shape[2:])
        if any(self.problem_info[name] != value for name, value in info.items()):
            raise InputError(f"{self.name}: {self.degradation.kind} needs items of equal size")
        return Block(
            np.array(items),
            tuple(
                self._groups.get(i) or self.dataset.group("test", i) or f"{seed}:{i}" for i in items
            ),
            batch.clean,
            batch.noisy,
            batch.sigma,
        )

    @property
    def caller(self) -> Caller:
        """How a denoiser is called."""
        return denoised

    def apply(self, method: Denoiser, block: Block, *, sigma_given: bool) -> Array:
        """Return the estimate of a denoiser for a block."""
        return denoised(method, block.noisy, block.sigma if sigma_given else None)

    def score(self, metric: Callable[..., T], block: Block, estimate: Array) -> T:
        """Return ``metric`` (a `Metric`, or its ``measure``) of the items of a block."""
        if self.clip_estimates:
            estimate = np.clip(estimate, 0, self.dataset.peak)
        fs = self.dataset.problem_info.get("fs")
        return metric(block.clean, estimate, self.dataset.peak, fs)

    def training(self, *, sigma_given: bool) -> Training:
        """Return the training split for learners.

        Parameters
        ----------
        sigma_given : bool
            Whether the pairs contain the noise level.

        Raises
        ------
        InputError
            If the dataset has no training split, or the items are of too different sizes.

        Warns
        -----
        UserWarning
            If items are left out because they are small; see `sigbench.problems.sizes`.
        """
        share = training_share(self.name, self.dataset, self.train_items)
        size = self.dataset.size("train")
        sampled = isinstance(self.dataset, Sampler)
        parts = [self._degraded("train", 0, item) for item in range(share.validation.stop)]
        first, held = self._of_similar_size(parts, share)
        train, validation = (joined([parts[i] for i in items]) for items in (first, held))
        space = train.clean.shape[2:]

        def pairs(degraded: Degraded, target: Array) -> Pairs:
            return Pairs(degraded.noisy, target, degraded.sigma if sigma_given else None)

        def sources(n: int, rng: np.random.Generator) -> Iterator[Array]:
            """Yield ``n`` source items, in one batch or one by one."""
            if isinstance(self.dataset, Sampler):
                yield self.dataset.draw(n, rng)
                return
            held = share.validation  # these items are never drawn
            for item in rng.integers(2**40 if size is None else size - len(held), size=n):
                item = item + len(held) if size is not None and item >= held.start else item
                yield clean_item(self.dataset, "train", 1, int(item))[None]

        def draw(n: int, rng: np.random.Generator, target: str = "clean") -> Pairs:
            check_choice("target", target, ("clean", "noisy"))
            firsts, seconds = [], []
            degrade = self._in_context("train", None)
            for source in sources(n, rng):
                one = degrade(source, rng, peak=self.dataset.peak)
                while not sampled and not fits(one, space):
                    (source,) = sources(1, rng)
                    one = degrade(source, rng, peak=self.dataset.peak)
                firsts.append(one)
                # Recorded items already have two views.
                if target == "noisy" and not self._recorded:
                    seconds.append(degrade(source, rng, peak=self.dataset.peak))
            own = firsts[0].clean.shape[2:] if sampled else space
            batch = cropped(firsts, own)
            return pairs(batch, cropped(seconds, own).noisy if seconds else batch.clean)

        def second() -> Array:
            return joined([self._degraded("train", 0, item, view=1) for item in held]).noisy

        return Training(
            pairs(train, train.clean),
            pairs(validation, validation.clean),
            draw,
            self.dataset.peak,
            second=None if self._recorded else second,
        )

    def _of_similar_size(self, parts: list[Degraded], share: Share) -> tuple[list[int], list[int]]:
        """Return the training and the validation items that are not too small to be used."""
        spaces = [one.clean.shape[2:] for one in parts]
        small = small_items(spaces)
        first, held = ([i for i in items if i not in small] for items in share)
        if not first or not held:
            raise InputError(
                f"{self.name}: the training items are of too different sizes, from "
                f"{size_text(min(spaces))} to {size_text(max(spaces))}"
            )
        used = {spaces[i] for i in first + held}
        if len(used) > 1 and "kernel" in self.degradation.problem_info(max(used)):
            raise InputError(  # a cropped circular convolution is none
                f"{self.name}: {self.degradation.kind} needs training items of equal size, but "
                f"there are {size_text(min(used))} and {size_text(max(used))}"
            )
        if small:
            names = [self.dataset.group("train", i) or f"item {i}" for i in small]
            text = left_out(names, len(parts), smallest([*used]))
            warnings.warn(text, Caution, stacklevel=3)
        return first, held
