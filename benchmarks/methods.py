"""Methods of Table 1 on 1,000 signals, one thread: batches of sigbench against per-signal loops.

Prints a Markdown table. Before a pair is timed, both sides must give the same estimates.
"""

import statistics
import timeit

import loops
import numpy as np
from threadpoolctl import threadpool_limits

from sigbench import GMC, L1, LocalWiener, WaveletShrink
from sigbench.denoisers.sparse_model import Iterative
from sigbench.transforms import DFT

ITEMS, LENGTH, SIGMA = 1000, 100, 3.0
REPEATS = 15
EXACT = 1e-10  # the same arithmetic in another order
# At the printed stop, a relative change of 1e-4, an iteration whose error shrinks by the factor q
# has an error of q/(1 − q) times the change. ISTA at step 1.9: q = −0.9, half the change.
STOPPED = 1e-4
# GMC at step 1.9/4, between λ and λ/γ: q = 1 − 0.2·1.9/4 = 0.905, 9.5 times the change.
STOPPED_GMC = 1e-3
# scikit-image extends a signal by reflection, not periodically, so its coefficients differ:
# the two can only agree on average, in RMSE.
ON_AVERAGE = 0.01


def spikes(rng):
    """Draw signals of Table 1; return clean and noisy, shape (1000, 100)."""
    clean = np.zeros((ITEMS, LENGTH))
    for x in clean:
        x[rng.integers(LENGTH, size=20)] = rng.integers(2, 11, size=20)
    return clean, clean + SIGMA * rng.standard_normal(clean.shape)


def off(a, b):
    """Return the largest ‖a − b‖ / ‖b‖ over the signals."""
    return np.max(np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1))


def rmse(clean, estimate):
    """Return the mean over the signals of the root mean squared error."""
    return np.mean(np.sqrt(np.mean((estimate - clean) ** 2, axis=1)))


def check_problems(noisy):
    """Assert on a few signals that loops and closed forms agree to 1e-9."""
    few = noisy[:5]
    l1 = np.stack([loops.ista_l1(y, 1.0, loops.DFT, tol=1e-12) for y in few])
    gmc = np.stack([loops.gmc(y, 3.0, 0.8, loops.DFT, tol=1e-12) for y in few])
    assert off(l1, L1(DFT(), lam=1.0)(few[:, None])[:, 0]) < 1e-9
    assert off(gmc, GMC(DFT(), lam=3.0, gamma=0.8)(few[:, None])[:, 0]) < 1e-9
    # Haar on an even length never crosses the border, so scikit-image's rules match ours.
    for rule, method in (("visu", "VisuShrink"), ("bayes", "BayesShrink")):
        theirs = np.stack([loops.wavelet_skimage(y, SIGMA, "haar", method) for y in few])
        ours = WaveletShrink("haar", level=2, rule=rule)(few[:, None], sigma=SIGMA)[:, 0]
        assert off(theirs, ours) < EXACT, (rule, off(theirs, ours))


def seconds(loop, few, batched, noisy):
    """Return the median seconds per signal of a loop and of a batch, repeats interleaved."""
    calls = max(1, round(0.05 / timeit.timeit(lambda: batched(noisy), number=1)))
    slow, fast = [], []
    for _ in range(REPEATS):
        slow.append(timeit.timeit(lambda: [loop(y) for y in few], number=1) / len(few))
        fast.append(timeit.timeit(lambda: batched(noisy), number=calls) / calls / len(noisy))
    return statistics.median(slow), statistics.median(fast)


def main():
    """Check and time every pair."""
    clean, noisy = spikes(np.random.default_rng(1))
    check_problems(noisy)
    printed = Iterative(step=1.9, tol=1e-4)

    def l1(y):
        return loops.ista_l1(y, 1.0, loops.DFT)

    def gmc(y):
        return loops.gmc(y, 3.0, 0.8, loops.DFT)

    def wavelet(rule):
        return lambda y: loops.wavelet_threshold(y, SIGMA, rule=rule)

    def skimage(method):
        return lambda y: loops.wavelet_skimage(y, SIGMA, method=method)

    rows = [  # name, loop, signals in the loop, sigbench, tolerance, target
        ("local Wiener: scipy.signal.wiener", loops.wiener, 1000,
         LocalWiener(3, border="zero"), EXACT, 35),
        ("L1, Fourier: ISTA, closed form", l1, 100, L1(DFT(), lam=1.0), STOPPED, 2000),
        ("L1, Fourier: ISTA, ISTA", l1, 100, L1(DFT(), lam=1.0, solver=printed), EXACT, None),
        ("GMC, Fourier: saddle point, closed form", gmc, 100,
         GMC(DFT(), lam=3.0, gamma=0.8), STOPPED_GMC, 2000),
        ("GMC, Fourier: saddle point, saddle point", gmc, 100,
         GMC(DFT(), lam=3.0, gamma=0.8, solver=printed), STOPPED_GMC, None),
        ("wavelet, visu: pywt", wavelet("visu"), 1000, WaveletShrink(rule="visu"), EXACT, 20),
        ("wavelet, sure: pywt", wavelet("sure"), 1000, WaveletShrink(rule="sure"), EXACT, 20),
        ("wavelet, bayes: pywt", wavelet("bayes"), 1000, WaveletShrink(rule="bayes"), EXACT, 20),
        ("wavelet, visu: scikit-image", skimage("VisuShrink"), 1000,
         WaveletShrink(rule="visu"), ON_AVERAGE, 20),
        ("wavelet, bayes: scikit-image", skimage("BayesShrink"), 1000,
         WaveletShrink(rule="bayes"), ON_AVERAGE, 20),
    ]  # fmt: skip

    print(f"{ITEMS} signals of length {LENGTH}, one thread, medians of {REPEATS} repeats\n")
    print("| method: loop, sigbench | loop, µs/signal | sigbench, µs/signal | ratio | target |")
    print("| --- | ---: | ---: | ---: | --- |")
    for name, loop, signals, denoiser, tolerance, target in rows:
        sigma = SIGMA if isinstance(denoiser, WaveletShrink) else None

        def batched(batch, denoiser=denoiser, sigma=sigma):
            return denoiser(batch[:, None], sigma=sigma)[:, 0]

        few = noisy[:signals]
        looped, ours = np.stack([loop(y) for y in few]), batched(noisy)[:signals]
        if tolerance == ON_AVERAGE:
            difference = rmse(clean[:signals], looped) / rmse(clean[:signals], ours) - 1
        else:
            difference = off(looped, ours)
        assert abs(difference) < tolerance, f"{name}: off by {difference:.2g}"

        slow, fast = seconds(loop, few, batched, noisy)
        ratio = slow / fast
        reached = ""
        if target:
            reached = f"{target}: {'reached' if ratio >= target else 'not reached'}"
        print(
            f"| {name} | {slow * 1e6:.4g} | {fast * 1e6:.3g} | {ratio:.3g} | {reached} |",
            flush=True,
        )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
