"""Limits and oracles: the Bayes-optimal estimate and the ideal wavelet projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Denoiser, Info, Sigma
from sigbench.core.validation import check, check_field, per_item
from sigbench.denoisers.noise_level import given_or_estimated
from sigbench.transforms import Wavelet
from sigbench.transforms.wavelet_filters import refined_field


@dataclass(frozen=True)
class SpikesPosteriorMean:
    """The posterior mean E[x|y] of sparse spikes in white Gaussian noise, which is the limit.

    Prior: ``draws`` indices are drawn with replacement. The samples at these indices have values
    uniform on the integers ``low``..``high``; all others are zero. Given the number K of distinct
    indices, the support S is uniform. With the likelihood ratios
    r_i = p(y_i | x_i ≠ 0)/p(y_i | x_i = 0),

        P(i ∈ S | y) ∝ r_i Σ_k P(K = k)/C(n, k) · e_{k−1}(r without r_i),

    where e_k are the elementary symmetric polynomials, computed by their recursion from both ends.

    Parameters
    ----------
    samplewise : bool
        Whether to treat the samples as independent, P(x_i ≠ 0) = 1 − (1 − 1/n)^draws, which is
        simpler and slightly worse.
    draws, low, high : int, optional
        The prior; by default that of the problem, or 20, 2 and 10 as in Table 1.

    References
    ----------
    Bayes' rule; the posterior mean minimizes the mean squared error.

    Examples
    --------
    >>> y = np.array([[[0.1, 9.0, -0.2, 0.0]]])
    >>> SpikesPosteriorMean(draws=1)(y, sigma=0.5).round(2)
    array([[[0., 9., 0., 0.]]])
    """

    samplewise: bool = False
    draws: int | None = None
    low: int | None = None
    high: int | None = None

    info: ClassVar[Info] = Info(
        "spikes-posterior-mean",
        "limit",
        "Bayes: exact posterior mean under the prior of sparse-spikes",
        domains=("signal",),
        uses_sigma=True,
        prior=True,
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        draws, low, high = self._prior
        check_field("draws", draws, 1)
        check_field("high", high, low)

    @property
    def _prior(self) -> tuple[int, int, int]:
        given = (self.draws, self.low, self.high)
        draws, low, high = (
            default if value is None else value
            for value, default in zip(given, (20, 2, 10), strict=True)
        )
        return draws, low, high

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the posterior mean, shape and dtype of ``noisy``, which is ``(N, 1, L)``."""
        given = check(noisy, sigma)
        if noisy.ndim != 3 or noisy.shape[1] != 1:
            raise InputError(f"noisy has shape {noisy.shape}: it must be (N, 1, L)")
        levels = given_or_estimated(noisy, given)
        positive = levels > 0
        estimate = noisy.copy()
        if positive.any():
            y = noisy[positive, 0].astype(np.float64)
            estimate[positive, 0] = self._posterior_mean(y, levels[positive, None])
        return estimate

    def _posterior_mean(
        self, y: NDArray[np.float64], sigma: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        draws, low, high = self._prior
        values = np.arange(low, high + 1.0)
        # log p(y | value), up to a constant
        log_p = -0.5 * ((y[..., None] - values) / sigma[..., None]) ** 2
        largest = log_p.max(axis=-1, keepdims=True)
        p_value = np.exp(log_p - largest)
        total = p_value.sum(axis=-1)
        log_ratio = largest[..., 0] + np.log(total / len(values)) + 0.5 * (y / sigma) ** 2
        mean_if_nonzero = p_value @ values / total
        if self.samplewise:
            n = y.shape[1]
            p = 1 - (1 - 1 / n) ** draws
            nonzero = expit(log_ratio + np.log(p) - np.log1p(-p)) if p < 1 else np.ones_like(y)
        else:
            nonzero = inclusion_probability(log_ratio, log_support_prior(y.shape[1], draws))
        return nonzero * mean_if_nonzero


def log_support_prior(n: int, draws: int) -> NDArray[np.float64]:
    """Return log P(S) of any one support S of k indices, for k = 0..min(n, draws).

    P(S) = P(K = k)/C(n, k), where K is the number of distinct indices among ``draws`` of ``n``.

    Examples
    --------
    >>> np.exp(log_support_prior(2, 2)).round(3)  # {1} and {2}: 1/4 each; {1, 2}: 1/2
    array([0.  , 0.25, 0.5 ])
    """
    distinct = np.zeros(min(n, draws) + 1)
    distinct[0] = 1.0
    k = np.arange(len(distinct))
    for _ in range(draws):
        distinct = distinct * k / n + np.concatenate([[0.0], (distinct * (n - k) / n)[:-1]])
    log_choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    with np.errstate(divide="ignore"):
        log_prior: NDArray[np.float64] = np.log(distinct) - log_choose
    return log_prior


def inclusion_probability(
    log_ratio: NDArray[np.float64], log_prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return P(i ∈ S | y), shape ``(N, n)``, for P(S | y) ∝ P(S)·Π_{i ∈ S} r_i.

    Parameters
    ----------
    log_ratio : array, shape (N, n)
        log r_i.
    log_prior : array, shape (k_max + 1,)
        log P(S) for each size of S.

    Notes
    -----
    With q_i = τr_i/(1 + τr_i), the polynomial e_k(r) equals τ⁻ᵏΠ(1 + τr_i) times the probability of
    k successes in independent trials with probabilities q_i, so all computed numbers are in [0, 1].
    The tilt τ keeps the expected number of successes below k_max.
    """
    batch, n = log_ratio.shape
    size = len(log_prior)
    log_ratio = np.clip(log_ratio, -1e8, 1e8)  # beyond that, the precision of the tilt is too low
    log_tilt = _tilt(log_ratio, size - 1)
    q = expit(log_ratio + log_tilt)
    before = np.zeros((n, batch, size))  # distribution of the successes before i
    after = np.zeros((n, batch, size))  # ... after i
    before[0, :, 0] = after[-1, :, 0] = 1
    for i in range(n - 1):
        before[i + 1] = _add_trial(before[i], q[:, i])
        after[n - 2 - i] = _add_trial(after[n - 1 - i], q[:, n - 1 - i])

    k = np.arange(size)
    log_weight = log_prior - log_tilt * k
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))  # (N, size)
    padded = np.concatenate([weight, np.zeros((batch, size))], axis=1)
    without_i = np.take(padded, k[:, None] + k, axis=1)  # i not in S: the size is the sum
    with_i = np.take(padded, k[:, None] + k + 1, axis=1)  # i in S: the sum plus one
    inside = q.T * _bilinear(before, with_i, after)
    outside = (1 - q.T) * _bilinear(before, without_i, after)
    return (inside / (inside + outside)).T


def _bilinear(
    left: NDArray[np.float64], middle: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return Σ_jl left[i, b, j]·middle[b, j, l]·right[i, b, l], shape (n, N)."""
    mapped = np.matmul(left.transpose(1, 0, 2), middle)  # (N, n, size)
    return np.einsum("bil,ibl->ib", mapped, right)


def _add_trial(distribution: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distribution of the number of successes after one more trial."""
    new = distribution * (1 - q)[:, None]
    new[:, 1:] += distribution[:, :-1] * q[:, None]
    return new


def _tilt(log_ratio: NDArray[np.float64], k_max: int) -> NDArray[np.float64]:
    """Return log τ, shape (N, 1), that moves Σ q_i into [0.75, k_max − 0.25]; 0 if it is there."""
    expected = expit(log_ratio).sum(axis=1)
    target = np.clip(expected, 0.75, k_max - 0.25)
    high = np.abs(log_ratio).max(axis=1) + 50.0
    low = -high
    if (expected == target).all():
        return np.zeros((len(log_ratio), 1))
    for _ in range(64):  # bisection to full precision
        middle = (low + high) / 2
        over = expit(log_ratio + middle[:, None]).sum(axis=1) > target
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.where(expected == target, 0.0, low)[:, None]


@dataclass(frozen=True)
class IdealProjection:
    """Ideal wavelet projection: keep the coefficients whose clean value exceeds the noise level.

    No other selection of coefficients that does not depend on the noise has a smaller expected
    error in this basis. Methods that do more than select coefficients can be better, so this is a
    reference and not a bound.

    Parameters
    ----------
    wavelet : str
        An orthogonal wavelet of PyWavelets.
    level : int, optional
        Depth; by default that of the transform ``wavelet``.

    References
    ----------
    Donoho and Johnstone, Biometrika 81 (1994): the oracle for diagonal projection,
    δ_i = 1{|θ_i| > σ}.

    Examples
    --------
    >>> clean = np.array([[[4.0, 4.0, 0.0, 0.0]]])
    >>> IdealProjection("haar").bind(clean)(clean + 0.1, sigma=0.5).round(2)
    array([[[4.1, 4.1, 0.1, 0.1]]])
    """

    wavelet: str = "sym8"
    level: int | None = None
    refined: bool = refined_field()

    info: ClassVar[Info] = Info(
        "ideal-projection",
        "limit",
        "Donoho, Johnstone 1994: oracle for diagonal projection",
        uses_sigma=True,
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        transform = Wavelet(self.wavelet, self.level)
        object.__setattr__(self, "refined", transform.refined)

    def bind(self, clean: Array) -> Denoiser:
        """Return a denoiser that uses ``clean``, shape ``(N, C, *space)``."""
        return _Projection(self, clean)


@dataclass(frozen=True, eq=False)
class _Projection:
    ideal: IdealProjection
    clean: Array

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        levels = given_or_estimated(noisy, check(noisy, sigma))
        transform = Wavelet(self.ideal.wavelet, self.ideal.level)
        coefficients = transform.analysis(noisy)
        keep = np.abs(transform.analysis(self.clean)) > per_item(levels, noisy)
        keep[levels == 0] = True
        return transform.synthesis(np.where(keep, coefficients, 0), noisy.shape[2:])
