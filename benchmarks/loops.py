"""The methods of Table 1 written without sigbench, one signal at a time.

Every function takes one signal, an array of shape ``(n,)``, and returns its estimate.
"""

import numpy as np
import pywt
import scipy.fft
import scipy.signal
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.special import comb
from skimage.restoration import denoise_wavelet


def wiener(y, window=3):
    """Local-mean Wiener filter that estimates the noise level; zeros beyond the border."""
    return scipy.signal.wiener(y, window)


def wiener_reflect(y, window, noise):
    """Local-mean Wiener filter with known noise level; the signal is reflected at the border."""
    mean = uniform_filter1d(y, window)
    variance = np.maximum(uniform_filter1d(y * y, window) - mean**2, 1e-12)
    return mean + np.maximum(1 - noise**2 / variance, 0) * (y - mean)


# Orthonormal transforms: analysis and synthesis

IDENTITY = (lambda y: y, lambda c: c)
DFT = (lambda y: np.fft.fft(y, norm="ortho"), lambda c: np.fft.ifft(c, norm="ortho").real)
DCT = (lambda y: scipy.fft.dct(y, norm="ortho"), lambda c: scipy.fft.idct(c, norm="ortho"))


def _sym8(y):
    return np.concatenate(pywt.wavedec(y, "sym8", "periodization", level=2))


def _sym8_inverse(c):
    quarter = len(c) // 4
    parts = [c[:quarter], c[quarter : 2 * quarter], c[2 * quarter :]]
    return pywt.waverec(parts, "sym8", "periodization")


WAVELET = (_sym8, _sym8_inverse)


def soft(c, t):
    """Soft threshold of real or complex coefficients."""
    size = np.abs(c)
    return c * (np.maximum(size - t, 0) / np.maximum(size, 1e-300))


def ista_l1(y, lam, transform, step=1.9, tol=1e-4, max_iter=10_000, nonneg=False):
    """Minimize ½‖y − Ac‖² + λ‖c‖₁ by iterative soft thresholding; return Ac."""
    forward, inverse = transform
    c = np.zeros_like(forward(y))
    for _ in range(max_iter):
        old = c
        c = old + step * forward(y - inverse(old))
        c = np.maximum(c - step * lam, 0) if nonneg else soft(c, step * lam)
        if np.linalg.norm(c - old) <= tol * np.linalg.norm(old):
            return inverse(c)
    raise RuntimeError(f"not converged in {max_iter} iterations")


def gmc(y, lam, gamma, transform, step=1.9, tol=1e-4, max_iter=10_000):
    """Least squares with the generalized minimax-concave penalty, by the saddle-point iteration."""
    forward, inverse = transform
    mu = step / max(1, gamma / (1 - gamma))
    x = v = np.zeros_like(forward(y))
    for _ in range(max_iter):
        old_x, old_v = x, v
        w = x - mu * forward(inverse(x + gamma * (v - x)) - y)
        u = v - mu * gamma * forward(inverse(v - x))
        x, v = soft(w, mu * lam), soft(u, mu * lam)
        if np.linalg.norm(x - old_x) <= tol * np.linalg.norm(old_x) and np.linalg.norm(
            v - old_v
        ) <= tol * np.linalg.norm(old_v):
            return inverse(x)
    raise RuntimeError(f"not converged in {max_iter} iterations")


def wavelet_threshold(y, sigma, wavelet="sym8", rule="visu", shrink="soft", scale=1.0):
    """Threshold the details of the periodized wavelet transform at maximum depth."""
    coarse, *details = pywt.wavedec(y, wavelet, "periodization")
    for i, d in enumerate(details):
        details[i] = pywt.threshold(d, scale * _threshold(d, sigma, rule, len(y)), shrink)
    return pywt.waverec([coarse, *details], wavelet, "periodization")[: len(y)]


def cycle_spin(denoise, y, shifts):
    """Average a denoiser over circular shifts of the signal."""
    return np.mean([np.roll(denoise(np.roll(y, s)), -s) for s in range(shifts)], axis=0)


def _threshold(d, sigma, rule, n_samples):
    universal = sigma * np.sqrt(2 * np.log(n_samples))
    if rule == "visu":
        return universal
    if rule == "bayes":
        excess = np.mean(d**2) - sigma**2
        return sigma**2 / np.sqrt(excess) if excess > 0 else np.abs(d).max()
    t = np.concatenate([[0.0], np.sort(np.abs(d))])  # sure: candidates for the minimum of the risk
    below = np.arange(len(t))
    risk = sigma**2 * (len(d) - 2 * below) + np.cumsum(t**2) + (len(d) - below) * t**2
    return min(t[np.argmin(risk)], universal)


def wavelet_skimage(y, sigma, wavelet="sym8", method="VisuShrink", level=2):
    """Threshold with scikit-image, which extends the signal by reflection."""
    return denoise_wavelet(
        y, sigma, wavelet, mode="soft", wavelet_levels=level, method=method, rescale_sigma=False
    )


def gaussian_blur(y, width):
    """Convolve with a Gaussian."""
    return gaussian_filter1d(y, width)


def fit_affine(noisy, clean):
    """Return the least-squares a and b of clean ≈ a·noisy + b."""
    return np.polyfit(np.ravel(noisy), np.ravel(clean), 1)


# The posterior mean of Table 1's spikes: 20 indices with replacement, values uniform on 2..10

DRAWS, VALUES = 20, np.arange(2, 11)


def _evidence(y, sigma):
    """Return the likelihood ratio (nonzero to zero) and the posterior mean if nonzero, per sample."""
    p = np.exp(-((y[:, None] - VALUES) ** 2) / (2 * sigma**2))
    ratio = p.mean(axis=1) * np.exp(y**2 / (2 * sigma**2))
    return ratio, p @ VALUES / p.sum(axis=1)


def posterior_mean_samplewise(y, sigma):
    """Posterior mean that treats the samples as independent."""
    ratio, mean = _evidence(y, sigma)
    p = 1 - (1 - 1 / len(y)) ** DRAWS
    return mean * p * ratio / (p * ratio + 1 - p)


def support_prior(n):
    """Return the probability of one given support of k = 0..20 indices among n."""
    p = np.zeros(DRAWS + 1)
    p[0] = 1.0
    k = np.arange(DRAWS + 1)
    for _ in range(DRAWS):
        p = p * k / n + np.concatenate([[0.0], (p * (n - k) / n)[:-1]])
    return p / comb(n, k)


def posterior_mean(y, sigma, prior):
    """Exact posterior mean: sums over all supports by elementary symmetric polynomials.

    ``prior`` is the result of `support_prior`. At the amplitudes of Table 1 nothing overflows.
    """
    ratio, mean = _evidence(y, sigma)
    n, size = len(y), len(prior)
    before = np.zeros((n, size))  # polynomials of the samples before i
    after = np.zeros((n, size))  # ... after i
    before[0, 0] = after[-1, 0] = 1
    for i in range(n - 1):
        before[i + 1] = before[i]
        before[i + 1, 1:] += ratio[i] * before[i, :-1]
        j = n - 1 - i
        after[j - 1] = after[j]
        after[j - 1, 1:] += ratio[j] * after[j, :-1]
    k = np.arange(size)
    padded = np.concatenate([prior, np.zeros(size)])
    outside = np.sum(before @ padded[k[:, None] + k] * after, axis=1)
    inside = ratio * np.sum(before @ padded[k[:, None] + k + 1] * after, axis=1)
    return mean * inside / (inside + outside)
