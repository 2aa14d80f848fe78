"""The expected error of a denoiser without clean data: SURE, and generalized cross-validation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.benchmark.methods.covariance import WHITE, root_of
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Denoiser, Sigma
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_field, per_item
from sigbench.denoisers.filtered_noise import levels_or_model

PROBES = 8
MIN_REMOVED = 0.01  # share of the noise that a denoiser must remove for cross-validation
EPSILON = 0.05  # in noise levels; iterative solvers are too inaccurate for smaller steps

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """The estimate of a batch by a denoiser, and its expected mean squared error.

    Attributes
    ----------
    estimate : array, shape (N, C, *space), float64
        The denoised items.
    mse : array, shape (N,), float64
        SURE of each item, in squared units. It is unbiased but noisy: for a short item with a small
        error it can be negative.
    sd : array, shape (N,), float64
        Standard deviation of the difference between ``mse`` and the squared error of this item.
    divergence : array, shape (N, *space), float64
        tr(CJ)/n, divided among the frequencies of ``fftn``: its mean over them is tr(CJ)/n. If J is
        multiplied by another stationary covariance, each frequency changes by the ratio of the
        powers.
    """

    estimate: NDArray[np.float64]
    mse: NDArray[np.float64]
    sd: NDArray[np.float64]
    divergence: NDArray[np.float64]


def sure(
    denoiser: Denoiser,
    noisy: Array,
    sigma: Sigma,
    *,
    probes: int = PROBES,
    epsilon: float = EPSILON,
    power_sd: float = 0.0,
) -> Judged:
    """Denoise, and estimate the mean squared error of every item by Monte Carlo SURE.

    SURE = ‖f(y) − y‖²/n − σ² + 2/n · tr(CJ), where C is the covariance of the noise, nσ² its trace,
    and J the Jacobian of f at y. The trace is measured along random probes b: tr(CJ) ≈
    Σ (Rb)ᵀ(f(y + εRb) − f(y))/ε with RRᵀ = C. Each probe is ±1 at every K-th sample and 0
    elsewhere, and the K probes together cover all samples. Neighboring samples, which a denoiser
    mixes most, are therefore in different probes, which reduces the variance. For white noise R = σ;
    then K = 1 is the method of Ramani, Blu and Unser, and K = n is exact. For other noise, the sum is
    multiplied by nσ²/Σ‖Rb‖², whose mean is 1.

    The expected value of SURE is that of ‖f(y) − x‖²/n if the noise y − x is Gaussian with the known
    covariance C, and f is weakly differentiable, as linear filters, soft thresholds, L1 and total
    variation are. A hard threshold is discontinuous, and SURE is too low for it. An error of an
    estimated C is an error of SURE.

    The variance of SURE − ‖f(y) − x‖²/n is estimated without bias, if J is symmetric, by
    (4·‖Rᵀ(f(y) − y)‖² + 4·tr((CJ)²) − 2·tr(C²))/n². To this are added the variances of the probes and
    of an estimated σ².

    Parameters
    ----------
    denoiser : Denoiser
        f. It is given ``sigma``, and computes in float64.
    noisy : array, shape (N, C, *space)
        The items y, of n samples each in all channels together.
    sigma : float, array of shape (N,) or NoiseModel
        The noise level σ, in the units of the items, or a model of the noise. The covariance of a
        model is RRᵀ with R = diag(√(v/σ²))·F: F is the circular filter with the gain √S, where S is
        the spectrum, and v is the variance at each sample for the clean signal y. The noise of the
        channels is independent.
    probes : int
        K; each costs one call of f. The probes are the same for every item, denoiser and call.
    epsilon : float
        The step ε in noise levels.
    power_sd : float
        Standard deviation of an estimated σ² divided by σ².

    Raises
    ------
    InputError
        If the noise level is None, or a parameter is out of range.

    References
    ----------
    Ramani, Blu, Unser, IEEE Trans. Image Process. 17 (9), 2008: theorem 2 and algorithm 1;
    Stein, Ann. Stat. 9 (1981), theorem 1; Eldar, IEEE Trans. Signal Process. 57 (2), 2009: SURE for
    a known covariance; Bellec and Zhang, Ann. Stat. 49 (4), 2021, theorem 2.1: the variance of SURE;
    Tang and Saad, Numer. Linear Algebra Appl. 19 (2012), on the variance of sparse probes.

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur
    >>> x = np.sin(np.linspace(0, 10, 10_000)).reshape(1, 1, -1)
    >>> y = x + 0.5 * np.random.default_rng(0).standard_normal(x.shape)
    >>> judged = sure(GaussianBlur(width=3.0), y, 0.5)
    >>> float(np.mean((judged.estimate - x) ** 2)).__round__(3), judged.mse.round(3)
    (0.024, array([0.022]))
    >>> judged.sd.round(3)
    array([0.003])
    """
    check_field("power_sd", power_sd, 0)
    found = _measured(denoiser, noisy, sigma, probes, epsilon)
    share = found.share
    mse = found.misfit - found.power + 2 * found.power * share
    variance = found.variance + (power_sd * found.power * (1 - 2 * share)) ** 2
    return Judged(found.estimate, mse, np.sqrt(variance), found.divergence)


def gcv(
    denoiser: Denoiser,
    noisy: Array,
    sigma: Sigma,
    *,
    probes: int = PROBES,
    epsilon: float = EPSILON,
    power_sd: float = 0.0,
) -> Judged:
    """Denoise, and compare denoisers by generalized cross-validation, if σ is not known well.

    With the share α = tr(CJ)/tr(C) of the noise that is left, the denoiser (f(y) − αy)/(1 − α) does
    not depend on the noise of a sample at this sample: its divergence is 0. Its distance from y,
    GCV = ‖f(y) − y‖²/n/(1 − α)², has the mean σ² plus its squared error. The value returned is
    GCV − σ². An error of σ² is therefore the same for all denoisers and does not change their order,
    except that SURE replaces it where α > 0.99.

    Parameters
    ----------
    denoiser, noisy, probes, epsilon
        As in `sure`.
    sigma : float, array of shape (N,) or NoiseModel
        The noise, as in `sure`; an estimate whose level may be wrong, but not its spectrum.
    power_sd : float
        Standard deviation of σ² divided by σ².

    Returns
    -------
    Judged
        The estimate of f, not of the denoiser without divergence.

    References
    ----------
    Golub, Heath, Wahba, Technometrics 21 (1979), eq. (1.4); Girard, Numer. Math. 56 (1989): the
    trace by random probes; Tachella, Davies, Jacques, arXiv 2409.01985 (2024): UNSURE, the minimum
    of ‖f(y) − y‖² over denoisers without divergence.

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur
    >>> x = np.sin(np.linspace(0, 10, 10_000)).reshape(1, 1, -1)
    >>> y = x + 0.5 * np.random.default_rng(0).standard_normal(x.shape)
    >>> one, two = (gcv(GaussianBlur(width), y, 0.4).mse for width in (3.0, 9.0))
    >>> (one - two).round(3)  # the true errors are 0.024 and 0.009
    array([0.018])
    """
    check_field("power_sd", power_sd, 0)
    found = _measured(denoiser, noisy, sigma, probes, epsilon)
    kept = 1 - found.share
    with_sure = found.misfit - found.power + 2 * found.power * found.share
    usable = kept > MIN_REMOVED
    validated = found.misfit / np.where(usable, kept, 1.0) ** 2 - found.power
    variance = found.variance + (power_sd * found.power) ** 2
    mse = np.where(usable, validated, with_sure)
    return Judged(found.estimate, mse, np.sqrt(variance), found.divergence)


@dataclass(frozen=True, eq=False)
class _Measured:
    """What SURE and GCV need of a denoiser at the items; arrays ``(N,)``.

    Attributes
    ----------
    estimate : array, shape (N, C, *space)
        The denoised items.
    misfit : array
        ‖f(y) − y‖²/n.
    power : array
        σ².
    share : array
        tr(CJ)/tr(C).
    variance : array
        Variance of the difference between SURE and the squared error.
    divergence : array, shape (N, *space)
        tr(CJ)/n, divided among the frequencies.
    """

    estimate: Values
    misfit: Values
    power: Values
    share: Values
    variance: Values
    divergence: Values


def _measured(
    denoiser: Denoiser,
    noisy: Array,
    sigma: Sigma,
    probes: int,
    epsilon: float,
) -> _Measured:
    check_field("probes", probes, 1)
    if epsilon <= 0:
        raise InputError(f"{epsilon=} must be > 0")
    levels, model = levels_or_model(noisy, sigma)
    if levels is None:
        raise InputError("sigma is None: SURE needs the noise level")
    given: Sigma = levels if model is None else model
    y = noisy.astype(np.float64)
    n, axes = y[0].size, tuple(range(1, y.ndim))
    root = WHITE if model is None else root_of(model, y)
    step = per_item(np.where(levels > 0, epsilon * levels, 1.0), y)  # σ = 0 has no divergence term
    estimate: Values = denoiser(y, sigma=given).astype(np.float64, copy=False)
    signs = item_rng(0, "sure").choice([-1.0, 1.0], size=y.shape[1:])
    probe_of = _probe_of_sample(y.shape[1:], probes)
    divergence, squares = np.zeros(len(y)), np.zeros(len(y))
    crossed = np.zeros((len(y), *y.shape[2:]))
    parts, norms = [], []
    for k in range(min(probes, signs.size)):
        b = root.apply(np.where(probe_of == k, signs, 0))
        change = (denoiser(y + step * b, sigma=given) - estimate) / step
        parts.append(np.sum(b * change, axis=axes))
        divergence += parts[-1]
        crossed += _cross_power(b, change)
        norms.append(np.sum(b**2, axis=axes if b.ndim == y.ndim else None))
        squares += np.sum(root.adjoint(change) ** 2, axis=axes)
    if model is not None:  # the mean of Σ‖Rb‖² is n
        scale = n / np.sum(norms, axis=0)
        divergence *= scale
        crossed *= per_item(scale, crossed)
    residual = estimate - y
    misfit = np.mean(residual**2, axis=axes)
    weighted = np.sum(root.adjoint(residual) ** 2, axis=axes)
    variance = 4 * weighted + levels**2 * (4 * squares - 2 * n * root.mean_square)
    variance = np.maximum(variance, 0) * levels**2 / n**2
    if 1 < len(parts) < signs.size:
        spread = len(parts) * np.var(
            [part - divergence / n * norm for part, norm in zip(parts, norms, strict=True)],
            axis=0,
            ddof=1,
        )
        variance += (2 * levels**2 / n) ** 2 * spread
    spectrum = (per_item(levels**2 / n, crossed) * crossed).astype(np.float64)
    return _Measured(estimate, misfit, levels**2, divergence / n, variance, spectrum)


def _cross_power(one: Values, two: Values) -> Values:
    """Return the real part of the cross spectrum, summed over channels, shape ``(N, *space)``.

    Its mean over the frequencies is the sum of the product.
    """
    axes = tuple(range(2 - two.ndim, 0))
    product = scipy.fft.fftn(one, axes=axes).conj() * scipy.fft.fftn(two, axes=axes)
    return np.asarray(product.real.sum(axis=1))


def _probe_of_sample(shape: tuple[int, ...], probes: int) -> NDArray[np.intp]:
    """Return the probe of each sample: cyclic along a row, shifted by 3 from row to row.

    With at least as many probes as samples, each sample has a probe of its own.
    """
    if probes >= math.prod(shape):
        return np.arange(math.prod(shape)).reshape(shape)
    shifts = [3**i for i in range(len(shape))][::-1]
    return np.asarray(sum(s * i for s, i in zip(shifts, np.indices(shape), strict=True)) % probes)
