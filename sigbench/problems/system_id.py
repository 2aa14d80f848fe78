"""The problem of system-function estimation: from an input and a noisy output to the response."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Block, Estimator, Pairs, Training
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_field
from sigbench.datasets.base import Dataset, Split, can_train, check_items, training_share
from sigbench.problems.degradations import check_snr_db
from sigbench.scoring.metrics import Metric, Values


class _Record(NamedTuple):
    h: Array
    both: Array  # input and output
    sigma: float


class _Records(NamedTuple):
    h: Array
    both: Array
    sigma: Array


@dataclass(frozen=True)
class SystemFunction:
    """Find h from x and y = h ∗ x + n: circular convolution, x and n Gaussian, n white.

    The input is x[t] = a·x[t−1] + √(1−a²)·e[t] on the circle, e white with variance 1. The item is
    ``h``, shape ``(1, taps)``, index 0 is lag 0; a method gets x and y, shape ``(N, 1, length)``,
    by `Estimator.estimate`, and ``taps`` as a fact.

    Parameters
    ----------
    name : str
        Name of the problem.
    dataset : Dataset
        Where responses come from, all of one length.
    length : int
        Samples of a record.
    snr_db : float
        Mean power of h ∗ x over that of n, in dB, in every record.
    items : int
        Test items a seed.
    train_items : int
        Items of the training split that learners see; a fifth of them is for validation.
    coloration : float
        The a above, 0 <= a < 1; 0 is white.
    """

    name: str
    dataset: Dataset
    length: int
    snr_db: float
    items: int
    train_items: int = 500
    coloration: float = 0.0

    kind: ClassVar[str] = "system-function"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_items(self.name, self.dataset, self.items, self.train_items)
        check_field("coloration", self.coloration, 0, below=1)
        check_snr_db(self.snr_db)
        shape = self.dataset.item("test", 1, 0).shape
        if len(shape) != 2 or shape[0] != 1:
            raise InputError(
                f"{self.name}: {self.dataset.kind} has items of shape {shape}: a response has (1, taps)"
            )
        if self._taps > self.length:
            raise InputError(
                f"{self.name}: length={self.length} must be >= {self._taps}, the taps of h"
            )

    @property
    def labels(self) -> dict[str, str]:
        """The names of dataset and degradation for a table of results."""
        return {"dataset": self.dataset.kind, "degradation": self.kind}

    @cached_property
    def _taps(self) -> int:
        return self.dataset.item("test", 1, 0).shape[-1]

    @property
    def problem_info(self) -> dict[str, Any]:
        """What every method is told by name: the dataset's facts, and how many ``taps`` h has."""
        return {**self.dataset.problem_info, "taps": self._taps}

    @property
    def can_train(self) -> bool:
        """Whether there is a training split."""
        return can_train(self.dataset)

    @property
    def image_peak(self) -> None:
        """None: there are no images here."""
        return None

    @property
    def sigma_known(self) -> bool:
        """Whether the noise is white with a level that can be told: it is."""
        return True

    def blocks(self, seed: int, size: int) -> Iterator[Block]:
        """Make the test items of a seed in blocks of at most ``size`` items."""
        for start in range(0, self.items, size):
            items = range(start, min(start + size, self.items))
            made = _stacked([self._record("test", seed, item) for item in items])
            groups = tuple(self.dataset.group("test", i) or f"{seed}:{i}" for i in items)
            yield Block(np.array(items), groups, made.h, made.both, made.sigma)

    def _record(self, split: Split, seed: int, item: int) -> _Record:
        """Make one item: of all lengths and levels, one input and one noise."""
        data = self.dataset
        stream = (data.kind, data.version, split, seed, self.kind, self.version)
        h = data.item(split, seed, item)
        return self._made(h, item_rng(item, *stream, "x"), item_rng(item, *stream, "noise", 0))

    def _made(self, h: Array, of_x: np.random.Generator, of_n: np.random.Generator) -> _Record:
        if h.shape != (1, self._taps):
            raise InputError(f"{self.name}: h of shape {h.shape} must be (1, {self._taps})")
        a, n = self.coloration, self.length
        spectrum = np.fft.rfft(of_x.standard_normal((1, n)))
        if a > 0:
            lag = np.exp(-2j * np.pi * np.fft.rfftfreq(n))
            spectrum *= np.sqrt(1 - a**2) / (1 - a * lag)
        x = np.fft.irfft(spectrum, n)
        clean = np.fft.irfft(spectrum * np.fft.rfft(h, n), n)
        sigma = float(np.sqrt(np.mean(clean**2) * 10 ** (-self.snr_db / 10)))
        y = clean + sigma * of_n.standard_normal((1, n))
        return _Record(h, np.concatenate([x, y]).astype(h.dtype), sigma)

    def apply(self, method: Estimator, block: Block, *, sigma_given: bool) -> Array:
        """Estimate the responses of a block."""
        return _estimated(method, block.noisy, block.sigma if sigma_given else None)

    def score(self, metric: Metric, block: Block, estimate: Array) -> Values:
        """Return the metric of every item, shape ``(N,)``."""
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

        def pairs(made: list[_Record]) -> Pairs:
            h, both, sigma = _stacked(made)
            return Pairs(both, h, sigma if sigma_given else None)

        def draw(n: int, rng: np.random.Generator, target: str = "clean") -> Pairs:
            if target != "clean":
                raise InputError(f"target={target!r} must be clean: a response has no noisy view")
            items = rng.integers(2**40 if size is None else size, size=n)
            return pairs(
                [self._made(self.dataset.item("train", 1, int(i)), rng, rng) for i in items]
            )

        return Training(
            pairs([self._record("train", 0, item) for item in share.pairs]),
            pairs([self._record("train", 0, item) for item in share.validation]),
            draw,
            self.dataset.peak,
            lambda method, some: _estimated(method, some.noisy, some.sigma),
        )


def _estimated(method: Estimator, records: Array, sigma: Any) -> Array:
    x, y = records[:, :1], records[:, 1:]
    if sigma is None:  # an estimator of one's own need not take it
        return method.estimate(x, y)
    return method.estimate(x, y, sigma=sigma)


def _stacked(made: list[_Record]) -> _Records:
    h, both, sigma = zip(*made, strict=True)
    return _Records(np.stack(h), np.stack(both), np.array(sigma, h[0].dtype))
