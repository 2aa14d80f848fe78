"""Gain of methods that are given the spectrum of colored noise, in place of its level alone.

    python benchmarks/colored.py [--items 20] [--markdown]

Each item is one of the demo signals of the training split with a new draw of the noise. The table
has the mean gain in dB over the noisy signal: with the level of the noise alone, with its true
spectrum, and with the spectrum estimated from the item.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np

from sigbench import DemoSignals
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.methods.wrappers import Whitened
from sigbench.core.protocols import Array, Denoiser, Sigma
from sigbench.denoisers.noise import MAD, NOISE_ESTIMATORS
from sigbench.denoisers.noise.models import StationaryNoise

NAMES = ("blocks", "bumps", "heavisine", "doppler")
RATIO = 4.0  # standard deviation of the signal over that of the noise
ESTIMATOR = "autoregressive"

NATIVE = (
    "wavelet[rule=bayes,shifts=8]",
    "wavelet[rule=visu,scale=0.4,shifts=8]",
    "block-wavelet[shifts=8]",
    "sliding-dct[window=32]",
    "sliding-dct[window=32,wiener=true]",
    "local-wiener[window=9]",
    "l1[transform=dct,lam_over_sigma=1.5]",
)
WHITENED = ("tv[lam_over_sigma=1]", "wavelet[rule=bayes,shifts=8]", "sliding-dct[window=32]")


def spectrum(kind: str, n: int) -> Array:
    """Return the power of noise of variance 1 at ``fftfreq(n)``."""
    f = np.abs(np.fft.fftfreq(n))
    phase = np.exp(-2j * np.pi * f)
    power = {
        "white": np.ones(n),
        "pink": 1 / np.maximum(f, 1 / n),
        "MA(1)": np.abs(1 + 0.9 * phase) ** 2,
        "AR(1)": 1 / np.abs(1 - 0.9 * phase) ** 2,
    }[kind]
    return power / power.mean()


KINDS = ("white", "pink", "MA(1)", "AR(1)")


def draw(power: Array, count: int, rng: np.random.Generator) -> Array:
    """Return noise ``(count, 1, n)`` that is a part of a longer draw, so it is not periodic."""
    n = len(power)
    fine = np.interp(np.abs(np.fft.fftfreq(4 * n)), np.arange(n // 2) / n, power[: n // 2])
    white = np.fft.fft(rng.standard_normal((count, 1, 4 * n)))
    noise = np.fft.ifft(white * np.sqrt(fine / fine.mean())).real[..., :n]
    return np.asarray(noise)


def gain(denoiser: Denoiser, clean: Array, noisy: Array, sigma: Sigma) -> float:
    """Return the mean gain over the items in dB."""
    errors = np.mean((denoiser(noisy, sigma=sigma) - clean) ** 2, axis=(1, 2))
    return float(np.mean(10 * np.log10(np.mean((noisy - clean) ** 2, axis=(1, 2)) / errors)))


def gains(kind: str, items: int) -> dict[str, list[float]]:
    """Return for every method the gains with the level, the spectrum and the estimate."""
    rng = np.random.default_rng(0)
    table: dict[str, list[list[float]]] = {}
    for name in NAMES:
        clean = DemoSignals(name).item("train", 1, 0).astype(np.float64)
        n, level = clean.shape[-1], clean.std() / RATIO
        power = spectrum(kind, n)
        noisy = clean + level * draw(power, items, rng)
        model = StationaryNoise(np.tile(level**2 * power, (items, 1)))
        estimated = NOISE_ESTIMATORS[ESTIMATOR]().estimate_noise(noisy)
        for text in (*NATIVE, *(f"whitened[{one}]" for one in WHITENED)):
            whitened = text.startswith("whitened[")
            method = resolve(text.removeprefix("whitened[").removesuffix("]" * whitened))[0].entry
            wrapped = Whitened(method, MAD()) if whitened else method
            row = [
                gain(method, clean, noisy, level),
                gain(wrapped, clean, noisy, model),
                gain(wrapped, clean, noisy, estimated),
            ]
            table.setdefault(text, []).append(row)
    return {text: np.mean(rows, axis=0).tolist() for text, rows in table.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20, help="draws of the noise per signal")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    results = {kind: gains(kind, arguments.items) for kind in KINDS}
    cells = [["method", *(f"{kind}: level, spectrum, estimated" for kind in KINDS)]]
    for text in results["white"]:
        rows = [" ".join(f"{value:5.2f}" for value in results[kind][text]) for kind in KINDS]
        cells.append([text, *rows])
    if arguments.markdown:
        cells[1:1] = [["---"] * len(cells[0])]
        print("\n".join("| " + " | ".join(row) + " |" for row in cells))
        return
    for row in cells[1:]:
        print(f"{row[0]:40} " + "   ".join(row[1:]))


if __name__ == "__main__":
    main()
