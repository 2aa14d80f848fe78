"""What the committed runs show: claims of the docs, held against results/*/leaderboard.csv."""

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def means(suite, metric):
    """Return the mean of every row, by problem and method."""
    with open(ROOT / "results" / suite / "leaderboard.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == metric]
    problems = dict.fromkeys(row["problem"] for row in rows)
    return {
        problem: {r["method"]: float(r["mean"]) for r in rows if r["problem"] == problem}
        for problem in problems
    }


def test_every_regularized_deconvolution_is_better_than_its_input():
    for problem, of in means("deconvolution", "psnr").items():
        for method, mean in of.items():
            if method not in ("noisy", "inverse"):
                assert mean > of["noisy"], f"{method} on {problem}"


def test_nothing_deconvolves_beyond_the_limit():
    """Gaussian inputs; the filter with the true spectra is at the posterior mean."""
    for problem, of in means("deconvolution", "psnr").items():
        if problem.startswith("process-"):
            assert abs(of["wiener-true"] - of["limit"]) <= 0.05
            assert max(of.values()) <= of["limit"] + 0.005


@pytest.mark.parametrize("length", [1024, 4096])
@pytest.mark.parametrize("snr_db", [20, 40])
def test_least_squares_is_at_the_cramer_rao_bound(length, snr_db):
    of = means("system-function", "system_error")[f"white-{length}-{snr_db}dB"]
    assert abs(of["least-squares"] - of["cramer-rao"]) <= 0.1
    assert of["spectral-division"] >= of["cramer-rao"] + 5


def test_sliding_dct_on_photographs():
    """29.86 and 32.8 dB: measured on the same crops by another implementation."""
    of = means("images32", "psnr")
    assert of["gaussian-25"]["sliding-dct-tuned"] == pytest.approx(29.86, abs=0.3)
    assert of["subsample-4"]["sliding-dct-tuned"] == pytest.approx(32.8, abs=0.3)


@pytest.mark.parametrize("rule", ["visu", "sure", "hybrid", "bayes"])
def test_translation_invariance_does_not_cost_and_mostly_pays(rule):
    """On HeaviSine, where all are near each other, by 0.05 dB at most."""
    for problem, of in means("signals", "psnr").items():
        gain = of[f"{rule}-stationary"] - of[rule]
        assert gain > (-0.05 if problem == "heavisine-snr3" else 0), problem
        assert of[f"{rule}-stationary"] < of["ideal-projection"]


@pytest.mark.parametrize("method", ["blur", "wiener", "l1"])
def test_sure_tunes_as_well_as_the_truth(method):
    """One grid for both: the truth of the training split, or SURE of the noisy test items."""
    for problem, of in means("signals", "psnr").items():
        assert of[f"{method}-sure"] >= of[f"{method}-tuned"] - 0.1, problem


def test_shrinknet_is_at_the_exact_limit():
    """Nearer to it than the samplewise posterior mean, which cannot count, is."""
    of = means("table1", "psnr_table1")["sparse-spikes"]
    assert of["limit-samplewise"] < of["shrinknet"]
    assert of["limit"] - of["shrinknet"] < (of["limit"] - of["limit-samplewise"]) / 2
    assert of["icnn"] > of["limit-samplewise"] - 0.06


@pytest.mark.parametrize(
    ("name", "psnr_within", "rmse_within"),
    [("icnn-report", 0.25, 0.03), ("icnn-report-3e-4", 0.4, 0.06)],
)
def test_the_printed_networks_figures(name, psnr_within, rmse_within):
    """Printed 9.59 / 1.84 and 9.86 / 1.81 (H. Fang, 2021, Table 1)."""
    psnr = means("table1", "psnr_table1")["sparse-spikes"]
    rmse = means("table1", "rmse")["sparse-spikes"]
    for mode, printed in (("running", (9.59, 1.84)), ("input", (9.86, 1.81))):
        assert psnr[f"{name}-{mode}"] == pytest.approx(printed[0], abs=psnr_within)
        assert rmse[f"{name}-{mode}"] == pytest.approx(printed[1], abs=rmse_within)


def test_the_printed_networks_order():
    """Statistics of the input are better than running ones, as printed."""
    of = means("table1", "psnr_table1")["sparse-spikes"]
    assert of["icnn-report-input"] > of["icnn-report-running"] + 0.05


@pytest.mark.parametrize("network", ["dncnn", "unet"])
def test_without_constants_weak_noise_teaches_strong_noise(network):
    """Of networks trained on 0…10; Mohan et al. 2020 (BSD68): 23.25, 11.07 and 24.07 dB."""
    at = means("bias-free", "psnr")["sigma-90"]
    assert at[f"{network}-0-10"] >= at[f"{network}-bias-0-10"] + 8
    assert at[f"{network}-0-10"] >= at[f"{network}-0-100"] - 1.5


def test_the_effective_dimension_of_a_network_falls_with_the_noise():
    """Mohan et al. 2020: by a slope of about −1.1 in log-log; a linear filter's does not."""
    file = ROOT / "results" / "effective-dimension" / "effective_dimension.csv"
    with open(file, encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    slopes = {row["method"]: float(row["slope"]) for row in rows}
    assert slopes["gaussian-blur[width=1]"] == pytest.approx(0, abs=1e-3)
    for method in ("unet-0-100", "unet-0-10", "dncnn-0-100"):
        mean = [float(row["mean"]) for row in rows if row["method"] == method]
        assert len(mean) == 10
        assert mean == sorted(mean, reverse=True)
        assert slopes[method] == pytest.approx(-1.1, abs=0.3)
