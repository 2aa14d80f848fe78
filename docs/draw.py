"""Draw the figures of the documentation: ``make figures``.

Figures of single items are computed here, from the problems of the suites and the weights that come
with sigbench. The others are read from ``results``. Only `engines` needs torch.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import network_figures
import numpy as np
import pywt
import result_figures
import speech_figures
import speech_results
from network_figures import Branch, ImageRow, Shrinkage, Stage
from PIL import Image
from result_figures import COLORS, Example, Risk
from speech_figures import Line

import sigbench
from sigbench.analysis import figures as jacobian_figures
from sigbench.analysis.figures import Sweep
from sigbench.analysis.study import Portrait, prepared, study
from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.methods.sure import sure
from sigbench.cli.denoise.plot import draw
from sigbench.core.media import Content
from sigbench.core.protocols import Block, Oracle, info_of
from sigbench.datasets import Fsdd
from sigbench.networks import nn
from sigbench.networks.models.base import Maps, run
from sigbench.networks.models.icnn import DOWN, PRIOR, TAPS, UP
from sigbench.networks.pretrained.weights import shipped
from sigbench.problems.denoising import Denoising
from sigbench.problems.mixing import Mix
from sigbench.problems.noises import Pink
from sigbench.scoring.metrics import METRICS

ROOT = Path(__file__).parents[1]
SIGNALS = ("blocks", "bumps", "heavisine", "doppler")
SIGNAL_PROBLEMS = [f"{signal}-snr{snr}" for snr in (7, 3) for signal in SIGNALS]
DECONVOLUTION_PROBLEMS = (
    "spikes-gaussian-20dB",
    "spikes-resonance-20dB",
    "process-exponential-0.1",
    "process-box-0.1",
    "photos-gaussian-30dB",
)

TABLE1 = (
    "noisy",
    "gmc-printed",
    "l1-printed",
    "wiener-printed",
    "gmc-tuned",
    "l1-tuned",
    "icnn-report-running",
    "icnn-report-input",
    "icnn-report-he-input",
    "l1-nonneg-tuned",
    "icnn",
    "shrinknet",
    "limit",
)

SWEPT = {
    "gaussian-blur": "Gaussian blur",
    "sliding-dct": "sliding DCT",
    "wavelet": "hard threshold",
}
CROP = 46  # item of the test split: an eye

SPEECH_NOISES = {
    "white": "white noise",
    "pink": "pink noise",
    "babble": "babble",
    "rain": "rain (recorded)",
    "helicopter": "helicopter (recorded)",
}
SPEECH_LINES = {
    "speech-8k": Line("network", COLORS[0]),
    "speech-8k-causal": Line("network, causal", COLORS[5], "--"),
    "om-lsa": Line("OM-LSA", COLORS[1]),
    "log-mmse": Line("log-MMSE", COLORS[2]),
    "berouti-subtraction": Line("Berouti", COLORS[3]),
}
SPEECH_EXAMPLE_S = (0.0, 2.8)  # part of the item
# Families of methods that the figure of quality over cost draws alike.
SPEECH_FAMILIES = {"sparse": "threshold", "wavelet": "threshold", "block transform": "threshold"}


def board(*suites: str) -> list[dict[str, str]]:
    """Return the leaderboard rows of committed runs."""
    rows = []
    for suite in suites:
        with open(ROOT / "results" / suite / "leaderboard.csv", encoding="utf-8") as file:
            rows += list(csv.DictReader(file))
    return rows


def of_families(suite: str, *families: str) -> list[str]:
    """Return the names of a suite's methods that belong to these families."""
    methods = sigbench.load(suite).methods
    return [m.name for m in methods if info_of(m.entry).family in families]


def problem_of(suite: str, name: str) -> Any:
    """Return a problem of a suite."""
    return next(p for p in sigbench.load(suite).problems if p.name == name)


def examples(
    problem: Any, block: Block, methods: dict[str, str], metric: str = "psnr"
) -> list[Example]:
    """Denoise a block of one item by each method; append the PSNR to each title."""
    denoised = []
    for title, text in methods.items():
        method = resolve(text, sigma_given=True)[0]
        entry = bind_problem_info(method.entry, problem.problem_info)
        estimate = problem.apply(entry, block, sigma_given=True)
        value = float(problem.score(METRICS[metric], block, estimate)[0])
        clean = block.clean[0, 0] if block.clean.ndim == 3 else None
        item = estimate[0, 0] if block.clean.ndim == 3 else estimate[0]
        denoised.append(Example(f"{title}: {value:.1f} dB", item, clean))
    return denoised


def first_of(suite: str, name: str, methods: dict[str, str]) -> list[Example]:
    """Denoise the first test item of a problem."""
    problem = problem_of(suite, name)
    return examples(problem, next(problem.blocks(1, 1)), methods)


def table1() -> Any:
    """Draw methods of Table 1 with the limit and the printed values."""
    printed = (sigbench.load("table1").experiments or {})["printed"]
    figure = result_figures.family(
        board("table1"),
        TABLE1,
        ["sparse-spikes"],
        metric="psnr_table1",
        printed={name: psnr for name, (psnr, _) in printed.items()},
    )
    figure.axes[0].set_title('"PSNR" of Table 1', loc="left", fontsize=9.5, fontweight="bold")
    figure.legends[0].set_title('mean "PSNR", 20·log₁₀(10/MSE), in dB with 95 % interval')
    return figure


def linear() -> Any:
    """Draw linear filters on the test signals."""
    rows = of_families("signals", "reference", "linear", "rank", "linear, adaptive")
    return result_figures.family(board("signals"), rows, SIGNAL_PROBLEMS)


def sparse() -> Any:
    """Draw L1 and GMC on the spikes of Table 1 and on three test signals."""
    kinds = ("reference", "sparse", "limit")
    rows = list(dict.fromkeys(of_families("table1", *kinds) + of_families("signals", *kinds)))
    problems = ["sparse-spikes", "blocks-snr7", "heavisine-snr7", "doppler-snr7"]
    return result_figures.family(board("table1", "signals"), rows, problems)


def wavelet() -> Any:
    """Draw wavelet thresholding on the test signals."""
    rows = of_families("signals", "reference", "wavelet", "limit")
    return result_figures.family(board("signals"), rows, SIGNAL_PROBLEMS)


def wavelet_example() -> Any:
    """Draw Blocks, thresholded with and without shifts."""
    hard = "wavelet=haar,shrink=hard"
    return result_figures.signals(
        first_of(
            "signals",
            "blocks-snr7",
            {
                "noisy": "noisy",
                "orthonormal, sym8": "wavelet[wavelet=sym8,shrink=hard]",
                "orthonormal, Haar": f"wavelet[{hard}]",
                "Haar, 16 shifts averaged (cycle spinning)": f"wavelet[{hard},shifts=16]",
                "Haar, all shifts (stationary)": f"wavelet[{hard},shifts=all]",
                "Haar, block thresholds, 16 shifts": "block-wavelet[wavelet=haar,shifts=16]",
            },
        )
    )


def total_variation() -> Any:
    """Draw total variation on a signal that suits it and on one where it makes stairs."""
    methods = {"noisy": "noisy", "total variation, λ = 4 σ": "tv[lam_over_sigma=4]"}
    return result_figures.signals(
        first_of("signals", "blocks-snr3", methods) + first_of("signals", "heavisine-snr3", methods)
    )


def images() -> Any:
    """Draw all methods on crops of photographs."""
    suite = sigbench.load("images32")
    rows = [method.name for method in suite.methods]
    return result_figures.family(board("images32"), rows, [p.name for p in suite.problems])


def images_example() -> Any:
    """Draw a crop of a photograph in the noise of images32, and estimates."""
    crops = sigbench.Photos32(window=64, stride=64, scales=1)
    problem = dataclasses.replace(problem_of("images32", "gaussian-25"), dataset=crops, items=35)
    *_, block = problem.blocks(1, 1)
    methods = {
        "noisy": "noisy",
        "local Wiener, opponent": "local-wiener[colors=opponent,noise_over_sigma=1.2]",
        "total variation": "tv[lam_over_sigma=0.6]",
        "bilateral": "bilateral",
        "non-local means": "nl-means",
        "wavelet, Bayes, shifts": "wavelet[wavelet=db2,rule=bayes,shifts=4]",
        "sliding DCT, opponent": "sliding-dct",
        "network, ×8": "self-ensemble[denoiser=network[weights=resnet]]",
    }
    clean = Example("clean", block.clean[0])
    return result_figures.pictures([clean, *examples(problem, block, methods)], crops.peak)


def deconvolution() -> Any:
    """Draw deconvolution methods on one noise level of each kind of problem."""
    rows = of_families("deconvolution", "reference", "deconvolution", "limit")
    return result_figures.family(board("deconvolution"), rows, DECONVOLUTION_PROBLEMS, columns=3)


def deconvolution_example() -> Any:
    """Draw spikes blurred by a resonance, and their estimates."""
    return result_figures.signals(
        first_of(
            "deconvolution",
            "spikes-resonance-10dB",
            {
                "measured, y = h ∗ x + n": "noisy",
                "inverse filter": "regularized-inverse[alpha=0]",
                "regularized inverse": "regularized-inverse[alpha=0.4]",
                "Wiener, estimated spectrum": "wiener-deconvolution",
                "L1": "sparse-deconvolution[lam_over_sigma=2]",
                "GMC, γ = 0.6": "sparse-deconvolution[lam_over_sigma=4.5,gamma=0.6]",
            },
        ),
        spikes=True,
    )


def system_function() -> Any:
    """Draw the error of the impulse response against the record length."""
    return result_figures.system_function(board("system-function"))


WEIGHTS = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0)  # of total variation, in units of σ


def tuning() -> Any:
    """Draw SURE and the true error of total variation, for one signal and for a batch."""
    problem = problem_of("signals", "heavisine-snr3")
    block = next(problem.blocks(1, 50))
    noise = np.square(block.sigma).mean()
    expected, true = [], []
    for weight in WEIGHTS:
        judged = sure(sigbench.TotalVariation(lam_over_sigma=weight), block.noisy, block.sigma)
        expected.append(judged.mse / noise)
        true.append(np.mean((judged.estimate - block.clean) ** 2, axis=(1, 2)) / noise)
    risks = [
        Risk("one signal", WEIGHTS, *(np.array(curves)[:, 0] for curves in (expected, true))),
        Risk("mean over 50 signals", WEIGHTS, np.mean(expected, axis=1), np.mean(true, axis=1)),
    ]
    return result_figures.risks(
        risks,
        "weight λ of total variation on HeaviSine, in units of σ",
    )


def networks_example() -> Any:
    """Draw two signals of Table 1 and their estimates by classical methods and networks."""
    methods = {
        "noisy": "noisy",
        "local-mean Wiener, as printed": "local-wiener[window=3,border=zero]",
        "non-negative soft threshold, tuned": "l1[transform=identity,nonneg=true,lam=2.6]",
        "ICNN": "network[weights=icnn]",
        "ShrinkNet": "network[weights=shrinknet]",
        "limit: exact posterior mean": "spikes-posterior-mean",
    }
    problem = problem_of("table1", "sparse-spikes")
    columns = [
        examples(problem, block, methods, "psnr_table1")
        for block in itertools.islice(problem.blocks(1, 1), 2)
    ]
    shown = [one for line in zip(*columns, strict=True) for one in line]
    figure = result_figures.signals(shown, spikes=True)
    for ax in figure.axes:
        ax.set_ylim(min(e.item.min() for e in shown) - 1, max(e.item.max() for e in shown) + 1)
    figure.supxlabel("sample (circles: the clean signal; dB: psnr_table1)", fontsize=8.5)
    return figure


def feature_maps() -> Any:
    """Draw the feature maps of the ICNN and of its prior branch for one signal."""
    weights = shipped("icnn")
    block = next(problem_of("table1", "sparse-spikes").blocks(1, 1))
    maps: Maps = {}
    estimate = run(weights.network, weights.arrays, block.noisy, engine="numpy", maps=maps)
    response = sigbench.local_mean_response(block.noisy)
    length, clean = block.noisy.shape[2], block.clean[0, 0]

    def stage(name: str) -> Stage:
        found = maps[name][0]
        channels, n = found.shape
        return Stage(f"{name}: {channels} channels × {n}", found, step=_span(length, n))

    last = stage(f"prior{len(PRIOR)}")
    window = last.maps.shape[1] // TAPS
    beta = float(weights.arrays["prior.beta"][0])
    factors = 1 + beta * nn.max_pool(last.maps[None], window)[0]
    title = f"factors 1 + {beta:.2g}·h: {len(factors)} × {TAPS} taps".replace("+ -", "− ")
    return network_figures.feature_maps(
        [
            Branch(
                Example("input y ↓", block.noisy[0, 0], clean),
                [stage(f"down{i}") for i in range(1, len(DOWN) + 1)],
            ),
            Branch(
                Example("output x̂ ↑", estimate[0, 0], clean),
                [stage(f"up{i}") for i in range(len(UP), 0, -1)],
            ),
            Branch(
                Example("response h of the Wiener filter ↓", response[0, 0]),
                [
                    *(stage(f"prior{i}") for i in range(1, len(PRIOR))),
                    last,
                    Stage(title, factors, step=last.step * window, neutral=1.0),
                ],
                axis="lag",
            ),
        ]
    )


def _span(length: int, n: int) -> int:
    """Return the number of samples per value after pooling by two down to ``n`` values."""
    span = 1
    while length // span > n:
        span *= 2
    return span


def engines() -> Any:
    """Draw the ICNN run by NumPy and by torch, and their differences over 100 signals."""
    weights = shipped("icnn")
    block = next(problem_of("table1", "sparse-spikes").blocks(1, 100))
    noisy = block.noisy.astype(np.float32)
    maps: dict[str, Maps] = {"numpy": {}, "torch": {}}
    outputs = {
        engine: run(weights.network, weights.arrays, noisy, engine=engine, maps=maps[engine])[0, 0]
        for engine in maps
    }
    largest = {
        name: float(np.abs(found - maps["torch"][name]).max() / (np.abs(found).max() or 1))
        for name, found in maps["numpy"].items()
    }
    return network_figures.engines(
        {"NumPy": outputs["numpy"], "PyTorch": outputs["torch"]}, largest
    )


def shrinknet() -> Any:
    """Draw ShrinkNet as a function of the first sample, given few to many other large samples."""
    weights = shipped("shrinknet")
    values = np.linspace(-6, 16, 89)
    block = next(problem_of("table1", "sparse-spikes").blocks(1, 1000))
    large = (block.noisy[:, 0, 1:] > 6).sum(axis=1)
    limit = sigbench.SpikesPosteriorMean()
    panels = []
    for words, share in (("few", 0), ("a median number of", 0.5), ("many", 1)):
        item = np.argsort(large, kind="stable")[round(share * (len(large) - 1))]
        signals = np.repeat(block.noisy[item][None], len(values), axis=0)
        signals[:, 0, 0] = values
        panels.append(
            Shrinkage(
                f"{words} large samples:\n{large[item]} of the other 99 above 2σ",
                run(weights.network, weights.arrays, signals, engine="numpy")[:, 0, 0],
                limit(signals, sigma=3.0)[:, 0, 0],
            )
        )
    alone = sigbench.SpikesPosteriorMean(samplewise=True)
    return network_figures.shrinkage(
        values,
        panels,
        threshold=np.maximum(values - 2.6, 0),
        samplewise=alone(signals, sigma=3.0)[:, 0, 0],
    )


def learning_rates() -> Any:
    """Draw the effect of learning rate, batch size and initialization on the strided network."""
    return network_figures.learning_rates(board("strided"))


def bias_free() -> Any:
    """Draw the PSNR of networks with and without constants against the noise level."""
    ranges = {
        100: result_figures.COLORS[2],
        55: result_figures.COLORS[1],
        10: result_figures.COLORS[0],
    }
    classical = [
        ImageRow("sliding-dct", "sliding DCT, blind", "0.45", "-."),
        ImageRow("noisy", "the noisy input", "0.75", ":"),
    ]
    kinds = {"": ("no constants", "-"), "-bias": ("with constants", "--")}
    return network_figures.noise_levels(
        board("bias-free"),
        {
            title: [
                ImageRow(f"{network}{kind}-0-{to}", f"0…{to}, {words}", color, style, to)
                for to, color in ranges.items()
                for kind, (words, style) in kinds.items()
            ]
            + classical
            for network, title in (("dncnn", "DnCNN"), ("unet", "U-Net"))
        },
    )


def jacobian_images() -> Any:
    """Draw the Jacobians of filters, thresholds and networks at a crop in noise of 30 gray levels."""
    problem = problem_of("bias-free", "sigma-30")
    methods = {
        "linear: Gaussian blur": "gaussian-blur[width=1]",
        "local Wiener": "local-wiener[window=5,sigma=given]",
        "hard threshold, Haar": "wavelet[wavelet=haar,level=3,shrink=hard,scale=0.7,sigma=given]",
        "the same, 8 shifts": "wavelet[wavelet=haar,level=3,shrink=hard,scale=0.7,shifts=8,sigma=given]",
        "network (U-Net), no constants": "network[weights=unet-0-100]",
        "the same, trained on 0…10": "network[weights=unet-0-10]",
        "with constants, 0…10": "network[weights=unet-bias-0-10]",
    }
    return jacobian_figures.portraits(
        {title: studied(problem, text, CROP) for title, text in methods.items()},
        problem.dataset.peak,
    )


def jacobian_signals() -> Any:
    """Draw the Jacobians of methods of Table 1 at one signal."""
    problem = problem_of("table1", "sparse-spikes")
    methods = {
        "local Wiener, as printed": "local-wiener[window=3,border=zero]",
        "soft threshold, tuned": "l1[transform=identity,nonneg=true,lam=2.6]",
        "ICNN": "network[weights=icnn]",
        "ShrinkNet": "network[weights=shrinknet]",
        "limit: posterior mean": "spikes-posterior-mean[sigma=given]",
    }
    return jacobian_figures.portraits(
        {title: studied(problem, text) for title, text in methods.items()}, None
    )


def studied(problem: Any, text: str, item: int = 0) -> Portrait:
    """Return the Jacobian analysis of a method at an item of a problem."""
    (method,) = resolve(text)
    found = study(problem, prepared(problem, method), item=item, sigma_given=method.sigma_given)
    assert found.portrait is not None
    return found.portrait


def effective_dimension() -> Any:
    """Draw the effective dimension of denoisers against the noise level."""
    with open(ROOT / "results/effective-dimension/effective_dimension.csv", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    sweeps = {}
    for name in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == name]
        columns = {
            key: [float(row[key] or "nan") for row in own]
            for key in ("sigma", "mean", "ci_low", "ci_high")
        }
        title = SWEPT.get(name.partition("[")[0], name)
        sweeps[title] = Sweep(*columns.values(), float(own[0]["slope"] or "nan"))
    return jacobian_figures.effective_dimensions(sweeps, 32 * 32)


def speech_example() -> Any:
    """Draw spectrograms of digits in pink noise, or of synthetic speech if FSDD is not fetched."""
    data: Any = Fsdd()
    try:
        data.item("test", 1, 0)
    except sigbench.InputError:
        data = sigbench.SpeechSmoke()
    fs = data.problem_info["fs"]
    problem = Denoising("pink-5dB", data, Mix(Pink(), snr_db=5.0), 1)
    block = next(problem.blocks(1, 1))
    methods = {
        "noisy": "noisy",
        "OM-LSA": "om-lsa",
        "network": f"network[weights=speech-{fs / 1000:g}k]",
        "oracle Wiener mask, a reference": "oracle-wiener-mask",
    }
    first, last = (round(fs * s) for s in SPEECH_EXAMPLE_S)
    signals = {"clean": block.clean[0, 0, first:last]}
    for title, text in methods.items():
        entry = bind_problem_info(resolve(text)[0].entry, problem.problem_info)
        if isinstance(entry, Oracle):
            entry = entry.bind(block.clean)
        estimate = problem.apply(entry, block, sigma_given=False)
        si_sdr, estoi = (
            problem.score(METRICS[metric], block, estimate)[0] for metric in ("si_sdr", "estoi")
        )
        title = f"{title}: SI-SDR {si_sdr:.1f} dB, ESTOI {estoi:.2f}"
        signals[title] = estimate[0, 0, first:last]
    return speech_figures.spectrograms(signals, fs)


def speech_text() -> str:
    """Return the leaderboard of the suite ``speech`` as Markdown, which contains the gains."""
    return (ROOT / "results/speech/leaderboard.md").read_text(encoding="utf-8")


def speech_snr() -> Any:
    """Draw the gains of speech methods over the SNR, for each noise."""
    found = speech_results.gains(speech_text())
    return speech_figures.over_snr(found, SPEECH_NOISES, SPEECH_LINES, "oracle-wiener-mask")


def speech_cost() -> Any:
    """Draw mean gains against real-time factors: networks, and other methods as they come."""
    families = {}
    for method in sigbench.load("speech").methods:
        info = info_of(method.entry)
        if info.family == "network" or method.name == info.name != "noisy":
            families[method.name] = SPEECH_FAMILIES.get(info.family, info.family)
    text = speech_text()
    found, cost = speech_results.gains(text), speech_results.costs(text)
    return speech_figures.quality_over_cost(found, cost, families)


def denoise_plot() -> Any:
    """Return the figure of ``sigbench denoise --plot``: an electrocardiogram with white noise."""
    clean = pywt.data.ecg().astype(np.float64)
    noisy = clean + 10 * np.random.default_rng(0).standard_normal(len(clean))
    content = Content(noisy[None, None], "signal", None, 360.0, lambda estimate, suffix: b"")
    estimate = sigbench.WaveletShrink("sym8", rule="sure", shifts=8)(content.batch, sigma=10.0)
    return draw(content, estimate, "ecg.csv: wavelet[wavelet=sym8,rule=sure,shifts=8]")


FIGURES: dict[str, Callable[[], Any]] = {
    "table1": table1,
    "linear": linear,
    "sparse": sparse,
    "wavelet": wavelet,
    "wavelet-example": wavelet_example,
    "total-variation": total_variation,
    "images": images,
    "images-example": images_example,
    "deconvolution": deconvolution,
    "deconvolution-example": deconvolution_example,
    "system-function": system_function,
    "tuning": tuning,
    "networks-example": networks_example,
    "feature-maps": feature_maps,
    "engines": engines,
    "shrinknet": shrinknet,
    "learning-rates": learning_rates,
    "bias-free": bias_free,
    "jacobian-images": jacobian_images,
    "jacobian-signals": jacobian_signals,
    "effective-dimension": effective_dimension,
    "speech-example": speech_example,
    "speech-snr": speech_snr,
    "speech-cost": speech_cost,
    "denoise-plot": denoise_plot,
}


def save(figure: Any, path: Path) -> None:
    """Write a figure; all but color photographs with a palette of 256 colors, a third of the size."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    with Image.open(buffer) as image:
        pixels = image.convert("RGB")
    if not any(image.get_array().ndim == 3 for ax in figure.axes for image in ax.images):
        # median cut would give too few colors to thin curves next to gray photographs
        pixels = pixels.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    pixels.save(path, optimize=True)


def main(names: list[str], folder: Path = ROOT / "docs" / "figures") -> None:
    """Draw the named figures, by default all."""
    folder.mkdir(exist_ok=True)
    for name in names or FIGURES:
        save(FIGURES[name](), folder / f"{name}.png")
        print(f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
