"""System identification: estimate an impulse response from an input and a noisy output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Block, Estimator, Pairs, Sigma, Task, Training
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_field
from sigbench.datasets.base import (
    Dataset,
    Split,
    can_train,
    check_items,
    clean_item,
    training_share,
)
from sigbench.problems.base import Caller, ItemInfo, check_snr_db

T = TypeVar("T")


class _Record(NamedTuple):
    h: Array
    xy: Array  # input and output as two channels
    sigma: float


class _Batch(NamedTuple):
    h: Array
    xy: Array
    sigma: Array


@dataclass(frozen=True)
class SystemFunction:
    """System identification: estimate h from x and y = h ∗ x + n (circular convolution).

    The noise n is white and Gaussian. The input x[t] = a·x[t−1] + √(1−a²)·e[t] is periodic, with
    white Gaussian e of variance 1. An item is an impulse response ``h`` of shape ``(1, taps)``;
    index 0 is lag 0. Estimators receive x and y, shape ``(N, 1, length)``, and the problem
    information ``taps``.

    Parameters
    ----------
    name : str
        Name of the problem.
    dataset : Dataset
        Source of impulse responses, all with the same number of taps.
    length : int
        Number of samples of x and y.
    snr_db : float
        Ratio of the mean powers of h ∗ x and n, in dB, for every item.
    items : int
        Number of test items per seed.
    train_items : int
        Number of items of the training split for learners; a fifth of them is for validation.
    coloration : float
        The coefficient a, 0 <= a < 1; with 0 the input is white.
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
    task: ClassVar[Task] = "system identification"

    def __post_init__(self) -> None:
        check_items(self.name, self.dataset, self.items, self.train_items)
        check_field("coloration", self.coloration, 0, below=1)
        check_snr_db(self.snr_db)
        if self._taps > self.length:
            raise InputError(
                f"{self.name}: length={self.length} must be >= {self._taps}, the number of taps"
            )

    @property
    def labels(self) -> dict[str, str]:
        """Values of the columns ``dataset`` and ``degradation``."""
        return {"dataset": self.dataset.kind, "degradation": self.kind}

    @cached_property
    def _taps(self) -> int:
        shape = self.dataset.item("test", 1, 0).shape
        if len(shape) != 2 or shape[0] != 1:
            raise InputError(
                f"{self.name}: {self.dataset.kind} has items of shape {shape}; "
                "an impulse response must have shape (1, taps)"
            )
        return shape[1]

    @property
    def problem_info(self) -> dict[str, Any]:
        """Problem information of the dataset, and ``taps``, the number of taps of h."""
        return {**self.dataset.problem_info, "taps": self._taps}

    @property
    def can_train(self) -> bool:
        """Whether there is a training split."""
        return can_train(self.dataset)

    @property
    def item_info(self) -> ItemInfo:
        """Domain, peak value and sampling rate of the impulse responses."""
        return ItemInfo("system", self.dataset.peak, self.dataset.problem_info.get("fs"))

    @property
    def sigma_known(self) -> bool:
        """True: the noise is white with a known level."""
        return True

    def blocks(self, seed: int, size: int) -> Iterator[Block]:
        """Yield the test items of a seed in blocks of at most ``size`` items."""
        for start in range(0, self.items, size):
            items = range(start, min(start + size, self.items))
            batch = _stacked([self._record("test", seed, item) for item in items])
            groups = tuple(self.dataset.group("test", i) or f"{seed}:{i}" for i in items)
            yield Block(np.array(items), groups, batch.h, batch.xy, batch.sigma)

    def _record(self, split: Split, seed: int, item: int) -> _Record:
        """Make one item from its own streams; problems of different SNR share the draws."""
        data = self.dataset
        stream = (data.kind, data.version, split, seed, self.kind, self.version)
        h = clean_item(data, split, seed, item)
        return self._make(h, item_rng(item, *stream, "x"), item_rng(item, *stream, "noise", 0))

    def _make(self, h: Array, x_rng: np.random.Generator, n_rng: np.random.Generator) -> _Record:
        if h.shape != (1, self._taps):
            raise InputError(f"{self.name}: h has shape {h.shape}: it must be (1, {self._taps})")
        a, n = self.coloration, self.length
        X = np.fft.rfft(x_rng.standard_normal((1, n)))
        if a > 0:
            delay = np.exp(-2j * np.pi * np.fft.rfftfreq(n))
            X *= np.sqrt(1 - a**2) / (1 - a * delay)
        x = np.fft.irfft(X, n)
        clean = np.fft.irfft(X * np.fft.rfft(h, n), n)
        sigma = float(np.sqrt(np.mean(clean**2) * 10 ** (-self.snr_db / 10)))
        y = clean + sigma * n_rng.standard_normal((1, n))
        return _Record(h, np.concatenate([x, y]).astype(h.dtype), sigma)

    @property
    def caller(self) -> Caller:
        """How an estimator is called."""
        return estimated

    def apply(self, method: Estimator, block: Block, *, sigma_given: bool) -> Array:
        """Return the estimated impulse responses of a block."""
        return estimated(method, block.noisy, block.sigma if sigma_given else None)

    def score(self, metric: Callable[..., T], block: Block, estimate: Array) -> T:
        """Return ``metric`` (a `Metric`, or its ``measure``) of the items of a block."""
        return metric(block.clean, estimate, self.dataset.peak)

    def training(self, *, sigma_given: bool) -> Training:
        """Return the training split for learners.

        Parameters
        ----------
        sigma_given : bool
            Whether the pairs contain the noise level.

        Raises
        ------
        InputError
            If the dataset has no training split.
        """
        share = training_share(self.name, self.dataset, self.train_items)
        size = self.dataset.size("train")

        def pairs(records: list[_Record]) -> Pairs:
            h, xy, sigma = _stacked(records)
            return Pairs(xy, h, sigma if sigma_given else None)

        def draw(n: int, rng: np.random.Generator, target: str = "clean") -> Pairs:
            if target != "clean":
                raise InputError(f"target={target!r} must be 'clean' for system identification")
            items = rng.integers(2**40 if size is None else size, size=n)
            return pairs(
                [self._make(self.dataset.item("train", 1, int(i)), rng, rng) for i in items]
            )

        return Training(
            pairs([self._record("train", 0, item) for item in share.pairs]),
            pairs([self._record("train", 0, item) for item in share.validation]),
            draw,
            self.dataset.peak,
            lambda method, batch: estimated(method, batch.noisy, batch.sigma),
        )


def estimated(method: Estimator, xy: Array, sigma: Sigma) -> Array:
    """Return the impulse responses that an estimator finds for input and output, two channels."""
    x, y = xy[:, :1], xy[:, 1:]
    if sigma is None:  # user estimators may omit the argument
        return method.estimate(x, y)
    return method.estimate(x, y, sigma=sigma)


def _stacked(records: list[_Record]) -> _Batch:
    h, xy, sigma = zip(*records, strict=True)
    return _Batch(np.stack(h), np.stack(xy), np.array(sigma, h[0].dtype))
