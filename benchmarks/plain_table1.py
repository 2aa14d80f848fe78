"""All rows of Table 1 by a plain script of loops over signals, without sigbench.

Computes the same as ``sigbench run table1``: 3 seeds of 1,000 signals, with tuned rows tuned over
the same grids on 400 other signals. Prints a Markdown table of means and half widths of their 95 %
confidence intervals.
"""

import argparse
import itertools
import math

import loops
import numpy as np

LENGTH, SIGMA = 100, 3.0
TRANSFORMS = {
    "identity": loops.IDENTITY,
    "dft": loops.DFT,
    "dct": loops.DCT,
    "wavelet": loops.WAVELET,
}


def draw(seed, items):
    """Draw clean and noisy signals."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(items):
        clean = np.zeros(LENGTH)
        clean[rng.integers(LENGTH, size=20)] = rng.integers(2, 11, size=20)
        pairs.append((clean, clean + SIGMA * rng.standard_normal(LENGTH)))
    return pairs


def wiener(y, window, noise_over_sigma):
    """Local Wiener filter with a factor on the true noise level."""
    return loops.wiener_reflect(y, window, noise_over_sigma * SIGMA)


# One solver for all transforms, including the identity, as in typical research code. --closed uses
# the closed forms instead.
def l1(y, lam, transform="dft"):
    """L1 by iteration."""
    return loops.ista_l1(y, lam, TRANSFORMS[transform])


def l1_nonneg(y, lam):
    """L1 with a non-negativity constraint by iteration."""
    return loops.ista_l1(y, lam, loops.IDENTITY, nonneg=True)


def gmc(y, lam, gamma, transform="dft"):
    """GMC by iteration."""
    return loops.gmc(y, lam, gamma, TRANSFORMS[transform])


def l1_closed(y, lam, transform):
    """L1 in closed form: the soft threshold."""
    forward, inverse = TRANSFORMS[transform]
    return inverse(loops.soft(forward(y), lam))


def l1_nonneg_closed(y, lam):
    """L1 with a non-negativity constraint in closed form."""
    return np.maximum(y - lam, 0)


def gmc_closed(y, lam, gamma, transform):
    """GMC in closed form: the firm threshold."""
    forward, inverse = TRANSFORMS[transform]
    u = forward(y)
    return inverse(u * np.clip((1 - lam / np.maximum(np.abs(u), 1e-300)) / (1 - gamma), 0, 1))


def wavelet_spun(y, wavelet, shrink, scale):
    """Wavelet threshold averaged over 4 shifts."""
    return loops.cycle_spin(
        lambda shifted: loops.wavelet_threshold(
            shifted, SIGMA, wavelet, shrink=shrink, scale=scale
        ),
        y,
        4,
    )


GRIDS = {
    "wiener-tuned": {
        "window": [3, 5, 9, 17, 35, 65, 99, 199],
        "noise_over_sigma": [0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0],
    },
    "l1-tuned": {
        "transform": ["identity", "dft", "dct", "wavelet"],
        "lam": [1.0, 1.5, 2.0, 2.4, 2.7, 3.0, 3.2, 3.4, 3.6, 3.8, 4.1, 4.5, 5.0, 6.0, 8.0],
    },
    "gmc-tuned": {
        "transform": ["identity", "dft", "dct", "wavelet"],
        "gamma": [0.0, 0.4, 0.8],
        "lam": [2.0, 3.0, 3.4, 4.0, 5.0],
    },
    "l1-nonneg-tuned": {"lam": [1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.5, 4.0]},
    "blur-tuned": {"width": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3, 1.7, 2.2]},
    "wavelet-tuned": {
        "wavelet": ["haar", "sym4", "sym8"],
        "shrink": ["soft", "garrote", "hard"],
        "scale": [0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0],
    },
}


def best_of(denoise, grid, train):
    """Return the settings with the least mean squared error on the training pairs."""
    best, least = {}, math.inf
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values, strict=True))
        mse = np.mean([np.mean((denoise(y, **settings) - x) ** 2) for x, y in train])
        if mse < least:
            best, least = settings, mse
    return best


def denoisers(train, closed=False):
    """Return the function of every row; those in GRIDS still need tuning."""
    clean, noisy = zip(*train, strict=True)
    a, b = loops.fit_affine(noisy, clean)
    prior = loops.support_prior(LENGTH)
    return {
        "noisy": lambda y: y,
        "wiener-printed": loops.wiener,
        "l1-printed": lambda y: l1(y, 1.0),
        "gmc-printed": lambda y: gmc(y, 3.0, 0.8),
        "wiener-tuned": wiener,
        "l1-tuned": l1_closed if closed else l1,
        "gmc-tuned": gmc_closed if closed else gmc,
        "l1-nonneg-tuned": l1_nonneg_closed if closed else l1_nonneg,
        "affine": lambda y: a * y + b,
        "blur-tuned": loops.gaussian_blur,
        "visu": lambda y: loops.wavelet_threshold(y, SIGMA, rule="visu"),
        "sure": lambda y: loops.wavelet_threshold(y, SIGMA, rule="sure"),
        "bayes": lambda y: loops.wavelet_threshold(y, SIGMA, rule="bayes"),
        "wavelet-tuned": wavelet_spun,
        "limit-samplewise": lambda y: loops.posterior_mean_samplewise(y, SIGMA),
        "limit": lambda y: loops.posterior_mean(y, SIGMA, prior),
    }


def mean_and_half_width(values):
    """Format a mean with the half width of its 95 % interval."""
    half = 1.96 * np.std(values, ddof=1) / math.sqrt(len(values))
    return f"{np.mean(values):.4f} ± {half:.4f}"


def main():
    """Tune, denoise, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=1000, help="signals per seed")
    parser.add_argument("--train-items", type=int, default=400, help="signals to tune on")
    parser.add_argument("--closed", action="store_true", help="tune L1 and GMC with closed forms")
    args = parser.parse_args()
    train = draw(0, args.train_items)
    test = [pair for seed in (1, 2, 3) for pair in draw(seed, args.items)]

    print("| row | psnr_table1 (dB) | RMSE | tuned |")
    print("| --- | ---: | ---: | --- |")
    for name, denoise in denoisers(train, args.closed).items():
        best = best_of(denoise, GRIDS[name], train) if name in GRIDS else {}
        mse = np.array([np.mean((denoise(y, **best) - x) ** 2) for x, y in test])
        psnr, rmse = map(mean_and_half_width, (20 * np.log10(10 / mse), np.sqrt(mse)))
        settings = ", ".join(f"{key}={value}" for key, value in best.items())
        print(f"| {name} | {psnr} | {rmse} | {settings} |", flush=True)


if __name__ == "__main__":
    main()
